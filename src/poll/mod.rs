//! Floor 3 · Sources of samples that are asked, one file or folder each.
//!
//! A pollster asks one outside thing (this host, libvirt) and hands over samples; it neither sleeps nor prints.
//! When and how often it is asked is `work::poll`'s business.

pub mod host;
pub mod libvirt;

use std::fmt::Display;

use crate::define::Selection;
use crate::model::{Sample, SampleType, Timestamp};

/// One meter that a pollster can report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Meter {
    /// Its name, `cpu`.
    pub name: &'static str,
    /// How its volumes relate to each other.
    pub sample_type: SampleType,
    /// The unit of its volumes.
    pub unit: &'static str,
    /// What it measures, in one line.
    pub meaning: &'static str,
}

/// One round of asking: when it is, and what is wanted.
#[derive(Clone, Debug)]
pub struct Round<'a> {
    /// The timestamp of the round's samples.
    pub timestamp: Timestamp,
    /// Seconds of a clock that never jumps, at the same moment.
    pub monotonic_seconds: f64,
    /// The meters that the user wants.
    pub selection: &'a Selection,
}

/// Takes what a pollster finds.
pub trait Taker {
    /// A sample.
    fn sample(&mut self, sample: Sample);
    /// Something could not be measured; `what` names it (a domain, a device), everything else goes on.
    fn failed(&mut self, what: &str, why: &dyn Display);
}

/// A source of samples.
pub trait Pollster {
    /// What the user calls it: `host`, `libvirt:qemu:///system`.
    fn name(&self) -> &str;

    /// All that it can report, in the order of `telemetry-poll list`.
    fn meters(&self) -> &'static [Meter];

    /// Asks once; failures of parts are reported to `taker` and cost only their own samples.
    fn poll(&mut self, round: &Round<'_>, taker: &mut dyn Taker);
}
