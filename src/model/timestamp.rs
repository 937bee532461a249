//! A point in time, and how it is read and written.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use thiserror::Error;

/// Nanoseconds in a second.
pub const NS_PER_SECOND: i64 = 1_000_000_000;
const SECONDS_PER_DAY: i64 = 86_400;

/// Nanoseconds since 1970-01-01T00:00:00Z, without leap seconds: years 1677 to 2262.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp(i64);

/// A text that is no timestamp.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum BadTimestamp {
    /// Not of the form, or a field out of its range.
    #[error("not an RFC 3339 timestamp")]
    Malformed,
    /// Before 1677 or after 2262.
    #[error("timestamp outside the years 1678 to 2261")]
    OutOfRange,
}

impl Timestamp {
    /// The first time that is read: the start of 1678.
    pub const MIN: Timestamp = Timestamp(-9_214_560_000 * NS_PER_SECOND);
    /// The time after the last one that is read: the start of 2262.
    pub const MAX: Timestamp = Timestamp(9_214_646_400 * NS_PER_SECOND);

    /// The time `ns` nanoseconds after the start of 1970.
    #[inline]
    pub const fn from_ns(ns: i64) -> Timestamp {
        Timestamp(ns)
    }

    /// Nanoseconds since the start of 1970.
    #[inline]
    pub const fn ns(self) -> i64 {
        self.0
    }

    /// Reads an RFC 3339 timestamp, and the looser ISO 8601 forms that OpenStack services write.
    ///
    /// `2026-11-22T10:00:00.123456+00:00`; the `T` may be a space, the seconds, the fraction and the zone may be
    /// absent (no zone is UTC), a zone may be `Z`, `+HH:MM`, `+HHMM` or `+HH`. Digits of the fraction after the
    /// ninth are cut. Second 60 is the first of the next minute.
    ///
    /// # Errors
    /// [`BadTimestamp`] says whether the form or the range was wrong.
    pub fn parse(text: &[u8]) -> Result<Timestamp, BadTimestamp> {
        let minute = minute_ns(text)?;
        in_minute(minute, text.get(16..).unwrap_or_default())?.in_range()
    }

    /// Reads the start of a day in UTC, `2026-11-22`.
    ///
    /// # Errors
    /// [`BadTimestamp`] says whether the form or the range was wrong.
    pub fn parse_day(text: &[u8]) -> Result<Timestamp, BadTimestamp> {
        Timestamp::parse(&[text, b"T00:00"].concat())
    }

    /// Reads decimal seconds since 1970, `1795333328.3829374`, without rounding through a float.
    ///
    /// # Errors
    /// [`BadTimestamp`] says whether the form or the range was wrong.
    pub fn parse_epoch(text: &[u8]) -> Result<Timestamp, BadTimestamp> {
        let (negative, digits) = match text.split_first() {
            Some((b'-', rest)) => (true, rest),
            _ => (false, text),
        };
        let point = digits.iter().position(|&b| b == b'.').unwrap_or(digits.len());
        let (whole, fraction) = digits.split_at(point);
        if whole.is_empty() || !whole.iter().all(u8::is_ascii_digit) {
            return Err(BadTimestamp::Malformed);
        }
        let seconds =
            whole.iter().try_fold(0i64, |sum, &b| sum.checked_mul(10)?.checked_add(i64::from(b - b'0')));
        let (nanoseconds, rest) =
            if fraction.is_empty() { (0, fraction) } else { read_fraction(&fraction[1..])? };
        if !rest.is_empty() {
            return Err(BadTimestamp::Malformed);
        }
        let ns = seconds.and_then(|s| s.checked_mul(NS_PER_SECOND)?.checked_add(nanoseconds));
        ns.map(|ns| Timestamp(if negative { -ns } else { ns })).ok_or(BadTimestamp::OutOfRange)?.in_range()
    }

    /// Reads seconds since 1970 from a double, for numbers with an exponent; to the microsecond in our century.
    ///
    /// # Errors
    /// When it is out of range.
    pub fn from_seconds(seconds: f64) -> Result<Timestamp, BadTimestamp> {
        // The cast saturates, and the ends of i64 are out of range. Multiplied as a double, microseconds would be lost.
        Timestamp(((seconds * 1e6).round() as i64).saturating_mul(1000)).in_range()
    }

    /// This time, if it is one that is read: what is written can be read again.
    #[inline]
    fn in_range(self) -> Result<Timestamp, BadTimestamp> {
        if (Timestamp::MIN..Timestamp::MAX).contains(&self) {
            Ok(self)
        } else {
            Err(BadTimestamp::OutOfRange)
        }
    }

    /// Appends RFC 3339 in UTC with as many digits of a fraction as needed: `2026-11-22T10:00:00.5Z`.
    pub fn write(self, out: &mut Vec<u8>) {
        let seconds = self.0.div_euclid(NS_PER_SECOND);
        let (year, month, day) = civil_from_days(seconds.div_euclid(SECONDS_PER_DAY));
        let of_day = seconds.rem_euclid(SECONDS_PER_DAY);
        let two = |out: &mut Vec<u8>, value: i64| {
            out.extend([b'0' + (value / 10) as u8, b'0' + (value % 10) as u8])
        };
        two(out, year / 100);
        two(out, year % 100);
        out.push(b'-');
        two(out, month);
        out.push(b'-');
        two(out, day);
        out.push(b'T');
        two(out, of_day / 3600);
        out.push(b':');
        two(out, of_day / 60 % 60);
        out.push(b':');
        two(out, of_day % 60);
        let mut fraction = self.0.rem_euclid(NS_PER_SECOND);
        if fraction != 0 {
            out.push(b'.');
            let mut unit = NS_PER_SECOND / 10;
            while fraction != 0 {
                out.push(b'0' + (fraction / unit) as u8);
                fraction %= unit;
                unit /= 10;
            }
        }
        out.push(b'Z');
    }
}

/// Remembers the minute of the timestamp read last, because neighbours in a stream share it.
#[derive(Clone, Debug, Default)]
pub struct TimestampMemo {
    text: [u8; 16],
    minute_ns: i64,
}

impl TimestampMemo {
    /// What [`Timestamp::parse`] gives for `text`, faster when the minute repeats.
    ///
    /// # Errors
    /// As [`Timestamp::parse`].
    #[inline]
    pub fn parse(&mut self, text: &[u8]) -> Result<Timestamp, BadTimestamp> {
        if let Some((minute, rest)) = text.split_first_chunk::<16>() {
            if *minute != self.text {
                self.minute_ns = minute_ns(text)?;
                self.text = *minute;
            }
            return in_minute(self.minute_ns, rest)?.in_range();
        }
        Timestamp::parse(text)
    }
}

/// `YYYY-MM-DDTHH:MM` in nanoseconds, zone not yet applied.
fn minute_ns(text: &[u8]) -> Result<i64, BadTimestamp> {
    let malformed = BadTimestamp::Malformed;
    let head: &[u8; 16] = text.first_chunk().ok_or(malformed)?;
    let punctuation =
        head[4] == b'-' && head[7] == b'-' && matches!(head[10], b'T' | b't' | b' ') && head[13] == b':';
    let digits = |from: usize, to: usize| {
        head[from..to]
            .iter()
            .try_fold(0i64, |sum, b| b.is_ascii_digit().then(|| sum * 10 + i64::from(b - b'0')))
    };
    let fields =
        (|| Some((digits(0, 4)?, digits(5, 7)?, digits(8, 10)?, digits(11, 13)?, digits(14, 16)?)))();
    let (year, month, day, hour, minute) = fields.filter(|_| punctuation).ok_or(malformed)?;
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let month_days = match month {
        2 => 28 + i64::from(leap),
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return Err(malformed),
    };
    if day < 1 || day > month_days || hour > 23 || minute > 59 {
        return Err(malformed);
    }
    // A day is kept free at both ends so that neither zone nor seconds can overflow.
    if !(1678..=2261).contains(&year) {
        return Err(BadTimestamp::OutOfRange);
    }
    Ok((days_from_civil(year, month, day) * SECONDS_PER_DAY + hour * 3600 + minute * 60) * NS_PER_SECOND)
}

/// What follows the minute: `[:SS[.fraction]][zone]`.
#[inline]
fn in_minute(minute_ns: i64, rest: &[u8]) -> Result<Timestamp, BadTimestamp> {
    let malformed = BadTimestamp::Malformed;
    let (mut ns, mut rest) = (minute_ns, rest);
    if let [b':', a, b, tail @ ..] = rest {
        let second = if a.is_ascii_digit() && b.is_ascii_digit() { (a - b'0') * 10 + (b - b'0') } else { 99 };
        if second > 60 {
            return Err(malformed);
        }
        (ns, rest) = (ns + i64::from(second) * NS_PER_SECOND, tail);
        if let [b'.' | b',', fraction @ ..] = rest {
            let (fraction_ns, tail) = read_fraction(fraction)?;
            (ns, rest) = (ns + fraction_ns, tail);
        }
    }
    match rest {
        [] | [b'Z' | b'z'] => Ok(Timestamp(ns)),
        [sign @ (b'+' | b'-'), zone @ ..] => {
            let (h1, h2, m1, m2) = match zone {
                [h1, h2, b':', m1, m2] | [h1, h2, m1, m2] => (h1, h2, m1, m2),
                [h1, h2] => (h1, h2, &b'0', &b'0'),
                _ => return Err(malformed),
            };
            if ![h1, h2, m1, m2].iter().all(|b| b.is_ascii_digit()) {
                return Err(malformed);
            }
            let hours = i64::from(h1 - b'0') * 10 + i64::from(h2 - b'0');
            let minutes = i64::from(m1 - b'0') * 10 + i64::from(m2 - b'0');
            if hours > 23 || minutes > 59 {
                return Err(malformed);
            }
            let offset = (hours * 60 + minutes) * 60 * NS_PER_SECOND;
            Ok(Timestamp(if *sign == b'+' { ns - offset } else { ns + offset }))
        }
        _ => Err(malformed),
    }
}

/// At least one digit: nanoseconds, and what follows the digits.
#[inline]
fn read_fraction(text: &[u8]) -> Result<(i64, &[u8]), BadTimestamp> {
    let (mut ns, mut unit, mut digits) = (0i64, NS_PER_SECOND / 10, 0);
    while let Some(byte) = text.get(digits).filter(|b| b.is_ascii_digit()) {
        ns += i64::from(byte - b'0') * unit;
        unit /= 10;
        digits += 1;
    }
    if digits == 0 { Err(BadTimestamp::Malformed) } else { Ok((ns, &text[digits..])) }
}

/// Days since 1970-01-01 of a date in the Gregorian calendar.
///
/// Howard Hinnant, "chrono-compatible low-level date algorithms", `days_from_civil`.
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let shifted = if month <= 2 { year - 1 } else { year };
    let era = shifted.div_euclid(400);
    let of_era = shifted - era * 400;
    let of_year = (153 * (month + if month > 2 { -3 } else { 9 }) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// Year, month and day of a number of days since 1970-01-01: the inverse of [`days_from_civil`].
fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let of_era = shifted - era * 146_097;
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month_shifted = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month_shifted + 2) / 5 + 1;
    let month = if month_shifted < 10 { month_shifted + 3 } else { month_shifted - 9 };
    (year + era * 400 + i64::from(month <= 2), month, day)
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = Vec::with_capacity(30);
        self.write(&mut text);
        f.write_str(&String::from_utf8_lossy(&text))
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Timestamp::parse(text.as_bytes()).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::{DateTime, TimeZone, Utc};
    use proptest::prelude::*;

    fn ns(text: &str) -> Result<i64, BadTimestamp> {
        let plain = Timestamp::parse(text.as_bytes()).map(Timestamp::ns);
        let memo = TimestampMemo::default().parse(text.as_bytes()).map(Timestamp::ns);
        assert_eq!(plain, memo, "{text}");
        plain
    }

    #[test]
    fn forms_that_openstack_services_write_are_read() {
        let ten = 1_795_341_600 * NS_PER_SECOND;
        for text in [
            "2026-11-22T10:00:00+00:00",
            "2026-11-22T10:00:00Z",
            "2026-11-22t10:00:00z",
            "2026-11-22 10:00:00",
            "2026-11-22T10:00",
            "2026-11-22T10:00:00.000000",
            "2026-11-22T12:00:00+02:00",
            "2026-11-22T12:00:00+0200",
            "2026-11-22T08:00:00-02",
            "2026-11-22T09:59:60Z",
        ] {
            assert_eq!(ns(text), Ok(ten), "{text}");
        }
        assert_eq!(ns("2026-11-22T10:00:00.1234567899Z"), Ok(ten + 123_456_789));
    }

    #[test]
    fn anything_else_is_refused() {
        for text in [
            "",
            "now",
            "2026-11-22",
            "2026-02-29T00:00:00Z",
            "2026-13-01T00:00:00Z",
            "2026-11-22T24:00:00Z",
            "2026-11-22T10:60:00Z",
            "2026-11-22T10:00:61Z",
            "2026-11-22T10:00:00.Z",
            "2026-11-22T10:00:00+1",
            "2026-11-22T10:00:00+24:00",
            "2026-11-22T10:00:00Zx",
            "2026/11/22 10:00:00",
            "2026-11-22T10:00:0",
        ] {
            assert_eq!(ns(text), Err(BadTimestamp::Malformed), "{text}");
        }
        assert_eq!(ns("1600-01-01T00:00:00Z"), Err(BadTimestamp::OutOfRange));
        assert_eq!(ns("9999-12-31T23:59:59Z"), Err(BadTimestamp::OutOfRange));
        assert_eq!(ns("2261-12-31T23:59:59-23:59"), Err(BadTimestamp::OutOfRange));
        assert_eq!(ns("1678-01-01T00:00+23:59"), Err(BadTimestamp::OutOfRange));
        for (edge, text) in
            [(Timestamp::MIN, "1678-01-01T00:00:00Z"), (Timestamp::MAX, "2262-01-01T00:00:00Z")]
        {
            assert_eq!(edge.to_string(), text);
        }
    }

    #[test]
    fn decimal_seconds_are_read_to_the_nanosecond() {
        let epoch = |text: &str| Timestamp::parse_epoch(text.as_bytes()).map(Timestamp::ns);
        assert_eq!(epoch("1795333328.3829374"), Ok(1_795_333_328_382_937_400));
        assert_eq!(epoch("0"), Ok(0));
        assert_eq!(epoch("-1.5"), Ok(-1_500_000_000));
        assert_eq!(epoch("1e9"), Err(BadTimestamp::Malformed));
        assert_eq!(epoch("99999999999"), Err(BadTimestamp::OutOfRange));
        assert_eq!(Timestamp::from_seconds(1.795333328e9).map(Timestamp::ns), Ok(1_795_333_328_000_000_000));
        assert_eq!(Timestamp::from_seconds(1e300), Err(BadTimestamp::OutOfRange));
    }

    proptest! {
        #[test]
        fn what_is_written_is_what_chrono_writes_and_reads_back(ns in Timestamp::MIN.ns()..Timestamp::MAX.ns()) {
            let text = Timestamp::from_ns(ns).to_string();
            let chrono_ns = DateTime::parse_from_rfc3339(&text).unwrap().timestamp_nanos_opt();
            prop_assert_eq!(chrono_ns, Some(ns));
            prop_assert_eq!(Timestamp::parse(text.as_bytes()).map(Timestamp::ns), Ok(ns));
            let theirs = Utc.timestamp_nanos(ns).to_rfc3339();
            prop_assert_eq!(Timestamp::parse(theirs.as_bytes()).map(Timestamp::ns), Ok(ns));
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..40), tail in "[-0-9T:.Z+ ]{0,32}") {
            let _ = Timestamp::parse(&bytes);
            let _ = Timestamp::parse_epoch(&bytes);
            let _ = Timestamp::parse(tail.as_bytes());
        }
    }
}
