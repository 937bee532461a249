//! Lines as records: of which kind a line is, whether it keeps to the kind's types, and the parts of a sample.

use std::borrow::Cow;

use thiserror::Error;

use super::keys::{Keys, TooManyKeys};
use super::number::read_f64;
use super::scan::{Found, NotJson, Scanner, Slot, ValueKind};
use super::text::unescape;
use crate::model::{
    AlarmState, BadTimestamp, KindKeys, RecordKind, SampleType, Timestamp, TimestampMemo, python,
};
use crate::wire::oslo::BadNotification;
use crate::wire::signature::NotVerified;

/// Why a line cannot be used.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum Reject {
    /// The line is not one JSON object.
    #[error("{0}")]
    NotJson(NotJson),
    /// The line is a dict as Python prints it.
    #[error("not JSON: a Python dict, as Ceilometer's file publisher writes it without ?json")]
    PythonDict,
    /// The line's bytes are not UTF-8.
    #[error("not UTF-8: invalid byte at column {0}")]
    NotUtf8(usize),
    /// The line is longer than the limit.
    #[error("line of {0} bytes is over the limit (--max-line)")]
    TooLong(u64),
    /// No kind of record has these keys.
    #[error("no record: neither sample, event, notification, aggregate nor transition")]
    NotRecord,
    /// A key that the kind needs is absent or null.
    #[error("{kind} without {key}")]
    Missing {
        /// The kind of the record.
        kind: RecordKind,
        /// The key.
        key: &'static str,
    },
    /// A value of the wrong type.
    #[error("{kind}: {key} is not {expected}")]
    WrongType {
        /// The kind of the record.
        kind: RecordKind,
        /// The key.
        key: &'static str,
        /// What it should be, with its article.
        expected: &'static str,
    },
    /// A number outside the range of a double.
    #[error("sample: volume is too large")]
    TooLarge,
    /// A timestamp that cannot be read.
    #[error("sample: timestamp \"{1}\": {0}")]
    Timestamp(BadTimestamp, String),
    /// The line has what no tree can hold: half a surrogate pair, a number over the range.
    #[error("not readable: a text of half characters or a number over the range")]
    Unreadable,
    /// A signature that cannot be trusted.
    #[error("{0}")]
    NotVerified(NotVerified),
    /// A notification that cannot be read.
    #[error("{0}")]
    Notification(BadNotification),
    /// A notification of which nothing can be made, because it does not say when.
    #[error("notification: {0}")]
    NotificationTimestamp(String),
    /// A store does not take it.
    #[error("{0}")]
    Refused(String),
    /// A limit of memory was reached.
    #[error("{0}")]
    Limit(&'static str),
}

impl Reject {
    /// For a line that the scanner stopped in.
    pub fn of_broken(line: &[u8], why: NotJson) -> Reject {
        let is_dict = line.trim_ascii_start().starts_with(b"{'");
        if is_dict { Reject::PythonDict } else { Reject::NotJson(why) }
    }

    /// Under which name the books count it.
    pub fn reason(&self) -> &'static str {
        match self {
            Reject::NotJson(_) | Reject::PythonDict => "not JSON",
            Reject::NotUtf8(_) => "not UTF-8",
            Reject::TooLong(_) => "too long",
            Reject::NotRecord => "no record",
            Reject::Missing { .. } => "missing key",
            Reject::WrongType { .. } => "wrong type",
            Reject::TooLarge => "number too large",
            Reject::Timestamp(..) | Reject::NotificationTimestamp(_) => "bad timestamp",
            Reject::Unreadable => "not readable",
            Reject::NotVerified(why) => why.reason(),
            Reject::Notification(_) => "bad notification",
            Reject::Refused(_) => "refused by the store",
            Reject::Limit(_) => "limit reached",
        }
    }
}

/// The keys that tell kinds apart and make up a sample, by their number in [`Records`].
const KEYS: [&str; 19] = [
    "name",
    "volume",
    "type",
    "unit",
    "resource_id",
    "timestamp",
    "counter_name",
    "counter_volume",
    "counter_type",
    "counter_unit",
    "event_type",
    "traits",
    "payload",
    "oslo.message",
    "granularity",
    "aggregates",
    "alarm_id",
    "previous",
    "current",
];
const NAME: usize = 0;
const VOLUME: usize = 1;
const TYPE: usize = 2;
const UNIT: usize = 3;
const RESOURCE_ID: usize = 4;
const TIMESTAMP: usize = 5;
const COUNTER_NAME: usize = 6;
const COUNTER_VOLUME: usize = 7;
const COUNTER_TYPE: usize = 8;
const COUNTER_UNIT: usize = 9;
const EVENT_TYPE: usize = 10;
const TRAITS: usize = 11;
const PAYLOAD: usize = 12;
const OSLO_MESSAGE: usize = 13;
const GRANULARITY: usize = 14;
const AGGREGATES: usize = 15;
const ALARM_ID: usize = 16;
const PREVIOUS: usize = 17;
const CURRENT: usize = 18;

/// Those of them that tell the kinds apart.
const KIND_NUMBERS: KindKeys<usize> = KindKeys {
    name: NAME,
    volume: VOLUME,
    counter_name: COUNTER_NAME,
    counter_volume: COUNTER_VOLUME,
    event_type: EVENT_TYPE,
    traits: TRAITS,
    payload: PAYLOAD,
    oslo_message: OSLO_MESSAGE,
    granularity: GRANULARITY,
    aggregates: AGGREGATES,
    alarm_id: ALARM_ID,
    previous: PREVIOUS,
    current: CURRENT,
};

/// Reads lines as records.
#[derive(Clone, Debug)]
pub struct Records {
    scanner: Scanner,
    /// The number of each extra key, in the order in which they were asked for.
    extra: Vec<usize>,
    memo: TimestampMemo,
}

/// The parts of a sample that a rollup needs, borrowed from its line where there are no escapes.
#[derive(Clone, Debug, PartialEq)]
pub struct SampleParts<'a> {
    /// The meter.
    pub name: Cow<'a, [u8]>,
    /// What was measured; none where the sample does not say.
    pub resource_id: Option<Cow<'a, [u8]>>,
    /// The unit; none where the sample does not say.
    pub unit: Option<Cow<'a, [u8]>>,
    /// How the volumes relate; none where the sample does not say, or says something else.
    pub sample_type: Option<SampleType>,
    /// When it was measured.
    pub timestamp: Timestamp,
    /// The value; finite.
    pub volume: f64,
}

impl Records {
    /// A reader that also notes where the top-level keys `extra` stand.
    ///
    /// # Errors
    /// [`TooManyKeys`] when there are more than a scan can look for.
    pub fn new<S: AsRef<str>>(extra: &[S]) -> Result<Records, TooManyKeys> {
        let mut names: Vec<&str> = KEYS.to_vec();
        let mut numbers = Vec::new();
        for key in extra {
            let key = key.as_ref();
            numbers.push(names.iter().position(|name| *name == key).unwrap_or(names.len()));
            if numbers.last() == Some(&names.len()) {
                names.push(key);
            }
        }
        Ok(Records {
            scanner: Scanner::new(Keys::new(&names)?),
            extra: numbers,
            memo: TimestampMemo::default(),
        })
    }

    /// Scans the line that `text` starts with; see [`Scanner::scan`].
    ///
    /// # Errors
    /// [`NotJson`] names the first byte that is out of place.
    #[inline]
    pub fn scan(&mut self, text: &[u8]) -> Result<Found, NotJson> {
        self.scanner.scan(text)
    }

    /// Where the extra key `index` stands in the line scanned last.
    #[inline]
    pub fn extra(&self, index: usize) -> Slot {
        self.scanner.slot(self.extra[index])
    }

    /// Where the message of an envelope stands in the line scanned last.
    #[inline]
    pub fn oslo_message(&self) -> Slot {
        self.scanner.slot(OSLO_MESSAGE)
    }

    /// The kind of the line scanned last; none when its keys fit no kind.
    #[inline]
    pub fn kind(&self) -> Option<RecordKind> {
        RecordKind::of(&KIND_NUMBERS, |key| self.scanner.slot(key).kind != ValueKind::Absent)
    }

    /// The kind of the line scanned last, when the line keeps to the types of the kind's own keys.
    ///
    /// # Errors
    /// [`Reject`] names the key that breaks them.
    #[inline]
    pub fn check(&self, line: &[u8]) -> Result<RecordKind, Reject> {
        let kind = self.kind().ok_or(Reject::NotRecord)?;
        match kind {
            RecordKind::Sample => {
                let (name, volume) = self.name_and_volume();
                self.expect(kind, name, is_text, "a text")?;
                if self.scanner.slot(volume).kind == ValueKind::Number {
                    let digits = self.scanner.slot(volume).bytes(line);
                    // Only an exponent or very many digits can lead out of the range.
                    let large = digits.len() > 300 || memchr::memchr2(b'e', b'E', digits).is_some();
                    if large && read_f64(digits).is_none() {
                        return Err(Reject::TooLarge);
                    }
                } else {
                    self.volume_in_text(volume, line)?;
                }
                let timestamp = self.scanner.slot(TIMESTAMP).kind;
                if !matches!(timestamp, ValueKind::Absent | ValueKind::Null) {
                    let fits = |slot| is_text(slot) || slot == ValueKind::Number;
                    self.expect(kind, TIMESTAMP, fits, "a text")?;
                }
            }
            RecordKind::Event => {
                self.expect(kind, EVENT_TYPE, is_text, "a text")?;
                self.expect(kind, TRAITS, |slot| slot == ValueKind::Array, "a list")?;
            }
            RecordKind::Notification if self.scanner.slot(OSLO_MESSAGE).kind != ValueKind::Absent => {
                self.expect(kind, OSLO_MESSAGE, is_text, "a text")?;
            }
            RecordKind::Notification => self.expect(kind, EVENT_TYPE, is_text, "a text")?,
            RecordKind::Aggregate => {
                self.expect(kind, GRANULARITY, |slot| slot == ValueKind::Number, "a number")?;
                self.expect(kind, AGGREGATES, |slot| slot == ValueKind::Object, "an object")?;
            }
            RecordKind::Transition => {
                self.expect(kind, ALARM_ID, is_text, "a text")?;
                for key in [PREVIOUS, CURRENT] {
                    self.expect(kind, key, is_text, "a text")?;
                    let word = std::str::from_utf8(self.scanner.slot(key).bytes(line)).unwrap_or_default();
                    if word.parse::<AlarmState>().is_err() {
                        return Err(Reject::WrongType { kind, key: KEYS[key], expected: "an alarm state" });
                    }
                }
            }
        }
        Ok(kind)
    }

    /// The parts of the sample in the line scanned last; `line` is that line.
    ///
    /// # Errors
    /// [`Reject`] names the key that is absent or of the wrong type.
    #[inline]
    pub fn sample<'a>(&mut self, line: &'a [u8]) -> Result<SampleParts<'a>, Reject> {
        let kind = RecordKind::Sample;
        let (name, volume) = self.name_and_volume();
        let counter = name == COUNTER_NAME;
        let volume = match self.scanner.slot(volume) {
            slot if slot.kind == ValueKind::Number => read_f64(slot.bytes(line)).ok_or(Reject::TooLarge)?,
            _ => self.volume_in_text(volume, line)?,
        };
        let name = self.text(name, line)?.ok_or(Reject::Missing { kind, key: KEYS[name] })?;
        let timestamp = self.timestamp(line)?;
        let sample_type = self.text(if counter { COUNTER_TYPE } else { TYPE }, line)?;
        Ok(SampleParts {
            name,
            resource_id: self.text(RESOURCE_ID, line)?,
            unit: self.text(if counter { COUNTER_UNIT } else { UNIT }, line)?,
            sample_type: sample_type.and_then(|word| match &word[..] {
                b"gauge" => Some(SampleType::Gauge),
                b"delta" => Some(SampleType::Delta),
                b"cumulative" => Some(SampleType::Cumulative),
                _ => None,
            }),
            timestamp,
            volume,
        })
    }

    #[inline]
    fn timestamp(&mut self, line: &[u8]) -> Result<Timestamp, Reject> {
        let kind = RecordKind::Sample;
        let slot = self.scanner.slot(TIMESTAMP);
        let read = match slot.kind {
            ValueKind::Text => self.memo.parse(slot.bytes(line)),
            ValueKind::Number => match Timestamp::parse_epoch(slot.bytes(line)) {
                // JSON's grammar leaves only the exponent that the exact reading does not know.
                Err(BadTimestamp::Malformed) => read_f64(slot.bytes(line))
                    .ok_or(BadTimestamp::OutOfRange)
                    .and_then(Timestamp::from_seconds),
                read => read,
            },
            ValueKind::Absent | ValueKind::Null => return Err(Reject::Missing { kind, key: "timestamp" }),
            ValueKind::EscapedText => {
                let text = self.text(TIMESTAMP, line)?.unwrap_or_default();
                Timestamp::parse(&text)
            }
            _ => return Err(Reject::WrongType { kind, key: "timestamp", expected: "a text" }),
        };
        read.map_err(|why| {
            let shown = String::from_utf8_lossy(slot.bytes(line)).chars().take(40).collect();
            Reject::Timestamp(why, shown)
        })
    }

    /// The volume that stands in a text: Ceilometer checks such a text with Python's `float` and publishes it as it is.
    #[cold]
    fn volume_in_text(&self, volume: usize, line: &[u8]) -> Result<f64, Reject> {
        let kind = RecordKind::Sample;
        self.expect(kind, volume, is_text, "a number")?;
        let text = self.text(volume, line)?.unwrap_or_default();
        match std::str::from_utf8(&text).ok().and_then(python::read_float) {
            Some(number) if number.is_finite() => Ok(number),
            Some(_) => Err(Reject::WrongType { kind, key: KEYS[volume], expected: "a finite number" }),
            None => Err(Reject::WrongType { kind, key: KEYS[volume], expected: "a number" }),
        }
    }

    /// A text, or none where the key is absent or null.
    #[inline]
    fn text<'a>(&self, key: usize, line: &'a [u8]) -> Result<Option<Cow<'a, [u8]>>, Reject> {
        let slot = self.scanner.slot(key);
        match slot.kind {
            ValueKind::Text => Ok(Some(Cow::Borrowed(slot.bytes(line)))),
            ValueKind::Absent | ValueKind::Null => Ok(None),
            ValueKind::EscapedText => {
                let mut text = Vec::new();
                if unescape(slot.bytes(line), &mut text) {
                    return Ok(Some(Cow::Owned(text)));
                }
                Err(Reject::WrongType {
                    kind: RecordKind::Sample,
                    key: KEYS[key],
                    expected: "a text of whole characters",
                })
            }
            _ => Err(Reject::WrongType { kind: RecordKind::Sample, key: KEYS[key], expected: "a text" }),
        }
    }

    /// Which keys hold the sample's name and volume; Ceilometer's `counter_*` form is the second choice.
    #[inline]
    fn name_and_volume(&self) -> (usize, usize) {
        let plain = [NAME, VOLUME].iter().all(|key| self.scanner.slot(*key).kind != ValueKind::Absent);
        if plain { (NAME, VOLUME) } else { (COUNTER_NAME, COUNTER_VOLUME) }
    }

    #[inline]
    fn expect(
        &self,
        kind: RecordKind,
        key: usize,
        fits: impl Fn(ValueKind) -> bool,
        expected: &'static str,
    ) -> Result<(), Reject> {
        match self.scanner.slot(key).kind {
            ValueKind::Absent | ValueKind::Null => Err(Reject::Missing { kind, key: KEYS[key] }),
            found if fits(found) => Ok(()),
            _ => Err(Reject::WrongType { kind, key: KEYS[key], expected }),
        }
    }
}

fn is_text(kind: ValueKind) -> bool {
    matches!(kind, ValueKind::Text | ValueKind::EscapedText)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scanned(line: &str) -> Records {
        let mut records = Records::new::<&str>(&[]).unwrap();
        records.scan(format!("{line}\n").as_bytes()).unwrap();
        records
    }

    fn kind(line: &str) -> Result<RecordKind, String> {
        scanned(line).check(line.as_bytes()).map_err(|reject| reject.to_string())
    }

    #[test]
    fn the_kind_follows_from_the_keys() {
        assert_eq!(kind(r#"{"name":"cpu","volume":1}"#), Ok(RecordKind::Sample));
        assert_eq!(
            kind(r#"{"counter_name":"cpu","counter_volume":1.5,"timestamp":null}"#),
            Ok(RecordKind::Sample)
        );
        assert_eq!(kind(r#"{"event_type":"a","traits":[]}"#), Ok(RecordKind::Event));
        assert_eq!(kind(r#"{"event_type":"a","payload":{}}"#), Ok(RecordKind::Notification));
        assert_eq!(kind(r#"{"oslo.version":"2.0","oslo.message":"{}"}"#), Ok(RecordKind::Notification));
        assert_eq!(
            kind(r#"{"name":"cpu","granularity":60,"aggregates":{"mean":1}}"#),
            Ok(RecordKind::Aggregate)
        );
        assert_eq!(
            kind(r#"{"alarm_id":"1","previous":"ok","current":"insufficient data"}"#),
            Ok(RecordKind::Transition)
        );
        assert!(kind(r#"{"name":"cpu"}"#).unwrap_err().starts_with("no record"));
    }

    #[test]
    fn a_record_keeps_to_the_types_of_its_kind() {
        for (line, message) in [
            (r#"{"name":7,"volume":1}"#, "sample: name is not a text"),
            (r#"{"name":null,"volume":1}"#, "sample without name"),
            (r#"{"name":"a","volume":"two"}"#, "sample: volume is not a number"),
            (r#"{"name":"a","volume":""}"#, "sample: volume is not a number"),
            (r#"{"name":"a","volume":"nan"}"#, "sample: volume is not a finite number"),
            (r#"{"name":"a","volume":"1e999"}"#, "sample: volume is not a finite number"),
            (r#"{"name":"a","volume":[1]}"#, "sample: volume is not a number"),
            (r#"{"name":"a","volume":true}"#, "sample: volume is not a number"),
            (r#"{"name":"a","volume":null}"#, "sample without volume"),
            (r#"{"name":"a","volume":1,"timestamp":[]}"#, "sample: timestamp is not a text"),
            (r#"{"event_type":"a","traits":{}}"#, "event: traits is not a list"),
            (r#"{"oslo.message":{}}"#, "notification: oslo.message is not a text"),
            (r#"{"granularity":"60","aggregates":{}}"#, "aggregate: granularity is not a number"),
            (
                r#"{"alarm_id":"1","previous":"ok","current":"OK"}"#,
                "transition: current is not an alarm state",
            ),
        ] {
            assert_eq!(kind(line).unwrap_err(), message, "{line}");
        }
    }

    #[test]
    fn both_forms_of_a_sample_give_the_same_parts() {
        let plain = r#"{"name":"c\u0070u","type":"cumulative","unit":"ns","volume":12,"resource_id":"r","timestamp":"2026-11-22T10:00:00Z"}"#;
        let meter = r#"{"counter_name":"cpu","counter_type":"cumulative","counter_unit":"ns","counter_volume":1.2e1,"resource_id":"r","timestamp":1795341600}"#;
        let plain_parts = scanned(plain).sample(plain.as_bytes()).unwrap();
        assert_eq!(plain_parts, scanned(meter).sample(meter.as_bytes()).unwrap());
        assert_eq!(plain_parts.sample_type, Some(SampleType::Cumulative));
        assert_eq!((plain_parts.volume, plain_parts.timestamp.ns()), (12.0, 1_795_341_600_000_000_000));
    }

    #[test]
    fn a_volume_may_be_a_text_that_python_takes_for_a_number() {
        for (text, volume) in [("4096", 4096.0), (" 1_000.5 ", 1000.5), ("\\u0034", 4.0), ("-1e3", -1000.0)] {
            for keys in ["name", "counter_name"] {
                let volume_key = keys.replace("name", "volume");
                let line = format!(r#"{{"{keys}":"a","{volume_key}":"{text}","timestamp":0}}"#);
                assert_eq!(kind(&line), Ok(RecordKind::Sample), "{line}");
                assert_eq!(scanned(&line).sample(line.as_bytes()).unwrap().volume, volume, "{line}");
            }
        }
    }

    #[test]
    fn a_sample_that_cannot_be_placed_is_refused_with_its_reason() {
        for (line, message) in [
            (r#"{"name":"a","volume":1}"#, "sample without timestamp"),
            (r#"{"name":"a","volume":1e400,"timestamp":0}"#, "sample: volume is too large"),
            (
                r#"{"name":"a","volume":1,"timestamp":"x"}"#,
                "sample: timestamp \"x\": not an RFC 3339 timestamp",
            ),
            (
                r#"{"name":"\ud800","volume":1,"timestamp":0}"#,
                "sample: name is not a text of whole characters",
            ),
            (r#"{"name":"a","volume":1,"timestamp":0,"resource_id":5}"#, "sample: resource_id is not a text"),
        ] {
            assert_eq!(scanned(line).sample(line.as_bytes()).unwrap_err().to_string(), message, "{line}");
        }
    }
}
