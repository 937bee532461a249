//! `accumulator`: holds samples back until there are enough, and hands them on together.

use super::{Dropped, Taken, Transformer};
use crate::model::Timestamp;
use crate::pipeline::sample::Sample;

/// `accumulator` (`TransformerAccumulator`, 8.1.5).
pub struct Accumulator {
    /// How many are enough; with 0 nothing is held.
    pub size: usize,
    /// Those that wait.
    pub samples: Vec<Sample<'static>>,
}

impl Transformer for Accumulator {
    fn take<'a>(&mut self, sample: Sample<'a>) -> Result<Taken<'a>, Dropped> {
        if self.size == 0 {
            return Ok(Taken::Passed(sample));
        }
        self.samples.push(sample.into_owned());
        Ok(Taken::Held)
    }

    fn flush(&mut self, now: Timestamp, out: &mut Vec<Result<Sample<'static>, Dropped>>) {
        if self.samples.len() >= self.size {
            self.finish(now, out);
        }
    }

    fn finish(&mut self, _now: Timestamp, out: &mut Vec<Result<Sample<'static>, Dropped>>) {
        out.extend(self.samples.drain(..).map(Ok));
    }

    fn held(&self) -> usize {
        self.samples.len()
    }
}
