//! Floor 1 · What a configuration says about names: globs and selections of meters.
//!
//! Pure: no file, no clock, no network.

pub mod document;
mod glob;
mod made;
mod selection;

pub use glob::Glob;
pub use made::MadeSample;
pub use selection::{BadSelection, Selection};
