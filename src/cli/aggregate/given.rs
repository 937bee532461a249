//! Measures as people give them: `TIMESTAMP@VALUE`, lines, or JSON.

use std::io::Read;

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::instant;
use crate::base::{Books, Failure};
use crate::model::Timestamp;
use crate::series::Point;

/// Bytes of standard input: ten million lines. One call is one batch, which is held in memory.
const INPUT_BYTES_MAX: u64 = 512 << 20;
const STDIN: &str = "standard input";

/// Reads `TIMESTAMP@VALUE`.
///
/// # Errors
/// What is wrong with it.
pub fn option(text: &str, now: Timestamp) -> Result<Point, String> {
    let (time, value) = text.rsplit_once('@').ok_or_else(|| format!("\"{text}\" is not TIMESTAMP@VALUE"))?;
    point(time, value, now)
}

/// Reads standard input: a JSON list of objects with `timestamp` and `value`, or lines, each such an object or
/// `TIMESTAMP VALUE`. What is no measure is rejected, one by one.
///
/// # Errors
/// When it cannot be read, or is too much for one call.
pub fn standard_input(now: Timestamp, books: &Books) -> Result<Vec<Point>, Failure> {
    let mut bytes = Vec::new();
    let read = std::io::stdin().lock().take(INPUT_BYTES_MAX + 1).read_to_end(&mut bytes);
    read.map_err(|source| Failure::Io { doing: "cannot read", what: STDIN.to_owned(), source })?;
    if bytes.len() as u64 > INPUT_BYTES_MAX {
        let most = INPUT_BYTES_MAX >> 20;
        return Err(Failure::Usage(format!("more than {most} MiB in one call: add them in parts")));
    }
    let text = String::from_utf8_lossy(&bytes);
    let mut points = Vec::new();
    let mut records = 0;
    let mut take = |number: u64, read: Result<Point, String>| {
        records += 1;
        match read {
            Ok(point) => points.push(point),
            Err(why) => books.reject(STDIN, number, "not_a_measure", &why),
        }
    };
    if text.trim_start().starts_with('[') {
        match serde_json::from_str::<Vec<&RawValue>>(&text) {
            Ok(list) => {
                (1..).zip(list).for_each(|(number, measure)| take(number, object(measure.get(), now)));
            }
            Err(error) => take(error.line() as u64, Err(format!("not a JSON list of measures: {error}"))),
        }
    } else {
        let lines = (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty());
        lines.for_each(|(number, text)| take(number, line(text.trim(), now)));
    }
    books.read(records, bytes.len() as u64);
    Ok(points)
}

fn line(text: &str, now: Timestamp) -> Result<Point, String> {
    if text.starts_with('{') {
        return object(text, now);
    }
    let (time, value) = text
        .rsplit_once([' ', '\t', ','])
        .ok_or_else(|| format!("\"{text}\" is neither TIMESTAMP VALUE nor a JSON object"))?;
    point(time, value, now)
}

/// What Gnocchi takes: both may be numbers or texts.
#[derive(Deserialize)]
struct Measure {
    timestamp: Value,
    value: Value,
}

fn object(text: &str, now: Timestamp) -> Result<Point, String> {
    let Measure { timestamp, value } =
        serde_json::from_str(text).map_err(|error| format!("not a measure: {error}"))?;
    let said = |value: Value| match value {
        Value::String(text) => text,
        other => other.to_string(),
    };
    point(&said(timestamp), &said(value), now)
}

fn point(time: &str, value: &str, now: Timestamp) -> Result<Point, String> {
    let timestamp = instant::parse(time, now)?;
    if timestamp.ns() < 0 {
        return Err(format!("{timestamp} is before 1970"));
    }
    let number =
        value.trim().parse().map_err(|_| format!("\"{value}\" is no value: write a number, or NaN"))?;
    Ok(Point { timestamp, value: number })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(read: Result<Point, String>) -> String {
        read.map_or_else(|why| why, |point| format!("{} {}", point.timestamp, point.value))
    }

    #[test]
    fn a_measure_is_written_in_many_ways() {
        let now = Timestamp::parse(b"2026-11-22T10:00:00Z").unwrap();
        let five = "2026-11-22T10:00:00Z 5";
        for text in [
            "2026-11-22 10:00:00 5",
            "now\t5.0",
            "1795341600,5",
            r#"{"timestamp":"2026-11-22T11:00:00+01:00","value":5}"#,
            r#"{"timestamp":1795341600,"value":"5e0","granularity":60}"#,
        ] {
            assert_eq!(shown(line(text, now)), five, "{text}");
        }
        assert_eq!(shown(option("2026-11-22T10:00:00Z@5", now)), five);
        assert_eq!(shown(option("-1m@NaN", now)), "2026-11-22T09:59:00Z NaN");
        assert_eq!(shown(line("now -infinity", now)), "2026-11-22T10:00:00Z -inf");
    }

    #[test]
    fn what_is_no_measure_is_told() {
        let now = Timestamp::from_ns(0);
        assert_eq!(shown(line("1969-12-31T23:59:59Z 5", now)), "1969-12-31T23:59:59Z is before 1970");
        assert_eq!(shown(line("now five", now)), "\"five\" is no value: write a number, or NaN");
        assert!(shown(line("5", now)).starts_with("\"5\" is neither"));
        assert!(shown(line(r#"{"timestamp":5}"#, now)).contains("missing field `value`"));
        assert_eq!(shown(option("now", now)), "\"now\" is not TIMESTAMP@VALUE");
    }
}
