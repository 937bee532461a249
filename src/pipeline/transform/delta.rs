//! `delta`: how much a meter changed since the sample before.

use std::borrow::Cow;

use super::conversion::Renaming;
use super::recent::Recent;
use super::{Dropped, Taken, Transformer};
use crate::pipeline::number::Number;
use crate::pipeline::sample::Sample;

/// `delta` (`DeltaTransformer`, 8.1.5): the type becomes delta, the unit stays.
pub struct Delta {
    name: Renaming,
    growth_only: bool,
    /// Volume and microseconds.
    seen: Recent<Option<(Number, i64)>>,
}

impl Delta {
    /// Differences, named by `name`; with `growth_only` none below zero.
    pub fn new(name: Renaming, growth_only: bool) -> Delta {
        Delta { name, growth_only, seen: Recent::default() }
    }
}

impl Transformer for Delta {
    fn take<'a>(&mut self, mut sample: Sample<'a>) -> Result<Taken<'a>, Dropped> {
        let now = (sample.volume, sample.time.ns().div_euclid(1000));
        let seen = self.seen.entry(&sample.name, &sample.resource_id, || None);
        let Some((volume, microseconds)) = *seen else {
            *seen = Some(now);
            return Err(Dropped::First);
        };
        if now.1 < microseconds {
            return Err(Dropped::OutOfOrder);
        }
        *seen = Some(now);
        let change = now.0.minus(volume);
        if self.growth_only && change.compare(Number::Int(0)) == Some(std::cmp::Ordering::Less) {
            return Err(Dropped::NotGrowing);
        }
        self.name.apply(&mut sample.name);
        sample.sample_type = Cow::Borrowed("delta");
        sample.volume = change;
        sample.make_new();
        Ok(Taken::Passed(sample))
    }
}
