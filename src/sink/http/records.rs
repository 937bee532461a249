//! `http:` and `https:` · Records as JSON, as Ceilometer's http publisher posts them.
//!
//! Ceilometer 27.0.0, seen from outside: a list of `as_dict` objects a request, or with `batch=False` one object; of
//! events with `raw_only=True` the payload of the notification behind each, where it was kept. Other records, which
//! Ceilometer has not, are posted as they are.

use std::borrow::Cow;

use memchr::memmem::Finder;

use super::super::courier::Abandoned;
use super::client::Request;
use super::delivery::Round;
use super::dialect::{Dialect, Parcel};
use crate::base::{Failure, Url};
use crate::model::Node;
use crate::wire::json::{read_node, write_node};

/// Options of this dialect.
pub const OPTIONS: [&str; 3] = ["batch", "raw_only", "batch_size"];
/// Records a request at most, unless told otherwise: Ceilometer sends what one polling cycle or batch brings.
const BATCH_SIZE: u64 = 1000;
/// More are never at hand at once.
const BATCH_SIZE_MAX: u64 = 1_000_000;

/// Keys of a sample in the form that Ceilometer signs, and in the one that it posts.
const METER_KEYS: [(&str, &str); 5] = [
    ("counter_name", "name"),
    ("counter_type", "type"),
    ("counter_unit", "unit"),
    ("counter_volume", "volume"),
    ("message_id", "id"),
];
/// Keys that stand on a wire only.
const WIRE_KEYS: [&str; 2] = ["message_signature", "publisher_id"];
/// `as_dict`'s order.
const SAMPLE_KEYS: [&str; 14] = [
    "name",
    "type",
    "unit",
    "volume",
    "user_id",
    "user_name",
    "project_id",
    "project_name",
    "resource_id",
    "timestamp",
    "resource_metadata",
    "source",
    "id",
    "monotonic_time",
];

/// Posts JSON.
pub struct Records {
    is_list: bool,
    raw_only: bool,
    batch_size: usize,
    counter_name: Finder<'static>,
    signature: Finder<'static>,
}

impl Records {
    /// Reads `batch=`, `raw_only=` and `batch_size=`.
    ///
    /// # Errors
    /// When a value makes no sense.
    pub fn new(url: &Url) -> Result<Records, Failure> {
        Ok(Records {
            is_list: url.yes_or_no("batch", true)?,
            raw_only: url.yes_or_no("raw_only", false)?,
            batch_size: batch_size(url)?,
            counter_name: Finder::new("\"counter_name\""),
            signature: Finder::new("\"message_signature\""),
        })
    }

    /// What is posted of `line`; none where only raw payloads are wanted and it has none.
    fn posted<'a>(&self, line: &'a [u8]) -> Option<Cow<'a, [u8]>> {
        if self.raw_only {
            let node = read_node(line).ok()?;
            let payload = node.get("raw")?.get("payload").filter(|payload| !payload.is_null())?;
            let mut out = Vec::new();
            write_node(payload, &mut out);
            return Some(Cow::Owned(out));
        }
        let is_wire_form = self.counter_name.find(line).is_some() || self.signature.find(line).is_some();
        // What cannot be read as a tree passes as it came.
        let form = if is_wire_form { read_node(line).ok().and_then(unsigned) } else { None };
        Some(form.map_or(Cow::Borrowed(line), |node| {
            let mut out = Vec::with_capacity(line.len());
            write_node(&node, &mut out);
            Cow::Owned(out)
        }))
    }
}

impl Dialect for Records {
    fn deliver(&mut self, lines: &[&[u8]], round: &mut Round<'_>) -> Result<(), Abandoned> {
        let chunk = if self.is_list { self.batch_size } else { 1 };
        for lines in lines.chunks(chunk) {
            let mut body = Vec::with_capacity(lines.iter().map(|line| line.len() + 2).sum());
            let (mut records, mut bytes) = (0, 0);
            for line in lines {
                let Some(posted) = self.posted(line.trim_ascii_end()) else {
                    round.skipped("no raw payload", 1)?;
                    continue;
                };
                if self.is_list {
                    body.extend_from_slice(if records == 0 { b"[" } else { b", " });
                }
                body.extend_from_slice(&posted);
                records += 1;
                bytes += line.len() as u64;
            }
            if records == 0 {
                continue;
            }
            if self.is_list {
                body.push(b']');
            }
            round.post(&Parcel { request: Request::post("application/json", body), records, bytes })?;
        }
        Ok(())
    }
}

/// How many records stand in a request at most.
///
/// # Errors
/// When `batch_size=` is no number, or none that makes sense.
pub fn batch_size(url: &Url) -> Result<usize, Failure> {
    let Some(text) = url.value("batch_size")? else { return Ok(BATCH_SIZE as usize) };
    let size = text.parse::<u64>().ok().filter(|size| (1..=BATCH_SIZE_MAX).contains(size));
    size.map(|size| size as usize).ok_or_else(|| {
        url.usage(&format_args!("batch_size={text} is not a number from 1 to {BATCH_SIZE_MAX}"))
    })
}

/// A signed record as Ceilometer has it in hand: a sample in `as_dict`'s keys and order, an event without signature.
/// None when it is neither.
fn unsigned(record: Node<'_>) -> Option<Node<'_>> {
    let is_meter = record.get("counter_name").is_some() && record.get("counter_volume").is_some();
    let is_event = record.get("event_type").is_some() && record.get("traits").is_some();
    let Node::Map(mut entries) = record else { return None };
    if !is_meter && !is_event {
        return None;
    }
    entries.retain(|(key, _)| !WIRE_KEYS.contains(&&**key));
    if is_meter {
        for (key, _) in &mut entries {
            if let Some((_, name)) = METER_KEYS.iter().find(|(meter, _)| *key == **meter) {
                *key = Cow::Borrowed(*name);
            }
        }
        // Keys that the form does not have keep their order behind those that it has.
        entries
            .sort_by_key(|(key, _)| SAMPLE_KEYS.iter().position(|name| *key == **name).unwrap_or(usize::MAX));
    }
    Some(Node::Map(entries))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Address;

    fn posted(query: &str, line: &str) -> Option<String> {
        let Address::Url(url) = Address::parse(&format!("http://h/{query}")).unwrap() else { panic!() };
        let records = Records::new(&url).unwrap();
        records.posted(line.as_bytes()).map(|bytes| String::from_utf8(bytes.into_owned()).unwrap())
    }

    #[test]
    fn a_record_in_the_posted_form_is_posted_byte_for_byte() {
        let line = r#"{"name": "cpu", "volume":1.0,"x":"é"}"#;
        assert_eq!(posted("", line).as_deref(), Some(line));
    }

    #[test]
    fn signed_forms_are_posted_as_ceilometer_has_them_in_hand() {
        let meter = r#"{"source":"s","counter_name":"cpu","counter_volume":7,"message_id":"i","counter_unit":"ns","counter_type":"gauge","resource_id":"r","publisher_id":"h","x":1,"message_signature":"00"}"#;
        let expected = r#"{"name":"cpu","type":"gauge","unit":"ns","volume":7,"resource_id":"r","source":"s","id":"i","x":1}"#;
        assert_eq!(posted("", meter).as_deref(), Some(expected));
        let event = r#"{"event_type":"e","traits":[],"message_id":"m","message_signature":"00"}"#;
        assert_eq!(posted("", event).unwrap(), r#"{"event_type":"e","traits":[],"message_id":"m"}"#);
        let named_in_metadata = r#"{"name":"a","volume":1,"resource_metadata":{"k":"message_signature"}}"#;
        assert_eq!(posted("", named_in_metadata).as_deref(), Some(named_in_metadata));
    }

    #[test]
    fn raw_only_wants_the_payload_of_what_was_kept() {
        let event = r#"{"event_type":"e","traits":[],"raw":{"payload":{"id":"i","n":3}}}"#;
        assert_eq!(posted("?raw_only=True", event).unwrap(), r#"{"id":"i","n":3}"#);
        assert_eq!(posted("?raw_only=True", r#"{"event_type":"e","traits":[],"raw":{}}"#), None);
    }
}
