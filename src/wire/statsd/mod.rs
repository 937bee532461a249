//! statsd: counters, gauges, timers and sets, gathered over an interval or passed on one by one.
//!
//! | type | at the end of an interval |
//! |---|---|
//! | `c`, `m` | `NAME` (delta): the sum, each value divided by its rate; `NAME.rate` (gauge, `/s`) |
//! | `g` | `NAME` (gauge): the last value; a signed value changes the one before |
//! | `ms`, `h`, `d` | `NAME.count` (delta), `.mean`, `.min`, `.max`, `.sum`, `.std`, `.median`, `.95pct` … (gauges, `ms` or no unit) |
//! | `s` | `NAME` (gauge): how many different members came |
//!
//! What did not come in an interval is not reported in it. Tags (DogStatsD's, and those behind `;` or `,` in a name) are
//! the metadata, and part of what tells series apart. Names are cleaned as Etsy's statsd 0.10 does it: white space is
//! `_`, `/` is `-`, and only letters, digits, `_`, `-` and `.` are kept.

mod gather;
mod line;
mod series;
mod tally;

use std::time::Duration;

use self::gather::Gatherer;
use self::line::{BadLine, Kind, Value, read_lines, read_number, shown};
use self::series::SeriesName;
use super::sample::{Origin, Reading, SampleWriter, Volume};
use super::{Decoder, Faults};
use crate::model::{SampleType, Timestamp};

pub use tally::{Tallied, Tally};

/// How statsd is read.
#[derive(Clone, Debug, PartialEq)]
pub struct Options {
    /// How long values are gathered; zero makes each value a sample of its own at once.
    pub interval: Duration,
    /// The percentiles of timers, each above 0 and below 100.
    pub percentiles: Vec<f64>,
    /// The tag whose value is the resource; it stays in the metadata.
    pub resource_tag: String,
    /// Whose the samples are.
    pub origin: Origin,
}

impl Default for Options {
    /// Ten seconds, as Etsy's and Gnocchi's; 90, 95 and 99 percent; the tag `host`.
    fn default() -> Options {
        Options {
            interval: Duration::from_secs(10),
            percentiles: vec![90.0, 95.0, 99.0],
            resource_tag: "host".to_owned(),
            origin: Origin::default(),
        }
    }
}

/// Reads datagrams, or any other text, of statsd.
pub struct Statsd {
    options: Options,
    writer: SampleWriter,
    gatherer: Gatherer,
}

impl Default for Statsd {
    fn default() -> Statsd {
        Statsd::new(Options::default())
    }
}

impl Statsd {
    /// A reader that has gathered nothing.
    pub fn new(options: Options) -> Statsd {
        let writer = SampleWriter::new(&options.origin, "statsd");
        let gatherer =
            Gatherer::new(&options.percentiles, &options.resource_tag, options.interval.as_secs_f64());
        Statsd { options, writer, gatherer }
    }

    /// Takes one value; false for what is no sample by itself.
    fn take(&mut self, value: &Value<'_>, at: Timestamp, lines: &mut Vec<u8>) -> Result<bool, BadLine> {
        // DogStatsD 1.3: what has its own time was gathered by its sender.
        let own_time = value.timestamp.filter(|_| matches!(value.kind, Kind::Counter | Kind::Gauge));
        let own_time =
            own_time.map(|text| Timestamp::parse_epoch(text).map_err(|_| BadLine::BadTimestamp(shown(text))));
        let at_once = own_time.is_some() || self.options.interval.is_zero();
        if !at_once {
            self.gatherer.take(value)?;
            return Ok(true);
        }
        self.write_at_once(value, own_time.transpose()?.unwrap_or(at), lines)
    }

    /// Makes a sample of one value.
    fn write_at_once(
        &mut self,
        value: &Value<'_>,
        timestamp: Timestamp,
        lines: &mut Vec<u8>,
    ) -> Result<bool, BadLine> {
        let bad_number = || BadLine::BadNumber(shown(value.text));
        let (read_name, number);
        let (series, number, sample_type, unit) = match value.kind {
            Kind::Set => return Ok(false),
            Kind::Gauge => {
                let (series, number) = self.gatherer.gauge(value)?;
                (series, number, SampleType::Gauge, "")
            }
            kind => {
                number = read_number(value.text).ok_or_else(bad_number)?;
                read_name = SeriesName::read(value, &self.options.resource_tag)?;
                match kind {
                    Kind::Counter => (&read_name, number / value.rate, SampleType::Delta, ""),
                    Kind::Timer => (&read_name, number, SampleType::Gauge, "ms"),
                    _ => (&read_name, number, SampleType::Gauge, ""),
                }
            }
        };
        let volume = Volume::Float(number);
        let (name, owner, metadata) = (&series.name, series.owner(), &series.metadata);
        self.writer.write(
            &Reading { name, suffix: "", sample_type, unit, volume, owner, timestamp, metadata },
            lines,
        );
        Ok(true)
    }
}

impl Decoder for Statsd {
    fn decode(&mut self, message: &[u8], at: Timestamp, lines: &mut Vec<u8>, faults: &mut dyn Faults) {
        self.writer.open(message.len());
        read_lines(message, faults, |value, faults| {
            match value.and_then(|value| self.take(&value, at, lines)) {
                Ok(true) => {}
                Ok(false) => faults.skip("statsd set", 1),
                Err(error) => faults.fault(error.reason(), &error),
            }
        });
        self.writer.close(faults);
    }

    fn period(&self) -> Option<Duration> {
        Some(self.options.interval).filter(|interval| !interval.is_zero())
    }

    fn flush(&mut self, at: Timestamp, lines: &mut Vec<u8>) {
        self.gatherer.flush(at, &mut self.writer, lines);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::testing::{ARRIVAL, decode, samples, shown};

    fn gathered(statsd: &mut Statsd, text: &str) -> (Vec<String>, Vec<String>) {
        let (at_once, told) = decode(statsd, text.as_bytes());
        assert!(at_once.is_empty(), "{at_once:?}");
        let mut lines = Vec::new();
        statsd.flush(ARRIVAL, &mut lines);
        (shown(&samples(&lines)), told)
    }

    #[test]
    fn an_interval_sums_counters_and_keeps_the_last_gauge() {
        let mut statsd = Statsd::default();
        let (samples, told) =
            gathered(&mut statsd, "b:3|g\nb:-5|g\na:1|c\na:2|c|@0.5\r\nc:x|s\nc:y|s\nc:x|s\n\n");
        assert!(told.is_empty(), "{told:?}");
        assert_eq!(
            samples,
            ["a delta 5 statsd", "a.rate gauge /s 0.5 statsd", "b gauge -2 statsd", "c gauge 2 statsd"]
        );
        assert_eq!(gathered(&mut statsd, "").0, [""; 0], "what did not come is not reported");
        assert_eq!(gathered(&mut statsd, "b:+7|g").0, ["b gauge 5 statsd"], "but a gauge is remembered");
        assert_eq!(
            gathered(&mut statsd, "b:0|g\nb:-4|g").0,
            ["b gauge -4 statsd"],
            "and may be set below zero"
        );
        assert_eq!(gathered(&mut statsd, "a:1|c").0[0], "a delta 1 statsd", "a counter begins anew");
    }

    #[test]
    fn timers_become_their_statistics() {
        let options = Options { percentiles: vec![95.0, 99.5], ..Options::default() };
        let mut statsd = Statsd::new(options);
        let (samples, _) = gathered(&mut statsd, "t:1|ms\nt:2|ms\nt:4|ms|@0.5\nt:10|ms\nh:7|h");
        assert_eq!(
            samples,
            [
                "h.count delta 1 statsd",
                "h.mean gauge 7 statsd",
                "h.min gauge 7 statsd",
                "h.max gauge 7 statsd",
                "h.sum gauge 7 statsd",
                "h.std gauge 0 statsd",
                "h.median gauge 7 statsd",
                "h.95pct gauge 7 statsd",
                "h.99.5pct gauge 7 statsd",
                "t.count delta 5 statsd",
                "t.mean gauge ms 4.25 statsd",
                "t.min gauge ms 1 statsd",
                "t.max gauge ms 10 statsd",
                "t.sum gauge ms 17 statsd",
                // sqrt((3.25^2 + 2.25^2 + 0.25^2 + 5.75^2) / 4)
                "t.std gauge ms 3.491060010942235 statsd",
                "t.median gauge ms 3 statsd",
                // numpy.percentile([1, 2, 4, 10], 95); Gnocchi answers the same (9.099999999999998).
                "t.95pct gauge ms 9.099999999999998 statsd",
                "t.99.5pct gauge ms 9.91 statsd",
            ]
        );
    }

    #[test]
    fn tags_tell_series_apart_whatever_their_order_and_form() {
        let mut statsd = Statsd::default();
        let (samples, _) = gathered(
            &mut statsd,
            "a:1|c|#x:1,host:web\na:1|c|#host:web,x:1\na;x=1;host=web:1|c\na,x=1,host=web:1|c\na:9|c|#x:2,t",
        );
        assert_eq!(
            samples,
            [
                r#"a delta 4 web {"host":"web","x":"1"}"#,
                r#"a.rate gauge /s 0.4 web {"host":"web","x":"1"}"#,
                r#"a delta 9 statsd {"t":"","x":"2"}"#,
                r#"a.rate gauge /s 0.9 statsd {"t":"","x":"2"}"#,
            ]
        );
    }

    #[test]
    fn names_are_cleaned_as_etsy_cleans_them() {
        let (samples, told) = gathered(&mut Statsd::default(), "a  b/c\u{e9}!.d-e_f:1|g\n\u{e9}!:1|g");
        assert_eq!(samples, ["a_b-c.d-e_f gauge 1 statsd"]);
        assert_eq!(
            told,
            ["not readable: no statsd: the name is empty, or no character of it may stand in a name"]
        );
    }

    #[test]
    fn without_an_interval_each_value_is_a_sample() {
        let options = Options { interval: Duration::ZERO, ..Options::default() };
        let mut statsd = Statsd::new(options);
        assert_eq!(statsd.period(), None);
        let (samples, told) = decode(
            &mut statsd,
            b"a:3|c|@0.1\nb:5|g\nb:-2|g\nt:1:2|ms|#x:y\nh:9|d\ns:u|s\n_e{1,1}:a|b\n_sc|a|0",
        );
        assert_eq!(
            shown(&samples),
            [
                "a delta 30 statsd",
                "b gauge 5 statsd",
                "b gauge 3 statsd",
                r#"t gauge ms 1 statsd {"x":"y"}"#,
                r#"t gauge ms 2 statsd {"x":"y"}"#,
                "h gauge 9 statsd",
            ]
        );
        assert_eq!(told, ["statsd set ×1", "statsd event ×1", "statsd service check ×1"]);
    }

    #[test]
    fn a_value_with_its_own_time_passes_at_once() {
        let (samples, told) = decode(&mut Statsd::default(), b"a:3|c|T1656581400\na:3|g|Tnow");
        assert_eq!(shown(&samples), ["a delta 3 statsd 2022-06-30T09:30:00Z"]);
        assert_eq!(told, ["bad timestamp: \"now\" is not a time in seconds since 1970"]);
    }

    #[test]
    fn a_bad_line_costs_no_other() {
        let (samples, told) = gathered(&mut Statsd::default(), "a:1:2|c\nhello\nb:x|g\nc:1|kg\na:1|c");
        assert_eq!(samples, ["a delta 4 statsd", "a.rate gauge /s 0.4 statsd"]);
        assert_eq!(told.len(), 3, "{told:?}");
    }
}
