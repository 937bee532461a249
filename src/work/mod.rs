//! Floor 4 · Engines, doors and time put together: what a run of a filter is.

pub mod aggregates;
pub mod checked;
pub mod collect;
pub mod evaluate;
pub mod filter;
pub mod ingest;
pub mod measures;
pub mod pipeline;
pub mod poll;
pub mod records;
pub mod relay;
pub mod rollup;
pub mod stored;
pub mod transfer;
