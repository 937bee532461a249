//! Gnocchi's words for times and lengths of time, in queries and bodies.
//!
//! A time: seconds since 1970, ISO 8601 (a year and month suffice), `now`, or a length before or after now (`-1 day`, `+5 minutes`).
//! A length: seconds, or what pytimeparse reads (`300`, `1h30m`, `5 minutes`, `1:00:00`).

use crate::model::{Granularity, NS_PER_SECOND, Timestamp};
use crate::serve::http::{Call, Problem};
use crate::work::stored::Range;

/// A time that a text means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Said {
    /// The time itself.
    At(Timestamp),
    /// So many nanoseconds after now.
    After(i64),
}

/// Reads a time; none when the text says none.
pub(super) fn said(text: &str) -> Option<Said> {
    let text = text.trim();
    if let Ok(at) = Timestamp::parse(text.as_bytes()).or_else(|_| Timestamp::parse_epoch(text.as_bytes())) {
        return Some(Said::At(at));
    }
    if let Ok(seconds) = text.parse::<f64>() {
        return seconds.is_finite().then(|| Timestamp::from_seconds(seconds).ok()).flatten().map(Said::At);
    }
    if text == "now" {
        return Some(Said::After(0));
    }
    let part = ["T00:00", "-01T00:00", ":00"].iter().find_map(|rest| {
        let whole = format!("{text}{rest}");
        (whole.len() == 16).then(|| Timestamp::parse(whole.as_bytes()).ok()).flatten()
    });
    part.map(Said::At).or_else(|| shift(text).map(Said::After))
}

/// Reads a time, `now` being that; none when it is none, or before 1970.
pub(super) fn instant(text: &str, now: Timestamp) -> Option<Timestamp> {
    let at = match said(text)? {
        Said::At(at) => at,
        Said::After(ns) => Timestamp::from_ns(now.ns().checked_add(ns)?),
    };
    (at.ns() >= 0).then_some(at)
}

/// A length with a sign before it, in nanoseconds.
fn shift(text: &str) -> Option<i64> {
    match text.split_at_checked(1)? {
        ("-", rest) => length(rest.trim_start()).map(|length| -length.ns()),
        ("+", rest) => length(rest.trim_start()).map(Granularity::ns),
        _ => length(text).map(Granularity::ns),
    }
}

/// Reads a length of time; none when it is none, or not over zero.
pub(super) fn length(text: &str) -> Option<Granularity> {
    let text = text.trim();
    if let Ok(length) = text.parse() {
        return Some(length);
    }
    if let Ok(seconds) = text.parse::<f64>() {
        // The cast saturates: 292 years are as good as more.
        return Granularity::from_ns((seconds * NS_PER_SECOND as f64) as i64).filter(|_| seconds.is_finite());
    }
    let mut rest = text;
    let mut total: i64 = 0;
    let mut smallest = i64::MAX;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let (number, behind) = rest.split_at(digits);
        let behind = behind.trim_start();
        let letters = behind.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(behind.len());
        let (word, behind) = behind.split_at(letters);
        let unit = unit(word)?;
        // From weeks down to seconds, each once.
        if unit >= smallest {
            return None;
        }
        smallest = unit;
        let ns = number.parse::<f64>().ok()? * unit as f64;
        total = total.checked_add(ns.round() as i64)?;
        rest = behind.trim_start_matches([' ', ',', '/']);
    }
    Granularity::from_ns(total)
}

/// A unit of pytimeparse, in nanoseconds.
fn unit(word: &str) -> Option<i64> {
    let seconds = match word.to_ascii_lowercase().as_str() {
        "w" | "wk" | "wks" | "week" | "weeks" => 7 * 86_400,
        "d" | "dy" | "dys" | "day" | "days" => 86_400,
        "h" | "hr" | "hrs" | "hour" | "hours" => 3_600,
        "m" | "min" | "mins" | "minute" | "minutes" => 60,
        "s" | "sec" | "secs" | "second" | "seconds" => 1,
        _ => return None,
    };
    Some(seconds * NS_PER_SECOND)
}

/// The time that `start` and `stop` of a query enclose.
///
/// # Errors
/// 400 when one of them is no time.
pub(super) fn range(call: &Call) -> Result<Range, Problem> {
    let read = |name: &str| match call.query.get(name) {
        None => Ok(None),
        Some(text) => match instant(text, call.now) {
            Some(at) => Ok(Some(at)),
            None => Err(Problem::argument(name, "Must be a datetime or a timestamp")),
        },
    };
    Ok(Range { start: read("start")?, stop: read("stop")? })
}

/// The `granularity` of a query.
///
/// # Errors
/// 400 when it is no length of time.
pub(super) fn granularity(call: &Call) -> Result<Option<Granularity>, Problem> {
    call.query.get("granularity").map(|text| length_or(text).map_err(granularity_refused)).transpose()
}

/// A length, or why it is none in Gnocchi's words.
pub(super) fn length_or(text: &str) -> Result<Granularity, &'static str> {
    let is_number = text.trim().parse::<f64>().is_ok_and(f64::is_finite);
    length(text).ok_or(if is_number { "Timespan must be positive" } else { "Unable to parse timespan" })
}

fn granularity_refused(reason: &'static str) -> Problem {
    Problem::argument("granularity", reason)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_gnocchi_reads_them() {
        let now = Timestamp::parse(b"2026-11-22T10:00:00Z").unwrap();
        for (text, expected) in [
            ("1425652437", "2015-03-06T14:33:57Z"),
            ("1425652437.5", "2015-03-06T14:33:57.5Z"),
            ("1.425652437e9", "2015-03-06T14:33:57Z"),
            ("2015-03-06T14:33:57", "2015-03-06T14:33:57Z"),
            ("2015-03-06T15:33:57+01:00", "2015-03-06T14:33:57Z"),
            ("2015-03-06T14:33:57.123Z", "2015-03-06T14:33:57.123Z"),
            ("2015-03-06 14:33", "2015-03-06T14:33:00Z"),
            ("2015-03-06T14", "2015-03-06T14:00:00Z"),
            ("2015-03-06", "2015-03-06T00:00:00Z"),
            ("2015-03", "2015-03-01T00:00:00Z"),
            ("now", "2026-11-22T10:00:00Z"),
            ("-1 day", "2026-11-21T10:00:00Z"),
            ("- 1h30m", "2026-11-22T08:30:00Z"),
            ("5 minutes", "2026-11-22T10:05:00Z"),
        ] {
            assert_eq!(instant(text, now).map(|at| at.to_string()).as_deref(), Some(expected), "{text}");
        }
        for wrong in
            ["", "-", "notadate", "-5", "1969-12-31T23:59:59Z", "nan", "inf", "é", "-1 é", "99999999999999"]
        {
            assert_eq!(instant(wrong, now), None, "{wrong}");
        }
    }

    #[test]
    fn lengths_are_read_as_gnocchi_reads_them() {
        for (text, seconds) in [
            ("300", 300.0),
            ("300.0", 300.0),
            ("0.5", 0.5),
            ("1 second", 1.0),
            ("2s", 2.0),
            ("5 minutes", 300.0),
            ("1h30m", 5_400.0),
            ("1 hour, 30 minutes", 5_400.0),
            ("1:00:00", 3_600.0),
            ("1 day", 86_400.0),
            ("2 weeks", 1_209_600.0),
        ] {
            assert_eq!(length(text).map(Granularity::seconds), Some(seconds), "{text}");
        }
        for wrong in ["", "0", "-1", "foobar", "nan", "1 é", "minutes", "1 parsec"] {
            assert_eq!(length(wrong), None, "{wrong}");
        }
    }
}
