//! Differences between consecutive points.

use crate::model::{NS_PER_SECOND, Timestamp};

/// A value at a time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// When.
    pub timestamp: Timestamp,
    /// How much.
    pub value: f64,
}

/// What [`rates`] made of a run of points.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rates {
    /// Differences, each stamped with its later point.
    pub differences: Vec<Point>,
    /// The same divided by the seconds between the two points.
    pub per_second: Vec<Point>,
    /// How often a counter fell.
    pub resets: u64,
    /// Points with the timestamp of another; of such the largest value counted.
    pub duplicates: u64,
    /// The newest point: where the next run goes on.
    pub last: Option<Point>,
}

/// The differences between consecutive points, from `before` on.
///
/// - `points`: any order; sorted by time on return
/// - `cumulative`: the values are a counter; where it falls it was reset, and what it has counted since, its new
///   value, is the difference (Ocata's Ceilometer, Prometheus). Otherwise a fall is a negative difference (Gnocchi).
/// - `gap_max_ns`: points further apart have no difference
///
/// The first point of a series has no difference.
pub fn rates(before: Option<Point>, points: &mut [Point], cumulative: bool, gap_max_ns: i64) -> Rates {
    points.sort_by(|a, b| a.timestamp.cmp(&b.timestamp).then(a.value.total_cmp(&b.value)));
    let mut rates = Rates { last: before, ..Rates::default() };
    for (index, &point) in points.iter().enumerate() {
        if points.get(index + 1).is_some_and(|next| next.timestamp == point.timestamp) {
            rates.duplicates += 1;
            continue;
        }
        let gap_ns = |previous: &Point| point.timestamp.ns().saturating_sub(previous.timestamp.ns());
        if let Some(previous) = rates.last.filter(|previous| gap_ns(previous) <= gap_max_ns) {
            let seconds = (point.timestamp.ns() - previous.timestamp.ns()) as f64 / NS_PER_SECOND as f64;
            if seconds <= 0.0 {
                rates.duplicates += 1;
                continue;
            }
            let fell = cumulative && point.value < previous.value;
            rates.resets += u64::from(fell);
            let value = if fell { point.value } else { point.value - previous.value };
            rates.differences.push(Point { value, ..point });
            rates.per_second.push(Point { value: value / seconds, ..point });
        }
        rates.last = Some(point);
    }
    rates
}

#[cfg(test)]
mod tests {
    use super::*;

    fn points(list: &[(i64, f64)]) -> Vec<Point> {
        list.iter()
            .map(|(s, value)| Point { timestamp: Timestamp::from_ns(s * NS_PER_SECOND), value: *value })
            .collect()
    }

    fn values(of: &[Point]) -> Vec<f64> {
        of.iter().map(|point| point.value).collect()
    }

    #[test]
    fn differences_are_taken_in_time_order_from_the_point_before() {
        let before = points(&[(0, 1.0)])[0];
        let found = rates(Some(before), &mut points(&[(20, 11.0), (10, 5.0)]), true, i64::MAX);
        assert_eq!(values(&found.differences), [4.0, 6.0]);
        assert_eq!(values(&found.per_second), [0.4, 0.6]);
        assert_eq!(found.last, Some(points(&[(20, 11.0)])[0]));
        assert_eq!(values(&rates(None, &mut points(&[(0, 5.0)]), true, i64::MAX).differences), [0.0; 0]);
    }

    #[test]
    fn a_counter_that_falls_was_reset_and_a_gauge_that_falls_was_not() {
        let fall = [(0, 10.0), (1, 3.0), (2, 4.0)];
        let counter = rates(None, &mut points(&fall), true, i64::MAX);
        assert_eq!((values(&counter.differences), counter.resets), (vec![3.0, 1.0], 1));
        let gauge = rates(None, &mut points(&fall), false, i64::MAX);
        assert_eq!((values(&gauge.differences), gauge.resets), (vec![-7.0, 1.0], 0));
    }

    #[test]
    fn points_too_far_apart_have_no_difference() {
        let list = [(0, 1.0), (10, 2.0), (21, 4.0)];
        let found = rates(None, &mut points(&list), true, 10 * NS_PER_SECOND);
        assert_eq!(values(&found.differences), [1.0]);
        assert_eq!(found.last, Some(points(&list)[2]));
    }

    #[test]
    fn of_points_at_one_time_the_largest_counts_in_any_order() {
        for list in [[(0, 1.0), (1, 2.0), (1, 5.0)], [(1, 5.0), (1, 2.0), (0, 1.0)]] {
            let found = rates(None, &mut points(&list), true, i64::MAX);
            assert_eq!((values(&found.differences), found.duplicates), (vec![4.0], 1));
        }
    }
}
