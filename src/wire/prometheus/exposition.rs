//! The text that exporters expose and that is pushed to a Pushgateway: Prometheus' text format and OpenMetrics 1.0.

use std::borrow::Cow;

use thiserror::Error;

use super::family::{MetricType, SeriesWriter, shown};
use crate::model::Timestamp;
use crate::wire::sample::{Origin, timestamp};
use crate::wire::{Decoder, Faults};

/// Labels of one series, as in remote write.
const LABELS_MAX: usize = 512;

/// Reads expositions: a body that was pushed, an exporter's page, a file for node_exporter. Each stands for itself.
///
/// Times are milliseconds, and seconds when the text ends in `# EOF`, as OpenMetrics has it, or when they have a
/// fraction; without one it is the time of arrival.
pub struct Exposition {
    writer: SeriesWriter,
    grouping: Vec<(String, String)>,
}

impl Default for Exposition {
    fn default() -> Exposition {
        Exposition::new(Vec::new(), &Origin::default())
    }
}

impl Exposition {
    /// A reader; the labels of `grouping` are put in the place of those that a series has under the same names, as a
    /// Pushgateway does it with those in its path.
    pub fn new(grouping: Vec<(String, String)>, origin: &Origin) -> Exposition {
        Exposition { writer: SeriesWriter::new(origin), grouping }
    }

    /// Takes one line.
    fn read_line(
        &mut self,
        line: &str,
        times: &Times,
        lines: &mut Vec<u8>,
        faults: &mut dyn Faults,
    ) -> Result<(), BadLine> {
        let line = line.trim_matches([' ', '\t', '\r']);
        if line.is_empty() {
            return Ok(());
        }
        if let Some(comment) = line.strip_prefix('#') {
            return self.read_comment(comment, faults);
        }
        let line = Line::read(line)?;
        faults.skip("exemplar", line.exemplar.into());
        let time = match line.time {
            "" => times.arrival,
            text => times.read(text)?,
        };
        let own = line.labels.iter().map(|(name, value)| (&**name, &**value));
        let own = own.filter(|(name, _)| !self.grouping.iter().any(|(grouping, _)| grouping == name));
        let grouping = self.grouping.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let labels: Vec<(&str, &str)> = own.chain(grouping).collect();
        let series = self.writer.begin(&line.name, &labels);
        let finite = self.writer.point(&series, line.value, time, lines);
        faults.skip("not finite", (!finite).into());
        Ok(())
    }

    /// `TYPE NAME WORD`, `UNIT NAME WORD`; every other comment says nothing of values.
    fn read_comment(&mut self, comment: &str, faults: &mut dyn Faults) -> Result<(), BadLine> {
        let mut words = comment.split([' ', '\t']).filter(|word| !word.is_empty());
        let (keyword, name, word) = (words.next(), words.next(), words.next());
        let (metric_type, unit) = match (keyword, word) {
            (Some("TYPE"), Some(word)) => {
                let known = MetricType::from_word(word);
                (Some(known.ok_or_else(|| BadLine::UnknownType(shown(word).to_string()))?), None)
            }
            (Some("UNIT"), Some(word)) => (None, Some(word)),
            _ => return Ok(()),
        };
        let name = name.map(|name| name.trim_matches('"')).unwrap_or_default();
        if !self.writer.families.learn(name, metric_type, unit) {
            faults.skip("metric type", 1);
        }
        Ok(())
    }
}

impl Decoder for Exposition {
    fn decode(&mut self, message: &[u8], at: Timestamp, lines: &mut Vec<u8>, faults: &mut dyn Faults) {
        self.writer.families.clear();
        self.writer.writer.open(message.len());
        let text = message.trim_ascii_end();
        let end = text.rsplit(|&byte| byte == b'\n').next().unwrap_or_default();
        let times = Times { arrival: at, seconds: end == b"# EOF" };
        for (number, line) in text.split(|&byte| byte == b'\n').enumerate() {
            let read = match std::str::from_utf8(line) {
                Ok(line) => self.read_line(line, &times, lines, faults),
                Err(_) => Err(BadLine::NotUtf8),
            };
            if let Err(error) = read {
                faults.fault(error.reason(), &format_args!("line {}: {error}", number + 1));
            }
        }
        self.writer.writer.close(faults);
    }
}

/// How times are read.
struct Times {
    arrival: Timestamp,
    seconds: bool,
}

impl Times {
    fn read(&self, text: &str) -> Result<Timestamp, BadLine> {
        let bad = || BadLine::BadTime(shown(text).to_string());
        if !self.seconds && !text.contains(['.', 'e', 'E']) {
            let ms: i64 = text.parse().map_err(|_| bad())?;
            return timestamp(i128::from(ms) * 1_000_000).ok_or_else(bad);
        }
        Timestamp::parse_epoch(text.as_bytes()).or_else(|_| {
            let seconds: f64 = text.parse().map_err(|_| bad())?;
            Timestamp::from_seconds(seconds).map_err(|_| bad())
        })
    }
}

/// Why a line cannot be used.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
enum BadLine {
    #[error("not UTF-8")]
    NotUtf8,
    #[error("no exposition: no metric's name where one should be")]
    NoName,
    #[error("no exposition: labels are {{NAME=\"VALUE\",...}}")]
    BadLabels,
    #[error("more than {LABELS_MAX} labels")]
    TooManyLabels,
    #[error("\"{0}\" is no value")]
    BadValue(String),
    #[error("\"{0}\" is no time")]
    BadTime(String),
    #[error("something stands behind the time")]
    Rest,
    #[error("unknown type \"{0}\"")]
    UnknownType(String),
}

impl BadLine {
    fn reason(&self) -> &'static str {
        match self {
            BadLine::NotUtf8 => "not UTF-8",
            BadLine::BadTime(_) => "bad timestamp",
            BadLine::BadValue(_) | BadLine::UnknownType(_) => "wrong type",
            BadLine::TooManyLabels => "limit reached",
            BadLine::NoName | BadLine::BadLabels | BadLine::Rest => "not readable",
        }
    }
}

/// One series with its value.
#[derive(Debug)]
struct Line<'a> {
    name: Cow<'a, str>,
    labels: Vec<(Cow<'a, str>, Cow<'a, str>)>,
    value: f64,
    /// Empty when there is none.
    time: &'a str,
    exemplar: bool,
}

impl<'a> Line<'a> {
    fn read(line: &'a str) -> Result<Line<'a>, BadLine> {
        let end = line.find(['{', ' ', '\t']).ok_or(BadLine::NoName)?;
        let mut name = Cow::Borrowed(&line[..end]);
        let mut rest = line[end..].trim_start();
        let mut labels = Vec::new();
        if let Some(behind) = rest.strip_prefix('{') {
            rest = read_labels(behind, &mut name, &mut labels)?.trim_start();
        }
        if name.is_empty() {
            return Err(BadLine::NoName);
        }
        let (rest, exemplar) = match rest.find('#') {
            Some(at) => (&rest[..at], true),
            None => (rest, false),
        };
        let mut words = rest.split_ascii_whitespace();
        let text = words.next().unwrap_or_default();
        let value = read_value(text).ok_or_else(|| BadLine::BadValue(shown(text).to_string()))?;
        let time = words.next().unwrap_or_default();
        if words.next().is_some() {
            return Err(BadLine::Rest);
        }
        Ok(Line { name, labels, value, time, exemplar })
    }
}

/// Reads labels up to the brace that closes them; what follows it. A text without a name is the metric's name, which
/// Prometheus 3 writes so when it is none of the old form.
fn read_labels<'a>(
    text: &'a str,
    metric: &mut Cow<'a, str>,
    labels: &mut Vec<(Cow<'a, str>, Cow<'a, str>)>,
) -> Result<&'a str, BadLine> {
    let mut rest = text.trim_start();
    loop {
        if let Some(behind) = rest.strip_prefix('}') {
            return Ok(behind);
        }
        let name = if rest.starts_with('"') {
            let (name, behind) = read_text(rest)?;
            rest = behind.trim_start();
            name
        } else {
            let end = rest.find(['=', ' ', '\t', ',', '}']).ok_or(BadLine::BadLabels)?;
            let (name, behind) = rest.split_at(end);
            rest = behind.trim_start();
            Cow::Borrowed(name)
        };
        if name.is_empty() {
            return Err(BadLine::BadLabels);
        }
        if let Some(behind) = rest.strip_prefix('=') {
            let (value, behind) = read_text(behind.trim_start())?;
            rest = behind.trim_start();
            if labels.len() >= LABELS_MAX {
                return Err(BadLine::TooManyLabels);
            }
            labels.push((name, value));
        } else if metric.is_empty() {
            *metric = name;
        } else {
            return Err(BadLine::BadLabels);
        }
        match rest.strip_prefix(',') {
            Some(behind) => rest = behind.trim_start(),
            None if rest.starts_with('}') => {}
            None => return Err(BadLine::BadLabels),
        }
    }
}

/// A text in quotes, with `\\`, `\"` and `\n`; what follows it.
fn read_text(text: &str) -> Result<(Cow<'_, str>, &str), BadLine> {
    let text = text.strip_prefix('"').ok_or(BadLine::BadLabels)?;
    let end = text.find(['"', '\\']).ok_or(BadLine::BadLabels)?;
    if text[end..].starts_with('"') {
        return Ok((Cow::Borrowed(&text[..end]), &text[end + 1..]));
    }
    let mut plain = String::from(&text[..end]);
    let mut characters = text[end..].char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return Ok((Cow::Owned(plain), &text[end + at + 1..])),
            '\\' => match characters.next().ok_or(BadLine::BadLabels)?.1 {
                'n' => plain.push('\n'),
                escaped @ ('"' | '\\') => plain.push(escaped),
                // Prometheus' own parser keeps both.
                other => plain.extend(['\\', other]),
            },
            other => plain.push(other),
        }
    }
    Err(BadLine::BadLabels)
}

/// A number in Go's decimal form, or NaN or an infinity.
fn read_value(text: &str) -> Option<f64> {
    let word = text.trim_start_matches(['+', '-']);
    match word.as_bytes().first()? {
        b'0'..=b'9' | b'.' => text.parse().ok(),
        // Rust reads these words as Go does, in whatever case.
        _ if word.eq_ignore_ascii_case("nan") || word.eq_ignore_ascii_case("inf") => text.parse().ok(),
        _ if word.eq_ignore_ascii_case("infinity") => text.parse().ok(),
        _ => None,
    }
}
