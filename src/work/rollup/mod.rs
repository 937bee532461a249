//! Rollup of a stream: samples in, one row a group and span out, in event time.
//!
//! A span closes when the newest timestamp seen, minus the lateness, passes its end; the end of the input closes
//! all. The rows are the same for every order of arrival within the lateness, and come in the same order: by end of
//! span, granularity, group. Memory follows groups × open spans.

mod group;
mod key;
mod row;

use std::collections::BTreeMap;
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
/// Points of a series that are further apart have no difference: it would be of two lives of a counter, and every
/// series would be kept for ever. A sample a week has its difference, whatever the hour.
const SERIES_MEMORY_NS: i64 = 8 * 86_400 * NS_PER_SECOND;
/// How often silent groups are looked through, in event time, where many are kept for their differences.
const LOOK_NS: i64 = 3_600 * NS_PER_SECOND;
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
    /// Whether late samples, duplicates and resets are entered in the books here; not where several rollups see the
    /// same samples.
    pub keeps_books: bool,
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
    /// The groups with an open span, by its end and granularity: what is to be closed, in the order of closing.
    due: BTreeMap<(i64, usize), Vec<u32>>,
    /// Groups that have no rank yet (see [`Group::rank`]).
    unranked: usize,
    /// Groups without an open span.
    silent: usize,
    /// When silent groups are looked through next, in nanoseconds of event time.
    next_look_ns: i64,
    /// For each group, which one came after it the last time: streams repeat themselves.
    successor: Vec<u32>,
    previous: usize,
    newest: Option<Timestamp>,
    /// The earliest end of all open spans, in nanoseconds.
    next_close_ns: i64,
    values: u64,
    /// Series that rates are computed of, in all groups.
    series: usize,
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
            due: BTreeMap::new(),
            unranked: 0,
            silent: 0,
            next_look_ns: i64::MIN,
            successor: Vec::new(),
            previous: 0,
            newest: None,
            next_close_ns: i64::MAX,
            values: 0,
            series: 0,
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
        (self.unranked, self.silent) = (self.unranked + 1, self.silent + 1);
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
        while let Some(entry) = self.due.first_entry().filter(|entry| entry.key().0 <= complete_ns) {
            let ((stop_ns, granularity), mut numbers) = entry.remove_entry();
            self.sort(&mut numbers);
            for number in numbers {
                self.close(number as usize, stop_ns, granularity, out)?;
            }
        }
        self.next_close_ns = self.due.first_key_value().map_or(i64::MAX, |((stop_ns, _), _)| *stop_ns);
        self.forget_silent_groups();
        Ok(())
    }

    fn close(
        &mut self,
        number: usize,
        stop_ns: i64,
        granularity: usize,
        out: &mut dyn LineSink,
    ) -> Result<(), Failure> {
        let group = &mut self.groups[number];
        let Some(at) = group.find_stop(stop_ns, granularity) else { return Ok(()) };
        let mut open = group.open.swap_remove(at);
        self.silent += usize::from(group.open.is_empty());
        if self.needs.values {
            self.values -= open.accumulator.count();
        }
        let rates = self.wants_rates.then(|| group.take_rates(granularity, open.span));
        if let Some(rates) = &rates {
            // Each granularity sees the same points: they count once.
            if granularity == 0 && self.plan.keeps_books {
                self.books.duplicate(rates.duplicates);
                self.books.count("counter_resets", rates.resets);
            }
            self.values -= rates.points;
            self.series -= rates.forgotten;
        }
        let length = self.plan.granularities[granularity];
        match self.rows.row(group, &self.plan.by, &mut open, length, rates.as_ref()) {
            Some(row) => out.line(row),
            None => Ok(()),
        }
    }

    /// Puts groups in the order of their rows.
    ///
    /// Comparing keys is dear, and nearly the same groups are due again and again: most have a rank. Those that are
    /// new are sorted by their keys and merged in, until so many are new that all get a rank.
    fn sort(&mut self, numbers: &mut Vec<u32>) {
        if self.unranked > self.groups.len() / 2 {
            let mut all: Vec<u32> = (0..self.groups.len() as u32).collect();
            all.sort_unstable_by(|a, b| self.groups[*a as usize].order(&self.groups[*b as usize]));
            for (rank, number) in all.into_iter().enumerate() {
                self.groups[number as usize].rank = Some(rank as u32);
            }
            self.unranked = 0;
        }
        let groups = &self.groups;
        let rank = |number: &u32| groups[*number as usize].rank;
        let order = |a: &u32, b: &u32| groups[*a as usize].order(&groups[*b as usize]);
        let mut new: Vec<u32> = numbers.extract_if(.., |number| rank(number).is_none()).collect();
        numbers.sort_unstable_by_key(rank);
        if new.is_empty() {
            return;
        }
        new.sort_unstable_by(order);
        let (mut old, mut new) = (std::mem::take(numbers).into_iter().peekable(), new.into_iter().peekable());
        while let (Some(a), Some(b)) = (old.peek(), new.peek()) {
            numbers.extend(if order(a, b).is_lt() { old.next() } else { new.next() });
        }
        numbers.extend(old.chain(new));
    }

    /// Groups without open spans are dropped when they are most of all groups, so that keys that never come again
    /// cost nothing for long.
    fn forget_silent_groups(&mut self) {
        let Some(newest) = self.newest else { return };
        if self.silent <= 1024 || self.silent * 2 <= self.groups.len() || newest.ns() < self.next_look_ns {
            return;
        }
        let horizon_ns = newest.ns().saturating_sub(SERIES_MEMORY_NS);
        let mut places = vec![u32::MAX; self.groups.len()];
        let mut kept: Vec<Group> = Vec::new();
        for (number, group) in std::mem::take(&mut self.groups).into_iter().enumerate() {
            if group.open.is_empty() && !group.remembers_after(horizon_ns) {
                self.silent -= 1;
                self.series -= group.series_len();
                self.unranked -= usize::from(group.rank.is_none());
            } else {
                places[number] = kept.len() as u32;
                kept.push(group);
            }
        }
        self.groups = kept;
        // Where most are kept for their differences, the next look would find no more for a while.
        if self.silent * 2 > self.groups.len() {
            self.next_look_ns = newest.ns().saturating_add(LOOK_NS);
        }
        // Only groups without open spans are gone, and those are in no list.
        for number in self.due.values_mut().flatten() {
            *number = places[*number as usize];
        }
        self.index = HashTable::with_capacity(self.groups.len());
        for (number, group) in self.groups.iter().enumerate() {
            let rehash = |&other: &u32| hash(&self.groups[other as usize].key);
            self.index.insert_unique(hash(&group.key), number as u32, rehash);
        }
        self.successor = (0..self.groups.len() as u32).collect();
        self.previous = 0;
    }

    /// Whether a sample of `time` comes after a span of its own was closed.
    pub fn is_late(&self, time: Timestamp) -> bool {
        let Some(newest) = self.newest else { return false };
        let complete_ns = newest.ns().saturating_sub(self.plan.lateness_ns);
        let spans = self.plan.granularities.iter().filter_map(|length| length.span(time));
        spans.into_iter().any(|span| span.stop.ns() <= complete_ns)
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
            Some(_) => return Err(Trouble::Skip(records.check(line.bytes)?)),
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
        if self.series >= GROUPS_MAX {
            return Err(Reject::Limit("too many series at once: rates need one for each resource").into());
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
                    self.due.entry((span.stop.ns(), granularity)).or_default().push(number as u32);
                    self.silent -= usize::from(group.open.is_empty());
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
                let granularities = self.plan.granularities.len();
                let new = group.add_to_series(series, granularity, granularities, point, cumulative);
                self.series += usize::from(new);
                self.values += 1;
            }
        }
        if late && self.plan.keeps_books {
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
