//! The transformers of one sink, one behind the other.

use super::{Dropped, HELD_MAX, Plan, Taken, Transformer};
use crate::model::Timestamp;
use crate::pipeline::sample::Sample;

/// A batch ends when a sample is this much newer than the first of the batch. Samples of one poll are closer to each
/// other, polls further apart.
const BATCH_NS: i64 = 1_000_000_000;

/// Transformers at work.
///
/// Ceilometer flushes its transformers behind every message, which is about what one poll brought. Here a batch ends
/// where the caller says so ([`Chain::flush`]: the input pauses), and where a sample is over a second newer than the
/// first of the batch, so that a recorded file gives what the live stream gave.
pub struct Chain {
    steps: Vec<Box<dyn Transformer>>,
    batch_start: Option<Timestamp>,
    newest: Timestamp,
    /// Whether anything was taken since the last flush.
    is_dirty: bool,
}

/// Takes what comes out of a chain, and what was dropped on the way.
pub trait Drops {
    /// A sample has come through.
    fn passed(&mut self, sample: Sample<'_>);

    /// Nothing becomes of a sample; `step` is the transformer's place, from 0.
    fn dropped(&mut self, step: usize, why: Dropped);
}

impl Chain {
    /// Transformers as planned, which have seen nothing.
    pub fn new(plans: &[Plan]) -> Chain {
        let steps = plans.iter().map(Plan::start).collect();
        Chain { steps, batch_start: None, newest: Timestamp::from_ns(i64::MIN), is_dirty: false }
    }

    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// How many samples wait to be handed on.
    pub fn held(&self) -> usize {
        self.steps.iter().map(|step| step.held()).sum()
    }

    /// Takes one sample.
    pub fn take(&mut self, sample: Sample<'_>, out: &mut dyn Drops) {
        let start = *self.batch_start.get_or_insert(sample.time);
        if sample.time.ns().saturating_sub(start.ns()) > BATCH_NS {
            self.flush(out);
            self.batch_start = Some(sample.time);
        }
        self.newest = self.newest.max(sample.time);
        self.is_dirty = true;
        self.run(0, sample, out);
        for step in 0..self.steps.len() {
            if self.steps[step].held() > HELD_MAX {
                let mut handed_on = Vec::new();
                self.steps[step].finish(self.newest, &mut handed_on);
                self.hand_on(step, handed_on, out);
            }
        }
    }

    /// The batch has ended: what it is time for is handed on.
    pub fn flush(&mut self, out: &mut dyn Drops) {
        if !std::mem::take(&mut self.is_dirty) {
            return;
        }
        self.batch_start = None;
        for step in 0..self.steps.len() {
            let mut handed_on = Vec::new();
            self.steps[step].flush(self.newest, &mut handed_on);
            self.hand_on(step, handed_on, out);
        }
    }

    /// The input has ended: everything that was gathered is handed on. Ceilometer loses it when it ends.
    pub fn finish(&mut self, out: &mut dyn Drops) {
        for step in 0..self.steps.len() {
            let mut handed_on = Vec::new();
            self.steps[step].finish(self.newest, &mut handed_on);
            self.hand_on(step, handed_on, out);
        }
        (self.batch_start, self.is_dirty) = (None, false);
    }

    fn hand_on(&mut self, step: usize, samples: Vec<Result<Sample<'static>, Dropped>>, out: &mut dyn Drops) {
        for sample in samples {
            match sample {
                Ok(sample) => self.run(step + 1, sample, out),
                Err(why) => out.dropped(step, why),
            }
        }
    }

    /// Takes `sample` through the transformers from `first` on.
    fn run(&mut self, first: usize, mut sample: Sample<'_>, out: &mut dyn Drops) {
        for (step, transformer) in self.steps.iter_mut().enumerate().skip(first) {
            match transformer.take(sample) {
                Ok(Taken::Passed(passed)) if passed.volume.to_f64().is_finite() => sample = passed,
                Ok(Taken::Passed(_)) => return out.dropped(step, Dropped::NotFinite),
                Ok(Taken::Held) => return,
                Err(why) => return out.dropped(step, why),
            }
        }
        out.passed(sample);
    }
}
