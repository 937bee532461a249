//! What an expression is when it is read.

use super::lex::Comparison;
use crate::define::pattern::{Pattern, Replacement};

/// An expression: applied to one value it gives any number of values, in order.
#[derive(Clone, Debug)]
pub enum Expression {
    /// `$`: what the whole path is applied to.
    Root,
    /// `@` or `` `this` ``: the value itself.
    This,
    /// `` `parent` ``: what the value was found in.
    Parent,
    /// `a`, `a,b`: values of these keys.
    Fields(Vec<String>),
    /// `*`: all values of a map.
    Every,
    /// `[n]`, from the end when negative.
    Index(i64),
    /// `[*]`, `[a:b]`.
    Slice(Option<i64>, Option<i64>),
    /// `a.b.c`: one after the other.
    Steps(Vec<Expression>),
    /// `a..b`: b of every value in a, at any depth.
    Descendants(Box<Expression>, Box<Expression>),
    /// `a where b`: those of a that have a b.
    Where(Box<Expression>, Box<Expression>),
    /// `a|b`: those of a, then those of b.
    Union(Box<Expression>, Box<Expression>),
    /// `a&b`: the original reads it and cannot evaluate it; it has no value.
    Intersection,
    /// `a + b`.
    Operation(Box<Operand>, Arithmetic, Box<Operand>),
    /// `[?a > 1 & b]`: items of a list that meet all conditions.
    Filter(Vec<Condition>),
    /// `` `sorted` `` or `[/a,\b]`: the list in order; true is descending.
    Sort(Vec<(Expression, bool)>),
    /// `` `len` ``
    Length,
    /// `` `split(separator, segment, most)` ``
    Split {
        /// One character.
        separator: char,
        /// Which part, from 0.
        segment: usize,
        /// How often at most; none is always.
        most: Option<usize>,
    },
    /// `` `sub(/pattern/, replacement)` ``
    Substitute(Pattern, Option<Replacement>),
}

impl Expression {
    /// This, and `next` on what it gives.
    pub fn then(self, next: Expression) -> Expression {
        let mut steps = match self {
            Expression::Steps(steps) => steps,
            single => vec![single],
        };
        match next {
            Expression::Steps(more) => steps.extend(more),
            single => steps.push(single),
        }
        Expression::Steps(steps)
    }
}

/// One side of an operation.
#[derive(Clone, Debug)]
pub enum Operand {
    /// The values of a path.
    Path(Expression),
    /// The same for all values of the other side.
    Constant(Constant),
}

impl Operand {
    /// The operand that `path` is: a bare name stands for its text.
    pub fn of(path: Expression) -> Operand {
        match path {
            Expression::Fields(mut names) if names.len() == 1 => {
                Operand::Constant(Constant::Text(names.pop().unwrap_or_default()))
            }
            Expression::Every => Operand::Constant(Constant::Text("*".to_owned())),
            other => Operand::Path(other),
        }
    }
}

/// A value in the expression itself.
#[derive(Clone, Debug, PartialEq)]
pub enum Constant {
    /// A text.
    Text(String),
    /// An integer.
    Integer(i64),
    /// A number with a fraction.
    Float(f64),
    /// True or false.
    Truth(bool),
}

/// What can be reckoned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "each is the operation of its name")]
pub enum Arithmetic {
    Add,
    Subtract,
    Multiply,
}

/// One condition of a filter: the path has a value, or one that compares so.
#[derive(Clone, Debug)]
pub struct Condition {
    /// Applied to the item.
    pub path: Expression,
    /// How and with what it is compared.
    pub test: Option<(Comparison, Constant)>,
}
