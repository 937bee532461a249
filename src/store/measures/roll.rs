//! The roll: of all arrivals, what can change no more becomes spans, and what can stays in windows.

use super::chunk::{CHUNK_MAX, Packing, kept, write_points, write_spans};
use super::error::MeasuresError;
use super::policies::Policies;
use super::segment::{Cursor, Segment, SegmentWriter, tag};
use super::snapshot::{replay, restored};
use super::window::Window;
use crate::series::{Point, Spans};
use crate::store::MetricNumber;

/// How much a roll wrote.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Rolled {
    /// Points that stay in windows.
    pub(super) points: u64,
    /// Rows of spans.
    pub(super) rows: u64,
}

/// Reads the last windows and all arrivals behind them, oldest first, and writes the new windows and the new spans.
///
/// Metrics without a policy are deleted ones: nothing of them is written.
pub(super) fn roll(
    windows: Option<&Segment>,
    arrivals: &[&Segment],
    policies: &Policies,
    new_windows: &mut SegmentWriter,
    new_spans: &mut SegmentWriter,
) -> Result<Rolled, MeasuresError> {
    let mut base = windows.map(Segment::cursor);
    let mut cursors: Vec<Cursor<'_>> = arrivals.iter().map(|segment| segment.cursor()).collect();
    let mut rolled = Rolled::default();
    while let Some(metric) = lowest(base.iter_mut().chain(&mut cursors))? {
        let Some(policy) = policies.of(metric) else {
            base.iter_mut().chain(&mut cursors).try_for_each(|cursor| cursor.skip(metric))?;
            continue;
        };
        let mut window = match &mut base {
            Some(base) => restored(base, metric, policy)?,
            None => Window::new(),
        };
        for cursor in &mut cursors {
            replay(cursor, metric, policy, &mut window)?;
        }
        window.settle();
        let mut written = Ok(());
        window.roll(policy, &kept(policy.methods()), |number, spans| {
            rolled.rows += spans.starts.len() as u64;
            if written.is_ok() {
                written = write_all(metric, number, &spans, Packing::Quick, new_spans);
            }
        });
        written?;
        write_window(metric, &window, window.points(), new_windows)?;
        rolled.points += window.points().len() as u64;
    }
    Ok(rolled)
}

/// The lowest metric that a cursor stands at.
pub(super) fn lowest<'c, 's: 'c>(
    cursors: impl Iterator<Item = &'c mut Cursor<'s>>,
) -> Result<Option<MetricNumber>, MeasuresError> {
    let mut lowest = None;
    for cursor in cursors {
        if let Some(metric) = cursor.peek()? {
            lowest = Some(lowest.map_or(metric, |known: MetricNumber| known.min(metric)));
        }
    }
    Ok(lowest)
}

/// Writes a window: its state, and these points of it in chunks.
pub(super) fn write_window(
    metric: MetricNumber,
    window: &Window,
    points: &[Point],
    out: &mut SegmentWriter,
) -> Result<(), MeasuresError> {
    out.entry(metric, tag::STATE, |out| window.write_state(out))?;
    for some in points.chunks(CHUNK_MAX) {
        out.entry(metric, tag::POINTS, |out| write_points(some, out))?;
    }
    Ok(())
}

/// Writes the spans of the policy's granularity `number` in chunks.
pub(super) fn write_all(
    metric: MetricNumber,
    number: usize,
    spans: &Spans,
    packing: Packing,
    out: &mut SegmentWriter,
) -> Result<(), MeasuresError> {
    let rows = spans.starts.len();
    for from in (0..rows).step_by(CHUNK_MAX) {
        let to = rows.min(from + CHUNK_MAX);
        out.entry(metric, tag::SPANS + number as u8, |out| write_spans(spans, from, to, packing, out))?;
    }
    Ok(())
}
