//! One group of a rollup: its open spans, and the series in it that rates are computed of.

use std::cmp::Ordering;

use foldhash::fast::FixedState;
use hashbrown::HashMap;

use super::key::{self, parts};
use super::{SERIES_MEMORY_NS, holds};
use crate::model::{Span, Timestamp};
use crate::series::{Accumulator, Point, rates};

/// A span of a group that still takes samples.
pub(super) struct Open {
    pub span: Span,
    /// Index in the plan's granularities.
    pub granularity: u16,
    /// The span was closed before; this holds only what came too late for it.
    pub late: bool,
    pub accumulator: Accumulator,
}

/// All samples with one key.
pub(super) struct Group {
    /// See `key`.
    pub key: Box<[u8]>,
    /// Few: the spans within the lateness, for each granularity.
    pub open: Vec<Open>,
    /// The start of its rows, made when the first row is written.
    pub row_start: Box<[u8]>,
    /// Its place among the groups that were there when ranks were given last, in the order of rows.
    pub rank: Option<u32>,
    /// By resource.
    series: HashMap<Box<[u8]>, Series, FixedState>,
}

/// The points of one resource, because differences make sense only within one series.
struct Series {
    cumulative: bool,
    /// For each granularity, because each closes its spans at its own times.
    tracks: Vec<Track>,
}

impl Series {
    /// Whether a point after `horizon_ns` waits, or is one that the next difference starts from.
    fn is_after(&self, horizon_ns: i64) -> bool {
        self.tracks.iter().any(|track| {
            !track.pending.is_empty() || track.before.is_some_and(|point| point.timestamp.ns() > horizon_ns)
        })
    }
}

#[derive(Default)]
struct Track {
    before: Option<Point>,
    pending: Vec<Point>,
}

/// The differences in one span of a group, of all its series.
#[derive(Default)]
pub(super) struct GroupRates {
    pub differences: Vec<Point>,
    pub per_second: Vec<Point>,
    pub resets: u64,
    pub duplicates: u64,
    /// How many points were taken out.
    pub points: u64,
    /// How many series were forgotten.
    pub forgotten: usize,
}

impl Group {
    pub fn new(key: &[u8]) -> Group {
        Group {
            key: key.into(),
            open: Vec::new(),
            row_start: Box::default(),
            rank: None,
            series: HashMap::default(),
        }
    }

    /// The open span of a granularity that holds `time`. The newest is asked first: most samples are new.
    #[inline]
    pub fn find(&self, time: Timestamp, granularity: usize) -> Option<usize> {
        self.open
            .iter()
            .rposition(|open| usize::from(open.granularity) == granularity && holds(open.span, time))
    }

    /// The open span of a granularity that ends at `stop_ns`.
    pub fn find_stop(&self, stop_ns: i64, granularity: usize) -> Option<usize> {
        self.open
            .iter()
            .position(|open| open.span.stop.ns() == stop_ns && usize::from(open.granularity) == granularity)
    }

    /// The order of rows: part by part, absent before text before other values.
    pub fn order(&self, other: &Group) -> Ordering {
        parts(&self.key)
            .map(|part| (part.tag, part.bytes))
            .cmp(parts(&other.key).map(|part| (part.tag, part.bytes)))
    }

    /// Keeps a point for its difference; says whether the series is new.
    pub fn add_to_series(
        &mut self,
        resource: &[u8],
        granularity: usize,
        granularities: usize,
        point: Point,
        cumulative: bool,
    ) -> bool {
        let new = !self.series.contains_key(resource);
        if new {
            let tracks = (0..granularities).map(|_| Track::default()).collect();
            self.series.insert(resource.into(), Series { cumulative, tracks });
        }
        if let Some(series) = self.series.get_mut(resource) {
            series.cumulative |= cumulative;
            series.tracks[granularity].pending.push(point);
        }
        new
    }

    /// The differences that fall in `span`, and its points taken out. Series that were silent for too long are
    /// forgotten.
    pub fn take_rates(&mut self, granularity: usize, span: Span) -> GroupRates {
        let mut all = GroupRates::default();
        let horizon_ns = span.start.ns().saturating_sub(SERIES_MEMORY_NS);
        let series_before = self.series.len();
        self.series.retain(|_, series| {
            let cumulative = series.cumulative;
            let track = &mut series.tracks[granularity];
            let mut due: Vec<Point> =
                track.pending.extract_if(.., |point| holds(span, point.timestamp)).collect();
            if due.is_empty() {
                return series.is_after(horizon_ns);
            }
            all.points += due.len() as u64;
            let found = rates(track.before, &mut due, cumulative, SERIES_MEMORY_NS);
            track.before = found.last;
            all.resets += found.resets;
            all.duplicates += found.duplicates;
            all.differences.extend(found.differences);
            all.per_second.extend(found.per_second);
            true
        });
        all.forgotten = series_before - self.series.len();
        all
    }

    /// Whether a series of the group has a point after `horizon_ns`.
    pub fn remembers_after(&self, horizon_ns: i64) -> bool {
        self.series.values().any(|series| series.is_after(horizon_ns))
    }

    /// How many series the group has.
    pub fn series_len(&self) -> usize {
        self.series.len()
    }

    /// The parts of the key, for the row.
    pub fn key_parts(&self) -> impl Iterator<Item = key::Part<'_>> {
        parts(&self.key)
    }
}
