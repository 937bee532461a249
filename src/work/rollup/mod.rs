//! Rollup of a stream: samples in, one row a group and span out, in event time.
//!
//! A span closes when the newest timestamp seen, minus the lateness, passes its end; the end of the input closes
//! all. The rows are the same for every order of arrival within the lateness, and come in the same order: by end of
//! span, granularity, group. Memory follows groups × open spans.

mod group;
mod key;
mod row;

use std::sync::Arc;

use hashbrown::HashTable;

use self::group::{Group, Open};
pub use self::key::{By, KeyError};
use self::key::{KeyReader, hash};
use self::row::RowWriter;
use super::records::{Line, Trouble, Worker};
use crate::base::{Books, Failure, LineSink};
use crate::model::{Granularity, NS_PER_SECOND, RecordKind, SampleType, Span, Timestamp};
use crate::series::{Accumulator, Form, Method, Needs, Point};
use crate::wire::json::{Records, Reject};

/// Groups held at once: about 1 GB with one open span each; a stream with more is keyed by something that never repeats.
pub const GROUPS_MAX: usize = 2_000_000;
/// Values held at once for percentiles and rates: 1 GB.
pub const VALUES_MAX: u64 = 60_000_000;
/// How long in event time the last point of a silent series is remembered for its next difference.
const SERIES_MEMORY_NS: i64 = 86_400 * NS_PER_SECOND;
/// A jump of the newest timestamp that is worth a word: clocks that are wrong are wrong by hours, not by minutes.
const JUMP_NS: i64 = 86_400 * NS_PER_SECOND;

/// What becomes of a sample whose span was closed already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Late {
    /// It is counted and dropped.
    Drop,
    /// It is counted, and comes out in a row of its own with `"correction":true`: the part that was missing.
    Emit,
}

/// What to compute.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Lengths of the spans; at least one, without duplicates.
    pub granularities: Vec<Granularity>,
    /// What is computed of each span; at least one.
    pub methods: Vec<Method>,
    /// Which samples belong together.
    pub by: By,
    /// How long a span stays open behind the newest timestamp, in nanoseconds; not negative.
    pub lateness_ns: i64,
    /// What becomes of late samples.
    pub late: Late,
}

/// The state of one rollup.
pub struct Rollup {
    plan: Plan,
    needs: Needs,
    wants_rates: bool,
    keys: KeyReader,
    rows: RowWriter,
    books: Arc<Books>,
    groups: Vec<Group>,
    index: HashTable<u32>,
    /// The groups in the order of their rows; made anew when `sorted_len` is not the number of groups.
    sorted: Vec<u32>,
    /// For each group, which one came after it the last time: streams repeat themselves.
    successor: Vec<u32>,
    previous: usize,
    newest: Option<Timestamp>,
    /// The earliest end of all open spans, in nanoseconds.
    next_close_ns: i64,
    values: u64,
    scratch: Vec<u8>,
}

impl Rollup {
    /// An empty rollup.
    ///
    /// `extra`: the top-level keys that the records must be scanned for besides a sample's own (see
    /// [`Records::new`]); those that this rollup needs are added. Several rollups may share one list.
    pub fn new(plan: Plan, books: &Arc<Books>, extra: &mut Vec<String>) -> Rollup {
        let plain: Vec<&Method> = plan.methods.iter().filter(|method| method.form == Form::Plain).collect();
        let wants_rates = plain.len() < plan.methods.len();
        Rollup {
            needs: Needs::of(plain),
            wants_rates,
            keys: KeyReader::new(&plan.by, extra),
            rows: RowWriter::new(&plan.methods),
            books: Arc::clone(books),
            groups: Vec::new(),
            index: HashTable::new(),
            sorted: Vec::new(),
            successor: Vec::new(),
            previous: 0,
            newest: None,
            next_close_ns: i64::MAX,
            values: 0,
            scratch: Vec::new(),
            plan,
        }
    }

    /// Closes all spans: the input has ended.
    ///
    /// # Errors
    /// When the output cannot be written.
    pub fn finish(&mut self, out: &mut dyn LineSink) -> Result<(), Failure> {
        self.close_until(i64::MAX, out)
    }

    /// Time has come to `time`, whether or not a sample of this rollup said so.
    ///
    /// # Errors
    /// When the output cannot be written.
    pub fn reach(&mut self, time: Timestamp, out: &mut dyn LineSink) -> Result<(), Failure> {
        if self.newest.is_some_and(|newest| time <= newest) {
            return Ok(());
        }
        self.newest = Some(time);
        let complete_ns = time.ns().saturating_sub(self.plan.lateness_ns);
        if complete_ns >= self.next_close_ns { self.close_until(complete_ns, out) } else { Ok(()) }
    }

    /// The group of the key in `scratch`, made if it is new.
    #[inline]
    fn group(&mut self) -> Result<usize, Reject> {
        let key = &self.scratch[..];
        if let Some(&predicted) = self.successor.get(self.previous) {
            let predicted = predicted as usize;
            if self.groups[predicted].key[..] == *key {
                self.previous = predicted;
                return Ok(predicted);
            }
        }
        let hashed = hash(key);
        let found = self.index.find(hashed, |&group| self.groups[group as usize].key[..] == *key).copied();
        let group = match found {
            Some(group) => group as usize,
            None => self.new_group(hashed)?,
        };
        if let Some(successor) = self.successor.get_mut(self.previous) {
            *successor = group as u32;
        }
        self.previous = group;
        Ok(group)
    }

    #[cold]
    fn new_group(&mut self, hashed: u64) -> Result<usize, Reject> {
        let number = self.groups.len();
        if number >= GROUPS_MAX {
            return Err(Reject::Limit("too many groups at once: group by fewer keys"));
        }
        self.groups.push(Group::new(&self.scratch));
        self.successor.push(number as u32);
        self.index.insert_unique(hashed, number as u32, |&group| hash(&self.groups[group as usize].key));
        Ok(number)
    }

    /// A sample is newer than all before it.
    fn advance(&mut self, time: Timestamp, line: Line<'_>, out: &mut dyn LineSink) -> Result<(), Failure> {
        if let Some(newest) = self.newest.filter(|newest| time.ns().saturating_sub(newest.ns()) > JUMP_NS) {
            self.books.warn(
                "time jumped",
                &format_args!(
                    "{}:{}: {time} is more than a day after {newest}, the newest before it; spans before it are closed now",
                    line.source, line.number
                ),
            );
        }
        self.reach(time, out)
    }

    /// Emits and forgets all spans that end at or before `complete_ns`.
    ///
    /// # Errors
    /// When the output cannot be written.
    pub fn close_until(&mut self, complete_ns: i64, out: &mut dyn LineSink) -> Result<(), Failure> {
        if self.sorted.len() != self.groups.len() {
            self.sorted = (0..self.groups.len() as u32).collect();
            let groups = &self.groups;
            self.sorted.sort_unstable_by(|a, b| groups[*a as usize].order(&groups[*b as usize]));
        }
        let mut due: Vec<(i64, usize)> = Vec::new();
        let mut next = i64::MAX;
        for group in &self.groups {
            for open in &group.open {
                if open.span.stop.ns() <= complete_ns {
                    due.push((open.span.stop.ns(), usize::from(open.granularity)));
                } else {
                    next = next.min(open.span.stop.ns());
                }
            }
        }
        due.sort_unstable();
        due.dedup();
        for (stop_ns, granularity) in due {
            for &number in &self.sorted {
                let group = &mut self.groups[number as usize];
                let Some(at) = group.find_stop(stop_ns, granularity) else { continue };
                let mut open = group.open.swap_remove(at);
                if self.needs.values {
                    self.values -= open.accumulator.count();
                }
                let length = self.plan.granularities[granularity];
                let rates = self.wants_rates.then(|| group.take_rates(granularity, open.span));
                if let Some(rates) = &rates {
                    self.books.duplicate(rates.duplicates);
                    self.books.count("counter_resets", rates.resets);
                    self.values -= rates.points;
                }
                if let Some(row) = self.rows.row(group, &self.plan.by, &mut open, length, rates.as_ref()) {
                    out.line(row)?;
                }
            }
        }
        self.next_close_ns = next;
        self.forget_silent_groups();
        Ok(())
    }

    /// Groups without open spans are dropped when they are most of all groups, so that keys that never come again
    /// cost nothing for long.
    fn forget_silent_groups(&mut self) {
        let horizon = self.newest.map_or(i64::MIN, |newest| newest.ns().saturating_sub(SERIES_MEMORY_NS));
        let silent = |group: &Group| group.open.is_empty() && !group.remembers_after(horizon);
        let count = self.groups.iter().filter(|group| silent(group)).count();
        if count <= 1024 || count * 2 <= self.groups.len() {
            return;
        }
        self.groups.retain(|group| !silent(group));
        self.groups.shrink_to_fit();
        self.index = HashTable::with_capacity(self.groups.len());
        for (number, group) in self.groups.iter().enumerate() {
            let rehash = |&other: &u32| hash(&self.groups[other as usize].key);
            self.index.insert_unique(hash(&group.key), number as u32, rehash);
        }
        self.successor = (0..self.groups.len() as u32).collect();
        self.sorted = Vec::new();
        self.previous = 0;
    }
}

impl Worker for Rollup {
    #[inline]
    fn record(
        &mut self,
        records: &mut Records,
        line: Line<'_>,
        out: &mut dyn LineSink,
    ) -> Result<(), Trouble> {
        match records.kind() {
            Some(RecordKind::Sample) => {}
            Some(other) => return Err(Trouble::Skip(other)),
            None => return Err(Reject::NotRecord.into()),
        }
        let sample = records.sample(line.bytes)?;
        let time = sample.timestamp;
        if self.values >= VALUES_MAX && (self.needs.values || self.wants_rates) {
            return Err(Reject::Limit(
                "too many values in open spans: use shorter spans or a shorter lateness",
            )
            .into());
        }
        self.scratch.clear();
        self.keys.read(records, line.bytes, &sample, &mut self.scratch)?;
        let number = self.group()?;
        let complete_ns =
            self.newest.map_or(i64::MIN, |newest| newest.ns().saturating_sub(self.plan.lateness_ns));
        let point = Point { timestamp: time, value: sample.volume };
        let mut late = false;
        for (granularity, length) in self.plan.granularities.iter().enumerate() {
            let group = &mut self.groups[number];
            let open = match group.find(time, granularity) {
                Some(at) => &mut group.open[at],
                None => {
                    let out_of_range = Reject::Limit("timestamp at the end of the representable time");
                    let span = length.span(time).ok_or(out_of_range)?;
                    let closed = span.stop.ns() <= complete_ns;
                    late |= closed;
                    if closed && self.plan.late == Late::Drop {
                        continue;
                    }
                    self.next_close_ns = self.next_close_ns.min(span.stop.ns());
                    group.open.push(Open {
                        span,
                        granularity: granularity as u16,
                        late: closed,
                        accumulator: Accumulator::new(self.needs),
                    });
                    group.open.last_mut().ok_or(Failure::Bug("no open span".into()))?
                }
            };
            late |= open.late;
            open.accumulator.add(point, self.needs);
            self.values += u64::from(self.needs.values);
            if self.wants_rates && !open.late {
                let cumulative = sample.sample_type == Some(SampleType::Cumulative);
                let series = self.keys.series(&sample);
                group.add_to_series(series, granularity, self.plan.granularities.len(), point, cumulative);
                self.values += 1;
            }
        }
        if late {
            self.books.late(1);
        }
        if self.newest.is_none_or(|newest| time > newest) {
            self.advance(time, line, out)?;
        }
        Ok(())
    }
}

/// Whether `span` holds `time`.
fn holds(span: Span, time: Timestamp) -> bool {
    span.start <= time && time < span.stop
}
