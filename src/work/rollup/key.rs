//! The key of a group: which values of a sample say that it belongs together with others.
//!
//! In memory a key is its parts one after the other, each with a tag and its length, so that two keys are the same
//! group exactly when their bytes are the same.

use std::hash::BuildHasher;

use serde_json::Value;
use serde_json::value::RawValue;
use thiserror::Error;

use crate::wire::json::{Keys, Records, Reject, SampleParts, Scanner, ValueKind, unescape};

/// Dotted path parts in one key: deeper nesting is no grouping key.
const PATH_MAX: usize = 16;

/// Which keys the samples of one row share, besides meter and unit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct By(Vec<String>);

/// Keys that nothing can be grouped by.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum KeyError {
    /// An empty key, or an empty part of a path.
    #[error("\"{0}\" is no key: write a top-level key or a dotted path, as resource_metadata.flavor.name")]
    Empty(String),
    /// A key that would not be a key of the samples but of the rows.
    #[error("cannot group by {0}: it differs from sample to sample")]
    Varying(String),
}

impl Default for By {
    fn default() -> By {
        By(vec!["resource_id".to_owned()])
    }
}

impl By {
    /// Groups by `keys`: top-level keys or dotted paths. The meter's name and unit are always part of the key,
    /// because values of different meters or units cannot be added up.
    ///
    /// # Errors
    /// [`KeyError`] names the key.
    pub fn new<S: AsRef<str>>(keys: &[S]) -> Result<By, KeyError> {
        let mut unique: Vec<String> = Vec::new();
        for key in keys.iter().map(|key| key.as_ref().trim()) {
            if key.is_empty() || key.split('.').any(str::is_empty) || key.split('.').count() > PATH_MAX {
                return Err(KeyError::Empty(key.to_owned()));
            }
            if matches!(key, "volume" | "counter_volume" | "timestamp" | "id" | "message_id") {
                return Err(KeyError::Varying(key.to_owned()));
            }
            let implied = matches!(key, "name" | "unit" | "counter_name" | "counter_unit");
            if !implied && !unique.iter().any(|other| other == key) {
                unique.push(key.to_owned());
            }
        }
        Ok(By(unique))
    }

    /// The keys, in the order of the row.
    pub fn keys(&self) -> &[String] {
        &self.0
    }
}

/// What a part of a key is. The order of the variants is the order of rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Tag {
    /// The sample does not have it, or it is null.
    Absent = 0,
    /// A text, unescaped.
    Text = 1,
    /// Any other JSON value, as written.
    Json = 2,
}

/// One part of a key.
#[derive(Clone, Copy, Debug)]
pub(super) struct Part<'a> {
    pub tag: Tag,
    pub bytes: &'a [u8],
}

/// Bytes of a part's tag and length.
const HEAD: usize = 5;

/// The parts of a key: meter, unit, then the [`By`] keys in their order.
pub(super) fn parts(mut key: &[u8]) -> impl Iterator<Item = Part<'_>> {
    std::iter::from_fn(move || {
        let (head, rest) = key.split_first_chunk::<HEAD>()?;
        let length = u32::from_le_bytes([head[1], head[2], head[3], head[4]]) as usize;
        let (bytes, rest) = rest.split_at_checked(length)?;
        key = rest;
        let tag = match head[0] {
            0 => Tag::Absent,
            1 => Tag::Text,
            _ => Tag::Json,
        };
        Some(Part { tag, bytes })
    })
}

#[inline]
fn push(key: &mut Vec<u8>, tag: Tag, bytes: &[u8]) {
    let length = (bytes.len() as u32).to_le_bytes();
    key.extend_from_slice(&[tag as u8, length[0], length[1], length[2], length[3]]);
    key.extend_from_slice(bytes);
}

/// A fixed seed: the table's order never shows, and runs repeat.
pub(super) fn hash(key: &[u8]) -> u64 {
    foldhash::fast::FixedState::default().hash_one(key)
}

/// Reads the keys of samples.
pub(super) struct KeyReader {
    fields: Vec<Field>,
}

enum Field {
    /// The sample's own part: it is read anyway.
    Resource,
    /// Another top-level key: its number among the extra keys.
    TopLevel(usize),
    /// A path: the number of its first key, and the rest, one a level.
    Path(usize, Vec<Level>),
}

/// One step down a path.
struct Level {
    /// Finds the key in an object.
    scanner: Scanner,
    /// The place in a list, where the key is a number.
    index: Option<usize>,
}

impl KeyReader {
    /// `top_level`: the extra keys of the records; those that are needed are added.
    pub fn new(by: &By, top_level: &mut Vec<String>) -> KeyReader {
        let fields = by.keys().iter().map(|key| {
            let mut names = key.split('.');
            let first = names.next().unwrap_or_default();
            if key == "resource_id" {
                return Field::Resource;
            }
            let number = top_level.iter().position(|name| name == first).unwrap_or(top_level.len());
            if number == top_level.len() {
                top_level.push(first.to_owned());
            }
            let level = |name: &str| {
                let scanner = Scanner::new(Keys::new(&[name]).ok()?);
                Some(Level { scanner, index: name.parse().ok() })
            };
            let inner: Vec<Level> = names.filter_map(level).collect();
            if inner.is_empty() { Field::TopLevel(number) } else { Field::Path(number, inner) }
        });
        KeyReader { fields: fields.collect() }
    }

    /// Appends the key of the sample in `line`.
    #[inline]
    pub fn read(
        &mut self,
        records: &Records,
        line: &[u8],
        sample: &SampleParts<'_>,
        key: &mut Vec<u8>,
    ) -> Result<(), Reject> {
        push(key, Tag::Text, &sample.name);
        push_text(key, sample.unit.as_deref());
        for field in &mut self.fields {
            match field {
                Field::Resource => push_text(key, sample.resource_id.as_deref()),
                Field::TopLevel(number) => {
                    let slot = records.extra(*number);
                    push_value(key, slot.kind, slot.bytes(line))?;
                }
                Field::Path(number, levels) => {
                    let slot = records.extra(*number);
                    push_path(key, slot.kind, slot.bytes(line), levels)?;
                }
            }
        }
        Ok(())
    }

    /// What tells the series within a group apart.
    pub fn series<'a>(&self, sample: &'a SampleParts<'_>) -> &'a [u8] {
        sample.resource_id.as_deref().unwrap_or_default()
    }
}

#[inline]
fn push_text(key: &mut Vec<u8>, text: Option<&[u8]>) {
    match text {
        Some(text) => push(key, Tag::Text, text),
        None => push(key, Tag::Absent, b""),
    }
}

fn push_value(key: &mut Vec<u8>, kind: ValueKind, bytes: &[u8]) -> Result<(), Reject> {
    match kind {
        ValueKind::Absent | ValueKind::Null => push(key, Tag::Absent, b""),
        ValueKind::Text => push(key, Tag::Text, bytes),
        ValueKind::EscapedText => {
            let mut text = Vec::new();
            if !unescape(bytes, &mut text) {
                return Err(Reject::Limit("a group key is not a text of whole characters"));
            }
            push(key, Tag::Text, &text);
        }
        ValueKind::True | ValueKind::False => push(key, Tag::Json, bytes),
        // It will stand in a row as it is written here, and rows are readable.
        ValueKind::Number | ValueKind::Object | ValueKind::Array => {
            serde_json::from_slice::<Value>(bytes).map_err(|_| Reject::Unreadable)?;
            push(key, Tag::Json, bytes);
        }
    }
    Ok(())
}

/// Follows a path into objects and, by number, into lists; whatever is neither on the way has no such key.
fn push_path(key: &mut Vec<u8>, kind: ValueKind, bytes: &[u8], levels: &mut [Level]) -> Result<(), Reject> {
    let Some((level, deeper)) = levels.split_first_mut() else { return push_value(key, kind, bytes) };
    match (kind, level.index) {
        (ValueKind::Object, _) => {
            let mut text = Vec::with_capacity(bytes.len() + 1);
            text.extend_from_slice(bytes);
            text.push(b'\n');
            // The whole line was scanned before, so its parts are JSON too.
            if level.scanner.scan(&text).is_ok() {
                let slot = level.scanner.slot(0);
                return push_path(key, slot.kind, slot.bytes(&text), deeper);
            }
        }
        (ValueKind::Array, Some(index)) => {
            let items: Vec<&RawValue> = serde_json::from_slice(bytes).map_err(|_| Reject::Unreadable)?;
            if let Some(item) = items.get(index) {
                let (kind, inner) = kind_of(item.get().as_bytes());
                return push_path(key, kind, inner, deeper);
            }
        }
        _ => {}
    }
    push(key, Tag::Absent, b"");
    Ok(())
}

/// What a JSON value is, and its bytes, a text's without its quotes.
fn kind_of(json: &[u8]) -> (ValueKind, &[u8]) {
    let kind = match json {
        [b'"', text @ .., b'"'] => {
            let escaped = memchr::memchr(b'\\', text).is_some();
            return (if escaped { ValueKind::EscapedText } else { ValueKind::Text }, text);
        }
        [b'{', ..] => ValueKind::Object,
        [b'[', ..] => ValueKind::Array,
        [b't', ..] => ValueKind::True,
        [b'f', ..] => ValueKind::False,
        [b'n', ..] => ValueKind::Null,
        _ => ValueKind::Number,
    };
    (kind, json)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_the_same_bytes_exactly_when_all_parts_are_the_same() {
        let key = |list: &[(Tag, &str)]| {
            let mut key = Vec::new();
            list.iter().for_each(|(tag, text)| push(&mut key, *tag, text.as_bytes()));
            key
        };
        assert_ne!(key(&[(Tag::Text, "a"), (Tag::Text, "bc")]), key(&[(Tag::Text, "ab"), (Tag::Text, "c")]));
        assert_ne!(key(&[(Tag::Text, "1")]), key(&[(Tag::Json, "1")]));
        let back: Vec<_> =
            parts(&key(&[(Tag::Text, "é"), (Tag::Absent, "")])).map(|p| (p.tag, p.bytes.len())).collect();
        assert_eq!(back, [(Tag::Text, 2), (Tag::Absent, 0)]);
    }

    #[test]
    fn a_key_that_cannot_group_is_refused() {
        assert!(matches!(By::new(&["a..b"]), Err(KeyError::Empty(_))));
        assert!(matches!(By::new(&[""]), Err(KeyError::Empty(_))));
        assert!(matches!(By::new(&["timestamp"]), Err(KeyError::Varying(_))));
        assert_eq!(By::new(&["name", "project_id", "project_id"]).unwrap().keys(), ["project_id"]);
    }
}
