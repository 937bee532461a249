//! A sample on its way through transformers, in the words of its line: what is not changed leaves as it came.

use std::borrow::Cow;

use thiserror::Error;
use uuid::Uuid;

use super::number::Number;
use crate::model::{BadTimestamp, Node, Timestamp};

/// A sample whose parts are borrowed from its line until something must keep them.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample<'a> {
    /// The meter.
    pub name: Cow<'a, str>,
    /// Gauge, delta, cumulative, or whatever a transformer was told to make of it.
    pub sample_type: Cow<'a, str>,
    /// The unit of `volume`.
    pub unit: Cow<'a, str>,
    /// The value.
    pub volume: Number,
    /// The user who owns the resource.
    pub user_id: Node<'a>,
    /// The project that owns the resource.
    pub project_id: Node<'a>,
    /// What was measured.
    pub resource_id: Cow<'a, str>,
    /// When, as it was written.
    pub timestamp: Cow<'a, str>,
    /// When.
    pub time: Timestamp,
    /// What else is known of the resource.
    pub metadata: Node<'a>,
    /// Where the sample comes from.
    pub source: Node<'a>,
    /// Its identity.
    pub id: Node<'a>,
    /// Seconds of a clock that never jumps.
    pub monotonic_time: Node<'a>,
    /// All other keys, in their order: names of users and projects, and what only the sender knows.
    pub others: Vec<(Cow<'a, str>, Node<'a>)>,
}

/// Why a record cannot go through transformers.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum BadSample {
    /// A key that transformers need is absent or null.
    #[error("sample without {0}")]
    Missing(&'static str),
    /// A value of the wrong type.
    #[error("sample: {0} is not {1}")]
    WrongType(&'static str, &'static str),
    /// A timestamp that cannot be read.
    #[error("sample: timestamp \"{1}\": {0}")]
    Timestamp(BadTimestamp, String),
    /// What no tree can hold.
    #[error("sample: half a character, or a number over the range")]
    Unreadable,
}

/// The namespace of identities of samples that a transformer made: the same input gives the same identity.
const IDENTITIES: Uuid = Uuid::from_u128(0x5b6c_1f0e_8f5d_4d3c_9d0a_7a9b_2f64_c1de);

impl<'a> Sample<'a> {
    /// Takes a record apart; Ceilometer's `counter_*` form is read too.
    ///
    /// # Errors
    /// [`BadSample`] names the key.
    pub fn of_node(node: Node<'a>) -> Result<Sample<'a>, BadSample> {
        let Node::Map(entries) = node else { return Err(BadSample::Missing("name")) };
        let mut sample = Sample {
            name: Cow::Borrowed(""),
            sample_type: Cow::Borrowed("gauge"),
            unit: Cow::Borrowed(""),
            volume: Number::Int(0),
            user_id: Node::Null,
            project_id: Node::Null,
            resource_id: Cow::Borrowed(""),
            timestamp: Cow::Borrowed(""),
            time: Timestamp::from_ns(0),
            metadata: Node::Map(Vec::new()),
            source: Node::Null,
            id: Node::Null,
            monotonic_time: Node::Null,
            others: Vec::new(),
        };
        let (mut volume, mut timestamp) = (Node::Null, Node::Null);
        let plain = ["name", "volume"].iter().all(|key| entries.iter().any(|(name, _)| name == key));
        for (key, value) in entries {
            match (&*key, plain) {
                ("name", true) | ("counter_name", false) => sample.name = text("name", value)?,
                ("type", true) | ("counter_type", false) => {
                    sample.sample_type = text_or("gauge", "type", value)?
                }
                ("unit", true) | ("counter_unit", false) => sample.unit = text_or("", "unit", value)?,
                ("volume", true) | ("counter_volume", false) => volume = value,
                ("user_id", _) => sample.user_id = value,
                ("project_id", _) => sample.project_id = value,
                ("resource_id", _) => sample.resource_id = text_or("", "resource_id", value)?,
                ("timestamp", _) => timestamp = value,
                ("resource_metadata", _) if !value.is_null() => sample.metadata = value,
                ("resource_metadata", _) => {}
                ("source", _) => sample.source = value,
                ("id", true) | ("message_id", false) => sample.id = value,
                ("monotonic_time", _) => sample.monotonic_time = value,
                // A signature is of the sample that came, not of the one that leaves.
                ("message_signature", _) => {}
                _ => sample.others.push((key, value)),
            }
        }
        sample.volume = match &volume {
            Node::Null => return Err(BadSample::Missing("volume")),
            Node::Text(text) => Number::of_text(text),
            other => Number::of_node(other),
        }
        .filter(|number| number.to_f64().is_finite())
        .ok_or(BadSample::WrongType("volume", "a number"))?;
        sample.set_time(timestamp)?;
        Ok(sample)
    }

    fn set_time(&mut self, timestamp: Node<'a>) -> Result<(), BadSample> {
        let (written, read) = match timestamp {
            Node::Null => return Err(BadSample::Missing("timestamp")),
            Node::Text(written) => {
                let read = Timestamp::parse(written.as_bytes());
                (written, read)
            }
            other => {
                let Some(seconds) = other.as_f64() else {
                    return Err(BadSample::WrongType("timestamp", "a text"));
                };
                let read = Timestamp::from_seconds(seconds);
                let mut written = Vec::new();
                if let Ok(time) = read {
                    time.write(&mut written);
                }
                (Cow::Owned(String::from_utf8_lossy(&written).into_owned()), read)
            }
        };
        self.time = read.map_err(|why| {
            let shown = written.chars().take(40).collect();
            BadSample::Timestamp(why, shown)
        })?;
        self.timestamp = written;
        Ok(())
    }

    /// The same sample, with no borrowed part.
    pub fn into_owned(self) -> Sample<'static> {
        let owned = |text: Cow<'a, str>| Cow::Owned(text.into_owned());
        Sample {
            name: owned(self.name),
            sample_type: owned(self.sample_type),
            unit: owned(self.unit),
            volume: self.volume,
            user_id: self.user_id.into_owned(),
            project_id: self.project_id.into_owned(),
            resource_id: owned(self.resource_id),
            timestamp: owned(self.timestamp),
            time: self.time,
            metadata: self.metadata.into_owned(),
            source: self.source.into_owned(),
            id: self.id.into_owned(),
            monotonic_time: self.monotonic_time.into_owned(),
            others: self
                .others
                .into_iter()
                .map(|(key, value)| (Cow::Owned(key.into_owned()), value.into_owned()))
                .collect(),
        }
    }

    /// Turns into a sample that was not measured but computed: no clock reading, and an identity of its own, the same
    /// for the same input. Ceilometer draws a random one.
    pub fn make_new(&mut self) {
        self.monotonic_time = Node::Null;
        let mut seed = match &self.id {
            Node::Text(id) => id.as_bytes().to_vec(),
            _ => Vec::new(),
        };
        for part in [&self.name, &self.resource_id, &self.timestamp] {
            seed.push(0);
            seed.extend(part.as_bytes());
        }
        self.id = Node::Text(Cow::Owned(Uuid::new_v5(&IDENTITIES, &seed).to_string()));
    }

    /// The record, in the key order of Ceilometer's `Sample.as_dict`.
    pub fn into_node(self) -> Node<'a> {
        let source = if self.source.is_null() { Node::from("openstack") } else { self.source };
        let mut entries: Vec<(Cow<'a, str>, Node<'a>)> = Vec::with_capacity(12 + self.others.len());
        let mut put = |key: &'static str, value: Node<'a>| entries.push((Cow::Borrowed(key), value));
        put("name", Node::Text(self.name));
        put("type", Node::Text(self.sample_type));
        put("unit", Node::Text(self.unit));
        put("volume", self.volume.to_node());
        put("user_id", self.user_id);
        put("project_id", self.project_id);
        put("resource_id", Node::Text(self.resource_id));
        put("timestamp", Node::Text(self.timestamp));
        put("resource_metadata", self.metadata);
        put("source", source);
        put("id", self.id);
        put("monotonic_time", self.monotonic_time);
        entries.extend(self.others);
        Node::Map(entries)
    }
}

fn text<'a>(key: &'static str, value: Node<'a>) -> Result<Cow<'a, str>, BadSample> {
    match value {
        Node::Text(text) => Ok(text),
        Node::Null => Err(BadSample::Missing(key)),
        _ => Err(BadSample::WrongType(key, "a text")),
    }
}

fn text_or<'a>(default: &'static str, key: &'static str, value: Node<'a>) -> Result<Cow<'a, str>, BadSample> {
    if value.is_null() { Ok(Cow::Borrowed(default)) } else { text(key, value) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Sample<'_>, String> {
        Sample::of_node(serde_json::from_str(text).unwrap()).map_err(|error| error.to_string())
    }

    #[test]
    fn a_sample_leaves_as_it_came_in_the_order_of_the_original() {
        let text = r#"{"name":"a","type":"delta","unit":"B","volume":1,"user_id":null,"project_id":"p","resource_id":"r","timestamp":"2026-03-01T10:00:00","resource_metadata":{"k":[1]},"source":"x","id":"i","monotonic_time":null,"user_name":"u"}"#;
        let sample = read(text).unwrap();
        assert_eq!(serde_json::to_string(&sample.clone().into_node()).unwrap(), text);
        assert_eq!(serde_json::to_string(&sample.into_owned().into_node()).unwrap(), text);
    }

    #[test]
    fn the_signed_form_is_read_and_its_signature_left_behind() {
        let text = r#"{"counter_name":"a","counter_type":"gauge","counter_unit":"B","counter_volume":"2048","resource_id":"r","timestamp":"2026-03-01T10:00:00","message_id":"i","message_signature":"s"}"#;
        let sample = read(text).unwrap();
        assert_eq!((&*sample.name, sample.volume), ("a", Number::Float(2048.0)));
        assert_eq!((sample.id, sample.others.len()), (Node::from("i"), 0));
    }

    #[test]
    fn what_no_transformer_can_use_is_named() {
        for (text, message) in [
            (r#"{"name":"a","volume":null}"#, "sample without volume"),
            (r#"{"name":"a","volume":"two","timestamp":0}"#, "sample: volume is not a number"),
            (r#"{"name":"a","volume":"nan","timestamp":0}"#, "sample: volume is not a number"),
            (r#"{"name":"a","volume":[],"timestamp":0}"#, "sample: volume is not a number"),
            (r#"{"name":"a","volume":1}"#, "sample without timestamp"),
            (r#"{"name":5,"volume":1,"timestamp":0}"#, "sample: name is not a text"),
            (
                r#"{"name":"a","volume":1,"timestamp":"x"}"#,
                "sample: timestamp \"x\": not an RFC 3339 timestamp",
            ),
        ] {
            assert_eq!(read(text).unwrap_err(), message, "{text}");
        }
    }
}
