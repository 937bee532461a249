//! A granularity: the length of the spans that points are grouped in.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

use super::{NS_PER_SECOND, Timestamp};

/// A positive length of time, in whole nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Granularity(i64);

/// A text that is no granularity.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("\"{0}\" is no length of time: write seconds (300, 0.5), a unit (5m, 1h30m, 2d) or H:MM:SS")]
pub struct BadGranularity(pub String);

impl Granularity {
    /// `ns` nanoseconds; none when that is not positive.
    pub fn from_ns(ns: i64) -> Option<Granularity> {
        (ns > 0).then_some(Granularity(ns))
    }

    /// `seconds` whole seconds; none when that is not positive or over 292 years.
    pub fn from_seconds(seconds: i64) -> Option<Granularity> {
        Granularity::from_ns(seconds.checked_mul(NS_PER_SECOND)?)
    }

    /// The length in nanoseconds; positive.
    pub fn ns(self) -> i64 {
        self.0
    }

    /// The length in seconds; whole seconds up to 2^53 are exact.
    pub fn seconds(self) -> f64 {
        let whole = (self.0 / NS_PER_SECOND) as f64;
        whole + (self.0 % NS_PER_SECOND) as f64 / NS_PER_SECOND as f64
    }

    /// The span that `at` falls in; spans are counted from 1970-01-01T00:00:00Z (Gnocchi 4.7.1).
    ///
    /// None when the span reaches over an end of the time that is read ([`Timestamp::MIN`], [`Timestamp::MAX`]).
    #[inline]
    pub fn span(self, at: Timestamp) -> Option<Span> {
        let start = Timestamp::from_ns(at.ns().checked_sub(at.ns().rem_euclid(self.0))?);
        let stop = Timestamp::from_ns(start.ns().checked_add(self.0)?);
        (start >= Timestamp::MIN && stop <= Timestamp::MAX).then_some(Span { start, stop })
    }
}

/// From `start` (inclusive) to `stop` (exclusive).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    /// The first nanosecond in the span.
    pub start: Timestamp,
    /// The first nanosecond after the span.
    pub stop: Timestamp,
}

/// Seconds as a JSON number writes them: `60`, `0.5`.
impl fmt::Display for Granularity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, fraction) = (self.0 / NS_PER_SECOND, self.0 % NS_PER_SECOND);
        if fraction == 0 {
            return write!(f, "{whole}");
        }
        write!(f, "{whole}.{}", format!("{fraction:09}").trim_end_matches('0'))
    }
}

impl FromStr for Granularity {
    type Err = BadGranularity;

    fn from_str(text: &str) -> Result<Self, BadGranularity> {
        let ns = if text.contains(':') { clock_form(text) } else { unit_form(text) };
        ns.and_then(Granularity::from_ns).ok_or_else(|| BadGranularity(text.to_owned()))
    }
}

/// `H:MM:SS` or `D days, H:MM:SS`'s last part, as Python prints a timedelta.
fn clock_form(text: &str) -> Option<i64> {
    let mut parts = text.split(':');
    let (hours, minutes, seconds) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() || minutes.len() != 2 || seconds.split('.').next()?.len() != 2 {
        return None;
    }
    let (hours_ns, minutes_ns) = (scaled(hours, 3600 * NS_PER_SECOND)?, scaled(minutes, 60 * NS_PER_SECOND)?);
    if hours.contains('.') || minutes_ns >= 3600 * NS_PER_SECOND {
        return None;
    }
    let seconds_ns = scaled(seconds, NS_PER_SECOND)?;
    if minutes.contains('.') || seconds_ns >= 60 * NS_PER_SECOND {
        return None;
    }
    hours_ns.checked_add(minutes_ns)?.checked_add(seconds_ns)
}

/// `300`, `0.5`, `5m`, `1h30m`, `5 minutes`: the units of pandas, which Gnocchi 4.7.1 reads with.
fn unit_form(text: &str) -> Option<i64> {
    let (mut rest, mut total) = (text.trim(), 0i64);
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let number_len = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let (number, tail) = rest.split_at(number_len);
        let unit_len = tail.find(|c: char| c.is_ascii_digit()).unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(unit_len);
        let unit_ns = match unit.trim() {
            "ns" | "nanosecond" | "nanoseconds" => 1,
            "us" | "µs" | "microsecond" | "microseconds" => 1_000,
            "ms" | "millisecond" | "milliseconds" => 1_000_000,
            "" | "s" | "sec" | "second" | "seconds" => NS_PER_SECOND,
            "m" | "min" | "minute" | "minutes" => 60 * NS_PER_SECOND,
            "h" | "hour" | "hours" => 3_600 * NS_PER_SECOND,
            "d" | "day" | "days" => 86_400 * NS_PER_SECOND,
            "w" | "week" | "weeks" => 7 * 86_400 * NS_PER_SECOND,
            _ => return None,
        };
        total = total.checked_add(scaled(number, unit_ns)?)?;
        rest = tail;
    }
    Some(total)
}

/// The decimal `number` times `unit_ns`, exactly; none where a fraction of a nanosecond would be left.
fn scaled(number: &str, unit_ns: i64) -> Option<i64> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if whole.is_empty() && fraction.is_empty() || number.ends_with('.') || number.starts_with('+') {
        return None;
    }
    let whole_ns = if whole.is_empty() { 0 } else { whole.parse::<i64>().ok()?.checked_mul(unit_ns)? };
    let fraction = fraction.trim_end_matches('0');
    if fraction.is_empty() {
        return Some(whole_ns);
    }
    let ten_power = 10i128.checked_pow(u32::try_from(fraction.len()).ok()?)?;
    let part = fraction.parse::<i128>().ok()?.checked_mul(i128::from(unit_ns))?;
    if part % ten_power != 0 {
        return None;
    }
    whole_ns.checked_add(i64::try_from(part / ten_power).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ns(text: &str) -> Option<i64> {
        text.parse().ok().map(Granularity::ns)
    }

    #[test]
    fn seconds_units_and_clock_forms_mean_the_same() {
        for text in ["300", "5m", "0:05:00", "300s", "5min", "0.5m4m30s", "300.000"] {
            assert_eq!(ns(text), Some(300_000_000_000), "{text}");
        }
        assert_eq!(ns("1h30m"), Some(5_400_000_000_000));
        assert_eq!(ns("0.5"), Some(500_000_000));
        assert_eq!(ns("250ms"), Some(250_000_000));
        assert_eq!(ns("1:00:00.5"), Some(3_600_500_000_000));
    }

    #[test]
    fn nothing_else_is_a_granularity() {
        for text in [
            "",
            "0",
            "-5",
            "5x",
            "m",
            "1:2:3",
            "0:60:00",
            "0:00:60",
            "1.",
            "5 minutes ago",
            "0.5ns",
            "1e3",
            "999999999999999",
        ] {
            assert_eq!(ns(text), None, "{text}");
        }
    }

    #[test]
    fn a_span_starts_at_a_multiple_since_1970_on_both_sides_of_it() {
        let minute = Granularity::from_seconds(60).unwrap();
        let span = minute.span(Timestamp::from_ns(61 * NS_PER_SECOND)).unwrap();
        assert_eq!((span.start.ns(), span.stop.ns()), (60 * NS_PER_SECOND, 120 * NS_PER_SECOND));
        assert_eq!(minute.span(Timestamp::from_ns(-1)).unwrap().start.ns(), -60 * NS_PER_SECOND);
        assert_eq!(minute.span(Timestamp::from_ns(i64::MAX)), None);
        assert_eq!(minute.span(Timestamp::from_ns(i64::MIN)), None);
    }
}
