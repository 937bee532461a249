//! Numbers that compare exactly, whole or not.

use std::cmp::Ordering;

/// A number of a filter or a record.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Number {
    /// A whole number, from the least `i64` to the greatest `u64`.
    Integer(i128),
    /// Any other.
    Float(f64),
}

impl Number {
    /// Reads `[+-]digits[.digits][e[+-]digits]`, Gnocchi's numbers; `None` when `text` is none.
    ///
    /// A number too large to be finite comes back as an infinite float.
    pub(super) fn parse(text: &str) -> Option<Number> {
        let digits_end = |from: usize| {
            text[from..].find(|c: char| !c.is_ascii_digit()).map_or(text.len(), |length| from + length)
        };
        let whole_start = usize::from(text.starts_with(['+', '-']));
        let whole_end = digits_end(whole_start);
        let mut end = whole_end;
        if text[end..].starts_with('.') {
            end = digits_end(end + 1);
        }
        if text[end..].starts_with(['e', 'E']) {
            let signed = text[end + 1..].starts_with(['+', '-']);
            let exponent_start = end + 1 + usize::from(signed);
            end = digits_end(exponent_start);
            if end == exponent_start {
                return None;
            }
        }
        if whole_end == whole_start || end != text.len() {
            return None;
        }
        let whole = text.parse::<i128>().ok().filter(|&value| {
            // JSON reads `-0` as a float, and both forms shall agree.
            let signed_zero = value == 0 && text.starts_with('-');
            (i128::from(i64::MIN)..=i128::from(u64::MAX)).contains(&value) && !signed_zero
        });
        whole.map(Number::Integer).or_else(|| text.parse().ok().map(Number::Float))
    }

    /// How the two lie on the number line; `None` when one is no number (NaN).
    #[inline]
    pub fn compare(self, other: Number) -> Option<Ordering> {
        match (self, other) {
            (Number::Integer(left), Number::Integer(right)) => Some(left.cmp(&right)),
            (Number::Float(left), Number::Float(right)) => left.partial_cmp(&right),
            (Number::Integer(left), Number::Float(right)) => compare_mixed(left, right),
            (Number::Float(left), Number::Integer(right)) => {
                compare_mixed(right, left).map(Ordering::reverse)
            }
        }
    }
}

impl From<&serde_json::Number> for Number {
    #[inline]
    fn from(number: &serde_json::Number) -> Number {
        if let Some(integer) = number.as_i64() {
            Number::Integer(integer.into())
        } else if let Some(integer) = number.as_u64() {
            Number::Integer(integer.into())
        } else {
            Number::Float(number.as_f64().unwrap_or(f64::NAN))
        }
    }
}

/// Compares without rounding the integer: through a float, 2⁵³ and 2⁵³ + 1 would be equal.
fn compare_mixed(integer: i128, float: f64) -> Option<Ordering> {
    const ABOVE_ALL: f64 = (1u128 << 127) as f64;
    if float.is_nan() {
        None
    } else if float >= ABOVE_ALL {
        Some(Ordering::Less)
    } else if float < -ABOVE_ALL {
        Some(Ordering::Greater)
    } else {
        let whole = float.trunc();
        Some(integer.cmp(&(whole as i128)).then_with(|| whole.total_cmp(&float)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_what_gnocchi_takes_for_numbers() {
        for (text, number) in [
            ("0", Number::Integer(0)),
            ("-007", Number::Integer(-7)),
            ("+5", Number::Integer(5)),
            ("18446744073709551615", Number::Integer(i128::from(u64::MAX))),
            ("-9223372036854775808", Number::Integer(i128::from(i64::MIN))),
            ("18446744073709551616", Number::Float(18_446_744_073_709_551_616.0)),
            ("-0", Number::Float(-0.0)),
            ("5.", Number::Float(5.0)),
            ("1.5e3", Number::Float(1500.0)),
            ("1E+2", Number::Float(100.0)),
            ("1e-7", Number::Float(1e-7)),
            ("1e999", Number::Float(f64::INFINITY)),
        ] {
            assert_eq!(Number::parse(text), Some(number), "{text}");
        }
        for text in ["", "-", ".5", "1e", "1e+", "0x10", "1_000", "nan", "inf", "1.2.3", "٣"] {
            assert_eq!(Number::parse(text), None, "{text}");
        }
    }

    #[test]
    fn integers_are_not_rounded_through_floats() {
        let float = Number::Float(9_007_199_254_740_992.0);
        assert_eq!(Number::Integer(9_007_199_254_740_993).compare(float), Some(Ordering::Greater));
        assert_eq!(Number::Integer(9_007_199_254_740_992).compare(float), Some(Ordering::Equal));
        let greatest = Number::Integer(i128::from(u64::MAX));
        assert_eq!(greatest.compare(Number::Integer(i128::from(u64::MAX) - 1)), Some(Ordering::Greater));
        assert_eq!(greatest.compare(Number::Float(18_446_744_073_709_551_616.0)), Some(Ordering::Less));
    }

    #[test]
    fn fractions_and_extremes_find_their_side_of_an_integer() {
        for (integer, float, order) in [
            (1, 1.5, Ordering::Less),
            (2, 1.5, Ordering::Greater),
            (-1, -1.5, Ordering::Greater),
            (-2, -1.5, Ordering::Less),
            (0, -0.0, Ordering::Equal),
            (0, -0.25, Ordering::Greater),
            (0, 5e-324, Ordering::Less),
            (i128::MAX, 1e300, Ordering::Less),
            (i128::MIN, f64::NEG_INFINITY, Ordering::Greater),
        ] {
            let (integer, float) = (Number::Integer(integer), Number::Float(float));
            assert_eq!(integer.compare(float), Some(order), "{integer:?} {float:?}");
            assert_eq!(float.compare(integer), Some(order.reverse()), "{float:?} {integer:?}");
        }
        assert_eq!(Number::Integer(0).compare(Number::Float(f64::NAN)), None);
    }
}
