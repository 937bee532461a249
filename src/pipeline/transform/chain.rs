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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::model::Node;
    use crate::pipeline::{Checks, Kind, read};

    /// Every transformer, one behind the other, in two orders.
    const FILE: &str = r#"
sources: []
sinks:
  - name: k
    publishers: [test]
    transformers:
      - {name: unit_conversion, parameters: {source: {map_from: {name: "(a)(b)?"}}, target: {map_to: {name: '\1x\2'}, scale: "volume / (resource_metadata.n or 1)"}}}
      - {name: rate_of_change, parameters: {target: {name: "r", max: 100, scale: "1e3"}}}
      - {name: aggregator, parameters: {size: 3, retention_time: 5, user_id: last}}
      - {name: accumulator, parameters: {size: 2}}
      - {name: arithmetic, parameters: {target: {expr: "$(r) ** 2 // $(r).resource_metadata.n"}}}
      - {name: delta, parameters: {growth_only: true}}
  - name: l
    publishers: [test]
    transformers:
      - {name: delta}
      - {name: accumulator, parameters: {size: 3}}
      - {name: rate_of_change}
"#;

    fn plans() -> Vec<Vec<Plan>> {
        let checks = Checks { schemes: &[], address: &|_| Ok(()) };
        let read = read("f", FILE, Kind::Samples, &checks).unwrap();
        read.sinks.into_iter().map(|sink| sink.transformers).collect()
    }

    #[derive(Default)]
    struct Found {
        passed: Vec<String>,
        dropped: usize,
    }

    impl Drops for Found {
        fn passed(&mut self, sample: Sample<'_>) {
            assert!(sample.volume.to_f64().is_finite());
            self.passed.push(serde_json::to_string(&sample.into_node()).unwrap());
        }

        fn dropped(&mut self, _step: usize, _why: Dropped) {
            self.dropped += 1;
        }
    }

    fn line((name, resource, kind, seconds, volume, n): (u8, u8, u8, i64, f64, i8)) -> String {
        let name = ["a", "ab", "ba", "r"][usize::from(name % 4)];
        let kind = ["gauge", "delta", "cumulative", "?"][usize::from(kind % 4)];
        let volume = if volume.fract() == 0.0 { format!("{volume:.0}") } else { volume.to_string() };
        format!(
            r#"{{"name":"{name}","type":"{kind}","unit":"B","volume":{volume},"resource_id":"{resource}","user_id":null,"timestamp":{seconds},"resource_metadata":{{"n":{n}}}}}"#
        )
    }

    proptest! {
        #[test]
        fn no_sample_breaks_a_chain_and_pauses_between_polls_change_nothing(
            samples in prop::collection::vec(
                (0..4u8, 0..3u8, 0..4u8, 0..40i64, prop_oneof![-1e6..1e6f64, Just(0.0), Just(1e18), Just(5.0)], any::<i8>()),
                0..40,
            ),
            pauses in prop::collection::vec(any::<bool>(), 40),
        ) {
            // Polls come in the order of time, two seconds apart.
            let mut samples = samples;
            samples.sort_by_key(|sample| sample.3);
            samples.iter_mut().for_each(|sample| sample.3 *= 2);
            for plans in plans() {
                let (mut whole, mut cut) = (Found::default(), Found::default());
                let (mut one, mut other) = (Chain::new(&plans), Chain::new(&plans));
                for (index, sample) in samples.iter().enumerate() {
                    let line = line(*sample);
                    let node: Node<'_> = serde_json::from_str(&line).unwrap();
                    let Ok(read) = Sample::of_node(node) else { continue };
                    one.take(read.clone(), &mut whole);
                    other.take(read, &mut cut);
                    let ends = samples.get(index + 1).is_none_or(|next| next.3 != sample.3);
                    if ends && pauses[index] {
                        other.flush(&mut cut);
                        // A batch that was ended twice has ended once.
                        other.flush(&mut cut);
                    }
                }
                one.flush(&mut whole);
                other.flush(&mut cut);
                one.finish(&mut whole);
                other.finish(&mut cut);
                prop_assert_eq!(whole.passed, cut.passed);
                prop_assert_eq!(whole.dropped, cut.dropped);
                prop_assert_eq!(one.held(), 0);
            }
        }
    }
}
