//! Points in time as people write them.

use crate::model::{Granularity, Timestamp};

/// What is taken, for messages.
const FORMS: &str = "write RFC 3339 (2026-11-22T10:00:00Z) or a date, seconds since 1970, now, or a length before or after now (-1h, +5m)";

/// Reads a point in time: RFC 3339 or its date alone, seconds since 1970, `now`, or a length before or after `now` (`-1h`, `+5m`).
///
/// # Errors
/// What to write instead.
pub fn parse(text: &str, now: Timestamp) -> Result<Timestamp, String> {
    let text = text.trim();
    if text == "now" {
        return Ok(now);
    }
    let shifted = |length: &str, sign: i64| {
        let length: Granularity = length.parse().ok()?;
        now.ns().checked_add(sign * length.ns()).map(Timestamp::from_ns)
    };
    let read = match text.as_bytes().first() {
        Some(b'-') => shifted(&text[1..], -1),
        Some(b'+') => shifted(&text[1..], 1),
        _ => Timestamp::parse_epoch(text.as_bytes())
            .or_else(|_| Timestamp::parse(text.as_bytes()))
            .or_else(|_| Timestamp::parse(format!("{text}T00:00").as_bytes()))
            .ok(),
    };
    read.ok_or_else(|| format!("\"{text}\" is no point in time: {FORMS}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_absolute_or_counted_from_now() {
        let now = Timestamp::parse(b"2026-11-22T10:00:00Z").unwrap();
        let read = |text: &str| parse(text, now).unwrap().to_string();
        assert_eq!(read("now"), "2026-11-22T10:00:00Z");
        assert_eq!(read("-1h30m"), "2026-11-22T08:30:00Z");
        assert_eq!(read("-90"), "2026-11-22T09:58:30Z");
        assert_eq!(read("+5m"), "2026-11-22T10:05:00Z");
        assert_eq!(read("1795341600.25"), "2026-11-22T10:00:00.25Z");
        assert_eq!(read("2026-11-22 11:00:00+01:00"), "2026-11-22T10:00:00Z");
        assert_eq!(read("2026-11-22"), "2026-11-22T00:00:00Z");
        for wrong in ["", "-", "yesterday", "-1x", "2026-13-01", "- 1h é"] {
            assert!(parse(wrong, now).is_err(), "{wrong}");
        }
    }
}
