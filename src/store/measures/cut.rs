//! A journal becomes a segment: its points put together by metric, each metric's in the order in which they came.

use super::chunk::{CHUNK_MAX, write_points};
use super::error::{Damaged, MeasuresError};
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
    let kept = |metric: MetricNumber| policies.of(metric).is_some();
    let mut ends: Vec<u32> = Vec::new();
    each_point(journal, kept, |metric, _| {
        let at = metric.0 as usize;
        if ends.len() <= at {
            ends.resize(at + 1, 0);
        }
        ends[at] += 1;
    })?;
    let mut sum = 0;
    for end in &mut ends {
        sum += std::mem::replace(end, sum);
    }
    let mut points = vec![Point { timestamp: Default::default(), value: 0.0 }; sum as usize];
    let mut placed = 0;
    each_point(journal, kept, |metric, point| {
        let place = ends.get_mut(metric.0 as usize).filter(|place| **place < sum);
        if let Some(place) = place {
            points[*place as usize] = point;
            *place += 1;
            placed += 1;
        }
    })?;
    if placed != sum {
        let what = Damaged("a journal changed while it was cut");
        return Err(MeasuresError::damaged(journal.path(), 0)(what));
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

/// Calls `take` with every point of the metrics that are `kept`.
fn each_point(
    journal: &mut JournalReader,
    kept: impl Fn(MetricNumber) -> bool,
    mut take: impl FnMut(MetricNumber, Point),
) -> Result<(), MeasuresError> {
    journal.rewind();
    let path = journal.path().to_owned();
    loop {
        let at = journal.offset();
        match journal.next()? {
            Next::Frame(frame) => {
                frame.read(&kept, &mut take).map_err(MeasuresError::damaged(&path, at))?;
            }
            Next::Damaged { at, what, .. } => return Err(MeasuresError::damaged(&path, at)(what)),
            Next::End | Next::Torn { .. } => return Ok(()),
        }
    }
}
