//! The window of a metric: which points are kept, and which spans can change no more; `horizon` says which are late.
//!
//! One rule for readers and for the roll, so that both always agree: arrivals are replayed in the order of the journal.

use super::bits::{read_signed, read_varint, write_signed, write_varint};
use super::error::Damaged;
use super::horizon::{Arrived, Horizon};
use super::snapshot::Activity;
use super::whole::Whole;
use crate::model::{Granularity, Timestamp};
use crate::series::{ArchivePolicy, Method, Point, Spans};
use crate::store::MetricNumber;

/// So many points that came behind newer ones are put in their place at once.
const BEHIND_MIN: usize = 1024;

/// What is known of a metric's newest points.
#[derive(Clone, Debug, Default)]
pub(super) struct Window {
    horizon: Horizon,
    /// The floor up to which spans stand in segments already; none: no span does.
    rolled: Option<Timestamp>,
    /// Ascending: those from the first span on that can change, and for `rate:` the one before.
    points: Vec<Point>,
    /// Taken points that came behind newer ones, in the order in which they came; not yet among the others.
    behind: Vec<Point>,
    /// Points that were dropped because they were late.
    pub(super) late: u64,
    /// Points that were taken.
    pub(super) taken: u64,
    /// Taken points that took the place of another of the same time.
    pub(super) replaced: u64,
}

impl Window {
    /// Of a metric without points.
    pub(super) fn new() -> Window {
        Window::default()
    }

    /// A window that was rolled; without its points.
    fn at(newest: Timestamp, floor: Timestamp) -> Window {
        Window { horizon: Horizon::at(newest, floor), rolled: Some(floor), ..Window::default() }
    }

    /// The window of what another store kept; without its points.
    pub(super) fn of(whole: &Whole, newest: Timestamp) -> Window {
        let Whole { floor, late, taken, replaced, .. } = *whole;
        Window { late, taken, replaced, ..Window::at(newest, floor) }
    }

    /// All that is kept of the metric, with its rolled spans.
    pub(super) fn into_whole(self, metric: MetricNumber, spans: Vec<Spans>) -> Whole {
        let (newest, floor) = (self.horizon.newest(), self.horizon.floor());
        let Window { late, taken, replaced, points, .. } = self;
        Whole { metric, newest, floor, late, taken, replaced, points, spans }
    }

    /// What is known beside the points.
    pub(super) fn activity(&self) -> Activity {
        let Window { horizon, late, taken, replaced, .. } = *self;
        Activity { horizon, late, taken, replaced }
    }

    /// Takes the next point that came.
    #[inline]
    pub(super) fn arrive(&mut self, point: Point, policy: &ArchivePolicy) {
        match self.horizon.arrive(point.timestamp, policy) {
            Arrived::Late => self.late += 1,
            Arrived::Newest => {
                self.taken += 1;
                self.points.push(point);
            }
            Arrived::Behind => {
                self.taken += 1;
                self.put_behind(point);
            }
        }
    }

    fn put_behind(&mut self, point: Point) {
        match self.points.last_mut() {
            Some(known) if known.timestamp == point.timestamp => {
                self.replaced += 1;
                *known = point;
            }
            _ => {
                self.behind.push(point);
                // As many as the others at least: no point is moved more than a few times.
                if self.behind.len() >= self.points.len().max(BEHIND_MIN) {
                    self.settle();
                }
            }
        }
    }

    /// Puts what came behind newer points in its place; to be called when no more come. O(n log n), whatever their order.
    pub(super) fn settle(&mut self) {
        if self.behind.is_empty() {
            return;
        }
        self.points.append(&mut self.behind);
        // Stable: of the same time the one that came later stands later, and counts.
        self.points.sort_by_key(|point| point.timestamp);
        let before = self.points.len();
        self.points.dedup_by(|later, kept| {
            let same = later.timestamp == kept.timestamp;
            if same {
                *kept = *later;
            }
            same
        });
        self.replaced += (before - self.points.len()) as u64;
    }

    /// What it holds from the first span of `granularity` on that is in no segment, and the point before.
    pub(super) fn open(&self, granularity: Granularity) -> (&[Point], Option<Point>) {
        debug_assert!(self.behind.is_empty());
        let start = self.rolled.map(|rolled| round_down(rolled, granularity));
        let at = self.points.partition_point(|point| start.is_some_and(|start| point.timestamp < start));
        (&self.points[at..], at.checked_sub(1).map(|before| self.points[before]))
    }

    /// Takes out the spans that can change no more, one granularity after the other, and forgets the points that no
    /// other span needs.
    pub(super) fn roll(
        &mut self,
        policy: &ArchivePolicy,
        kept: &[Method],
        mut take: impl FnMut(usize, Spans),
    ) {
        let floor = self.horizon.floor();
        let mut retained = floor;
        for (number, definition) in policy.definition().iter().enumerate() {
            let granularity = definition.granularity;
            let stop = round_down(floor, granularity);
            retained = retained.min(stop);
            let (open, previous) = self.open(granularity);
            let closed = &open[..open.partition_point(|point| point.timestamp < stop)];
            if !closed.is_empty() {
                take(number, Spans::of(closed, previous, granularity, kept));
            }
        }
        let needed = self.points.partition_point(|point| point.timestamp < retained);
        let needed = if policy.has_rates() { needed.saturating_sub(1) } else { needed };
        self.points.drain(..needed);
        self.rolled = Some(floor);
    }

    /// The points it holds, ascending.
    pub(super) fn points(&self) -> &[Point] {
        &self.points
    }

    /// Appends what [`Window::read_state`] reads: everything but the points.
    pub(super) fn write_state(&self, out: &mut Vec<u8>) {
        let newest = self.horizon.newest().unwrap_or_default().ns();
        write_signed(out, newest);
        write_signed(out, newest.wrapping_sub(self.horizon.floor().ns()));
        write_varint(out, self.late);
        write_varint(out, self.taken);
        write_varint(out, self.replaced);
    }

    /// A window that was rolled; its points are added with [`Window::restore`].
    pub(super) fn read_state(mut bytes: &[u8], policy: &ArchivePolicy) -> Result<Window, Damaged> {
        let newest = read_signed(&mut bytes)?;
        let floor = newest.wrapping_sub(read_signed(&mut bytes)?);
        let (late, taken) = (read_varint(&mut bytes)?, read_varint(&mut bytes)?);
        let replaced = read_varint(&mut bytes)?;
        if !bytes.is_empty() {
            return Err(Damaged("something follows the state of a window"));
        }
        let at = Window::at(Timestamp::from_ns(newest), Timestamp::from_ns(floor));
        let mut window = Window { late, taken, replaced, ..at };
        window.horizon.advance(policy);
        Ok(window)
    }

    /// Of a metric whose state was lost, and of which spans up to `floor` stand in segments.
    pub(super) fn behind(floor: Timestamp) -> Window {
        Window::at(Timestamp::from_ns(floor.ns().saturating_sub(1)), floor)
    }

    /// Adds a point that it held when its state was written; ascending.
    pub(super) fn restore(&mut self, point: Point) {
        // Newer than the newest where a state was lost.
        self.horizon.reach(point.timestamp);
        self.points.push(point);
    }
}

/// The start of the span that `time` falls in; the beginning of time stays what it is.
pub(super) fn round_down(time: Timestamp, granularity: Granularity) -> Timestamp {
    let rest = time.ns().rem_euclid(granularity.ns());
    Timestamp::from_ns(time.ns().saturating_sub(rest))
}
