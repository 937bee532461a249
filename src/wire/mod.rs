//! Floor 1 · Bytes and records, both ways. One file or folder a format.
//!
//! Pure: bytes in, values out. Where the bytes come from is a source's business.

pub mod columns;
mod decoder;
pub mod json;
pub mod oslo;
pub mod prometheus;
pub mod signature;

pub use decoder::{Decoder, Faults};
