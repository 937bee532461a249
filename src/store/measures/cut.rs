//! A journal becomes a segment: its points put together by metric, each metric's in the order in which they came.

use super::chunk::{CHUNK_MAX, write_points};
use super::error::MeasuresError;
use super::journal::{JournalReader, Next};
use super::policies::Policies;
use super::segment::{SegmentWriter, tag};
use crate::series::Point;
use crate::store::MetricNumber;

/// Writes the points of `journal` into `out`, without those of deleted metrics; how many.
///
/// O(points), 16 bytes of memory each: they are counted in a first pass and put in their place in a second.
///
/// # Errors
/// [`MeasuresError::Damaged`] where the journal is: nothing of it is thrown away by leaving it out.
pub(super) fn cut(
    journal: &mut JournalReader,
    policies: &Policies,
    out: &mut SegmentWriter,
) -> Result<u64, MeasuresError> {
    let mut ends: Vec<u32> = Vec::new();
    each_frame(journal, |metric| {
        let at = metric.0 as usize;
        if ends.len() <= at {
            ends.resize(at + 1, 0);
        }
        ends[at] += 1;
    })?;
    let mut sum = 0;
    for (metric, end) in ends.iter_mut().enumerate() {
        let count = if policies.of(MetricNumber(metric as u32)).is_some() { *end } else { 0 };
        *end = sum;
        sum += count;
    }
    let mut points = vec![Point { timestamp: Default::default(), value: 0.0 }; sum as usize];
    journal.rewind();
    let path = journal.path().to_owned();
    while let Next::Frame(frame) = journal.next()? {
        let read = frame.read(
            |metric| policies.of(metric).is_some(),
            |metric, point| {
                let place = &mut ends[metric.0 as usize];
                points[*place as usize] = point;
                *place += 1;
            },
        );
        read.map_err(MeasuresError::damaged(&path, 0))?;
    }
    let mut start = 0;
    for (metric, end) in ends.iter().enumerate() {
        for some in points[start..*end as usize].chunks(CHUNK_MAX) {
            out.entry(MetricNumber(metric as u32), tag::POINTS, |out| write_points(some, out))?;
        }
        start = *end as usize;
    }
    Ok(u64::from(sum))
}

/// Calls `take` with the metric of every point.
fn each_frame(journal: &mut JournalReader, mut take: impl FnMut(MetricNumber)) -> Result<(), MeasuresError> {
    journal.rewind();
    let path = journal.path().to_owned();
    loop {
        match journal.next()? {
            Next::Frame(frame) => {
                frame.read(|_| true, |metric, _| take(metric)).map_err(MeasuresError::damaged(&path, 0))?;
            }
            Next::Damaged { at, what, .. } => return Err(MeasuresError::damaged(&path, at)(what)),
            Next::End | Next::Torn { .. } => return Ok(()),
        }
    }
}
