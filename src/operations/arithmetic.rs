//! What the operators do with numbers: numpy's arithmetic, as Gnocchi 4.7.1 uses it.

use super::{Binary, Unary};
use crate::model::{NS_PER_SECOND, Timestamp};

impl Unary {
    /// Of one number; none for an operator that needs a series.
    pub(super) fn of_number(self, value: f64) -> Option<f64> {
        Some(match self {
            Unary::Absolute => value.abs(),
            Unary::Negative => -value,
            Unary::Cosine => value.cos(),
            Unary::Sine => value.sin(),
            Unary::Tangent => value.tan(),
            Unary::Floor => value.floor(),
            Unary::Ceiling => value.ceil(),
            Unary::RateOfChange | Unary::RateOfChangePerSecond => return None,
        })
    }
}

impl Binary {
    /// Of two numbers. Comparisons with what is no number are false, but for `!=`.
    #[inline]
    pub(super) fn of_numbers(self, left: f64, right: f64) -> f64 {
        let truth = |holds| if holds { 1.0 } else { 0.0 };
        match self {
            Binary::Equal => truth(left == right),
            Binary::Less => truth(left < right),
            Binary::Greater => truth(left > right),
            Binary::LessOrEqual => truth(left <= right),
            Binary::GreaterOrEqual => truth(left >= right),
            Binary::NotEqual => truth(left != right),
            Binary::Modulo => modulo(left, right),
            Binary::Add => left + right,
            Binary::Subtract => left - right,
            Binary::Multiply => left * right,
            Binary::Divide => left / right,
            Binary::Power => left.powf(right),
            Binary::ClipMin => clip_min(left, right),
            Binary::ClipMax => clip_max(left, right),
            Binary::Maximum => left.max(right),
        }
    }
}

/// The remainder with the sign of the divisor.
fn modulo(left: f64, right: f64) -> f64 {
    let rest = left % right;
    if rest == 0.0 {
        0.0f64.copysign(right)
    } else if (rest < 0.0) != (right < 0.0) {
        rest + right
    } else {
        rest
    }
}

/// `value`, but no less than `low`; what is no number stays none, and so it is when `low` is none.
pub(super) fn clip_min(value: f64, low: f64) -> f64 {
    if value.is_nan() || value >= low { value } else { low }
}

/// `value`, but no more than `high`; what is no number stays none, and so it is when `high` is none.
pub(super) fn clip_max(value: f64, high: f64) -> f64 {
    if value.is_nan() || value <= high { value } else { high }
}

/// Each value minus the one before it.
pub(super) fn changes(values: &[f64]) -> Vec<f64> {
    values.windows(2).map(|pair| pair[1] - pair[0]).collect()
}

/// The same per second, the first no number, so that it is as long as `values`.
pub(super) fn changes_per_second(times: &[Timestamp], values: &[f64]) -> Vec<f64> {
    let seconds =
        times.windows(2).map(|pair| pair[1].ns().saturating_sub(pair[0].ns()) as f64 / NS_PER_SECOND as f64);
    let changes = values.windows(2).zip(seconds).map(|(pair, seconds)| (pair[1] - pair[0]) / seconds);
    std::iter::once(f64::NAN).chain(changes).take(values.len()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_remainder_has_the_sign_of_the_divisor() {
        // Python 3: [7 % 3, -7 % 3, 7 % -3, -7 % -3, 6 % -3, 5.5 % inf, -5.5 % inf].
        let inf = f64::INFINITY;
        let cases =
            [(7.0, 3.0), (-7.0, 3.0), (7.0, -3.0), (-7.0, -3.0), (6.0, -3.0), (5.5, inf), (-5.5, inf)];
        let found = cases.map(|(left, right)| Binary::Modulo.of_numbers(left, right));
        assert_eq!(format!("{found:?}"), "[1.0, 2.0, -2.0, -1.0, -0.0, 5.5, inf]");
        assert!(Binary::Modulo.of_numbers(1.0, 0.0).is_nan());
    }

    #[test]
    fn what_is_no_number_spreads_but_for_maximum_and_comparisons() {
        let nan = f64::NAN;
        for operator in [Binary::Add, Binary::ClipMin, Binary::ClipMax, Binary::Modulo] {
            assert!(operator.of_numbers(nan, 1.0).is_nan(), "{operator}");
            assert!(operator.of_numbers(1.0, nan).is_nan(), "{operator}");
        }
        assert_eq!(Binary::Maximum.of_numbers(nan, 1.0), 1.0);
        assert_eq!(Binary::Equal.of_numbers(nan, nan), 0.0);
        assert_eq!(Binary::NotEqual.of_numbers(nan, nan), 1.0);
    }

    #[test]
    fn a_change_belongs_to_the_later_time() {
        let times = [0, 10, 30].map(|s| Timestamp::from_ns(s * NS_PER_SECOND));
        assert_eq!(changes(&[1.0, 3.0, 2.0]), [2.0, -1.0]);
        let per_second = changes_per_second(&times, &[1.0, 3.0, 2.0]);
        assert!(per_second[0].is_nan());
        assert_eq!(per_second[1..], [0.2, -0.05]);
        assert_eq!(changes_per_second(&[], &[]), [0.0; 0]);
    }
}
