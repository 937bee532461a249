//! Floor 1 · What a configuration says about names: globs and selections of meters.
//!
//! Pure: no file, no clock, no network.

pub mod document;
pub mod endpoint;
mod glob;
mod made;
mod selection;
pub mod stock;

pub use glob::Glob;
pub use made::{MadeSample, Sent};
pub use selection::{BadSelection, Selection};
