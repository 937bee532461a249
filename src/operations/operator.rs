//! The operators of the language, and all their names.

use std::fmt;

/// An operator on one series or number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Unary {
    /// The distance from zero.
    Absolute,
    /// The value with the other sign.
    Negative,
    /// Of an angle in radians.
    Cosine,
    /// Of an angle in radians.
    Sine,
    /// Of an angle in radians.
    Tangent,
    /// The next whole number below.
    Floor,
    /// The next whole number above.
    Ceiling,
    /// Each value minus the one before it; the first time goes.
    RateOfChange,
    /// The same divided by the seconds between; the first value is no number.
    RateOfChangePerSecond,
}

/// An operator on two series or numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Binary {
    /// 1.0 where equal, 0.0 elsewhere.
    Equal,
    /// 1.0 where less, 0.0 elsewhere.
    Less,
    /// 1.0 where greater, 0.0 elsewhere.
    Greater,
    /// 1.0 where less or equal, 0.0 elsewhere.
    LessOrEqual,
    /// 1.0 where greater or equal, 0.0 elsewhere.
    GreaterOrEqual,
    /// 1.0 where not equal, 0.0 elsewhere.
    NotEqual,
    /// The remainder, with the sign of the divisor (Python's `%`).
    Modulo,
    /// The sum.
    Add,
    /// The difference.
    Subtract,
    /// The product.
    Multiply,
    /// The quotient.
    Divide,
    /// The power.
    Power,
    /// The left one, but no less than the right one.
    ClipMin,
    /// The left one, but no more than the right one.
    ClipMax,
    /// The larger one; a number where the other is none.
    Maximum,
}

/// Names of [`Unary`]; the first of several is the one that is written.
const UNARY: [(&str, Unary); 11] = [
    ("absolute", Unary::Absolute),
    ("abs", Unary::Absolute),
    ("negative", Unary::Negative),
    ("neg", Unary::Negative),
    ("cos", Unary::Cosine),
    ("sin", Unary::Sine),
    ("tan", Unary::Tangent),
    ("floor", Unary::Floor),
    ("ceil", Unary::Ceiling),
    ("rateofchange", Unary::RateOfChange),
    ("rateofchangesec", Unary::RateOfChangePerSecond),
];

/// Names of [`Binary`]; the first of several is the one that is written.
const BINARY: [(&str, Binary); 34] = [
    ("==", Binary::Equal),
    ("=", Binary::Equal),
    ("eq", Binary::Equal),
    ("<", Binary::Less),
    ("lt", Binary::Less),
    (">", Binary::Greater),
    ("gt", Binary::Greater),
    ("<=", Binary::LessOrEqual),
    ("≤", Binary::LessOrEqual),
    ("le", Binary::LessOrEqual),
    (">=", Binary::GreaterOrEqual),
    ("≥", Binary::GreaterOrEqual),
    ("ge", Binary::GreaterOrEqual),
    ("!=", Binary::NotEqual),
    ("≠", Binary::NotEqual),
    ("ne", Binary::NotEqual),
    ("%", Binary::Modulo),
    ("mod", Binary::Modulo),
    ("+", Binary::Add),
    ("add", Binary::Add),
    ("-", Binary::Subtract),
    ("sub", Binary::Subtract),
    ("*", Binary::Multiply),
    ("×", Binary::Multiply),
    ("mul", Binary::Multiply),
    ("/", Binary::Divide),
    ("÷", Binary::Divide),
    ("div", Binary::Divide),
    ("**", Binary::Power),
    ("^", Binary::Power),
    ("pow", Binary::Power),
    ("clip_min", Binary::ClipMin),
    ("clip_max", Binary::ClipMax),
    ("max", Binary::Maximum),
];

/// The other words that begin an expression.
const OTHERS: [&str; 5] = ["metric", "aggregate", "resample", "rolling", "clip"];

/// Every word that may begin an expression, for suggestions.
pub(super) fn words() -> Vec<&'static str> {
    let unary = UNARY.iter().map(|(name, _)| *name);
    OTHERS.into_iter().chain(unary).chain(BINARY.iter().map(|(name, _)| *name)).collect()
}

impl Unary {
    /// The operator of that name.
    pub fn named(word: &str) -> Option<Unary> {
        UNARY.iter().find(|(name, _)| *name == word).map(|(_, operator)| *operator)
    }

    /// Whether it needs a series: of a number there is no change.
    pub(super) fn needs_series(self) -> bool {
        matches!(self, Unary::RateOfChange | Unary::RateOfChangePerSecond)
    }
}

impl Binary {
    /// The operator of that name.
    pub fn named(word: &str) -> Option<Binary> {
        BINARY.iter().find(|(name, _)| *name == word).map(|(_, operator)| *operator)
    }
}

impl fmt::Display for Unary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(UNARY.iter().find(|(_, operator)| operator == self).map_or("", |(name, _)| name))
    }
}

impl fmt::Display for Binary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(BINARY.iter().find(|(_, operator)| operator == self).map_or("", |(name, _)| name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_means_one_operator_and_every_operator_has_a_name() {
        let mut words = words();
        words.sort_unstable();
        let count = words.len();
        words.dedup();
        assert_eq!(words.len(), count);
        for (_, operator) in UNARY {
            assert_eq!(Unary::named(&operator.to_string()), Some(operator));
        }
        for (_, operator) in BINARY {
            assert_eq!(Binary::named(&operator.to_string()), Some(operator));
        }
    }
}
