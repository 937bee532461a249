//! What is kept of the values of one span until the span closes.

use super::{ExactSum, Method, Point, Statistic, percentile};
use crate::model::Timestamp;

/// What the wanted statistics need beyond count, sum and extremes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Needs {
    /// Sums of squares.
    pub squares: bool,
    /// All values.
    pub values: bool,
}

impl Needs {
    /// What `methods` need together.
    pub fn of<'a>(methods: impl IntoIterator<Item = &'a Method>) -> Needs {
        methods.into_iter().fold(Needs::default(), |needs, method| match method.statistic {
            Statistic::Std => Needs { squares: true, ..needs },
            Statistic::Median | Statistic::Percentile(_) => Needs { values: true, ..needs },
            _ => needs,
        })
    }
}

/// Running statistics of a set of points; the same for every order in which they come.
#[derive(Clone, Debug)]
pub struct Accumulator {
    count: u64,
    sum: ExactSum,
    min: f64,
    max: f64,
    first: Point,
    last: Point,
    more: Option<Box<More>>,
}

/// What only some methods need.
#[derive(Clone, Debug, Default)]
struct More {
    squares: ExactSum,
    values: Vec<f64>,
}

impl Accumulator {
    /// Of no points yet.
    pub fn new(needs: Needs) -> Accumulator {
        let nowhere = |ns| Point { timestamp: Timestamp::from_ns(ns), value: f64::NAN };
        Accumulator {
            count: 0,
            sum: ExactSum::default(),
            min: f64::INFINITY,
            max: f64::NEG_INFINITY,
            first: nowhere(i64::MAX),
            last: nowhere(i64::MIN),
            more: (needs != Needs::default()).then(Box::default),
        }
    }

    /// Takes a point with a finite value. Amortised O(1).
    #[inline]
    pub fn add(&mut self, point: Point, needs: Needs) {
        // Minus zero becomes zero: which of the two came first must not show.
        let point = Point { value: point.value + 0.0, ..point };
        let Point { timestamp, value } = point;
        self.count += 1;
        self.sum.add(value);
        self.min = if value < self.min { value } else { self.min };
        self.max = if value > self.max { value } else { self.max };
        // Ties in time: the smallest value is first and the largest last, whatever the order of arrival.
        if timestamp < self.first.timestamp || timestamp == self.first.timestamp && value < self.first.value {
            self.first = point;
        }
        if timestamp > self.last.timestamp || timestamp == self.last.timestamp && value > self.last.value {
            self.last = point;
        }
        if let Some(more) = &mut self.more {
            if needs.squares {
                more.squares.add_square(value);
            }
            if needs.values {
                more.values.push(value);
            }
        }
    }

    /// How many points were taken.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// A statistic of the points; none where it is not defined (no points, `std` of one) or out of range.
    ///
    /// O(1), O(n) for percentiles, which reorder the kept values.
    pub fn get(&mut self, statistic: Statistic) -> Option<f64> {
        if self.count == 0 {
            return None;
        }
        let value = match statistic {
            Statistic::Mean => self.sum.value() / self.count as f64,
            Statistic::Sum => self.sum.value(),
            Statistic::Min => self.min,
            Statistic::Max => self.max,
            Statistic::Count => self.count as f64,
            Statistic::First => self.first.value,
            Statistic::Last => self.last.value,
            Statistic::Std if self.count < 2 => return None,
            Statistic::Std => {
                let deviation = self.more.as_ref()?.squares.deviation(self.sum, self.count);
                // Squares of values near the end of the range vanish: no answer is better than a wrong one.
                if deviation == 0.0 && self.min < self.max {
                    return None;
                }
                (deviation / (self.count - 1) as f64).sqrt()
            }
            Statistic::Median => percentile(&mut self.more.as_mut()?.values, 50.0)?,
            Statistic::Percentile(percent) => percentile(&mut self.more.as_mut()?.values, percent)?,
        };
        value.is_finite().then_some(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ALL: [Statistic; 10] = [
        Statistic::Mean,
        Statistic::Sum,
        Statistic::Min,
        Statistic::Max,
        Statistic::Count,
        Statistic::Std,
        Statistic::Median,
        Statistic::First,
        Statistic::Last,
        Statistic::Percentile(95.0),
    ];

    fn all(points: &[(i64, f64)]) -> Vec<Option<f64>> {
        let needs = Needs { squares: true, values: true };
        let mut accumulator = Accumulator::new(needs);
        for (ns, value) in points {
            accumulator.add(Point { timestamp: Timestamp::from_ns(*ns), value: *value }, needs);
        }
        ALL.iter().map(|statistic| accumulator.get(*statistic)).collect()
    }

    #[test]
    fn statistics_are_gnocchis() {
        // Gnocchi 4.7.1: std with ddof 1, median between the middle two, 95pct linear (reference: gnocchi, 5.3).
        let found = all(&[(1, 1.0), (2, 2.0), (3, 4.0), (4, 10.0)]);
        let expected = [4.25, 17.0, 1.0, 10.0, 4.0, 4.031128874149275, 3.0, 1.0, 10.0, 9.099999999999998];
        assert_eq!(found, expected.map(Some));
        assert_eq!(all(&[(1, 5.0)])[5], None);
        assert_eq!(all(&[]), [None; 10]);
    }

    #[test]
    fn a_deviation_whose_squares_go_out_of_range_is_left_out() {
        for scale in [1e160, 1e-170] {
            assert_eq!(all(&[(1, scale), (2, 3.0 * scale)])[5], None, "{scale}");
        }
        assert_eq!(all(&[(1, 1e-170), (2, 1e-170)])[5], Some(0.0));
    }

    #[test]
    fn minus_zero_is_zero_in_any_order() {
        let zeros = [(1, 0.0), (1, -0.0)];
        let bits =
            |points: &[(i64, f64)]| all(points).iter().map(|v| v.map(f64::to_bits)).collect::<Vec<_>>();
        assert_eq!(bits(&zeros), bits(&[zeros[1], zeros[0]]));
    }

    #[test]
    fn a_sum_out_of_range_is_no_number() {
        assert_eq!(all(&[(1, 1.7e308), (2, 1.7e308)])[..4], [None, None, Some(1.7e308), Some(1.7e308)]);
    }

    proptest! {
        #[test]
        fn the_order_of_arrival_does_not_show(points in proptest::collection::vec((0i64..20, -1e6f64..1e6), 1..60), seed in any::<u64>()) {
            let mut shuffled = points.clone();
            shuffled.sort_by_key(|(ns, value)| (ns.wrapping_mul(seed as i64), value.to_bits().wrapping_mul(seed)));
            prop_assert_eq!(all(&points), all(&shuffled));
        }
    }
}
