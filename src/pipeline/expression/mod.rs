//! The expressions of `scale` and `expr`: Python's, as far as they compute numbers.
//!
//! Ceilometer hands them to Python's `eval`. Here they are data: no expression runs code, loops, or reaches anything
//! but the sample. Numbers, texts, `+ - * / // % **`, comparisons (chained, too), `and or not`, `x if c else y`,
//! lists, and the functions `min max abs round int float len sum pow`. A name is a key of the sample; one that is not
//! there is an empty thing that counts as false (`resource_metadata.cpu_number or 1`), and cannot be computed with.

mod evaluate;
mod lex;
mod parse;
mod value;

use thiserror::Error;

use super::number::{BadArithmetic, Number};
use super::sample::Sample;

/// The longest expression in bytes: a screen full; the longest in a stock configuration has 60.
pub const TEXT_MAX: usize = 2048;
/// Parts of an expression: numbers, names and operators. Each is worked through once, so this bounds the time, too.
pub const PARTS_MAX: usize = 500;
/// How deep parts may stand inside each other; each level takes a frame of the stack.
pub const DEPTH_MAX: usize = 100;

/// A parsed expression.
#[derive(Clone, Debug, PartialEq)]
pub struct Expression {
    text: String,
    root: parse::Part,
    meters: Vec<String>,
}

/// Why a text is no expression.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("{what} at character {at} of \"{text}\"")]
pub struct BadExpression {
    what: String,
    at: usize,
    text: String,
}

/// Why an expression has no value for a sample.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum NoValue {
    /// Division by zero, or out of range.
    #[error("{0}")]
    Arithmetic(#[from] BadArithmetic),
    /// An operation on what it cannot be done with; most often a key that the sample does not have.
    #[error("cannot {0} {1}")]
    Type(&'static str, &'static str),
    /// A list has no such place.
    #[error("index out of range")]
    Index,
}

impl Expression {
    /// Reads an expression over one sample: `scale`.
    ///
    /// # Errors
    /// [`BadExpression`] names the place.
    pub fn parse(text: &str) -> Result<Expression, BadExpression> {
        parse::parse(text, false)
    }

    /// Reads an expression over several meters, each as `$(name)`, which means its volume, or `$(name).key`: `expr`.
    ///
    /// # Errors
    /// As [`Expression::parse`].
    pub fn parse_meters(text: &str) -> Result<Expression, BadExpression> {
        parse::parse(text, true)
    }

    /// An expression that names nothing.
    pub fn nothing() -> Expression {
        Expression { text: String::new(), root: parse::Part::None, meters: Vec::new() }
    }

    /// The expression as it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The meters, in the order in which each is named first.
    pub fn meters(&self) -> &[String] {
        &self.meters
    }

    /// The value for `sample`.
    ///
    /// # Errors
    /// [`NoValue`]
    pub fn value_of(&self, sample: &Sample<'_>) -> Result<Number, NoValue> {
        evaluate::number(&self.root, &evaluate::Scope { sample: Some(sample), meters: &[] })
    }

    /// The value for one sample of each of [`Expression::meters`], in that order.
    ///
    /// # Errors
    /// [`NoValue`]
    pub fn value_of_meters(&self, samples: &[&Sample<'_>]) -> Result<Number, NoValue> {
        debug_assert_eq!(samples.len(), self.meters.len());
        evaluate::number(&self.root, &evaluate::Scope { sample: None, meters: samples })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Node;

    const SAMPLE: &str = r#"{"name":"a","type":"gauge","unit":"B","volume":6,"resource_id":"r","timestamp":"2026-03-01T10:00:00","resource_metadata":{"cpu_number":4,"nested":{"x":2.5},"list":[1,2],"none":null,"status":"active","flag":true,"empty":{}}}"#;

    fn value(text: &str) -> Result<Number, String> {
        let node: Node<'_> = serde_json::from_str(SAMPLE).unwrap();
        let sample = Sample::of_node(node).unwrap();
        let expression = Expression::parse(text).map_err(|error| error.to_string())?;
        expression.value_of(&sample).map_err(|error| error.to_string())
    }

    #[test]
    fn expressions_have_the_values_that_python_gives_them() {
        use Number::{Float, Int};
        for (text, expected) in [
            ("volume", Int(6)),
            ("100.0 / (10**9 * (resource_metadata.cpu_number or 1))", Float(2.5e-8)),
            ("resource_metadata.absent.deeper or 3", Int(3)),
            ("volume if volume > 1 else 0", Int(6)),
            ("1 if volume < 1 else 2 if volume < 7 else 3", Int(2)),
            ("-2 ** 2", Int(-4)),
            ("2 ** 3 ** 2", Int(512)),
            ("2 ** -1", Float(0.5)),
            ("- 7 // 2", Int(-4)),
            ("7 % -3", Int(-2)),
            ("1 < volume < 7", Int(1)),
            ("1 < volume > 7", Int(0)),
            ("not volume or 5", Int(5)),
            ("not 0 == 1", Int(1)),
            ("True + True", Int(2)),
            ("0x10 + 0b11 + 0o7 + 1_000", Int(1026)),
            (".5 + 5. + 1e3", Float(1005.5)),
            ("resource_metadata.nested.x", Float(2.5)),
            ("resource_metadata['cpu_number']", Int(4)),
            ("resource_metadata.list[-1]", Int(2)),
            ("sum(resource_metadata.list) + len(resource_metadata.list)", Int(5)),
            ("max(1, volume, 2.5) + min([3, 1])", Int(7)),
            ("round(2.5) + round(3.5)", Int(6)),
            ("round(2.675, 2)", Float(2.67)),
            ("int('12') + int(-1.9)", Int(11)),
            ("float('1.5') + abs(-1) + pow(2, 3)", Float(10.5)),
            ("1 if resource_metadata.status == 'active' else 0", Int(1)),
            ("1 if unit == \"B\" and name != 'b' else 0", Int(1)),
            ("resource_metadata.empty or resource_metadata.none or 9", Int(9)),
            ("1 if None == resource_metadata.none else 0", Int(1)),
        ] {
            assert_eq!(value(text), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_cannot_be_computed_has_a_reason() {
        for (text, reason) in [
            ("1/0", "division by zero"),
            ("volume * resource_metadata.absent", "cannot multiply a key that is not there"),
            ("name + 1", "cannot add a text"),
            ("resource_metadata.absent < 1", "cannot compare a key that is not there"),
            ("resource_metadata.list[7]", "index out of range"),
            ("volume.x", "cannot look into a number"),
            ("name", "cannot use as a number a text"),
            ("resource_metadata", "cannot use as a number a table"),
            ("10.0 ** 400", "the result is too large"),
            ("max([])", "cannot compare nothing"),
            ("int('1.5')", "cannot read as a number a text"),
        ] {
            assert_eq!(value(text).unwrap_err(), reason, "{text}");
        }
    }

    #[test]
    fn what_is_no_expression_is_refused_with_the_place() {
        for (text, reason) in [
            ("", "something is missing at character 1"),
            ("1 +", "something is missing at character 4"),
            ("(1", "a ) is missing at character 3"),
            ("1 2", "unexpected 2 at character 3"),
            ("volume = 1", "unexpected = at character 8"),
            ("012", "012 is no number at character 1"),
            ("1j", "1j is no number at character 1"),
            ("'x", "a quote is not closed at character 1"),
            (
                "open('/etc/passwd')",
                "unknown function open (known: min, max, abs, round, int, float, len, sum, pow)",
            ),
            ("__import__(\"os\").getpid() * 0 + 1", "unknown function __import__"),
            ("volume.real()", "unexpected ( at character 12"),
            ("[x for x in y]", "unexpected for at character 4"),
            ("lambda: 1", "unexpected lambda at character 1"),
            ("abs(1, 2)", "abs takes 1 at character 1"),
            ("$(a) + 1", "unexpected $ at character 1"),
            ("x is None", "unexpected is at character 3"),
        ] {
            let found = Expression::parse(text).unwrap_err().to_string();
            assert!(found.starts_with(reason), "{text}: {found}");
        }
        assert!(Expression::parse(&"(".repeat(1000)).unwrap_err().to_string().contains("nested"));
        assert!(Expression::parse(&"1+".repeat(600)).unwrap_err().to_string().contains("parts"));
        assert!(
            Expression::parse(&format!("{}1", "-".repeat(300))).unwrap_err().to_string().contains("nested")
        );
        assert!(Expression::parse(&"1".repeat(3000)).unwrap_err().to_string().contains("longer"));
    }

    #[test]
    fn meters_stand_for_their_volumes_or_are_looked_into() {
        let node: Node<'_> = serde_json::from_str(SAMPLE).unwrap();
        let sample = Sample::of_node(node).unwrap();
        let text = "$(a.b-c) + $(d).resource_metadata.cpu_number * $(a.b-c).volume + ($(x) or 0)";
        let expression = Expression::parse_meters(text).unwrap();
        assert_eq!(expression.meters(), ["a.b-c", "d", "x"]);
        assert_eq!(expression.value_of_meters(&[&sample; 3]), Ok(Number::Int(36)));
        // Outside of a meter there is nothing to name.
        let bare = Expression::parse_meters("$(a) * volume").unwrap();
        assert!(bare.value_of_meters(&[&sample]).is_err());
        assert!(Expression::parse_meters("$(a b)").is_err());
        assert!(Expression::parse_meters("$()").is_err());
        assert_eq!(Expression::parse_meters("1 + 2").unwrap().meters(), [""; 0]);
    }
}
