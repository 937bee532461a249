//! A YAML document as a tree whose every value knows its line.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::Spanned;

/// A value, and where it stands.
pub type Placed = Spanned<Node>;

/// A mapping, in the order of the file.
pub type Table = [(Spanned<String>, Placed)];

/// One value of a YAML document.
#[derive(Debug)]
pub enum Node {
    /// `null`, `~` or nothing at all.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A whole number.
    Integer(i64),
    /// Any other number; a whole one over the range is rounded.
    Number(f64),
    /// Text.
    Text(String),
    /// A sequence.
    List(Vec<Placed>),
    /// A mapping, in the order of the file; no key stands twice.
    Table(Vec<(Spanned<String>, Placed)>),
}

impl Node {
    /// What messages call a value of this kind.
    pub fn kind(&self) -> &'static str {
        match self {
            Node::Null => "nothing",
            Node::Bool(_) => "true or false",
            Node::Integer(_) | Node::Number(_) => "a number",
            Node::Text(_) => "a text",
            Node::List(_) => "a list",
            Node::Table(_) => "a table of keys and values",
        }
    }

    /// The number, if it is one; whole numbers beyond 2^53 are rounded.
    pub fn number(&self) -> Option<f64> {
        match *self {
            Node::Integer(number) => Some(number as f64),
            Node::Number(number) => Some(number),
            _ => None,
        }
    }

    /// The text, if it is one.
    pub fn text(&self) -> Option<&str> {
        match self {
            Node::Text(text) => Some(text),
            _ => None,
        }
    }
}

/// Reads one document; JSON is YAML. Nesting, aliases and size are limited by the parser's own budget.
///
/// # Errors
/// What is wrong with the text, and in which line.
pub fn parse(text: &str) -> Result<Placed, (Option<u64>, String)> {
    serde_saphyr::from_str(text).map_err(|error| {
        let error = error.without_snippet();
        let message = error.to_string();
        // The parser appends the place; ours stands in front.
        let message =
            message.split(" at line ").next().unwrap_or(&message).lines().next().unwrap_or_default();
        (error.location().map(|location| location.line()), message.to_owned())
    })
}

/// The line of a value; for an alias, where it is used.
pub fn line<T>(placed: &Spanned<T>) -> Option<u64> {
    Some(placed.referenced.line()).filter(|&line| line > 0)
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Node, D::Error> {
        deserializer.deserialize_any(NodeVisitor)
    }
}

struct NodeVisitor;

impl<'de> Visitor<'de> for NodeVisitor {
    type Value = Node;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Node, E> {
        Ok(Node::Null)
    }

    fn visit_none<E>(self) -> Result<Node, E> {
        Ok(Node::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Node, D::Error> {
        Node::deserialize(deserializer)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Node, E> {
        Ok(Node::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Node, E> {
        Ok(Node::Integer(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Node, E> {
        Ok(i64::try_from(value).map_or(Node::Number(value as f64), Node::Integer))
    }

    fn visit_i128<E>(self, value: i128) -> Result<Node, E> {
        Ok(Node::Number(value as f64))
    }

    fn visit_u128<E>(self, value: u128) -> Result<Node, E> {
        Ok(Node::Number(value as f64))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Node, E> {
        Ok(Node::Number(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Node, E> {
        Ok(Node::Text(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Node, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = seq.next_element()? {
            list.push(item);
        }
        Ok(Node::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Node, A::Error> {
        let mut table = Vec::new();
        while let Some(entry) = map.next_entry()? {
            table.push(entry);
        }
        Ok(Node::Table(table))
    }
}
