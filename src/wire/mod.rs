//! Floor 1 · Bytes and records, both ways. One file or folder a format.
//!
//! Pure: bytes in, values out. Where the bytes come from is a source's business.

pub mod collectd;
pub mod columns;
mod decoder;
mod identity;
pub mod influx;
pub mod json;
pub mod meter;
pub mod msgpack;
pub mod oslo;
pub mod otlp;
pub mod prometheus;
mod protobuf;
pub mod reading;
mod sample;
pub mod signature;
pub mod statsd;
#[cfg(test)]
mod testing;

pub use decoder::{Decoder, Faults};
pub use identity::Identities;
pub use sample::Origin;
