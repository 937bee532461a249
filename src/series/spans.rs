//! Spans: sorted raw points become rows of aggregates, one row a span and one column a method.

use std::ops::Range;

use super::groups::{Groups, bounds};
use super::{Column, Form, Method, Point, Series, Step};
use crate::model::{Granularity, NS_PER_SECOND, Timestamp};

/// What was computed of the points of one metric, span by span.
#[derive(Clone, Debug, PartialEq)]
pub struct Spans {
    /// The length of the spans.
    pub granularity: Granularity,
    /// The starts of the spans that have points, ascending.
    pub starts: Vec<Timestamp>,
    /// The columns, in the order of the methods that were asked for; each has a row for every start.
    pub columns: Vec<Column>,
}

impl Spans {
    /// Aggregates raw points by span; bit for bit what Gnocchi 4.7.1 computes, but for the last bits of percentiles.
    ///
    /// - `points`: ascending, no two at one time
    /// - `previous`: the point before the first, for differences, if there was one
    ///
    /// Sums are added in the order of time. `min` passes over what is no number, `max` and percentiles take it for the
    /// largest. One pass over the times and one for each method; percentiles sort each span once for all of them.
    /// Gnocchi's percentiles depend in their last bits on how many points came before the span; ours do not.
    pub fn of(
        points: &[Point],
        previous: Option<Point>,
        granularity: Granularity,
        methods: &[Method],
    ) -> Spans {
        debug_assert!(points.is_sorted_by(|a, b| a.timestamp < b.timestamp));
        let (starts, ends) = bounds(points.iter().map(|point| point.timestamp), Step::Span(granularity));
        // Without a point before it, the first point has no difference, and each group ends one earlier.
        let shorter = usize::from(previous.is_none());
        let rate_ends: Vec<usize> = ends.iter().map(|end| end - shorter).collect();
        // What no method asks for is not made.
        let groups = |form| {
            let wanted = methods.iter().any(|method| method.form == form);
            match form {
                _ if !wanted => Groups::new(Vec::new(), &[]),
                Form::Plain => Groups::new(points.iter().map(|point| point.value).collect(), &ends),
                Form::Rate | Form::PerSecond => Groups::new(differences(previous, points, form), &rate_ends),
            }
        };
        let (mut plain, mut rate, mut per_second) =
            (groups(Form::Plain), groups(Form::Rate), groups(Form::PerSecond));
        let columns = methods
            .iter()
            .map(|method| match method.form {
                Form::Plain => plain.column(*method),
                Form::Rate => rate.column(*method),
                Form::PerSecond => per_second.column(*method),
            })
            .collect();
        Spans { granularity, starts, columns }
    }

    /// Keeps these rows and no others.
    pub fn keep(&mut self, rows: Range<usize>) {
        fn keep<T>(of: &mut Vec<T>, rows: &Range<usize>) {
            of.truncate(rows.end);
            of.drain(..rows.start);
        }
        keep(&mut self.starts, &rows);
        for column in &mut self.columns {
            keep(&mut column.values, &rows);
            if let Some(present) = &mut column.present {
                keep(present, &rows);
            }
        }
    }

    /// The column of `method` as a series of its present values.
    pub fn series(&self, method: Method) -> Option<Series> {
        let column = self.columns.iter().find(|column| column.method == method)?;
        let Some(present) = &column.present else {
            return Some(Series {
                granularity: self.granularity,
                timestamps: self.starts.clone(),
                values: column.values.clone(),
            });
        };
        let rows = || present.iter().enumerate().filter(|(_, present)| **present).map(|(row, _)| row);
        Some(Series {
            granularity: self.granularity,
            timestamps: rows().map(|row| self.starts[row]).collect(),
            values: rows().map(|row| column.values[row]).collect(),
        })
    }
}

/// Each value minus the one before it, divided by the seconds between them where `form` asks for that.
fn differences(previous: Option<Point>, points: &[Point], form: Form) -> Vec<f64> {
    let mut differences = Vec::with_capacity(points.len());
    let mut before = previous;
    for &point in points {
        if let Some(before) = before {
            let seconds = match form {
                Form::PerSecond => {
                    point.timestamp.ns().saturating_sub(before.timestamp.ns()) as f64 / NS_PER_SECOND as f64
                }
                Form::Plain | Form::Rate => 1.0,
            };
            differences.push((point.value - before.value) / seconds);
        }
        before = Some(point);
    }
    differences
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::series::Statistic;

    fn points(list: &[(i64, f64)]) -> Vec<Point> {
        list.iter()
            .map(|(s, value)| Point { timestamp: Timestamp::from_ns(s * NS_PER_SECOND), value: *value })
            .collect()
    }

    fn minute(points: &[Point], previous: Option<Point>, method: &str) -> Vec<Option<f64>> {
        let granularity = Granularity::from_seconds(60).unwrap();
        let spans = Spans::of(points, previous, granularity, &[method.parse().unwrap()]);
        (0..spans.starts.len()).map(|row| spans.columns[0].get(row)).collect()
    }

    #[test]
    fn each_span_has_a_row_and_each_method_a_column() {
        let points = points(&[(0, 1.0), (59, 2.0), (60, 4.0), (200, 8.0), (239, 16.0)]);
        let expected: [(&str, [Option<f64>; 3]); 9] = [
            ("mean", [Some(1.5), Some(4.0), Some(12.0)]),
            ("sum", [Some(3.0), Some(4.0), Some(24.0)]),
            ("min", [Some(1.0), Some(4.0), Some(8.0)]),
            ("max", [Some(2.0), Some(4.0), Some(16.0)]),
            ("count", [Some(2.0), Some(1.0), Some(2.0)]),
            ("std", [Some(0.5f64.sqrt()), None, Some(32.0f64.sqrt())]),
            ("first", [Some(1.0), Some(4.0), Some(8.0)]),
            ("last", [Some(2.0), Some(4.0), Some(16.0)]),
            ("median", [Some(1.5), Some(4.0), Some(12.0)]),
        ];
        for (method, values) in expected {
            assert_eq!(minute(&points, None, method), values, "{method}");
        }
        let spans = Spans::of(&points, None, Granularity::from_seconds(60).unwrap(), &[]);
        assert_eq!(spans.starts.iter().map(|s| s.ns() / NS_PER_SECOND).collect::<Vec<_>>(), [0, 60, 180]);
    }

    #[test]
    fn percentiles_weigh_both_neighbours() {
        // Gnocchi 4.7.1 answers 9.099999999999998 here.
        let four = points(&[(0, 2.0), (1, 1.0), (2, 10.0), (3, 4.0)]);
        assert_eq!(minute(&four, None, "95pct"), [Some(9.099999999999998)]);
        assert_eq!(minute(&four[..1], None, "95pct"), [Some(2.0)]);
    }

    #[test]
    fn differences_cross_the_borders_of_spans_and_belong_to_the_later_point() {
        let list = points(&[(0, 1.0), (59, 2.0), (60, 4.0), (200, 8.0)]);
        assert_eq!(minute(&list, None, "rate:sum"), [Some(1.0), Some(2.0), Some(4.0)]);
        assert_eq!(minute(&list, None, "rate:count"), [Some(1.0), Some(1.0), Some(1.0)]);
        assert_eq!(minute(&list[1..], None, "rate:last"), [None, Some(2.0), Some(4.0)]);
        assert_eq!(minute(&list[1..], Some(list[0]), "rate:last"), [Some(1.0), Some(2.0), Some(4.0)]);
        assert_eq!(minute(&list, None, "rate:std"), [None, None, None]);
        assert_eq!(minute(&list[2..], None, "persec:mean"), [None, Some(4.0 / 140.0)]);
        assert_eq!(minute(&list[2..3], None, "rate:mean"), [None]);
        assert_eq!(minute(&[], None, "rate:mean"), []);
    }

    #[test]
    fn what_is_no_number_is_the_largest_and_never_the_smallest() {
        let list = points(&[(0, f64::NAN), (1, 1.0), (2, 3.0), (60, f64::NAN)]);
        assert_eq!(minute(&list, None, "min")[0], Some(1.0));
        assert!(minute(&list, None, "max")[0].is_some_and(f64::is_nan));
        assert_eq!(minute(&list, None, "median")[0], Some(3.0));
        assert!(minute(&list, None, "min")[1].is_some_and(f64::is_nan));
        assert!(minute(&list, None, "sum")[0].is_some_and(f64::is_nan));
    }

    #[test]
    fn a_sum_of_minus_zero_is_zero_and_an_extreme_keeps_its_sign() {
        let list = points(&[(0, -0.0)]);
        let bits = |method| minute(&list, None, method)[0].map(f64::to_bits);
        assert_eq!(bits("sum"), Some(0.0f64.to_bits()));
        assert_eq!(bits("mean"), Some(0.0f64.to_bits()));
        assert_eq!(bits("min"), Some((-0.0f64).to_bits()));
    }

    #[test]
    fn a_series_leaves_out_spans_without_a_value() {
        let list = points(&[(0, 1.0), (60, 2.0), (61, 4.0)]);
        let std = Method::plain(Statistic::Std);
        let spans = Spans::of(&list, None, Granularity::from_seconds(60).unwrap(), &[std]);
        let series = spans.series(std).unwrap();
        assert_eq!((series.timestamps, series.values), (vec![spans.starts[1]], vec![2.0f64.sqrt()]));
        assert_eq!(spans.series(Method::plain(Statistic::Sum)), None);
    }
}
