//! Segments of one kind become one: fewer to look into, longer chunks, and what nobody can see any more is left out.

use super::chunk::{Packing, no_spans_of, read_spans};
use super::error::{Damaged, MeasuresError};
use super::policies::Policies;
use super::roll::{lowest, write_all};
use super::segment::{Cursor, Segment, SegmentWriter, tag};
use super::timespan::forget;
use crate::series::Spans;
use crate::store::MetricNumber;

/// Joins arrivals, oldest first; their chunks stay as they are.
pub(super) fn merge_arrivals(
    segments: &[&Segment],
    policies: &Policies,
    out: &mut SegmentWriter,
) -> Result<(), MeasuresError> {
    let mut cursors: Vec<Cursor<'_>> = segments.iter().map(|segment| segment.cursor()).collect();
    while let Some(metric) = lowest(cursors.iter_mut())? {
        if policies.of(metric).is_none() {
            cursors.iter_mut().try_for_each(|cursor| cursor.skip(metric))?;
            continue;
        }
        for cursor in &mut cursors {
            while cursor.peek()? == Some(metric) {
                if let Some(entry) = cursor.next()? {
                    out.entry(metric, entry.tag, |out| out.extend_from_slice(entry.bytes))?;
                }
            }
        }
    }
    Ok(())
}

/// Joins spans, oldest first, and packs them densely; how many rows.
///
/// What the newest row here puts out of the policy's timespan is left out: the newest there is can only be newer.
pub(super) fn merge_spans(
    segments: &[&Segment],
    policies: &Policies,
    out: &mut SegmentWriter,
) -> Result<u64, MeasuresError> {
    let mut cursors: Vec<Cursor<'_>> = segments.iter().map(|segment| segment.cursor()).collect();
    let mut rows = 0;
    while let Some(metric) = lowest(cursors.iter_mut())? {
        let Some(policy) = policies.of(metric) else {
            cursors.iter_mut().try_for_each(|cursor| cursor.skip(metric))?;
            continue;
        };
        let mut spans = no_spans_of(policy);
        for cursor in &mut cursors {
            read_all(cursor, metric, &mut spans)?;
        }
        for (number, (mut spans, definition)) in spans.into_iter().zip(policy.definition()).enumerate() {
            if let Some(timespan) = definition.timespan() {
                forget(&mut spans, timespan);
            }
            rows += spans.starts.len() as u64;
            write_all(metric, number, &spans, Packing::Dense, out)?;
        }
    }
    Ok(rows)
}

/// Reads all spans of `metric` behind those that are there, one for each granularity of its policy; the cursor stands at the
/// first of them, or behind where it would be.
pub(super) fn read_all(
    cursor: &mut Cursor<'_>,
    metric: MetricNumber,
    spans: &mut [Spans],
) -> Result<(), MeasuresError> {
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
