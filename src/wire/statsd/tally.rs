//! What an interval brought, under the names that Gnocchi's statsd gives its metrics: `NAME|TYPE`.
//!
//! | type | at the end of an interval |
//! |---|---|
//! | `c` | the sum, each value divided by its rate |
//! | `g` | the last value; a signed value changes the one before |
//! | `ms`, `h` | every value, a nanosecond apart: an archive policy makes of them what it keeps (Gnocchi 4.7.1 keeps the last) |
//! | `s` | how many different members came |
//!
//! Tags are part of the name, sorted: `NAME@TAG=VALUE,TAG=VALUE|TYPE`. A record is a line of its own form, which [`Tallied`]
//! reads: `NANOSECONDS VALUE VALUE…`, a tab, and the name.

use std::fmt::Write as _;
use std::time::Duration;

use super::gather::Gatherer;
use super::line::{BadLine, Kind, Value, read_lines, read_number, shown};
use super::series::SeriesName;
use crate::model::Timestamp;
use crate::wire::{Decoder, Faults};

/// Values of timers that one interval may hold: 100,000 a second for 10 s, some 20 MB as lines.
const VALUES_MAX: usize = 1_000_000;

/// Reads statsd, and gathers it.
pub struct Tally {
    interval: Duration,
    gatherer: Gatherer,
}

/// One metric's values of an interval.
#[derive(Clone, Debug, PartialEq)]
pub struct Tallied<'a> {
    /// The metric's name.
    pub name: &'a str,
    /// Times, ascending, and values.
    pub points: Vec<(Timestamp, f64)>,
}

impl Tally {
    /// A reader that has gathered nothing.
    pub fn new(interval: Duration) -> Tally {
        let gatherer = Gatherer::new(&[], "", interval.as_secs_f64()).with_values_max(VALUES_MAX);
        Tally { interval, gatherer }
    }

    fn take(&mut self, value: &Value<'_>, lines: &mut Vec<u8>) -> Result<(), BadLine> {
        // DogStatsD 1.3: what has its own time was gathered by its sender.
        let own_time = value.timestamp.filter(|_| matches!(value.kind, Kind::Counter | Kind::Gauge));
        let Some(text) = own_time else { return self.gatherer.take(value) };
        let at = Timestamp::parse_epoch(text).map_err(|_| BadLine::BadTimestamp(shown(text)))?;
        if value.kind == Kind::Gauge {
            let (name, now) = self.gatherer.gauge(value)?;
            write(name, value.kind, at, &[now], lines);
        } else {
            let number =
                read_number(value.text).ok_or_else(|| BadLine::BadNumber(shown(value.text)))? / value.rate;
            write(&SeriesName::read(value, "")?, value.kind, at, &[number], lines);
        }
        Ok(())
    }
}

impl Decoder for Tally {
    fn decode(&mut self, message: &[u8], _at: Timestamp, lines: &mut Vec<u8>, faults: &mut dyn Faults) {
        read_lines(message, faults, |value, faults| {
            if let Err(error) = value.and_then(|value| self.take(&value, lines)) {
                faults.fault(error.reason(), &error);
            }
        });
    }

    fn period(&self) -> Option<Duration> {
        Some(self.interval)
    }

    fn flush(&mut self, at: Timestamp, lines: &mut Vec<u8>) {
        self.gatherer.each(|name, kind, values| write(name, kind, at, values, lines));
    }
}

fn write(name: &SeriesName, kind: Kind, at: Timestamp, values: &[f64], lines: &mut Vec<u8>) {
    let mut text = at.ns().to_string();
    for value in values {
        let _ = write!(text, " {value}");
    }
    text.push('\t');
    text.push_str(&name.name);
    for (at, (key, value)) in name.tags().iter().enumerate() {
        let between = if at == 0 { '@' } else { ',' };
        let _ = write!(text, "{between}{key}={value}");
    }
    text.push_str(match kind {
        Kind::Counter => "|c",
        Kind::Gauge => "|g",
        Kind::Timer => "|ms",
        Kind::Histogram => "|h",
        Kind::Set => "|s",
    });
    lines.extend_from_slice(text.as_bytes());
    lines.push(b'\n');
}

impl<'a> Tallied<'a> {
    /// Reads a line, without its line feed, that [`Tally`] has written; none for any other.
    pub fn read(line: &'a str) -> Option<Tallied<'a>> {
        let (values, name) = line.split_once('\t')?;
        let (at, values) = values.split_once(' ')?;
        let at: i64 = at.parse().ok()?;
        let points = values
            .split(' ')
            .zip(0..)
            .map(|(value, after)| Some((Timestamp::from_ns(at.checked_add(after)?), value.parse().ok()?)));
        Some(Tallied { name, points: points.collect::<Option<_>>()? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::testing::{ARRIVAL, Told};

    fn tallied(text: &str) -> (Vec<String>, Vec<String>) {
        let (mut tally, mut lines, mut told) =
            (Tally::new(Duration::from_secs(10)), Vec::new(), Told::default());
        tally.decode(text.as_bytes(), ARRIVAL, &mut lines, &mut told);
        tally.flush(ARRIVAL, &mut lines);
        let lines = String::from_utf8(lines).unwrap();
        let shown = lines.lines().map(|line| {
            let Tallied { name, points } = Tallied::read(line).unwrap();
            let points: Vec<String> = points
                .iter()
                .map(|(at, value)| match at.ns() - ARRIVAL.ns() {
                    after @ 0..10 => format!("{value}+{after}"),
                    _ => format!("{value} at {at}"),
                })
                .collect();
            format!("{name}: {}", points.join(" "))
        });
        (shown.collect(), told.0)
    }

    #[test]
    fn an_interval_is_told_under_the_names_of_gnocchi() {
        let text = "hits:1:2|c\nhits:1|c|@0.5\nhits:3|ms:1|ms\nt:5|g\nt:-2|g\nu:a|s\nu:b|s\nu:a|s\nh:7|h";
        let (shown, told) = tallied(text);
        assert_eq!(shown, ["h|h: 7+0", "hits|c: 5+0", "hits|ms: 3+0 1+1", "t|g: 3+0", "u|s: 2+0"]);
        assert!(told.is_empty(), "{told:?}");
    }

    #[test]
    fn tags_are_part_of_the_name_and_a_time_of_its_own_is_kept() {
        let (shown, _) = tallied("a:1|c|#z:1,host:x/y,resource_id:r\na:4|g|T100");
        assert_eq!(shown, ["a|g: 4 at 1970-01-01T00:01:40Z", "a@host=x/y,resource_id=r,z=1|c: 1+0"]);
    }

    #[test]
    fn a_bad_line_costs_no_other() {
        let (shown, told) = tallied("x\na:1|c\nb:1|q\n_e{1,1}:a|b");
        assert_eq!((shown, told.len()), (vec!["a|c: 1+0".to_owned()], 3));
    }
}
