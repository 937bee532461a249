//! What a series is resampled to: spans of one length, or the spans of the calendar.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Datelike, Months, NaiveDate, TimeDelta};

use crate::model::{BadGranularity, Granularity, Timestamp};

/// The spans of a resampled series.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Step {
    /// All of one length, counted from 1970.
    Span(Granularity),
    /// Of the Gregorian calendar in UTC.
    Calendar(Calendar),
}

/// A span of the calendar, named by a letter in Gnocchi.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Calendar {
    /// `Y`: from 1 January.
    Year,
    /// `H`: from 1 January and 1 July.
    HalfYear,
    /// `Q`: from 1 January, 1 April, 1 July and 1 October.
    Quarter,
    /// `M`: from the first of each month.
    Month,
    /// `W`: from Sunday.
    Week,
}

impl Step {
    /// Start and end, in nanoseconds, of the span that `at_ns` falls in; they end where time does.
    pub(super) fn span(self, at_ns: i64) -> (i64, i64) {
        match self {
            Step::Span(granularity) => {
                let start = at_ns.saturating_sub(at_ns.rem_euclid(granularity.ns()));
                (start, start.saturating_add(granularity.ns()))
            }
            Step::Calendar(calendar) => {
                let day = DateTime::from_timestamp_nanos(at_ns).date_naive();
                let start = calendar.start(day);
                (start.map_or(i64::MIN, |day| ns(day).unwrap_or(i64::MIN)), {
                    let stop = start.and_then(|day| calendar.next(day));
                    stop.and_then(ns).unwrap_or(i64::MAX)
                })
            }
        }
    }

    /// The start of the span that `at` falls in.
    pub fn start(self, at: Timestamp) -> Timestamp {
        Timestamp::from_ns(self.span(at.ns()).0)
    }
}

impl Calendar {
    /// The first day of the span of `day`.
    fn start(self, day: NaiveDate) -> Option<NaiveDate> {
        match self.months() {
            Some(months) => NaiveDate::from_ymd_opt(day.year(), day.month0() / months * months + 1, 1),
            None => day.checked_sub_signed(TimeDelta::days(day.weekday().num_days_from_sunday().into())),
        }
    }

    /// The first day of the span after the one that begins with `start`.
    fn next(self, start: NaiveDate) -> Option<NaiveDate> {
        match self.months() {
            Some(months) => start.checked_add_months(Months::new(months)),
            None => start.checked_add_signed(TimeDelta::days(7)),
        }
    }

    fn months(self) -> Option<u32> {
        match self {
            Calendar::Year => Some(12),
            Calendar::HalfYear => Some(6),
            Calendar::Quarter => Some(3),
            Calendar::Month => Some(1),
            Calendar::Week => None,
        }
    }
}

fn ns(day: NaiveDate) -> Option<i64> {
    day.and_hms_opt(0, 0, 0)?.and_utc().timestamp_nanos_opt()
}

/// `Y`, `H`, `Q`, `M`, `W`, or a length of time.
impl FromStr for Step {
    type Err = BadGranularity;

    fn from_str(text: &str) -> Result<Self, BadGranularity> {
        Ok(Step::Calendar(match text {
            "Y" => Calendar::Year,
            "H" => Calendar::HalfYear,
            "Q" => Calendar::Quarter,
            "M" => Calendar::Month,
            "W" => Calendar::Week,
            _ => return text.parse().map(Step::Span),
        }))
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let letter = match self {
            Step::Span(granularity) => return granularity.fmt(f),
            Step::Calendar(Calendar::Year) => "Y",
            Step::Calendar(Calendar::HalfYear) => "H",
            Step::Calendar(Calendar::Quarter) => "Q",
            Step::Calendar(Calendar::Month) => "M",
            Step::Calendar(Calendar::Week) => "W",
        };
        f.write_str(letter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_of_the_calendar_start_where_gnocchis_do() {
        // Gnocchi 4.7.1's gnocchi.calendar, asked for 2015-12-03T13:22:15 (a Thursday) and 1969-12-30.
        let cases = [
            ("Y", "2015-01-01T00:00:00Z", "1969-01-01T00:00:00Z"),
            ("H", "2015-07-01T00:00:00Z", "1969-07-01T00:00:00Z"),
            ("Q", "2015-10-01T00:00:00Z", "1969-10-01T00:00:00Z"),
            ("M", "2015-12-01T00:00:00Z", "1969-12-01T00:00:00Z"),
            ("W", "2015-11-29T00:00:00Z", "1969-12-28T00:00:00Z"),
            ("3600", "2015-12-03T13:00:00Z", "1969-12-30T00:00:00Z"),
        ];
        for (word, later, before) in cases {
            let step: Step = word.parse().unwrap();
            assert_eq!(step.to_string(), word);
            let start = |text: &[u8]| step.start(Timestamp::parse(text).unwrap()).to_string();
            assert_eq!(start(b"2015-12-03T13:22:15Z"), later, "{word}");
            assert_eq!(start(b"1969-12-30T00:00:00Z"), before, "{word}");
        }
        assert!("D".parse::<Step>().is_err());
    }

    #[test]
    fn span_follows_span() {
        for word in ["Y", "H", "Q", "M", "W"] {
            let step: Step = word.parse().unwrap();
            let (_, stop) = step.span(0);
            assert_eq!(step.span(stop).0, stop, "{word}");
            assert_eq!(step.span(stop - 1), step.span(0), "{word}");
            assert_eq!(step.span(i64::MAX).1, i64::MAX);
            assert_eq!(step.span(i64::MIN).0, i64::MIN);
        }
    }
}
