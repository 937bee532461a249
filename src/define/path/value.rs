//! Values compared, reckoned and put in order as Python would.

use std::cmp::Ordering;

use super::lex::Comparison;
use super::tree::{Arithmetic, Constant};
use crate::model::{Node, python};

/// Bytes of a text, and items of a list, that a multiplication may make.
const MADE_MAX: usize = 1 << 16;

/// Whether `data` compares so with `constant`.
///
/// As jsonpath-rw-ext 1.2.2: nothing never compares; beside an integer or a truth the value is made an integer, of a
/// text too; all else is compared as it is.
pub fn meets(data: &Node<'_>, comparison: Comparison, constant: &Constant) -> bool {
    if data.is_null() {
        return false;
    }
    let order = match constant {
        Constant::Integer(number) => integer(data).map(|data| data.cmp(&i128::from(*number))),
        Constant::Truth(truth) => integer(data).map(|data| data.cmp(&i128::from(*truth))),
        Constant::Float(number) => match number_of(data) {
            Some(data) => data.partial_cmp(number),
            None => return comparison == Comparison::NotEqual,
        },
        Constant::Text(text) => match data.as_text() {
            Some(data) => Some(data.cmp(text)),
            None => return comparison == Comparison::NotEqual,
        },
    };
    let Some(order) = order else { return false };
    match comparison {
        Comparison::Equal => order.is_eq(),
        Comparison::NotEqual => order.is_ne(),
        Comparison::Less => order.is_lt(),
        Comparison::LessOrEqual => order.is_le(),
        Comparison::Greater => order.is_gt(),
        Comparison::GreaterOrEqual => order.is_ge(),
    }
}

/// Python's `int(data)`; none where it raises.
pub fn integer(data: &Node<'_>) -> Option<i128> {
    match data {
        Node::Bool(truth) => Some(i128::from(*truth)),
        Node::Integer(number) => Some(i128::from(*number)),
        Node::Unsigned(number) => Some(i128::from(*number)),
        Node::Float(number) if number.is_finite() && number.abs() < 1e38 => Some(number.trunc() as i128),
        Node::Text(text) => python::read_integer(text),
        _ => None,
    }
}

/// The value as a number: numbers and truths.
fn number_of(data: &Node<'_>) -> Option<f64> {
    match data {
        Node::Bool(truth) => Some(f64::from(u8::from(*truth))),
        other => other.as_f64(),
    }
}

/// `left` and `right` reckoned; none where Python raises, or what comes out is too large to hold.
pub fn reckoned(left: &Node<'_>, operation: Arithmetic, right: &Node<'_>) -> Option<Node<'static>> {
    let whole = |data: &Node<'_>| {
        matches!(data, Node::Bool(_) | Node::Integer(_) | Node::Unsigned(_)).then(|| integer(data)).flatten()
    };
    if let (Some(left), Some(right)) = (whole(left), whole(right)) {
        let made = match operation {
            Arithmetic::Add => left.checked_add(right),
            Arithmetic::Subtract => left.checked_sub(right),
            Arithmetic::Multiply => left.checked_mul(right),
        };
        return made.map(from_integer);
    }
    if let (Some(left), Some(right)) = (number_of(left), number_of(right)) {
        return Some(Node::Float(match operation {
            Arithmetic::Add => left + right,
            Arithmetic::Subtract => left - right,
            Arithmetic::Multiply => left * right,
        }));
    }
    match (operation, left, right) {
        (Arithmetic::Add, Node::Text(left), Node::Text(right)) => {
            (left.len() + right.len() <= MADE_MAX).then(|| Node::Text(format!("{left}{right}").into()))
        }
        (Arithmetic::Add, Node::List(left), Node::List(right)) if left.len() + right.len() <= MADE_MAX => {
            Some(Node::List(left.iter().chain(right).cloned().map(Node::into_owned).collect()))
        }
        (Arithmetic::Multiply, some @ (Node::Text(_) | Node::List(_)), times)
        | (Arithmetic::Multiply, times, some @ (Node::Text(_) | Node::List(_))) => {
            repeated(some, usize::try_from(whole(times)?.max(0)).ok()?)
        }
        _ => None,
    }
}

fn repeated(some: &Node<'_>, times: usize) -> Option<Node<'static>> {
    let fits = |length: usize| length.checked_mul(times).is_some_and(|all| all <= MADE_MAX);
    match some {
        Node::Text(text) if fits(text.len()) => Some(Node::Text(text.repeat(times).into())),
        Node::List(items) if fits(items.len()) => {
            let owned: Vec<Node<'static>> = items.iter().cloned().map(Node::into_owned).collect();
            Some(Node::List(std::iter::repeat_n(owned, times).flatten().collect()))
        }
        _ => None,
    }
}

/// An integer as a value; over 64 bits it is rounded.
pub fn from_integer(number: i128) -> Node<'static> {
    i64::try_from(number)
        .map(Node::Integer)
        .or_else(|_| u64::try_from(number).map(Node::Unsigned))
        .unwrap_or(Node::Float(number as f64))
}

/// The order of two values; none where Python has none.
pub fn order(left: &Node<'_>, right: &Node<'_>) -> Option<Ordering> {
    match (left, right) {
        (Node::Text(left), Node::Text(right)) => Some(left.cmp(right)),
        (Node::List(left), Node::List(right)) => {
            for (left, right) in left.iter().zip(right) {
                match order(left, right)? {
                    Ordering::Equal => {}
                    unequal => return Some(unequal),
                }
            }
            Some(left.len().cmp(&right.len()))
        }
        _ => match (integers(left), integers(right)) {
            (Some(left), Some(right)) => Some(left.cmp(&right)),
            _ => number_of(left)?.partial_cmp(&number_of(right)?),
        },
    }
}

/// An order of all values, which is [`order`] where that is one: sorting needs one that holds for all.
pub fn total_order(left: &Node<'_>, right: &Node<'_>) -> Ordering {
    let rank = |node: &Node<'_>| match node {
        Node::Null => 0,
        Node::Bool(_) | Node::Integer(_) | Node::Unsigned(_) | Node::Float(_) => 1,
        Node::Text(_) => 2,
        Node::List(_) => 3,
        Node::Map(_) => 4,
    };
    match (left, right) {
        (Node::Text(left), Node::Text(right)) => left.cmp(right),
        (Node::List(left), Node::List(right)) => {
            let pairs = left.iter().zip(right).map(|(left, right)| total_order(left, right));
            pairs.into_iter().find(|order| order.is_ne()).unwrap_or(left.len().cmp(&right.len()))
        }
        _ => match (number_of(left), number_of(right)) {
            (Some(left), Some(right)) => left.total_cmp(&right),
            _ => rank(left).cmp(&rank(right)),
        },
    }
}

/// An integer that needs no rounding.
fn integers(data: &Node<'_>) -> Option<i128> {
    matches!(data, Node::Integer(_) | Node::Unsigned(_) | Node::Bool(_)).then(|| integer(data)).flatten()
}
