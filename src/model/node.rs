//! A value as JSON and MessagePack know it, borrowed from its bytes wherever they allow it.
//!
//! Notifications, metadata and datagrams are read into one of these: unlike `serde_json::Value` it copies no text
//! without escapes, hashes no key, and keeps the order of its keys.

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeSeed, MapAccess, SeqAccess, Visitor};
use serde::ser::{SerializeMap, SerializeSeq};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// One value and what is in it.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Node<'a> {
    /// Nothing.
    #[default]
    Null,
    /// True or false.
    Bool(bool),
    /// An integer that fits.
    Integer(i64),
    /// An integer over the range of `Integer`.
    Unsigned(u64),
    /// Any other number.
    Float(f64),
    /// A text.
    Text(Cow<'a, str>),
    /// Values in order.
    List(Vec<Node<'a>>),
    /// Named values in order. A name that stands twice means its last value, as in Python's dict.
    Map(Vec<(Cow<'a, str>, Node<'a>)>),
}

impl<'a> Node<'a> {
    /// The value of `key`; none when this is no map, or the map has none.
    #[inline]
    pub fn get(&self, key: &str) -> Option<&Node<'a>> {
        let Node::Map(entries) = self else { return None };
        entries.iter().rev().find(|(name, _)| name == key).map(|(_, value)| value)
    }

    /// The text, if it is one.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Node::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The number, if it is one; integers over 2^53 are rounded.
    pub fn as_f64(&self) -> Option<f64> {
        match *self {
            Node::Integer(number) => Some(number as f64),
            Node::Unsigned(number) => Some(number as f64),
            Node::Float(number) => Some(number),
            _ => None,
        }
    }

    /// Whether it is nothing.
    pub fn is_null(&self) -> bool {
        matches!(self, Node::Null)
    }

    /// The same value, with no borrowed part.
    pub fn into_owned(self) -> Node<'static> {
        match self {
            Node::Null => Node::Null,
            Node::Bool(value) => Node::Bool(value),
            Node::Integer(value) => Node::Integer(value),
            Node::Unsigned(value) => Node::Unsigned(value),
            Node::Float(value) => Node::Float(value),
            Node::Text(text) => Node::Text(Cow::Owned(text.into_owned())),
            Node::List(items) => Node::List(items.into_iter().map(Node::into_owned).collect()),
            Node::Map(entries) => {
                let owned =
                    |(key, value): (Cow<'_, str>, Node<'_>)| (key.into_owned().into(), value.into_owned());
                Node::Map(entries.into_iter().map(owned).collect())
            }
        }
    }
}

impl From<u64> for Node<'_> {
    fn from(number: u64) -> Self {
        i64::try_from(number).map_or(Node::Unsigned(number), Node::Integer)
    }
}

impl<'a> From<&'a str> for Node<'a> {
    fn from(text: &'a str) -> Self {
        Node::Text(Cow::Borrowed(text))
    }
}

impl<'de> Deserialize<'de> for Node<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NodeVisitor)
    }
}

struct NodeVisitor;

impl<'de> Visitor<'de> for NodeVisitor {
    type Value = Node<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Node<'de>, E> {
        Ok(Node::Null)
    }

    fn visit_none<E>(self) -> Result<Node<'de>, E> {
        Ok(Node::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Node<'de>, E> {
        Ok(Node::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Node<'de>, E> {
        Ok(Node::Integer(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Node<'de>, E> {
        Ok(Node::from(value))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Node<'de>, E> {
        Ok(Node::Float(value))
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Node<'de>, E> {
        Ok(Node::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Node<'de>, E> {
        Ok(Node::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_string<E>(self, text: String) -> Result<Node<'de>, E> {
        Ok(Node::Text(Cow::Owned(text)))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Node<'de>, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = access.next_element()? {
            items.push(item);
        }
        Ok(Node::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Node<'de>, A::Error> {
        let mut entries = Vec::new();
        while let Some(key) = access.next_key_seed(Key)? {
            entries.push((key, access.next_value()?));
        }
        Ok(Node::Map(entries))
    }
}

/// A key: serde's own `Cow` always copies.
struct Key;

impl<'de> DeserializeSeed<'de> for Key {
    type Value = Cow<'de, str>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for Key {
    type Value = Cow<'de, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_borrowed_str<E: de::Error>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Cow::Borrowed(text))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Cow::Owned(text.to_owned()))
    }
}

impl Serialize for Node<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Node::Null => serializer.serialize_unit(),
            Node::Bool(value) => serializer.serialize_bool(*value),
            Node::Integer(value) => serializer.serialize_i64(*value),
            Node::Unsigned(value) => serializer.serialize_u64(*value),
            Node::Float(value) => serializer.serialize_f64(*value),
            Node::Text(text) => serializer.serialize_str(text),
            Node::List(items) => {
                let mut list = serializer.serialize_seq(Some(items.len()))?;
                items.iter().try_for_each(|item| list.serialize_element(item))?;
                list.end()
            }
            Node::Map(entries) => {
                let mut map = serializer.serialize_map(Some(entries.len()))?;
                entries.iter().try_for_each(|(key, value)| map.serialize_entry(&**key, value))?;
                map.end()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_read_borrowed_and_written_as_it_was() {
        let text = r#"{"a":[null,true,-1,18446744073709551615,1.5,"x"],"b":{"é":"caf\u00e9","n":{}}}"#;
        let node: Node<'_> = serde_json::from_str(text).unwrap();
        let Some(Node::List(items)) = node.get("a") else { panic!("{node:?}") };
        assert_eq!(items[3], Node::Unsigned(u64::MAX));
        assert!(matches!(items[5], Node::Text(Cow::Borrowed("x"))));
        assert_eq!(node.get("b").unwrap().get("é").unwrap().as_text(), Some("café"));
        assert_eq!(serde_json::to_string(&node).unwrap(), text.replace("\\u00e9", "é"));
        assert_eq!(node.clone().into_owned(), node);
    }

    #[test]
    fn of_a_name_that_stands_twice_the_last_counts() {
        let node: Node<'_> = serde_json::from_str(r#"{"a":1,"a":2}"#).unwrap();
        assert_eq!(node.get("a"), Some(&Node::Integer(2)));
        assert_eq!(node.get("b"), None);
        assert_eq!(Node::Null.get("a"), None);
    }
}
