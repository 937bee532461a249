//! All that is kept of a metric, out of one store and into another.

use std::fs;

use rusqlite::Connection;

use super::chunk::{CHUNK_MAX, Packing, kept, no_spans, read_spans, write_points};
use super::engine::Measures;
use super::error::{Damaged, MeasuresError};
use super::journal::{FILE_HEADER_BYTES, Lock};
use super::manifest::{Change, Kind, Listed, Manifest};
use super::policies::Policies;
use super::roll::write_all;
use super::segment::{Cursor, SegmentWriter, tag};
use super::snapshot::{Snapshot, Wanted};
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
        let begin = || segments.iter().map(|segment| segment.cursor()).collect();
        let mut cursors: Vec<Cursor<'_>> = begin();
        let mut before = None;
        let mut windows = Vec::new();
        self.windows(wanted, |place, window| {
            windows.push((place, window));
            Ok(())
        })?;
        for (place, mut window) in windows {
            let Wanted { metric, policy } = wanted[place];
            // Cursors have passed a metric that is wanted twice.
            if before.replace(metric) == Some(metric) {
                cursors = begin();
            }
            let kept = kept(policy.methods());
            let mut spans: Vec<Spans> =
                policy.definition().iter().map(|of| no_spans(of.granularity, &kept)).collect();
            for cursor in &mut cursors {
                read_all(cursor, metric, &mut spans)?;
            }
            window.roll(policy, &kept, |number, closed| append(&mut spans[number], closed));
            let Window { newest, late, taken, replaced, .. } = window;
            let points = window.points().to_vec();
            take(
                place,
                Whole { metric, newest, floor: window.floor(), late, taken, replaced, points, spans },
            )?;
        }
        Ok(())
    }
}

/// Reads all spans of a metric.
fn read_all(cursor: &mut Cursor<'_>, metric: MetricNumber, spans: &mut [Spans]) -> Result<(), MeasuresError> {
    cursor.seek(metric)?;
    while cursor.peek()? == Some(metric) {
        let at = cursor.offset();
        let Some(entry) = cursor.next()? else { break };
        let number = usize::from(entry.tag.wrapping_sub(tag::SPANS));
        let read = match spans.get_mut(number) {
            Some(spans) => read_spans(entry.bytes, spans),
            None => Err(Damaged("spans of a granularity that the policy has not")),
        };
        read.map_err(|what| cursor.fault(at, what))?;
    }
    Ok(())
}

/// Puts rows behind others, with the same columns.
fn append(spans: &mut Spans, more: Spans) {
    let before = spans.starts.len();
    spans.starts.extend_from_slice(&more.starts);
    for (column, more) in spans.columns.iter_mut().zip(more.columns) {
        if column.present.is_some() || more.present.is_some() {
            let present = column.present.get_or_insert_with(|| vec![true; before]);
            match &more.present {
                Some(more) => present.extend_from_slice(more),
                None => present.extend(std::iter::repeat_n(true, more.values.len())),
            }
        }
        column.values.extend_from_slice(&more.values);
    }
}

impl Measures {
    /// Whether nothing was ever appended.
    pub(in crate::store) fn is_empty(&self, connection: &Connection) -> Result<bool, MeasuresError> {
        let manifest = Manifest::read(connection)?;
        let mut bytes = 0;
        for sequence in self.journals.list()?.into_iter().filter(|of| *of >= manifest.first_journal) {
            let length = fs::metadata(self.journals.path(sequence)).map_or(0, |metadata| metadata.len());
            bytes += length.saturating_sub(FILE_HEADER_BYTES);
        }
        Ok(manifest.segments.is_empty() && bytes == 0)
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
        let mut writers =
            [SegmentWriter::create(self.path(ids[0]))?, SegmentWriter::create(self.path(ids[1]))?];
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
        let (Some(policy), Some(newest)) = (policies.of(whole.metric), whole.newest) else { continue };
        let window = Window::of(&whole, newest, policy);
        windows.entry(whole.metric, tag::STATE, |out| window.write_state(out))?;
        for some in whole.points.chunks(CHUNK_MAX) {
            windows.entry(whole.metric, tag::POINTS, |out| write_points(some, out))?;
        }
        for (number, of) in whole.spans.iter().enumerate() {
            write_all(whole.metric, number, of, Packing::Dense, spans)?;
            counts[1] += of.starts.len() as u64;
        }
        counts[0] += whole.points.len() as u64;
        metrics += 1;
    }
    Ok(metrics)
}
