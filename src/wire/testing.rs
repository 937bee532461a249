//! Help for the tests of the decoders.

use std::fmt::Display;

use serde_json::Value;

use super::json::Records;
use super::{Decoder, Faults};
use crate::model::Timestamp;

/// When all messages of tests arrive.
pub const ARRIVAL: Timestamp = Timestamp::from_ns(1_800_000_000_000_000_000);

/// What a decoder told, as `reason: why` and `kind ×count`.
#[derive(Default)]
pub struct Told(pub Vec<String>);

impl Faults for Told {
    fn fault(&mut self, reason: &'static str, why: &dyn Display) {
        self.0.push(format!("{reason}: {why}"));
    }

    fn skip(&mut self, kind: &'static str, records: u64) {
        if records > 0 {
            self.0.push(format!("{kind} ×{records}"));
        }
    }
}

/// The samples of one message, and what was told. Each line is a record that our own reader takes.
pub fn decode(decoder: &mut dyn Decoder, message: &[u8]) -> (Vec<Value>, Vec<String>) {
    let (mut lines, mut told) = (Vec::new(), Told::default());
    decoder.decode(message, ARRIVAL, &mut lines, &mut told);
    (samples(&lines), told.0)
}

/// Lines of samples as trees; panics at a line that is none.
pub fn samples(lines: &[u8]) -> Vec<Value> {
    assert!(lines.is_empty() || lines.ends_with(b"\n"));
    let mut records = Records::new::<&str>(&[]).unwrap();
    let text = std::str::from_utf8(lines).unwrap();
    text.lines()
        .map(|line| {
            let with_end = format!("{line}\n");
            records.scan(with_end.as_bytes()).unwrap_or_else(|error| panic!("{line}: {error}"));
            records.check(line.as_bytes()).unwrap_or_else(|error| panic!("{line}: {error}"));
            serde_json::from_str(line).unwrap_or_else(|error| panic!("{line}: {error}"))
        })
        .collect()
}

/// `NAME TYPE UNIT VOLUME RESOURCE METADATA TIMESTAMP` of each sample; the time of arrival is not shown.
pub fn shown(samples: &[Value]) -> Vec<String> {
    samples
        .iter()
        .map(|sample| {
            let text = |key: &str| sample[key].as_str().unwrap_or_default().to_owned();
            let mut words = vec![text("name"), text("type"), text("unit"), sample["volume"].to_string()];
            words.push(text("resource_id"));
            words.push(sample["resource_metadata"].to_string());
            let time = text("timestamp");
            words.push(if time == ARRIVAL.to_string() { String::new() } else { time });
            words.retain(|word| !word.is_empty() && word != "{}");
            words.join(" ")
        })
        .collect()
}
