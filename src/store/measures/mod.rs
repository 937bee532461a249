//! The points of all metrics: an engine for time series that processes share without a server.
//!
//! `journal` takes points, each append whole or not at all (`frame`). `maintain` cuts it into segments of arrivals (`cut`),
//! makes spans of what can change no more (`roll`) and merges segments (`merge`); `manifest` says which segments there are, `salt` what of their bytes
//! is the store's own.
//! `snapshot` reads: spans from segments, and those that can still change from points by the rule of `window`, which the roll
//! obeys too; `memory` spares a process that goes on to read journals again. docs/format.md says what is on disk. Never here: names of metrics, resources, JSON.

#[cfg(test)]
mod adversary;
mod bits;
mod check;
mod chunk;
mod cut;
#[cfg(test)]
mod damage;
mod engine;
mod error;
#[cfg(test)]
mod forgery;
mod frame;
#[cfg(test)]
mod fuzz;
mod horizon;
mod journal;
#[cfg(test)]
mod laws;
mod maintain;
mod manifest;
mod memory;
#[cfg(test)]
mod memory_laws;
mod merge;
mod owner;
mod policies;
mod repair;
mod roll;
mod salt;
mod segment;
mod snapshot;
mod status;
#[cfg(test)]
mod testing;
mod times;
mod timespan;
mod unit;
mod values;
mod whole;
mod window;
mod writer;

pub use check::Checked;
pub use engine::Measures;
pub use error::{Damaged, MeasuresError};
pub use frame::Arrival;
pub use horizon::{Arrived, Horizon};
pub use maintain::{Effort, JOURNAL_BYTES_MAX, Maintained};
pub use manifest::SCHEMA;
pub use policies::Policies;
pub use repair::Repaired;
pub use snapshot::{Activity, Selection, Snapshot, Wanted};
pub use status::Stored;
pub use whole::Whole;
pub use writer::{Appended, Found, Writer};
