//! Paths into notifications, in the dialect of JSONPath that Ceilometer's definitions are written in: jsonpath-rw
//! with the additions of jsonpath-rw-ext.
//!
//! Read once, applied often. Where the original raises while it evaluates (an index into a number, an order of values
//! that have none), here that place has no value, and the others are found.

mod find;
mod lex;
mod operator;
mod parse;
mod tree;
mod value;

use std::fmt;

use thiserror::Error;

pub use find::Value;
use tree::Expression;
pub use value::integer;

/// Bytes of an expression: the longest of the stock definitions has 110.
const LENGTH_MAX: usize = 4096;

/// An expression that was read.
#[derive(Clone, Debug)]
pub struct Path {
    expression: Expression,
    /// The keys, where the expression is no more than one key after the other.
    plain: Option<Vec<String>>,
}

/// Why a text is no path.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("{wrong} at column {column}")]
pub struct BadPath {
    /// Where, counted in characters from 1.
    pub column: usize,
    /// What.
    pub wrong: Wrong,
}

/// What is wrong with an expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wrong {
    /// A character that begins no word.
    Character(char),
    /// A word that cannot stand there.
    Unexpected,
    /// Something is missing.
    Ended,
    /// A quote without its end.
    Unclosed(char),
    /// A number over the range.
    Number,
    /// An integer and a fraction, reckoned with each other.
    MixedNumbers,
    /// No operator has this name.
    Operator(String),
    /// The operator does not take these arguments.
    Arguments(String),
    /// The pattern of `sub`.
    Pattern(String),
    /// Longer than any use.
    TooLong,
    /// Nested deeper than any use.
    TooDeep,
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Wrong::Character(character) => write!(f, "unexpected character '{character}'"),
            Wrong::Unexpected => f.write_str("not expected here"),
            Wrong::Ended => f.write_str("the path ends too early"),
            Wrong::Unclosed(quote) => write!(f, "{quote} without its end"),
            Wrong::Number => f.write_str("a number over the range"),
            Wrong::MixedNumbers => {
                f.write_str("an integer and a fraction cannot be reckoned with each other")
            }
            Wrong::Operator(name) => {
                write!(f, "unknown operator `{name}` (there are len, sorted, split, sub, this and parent)")
            }
            Wrong::Arguments(text) => {
                let form = if text.starts_with("split") {
                    "split(CHARACTER, SEGMENT, MAX)"
                } else {
                    "sub(/PATTERN/, TEXT)"
                };
                write!(f, "`{text}` is not of the form {form}")
            }
            Wrong::Pattern(why) => f.write_str(why),
            Wrong::TooLong => f.write_str("the path is too long"),
            Wrong::TooDeep => f.write_str("the path is nested too deep"),
        }
    }
}

impl Path {
    /// Reads an expression.
    ///
    /// # Errors
    /// What is wrong, and in which column.
    pub fn parse(text: &str) -> Result<Path, BadPath> {
        let expression = parse::parse(text)?;
        let plain = plain(&expression);
        Ok(Path { expression, plain })
    }

    /// The keys, where the path is no more than one key after the other.
    pub fn plain(&self) -> Option<&[String]> {
        self.plain.as_deref()
    }
}

fn plain(expression: &Expression) -> Option<Vec<String>> {
    let key = |step: &Expression| match step {
        Expression::Fields(names) if names.len() == 1 => names.first().cloned(),
        _ => None,
    };
    match expression {
        Expression::Steps(steps) => {
            let steps = match &steps[..] {
                [Expression::Root | Expression::This, rest @ ..] => rest,
                all => all,
            };
            steps.iter().map(key).collect()
        }
        single => key(single).map(|name| vec![name]),
    }
}
