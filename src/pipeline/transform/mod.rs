//! The transformers of Ceilometer's Ocata release (8.1.5, the last line that had them).
//!
//! A [`Plan`] is what the file says; a [`Chain`] is the transformers of one sink at work. `conversion` has what several
//! share: new names, units, types and scales. What a transformer keeps is bounded: of rates and deltas the resources
//! that were seen longest ago are forgotten, what gathers is handed on early.

mod accumulator;
mod aggregator;
mod arithmetic;
mod chain;
mod conversion;
mod delta;
mod mapping;
mod plan;
mod rate;
mod recent;
mod scaling;

use thiserror::Error;

pub use chain::{Chain, Drops};
pub use plan::{NAMES, Plan, plan};

use super::expression::NoValue;
use super::sample::Sample;
use crate::model::Timestamp;

/// Samples, or groups of them, that one transformer gathers before it hands them on early: 100 MB of usual samples.
pub const HELD_MAX: usize = 100_000;
/// Meters of resources of which one transformer knows the last sample; 100 MB of usual names.
pub const STATES_MAX: usize = 1_000_000;

/// One transformer at work.
pub trait Transformer: Send {
    /// What becomes of `sample`.
    ///
    /// # Errors
    /// [`Dropped`] when nothing does.
    fn take<'a>(&mut self, sample: Sample<'a>) -> Result<Taken<'a>, Dropped>;

    /// A batch has ended: appends to `out` what was gathered, if it is time. `now` is the newest time seen.
    fn flush(&mut self, _now: Timestamp, _out: &mut Vec<Result<Sample<'static>, Dropped>>) {}

    /// The input has ended, or too much is held: as [`Transformer::flush`], and it is time.
    fn finish(&mut self, now: Timestamp, out: &mut Vec<Result<Sample<'static>, Dropped>>) {
        self.flush(now, out);
    }

    /// How many samples wait to be handed on.
    fn held(&self) -> usize {
        0
    }
}

/// What became of a sample.
// Most samples pass, and a box for each would cost an allocation.
#[derive(Debug, PartialEq)]
#[allow(clippy::large_enum_variant, reason = "one at a time, and most pass")]
pub enum Taken<'a> {
    /// It goes on.
    Passed(Sample<'a>),
    /// It waits for others.
    Held,
}

/// Why nothing becomes of a sample.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum Dropped {
    /// There is none before it to compare it with.
    #[error("the first of its meter and resource")]
    First,
    /// It is older than the one before it.
    #[error("older than the sample before it")]
    OutOfOrder,
    /// It is less than the one before it, and only growth is wanted.
    #[error("less than the sample before it")]
    NotGrowing,
    /// No expression names its meter.
    #[error("not part of the expression")]
    NotNamed,
    /// Its new volume cannot be computed.
    #[error("{0}")]
    NoValue(#[from] NoValue),
    /// Its new volume is infinite, or no number.
    #[error("the result is no finite number")]
    NotFinite,
}

impl Dropped {
    /// Under which name the books count it.
    pub fn reason(&self) -> &'static str {
        match self {
            Dropped::First => "dropped_first",
            Dropped::OutOfOrder => "dropped_out_of_order",
            Dropped::NotGrowing => "dropped_not_growing",
            Dropped::NotNamed => "dropped_not_named",
            Dropped::NoValue(_) | Dropped::NotFinite => "dropped_not_computed",
        }
    }

    /// Whether it tells of something wrong, and not of what the transformer is for.
    pub fn is_trouble(&self) -> bool {
        matches!(self, Dropped::OutOfOrder | Dropped::NoValue(_) | Dropped::NotFinite)
    }
}
