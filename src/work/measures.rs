//! The measures of one metric: asked for and added, as Gnocchi's `/v1/metric/ID/measures` does.

use std::cmp::Ordering;

use thiserror::Error;

use super::stored::{NotKept, Range, Stored, Want, granularities, read};
use crate::model::{Granularity, Timestamp};
use crate::series::{NoRatesByCalendar, Point, Series, Step, resample};
use crate::store::index::Metric;
use crate::store::measures::{Arrival, Arrived, Effort, Found, Horizon, MeasuresError, Wanted};
use crate::store::{Store, StoreError};

/// Which measures are asked for.
#[derive(Clone, Debug)]
pub struct Query {
    /// The aggregation method, as it is written.
    pub method: String,
    /// Of which time.
    pub range: Range,
    /// At which granularity; none: at all there are.
    pub granularity: Option<Granularity>,
    /// What the series of that granularity is resampled to.
    pub resample: Option<Step>,
}

/// One series of an answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Level {
    /// The spans that it is of.
    pub step: Step,
    /// Their starts and values.
    pub series: Series,
}

/// Measures that cannot be had.
#[derive(Debug, Error)]
pub enum CannotShow {
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The metric has no such thing.
    #[error(transparent)]
    NotKept(#[from] NotKept),
    /// Which of the series is to be resampled?
    #[error("A granularity must be specified to resample")]
    ResampleWhat,
    /// Rates of unequal spans.
    #[error(transparent)]
    NoRatesByCalendar(#[from] NoRatesByCalendar),
}

/// The measures of `metric`, the coarsest granularity first; and what of the journals is damaged.
///
/// A resampled series is made of all spans that fall into its own, those outside of the range too, and then cut: each of its
/// values is whole. (Gnocchi 4.7.1 resamples what it happens to have loaded, which is as much near the ends of the range.)
///
/// # Errors
/// [`CannotShow`]
pub fn show(
    store: &Store,
    metric: &Metric,
    query: &Query,
) -> Result<(Vec<Level>, Vec<MeasuresError>), CannotShow> {
    let wanted = match (query.granularity, query.resample) {
        (None, Some(_)) => return Err(CannotShow::ResampleWhat),
        (None, None) => granularities(&metric.archive_policy).collect(),
        (Some(one), _) => vec![one],
    };
    let method = NotKept::method(metric, &query.method)?;
    for granularity in &wanted {
        NotKept::granularity(metric, *granularity)?;
    }
    let range = if query.resample.is_some() { Range::default() } else { query.range };
    let Stored { series, damage } = read(store, &[Want { metric, method }], &wanted, range)?;
    let series = series.into_iter().flatten();
    let levels = series.map(|series| match query.resample {
        None => Ok(Level { step: Step::Span(series.granularity), series }),
        Some(step) => {
            let (timestamps, mut columns) = resample(&series.timestamps, vec![series.values], step, method)?;
            let values = columns.pop().unwrap_or_default();
            let whole = Series { timestamps, values, ..Series::empty(series.granularity) };
            Ok(Level { step, series: cut(whole, step, query.range) })
        }
    });
    Ok((levels.collect::<Result<_, CannotShow>>()?, damage))
}

/// The spans from the one that the start falls in to the last that begins before the stop.
pub(super) fn cut(mut series: Series, step: Step, range: Range) -> Series {
    if let Some(stop) = range.stop {
        let rows = series.timestamps.partition_point(|at| *at < stop);
        series.timestamps.truncate(rows);
        series.values.truncate(rows);
    }
    if let Some(start) = range.start {
        let start = step.start(start);
        let rows = series.timestamps.partition_point(|at| *at < start);
        series.timestamps.drain(..rows);
        series.values.drain(..rows);
    }
    series
}

/// Points that cannot be added.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("Timestamp must be after Epoch, and {0} is not")]
pub struct BeforeEpoch(pub Timestamp);

/// Puts the points of one call in the order in which they come: by time, and of several at one time only the smallest, what
/// is no number last (Gnocchi 4.7.1 sorts a POST by time and value).
///
/// # Errors
/// [`BeforeEpoch`] when one is older than 1970; Gnocchi refuses such a call as a whole.
pub fn one_call(points: &mut Vec<Point>) -> Result<(), BeforeEpoch> {
    if let Some(old) = points.iter().find(|point| point.timestamp.ns() < 0) {
        return Err(BeforeEpoch(old.timestamp));
    }
    points.sort_by(|a, b| a.timestamp.cmp(&b.timestamp).then_with(|| by_value(a.value, b.value)));
    points.dedup_by_key(|point| point.timestamp);
    Ok(())
}

fn by_value(a: f64, b: f64) -> Ordering {
    a.partial_cmp(&b).unwrap_or_else(|| a.is_nan().cmp(&b.is_nan()))
}

/// Adds the points of one call, which [`one_call`] has put in order; on return they survive a power failure. How many of them
/// are late, and so dropped, and what was found in the journal that should not be there.
///
/// # Errors
/// When the system refuses.
pub fn add(store: &Store, metric: &Metric, points: &[Point]) -> Result<(u64, Vec<Found>), StoreError> {
    debug_assert!(points.is_sorted_by(|a, b| a.timestamp < b.timestamp));
    let mut arrivals: Vec<Arrival> =
        points.iter().map(|point| Arrival { metric: metric.number, point: *point }).collect();
    let mut horizon = Horizon::default();
    let wanted = [Wanted { metric: metric.number, policy: &metric.archive_policy }];
    store.snapshot()?.activity(&wanted, |_, activity| horizon = activity.horizon)?;
    let mut is_late =
        |point: &&Point| horizon.arrive(point.timestamp, &metric.archive_policy) == Arrived::Late;
    let late = points.iter().filter(|point| is_late(point)).count() as u64;
    let appended = store.writer()?.append(&mut arrivals)?;
    if store.is_due(appended.journal_bytes) {
        store.maintain(Effort::Due)?;
    }
    Ok((late, appended.found))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::NS_PER_SECOND;

    fn point(seconds: i64, value: f64) -> Point {
        Point { timestamp: Timestamp::from_ns(seconds * NS_PER_SECOND), value }
    }

    #[test]
    fn of_several_points_at_one_time_the_smallest_is_taken() {
        let mut points =
            vec![point(9, f64::NAN), point(5, 2.0), point(9, 7.0), point(5, -1.0), point(7, f64::NAN)];
        one_call(&mut points).unwrap();
        let shown: Vec<String> =
            points.iter().map(|p| format!("{} {}", p.timestamp.ns() / NS_PER_SECOND, p.value)).collect();
        assert_eq!(shown, ["5 -1", "7 NaN", "9 7"]);
    }

    #[test]
    fn a_call_with_a_point_before_1970_is_refused() {
        let mut points = vec![point(0, 1.0), point(-1, 1.0)];
        assert_eq!(one_call(&mut points), Err(BeforeEpoch(Timestamp::from_ns(-NS_PER_SECOND))));
    }

    #[test]
    fn a_range_begins_with_the_span_that_its_start_falls_in() {
        let step: Step = "10".parse().unwrap();
        let at = |seconds: i64| Timestamp::from_ns(seconds * NS_PER_SECOND);
        let series = Series {
            granularity: Granularity::from_seconds(10).unwrap(),
            timestamps: vec![at(0), at(10), at(20), at(30)],
            values: vec![0.0, 1.0, 2.0, 3.0],
        };
        let range = Range { start: Some(at(19)), stop: Some(at(30)) };
        assert_eq!(cut(series, step, range).values, [1.0, 2.0]);
    }
}
