//! A YAML document as a tree whose every value knows its line, and what is wrong with a file of them.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, DeserializeOwned, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::Spanned;

use crate::model::Node;

/// A value, and where it stands.
pub type Placed = Spanned<Yaml>;

/// The keys and values of a mapping, in the order of the file.
pub type Table = [(Placed, Placed)];

/// Whose YAML it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    /// Ours: a key that stands twice is a fault, and `yes`, `no`, `on` and `off` are truths.
    Own,
    /// Python's, which reads Ceilometer's files: of a key that stands twice the last counts, and `y` is a text. `yes`
    /// and its like are texts too, which [`Yaml::truth`] understands.
    Python,
}

/// One value of a YAML document.
#[derive(Clone, Debug)]
pub enum Yaml {
    /// `null`, `~` or nothing at all.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A whole number.
    Integer(i64),
    /// Any other number; a whole one over the range is rounded.
    Float(f64),
    /// A text.
    Text(String),
    /// A sequence.
    List(Vec<Placed>),
    /// A mapping.
    Table(Vec<(Placed, Placed)>),
}

/// One thing that is wrong, or odd, with a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The file, as messages name it.
    pub path: String,
    /// Where, from 1; none where the parser cannot tell.
    pub line: Option<u64>,
    /// What, as a sentence.
    pub message: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "{}:{line}: {}", self.path, self.message),
            None => write!(f, "{}: {}", self.path, self.message),
        }
    }
}

impl Yaml {
    /// What messages call a value of this kind.
    pub fn kind(&self) -> &'static str {
        match self {
            Yaml::Null => "nothing",
            Yaml::Bool(_) => "true or false",
            Yaml::Integer(_) | Yaml::Float(_) => "a number",
            Yaml::Text(_) => "a text",
            Yaml::List(_) => "a list",
            Yaml::Table(_) => "a table of keys and values",
        }
    }

    /// The number, if it is one; whole numbers beyond 2^53 are rounded.
    pub fn number(&self) -> Option<f64> {
        match *self {
            Yaml::Integer(number) => Some(number as f64),
            Yaml::Float(number) => Some(number),
            _ => None,
        }
    }

    /// The truth, if it is one: also what Python's YAML takes for one, `yes`, `no`, `on` and `off`.
    pub fn truth(&self) -> Option<bool> {
        match self {
            Yaml::Bool(truth) => Some(*truth),
            Yaml::Text(text) => match text.to_ascii_lowercase().as_str() {
                "yes" | "on" => Some(true),
                "no" | "off" => Some(false),
                _ => None,
            },
            _ => None,
        }
    }

    /// The value of `key`, if this is a table that has it.
    pub fn get(&self, key: &str) -> Option<&Placed> {
        self.entry(key).map(|(_, value)| value)
    }

    /// The entry of `key`, with where the key stands.
    pub fn entry(&self, key: &str) -> Option<&(Placed, Placed)> {
        let Yaml::Table(entries) = self else { return None };
        entry(entries, key)
    }

    /// Whether Python takes it for false: nothing, false, 0, and all that is empty.
    pub fn is_empty(&self) -> bool {
        match self {
            Yaml::Null => true,
            Yaml::Bool(truth) => !truth,
            Yaml::Integer(number) => *number == 0,
            Yaml::Float(number) => *number == 0.0,
            Yaml::Text(text) => text.is_empty(),
            Yaml::List(items) => items.is_empty(),
            Yaml::Table(entries) => entries.is_empty(),
        }
    }

    /// The text, if it is one.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Yaml::Text(text) => Some(text),
            _ => None,
        }
    }

    /// As a value of a record; keys become texts.
    pub fn to_node(&self) -> Node<'static> {
        match self {
            Yaml::Null => Node::Null,
            Yaml::Bool(truth) => Node::Bool(*truth),
            Yaml::Integer(number) => Node::Integer(*number),
            Yaml::Float(number) => Node::Float(*number),
            Yaml::Text(text) => Node::Text(Cow::Owned(text.clone())),
            Yaml::List(items) => Node::List(items.iter().map(|item| item.value.to_node()).collect()),
            Yaml::Table(entries) => {
                let entry =
                    |(key, value): &(Placed, Placed)| (key.value.shown().into(), value.value.to_node());
                Node::Map(entries.iter().map(entry).collect())
            }
        }
    }

    /// A text as it is, another value as it is written.
    pub fn shown(&self) -> String {
        match self {
            Yaml::Text(text) => text.clone(),
            Yaml::Integer(number) => number.to_string(),
            Yaml::Float(number) => format!("{number:?}"),
            Yaml::Bool(truth) => truth.to_string(),
            Yaml::Null => "null".to_owned(),
            other => other.kind().to_owned(),
        }
    }
}

/// The entry of `key`, with where the key stands.
pub fn entry<'t>(table: &'t Table, key: &str) -> Option<&'t (Placed, Placed)> {
    table.iter().find(|(name, _)| name.value.as_text() == Some(key))
}

/// Reads one document; JSON is YAML. Nesting, aliases and size are limited by the parser's own budget.
///
/// # Errors
/// What is wrong with the text, and in which line.
pub fn parse(text: &str, manner: Manner) -> Result<Placed, (Option<u64>, String)> {
    // In which order merged keys stand is decided below.
    read_as(text, manner, serde_saphyr::MergeKeyPolicy::AsOrdinary)
}

/// Reads one document that has the form of `T`. `path` is what messages call the file.
///
/// # Errors
/// The first thing that is wrong with it.
pub fn read<T: DeserializeOwned>(path: &str, text: &str, manner: Manner) -> Result<T, Fault> {
    let wrong = |(line, message)| Fault { path: path.to_owned(), line, message };
    read_as(text, manner, serde_saphyr::MergeKeyPolicy::Merge).map_err(wrong)
}

fn read_as<T: DeserializeOwned>(
    text: &str,
    manner: Manner,
    merge_keys: serde_saphyr::MergeKeyPolicy,
) -> Result<T, (Option<u64>, String)> {
    let duplicate_keys = match manner {
        Manner::Own => serde_saphyr::DuplicateKeyPolicy::Error,
        Manner::Python => serde_saphyr::DuplicateKeyPolicy::LastWins,
    };
    let options = serde_saphyr::options! {
        duplicate_keys: duplicate_keys,
        merge_keys: merge_keys,
        strict_booleans: manner == Manner::Python,
    };
    serde_saphyr::from_str_with_options(text, options).map_err(|error| {
        let error = error.without_snippet();
        let message = error.to_string();
        // The parser appends the place; ours stands in front.
        let message =
            message.split(" at line ").next().unwrap_or(&message).lines().next().unwrap_or_default();
        (error.location().map(|location| location.line()), message.to_owned())
    })
}

/// The line of a value; for an alias, where it is used.
pub fn line(placed: &Placed) -> Option<u64> {
    Some(placed.referenced.line()).filter(|&line| line > 0)
}

impl<'de> Deserialize<'de> for Yaml {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Yaml, D::Error> {
        deserializer.deserialize_any(YamlVisitor)
    }
}

struct YamlVisitor;

impl<'de> Visitor<'de> for YamlVisitor {
    type Value = Yaml;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Yaml, E> {
        Ok(Yaml::Null)
    }

    fn visit_none<E>(self) -> Result<Yaml, E> {
        Ok(Yaml::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Yaml, D::Error> {
        Yaml::deserialize(deserializer)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Yaml, E> {
        Ok(Yaml::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Yaml, E> {
        Ok(Yaml::Integer(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Yaml, E> {
        Ok(i64::try_from(value).map_or(Yaml::Float(value as f64), Yaml::Integer))
    }

    fn visit_i128<E>(self, value: i128) -> Result<Yaml, E> {
        Ok(i64::try_from(value).map_or(Yaml::Float(value as f64), Yaml::Integer))
    }

    fn visit_u128<E>(self, value: u128) -> Result<Yaml, E> {
        Ok(i64::try_from(value).map_or(Yaml::Float(value as f64), Yaml::Integer))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Yaml, E> {
        Ok(Yaml::Float(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Yaml, E> {
        Ok(Yaml::Text(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Yaml, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = seq.next_element()? {
            list.push(item);
        }
        Ok(Yaml::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Yaml, A::Error> {
        let (mut merged, mut own) = (Vec::new(), Vec::new());
        while let Some((key, value)) = map.next_entry::<Placed, Placed>()? {
            match (&key.value, value.value) {
                (Yaml::Text(text), Yaml::Table(entries)) if text == "<<" => merged.extend(entries),
                (Yaml::Text(text), Yaml::List(tables)) if text == "<<" => {
                    // Of tables that are merged together the first counts.
                    for table in tables.into_iter().rev() {
                        if let Yaml::Table(entries) = table.value {
                            merged.extend(entries);
                        }
                    }
                }
                (_, inner) => own.push((key, Spanned { value: inner, ..value })),
            }
        }
        let mut table: Vec<(Placed, Placed)> = Vec::with_capacity(merged.len() + own.len());
        // As in Python: what is merged stands first, and what stands here itself replaces it in its place.
        for (key, value) in merged.into_iter().chain(own) {
            let same = |other: &Yaml| match (&key.value, other) {
                (Yaml::Text(key), Yaml::Text(other)) => key == other,
                _ => false,
            };
            match table.iter_mut().find(|(other, _)| same(&other.value)) {
                Some((_, old)) => *old = value,
                None => table.push((key, value)),
            }
        }
        Ok(Yaml::Table(table))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_what_python_reads_and_know_their_lines() {
        let text = "a: 1\nb: [x, 2.5, true, null]\n1: {k: '5'}\na: 2\nm: &m {p: q}\nn: {<<: *m, r: s}\n";
        let root = parse(text, Manner::Python).unwrap().value;
        assert_eq!(
            serde_json::to_string(&root.to_node()).unwrap(),
            r#"{"a":2,"b":["x",2.5,true,null],"1":{"k":"5"},"m":{"p":"q"},"n":{"p":"q","r":"s"}}"#
        );
        assert_eq!(line(root.get("b").unwrap()), Some(2));
        assert_eq!(parse("a: [", Manner::Python).unwrap_err().0, Some(1));
    }

    #[test]
    fn a_key_that_stands_twice_is_a_fault_of_our_files_alone() {
        let twice = "a: 1\nb: 2\na: 3\n";
        assert_eq!(parse(twice, Manner::Own).unwrap_err().0, Some(3));
        assert_eq!(parse(twice, Manner::Python).unwrap().value.get("a").unwrap().value.number(), Some(3.0));
        // What is merged may stand here itself.
        let merged = parse("a: &a {p: 1}\nb: {<<: *a, p: 2}\n", Manner::Own).unwrap().value;
        assert_eq!(merged.get("b").unwrap().value.get("p").unwrap().value.number(), Some(2.0));
    }

    #[test]
    fn yes_is_true_in_both_manners_and_y_a_text_to_python() {
        for (manner, y) in [(Manner::Own, Some(true)), (Manner::Python, None)] {
            let root = parse("a: yes\nb: Off\nc: y\n", manner).unwrap().value;
            let truth = |key: &str| root.get(key).unwrap().value.truth();
            assert_eq!((truth("a"), truth("b"), truth("c")), (Some(true), Some(false), y));
        }
    }
}
