//! Floor 3 · What survives a restart: `index` says what there is, `measures` keeps the points.
//!
//! Never `wire`: the bytes on disk are not the bytes in the pipe (docs/format.md).

mod failure;
pub mod index;
pub mod measures;
mod number;
mod opened;

pub use number::MetricNumber;
pub use opened::{Store, StoreError};
