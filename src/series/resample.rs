//! Resampling: an aggregated series is aggregated once more, to longer spans.

use thiserror::Error;

use super::groups::{Groups, bounds};
use super::{Form, Method, Series, Step};
use crate::model::{Granularity, Timestamp};

/// Rates cannot be resampled to spans of unequal length.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("Cannot derive aggregates on calendar granularities.")]
pub struct NoRatesByCalendar;

/// Resamples columns that share their timestamps; gives the timestamps and columns of the longer spans.
///
/// - `timestamps`: ascending
/// - `columns`: each as long as `timestamps`
///
/// The values are aggregated as if they were raw points, as Gnocchi 4.7.1 does: a mean becomes the mean of means, a
/// count the number of spans, and a `rate:` the rate between spans. Our `persec:` is resampled as what it is, a value.
/// Spans without a value, such as the `std` of one, are left out.
///
/// # Errors
/// [`NoRatesByCalendar`]
pub fn resample(
    timestamps: &[Timestamp],
    columns: Vec<Vec<f64>>,
    step: Step,
    method: Method,
) -> Result<(Vec<Timestamp>, Vec<Vec<f64>>), NoRatesByCalendar> {
    let rate = method.form == Form::Rate;
    if rate && matches!(step, Step::Calendar(_)) {
        return Err(NoRatesByCalendar);
    }
    let (mut starts, mut ends) = bounds(timestamps.iter().copied(), step);
    if rate {
        // The first value has no difference, and each group ends one earlier.
        ends.iter_mut().for_each(|end| *end -= 1);
    }
    let mut present = None;
    let mut resampled = Vec::with_capacity(columns.len());
    for mut values in columns {
        debug_assert_eq!(values.len(), timestamps.len());
        if rate {
            values = values.windows(2).map(|pair| pair[1] - pair[0]).collect();
        }
        let column = Groups::new(values, &ends).column(method);
        resampled.push(column.values);
        // Which spans have a value follows from how many points they have: it is the same for all.
        present = column.present;
    }
    if let Some(present) = present {
        keep(&mut starts, &present);
        resampled.iter_mut().for_each(|values| keep(values, &present));
    }
    Ok((starts, resampled))
}

/// Leaves only the rows that are present.
fn keep<T>(rows: &mut Vec<T>, present: &[bool]) {
    let mut present = present.iter();
    rows.retain(|_| present.next().copied().unwrap_or(false));
}

impl Series {
    /// The series resampled to `granularity`; see [`resample`].
    pub fn resampled(self, granularity: Granularity, method: Method) -> Series {
        let step = Step::Span(granularity);
        let Ok((timestamps, mut columns)) = resample(&self.timestamps, vec![self.values], step, method)
        else {
            return Series::empty(granularity);
        };
        Series { granularity, timestamps, values: columns.pop().unwrap_or_default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::NS_PER_SECOND;
    use crate::series::{Point, Spans};
    use proptest::prelude::*;

    fn series(step: i64, list: &[(i64, f64)]) -> Series {
        Series {
            granularity: Granularity::from_seconds(step).unwrap(),
            timestamps: list.iter().map(|(s, _)| Timestamp::from_ns(s * NS_PER_SECOND)).collect(),
            values: list.iter().map(|(_, value)| *value).collect(),
        }
    }

    #[test]
    fn a_series_is_aggregated_by_the_same_method_again() {
        let fine = series(60, &[(0, 1.0), (60, 2.0), (120, 4.0), (300, 8.0), (600, 1.0), (660, 3.0)]);
        let to = |method: &str| {
            let coarse =
                fine.clone().resampled(Granularity::from_seconds(300).unwrap(), method.parse().unwrap());
            let seconds = coarse.timestamps.iter().map(|t| t.ns() / NS_PER_SECOND);
            seconds.zip(coarse.values).collect::<Vec<(i64, f64)>>()
        };
        assert_eq!(to("mean"), [(0, 7.0 / 3.0), (300, 8.0), (600, 2.0)]);
        assert_eq!(to("count"), [(0, 3.0), (300, 1.0), (600, 2.0)]);
        assert_eq!(to("std")[1], (600, 2.0f64.sqrt()));
        assert_eq!(to("rate:sum"), [(0, 3.0), (300, 4.0), (600, -5.0)]);
        assert_eq!(to("persec:last"), [(0, 4.0), (300, 8.0), (600, 3.0)]);
    }

    #[test]
    fn months_are_as_long_as_they_are_and_have_no_rates() {
        let day = 86_400;
        let fine =
            series(day, &[(0, 1.0), (30 * day, 2.0), (31 * day, 4.0), (58 * day, 8.0), (59 * day, 1.0)]);
        let month: Step = "M".parse().unwrap();
        let (starts, columns) =
            resample(&fine.timestamps, vec![fine.values.clone()], month, "sum".parse().unwrap()).unwrap();
        assert_eq!(starts.iter().map(|t| t.ns() / NS_PER_SECOND / day).collect::<Vec<_>>(), [0, 31, 59]);
        assert_eq!(columns, [[3.0, 12.0, 1.0]]);
        let rate = resample(&fine.timestamps, vec![fine.values], month, "rate:sum".parse().unwrap());
        assert_eq!(rate, Err(NoRatesByCalendar));
    }

    #[test]
    fn nothing_stays_nothing() {
        for method in ["mean", "rate:mean"] {
            assert_eq!(
                series(60, &[])
                    .resampled(Granularity::from_seconds(300).unwrap(), method.parse().unwrap())
                    .len(),
                0
            );
        }
    }

    proptest! {
        #[test]
        fn coarse_spans_are_aggregates_of_fine_ones(
            steps in proptest::collection::vec((1i64..200, -1_000i32..1_000), 0..80),
        ) {
            let mut at = 0;
            let points: Vec<Point> = steps.iter().map(|(step, value)| {
                at += step;
                Point { timestamp: Timestamp::from_ns(at * NS_PER_SECOND), value: f64::from(*value) }
            }).collect();
            let (fine, coarse) =
                (Granularity::from_seconds(60).unwrap(), Granularity::from_seconds(300).unwrap());
            // Counts of fine spans are added up; the others are their own aggregates.
            for (method, again) in [("sum", "sum"), ("min", "min"), ("max", "max"), ("count", "sum"), ("first", "first"), ("last", "last")] {
                let (method, again): (Method, Method) = (method.parse().unwrap(), again.parse().unwrap());
                let of = |granularity| Spans::of(&points, None, granularity, &[method]).series(method).unwrap();
                prop_assert_eq!(of(fine).resampled(coarse, again), of(coarse));
            }
        }

        #[test]
        fn resampling_to_the_same_spans_changes_nothing(values in proptest::collection::vec(-1e9f64..1e9, 0..40)) {
            let list: Vec<(i64, f64)> = values.iter().enumerate().map(|(i, v)| (60 * i as i64, *v)).collect();
            let fine = series(60, &list);
            for method in ["mean", "sum", "min", "max", "first", "last", "median", "50pct"] {
                let again = fine.clone().resampled(fine.granularity, method.parse().unwrap());
                prop_assert_eq!(&again, &fine);
            }
        }
    }
}
