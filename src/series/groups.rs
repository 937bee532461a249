//! Statistics of values in groups that follow each other, in Gnocchi's arithmetic.

use super::{Column, Method, Statistic, Step};
use crate::model::Timestamp;

/// The starts of the spans that have points, and for each one past the index of its last point.
///
/// O(points); divides once a span, and not even that where span follows span of one length.
pub(super) fn bounds(times: impl Iterator<Item = Timestamp>, step: Step) -> (Vec<Timestamp>, Vec<usize>) {
    let (mut starts, mut ends) = (Vec::new(), Vec::new());
    let mut stop = i64::MIN;
    let mut count = 0;
    for time in times {
        let at = time.ns();
        if at >= stop || count == 0 {
            if count > 0 {
                ends.push(count);
            }
            let start;
            (start, stop) = match step {
                Step::Span(length) if count > 0 && at < stop.saturating_add(length.ns()) => {
                    (stop, stop.saturating_add(length.ns()))
                }
                _ => step.span(at),
            };
            starts.push(Timestamp::from_ns(start));
        }
        count += 1;
    }
    if count > 0 {
        ends.push(count);
    }
    (starts, ends)
}

/// Values in groups that follow each other, and what several methods share.
pub(super) struct Groups<'a> {
    values: Vec<f64>,
    ends: &'a [usize],
    sums: Option<Vec<f64>>,
    sorted: Option<Vec<f64>>,
}

impl<'a> Groups<'a> {
    /// - `ends`: for each group one past the index of its last value; ascending
    pub(super) fn new(values: Vec<f64>, ends: &'a [usize]) -> Groups<'a> {
        Groups { values, ends, sums: None, sorted: None }
    }

    /// The statistic of each group; a group without values has none.
    pub(super) fn column(&mut self, method: Method) -> Column {
        let (values, missing) = self.statistic(method.statistic);
        // A group is empty only where differences lack the first point: it is the first group.
        let first_is_empty = self.ends.first() == Some(&0);
        let mut present = missing;
        if first_is_empty {
            present.get_or_insert_with(|| vec![true; self.ends.len()])[0] = false;
        }
        if let Some(all) = &present
            && all.iter().all(|present| *present)
        {
            present = None;
        }
        Column { method, values, present }
    }

    /// Values by group, and which groups have one where not all do.
    fn statistic(&mut self, statistic: Statistic) -> (Vec<f64>, Option<Vec<bool>>) {
        let ends = self.ends;
        let values = match statistic {
            Statistic::Sum => self.sums().to_vec(),
            Statistic::Mean => {
                let sums = self.sums();
                counts(ends)
                    .zip(sums)
                    .map(|(count, sum)| if count == 0 { 0.0 } else { sum / count as f64 })
                    .collect()
            }
            Statistic::Count => counts(ends).map(|count| count as f64).collect(),
            Statistic::Min => by_group(&self.values, ends, smallest),
            Statistic::Max => by_group(&self.values, ends, largest),
            Statistic::First => by_group(&self.values, ends, |group| group[0]),
            Statistic::Last => by_group(&self.values, ends, |group| group[group.len() - 1]),
            Statistic::Std => {
                let present = counts(ends).map(|count| count > 1).collect();
                if self.values.len() <= ends.len() && counts(ends).all(|count| count <= 1) {
                    return (vec![0.0; ends.len()], Some(present));
                }
                return (self.deviations(), Some(present));
            }
            Statistic::Median => by_group(self.sorted(), ends, median),
            Statistic::Percentile(percent) => {
                by_group(self.sorted(), ends, |sorted| percentile_of_sorted(sorted, percent))
            }
        };
        (values, None)
    }

    fn sums(&mut self) -> &[f64] {
        let (values, ends) = (&self.values, self.ends);
        self.sums.get_or_insert_with(|| by_group(values, ends, sum))
    }

    /// Sample standard deviations in two passes; 0.0 for a group of one value.
    fn deviations(&mut self) -> Vec<f64> {
        let ends = self.ends;
        self.sums();
        let sums = self.sums.as_deref().unwrap_or_default();
        let mut sums = sums.iter();
        by_group_or_empty(&self.values, ends, |group| {
            let mean = sums.next().copied().unwrap_or_default() / group.len() as f64;
            if group.len() < 2 {
                return 0.0;
            }
            let squares = group.iter().fold(0.0, |sum, value| sum + (value - mean) * (value - mean));
            (squares / (group.len() - 1) as f64).sqrt()
        })
    }

    /// The values, sorted within each group.
    fn sorted(&mut self) -> &[f64] {
        let (values, ends) = (&self.values, self.ends);
        self.sorted.get_or_insert_with(|| {
            let mut sorted = values.clone();
            let mut start = 0;
            for &end in ends {
                if end - start > 1 {
                    sorted[start..end].sort_by(nan_last);
                }
                start = end;
            }
            sorted
        })
    }
}

/// How many values each group has.
fn counts(ends: &[usize]) -> impl Iterator<Item = usize> {
    let mut start = 0;
    ends.iter().map(move |&end| end - std::mem::replace(&mut start, end))
}

/// `of` each group that has values, 0.0 for one that has none.
fn by_group(values: &[f64], ends: &[usize], of: impl Fn(&[f64]) -> f64) -> Vec<f64> {
    // One value a group is the common case of a fine granularity: the compiler makes a plain copy of this loop.
    if values.len() == ends.len() && ends.first() == Some(&1) {
        return values.chunks_exact(1).map(of).collect();
    }
    by_group_or_empty(values, ends, |group| if group.is_empty() { 0.0 } else { of(group) })
}

fn by_group_or_empty(values: &[f64], ends: &[usize], mut of: impl FnMut(&[f64]) -> f64) -> Vec<f64> {
    let mut start = 0;
    ends.iter().map(|&end| of(&values[std::mem::replace(&mut start, end)..end])).collect()
}

/// Added up from zero in order: zero plus minus zero is zero.
fn sum(group: &[f64]) -> f64 {
    group.iter().fold(0.0, |sum, value| sum + value)
}

/// The smallest number, the first of equals; no number only when there is none.
fn smallest(group: &[f64]) -> f64 {
    group[1..].iter().fold(group[0], |best, &value| if value < best || best.is_nan() { value } else { best })
}

/// The largest value, the last of equals, where what is no number is larger than all.
fn largest(group: &[f64]) -> f64 {
    group[1..]
        .iter()
        .fold(group[0], |best, &value| if value >= best || value.is_nan() { value } else { best })
}

/// Between the middle two of at least one value.
fn median(sorted: &[f64]) -> f64 {
    let high = sorted.len() / 2;
    let low = sorted.len() - 1 - high;
    (sorted[low] + sorted[high]) / 2.0
}

/// Gnocchi's own interpolation, not numpy's: both neighbours weighted by their distance.
fn percentile_of_sorted(sorted: &[f64], percent: f64) -> f64 {
    let position = (sorted.len() - 1) as f64 * (percent / 100.0);
    let (floor, ceil) = (position.floor(), position.ceil());
    let (low, high) = (sorted[floor as usize], sorted[ceil as usize]);
    if floor == ceil { low } else { low * (ceil - position) + high * (position - floor) }
}

/// Ascending with what is no number at the end; equals keep their order under a stable sort.
fn nan_last(a: &f64, b: &f64) -> std::cmp::Ordering {
    a.partial_cmp(b).unwrap_or_else(|| a.is_nan().cmp(&b.is_nan()))
}
