//! Floor 4 · Engines, doors and time put together: what a run of a filter is.

pub mod records;
pub mod rollup;
