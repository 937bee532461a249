//! What one interval brought, by series.

use std::hash::BuildHasher;

use foldhash::fast::RandomState;
use hashbrown::{HashMap, HashSet, HashTable};

use super::line::{BadLine, Kind, Value, read_number, shown};
use super::series::SeriesName;
use crate::model::{SampleType, Timestamp};
use crate::wire::sample::{Reading, SampleWriter, Volume};

/// Series that are kept at a time: a large statsd has tens of thousands, and each of ours holds some 300 bytes.
pub(super) const SERIES_MAX: usize = 200_000;
/// Bytes of the names and tags of all series, and of the forms in which they came: what hostile names may cost.
const NAMES_BYTES_MAX: usize = 128 * 1024 * 1024;
/// Values of timers and members of sets that one interval may hold, 8 bytes each: 100,000 a second for 40 s.
pub(super) const VALUES_MAX: usize = 4_000_000;
/// Flushes after which a series that did not come again is forgotten, and a gauge's value with it: an hour of 10 s.
const IDLE_FLUSHES_MAX: u32 = 360;

/// All series, and what they hold since the last flush.
pub(super) struct Gatherer {
    percentiles: Vec<(f64, String)>,
    resource_tag: String,
    interval_seconds: f64,
    /// By what stood on the wire, type, name and tags: no cleaning for a series that came before.
    by_text: HashMap<Box<[u8]>, usize, RandomState>,
    by_name: HashTable<usize>,
    hasher: RandomState,
    series: Vec<Series>,
    /// What holds something since the last flush.
    touched: Vec<usize>,
    values: usize,
    values_max: usize,
    names_bytes: usize,
    key: Vec<u8>,
}

struct Series {
    name: SeriesName,
    kind: Kind,
    gathered: Gathered,
    touched: bool,
    idle_flushes: u32,
}

enum Gathered {
    /// The sum of values, each divided by its rate.
    Counter(f64),
    /// The value, kept from one interval to the next because signed values change it.
    Gauge(f64),
    /// The values, and how many they stand for.
    Timer { values: Vec<f64>, count: f64 },
    /// The hashes of the members: two of a million are taken for one with a probability of 3e-8.
    Set(HashSet<u64, RandomState>),
}

impl Gatherer {
    /// Gathers for intervals of `interval_seconds`; `percentiles` are percents.
    pub(super) fn new(percentiles: &[f64], resource_tag: &str, interval_seconds: f64) -> Gatherer {
        Gatherer {
            percentiles: percentiles.iter().map(|percent| (*percent, format!(".{percent}pct"))).collect(),
            resource_tag: resource_tag.to_owned(),
            interval_seconds,
            by_text: HashMap::default(),
            by_name: HashTable::new(),
            hasher: RandomState::default(),
            series: Vec::new(),
            touched: Vec::new(),
            values: 0,
            values_max: VALUES_MAX,
            names_bytes: 0,
            key: Vec::new(),
        }
    }

    /// Holds at most so many values of timers and members of sets at a time.
    pub(super) fn with_values_max(self, values_max: usize) -> Gatherer {
        Gatherer { values_max, ..self }
    }

    /// Takes one value.
    pub(super) fn take(&mut self, value: &Value<'_>) -> Result<(), BadLine> {
        let number = if value.kind == Kind::Set { 0.0 } else { number(value)? };
        let index = self.find(value)?;
        let series = &mut self.series[index];
        match &mut series.gathered {
            Gathered::Counter(sum) => *sum += number / value.rate,
            Gathered::Gauge(now) => *now = changed(*now, value, number),
            Gathered::Timer { values, count } => {
                if self.values >= self.values_max {
                    return Err(BadLine::Full(self.values_max));
                }
                self.values += 1;
                values.push(number);
                *count += value.rate.recip();
            }
            Gathered::Set(members) => {
                if self.values >= self.values_max {
                    return Err(BadLine::Full(self.values_max));
                }
                self.values += usize::from(members.insert(self.hasher.hash_one(value.text)));
            }
        }
        if !series.touched {
            series.touched = true;
            self.touched.push(index);
        }
        Ok(())
    }

    /// Sets or changes a gauge without gathering it: what it is called, and its value now.
    pub(super) fn gauge(&mut self, value: &Value<'_>) -> Result<(&SeriesName, f64), BadLine> {
        let number = number(value)?;
        let index = self.find(value)?;
        let series = &mut self.series[index];
        let now = match &mut series.gathered {
            Gathered::Gauge(now) => {
                *now = changed(*now, value, number);
                *now
            }
            // The key of a series holds its kind.
            _ => number,
        };
        Ok((&series.name, now))
    }

    /// The index of the series of `value`, which is made if it is new.
    fn find(&mut self, value: &Value<'_>) -> Result<usize, BadLine> {
        self.key.clear();
        self.key.push(value.kind as u8);
        self.key.extend_from_slice(value.name);
        if !value.tags.is_empty() {
            // No name on the wire holds a bar.
            self.key.push(b'|');
            self.key.extend_from_slice(value.tags);
        }
        if let Some(&index) = self.by_text.get(&self.key[..]) {
            return Ok(index);
        }
        let name = SeriesName::read(value, &self.resource_tag)?;
        let hash = self.hasher.hash_one((&name, value.kind));
        let same = |&index: &usize| self.series[index].kind == value.kind && self.series[index].name == name;
        let known = self.by_name.find(hash, same).copied();
        // What is known under another form costs that form; what is new its names too.
        let bytes = self.key.len() + if known.is_some() { 0 } else { name.bytes() };
        if self.names_bytes + bytes > NAMES_BYTES_MAX || self.by_text.len() >= 2 * SERIES_MAX {
            return Err(BadLine::Full(SERIES_MAX));
        }
        let index = match known {
            Some(index) => index,
            None if self.series.len() >= SERIES_MAX => return Err(BadLine::Full(SERIES_MAX)),
            None => {
                let gathered = match value.kind {
                    Kind::Counter => Gathered::Counter(0.0),
                    Kind::Gauge => Gathered::Gauge(0.0),
                    Kind::Timer | Kind::Histogram => Gathered::Timer { values: Vec::new(), count: 0.0 },
                    Kind::Set => Gathered::Set(HashSet::default()),
                };
                let index = self.series.len();
                self.series.push(Series {
                    name,
                    kind: value.kind,
                    gathered,
                    touched: false,
                    idle_flushes: 0,
                });
                let Gatherer { hasher, series, by_name, .. } = self;
                by_name.insert_unique(hash, index, |&index| {
                    hasher.hash_one((&series[index].name, series[index].kind))
                });
                index
            }
        };
        self.names_bytes += bytes;
        self.by_text.insert(self.key.as_slice().into(), index);
        Ok(index)
    }

    /// Writes what came since the last flush, by name and tags, and begins anew.
    pub(super) fn flush(&mut self, at: Timestamp, writer: &mut SampleWriter, lines: &mut Vec<u8>) {
        for index in self.sorted() {
            self.write(index, at, writer, lines);
        }
        self.forget_idle();
    }

    /// Hands out what came since the last flush, by name and tags, and begins anew: a counter's sum, a gauge's value, a
    /// timer's values in their order, how many members a set has.
    pub(super) fn each(&mut self, mut take: impl FnMut(&SeriesName, Kind, &[f64])) {
        for index in self.sorted() {
            let Series { name, kind, gathered, touched, idle_flushes } = &mut self.series[index];
            (*touched, *idle_flushes) = (false, 0);
            match gathered {
                Gathered::Counter(sum) => take(name, *kind, &[std::mem::take(sum)]),
                Gathered::Gauge(now) => take(name, *kind, &[*now]),
                Gathered::Set(members) => take(name, *kind, &[std::mem::take(members).len() as f64]),
                Gathered::Timer { values, count } => {
                    *count = 0.0;
                    take(name, *kind, &std::mem::take(values));
                }
            }
        }
        self.forget_idle();
    }

    /// What came since the last flush, by name and tags; from now on nothing did.
    fn sorted(&mut self) -> Vec<usize> {
        let mut touched = std::mem::take(&mut self.touched);
        touched.sort_unstable_by(|&one, &other| {
            let (one, other) = (&self.series[one], &self.series[other]);
            (&one.name, one.kind).cmp(&(&other.name, other.kind))
        });
        self.values = 0;
        touched
    }

    fn write(&mut self, index: usize, at: Timestamp, writer: &mut SampleWriter, lines: &mut Vec<u8>) {
        let Series { name, kind, gathered, touched, idle_flushes } = &mut self.series[index];
        (*touched, *idle_flushes) = (false, 0);
        let unit = if *kind == Kind::Timer { "ms" } else { "" };
        let mut write = |suffix: &str, sample_type: SampleType, unit: &str, number: f64| {
            // The limit of single numbers keeps sums finite.
            let volume = Volume::Float(number);
            let (name, owner, metadata) = (&name.name, name.owner(), &name.metadata[..]);
            writer.write(
                &Reading { name, suffix, sample_type, unit, volume, owner, timestamp: at, metadata },
                lines,
            );
        };
        match gathered {
            Gathered::Counter(sum) => {
                write("", SampleType::Delta, "", *sum);
                write(".rate", SampleType::Gauge, "/s", *sum / self.interval_seconds);
                *sum = 0.0;
            }
            Gathered::Gauge(now) => write("", SampleType::Gauge, "", *now),
            Gathered::Set(members) => {
                write("", SampleType::Gauge, "", members.len() as f64);
                // What one interval needed is no measure of the next.
                *members = HashSet::default();
            }
            Gathered::Timer { values, count } => {
                values.sort_unstable_by(f64::total_cmp);
                let (sum, number) = (values.iter().sum::<f64>(), values.len() as f64);
                let mean = sum / number;
                let squares = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>();
                write(".count", SampleType::Delta, "", *count);
                write(".mean", SampleType::Gauge, unit, mean);
                write(".min", SampleType::Gauge, unit, percentile(values, 0.0));
                write(".max", SampleType::Gauge, unit, percentile(values, 100.0));
                write(".sum", SampleType::Gauge, unit, sum);
                write(".std", SampleType::Gauge, unit, (squares / number).sqrt());
                write(".median", SampleType::Gauge, unit, percentile(values, 50.0));
                for (percent, suffix) in &self.percentiles {
                    write(suffix, SampleType::Gauge, unit, percentile(values, *percent));
                }
                (*values, *count) = (Vec::new(), 0.0);
            }
        }
    }

    /// Lets go of what has not come for long.
    fn forget_idle(&mut self) {
        let mut idle = false;
        for series in &mut self.series {
            series.idle_flushes += 1;
            idle |= series.idle_flushes > IDLE_FLUSHES_MAX;
        }
        if !idle {
            return;
        }
        // Indexes move: the forms on the wire are learnt again from what comes.
        self.series.retain(|series| series.idle_flushes <= IDLE_FLUSHES_MAX);
        self.by_text = HashMap::default();
        self.by_name.clear();
        let Gatherer { hasher, series, by_name, .. } = self;
        let hash = |index: usize| hasher.hash_one((&series[index].name, series[index].kind));
        for index in 0..series.len() {
            by_name.insert_unique(hash(index), index, |&index| hash(index));
        }
        self.names_bytes = series.iter().map(|series| series.name.bytes()).sum();
    }
}

fn number(value: &Value<'_>) -> Result<f64, BadLine> {
    read_number(value.text).ok_or_else(|| BadLine::BadNumber(shown(value.text)))
}

/// A gauge behind `value`: a sign makes it a change.
fn changed(now: f64, value: &Value<'_>, number: f64) -> f64 {
    let signed = matches!(value.text.first(), Some(b'+' | b'-'));
    if signed { now + number } else { number }
}

/// The value at `percent` of `sorted`, which is not empty, linear between neighbours.
///
/// Hyndman & Fan (1996), definition 7: what `95pct` is everywhere else in these programs. Etsy's statsd has no
/// percentiles: its `upper_95` is the largest of the lowest 95 %.
fn percentile(sorted: &[f64], percent: f64) -> f64 {
    let position = percent / 100.0 * (sorted.len() - 1) as f64;
    let below = position as usize;
    let (low, high) = (sorted[below], sorted[(below + 1).min(sorted.len() - 1)]);
    low + (high - low) * (position - below as f64)
}
