//! Numbers as Python computes with them: integers stay integers until a division or a fraction makes them floats.
//!
//! The originals compute volumes in Python, and whether `2` or `2.0` leaves shows in what is published. Integers have
//! 128 bits here where Python's have no end: what does not fit is computed as a float.

use std::cmp::Ordering;

use thiserror::Error;

use crate::model::{Node, python};

/// A volume, or what is computed of one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Number {
    /// A whole number.
    Int(i128),
    /// Any other.
    Float(f64),
}

/// Why numbers cannot be put together.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum BadArithmetic {
    /// By `/`, `//`, `%`, or a negative power of zero.
    #[error("division by zero")]
    DivisionByZero,
    /// A power over the range of a float.
    #[error("the result is too large")]
    TooLarge,
    /// A fractional power of a negative number.
    #[error("the result is a complex number")]
    Complex,
}

impl Number {
    /// The number in `node`; true and false are none.
    pub fn of_node(node: &Node<'_>) -> Option<Number> {
        match *node {
            Node::Integer(number) => Some(Number::Int(number.into())),
            Node::Unsigned(number) => Some(Number::Int(number.into())),
            Node::Float(number) => Some(Number::Float(number)),
            _ => None,
        }
    }

    /// What Python's `float(text)` reads: white space around it, `_` between digits, `inf` and `nan`.
    pub fn of_text(text: &str) -> Option<Number> {
        python::read_float(text).map(Number::Float)
    }

    /// The value as JSON has it: an integer over 64 bits is rounded.
    pub fn to_node(self) -> Node<'static> {
        match self {
            Number::Int(number) => match (i64::try_from(number), u64::try_from(number)) {
                (Ok(number), _) => Node::Integer(number),
                (_, Ok(number)) => Node::Unsigned(number),
                _ => Node::Float(number as f64),
            },
            Number::Float(number) => Node::Float(number),
        }
    }

    /// The nearest float.
    pub fn to_f64(self) -> f64 {
        match self {
            Number::Int(number) => number as f64,
            Number::Float(number) => number,
        }
    }

    /// Whether it is zero.
    pub fn is_zero(self) -> bool {
        match self {
            Number::Int(number) => number == 0,
            Number::Float(number) => number == 0.0,
        }
    }

    /// `self + other`
    pub fn plus(self, other: Number) -> Number {
        self.either(other, i128::checked_add, |a, b| a + b)
    }

    /// `self - other`
    pub fn minus(self, other: Number) -> Number {
        self.either(other, i128::checked_sub, |a, b| a - b)
    }

    /// `self * other`
    pub fn times(self, other: Number) -> Number {
        self.either(other, i128::checked_mul, |a, b| a * b)
    }

    /// `-self`
    pub fn negated(self) -> Number {
        match self {
            Number::Int(number) => number.checked_neg().map_or(Number::Float(-(number as f64)), Number::Int),
            Number::Float(number) => Number::Float(-number),
        }
    }

    /// `abs(self)`
    pub fn magnitude(self) -> Number {
        match self {
            Number::Int(number) if number < 0 => self.negated(),
            Number::Int(_) => self,
            Number::Float(number) => Number::Float(number.abs()),
        }
    }

    /// `self / other`: always a float, for integers the one nearest to the exact quotient.
    ///
    /// # Errors
    /// [`BadArithmetic::DivisionByZero`]
    pub fn divided_by(self, other: Number) -> Result<Number, BadArithmetic> {
        if other.is_zero() {
            return Err(BadArithmetic::DivisionByZero);
        }
        Ok(Number::Float(match (self, other) {
            (Number::Int(a), Number::Int(b)) => quotient(a, b),
            _ => self.to_f64() / other.to_f64(),
        }))
    }

    /// `self // other`: rounded down.
    ///
    /// # Errors
    /// [`BadArithmetic::DivisionByZero`]
    pub fn floor_divided_by(self, other: Number) -> Result<Number, BadArithmetic> {
        if other.is_zero() {
            return Err(BadArithmetic::DivisionByZero);
        }
        if let (Number::Int(a), Number::Int(b)) = (self, other)
            && let Some(quotient) = a.checked_div(b)
        {
            let down = a % b != 0 && (a < 0) != (b < 0);
            return Ok(Number::Int(quotient - i128::from(down)));
        }
        Ok(Number::Float(float_division(self.to_f64(), other.to_f64()).0))
    }

    /// `self % other`: has the sign of `other`.
    ///
    /// # Errors
    /// [`BadArithmetic::DivisionByZero`]
    pub fn modulo(self, other: Number) -> Result<Number, BadArithmetic> {
        if other.is_zero() {
            return Err(BadArithmetic::DivisionByZero);
        }
        if let (Number::Int(a), Number::Int(b)) = (self, other) {
            let rest = a.checked_rem(b).unwrap_or(0);
            let other_side = rest != 0 && (rest < 0) != (b < 0);
            return Ok(Number::Int(if other_side { rest + b } else { rest }));
        }
        Ok(Number::Float(float_division(self.to_f64(), other.to_f64()).1))
    }

    /// `self ** other`
    ///
    /// # Errors
    /// [`BadArithmetic`] of any kind.
    pub fn power(self, other: Number) -> Result<Number, BadArithmetic> {
        if let (Number::Int(base), Number::Int(exponent @ 0..)) = (self, other) {
            let exact = match (base, u32::try_from(exponent)) {
                (0 | 1, _) => Some(if exponent == 0 { 1 } else { base }),
                (-1, _) => Some(if exponent % 2 == 0 { 1 } else { -1 }),
                (_, Ok(exponent)) => base.checked_pow(exponent),
                _ => None,
            };
            if let Some(exact) = exact {
                return Ok(Number::Int(exact));
            }
        }
        let (base, exponent) = (self.to_f64(), other.to_f64());
        if base == 0.0 && exponent < 0.0 {
            return Err(BadArithmetic::DivisionByZero);
        }
        let finite = base.is_finite() && exponent.is_finite();
        if finite && base < 0.0 && exponent.fract() != 0.0 {
            return Err(BadArithmetic::Complex);
        }
        let power = base.powf(exponent);
        if finite && power.is_infinite() {
            return Err(BadArithmetic::TooLarge);
        }
        Ok(Number::Float(power))
    }

    /// How the exact values compare; none when one is NaN.
    pub fn compare(self, other: Number) -> Option<Ordering> {
        match (self, other) {
            (Number::Int(a), Number::Int(b)) => Some(a.cmp(&b)),
            (Number::Float(a), Number::Float(b)) => a.partial_cmp(&b),
            (Number::Int(a), Number::Float(b)) => compare_mixed(a, b),
            (Number::Float(a), Number::Int(b)) => compare_mixed(b, a).map(Ordering::reverse),
        }
    }

    fn either(
        self,
        other: Number,
        exact: fn(i128, i128) -> Option<i128>,
        rounded: fn(f64, f64) -> f64,
    ) -> Number {
        if let (Number::Int(a), Number::Int(b)) = (self, other)
            && let Some(number) = exact(a, b)
        {
            return Number::Int(number);
        }
        Number::Float(rounded(self.to_f64(), other.to_f64()))
    }
}

/// The float nearest to `a / b`; `b` is not zero.
fn quotient(a: i128, b: i128) -> f64 {
    /// Integers up to here are floats, and the hardware divides floats exactly rounded.
    const EXACT_MAX: u128 = 1 << 53;
    let (dividend, divisor) = (a.unsigned_abs(), b.unsigned_abs());
    if dividend <= EXACT_MAX && divisor <= EXACT_MAX {
        return a as f64 / b as f64;
    }
    // Long division to 64 bits and a last one that says whether anything is left: rounding once is then right.
    let (mut bits, mut rest, mut shift) = (dividend / divisor, dividend % divisor, 0);
    while rest != 0 && bits < 1 << 64 && shift < 1100 {
        rest <<= 1;
        bits = bits << 1 | u128::from(rest >= divisor);
        rest -= if rest >= divisor { divisor } else { 0 };
        shift += 1;
    }
    let rounded = (bits | u128::from(rest != 0)) as f64 * 2f64.powi(-shift);
    if (a < 0) == (b < 0) { rounded } else { -rounded }
}

/// `a // b` and `a % b` of floats, step by step as CPython's `float_divmod` has it; `b` is not zero.
fn float_division(a: f64, b: f64) -> (f64, f64) {
    let mut rest = a % b;
    let mut quotient = (a - rest) / b;
    if rest == 0.0 {
        rest = 0f64.copysign(b);
    } else if (b < 0.0) != (rest < 0.0) {
        rest += b;
        quotient -= 1.0;
    }
    if quotient == 0.0 {
        return (0f64.copysign(a / b), rest);
    }
    let floor = quotient.floor();
    (if quotient - floor > 0.5 { floor + 1.0 } else { floor }, rest)
}

fn compare_mixed(whole: i128, float: f64) -> Option<Ordering> {
    /// 2^127: every integer of ours is below, and above its negative or equal to it.
    const BEYOND: f64 = 170_141_183_460_469_231_731_687_303_715_884_105_728.0;
    if float.is_nan() {
        None
    } else if float >= BEYOND {
        Some(Ordering::Less)
    } else if float < -BEYOND {
        Some(Ordering::Greater)
    } else {
        // The cast cuts off the fraction, which decides between equals.
        let cut = whole.cmp(&(float as i128));
        Some(cut.then(0f64.partial_cmp(&float.fract()).unwrap_or(Ordering::Equal)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Number::{Float, Int};

    #[test]
    fn integers_stay_integers_until_they_cannot() {
        assert_eq!(Int(7).times(Int(2)), Int(14));
        assert_eq!(Int(7).divided_by(Int(2)), Ok(Float(3.5)));
        assert_eq!(Int(-7).floor_divided_by(Int(2)), Ok(Int(-4)));
        assert_eq!(Int(-7).modulo(Int(2)), Ok(Int(1)));
        assert_eq!(Float(-7.5).modulo(Int(2)), Ok(Float(0.5)));
        assert_eq!(Int(2).power(Int(-1)), Ok(Float(0.5)));
        assert_eq!(Int(10).power(Int(9)), Ok(Int(1_000_000_000)));
        assert_eq!(Int(i128::MAX).plus(Int(1)), Float(i128::MAX as f64));
        assert_eq!(Int(0).power(Int(-1)), Err(BadArithmetic::DivisionByZero));
        assert_eq!(Int(-8).power(Float(0.5)), Err(BadArithmetic::Complex));
        assert_eq!(Float(1e300).power(Int(2)), Err(BadArithmetic::TooLarge));
    }

    #[test]
    fn large_integers_are_divided_and_compared_exactly() {
        // Python: 123456789012345678901234567890 / 7 and (2**100 + 1) / 2**47.
        assert_eq!(quotient(123_456_789_012_345_678_901_234_567_890, 7), 1.763_668_414_462_081e28);
        assert_eq!(quotient((1 << 100) + 1, 1 << 47), 9_007_199_254_740_992.0);
        assert_eq!(quotient(-1, (1 << 60) + 1), -8.673_617_379_884_035e-19);
        assert_eq!(Int((1 << 53) + 1).compare(Float(9_007_199_254_740_992.0)), Some(Ordering::Greater));
        assert_eq!(Int(-1).compare(Float(-1.5)), Some(Ordering::Greater));
        assert_eq!(Int(1).compare(Float(1.5)), Some(Ordering::Less));
        assert_eq!(Int(1).compare(Float(f64::NAN)), None);
    }

    #[test]
    fn texts_are_read_as_pythons_float_reads_them() {
        // Golden: "NaN", " 3 " and "1_000" are kept, "x", "" and "0x10" are not.
        for (text, number) in [
            (" 3 ", 3.0),
            ("1_000", 1000.0),
            ("-1.5e3", -1500.0),
            (".5", 0.5),
            ("5.", 5.0),
            ("-inf", f64::NEG_INFINITY),
        ] {
            assert_eq!(Number::of_text(text), Some(Float(number)), "{text}");
        }
        assert!(matches!(Number::of_text("NaN"), Some(Float(nan)) if nan.is_nan()));
        for text in ["x", "", "0x10", "1__0", "_1", "1_", "1_.5", "infin", "e5", "1e"] {
            assert_eq!(Number::of_text(text), None, "{text}");
        }
    }
}
