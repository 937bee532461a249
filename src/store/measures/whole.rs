//! All that is kept of a metric, out of one store and into another.

use rusqlite::Connection;

use super::chunk::{Packing, kept, no_spans_of};
use super::engine::Measures;
use super::error::MeasuresError;
use super::journal::{FILE_HEADER_BYTES, Lock};
use super::manifest::{Change, Kind, Listed, Manifest};
use super::merge::read_all;
use super::policies::Policies;
use super::roll::{write_all, write_window};
use super::segment::{Cursor, SegmentWriter};
use super::snapshot::{Snapshot, Wanted, for_each_place};
use super::window::Window;
use crate::model::Timestamp;
use crate::series::{ArchivePolicy, Method, Point, Spans};
use crate::store::MetricNumber;

/// All that is kept of a metric.
#[derive(Clone, Debug)]
pub struct Whole {
    /// Its number.
    pub metric: MetricNumber,
    /// The time of its newest point; none when it has no points, and then nothing else.
    pub newest: Option<Timestamp>,
    /// Older points are late.
    pub floor: Timestamp,
    /// How many points were late.
    pub late: u64,
    /// How many were taken.
    pub taken: u64,
    /// How many of those took the place of another at the same time.
    pub replaced: u64,
    /// The points of which spans are still computed, ascending; for `rate:` the one before them too.
    pub points: Vec<Point>,
    /// The spans that can change no more, of each granularity of the policy, the finest first. `mean` has no column
    /// where `sum` and `count` have.
    pub spans: Vec<Spans>,
}

impl Whole {
    /// The methods that the spans of a metric with this policy have columns of, in their order.
    pub fn methods(policy: &ArchivePolicy) -> Vec<Method> {
        kept(policy.methods())
    }
}

impl Snapshot {
    /// Reads the wanted metrics in the order of their numbers, and calls `take` with the place of each in `wanted`.
    ///
    /// # Errors
    /// When something is damaged or cannot be read, and what `take` returns.
    pub fn whole<E: From<MeasuresError>>(
        &mut self,
        wanted: &[Wanted<'_>],
        mut take: impl FnMut(usize, Whole) -> Result<(), E>,
    ) -> Result<(), E> {
        let segments = self.spans();
        let mut cursors: Vec<Cursor<'_>> = segments.iter().map(|segment| segment.cursor()).collect();
        self.windows(wanted, |places, mut window| {
            let Wanted { metric, policy } = wanted[places[0]];
            let mut spans = no_spans_of(policy);
            for cursor in &mut cursors {
                cursor.seek(metric)?;
                read_all(cursor, metric, &mut spans)?;
            }
            window
                .roll(policy, &kept(policy.methods()), |number, closed| append(&mut spans[number], &closed));
            for_each_place(places, window.into_whole(metric, spans), &mut take)
        })
    }
}

/// Puts rows behind others, with the same columns.
fn append(spans: &mut Spans, more: &Spans) {
    spans.starts.extend_from_slice(&more.starts);
    for (column, of) in spans.columns.iter_mut().zip(&more.columns) {
        column.append(of, 0..more.starts.len());
    }
}

impl Measures {
    /// Whether nothing was ever appended.
    pub(in crate::store) fn is_empty(&self, connection: &Connection) -> Result<bool, MeasuresError> {
        let stored = self.status(connection)?;
        Ok(stored.segments == 0 && stored.journal_bytes <= stored.journals * FILE_HEADER_BYTES)
    }

    /// Writes what another store kept, in the order of the metrics' numbers; how many metrics. Nobody may write meanwhile.
    ///
    /// # Errors
    /// What `wholes` gives, and when the system refuses; then nothing of it is there.
    pub(in crate::store) fn restore<E: From<MeasuresError>>(
        &self,
        connection: &Connection,
        policies: &Policies,
        wholes: impl Iterator<Item = Result<Whole, E>>,
    ) -> Result<u64, E> {
        let _lock = Lock::wait(&self.folder().join("lock"))?;
        let manifest = Manifest::read(connection)?;
        let ids = [manifest.next_id, manifest.next_id + 1];
        let mut writers = [
            SegmentWriter::create(self.path(ids[0]), self.salt())?,
            SegmentWriter::create(self.path(ids[1]), self.salt())?,
        ];
        let mut counts = [0; 2];
        let metrics = write_wholes(policies, wholes, &mut writers, &mut counts)?;
        let [windows, spans] = writers;
        let mut change = Change::default();
        for (writer, (id, (kind, points))) in [windows, spans]
            .into_iter()
            .zip(ids.into_iter().zip([Kind::Windows, Kind::Spans].into_iter().zip(counts)))
        {
            if writer.is_empty() {
                continue;
            }
            let bytes = writer.finish()?;
            // Densely packed: as if it had been merged.
            change.added.push(Listed {
                id,
                kind,
                level: 1,
                first_journal: 0,
                last_journal: 0,
                bytes,
                points,
            });
        }
        change.commit(connection)?;
        Ok(metrics)
    }
}

fn write_wholes<E: From<MeasuresError>>(
    policies: &Policies,
    wholes: impl Iterator<Item = Result<Whole, E>>,
    [windows, spans]: &mut [SegmentWriter; 2],
    counts: &mut [u64; 2],
) -> Result<u64, E> {
    let mut metrics = 0;
    for whole in wholes {
        let whole = whole?;
        let Some(newest) = whole.newest.filter(|_| policies.of(whole.metric).is_some()) else { continue };
        let window = Window::of(&whole, newest);
        write_window(whole.metric, &window, &whole.points, windows)?;
        for (number, of) in whole.spans.iter().enumerate() {
            write_all(whole.metric, number, of, Packing::Dense, spans)?;
            counts[1] += of.starts.len() as u64;
        }
        counts[0] += whole.points.len() as u64;
        metrics += 1;
    }
    Ok(metrics)
}
