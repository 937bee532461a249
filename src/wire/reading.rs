//! A sample as systems of metrics want it: a name, a number, a time, and a few words about whose it is.

use std::borrow::Cow;

use super::json::{Found, Records, Reject, Slot, ValueKind, read_f64, unescape};
use crate::model::{RecordKind, SampleType, Timestamp};

/// One sample, borrowed from its line where there are no escapes.
#[derive(Clone, Debug, PartialEq)]
pub struct Reading<'a> {
    /// The meter.
    pub name: Cow<'a, str>,
    /// How the volumes relate; none where the sample does not say.
    pub sample_type: Option<SampleType>,
    /// The unit.
    pub unit: Option<Cow<'a, str>>,
    /// What was measured.
    pub resource_id: Option<Cow<'a, str>>,
    /// The user who owns it.
    pub user_id: Option<Cow<'a, str>>,
    /// The project that owns it.
    pub project_id: Option<Cow<'a, str>>,
    /// When it was measured.
    pub timestamp: Timestamp,
    /// The value; finite.
    pub volume: f64,
    /// The value as JSON writes it.
    pub digits: &'a [u8],
}

/// What a line is to a system of metrics.
#[derive(Clone, Debug, PartialEq)]
pub enum Read<'a> {
    /// A sample.
    Sample(Reading<'a>),
    /// A record of another kind.
    Other(RecordKind),
}

/// Reads lines. Keeps what the line before looked like, so that the next one of the same shape costs less.
#[derive(Clone, Debug)]
pub struct Readings {
    records: Records,
}

const EXTRA: [&str; 4] = ["user_id", "project_id", "volume", "counter_volume"];
const USER_ID: usize = 0;
const PROJECT_ID: usize = 1;
const VOLUME: usize = 2;
const COUNTER_VOLUME: usize = 3;

impl Readings {
    /// A reader.
    #[allow(clippy::new_without_default, reason = "readers are made, not assumed")]
    pub fn new() -> Readings {
        Readings { records: Records::new(&EXTRA).expect("these keys are fewer than a scan can look for") }
    }

    /// Reads one line, its line feed included.
    ///
    /// # Errors
    /// [`Reject`] says why it is no record, or no sample that can be placed.
    #[inline]
    pub fn read<'a>(&mut self, line: &'a [u8]) -> Result<Read<'a>, Reject> {
        match self.records.scan(line) {
            Ok(Found::Record { .. }) => {}
            Ok(Found::Blank { .. }) => return Err(Reject::NotRecord),
            Err(error) => return Err(Reject::NotJson(error)),
        }
        match self.records.check(line)? {
            RecordKind::Sample => {}
            other => return Ok(Read::Other(other)),
        }
        let parts = self.records.sample(line)?;
        let volume = self.records.extra(COUNTER_VOLUME);
        let volume = if volume.kind == ValueKind::Number { volume } else { self.records.extra(VOLUME) };
        Ok(Read::Sample(Reading {
            name: text(parts.name),
            sample_type: parts.sample_type,
            unit: parts.unit.map(text),
            resource_id: parts.resource_id.map(text),
            user_id: slot_text(self.records.extra(USER_ID), line),
            project_id: slot_text(self.records.extra(PROJECT_ID), line),
            timestamp: parts.timestamp,
            volume: parts.volume,
            digits: volume.bytes(line),
        }))
    }
}

/// A text, or the digits of a number; none for everything else.
fn slot_text(slot: Slot, line: &[u8]) -> Option<Cow<'_, str>> {
    match slot.kind {
        ValueKind::Text | ValueKind::Number => Some(text(Cow::Borrowed(slot.bytes(line)))),
        ValueKind::EscapedText => {
            let mut out = Vec::new();
            unescape(slot.bytes(line), &mut out).then(|| text(Cow::Owned(out)))
        }
        _ => None,
    }
}

/// Lines were checked to be UTF-8 before; what is not is shown as such.
fn text(bytes: Cow<'_, [u8]>) -> Cow<'_, str> {
    match bytes {
        Cow::Borrowed(bytes) => String::from_utf8_lossy(bytes),
        Cow::Owned(bytes) => match String::from_utf8(bytes) {
            Ok(text) => Cow::Owned(text),
            Err(error) => Cow::Owned(String::from_utf8_lossy(error.as_bytes()).into_owned()),
        },
    }
}

/// Appends the number as Python's `str` writes it: an integer as it came, a float as its `repr`.
pub fn write_number(reading: &Reading<'_>, out: &mut Vec<u8>) {
    if memchr::memchr3(b'.', b'e', b'E', reading.digits).is_none() {
        out.extend_from_slice(reading.digits);
    } else {
        crate::model::python::write_float(read_f64(reading.digits).unwrap_or(reading.volume), out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_of_a_sample_are_read() {
        let plain = b"{\"name\":\"c\",\"volume\":1e-7,\"timestamp\":0,\"user_id\":\"\\u00e9\",\"project_id\":null,\"resource_id\":\"r\"}\n";
        let meter = b"{\"counter_name\":\"c\",\"counter_volume\":7,\"timestamp\":0,\"user_id\":5}\n";
        let mut readings = Readings::new();
        let Read::Sample(one) = readings.read(plain).unwrap() else { panic!() };
        assert_eq!(
            (one.user_id.as_deref(), one.project_id.as_deref(), one.digits),
            (Some("é"), None, &b"1e-7"[..])
        );
        let Read::Sample(two) = readings.read(meter).unwrap() else { panic!() };
        assert_eq!((two.user_id.as_deref(), two.volume, two.digits), (Some("5"), 7.0, &b"7"[..]));
        let mut out = Vec::new();
        write_number(&one, &mut out);
        write_number(&two, &mut out);
        assert_eq!(out, b"1e-077");
        assert!(matches!(
            readings.read(b"{\"event_type\":\"e\",\"traits\":[]}\n"),
            Ok(Read::Other(RecordKind::Event))
        ));
        assert!(readings.read(b"{}\n").is_err());
        assert!(readings.read(b"{\"name\":\"c\",\"volume\":1}\n").is_err());
    }
}
