//! What an expression computes with: Python's values, as far as JSON has them.

use std::cmp::Ordering;

use super::NoValue;
use crate::model::Node;
use crate::pipeline::number::Number;
use crate::pipeline::sample::Sample;

/// A value.
#[derive(Clone, Debug)]
pub enum Value<'v> {
    None,
    Truth(bool),
    Number(Number),
    Text(&'v str),
    List(Vec<Value<'v>>),
    /// A map of the sample: looked into by key, nothing else.
    Map(&'v [(std::borrow::Cow<'v, str>, Node<'v>)]),
    Sample(&'v Sample<'v>),
    /// What a name stands for that is not there: false, and not to be computed with.
    Missing,
}

impl<'v> Value<'v> {
    pub fn of_node(node: &'v Node<'v>) -> Value<'v> {
        match node {
            Node::Null => Value::None,
            Node::Bool(truth) => Value::Truth(*truth),
            Node::Text(text) => Value::Text(text),
            Node::List(items) => Value::List(items.iter().map(Value::of_node).collect()),
            Node::Map(entries) => Value::Map(entries),
            number => Number::of_node(number).map_or(Value::None, Value::Number),
        }
    }

    pub fn truth(&self) -> bool {
        match self {
            Value::None | Value::Missing => false,
            Value::Truth(truth) => *truth,
            Value::Number(number) => !number.is_zero(),
            Value::Text(text) => !text.is_empty(),
            Value::List(items) => !items.is_empty(),
            Value::Map(entries) => !entries.is_empty(),
            Value::Sample(_) => true,
        }
    }

    /// The number; of a truth 1 or 0.
    pub fn number(&self, doing: &'static str) -> Result<Number, NoValue> {
        match self {
            Value::Number(number) => Ok(*number),
            Value::Truth(truth) => Ok(Number::Int((*truth).into())),
            other => Err(NoValue::Type(doing, other.kind())),
        }
    }

    pub fn kind(&self) -> &'static str {
        match self {
            Value::None => "None",
            Value::Truth(_) => "True or False",
            Value::Number(_) => "a number",
            Value::Text(_) => "a text",
            Value::List(_) => "a list",
            Value::Map(_) => "a table",
            Value::Sample(_) => "a sample",
            Value::Missing => "a key that is not there",
        }
    }

    /// The value of `key` in it.
    pub fn key(&self, key: &str) -> Result<Value<'v>, NoValue> {
        match self {
            Value::Missing => Ok(Value::Missing),
            Value::Map(entries) => {
                let found = entries.iter().rev().find(|(name, _)| name == key);
                Ok(found.map_or(Value::Missing, |(_, value)| Value::of_node(value)))
            }
            Value::Sample(sample) => Ok(key_of_sample(sample, key)),
            other => Err(NoValue::Type("look into", other.kind())),
        }
    }

    pub fn equals(&self, other: &Value<'_>) -> bool {
        match (self, other) {
            (Value::None, Value::None) => true,
            (Value::Text(a), Value::Text(b)) => a == b,
            (Value::List(a), Value::List(b)) => {
                a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.equals(b))
            }
            (a, b) => match (a.number(""), b.number("")) {
                (Ok(a), Ok(b)) => a.compare(b) == Some(Ordering::Equal),
                _ => false,
            },
        }
    }

    /// How two values compare; none when one is NaN.
    pub fn compare(&self, other: &Value<'_>) -> Result<Option<Ordering>, NoValue> {
        if let (Value::Text(a), Value::Text(b)) = (self, other) {
            return Ok(Some(a.cmp(b)));
        }
        Ok(self.number("compare")?.compare(other.number("compare")?))
    }
}

/// The value of a key of the sample, by the names of Ceilometer's `as_dict`.
pub fn key_of_sample<'v>(sample: &'v Sample<'v>, key: &str) -> Value<'v> {
    match key {
        "name" => Value::Text(&sample.name),
        "type" => Value::Text(&sample.sample_type),
        "unit" => Value::Text(&sample.unit),
        "volume" => Value::Number(sample.volume),
        "user_id" => Value::of_node(&sample.user_id),
        "project_id" => Value::of_node(&sample.project_id),
        "resource_id" => Value::Text(&sample.resource_id),
        "timestamp" => Value::Text(&sample.timestamp),
        "resource_metadata" => Value::of_node(&sample.metadata),
        "source" => Value::of_node(&sample.source),
        "id" => Value::of_node(&sample.id),
        "monotonic_time" => Value::of_node(&sample.monotonic_time),
        other => {
            let found = sample.others.iter().rev().find(|(name, _)| name == other);
            found.map_or(Value::Missing, |(_, value)| Value::of_node(value))
        }
    }
}
