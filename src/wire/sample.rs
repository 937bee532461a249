//! Samples that the wires of other systems carry, written as lines of JSON.
//!
//! Each wire says what it knows; what it does not know is taken from an [`Origin`], which the user gives.

use uuid::fmt::Hyphenated;

use super::json::{write_f64, write_text};
use super::{Faults, Identities};
use crate::model::{SampleType, Timestamp};

/// A whole number below this is written without a fraction: a double holds each of them.
const EXACT_INTEGERS: f64 = 9_007_199_254_740_992.0;

/// Whose the samples of a wire are and where they come from, as far as the wire does not say it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Origin {
    /// `source` of the samples; none is the name of the wire.
    pub source: Option<String>,
    /// `resource_id` of samples that name none; none is the name of the wire.
    pub resource_id: Option<String>,
    /// `user_id` of samples that name none; none is null.
    pub user_id: Option<String>,
    /// `project_id` of samples that name none; none is null.
    pub project_id: Option<String>,
}

/// A value as its wire carried it; integers stay integers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Volume {
    Integer(i64),
    Unsigned(u64),
    Float(f64),
}

impl Volume {
    /// Whether JSON can write it: neither NaN nor infinite.
    pub(super) fn is_finite(self) -> bool {
        !matches!(self, Volume::Float(value) if !value.is_finite())
    }

    /// As a double, which rounds integers of more than 53 bits.
    pub(super) fn as_f64(self) -> f64 {
        match self {
            Volume::Integer(value) => value as f64,
            Volume::Unsigned(value) => value as f64,
            Volume::Float(value) => value,
        }
    }

    pub(super) fn write(self, out: &mut Vec<u8>) {
        match self {
            Volume::Integer(value) => out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes()),
            Volume::Unsigned(value) => out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes()),
            Volume::Float(value) => {
                let negative_zero = value == 0.0 && value.is_sign_negative();
                if value.fract() == 0.0 && value.abs() < EXACT_INTEGERS && !negative_zero {
                    out.extend_from_slice(itoa::Buffer::new().format(value as i64).as_bytes());
                } else {
                    write_f64(value, out);
                }
            }
        }
    }
}

/// Who a sample belongs to, as far as its wire says it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Owner<'a> {
    pub(super) resource_id: Option<&'a str>,
    pub(super) user_id: Option<&'a str>,
    pub(super) project_id: Option<&'a str>,
}

/// What one line will say.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reading<'a> {
    pub(super) name: &'a str,
    /// Behind the name: `.rate`.
    pub(super) suffix: &'a str,
    pub(super) sample_type: SampleType,
    pub(super) unit: &'a str,
    pub(super) volume: Volume,
    pub(super) owner: Owner<'a>,
    pub(super) timestamp: Timestamp,
    /// A JSON object, already written.
    pub(super) metadata: &'a [u8],
}

/// Writes the samples of one wire.
pub(super) struct SampleWriter {
    /// As JSON text.
    source: Vec<u8>,
    resource_id: String,
    user_id: Option<String>,
    project_id: Option<String>,
    identities: Identities,
    name: Vec<u8>,
    /// Bytes that the message in hand may still become.
    budget_bytes: usize,
    /// Samples of it that did not get any.
    withheld: u64,
}

/// Bytes that a message may become whatever its length, and a byte of it: a name and its tags stand on the wire once and
/// on every line of theirs, which hostile messages could make a thousand times as long. Honest ones need some 50.
const LINES_BYTES_LEAST: usize = 1024 * 1024;
const LINES_BYTES_A_BYTE: usize = 256;

impl SampleWriter {
    /// For the wire called `wire`.
    pub(super) fn new(origin: &Origin, wire: &str) -> SampleWriter {
        let mut source = Vec::new();
        write_text(origin.source.as_deref().unwrap_or(wire).as_bytes(), &mut source);
        SampleWriter {
            source,
            resource_id: origin.resource_id.clone().unwrap_or_else(|| wire.to_owned()),
            user_id: origin.user_id.clone(),
            project_id: origin.project_id.clone(),
            identities: Identities::random(),
            name: Vec::new(),
            budget_bytes: usize::MAX,
            withheld: 0,
        }
    }

    /// Begins a message of so many bytes, uncompressed.
    pub(super) fn open(&mut self, message_bytes: usize) {
        self.budget_bytes =
            message_bytes.saturating_mul(LINES_BYTES_A_BYTE).saturating_add(LINES_BYTES_LEAST);
    }

    /// Ends the message: tells what of it was too much.
    pub(super) fn close(&mut self, faults: &mut dyn Faults) {
        if self.withheld > 0 {
            let withheld = self.withheld;
            let why = format_args!(
                "a message of more than {LINES_BYTES_A_BYTE} times its length as samples: {withheld} withheld"
            );
            faults.fault("limit reached", &why);
        }
        (self.budget_bytes, self.withheld) = (usize::MAX, 0);
    }

    /// Appends the line of `reading`, whose volume is finite.
    pub(super) fn write(&mut self, reading: &Reading<'_>, lines: &mut Vec<u8>) {
        debug_assert!(reading.volume.is_finite(), "no line can say NaN");
        if self.budget_bytes == 0 {
            self.withheld += 1;
            return;
        }
        let start = lines.len();
        lines.extend_from_slice(b"{\"name\":");
        if reading.suffix.is_empty() {
            write_text(reading.name.as_bytes(), lines);
        } else {
            self.name.clear();
            self.name.extend_from_slice(reading.name.as_bytes());
            self.name.extend_from_slice(reading.suffix.as_bytes());
            write_text(&self.name, lines);
        }
        lines.extend_from_slice(b",\"type\":\"");
        lines.extend_from_slice(reading.sample_type.name().as_bytes());
        lines.extend_from_slice(b"\",\"unit\":");
        write_text(reading.unit.as_bytes(), lines);
        lines.extend_from_slice(b",\"volume\":");
        reading.volume.write(lines);
        let owner = reading.owner;
        lines.extend_from_slice(b",\"user_id\":");
        write_optional(owner.user_id.or(self.user_id.as_deref()), lines);
        lines.extend_from_slice(b",\"user_name\":null,\"project_id\":");
        write_optional(owner.project_id.or(self.project_id.as_deref()), lines);
        lines.extend_from_slice(b",\"project_name\":null,\"resource_id\":");
        write_text(owner.resource_id.unwrap_or(&self.resource_id).as_bytes(), lines);
        lines.extend_from_slice(b",\"timestamp\":\"");
        reading.timestamp.write(lines);
        lines.extend_from_slice(b"\",\"resource_metadata\":");
        lines.extend_from_slice(reading.metadata);
        lines.extend_from_slice(b",\"source\":");
        lines.extend_from_slice(&self.source);
        lines.extend_from_slice(b",\"id\":\"");
        lines.extend_from_slice(self.identities.next(&mut [0; Hyphenated::LENGTH]).as_bytes());
        lines.extend_from_slice(b"\",\"monotonic_time\":null}\n");
        self.budget_bytes = self.budget_bytes.saturating_sub(lines.len() - start);
    }
}

fn write_optional(text: Option<&str>, lines: &mut Vec<u8>) {
    match text {
        Some(text) => write_text(text.as_bytes(), lines),
        None => lines.extend_from_slice(b"null"),
    }
}

/// Writes `labels` as a JSON object in place of what `metadata` held, but for the three that are fields of a sample.
///
/// `user_id` and `project_id` that say nothing, or `None` as Ceilometer's Prometheus publisher writes it, are null.
pub(super) fn write_labels<'a>(
    labels: impl IntoIterator<Item = (&'a str, &'a str)>,
    metadata: &mut Vec<u8>,
) -> Owner<'a> {
    let mut owner = Owner::default();
    let somebody = |text: &'a str| (!matches!(text, "" | "None")).then_some(text);
    metadata.clear();
    metadata.push(b'{');
    for (name, value) in labels {
        match name {
            "resource_id" if !value.is_empty() => owner.resource_id = Some(value),
            "user_id" => owner.user_id = somebody(value),
            "project_id" => owner.project_id = somebody(value),
            _ => {
                if metadata.len() > 1 {
                    metadata.push(b',');
                }
                write_text(name.as_bytes(), metadata);
                metadata.push(b':');
                write_text(value.as_bytes(), metadata);
            }
        }
    }
    metadata.push(b'}');
    owner
}

/// The time `ns` nanoseconds after the start of 1970, if it is one that a record may have.
pub(super) fn timestamp(ns: i128) -> Option<Timestamp> {
    let time = Timestamp::from_ns(i64::try_from(ns).ok()?);
    (Timestamp::MIN..Timestamp::MAX).contains(&time).then_some(time)
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn line(volume: Volume, owner: Owner<'_>, origin: &Origin) -> String {
        let mut lines = Vec::new();
        SampleWriter::new(origin, "wire").write(
            &Reading {
                name: "a\"b",
                suffix: ".rate",
                sample_type: SampleType::Delta,
                unit: "B",
                volume,
                owner,
                timestamp: Timestamp::from_ns(1),
                metadata: b"{\"k\":\"v\"}",
            },
            &mut lines,
        );
        String::from_utf8(lines).unwrap()
    }

    #[test]
    fn a_line_has_the_keys_of_a_sample_in_their_order() {
        let origin = Origin { user_id: Some("u".into()), ..Origin::default() };
        let written = line(Volume::Integer(5), Owner::default(), &origin);
        let sample: crate::model::Sample = serde_json::from_str(&written).unwrap();
        assert_eq!(Uuid::parse_str(&sample.id).unwrap().get_version_num(), 4);
        assert_eq!(
            written.replace(&sample.id, "*"),
            "{\"name\":\"a\\\"b.rate\",\"type\":\"delta\",\"unit\":\"B\",\"volume\":5,\"user_id\":\"u\",\
             \"user_name\":null,\"project_id\":null,\"project_name\":null,\"resource_id\":\"wire\",\
             \"timestamp\":\"1970-01-01T00:00:00.000000001Z\",\"resource_metadata\":{\"k\":\"v\"},\
             \"source\":\"wire\",\"id\":\"*\",\"monotonic_time\":null}\n"
        );
        assert_eq!(format!("{}\n", serde_json::to_string(&sample).unwrap()), written);
    }

    #[test]
    fn whole_numbers_have_no_fraction_and_all_are_exact() {
        for (volume, text) in [
            (Volume::Integer(i64::MIN), "-9223372036854775808"),
            (Volume::Unsigned(u64::MAX), "18446744073709551615"),
            (Volume::Float(5.0), "5"),
            (Volume::Float(-0.0), "-0.0"),
            (Volume::Float(0.1), "0.1"),
            (Volume::Float(9_007_199_254_740_991.0), "9007199254740991"),
            (Volume::Float(1e16), "1e+16"),
        ] {
            let mut out = Vec::new();
            volume.write(&mut out);
            assert_eq!(String::from_utf8(out).unwrap(), text);
        }
        assert!(!Volume::Float(f64::NAN).is_finite() && !Volume::Float(f64::INFINITY).is_finite());
    }

    #[test]
    fn labels_become_metadata_but_for_those_that_a_sample_has_a_field_for() {
        let mut metadata = b"old".to_vec();
        let labels =
            [("a", "1"), ("resource_id", "r"), ("user_id", "None"), ("project_id", "p"), ("b\"", "\n")];
        let owner = write_labels(labels, &mut metadata);
        assert_eq!(owner, Owner { resource_id: Some("r"), user_id: None, project_id: Some("p") });
        assert_eq!(metadata, br#"{"a":"1","b\"":"\n"}"#);
    }
}
