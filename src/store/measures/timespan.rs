//! How long rows are seen: of each method by the newest span that has it, as in Gnocchi 4.7.1, where every method is a
//! series of its own.

use crate::model::{Granularity, Timestamp};
use crate::series::{Column, Form, Method, Spans, Statistic};

/// Whether every span that has points has a value of `method`: a single point has no `std`, and perhaps no difference.
pub(super) fn is_in_every_span(method: Method) -> bool {
    method.form == Form::Plain && method.statistic != Statistic::Std
}

/// The last time that the span that begins with `newest` puts out of the timespan.
pub(super) fn gone_until(newest: Timestamp, timespan: Granularity) -> Timestamp {
    Timestamp::from_ns(newest.ns().saturating_sub(timespan.ns()))
}

/// Takes out of each column what its newest value puts out of `timespan`; rows that no column has any more go.
pub(super) fn forget(spans: &mut Spans, timespan: Granularity) {
    let starts = &spans.starts;
    let gone = |column: &Column| match &column.present {
        None => starts.last(),
        Some(present) => present.iter().rposition(|present| *present).map(|row| &starts[row]),
    };
    let gone: Vec<usize> = spans
        .columns
        .iter()
        .map(|column| {
            gone(column).map_or(starts.len(), |newest| {
                let until = gone_until(*newest, timespan);
                starts.partition_point(|start| *start <= until)
            })
        })
        .collect();
    let Some(of_all) = gone.iter().min().copied() else { return };
    let rows = starts.len() - of_all;
    spans.keep(of_all..of_all + rows);
    for (column, gone) in spans.columns.iter_mut().zip(gone) {
        let hidden = gone - of_all;
        if hidden > 0 {
            column.values[..hidden].fill(0.0);
            column.present.get_or_insert_with(|| vec![true; rows])[..hidden].fill(false);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spans(starts: &[i64], columns: &[(&str, &[Option<f64>])]) -> Spans {
        let column = |(method, values): &(&str, &[Option<f64>])| Column {
            method: method.parse().unwrap(),
            values: values.iter().map(|value| value.unwrap_or(0.0)).collect(),
            present: values.iter().any(Option::is_none).then(|| values.iter().map(Option::is_some).collect()),
        };
        Spans {
            granularity: Granularity::from_ns(1).unwrap(),
            starts: starts.iter().map(|start| Timestamp::from_ns(*start)).collect(),
            columns: columns.iter().map(column).collect(),
        }
    }

    #[test]
    fn each_column_is_cut_by_its_own_newest_value() {
        let mut cut = spans(
            &[1, 2, 3, 4],
            &[
                ("mean", &[Some(1.0), Some(2.0), Some(3.0), Some(4.0)]),
                ("std", &[Some(0.1), Some(0.2), Some(0.3), None]),
                ("rate:std", &[None, None, None, None]),
            ],
        );
        forget(&mut cut, Granularity::from_ns(2).unwrap());
        let expected = spans(
            &[2, 3, 4],
            &[
                ("mean", &[None, Some(3.0), Some(4.0)]),
                ("std", &[Some(0.2), Some(0.3), None]),
                ("rate:std", &[None, None, None]),
            ],
        );
        assert_eq!(cut, expected);
    }

    #[test]
    fn only_single_points_and_differences_are_missing_from_spans() {
        let in_every = |word: &str| is_in_every_span(word.parse().unwrap());
        assert!(in_every("mean") && in_every("95pct") && !in_every("std") && !in_every("rate:count"));
    }
}
