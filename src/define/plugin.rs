//! The plugins that a field may have its values go through (Ceilometer's trait plugins): split, bitfield, timedelta
//! and map.

use std::borrow::Cow;

use super::IsoTime;
use super::document::{Placed, Yaml, line};
use super::path::Value;
use super::read::Reader;
use crate::model::{Node, python};

/// Bits that an integer trait holds.
const BIT_MAX: i64 = 62;

/// A plugin with its parameters.
#[derive(Clone, Debug)]
pub enum Plugin {
    /// One part of a text.
    Split {
        /// None splits at blanks.
        separator: Option<String>,
        /// From 0; from the end when negative.
        segment: i64,
        /// How often at most; none or negative is always.
        most: Option<usize>,
    },
    /// A number with the bits of the flags that were found.
    Bitfield {
        /// The bits that are always set.
        initial: i64,
        /// What sets the others.
        flags: Vec<Flag>,
    },
    /// The seconds between two timestamps.
    TimeDelta,
    /// One value for another.
    Map {
        /// What stands for what.
        values: Vec<(Node<'static>, Node<'static>)>,
        /// For what is not among them.
        default: Node<'static>,
        /// Whether upper and lower case are different.
        case_sensitive: bool,
    },
}

/// What sets a bit: the path was found, or found with this value.
#[derive(Clone, Debug)]
pub struct Flag {
    path: String,
    bit: u32,
    value: Option<Node<'static>>,
}

impl Plugin {
    /// Reads a plugin: its name, or a table of `name` and `parameters`. None, and a fault, for anything else.
    pub(super) fn read(field: &str, plugin: &Placed, reader: &mut Reader<'_>) -> Option<Plugin> {
        let at = line(plugin);
        let (name, parameters) = match &plugin.value {
            Yaml::Text(name) => (name.as_str(), None),
            table @ Yaml::Table(_) => match table.get("name").map(|name| &name.value) {
                Some(Yaml::Text(name)) => (name.as_str(), table.get("parameters")),
                _ => return reader.fault(at, format!("{field}: a plugin without a name")),
            },
            other => {
                return reader
                    .fault(at, format!("{field}: plugin must be a name or a table, not {}", other.kind()));
            }
        };
        let empty = Yaml::Table(Vec::new());
        let parameters = match parameters.map(|parameters| &parameters.value) {
            None | Some(Yaml::Null) => &empty,
            Some(table @ Yaml::Table(_)) => table,
            Some(other) => {
                let what =
                    format!("{field}: parameters must be a table of keys and values, not {}", other.kind());
                return reader.fault(at, what);
            }
        };
        let mut parameters = Parameters { field, at, table: parameters, reader };
        match name {
            "split" => parameters.split(),
            "bitfield" => parameters.bitfield(),
            "timedelta" => Some(Plugin::TimeDelta),
            "map" => parameters.map(),
            other => {
                let what = format!(
                    "{field}: no plugin named {other} (there are split, bitfield, timedelta and map)"
                );
                parameters.reader.fault(at, what)
            }
        }
    }

    /// Whether the plugin asks where a value stood.
    pub(super) fn asks_places(&self) -> bool {
        matches!(self, Plugin::Bitfield { .. })
    }

    /// What the plugin makes of the values that were found, each with its place if it asks for places.
    pub(super) fn values<'t>(&'t self, found: Vec<(String, Value<'t>)>) -> Vec<Value<'t>> {
        match self {
            Plugin::Split { separator, segment, most } => {
                let part =
                    |(_, value): (String, Value<'t>)| split(&value, separator.as_deref(), *segment, *most);
                found.into_iter().filter_map(part).collect()
            }
            Plugin::Bitfield { initial, flags } => {
                let set = |flag: &&Flag| {
                    found.iter().any(|(place, value)| {
                        *place == flag.path && flag.value.as_ref().is_none_or(|wanted| same(wanted, value))
                    })
                };
                let bits = flags.iter().filter(set).fold(*initial, |bits, flag| bits | 1 << flag.bit);
                vec![Cow::Owned(Node::Integer(bits))]
            }
            Plugin::TimeDelta => {
                let [(_, start), (_, stop)] = &found[..] else { return Vec::new() };
                let seconds = (|| {
                    IsoTime::parse(start.as_text()?)?.seconds_between(&IsoTime::parse(stop.as_text()?)?)
                })();
                seconds.map(|seconds| Cow::Owned(Node::Float(seconds))).into_iter().collect()
            }
            Plugin::Map { values, default, case_sensitive } => {
                let mapped = |(_, value): (String, Value<'t>)| {
                    let to = mapped(values, &value, *case_sensitive).unwrap_or(default);
                    (!to.is_null() && !value.is_null()).then_some(Cow::Borrowed(to))
                };
                found.into_iter().filter_map(mapped).collect()
            }
        }
    }
}

/// The parameters of a plugin, while they are read.
struct Parameters<'a, 'r> {
    field: &'a str,
    at: Option<u64>,
    table: &'a Yaml,
    reader: &'a mut Reader<'r>,
}

impl Parameters<'_, '_> {
    fn fault<T>(&mut self, what: &str) -> Option<T> {
        self.reader.fault(self.at, format!("{}: {what}", self.field))
    }

    /// A whole number, or `default` where there is none.
    fn integer(&mut self, name: &str, default: i64) -> Option<i64> {
        match self.table.get(name).map(|value| &value.value) {
            None | Some(Yaml::Null) => Some(default),
            Some(Yaml::Integer(number)) => Some(*number),
            Some(other) => {
                let what = format!("{name} must be a whole number, not {}", other.kind());
                self.fault(&what)
            }
        }
    }

    fn split(&mut self) -> Option<Plugin> {
        let separator = match self.table.get("separator").map(|value| &value.value) {
            None => Some(".".to_owned()),
            Some(Yaml::Null) => None,
            Some(Yaml::Text(text)) if !text.is_empty() => Some(text.clone()),
            Some(_) => return self.fault("separator must be a text that is not empty"),
        };
        let segment = self.integer("segment", 0)?;
        let most = usize::try_from(self.integer("max_split", -1)?).ok();
        Some(Plugin::Split { separator, segment, most })
    }

    fn bitfield(&mut self) -> Option<Plugin> {
        let initial = self.integer("initial_bitfield", 0)?;
        let mut flags = Vec::new();
        match self.table.get("flags").map(|flags| &flags.value) {
            None | Some(Yaml::Null) => {}
            Some(Yaml::List(list)) => {
                for flag in list {
                    let bit = match flag.value.get("bit").map(|bit| &bit.value) {
                        Some(Yaml::Integer(bit)) => Some(*bit),
                        Some(Yaml::Text(bit)) => bit.trim().parse().ok(),
                        _ => None,
                    };
                    let path = flag.value.get("path").and_then(|path| path.value.as_text());
                    match (path, bit) {
                        (Some(path), Some(bit @ 0..=BIT_MAX)) => flags.push(Flag {
                            path: path.to_owned(),
                            bit: bit as u32,
                            value: flag.value.get("value").map(|value| value.value.to_node()),
                        }),
                        _ => return self.fault("a flag needs a path and a bit from 0 to 62"),
                    }
                }
            }
            Some(_) => return self.fault("flags must be a list"),
        }
        Some(Plugin::Bitfield { initial, flags })
    }

    fn map(&mut self) -> Option<Plugin> {
        let values = match self.table.get("values").map(|values| &values.value) {
            Some(Yaml::Table(entries)) if !entries.is_empty() => {
                entries.iter().map(|(key, value)| (key.value.to_node(), value.value.to_node())).collect()
            }
            Some(values) if !values.is_empty() => return self.fault("the values of map must be a table"),
            _ => return self.fault("map needs values"),
        };
        let default = self.table.get("default").map_or(Node::Null, |default| default.value.to_node());
        let true_of = |value: &Yaml| value.truth().unwrap_or(!value.is_empty());
        let case_sensitive = self.table.get("case_sensitive").is_none_or(|value| true_of(&value.value));
        Some(Plugin::Map { values, default, case_sensitive })
    }
}

/// The part of Python's `str(value)`; none where there are fewer parts, or nothing to take apart.
fn split<'t>(
    value: &Node<'_>,
    separator: Option<&str>,
    segment: i64,
    most: Option<usize>,
) -> Option<Value<'t>> {
    if value.is_null() {
        return None;
    }
    let mut printed = Vec::new();
    python::write_str(value, &mut printed);
    let text = String::from_utf8_lossy(&printed);
    let parts: Vec<&str> = match (separator, most) {
        (Some(separator), Some(most)) => text.splitn(most.saturating_add(1), separator).collect(),
        (Some(separator), None) => text.split(separator).collect(),
        (None, None) => text.split_whitespace().collect(),
        (None, Some(most)) => {
            let (mut parts, mut rest) = (Vec::new(), text.trim());
            while parts.len() < most {
                let Some((part, tail)) = rest.split_once(char::is_whitespace) else { break };
                parts.push(part);
                rest = tail.trim_start();
            }
            parts.extend((!rest.is_empty()).then_some(rest));
            parts
        }
    };
    let place = if segment < 0 { segment.checked_add(parts.len() as i64)? } else { segment };
    let part = parts.get(usize::try_from(place).ok()?)?;
    Some(Cow::Owned(Node::Text((*part).to_owned().into())))
}

/// What `value` is mapped to. A key that is a number in quotes stands for the number too, if nothing else does: JSON
/// has no other keys.
fn mapped<'t>(
    values: &'t [(Node<'static>, Node<'static>)],
    value: &Node<'_>,
    case_sensitive: bool,
) -> Option<&'t Node<'static>> {
    let equal = |key: &Node<'_>| match (key, value) {
        (Node::Text(key), Node::Text(value)) if !case_sensitive => key.to_lowercase() == value.to_lowercase(),
        _ => same(key, value),
    };
    let quoted = |key: &Node<'_>| {
        let number = key.as_text().and_then(|text| text.parse::<i64>().ok());
        value.as_text().is_none() && number.is_some_and(|number| same(&Node::Integer(number), value))
    };
    // The last of keys that are the same without case counts.
    let found = values.iter().rev().find(|(key, _)| equal(key));
    found.or_else(|| values.iter().rev().find(|(key, _)| quoted(key))).map(|(_, to)| to)
}

/// Whether two values are equal as Python compares them: 1, 1.0 and True are.
fn same(left: &Node<'_>, right: &Node<'_>) -> bool {
    let number = |node: &Node<'_>| match node {
        Node::Bool(truth) => Some(f64::from(u8::from(*truth))),
        other => other.as_f64(),
    };
    match (left, right) {
        (Node::Integer(left), Node::Integer(right)) => left == right,
        (Node::List(left), Node::List(right)) => {
            left.len() == right.len() && left.iter().zip(right).all(|(left, right)| same(left, right))
        }
        (Node::Map(left), Node::Map(right)) => {
            let found = |(key, value): &(Cow<'_, str>, Node<'_>)| {
                right.iter().any(|(other, theirs)| key == other && same(value, theirs))
            };
            left.len() == right.len() && left.iter().all(found)
        }
        _ => match (number(left), number(right)) {
            (Some(left), Some(right)) => left == right,
            _ => left == right,
        },
    }
}
