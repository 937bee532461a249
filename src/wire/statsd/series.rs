//! What one series of statsd is called: its clean name, and its tags as metadata.

use std::collections::BTreeMap;

use memchr::memchr2;

use super::line::{BadLine, Value};
use crate::wire::sample::{Owner, write_labels};

/// Name and tags of a series, ready to be written.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct SeriesName {
    pub(super) name: String,
    /// A JSON object.
    pub(super) metadata: Vec<u8>,
    resource_id: Option<String>,
    user_id: Option<String>,
    project_id: Option<String>,
}

impl SeriesName {
    /// Of a value: tags sorted by their keys, so that their order on the wire makes no difference.
    pub(super) fn read(value: &Value<'_>, resource_tag: &str) -> Result<SeriesName, BadLine> {
        // Graphite writes tags as `;key=value` behind a name, Influx's clients as `,key=value`.
        let end = memchr2(b';', b',', value.name).unwrap_or(value.name.len());
        let name = clean(&value.name[..end]);
        if name.is_empty() {
            return Err(BadLine::NoName);
        }
        let in_name = value.name[end..].split(|byte| matches!(byte, b';' | b',')).map(|tag| pair(tag, b'='));
        let behind = value.tags.split(|&byte| byte == b',').map(|tag| pair(tag, b':'));
        let mut tags: Vec<(String, String)> =
            in_name.chain(behind).filter(|(key, _)| !key.is_empty()).collect();
        // Of a key that stands twice the last counts.
        tags.reverse();
        tags.sort_by(|one, other| one.0.cmp(&other.0));
        tags.dedup_by(|one, other| one.0 == other.0);
        let mut metadata = Vec::new();
        let owner =
            write_labels(tags.iter().map(|(key, value)| (key.as_str(), value.as_str())), &mut metadata);
        let of_tag = tags.iter().find(|(key, value)| key == resource_tag && !value.is_empty());
        Ok(SeriesName {
            name,
            resource_id: owner.resource_id.or(of_tag.map(|(_, value)| value.as_str())).map(str::to_owned),
            user_id: owner.user_id.map(str::to_owned),
            project_id: owner.project_id.map(str::to_owned),
            metadata,
        })
    }

    /// Whose it is, as far as its tags say it.
    pub(super) fn owner(&self) -> Owner<'_> {
        Owner {
            resource_id: self.resource_id.as_deref(),
            user_id: self.user_id.as_deref(),
            project_id: self.project_id.as_deref(),
        }
    }

    /// All of its tags, those that name an owner too.
    pub(super) fn tags(&self) -> BTreeMap<String, String> {
        let mut tags: BTreeMap<String, String> = serde_json::from_slice(&self.metadata).unwrap_or_default();
        let owner = self.owner();
        let owner = [
            ("resource_id", owner.resource_id),
            ("user_id", owner.user_id),
            ("project_id", owner.project_id),
        ];
        for (key, value) in owner {
            if let Some(value) = value {
                tags.insert(key.to_owned(), value.to_owned());
            }
        }
        tags
    }

    /// About how many bytes it holds.
    pub(super) fn bytes(&self) -> usize {
        self.name.len() + self.metadata.len()
    }
}

/// A key and its value; a tag without value is one with an empty value.
fn pair(tag: &[u8], between: u8) -> (String, String) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    match memchr::memchr(between, tag) {
        Some(at) => (text(&tag[..at]), text(&tag[at + 1..])),
        None => (text(tag), String::new()),
    }
}

/// A name as Etsy's statsd 0.10 cleans it (`stats.js`, sanitizeKeyName).
fn clean(name: &[u8]) -> String {
    let mut cleaned = String::with_capacity(name.len());
    let mut in_space = false;
    for &byte in name {
        let space = byte.is_ascii_whitespace() || byte == 0x0B;
        match byte {
            // A run of white space is one.
            _ if space && in_space => {}
            _ if space => cleaned.push('_'),
            b'/' => cleaned.push('-'),
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'_' | b'-' | b'.' => cleaned.push(byte.into()),
            _ => {}
        }
        in_space = space;
    }
    cleaned
}
