//! Floor 1 · What a configuration says about names and notifications: globs, selections of meters, definitions.
//!
//! Pure: no file, no clock, no network.

pub mod document;
pub mod endpoint;
mod event;
mod field;
mod glob;
mod isotime;
#[cfg(test)]
mod laws;
mod made;
mod meter;
pub mod path;
pub mod pattern;
mod plugin;
mod read;
mod selection;
pub mod stock;
mod subject;

pub use event::{EventDefinitions, EventDraft, EventOptions, TraitDraft};
pub use field::Field;
pub use glob::Glob;
pub use isotime::IsoTime;
pub use made::{MadeSample, Sent};
pub use meter::{Lost, Metadata, MeterDefinitions, SampleDraft, is_true, number};
pub use selection::{BadSelection, Selection};
pub use subject::Subject;
