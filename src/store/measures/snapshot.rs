//! What a reader sees: rolled spans and, where they can still change, spans computed from points.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;

use super::chunk::{kept, no_spans, range_of, read_points, read_spans};
use super::error::{Damaged, MeasuresError};
use super::horizon::Horizon;
use super::journal::{JournalReader, Next};
use super::manifest::{Kind, Manifest};
use super::memory::Remembered;
use super::segment::{Cursor, Segment, tag};
use super::timespan::{forget, gone_until, is_in_every_span};
use super::window::{Window, round_down};
use crate::model::{Granularity, Timestamp};
use crate::series::{ArchivePolicy, Column, Definition, Method, Point, Spans, Statistic};
use crate::store::MetricNumber;

/// A metric to read.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'p> {
    /// Its number.
    pub metric: MetricNumber,
    /// What is kept of it.
    pub policy: &'p ArchivePolicy,
}

/// Which spans of a metric are read.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    /// Of these granularities; of all that the policy has when there are none.
    pub granularities: Vec<Granularity>,
    /// These methods.
    pub methods: Vec<Method>,
    /// From the span that this falls in.
    pub start: Option<Timestamp>,
    /// Up to the last span that begins before this.
    pub stop: Option<Timestamp>,
}

/// What is known of a metric beside its spans.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Activity {
    /// Its newest point, and how far back points are taken.
    pub horizon: Horizon,
    /// How many points were taken.
    pub taken: u64,
    /// How many of those took the place of another at the same time.
    pub replaced: u64,
    /// How many were dropped because they came behind the window.
    pub late: u64,
}

/// A journal: what is remembered of it, and then what is still to be read.
pub(super) struct Source {
    pub(super) remembered: Option<Remembered>,
    pub(super) rest: Option<JournalReader>,
    /// A newer one was begun.
    pub(super) closed: bool,
}

/// The segments and journals of one moment.
pub struct Snapshot {
    windows: Option<Arc<Segment>>,
    arrivals: Vec<Arc<Segment>>,
    spans: Vec<Arc<Segment>>,
    journals: Vec<Source>,
    damage: Vec<MeasuresError>,
}

impl Snapshot {
    pub(super) fn new(
        manifest: &Manifest,
        segments: Vec<Arc<Segment>>,
        journals: Vec<Source>,
        damage: Vec<MeasuresError>,
    ) -> Snapshot {
        let of = |kind: Kind| {
            let both = manifest.segments.iter().zip(&segments);
            both.filter(move |(listed, _)| listed.kind == kind).map(|(_, segment)| Arc::clone(segment))
        };
        Snapshot {
            windows: of(Kind::Windows).next(),
            arrivals: of(Kind::Arrivals).collect(),
            spans: of(Kind::Spans).collect(),
            journals,
            damage,
        }
    }

    /// Bytes in journals that were stepped over because they are not what was written, and journals that are missing.
    pub fn damage(&mut self) -> Vec<MeasuresError> {
        std::mem::take(&mut self.damage)
    }

    /// Reads the wanted metrics, in the order of their numbers, and calls `take` with the place of each in `wanted` and its spans, the finest
    /// granularity first. Of each method those are there that the newest span with a value of it leaves in the policy's timespan.
    ///
    /// # Errors
    /// When something is damaged or cannot be read.
    pub fn read(
        &mut self,
        wanted: &[Wanted<'_>],
        selection: &Selection,
        mut take: impl FnMut(usize, Vec<Spans>),
    ) -> Result<(), MeasuresError> {
        let spans = self.spans.clone();
        let mut cursors: Vec<Cursor<'_>> = spans.iter().map(|segment| segment.cursor()).collect();
        self.windows(wanted, |places, window| {
            let of = wanted[places[0]];
            let kept = kept(of.policy.methods());
            let mut found = Vec::new();
            let definitions = of.policy.definition().iter().enumerate().filter(|(_, definition)| {
                selection.granularities.is_empty()
                    || selection.granularities.contains(&definition.granularity)
            });
            let mut rolled: Vec<(u8, Limits, Spans)> = definitions
                .map(|(number, definition)| {
                    let limits = Limits::new(&window, definition, selection);
                    (tag::SPANS + number as u8, limits, no_spans(definition.granularity, &kept))
                })
                .collect();
            for cursor in &mut cursors {
                read_rolled(cursor, of.metric, &mut rolled)?;
            }
            for (_, limits, rolled) in rolled {
                let (points, previous) = window.open(rolled.granularity);
                let open = Spans::of(points, previous, rolled.granularity, &selection.methods);
                found.push(limits.join(rolled, open, &selection.methods));
            }
            for_each_place(places, found, |place, found| {
                take(place, found);
                Ok(())
            })
        })
    }

    /// The segments of spans.
    pub(super) fn spans(&self) -> Vec<Arc<Segment>> {
        self.spans.clone()
    }

    /// What is known of the wanted metrics beside their spans.
    ///
    /// # Errors
    /// As [`Snapshot::read`].
    pub fn activity(
        &mut self,
        wanted: &[Wanted<'_>],
        mut take: impl FnMut(usize, Activity),
    ) -> Result<(), MeasuresError> {
        self.windows(wanted, |places, window| {
            let activity = window.activity();
            places.iter().for_each(|place| take(*place, activity));
            Ok(())
        })
    }

    /// Replays what is in no rolled span, metric by metric in the order of their numbers; `take` is told the places in `wanted`
    /// of each, which are several where a metric is wanted more than once.
    pub(super) fn windows<E: From<MeasuresError>>(
        &mut self,
        wanted: &[Wanted<'_>],
        mut take: impl FnMut(&[usize], Window) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut order: Vec<usize> = (0..wanted.len()).collect();
        order.sort_by_key(|place| wanted[*place].metric);
        let mut journaled = self.journaled(wanted)?;
        let mut remembered = Vec::new();
        let mut base = self.windows.as_deref().map(Segment::cursor);
        let mut arrivals: Vec<Cursor<'_>> = self.arrivals.iter().map(|segment| segment.cursor()).collect();
        for places in order.chunk_by(|a, b| wanted[*a].metric == wanted[*b].metric) {
            let Wanted { metric, policy } = wanted[places[0]];
            let mut window = Window::new();
            if let Some(base) = &mut base {
                base.seek(metric)?;
                window = restored(base, metric, policy)?;
            }
            for cursor in &mut arrivals {
                cursor.seek(metric)?;
                replay(cursor, metric, policy, &mut window)?;
            }
            for (source, journaled) in self.journals.iter().zip(&mut journaled) {
                if let Some(of) = &source.remembered {
                    remembered.clear();
                    of.points_of(metric, &mut remembered);
                    remembered.iter().for_each(|point| window.arrive(*point, policy));
                }
                journaled.take(metric).into_iter().for_each(|point| window.arrive(point, policy));
            }
            window.settle();
            take(places, window)?;
        }
        Ok(())
    }

    /// The points of the wanted metrics that are to be read from each journal, in the order in which they came.
    fn journaled(&mut self, wanted: &[Wanted<'_>]) -> Result<Vec<Journaled>, MeasuresError> {
        let mut numbers: Vec<MetricNumber> = wanted.iter().map(|of| of.metric).collect();
        numbers.sort_unstable();
        numbers.dedup();
        let numbers: Rc<[MetricNumber]> = numbers.into();
        let mut all = Vec::new();
        for Source { remembered, rest, closed } in &mut self.journals {
            self.damage.extend(remembered.iter().flat_map(|of| of.damage(*closed)));
            let mut found = Journaled { numbers: Rc::clone(&numbers), points: Vec::new() };
            if let Some(journal) = rest {
                found.read(journal, &mut self.damage)?;
            }
            all.push(found);
        }
        Ok(all)
    }
}

/// Hands `value` to every place, and copies of it only where there are several.
pub(super) fn for_each_place<T: Clone, E>(
    places: &[usize],
    value: T,
    mut take: impl FnMut(usize, T) -> Result<(), E>,
) -> Result<(), E> {
    let Some((last, others)) = places.split_last() else { return Ok(()) };
    others.iter().try_for_each(|place| take(*place, value.clone()))?;
    take(*last, value)
}

/// Points of a journal, by metric.
struct Journaled {
    /// Ascending.
    numbers: Rc<[MetricNumber]>,
    /// Of each number; empty when nothing was read.
    points: Vec<Vec<Point>>,
}

impl Journaled {
    fn read(
        &mut self,
        journal: &mut JournalReader,
        damage: &mut Vec<MeasuresError>,
    ) -> Result<(), MeasuresError> {
        let (numbers, points) = (&self.numbers, &mut self.points);
        points.resize(numbers.len(), Vec::new());
        // A frame has the points of a metric together: it is looked for once for all of them.
        let place = Cell::new(0);
        journal.rewind();
        let path = journal.path().to_owned();
        loop {
            let begin = journal.offset();
            match journal.next()? {
                Next::Frame(frame) => {
                    let found = frame.read(
                        |metric| numbers.binary_search(&metric).inspect(|at| place.set(*at)).is_ok(),
                        |_, point| points[place.get()].push(point),
                    );
                    found.map_err(MeasuresError::damaged(&path, begin))?;
                }
                Next::Damaged { at, what, .. } => damage.push(MeasuresError::damaged(&path, at)(what)),
                Next::End | Next::Torn { .. } => return Ok(()),
            }
        }
    }

    fn take(&mut self, metric: MetricNumber) -> Vec<Point> {
        let place = self.numbers.binary_search(&metric);
        place.ok().and_then(|at| self.points.get_mut(at)).map(std::mem::take).unwrap_or_default()
    }
}

/// The window of `metric` as the last roll left it; the cursor stands at its first entry.
pub(super) fn restored(
    base: &mut Cursor<'_>,
    metric: MetricNumber,
    policy: &ArchivePolicy,
) -> Result<Window, MeasuresError> {
    let mut window = Window::new();
    while base.peek()? == Some(metric) {
        let at = base.offset();
        let Some(entry) = base.next()? else { break };
        match entry.tag {
            tag::STATE => {
                window = Window::read_state(entry.bytes, policy).map_err(|what| base.fault(at, what))?
            }
            tag::POINTS => read_points(entry.bytes, |point| window.restore(point))
                .map_err(|what| base.fault(at, what))?,
            _ => return Err(base.fault(at, Damaged("spans among windows"))),
        }
    }
    Ok(window)
}

/// Lets the arrivals of `metric` arrive in its window; the cursor stands at the first of them, or behind where it would be.
pub(super) fn replay(
    cursor: &mut Cursor<'_>,
    metric: MetricNumber,
    policy: &ArchivePolicy,
    window: &mut Window,
) -> Result<(), MeasuresError> {
    while cursor.peek()? == Some(metric) {
        let at = cursor.offset();
        let Some(entry) = cursor.next()? else { break };
        read_points(entry.bytes, |point| window.arrive(point, policy))
            .map_err(|what| cursor.fault(at, what))?;
    }
    Ok(())
}

/// Reads the spans of `metric` that lie within their limits.
fn read_rolled(
    cursor: &mut Cursor<'_>,
    metric: MetricNumber,
    wanted: &mut [(u8, Limits, Spans)],
) -> Result<(), MeasuresError> {
    cursor.seek(metric)?;
    while cursor.peek()? == Some(metric) {
        let at = cursor.offset();
        let Some(entry) = cursor.next()? else { break };
        let Some((_, limits, spans)) = wanted.iter_mut().find(|(tag, ..)| *tag == entry.tag) else {
            continue;
        };
        let read = range_of(entry.bytes, spans.granularity).and_then(|(first, last)| {
            if last < limits.from || limits.read_to().is_some_and(|to| first >= to) {
                return Ok(());
            }
            read_spans(entry.bytes, spans)
        });
        read.map_err(|what| cursor.fault(at, what))?;
    }
    Ok(())
}

/// Which starts of spans are seen.
#[derive(Clone, Copy, Debug)]
struct Limits {
    from: Timestamp,
    to: Option<Timestamp>,
    /// What is left to cut when the newest value of each column is known; none: `from` has cut it.
    timespan: Option<Granularity>,
}

impl Limits {
    fn new(window: &Window, definition: &Definition, selection: &Selection) -> Limits {
        let granularity = definition.granularity;
        let start = selection.start.map(|start| round_down(start, granularity));
        let from = start.unwrap_or(Timestamp::from_ns(i64::MIN));
        let unlimited = Limits { from, to: selection.stop, timespan: None };
        // Of the newest span and those before it as many as the policy keeps (Gnocchi 4.7.1).
        let Some((timespan, newest)) = definition.timespan().zip(window.activity().horizon.newest()) else {
            return unlimited;
        };
        let gone = gone_until(round_down(newest, granularity), timespan);
        if from > gone {
            return unlimited;
        }
        if selection.methods.iter().all(|method| is_in_every_span(*method)) {
            return Limits { from: Timestamp::from_ns(gone.ns().saturating_add(1)), ..unlimited };
        }
        Limits { timespan: Some(timespan), ..unlimited }
    }

    /// Up to where spans are read: to the newest of all where that says which are seen.
    fn read_to(&self) -> Option<Timestamp> {
        self.to.filter(|_| self.timespan.is_none())
    }

    /// The rolled spans and the open ones behind them, as far as they are seen, with the columns of `methods`.
    fn join(&self, rolled: Spans, open: Spans, methods: &[Method]) -> Spans {
        let read_to = self.read_to();
        let read = |starts: &[Timestamp]| {
            let from = starts.partition_point(|start| *start < self.from);
            let to = read_to.map_or(starts.len(), |to| starts.partition_point(|start| *start < to));
            from..to.max(from)
        };
        let (old, new) = (read(&rolled.starts), read(&open.starts));
        let mut starts = rolled.starts[old.clone()].to_vec();
        starts.extend_from_slice(&open.starts[new.clone()]);
        let columns = methods.iter().zip(&open.columns).map(|(method, open)| {
            let mut column = made(&rolled, *method, old.clone());
            column.append(open, new.clone());
            column
        });
        let mut spans = Spans { granularity: rolled.granularity, columns: columns.collect(), starts };
        if let Some(timespan) = self.timespan {
            forget(&mut spans, timespan);
            self.cut_end(&mut spans);
        }
        spans
    }

    /// Takes out what was read only to know the newest.
    fn cut_end(&self, spans: &mut Spans) {
        let Some(to) = self.to else { return };
        let rows = spans.starts.partition_point(|start| *start < to);
        spans.keep(0..rows);
    }
}

/// A column of rolled spans, or what can be made of others.
fn made(spans: &Spans, method: Method, rows: std::ops::Range<usize>) -> Column {
    let column = |method: Method| spans.columns.iter().find(|column| column.method == method);
    let part = |column: &Column| Column {
        method,
        values: column.values[rows.clone()].to_vec(),
        present: column.present.as_ref().map(|present| present[rows.clone()].to_vec()),
    };
    if let Some(column) = column(method) {
        return part(column);
    }
    let other = |statistic| column(Method { statistic, ..method });
    let (Some(sum), Some(count)) = (other(Statistic::Sum), other(Statistic::Count)) else {
        // The caller asked for what the policy does not keep.
        return Column { method, values: vec![0.0; rows.len()], present: Some(vec![false; rows.len()]) };
    };
    let mut mean = part(sum);
    mean.values.iter_mut().zip(&count.values[rows]).for_each(|(sum, count)| *sum /= count);
    mean
}
