//! InfluxDB's line protocol: `MEASUREMENT,TAG=VALUE FIELD=VALUE,FIELD=VALUE TIME`.
//!
//! Each field that is a number or a truth (1 or 0) is a gauge called `MEASUREMENT.FIELD`; texts are counted, and are no
//! samples. All tags are the metadata. The line protocol has neither units nor types.

mod points;

use std::borrow::Cow;
use std::str::FromStr;

use memchr::memchr;
use thiserror::Error;

use super::sample::{Origin, Reading, SampleWriter, Volume, timestamp, write_labels};
use super::{Decoder, Faults};
use crate::model::{SampleType, Timestamp};

pub use points::{BadText, Measured, measured};

/// In what times are counted since 1970, when they stand on lines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Precision {
    /// The default of the protocol.
    #[default]
    Nanoseconds,
    /// Millionths of a second.
    Microseconds,
    /// Thousandths of a second.
    Milliseconds,
    /// Seconds.
    Seconds,
    /// Minutes, which only the interface of InfluxDB 1 has.
    Minutes,
    /// Hours, which only the interface of InfluxDB 1 has.
    Hours,
}

/// A word that names no precision.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("unknown precision {0:?}; known: ns, us, ms, s, m, h")]
pub struct UnknownPrecision(String);

impl FromStr for Precision {
    type Err = UnknownPrecision;

    /// The words of the write interfaces of InfluxDB 1, 2 and 3.
    fn from_str(word: &str) -> Result<Precision, UnknownPrecision> {
        Ok(match word {
            "" | "n" | "ns" | "nanosecond" => Precision::Nanoseconds,
            "u" | "us" | "µ" | "µs" | "microsecond" => Precision::Microseconds,
            "ms" | "millisecond" => Precision::Milliseconds,
            "s" | "second" => Precision::Seconds,
            "m" => Precision::Minutes,
            "h" => Precision::Hours,
            _ => return Err(UnknownPrecision(word.to_owned())),
        })
    }
}

impl Precision {
    fn ns(self) -> i128 {
        match self {
            Precision::Nanoseconds => 1,
            Precision::Microseconds => 1_000,
            Precision::Milliseconds => 1_000_000,
            Precision::Seconds => 1_000_000_000,
            Precision::Minutes => 60_000_000_000,
            Precision::Hours => 3_600_000_000_000,
        }
    }
}

/// How lines are read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// The unit of the times.
    pub precision: Precision,
    /// The tag whose value is the resource; it stays in the metadata.
    pub resource_tag: String,
    /// Whose the samples are.
    pub origin: Origin,
}

impl Default for Options {
    /// Nanoseconds; the tag `host`, as Gnocchi's.
    fn default() -> Options {
        Options {
            precision: Precision::default(),
            resource_tag: "host".to_owned(),
            origin: Origin::default(),
        }
    }
}

/// Reads lines of the line protocol: a datagram of them, the body of a request, a file.
pub struct Influx {
    options: Options,
    writer: SampleWriter,
    metadata: Vec<u8>,
    name: String,
}

impl Default for Influx {
    fn default() -> Influx {
        Influx::new(Options::default())
    }
}

impl Influx {
    /// A reader of lines.
    pub fn new(options: Options) -> Influx {
        let writer = SampleWriter::new(&options.origin, "influx");
        Influx { options, writer, metadata: Vec::new(), name: String::new() }
    }

    fn write(&mut self, line: &Line<'_>, at: Timestamp, lines: &mut Vec<u8>) -> Result<(), BadLine> {
        let timestamp = match line.time {
            Some(count) => {
                timestamp(i128::from(count) * self.options.precision.ns()).ok_or(BadLine::TimeOutOfRange)?
            }
            None => at,
        };
        let tags = line.tags.iter().map(|(key, value)| (&**key, &**value));
        let mut owner = write_labels(tags, &mut self.metadata);
        let of_tag = line
            .tags
            .iter()
            .rev()
            .find(|(key, value)| *key == self.options.resource_tag && !value.is_empty());
        owner.resource_id = owner.resource_id.or(of_tag.map(|(_, value)| &**value));
        for (field, volume) in &line.fields {
            self.name.clear();
            self.name.push_str(&line.measurement);
            self.name.push('.');
            self.name.push_str(field);
            let reading = Reading {
                name: &self.name,
                suffix: "",
                sample_type: SampleType::Gauge,
                unit: "",
                volume: *volume,
                owner,
                timestamp,
                metadata: &self.metadata,
            };
            self.writer.write(&reading, lines);
        }
        Ok(())
    }

    fn read_all(&mut self, text: &str, at: Timestamp, lines: &mut Vec<u8>, faults: &mut dyn Faults) {
        let mut rest = text;
        while !rest.is_empty() {
            let begin = rest;
            if let Some(behind) = rest.strip_prefix(['\n', '\r', ' ', '\t']) {
                rest = behind;
                continue;
            }
            if rest.starts_with('#') {
                rest = after_line(rest);
                continue;
            }
            match Line::read(&mut rest).and_then(|line| {
                faults.skip("influx text", line.texts);
                self.write(&line, at, lines)
            }) {
                Ok(()) => {}
                Err(error) => {
                    let line = begin.split('\n').next().unwrap_or_default();
                    let shown: String = line.chars().take(SHOWN_MAX).collect();
                    faults.fault(error.reason(), &format_args!("{error}: {shown:?}"));
                    // A fault behind the end of its line was one of values, and the next line follows already.
                    if rest.len() == begin.len() || !at_line_start(begin, rest) {
                        rest = after_line(rest);
                    }
                }
            }
        }
    }
}

/// Characters of a bad line that a message shows.
const SHOWN_MAX: usize = 100;

fn after_line(text: &str) -> &str {
    memchr(b'\n', text.as_bytes()).map_or("", |at| &text[at + 1..])
}

/// Whether `rest`, the end of `whole`, begins a line.
fn at_line_start(whole: &str, rest: &str) -> bool {
    whole[..whole.len() - rest.len()].ends_with('\n') || rest.is_empty()
}

impl Decoder for Influx {
    fn decode(&mut self, message: &[u8], at: Timestamp, lines: &mut Vec<u8>, faults: &mut dyn Faults) {
        self.writer.open(message.len());
        if let Ok(text) = std::str::from_utf8(message) {
            self.read_all(text, at, lines, faults);
        } else {
            for line in message.split(|&byte| byte == b'\n') {
                match std::str::from_utf8(line) {
                    Ok(line) => self.read_all(line, at, lines, faults),
                    Err(error) => faults.fault("not UTF-8", &format_args!("a line is not UTF-8: {error}")),
                }
            }
        }
        self.writer.close(faults);
    }
}

/// Why a line cannot be used.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
enum BadLine {
    #[error("no line protocol: there is no measurement")]
    NoMeasurement,
    #[error("no line protocol: a tag or field is not KEY=VALUE")]
    NoPair,
    #[error("no line protocol: there is no field")]
    NoField,
    #[error("no line protocol: a text is not closed")]
    OpenText,
    #[error("no line protocol: a value is neither number, truth nor text")]
    BadValue,
    #[error("the time is not a whole number")]
    BadTime,
    #[error("the time is outside the years 1678 to 2261, as with a wrong precision")]
    TimeOutOfRange,
}

impl BadLine {
    fn reason(self) -> &'static str {
        match self {
            BadLine::BadTime | BadLine::TimeOutOfRange => "bad timestamp",
            BadLine::BadValue => "wrong type",
            _ => "not readable",
        }
    }
}

/// One line taken apart.
struct Line<'a> {
    measurement: Cow<'a, str>,
    tags: Vec<(Cow<'a, str>, Cow<'a, str>)>,
    fields: Vec<(Cow<'a, str>, Volume)>,
    /// Fields that are texts.
    texts: u64,
    time: Option<i64>,
}

impl<'a> Line<'a> {
    /// Reads one line and its line feed off the start of `rest`.
    fn read(rest: &mut &'a str) -> Result<Line<'a>, BadLine> {
        let measurement = unescaped(take_until(rest, b", \n"), b", ");
        if measurement.is_empty() {
            return Err(BadLine::NoMeasurement);
        }
        let mut line = Line { measurement, tags: Vec::new(), fields: Vec::new(), texts: 0, time: None };
        while let Some(behind) = rest.strip_prefix(',') {
            *rest = behind;
            let key = take_key(rest)?;
            let value = unescaped(take_until(rest, b", \n"), b",= ");
            line.tags.push((key, value));
        }
        *rest = rest.trim_start_matches(' ');
        loop {
            let key = take_key(rest)?;
            match take_value(rest)? {
                Some(volume) => line.fields.push((key, volume)),
                None => line.texts += 1,
            }
            let Some(behind) = rest.strip_prefix(',') else { break };
            *rest = behind;
        }
        *rest = rest.trim_start_matches(' ');
        let end = memchr(b'\n', rest.as_bytes()).unwrap_or(rest.len());
        let time = rest[..end].trim_end_matches([' ', '\r']);
        *rest = rest.get(end + 1..).unwrap_or_default();
        if !time.is_empty() {
            line.time = Some(time.parse().map_err(|_| BadLine::BadTime)?);
        }
        Ok(line)
    }
}

fn take_key<'a>(rest: &mut &'a str) -> Result<Cow<'a, str>, BadLine> {
    let key = take_until(rest, b"=, \n");
    let Some(behind) = rest.strip_prefix('=') else {
        return Err(if key.is_empty() { BadLine::NoField } else { BadLine::NoPair });
    };
    *rest = behind;
    if key.is_empty() { Err(BadLine::NoPair) } else { Ok(unescaped(key, b",= ")) }
}

/// The value of a field; none for a text.
fn take_value(rest: &mut &str) -> Result<Option<Volume>, BadLine> {
    if let Some(text) = rest.strip_prefix('"') {
        let mut at = 0;
        loop {
            at += memchr::memchr2(b'"', b'\\', &text.as_bytes()[at..]).ok_or(BadLine::OpenText)?;
            if text.as_bytes()[at] == b'"' {
                *rest = &text[at + 1..];
                return Ok(None);
            }
            // Whatever is escaped, a character of several bytes has none that ends a text.
            at = (at + 2).min(text.len());
        }
    }
    let text = take_until(rest, b", \n").trim_end_matches('\r');
    let volume = match text {
        "t" | "T" | "true" | "True" | "TRUE" => Some(Volume::Integer(1)),
        "f" | "F" | "false" | "False" | "FALSE" => Some(Volume::Integer(0)),
        _ => match text.as_bytes() {
            [.., b'i'] => text[..text.len() - 1].parse().ok().map(Volume::Integer),
            [.., b'u'] => text[..text.len() - 1].parse().ok().map(Volume::Unsigned),
            bytes if bytes.iter().all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(byte)) => {
                text.parse().ok().map(Volume::Float)
            }
            _ => None,
        },
    };
    volume.filter(|volume| volume.is_finite()).map(Some).ok_or(BadLine::BadValue)
}

/// What stands before the first of `ends` that no backslash escapes.
fn take_until<'a>(rest: &mut &'a str, ends: &[u8]) -> &'a str {
    let bytes = rest.as_bytes();
    let mut at = 0;
    while at < bytes.len() && !ends.contains(&bytes[at]) {
        // A line feed cannot be escaped, and a backslash before anything else is one.
        let escapes = bytes[at] == b'\\' && matches!(bytes.get(at + 1), Some(b',' | b'=' | b' '));
        at += 1 + usize::from(escapes);
    }
    let (taken, behind) = rest.split_at(at);
    *rest = behind;
    taken
}

/// `text` without the backslashes before `special` characters.
fn unescaped<'a>(text: &'a str, special: &[u8]) -> Cow<'a, str> {
    if memchr(b'\\', text.as_bytes()).is_none() {
        return Cow::Borrowed(text);
    }
    let mut plain = String::with_capacity(text.len());
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        let escaped = |next: &char| u8::try_from(*next).is_ok_and(|next| special.contains(&next));
        match (character, characters.peek()) {
            ('\\', Some(next)) if escaped(next) => {}
            _ => plain.push(character),
        }
    }
    Cow::Owned(plain)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::testing::{decode, shown};

    fn read(text: &str) -> (Vec<String>, Vec<String>) {
        let (samples, told) = decode(&mut Influx::default(), text.as_bytes());
        (shown(&samples), told)
    }

    #[test]
    fn fields_that_are_numbers_or_truths_are_samples() {
        let line = "cpu,host=a,region=eu usage=0.5,n=-3i,u=18446744073709551615u,up=t,down=FALSE,s=\"x y\" 1465839830100400200\n";
        let (samples, told) = read(line);
        let end = r#"a {"host":"a","region":"eu"} 2016-06-13T17:43:50.1004002Z"#;
        let expected =
            ["usage gauge 0.5", "n gauge -3", "u gauge 18446744073709551615", "up gauge 1", "down gauge 0"];
        assert_eq!(samples, expected.map(|text| format!("cpu.{text} {end}")));
        assert_eq!(told, ["influx text ×1"]);
    }

    #[test]
    fn escapes_are_those_of_the_protocol() {
        let (samples, told) = read(
            "my\\ m\\,x,tag\\ key=a\\=b\\,c field\\=k=1,t=\"a\\\"b, c=\\\\\",g=2\n# a comment\n\n m=x v=1\nw\\x v=1e3\r\n",
        );
        assert_eq!(
            samples,
            [
                r#"my m,x.field=k gauge 1 influx {"tag key":"a=b,c"}"#,
                r#"my m,x.g gauge 2 influx {"tag key":"a=b,c"}"#,
                "m=x.v gauge 1 influx",
                "w\\x.v gauge 1000 influx"
            ]
        );
        assert_eq!(told, ["influx text ×1"]);
    }

    #[test]
    fn a_text_may_hold_line_feeds() {
        let (samples, told) = read("m s=\"a\nb v=1\",v=2 1000000000\nm v=3 2000000000");
        assert_eq!(
            samples,
            ["m.v gauge 2 influx 1970-01-01T00:00:01Z", "m.v gauge 3 influx 1970-01-01T00:00:02Z"]
        );
        assert_eq!(told, ["influx text ×1"]);
    }

    #[test]
    fn a_bad_line_is_named_and_costs_no_other() {
        let (samples, told) = read(
            "m\nm v=\nm v=1x\n,t=1 v=1\nm,t v=1\nm v=1 noon\nm v=nan\nm v=1 9223372036854775807\nm v=\"x\ngood v=1\nm v=1e999",
        );
        assert_eq!(samples, ["good.v gauge 1 influx"]);
        assert_eq!(told.len(), 10, "{told:?}");
        assert!(
            told[5].starts_with("bad timestamp: the time is not a whole number: \"m v=1 noon\""),
            "{told:?}"
        );
    }

    #[test]
    fn a_precision_says_what_times_count() {
        for (precision, time) in
            [("ns", "1"), ("us", "0.000001"), ("ms", "0.001"), ("s", "1"), ("m", "60"), ("h", "3600")]
        {
            let options = Options { precision: precision.parse().unwrap(), ..Options::default() };
            let (samples, _) = decode(&mut Influx::new(options), b"m v=1 1");
            let ns = if precision == "ns" { "0.000000001" } else { time };
            let time = Timestamp::parse_epoch(ns.as_bytes()).unwrap().to_string();
            assert_eq!(samples[0]["timestamp"], time.as_str(), "{precision}");
        }
        assert_eq!("d".parse::<Precision>(), Err(UnknownPrecision("d".into())));
    }

    #[test]
    fn a_message_cannot_become_a_thousand_times_as_long() {
        let fields: Vec<String> = (0..15_000).map(|number| format!("{number}=1")).collect();
        let line = format!("m,t={} {}", "x".repeat(30_000), fields.join(","));
        let (samples, told) = decode(&mut Influx::default(), line.as_bytes());
        assert!(samples.len() > 500 && samples.len() < 2000, "{}", samples.len());
        assert!(told[0].starts_with("limit reached: "), "{told:?}");
    }
}
