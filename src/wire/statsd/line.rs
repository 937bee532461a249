//! One line of statsd, with what Etsy's statsd and Datadog's DogStatsD made of it.
//!
//! `NAME:VALUE|TYPE[|@RATE][|#TAG:VALUE,TAG][|TSECONDS]`. After Etsy more than one `VALUE|TYPE|@RATE` may follow a name,
//! each behind a colon; after DogStatsD 1.1 more than one value may share a type: `NAME:1:2:3|ms`.

use memchr::memchr;
use thiserror::Error;

use crate::wire::Faults;

/// What a value is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Kind {
    /// `c`, and `m`: a meter is a counter of one.
    Counter,
    /// `g`.
    Gauge,
    /// `ms`: milliseconds.
    Timer,
    /// `h` and `d`: a histogram or distribution of anything.
    Histogram,
    /// `s`.
    Set,
}

/// One value of a line.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Value<'a> {
    /// As sent.
    pub(super) name: &'a [u8],
    pub(super) kind: Kind,
    /// As sent: a number, signed or not, or the member of a set.
    pub(super) text: &'a [u8],
    /// Above 0: each value stands for 1/rate values.
    pub(super) rate: f64,
    /// What stands behind `#`, without it.
    pub(super) tags: &'a [u8],
    /// What stands behind `T`, without it.
    pub(super) timestamp: Option<&'a [u8]>,
}

/// Why a line or a value of it cannot be used.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub(super) enum BadLine {
    #[error("no statsd: there is no colon in {0:?}")]
    NoColon(String),
    #[error("no statsd: no type stands behind the value in {0:?}")]
    NoType(String),
    #[error("unknown type {0:?}; known: c, g, ms, h, d, s, m")]
    UnknownType(String),
    #[error("{0:?} is no sample rate")]
    BadRate(String),
    #[error("no statsd: the name is empty, or no character of it may stand in a name")]
    NoName,
    #[error("{0:?} is not a number")]
    BadNumber(String),
    #[error("{0:?} is not a time in seconds since 1970")]
    BadTimestamp(String),
    #[error("more than {0} series, or values of one interval; this one is not gathered")]
    Full(usize),
}

impl BadLine {
    /// What the books count it under.
    pub(super) fn reason(&self) -> &'static str {
        match self {
            BadLine::NoColon(_) | BadLine::NoType(_) | BadLine::NoName => "not readable",
            BadLine::UnknownType(_) | BadLine::BadRate(_) | BadLine::BadNumber(_) => "wrong type",
            BadLine::BadTimestamp(_) => "bad timestamp",
            BadLine::Full(_) => "limit reached",
        }
    }
}

/// Hands each value of a message to `take`, and what is wrong with it; events and service checks are skipped.
pub(super) fn read_lines<'a>(
    message: &'a [u8],
    faults: &mut dyn Faults,
    mut take: impl FnMut(Result<Value<'a>, BadLine>, &mut dyn Faults),
) {
    for line in message.split(|&byte| byte == b'\n') {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.is_empty() {
            continue;
        }
        if line.starts_with(b"_e{") || line.starts_with(b"_sc|") {
            faults.skip(if line[1] == b'e' { "statsd event" } else { "statsd service check" }, 1);
            continue;
        }
        read_line(line, &mut |value| take(value, faults));
    }
}

/// Hands each value of `line`, which has no line feed and is not empty, to `take`, and what is wrong with it.
fn read_line<'a>(line: &'a [u8], take: &mut dyn FnMut(Result<Value<'a>, BadLine>)) {
    let Some(colon) = memchr(b':', line) else { return take(Err(BadLine::NoColon(shown(line)))) };
    let (name, mut rest) = (&line[..colon], Some(&line[colon + 1..]));
    while let Some(packet) = rest {
        rest = read_packet(name, packet, take);
    }
}

/// Takes `VALUE:VALUE|TYPE|...`; what is left is another packet of the same name, after Etsy.
fn read_packet<'a>(
    name: &'a [u8],
    packet: &'a [u8],
    take: &mut dyn FnMut(Result<Value<'a>, BadLine>),
) -> Option<&'a [u8]> {
    let (values, sections) = split(packet, b'|');
    let Some(sections) = sections else {
        take(Err(BadLine::NoType(shown(packet))));
        return None;
    };
    let (section, mut sections) = split(sections, b'|');
    // No type has a colon: what follows one is the next packet, which the sections behind belong to.
    let (kind_text, mut next) = split(section, b':');
    if let Some(behind) = next {
        next = Some(&packet[packet.len() - behind.len() - sections.map_or(0, |rest| rest.len() + 1)..]);
        sections = None;
    }
    let kind = kind(kind_text);
    let (mut rate, mut tags, mut timestamp) = (Ok(1.0), &b""[..], None);
    while let Some(rest) = sections {
        let (section, behind) = split(rest, b'|');
        sections = behind;
        match section.split_first() {
            Some((b'@', text)) => {
                let (text, another) = split(text, b':');
                rate = read_rate(text);
                if let Some(another) = another {
                    let length = another.len() + behind.map_or(0, |rest| rest.len() + 1);
                    next = Some(&packet[packet.len() - length..]);
                    break;
                }
            }
            Some((b'#', text)) => tags = text,
            Some((b'T', text)) => timestamp = Some(text),
            // The container (`c:`), and whatever later versions add, says nothing of the value.
            _ => {}
        }
    }
    match (kind, rate) {
        (None, _) => take(Err(BadLine::UnknownType(shown(kind_text)))),
        (_, Err(error)) => take(Err(error)),
        // A member of a set may hold a colon; DogStatsD packs no sets.
        (Some(Kind::Set), Ok(rate)) => {
            take(Ok(Value { name, kind: Kind::Set, text: values, rate, tags, timestamp }));
        }
        (Some(kind), Ok(rate)) => {
            let mut left = Some(values);
            while let Some(text) = left {
                let (text, behind) = split(text, b':');
                left = behind;
                take(Ok(Value { name, kind, text, rate, tags, timestamp }));
            }
        }
    }
    next
}

/// Numbers are smaller than this, so that the sum of the squares of all that one interval may hold is one too.
const NUMBER_MAX: f64 = 1e150;
/// The least rate: one of so many values is sent at most.
const RATE_MIN: f64 = 1e-12;

/// A number that a statsd may be sent; none for words, hexadecimals, infinities, and what is too large to be summed.
pub(super) fn read_number(text: &[u8]) -> Option<f64> {
    // Nearly all are a few digits.
    if (1..=15).contains(&text.len()) && text.iter().all(u8::is_ascii_digit) {
        return Some(text.iter().fold(0u64, |sum, &digit| sum * 10 + u64::from(digit - b'0')) as f64);
    }
    if !text.iter().all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(byte)) {
        return None;
    }
    std::str::from_utf8(text).ok()?.parse().ok().filter(|number: &f64| number.abs() < NUMBER_MAX)
}

/// As much of a text as a message may show.
pub(super) fn shown(text: &[u8]) -> String {
    const SHOWN_MAX: usize = 100;
    String::from_utf8_lossy(&text[..text.len().min(SHOWN_MAX)]).into_owned()
}

fn read_rate(text: &[u8]) -> Result<f64, BadLine> {
    let rate = read_number(text).filter(|rate| *rate >= RATE_MIN);
    rate.ok_or_else(|| BadLine::BadRate(shown(text)))
}

fn kind(text: &[u8]) -> Option<Kind> {
    match text {
        b"c" | b"m" => Some(Kind::Counter),
        b"g" => Some(Kind::Gauge),
        b"ms" => Some(Kind::Timer),
        b"h" | b"d" => Some(Kind::Histogram),
        b"s" => Some(Kind::Set),
        _ => None,
    }
}

/// What stands before the first `at`, and what stands behind it.
fn split(text: &[u8], at: u8) -> (&[u8], Option<&[u8]>) {
    // Sections are a few bytes long: a loop finds the end before a vector search has begun.
    match text.iter().position(|&byte| byte == at) {
        Some(found) => (&text[..found], Some(&text[found + 1..])),
        None => (text, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Vec<String> {
        let mut found = Vec::new();
        read_line(line.as_bytes(), &mut |value| {
            found.push(match value {
                Ok(value) => {
                    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
                    let time = value.timestamp.map(|time| format!(" T{}", text(time))).unwrap_or_default();
                    let (name, values, tags) = (text(value.name), text(value.text), text(value.tags));
                    format!("{name} {values} {:?} {} #{tags}{time}", value.kind, value.rate)
                }
                Err(error) => error.to_string(),
            });
        });
        found
    }

    #[test]
    fn every_form_of_a_line_is_read() {
        assert_eq!(read("a:1|c"), ["a 1 Counter 1 #"]);
        assert_eq!(read("a:1|c|@0.5"), ["a 1 Counter 0.5 #"]);
        assert_eq!(read("a:-1.5|g"), ["a -1.5 Gauge 1 #"]);
        assert_eq!(read("a:x:y|s"), ["a x:y Set 1 #"]);
        assert_eq!(read("a:1|ms|@0.1|#k:v,t|c:id|T99"), ["a 1 Timer 0.1 #k:v,t T99"], "DogStatsD 1.0 to 1.3");
        assert_eq!(read("a:1|ms|#k:v|@0.1"), ["a 1 Timer 0.1 #k:v"], "tags before the rate");
        assert_eq!(
            read("a:1:2:3|h|#k:v"),
            ["a 1 Histogram 1 #k:v", "a 2 Histogram 1 #k:v", "a 3 Histogram 1 #k:v"]
        );
        assert_eq!(read("a:1|c:2|ms"), ["a 1 Counter 1 #", "a 2 Timer 1 #"], "Etsy's packets");
        assert_eq!(
            read("a:1|c|@0.5:2|ms|@0.1:3|g"),
            ["a 1 Counter 0.5 #", "a 2 Timer 0.1 #", "a 3 Gauge 1 #"]
        );
        assert_eq!(read("a:1|c:2|d|#k:v"), ["a 1 Counter 1 #", "a 2 Histogram 1 #k:v"]);
    }

    #[test]
    fn what_cannot_be_used_costs_only_itself() {
        assert_eq!(read("hello"), ["no statsd: there is no colon in \"hello\""]);
        assert_eq!(read("a:1"), ["no statsd: no type stands behind the value in \"1\""]);
        assert_eq!(
            read("a:1|kg:2|c"),
            ["unknown type \"kg\"; known: c, g, ms, h, d, s, m", "a 2 Counter 1 #"]
        );
        for rate in ["0", "-1", "x", "", "1e-320", "nan"] {
            assert_eq!(read(&format!("a:1|c|@{rate}")), [format!("{rate:?} is no sample rate")]);
        }
    }

    #[test]
    fn a_number_is_decimal() {
        for (text, number) in [("7", 7.0), ("+7", 7.0), ("-0.5", -0.5), ("1e3", 1e3), ("007", 7.0)] {
            assert_eq!(read_number(text.as_bytes()), Some(number), "{text}");
        }
        assert_eq!(read_number(b"12345678901234567890"), Some(12_345_678_901_234_567_890.0));
        for text in ["", "-", "nan", "inf", "1e999", "1e150", "0x10", "1_000", " 1", "1,5"] {
            assert_eq!(read_number(text.as_bytes()), None, "{text}");
        }
    }
}
