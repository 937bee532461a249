//! The axes of a chart: marks at round times and round values, and how they are called.

use std::ops::Range;

use chrono::{DateTime, Datelike, Months, NaiveDate};
use plotters::coord::ranged1d::{KeyPointHint, NoDefaultFormatting, Ranged, ValueFormatter};

use crate::model::{NS_PER_SECOND, Timestamp};

/// Steps between marks of time, in nanoseconds: those that a clock or a calendar of days shows as round.
const STEPS_NS: [i64; 28] = {
    const S: i64 = NS_PER_SECOND;
    [
        S / 1_000_000_000,
        S / 1_000_000,
        S / 1_000,
        S / 100,
        S / 10,
        S / 2,
        S,
        2 * S,
        5 * S,
        10 * S,
        15 * S,
        30 * S,
        60 * S,
        2 * 60 * S,
        5 * 60 * S,
        10 * 60 * S,
        15 * 60 * S,
        30 * 60 * S,
        3_600 * S,
        2 * 3_600 * S,
        3 * 3_600 * S,
        6 * 3_600 * S,
        12 * 3_600 * S,
        DAY_NS,
        2 * DAY_NS,
        5 * DAY_NS,
        7 * DAY_NS,
        14 * DAY_NS,
    ]
};
const DAY_NS: i64 = 86_400 * NS_PER_SECOND;
/// Steps between marks of longer times, in months.
const STEPS_MONTHS: [u32; 8] = [1, 3, 6, 12, 24, 60, 120, 600];

/// One axis: from where to where, and its marks.
#[derive(Clone, Debug)]
pub(super) struct Axis {
    range: Range<f64>,
    marks: Vec<(f64, String)>,
}

impl Axis {
    /// An axis of time; places on it are seconds since `first`.
    ///
    /// - `first`, `last`: ascending
    pub(super) fn of_time(first: Timestamp, last: Timestamp, marks_max: usize) -> Axis {
        let range = 0.0..seconds_between(first, last);
        let length = last.ns().saturating_sub(first.ns());
        let fits = |step: &i64| length / step < marks_max as i64;
        let marks = match STEPS_NS.into_iter().find(fits) {
            Some(step) => marks_of_clock(first, last, step),
            None => marks_of_months(first, last, marks_max),
        };
        let placed = marks.into_iter().map(|(at, label)| (seconds_between(first, at), label));
        Axis { range, marks: placed.collect() }
    }

    /// An axis of values; it reaches a little beyond them, and to zero where that is not far.
    ///
    /// - `low`, `high`: finite, ascending
    pub(super) fn of_values(low: f64, high: f64, marks_max: usize) -> Axis {
        let (low, high) = widened(low, high);
        let step = round_step((high - low) / marks_max as f64);
        let from = (low / step).ceil() as i64;
        let to = (high / step).floor() as i64;
        let (unit, suffix) = scale(low.abs().max(high.abs()));
        // As many digits as tell neighbours apart.
        let digits = (-(step / unit).log10().floor()).clamp(0.0, 12.0) as usize;
        let label = |value: f64| match value {
            0.0 if !suffix.is_empty() => "0".to_owned(),
            _ => format!("{:.digits$}{suffix}", value / unit + 0.0),
        };
        let marks = (from..=to).map(|mark| mark as f64 * step).map(|value| (value, label(value)));
        Axis { range: low..high, marks: marks.collect() }
    }

    /// What the longest name of a mark has of characters.
    pub(super) fn label_characters_max(&self) -> usize {
        self.marks.iter().map(|(_, label)| label.chars().count()).max().unwrap_or(0)
    }

    pub(super) fn marks_count(&self) -> usize {
        self.marks.len()
    }
}

impl Ranged for Axis {
    type FormatOption = NoDefaultFormatting;
    type ValueType = f64;

    fn map(&self, value: &f64, limit: (i32, i32)) -> i32 {
        let part = (value - self.range.start) / (self.range.end - self.range.start);
        limit.0 + (f64::from(limit.1 - limit.0) * part).round() as i32
    }

    fn key_points<H: KeyPointHint>(&self, _: H) -> Vec<f64> {
        self.marks.iter().map(|(at, _)| *at).collect()
    }

    fn range(&self) -> Range<f64> {
        self.range.clone()
    }
}

impl ValueFormatter<f64> for Axis {
    fn format_ext(&self, value: &f64) -> String {
        let mark = self.marks.iter().find(|(at, _)| at == value);
        mark.map(|(_, label)| label.clone()).unwrap_or_default()
    }
}

/// The length of time between two moments, as far as a drawing needs it.
pub(super) fn seconds_between(first: Timestamp, at: Timestamp) -> f64 {
    at.ns().saturating_sub(first.ns()) as f64 / NS_PER_SECOND as f64
}

fn marks_of_clock(first: Timestamp, last: Timestamp, step: i64) -> Vec<(Timestamp, String)> {
    let mut marks = Vec::new();
    let mut at = first.ns().div_euclid(step) * step;
    while at <= last.ns() {
        if at >= first.ns() {
            marks.push((Timestamp::from_ns(at), clock_label(at, step)));
        }
        let Some(next) = at.checked_add(step) else { break };
        at = next;
    }
    marks
}

/// The day at midnight, else the time of day, no finer than the step.
fn clock_label(at: i64, step: i64) -> String {
    let text = Timestamp::from_ns(at).to_string();
    if at % DAY_NS == 0 {
        return text[..10].to_owned();
    }
    let time = text[11..].trim_end_matches('Z');
    if step % (60 * NS_PER_SECOND) == 0 { time[..5].to_owned() } else { time.to_owned() }
}

fn marks_of_months(first: Timestamp, last: Timestamp, marks_max: usize) -> Vec<(Timestamp, String)> {
    let date = |at: Timestamp| DateTime::from_timestamp_nanos(at.ns()).date_naive();
    let months = |date: NaiveDate| date.year() * 12 + date.month0() as i32;
    let (begin, end) = (months(date(first)), months(date(last)));
    let count = (end - begin).max(0) as usize;
    let step = STEPS_MONTHS.into_iter().find(|step| count / (*step as usize) < marks_max).unwrap_or(600);
    let begin = begin - begin.rem_euclid(step as i32);
    let mut at = NaiveDate::from_ymd_opt(begin.div_euclid(12), begin.rem_euclid(12) as u32 + 1, 1);
    let mut marks = Vec::new();
    while let Some(day) = at {
        let moment = day.and_hms_opt(0, 0, 0).and_then(|time| time.and_utc().timestamp_nanos_opt());
        match moment.map(Timestamp::from_ns) {
            Some(moment) if moment > last => break,
            Some(moment) if moment >= first => marks.push((moment, day.format("%Y-%m").to_string())),
            _ => {}
        }
        at = day.checked_add_months(Months::new(step));
    }
    marks
}

/// A little more than the values take, so that no curve lies on the frame; from zero where they begin near it.
fn widened(low: f64, high: f64) -> (f64, f64) {
    let near_zero = low >= 0.0 && low <= high / 2.0;
    let margin = match high - low {
        // A flat line stands in the middle.
        0.0 => {
            if low == 0.0 {
                1.0
            } else {
                low.abs() / 10.0
            }
        }
        length if length.is_finite() => length / 20.0,
        _ => return (-f64::MAX / 4.0, f64::MAX / 4.0),
    };
    (if near_zero && high > 0.0 { 0.0 } else { low - margin }, high + margin)
}

/// The next of 1, 2 and 5 times a power of ten.
fn round_step(least: f64) -> f64 {
    let power = 10f64.powf(least.log10().floor());
    let step = [1.0, 2.0, 5.0].into_iter().map(|of| of * power).find(|step| *step >= least);
    step.unwrap_or(10.0 * power)
}

/// A thousand of thousands, for numbers that have more digits than anyone reads.
fn scale(largest: f64) -> (f64, &'static str) {
    let scales = [(1e15, " P"), (1e12, " T"), (1e9, " G"), (1e6, " M"), (1e4, " k")];
    let found = scales.into_iter().find(|(from, _)| largest >= *from && largest < 1e18);
    found.map_or((1.0, ""), |(from, suffix)| (if from == 1e4 { 1e3 } else { from }, suffix))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time(text: &str) -> Timestamp {
        Timestamp::parse(text.as_bytes()).unwrap()
    }

    fn labels(axis: &Axis) -> Vec<&str> {
        axis.marks.iter().map(|(_, label)| &label[..]).collect()
    }

    #[test]
    fn marks_of_time_are_round_and_the_day_is_named_at_midnight() {
        let of = |first, last| Axis::of_time(time(first), time(last), 5);
        let hours = of("2026-11-22T19:10:00Z", "2026-11-23T06:00:00Z");
        assert_eq!(labels(&hours), ["21:00", "2026-11-23", "03:00", "06:00"]);
        assert_eq!(hours.marks[0].0, 6600.0);
        let seconds = of("2026-11-22T10:00:01Z", "2026-11-22T10:00:12Z");
        assert_eq!(labels(&seconds), ["10:00:05", "10:00:10"]);
        let parts = of("2026-11-22T10:00:01Z", "2026-11-22T10:00:01.4Z");
        assert_eq!(labels(&parts), ["10:00:01", "10:00:01.1", "10:00:01.2", "10:00:01.3", "10:00:01.4"]);
        let months = of("2026-01-15T00:00:00Z", "2026-12-31T00:00:00Z");
        assert_eq!(labels(&months), ["2026-04", "2026-07", "2026-10"]);
        let years = of("1990-01-01T00:00:00Z", "2026-12-31T00:00:00Z");
        assert_eq!(labels(&years), ["1990-01", "2000-01", "2010-01", "2020-01"]);
        assert_eq!(labels(&of("2026-11-22T10:00:00Z", "2026-11-22T10:00:00Z")), ["10:00:00"]);
    }

    #[test]
    fn marks_of_values_are_round_and_told_apart() {
        let of = |low, high| Axis::of_values(low, high, 5);
        assert_eq!(labels(&of(0.0, 100.0)), ["0", "50", "100"]);
        assert_eq!(labels(&of(3.0, 9.0)), ["0", "2", "4", "6", "8"]);
        assert_eq!(labels(&of(0.0, 4e6)), ["0", "1 M", "2 M", "3 M", "4 M"]);
        assert_eq!(labels(&of(-1.0, 1.0)), ["-1.0", "-0.5", "0.0", "0.5", "1.0"]);
        assert_eq!(
            labels(&of(1.700_01e10, 1.700_03e10)),
            ["17.00010 G", "17.00015 G", "17.00020 G", "17.00025 G", "17.00030 G"]
        );
        assert_eq!(labels(&of(5.0, 5.0)), ["4.6", "4.8", "5.0", "5.2", "5.4"]);
    }

    #[test]
    fn no_values_are_too_large_or_too_small_for_an_axis() {
        for (low, high) in [
            (-f64::MAX, f64::MAX),
            (0.0, f64::MAX),
            (0.0, f64::MIN_POSITIVE),
            (-1e300, -1e300),
            (1e15, 1e15 + 1.0),
        ] {
            let axis = Axis::of_values(low, high, 8);
            assert!(axis.range.start < axis.range.end && axis.marks.len() < 20, "{low} {high} {axis:?}");
        }
        let axis = Axis::of_time(Timestamp::MIN, Timestamp::MAX, 8);
        assert!(!axis.marks.is_empty() && axis.marks.len() < 20, "{axis:?}");
    }
}
