//! Floor 1 · Bytes and records, both ways. One file or folder a format.
//!
//! Pure: bytes in, values out. Where the bytes come from is a source's business.

pub mod columns;
mod decoder;
pub mod json;
pub mod otlp_json;
pub mod prometheus;
pub mod reading;
pub mod signature;

pub use decoder::{Decoder, Faults};
