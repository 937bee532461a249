//! Groups by what resources once were: each state of a resource counts for the time that it lasted.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::Refusal;
use super::Search;
use super::subject::{Found, key};
use crate::model::{Granularity, Timestamp};
use crate::operations::Answer;
use crate::series::Series;
use crate::store::index::Resource;
use crate::work::stored::Range;

/// The states of resources, in groups, each with the part of `range` that it lasted.
///
/// As in Gnocchi 4.7.1, the first state there is of a resource also stands for the time before it. Unlike there, each
/// resource counts for itself: Gnocchi takes two states of one group that begin at the same time, such as the start of the
/// range, for one, and forgets the second resource.
pub(super) fn groups(mut states: Vec<Resource>, search: &Search, range: Range) -> Vec<Found> {
    states.retain(|state| {
        range.stop.is_none_or(|stop| state.revision_start < stop)
            && range.start.is_none_or(|start| state.revision_end.is_none_or(|end| end >= start))
    });
    states.sort_by_key(|state| (state.number, state.revision_start));
    let mut before = None;
    let mut lasting: Vec<(String, Found)> = Vec::new();
    for state in states {
        let first = before.replace(state.number) != Some(state.number);
        let start = if first { range.start } else { range.start.max(Some(state.revision_start)) };
        let stop = match (range.stop, state.revision_end) {
            (Some(stop), Some(end)) => Some(stop.min(end)),
            (stop, end) => stop.or(end),
        };
        if start.zip(stop).is_some_and(|(start, stop)| start >= stop) {
            continue;
        }
        let key = key(&state, &search.group_by);
        let order = key.iter().map(|(_, value)| format!("{value}\n")).collect();
        lasting.push((order, (key, vec![(Range { start, stop }, vec![state])])));
    }
    lasting.sort_by(|(a, _), (b, _)| a.cmp(b));
    let mut groups: Vec<Found> = Vec::new();
    for (_, (key, parts)) in lasting {
        match groups.last_mut() {
            Some((last, known)) if *last == key => known.extend(parts),
            _ => groups.push((key, parts)),
        }
    }
    groups
}

/// The answers of all parts of a group: each value weighed by how much of its span the part lasted, and added up by time.
pub(super) fn added_up(parts: Vec<(Range, Answer)>) -> Result<Vec<Series>, Refusal> {
    // By granularity, coarsest first; two of one answer may be resampled to the same.
    let mut sums: BTreeMap<(Reverse<Granularity>, usize), BTreeMap<Timestamp, f64>> = BTreeMap::new();
    for (range, answer) in parts {
        let Answer::Aggregated(levels) = answer else { return Err(Refusal::NotAggregated) };
        for (at, level) in levels.iter().enumerate() {
            let alike = levels[..at].iter().filter(|before| before.granularity == level.granularity).count();
            let sums = sums.entry((Reverse(level.granularity), alike)).or_default();
            for (time, value) in level.timestamps.iter().zip(&level.values) {
                *sums.entry(*time).or_default() += value * share(range, *time, level.granularity);
            }
        }
    }
    let series = |((Reverse(granularity), _), sums): ((Reverse<Granularity>, usize), BTreeMap<_, _>)| {
        let (timestamps, values) = sums.into_iter().unzip();
        Series { granularity, timestamps, values }
    };
    Ok(sums.into_iter().map(series).collect())
}

/// How much of the span that begins at `time` lies in `range`.
fn share(range: Range, time: Timestamp, granularity: Granularity) -> f64 {
    let end = time.ns().saturating_add(granularity.ns());
    let from = range.start.map_or(time.ns(), |start| start.ns().max(time.ns()));
    let to = range.stop.map_or(end, |stop| stop.ns().min(end));
    to.saturating_sub(from) as f64 / granularity.ns() as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::NS_PER_SECOND;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_ns(seconds * NS_PER_SECOND)
    }

    fn minute(list: &[(i64, f64)]) -> Answer {
        Answer::Aggregated(vec![Series {
            granularity: Granularity::from_seconds(60).unwrap(),
            timestamps: list.iter().map(|(seconds, _)| at(*seconds)).collect(),
            values: list.iter().map(|(_, value)| *value).collect(),
        }])
    }

    #[test]
    fn a_value_counts_for_the_share_of_its_span_that_a_state_lasted() {
        let parts = vec![
            (Range { start: None, stop: Some(at(75)) }, minute(&[(0, 8.0), (60, 8.0)])),
            (Range { start: Some(at(105)), stop: None }, minute(&[(60, 4.0), (120, 4.0)])),
        ];
        let sums = added_up(parts).unwrap();
        assert_eq!(sums[0].timestamps, [at(0), at(60), at(120)]);
        assert_eq!(sums[0].values, [8.0, 2.0 + 1.0, 4.0]);
    }

    #[test]
    fn series_of_single_metrics_are_not_added_up() {
        let refused = added_up(vec![(Range::default(), Answer::Each(Vec::new()))]);
        assert!(matches!(refused, Err(Refusal::NotAggregated)));
    }
}
