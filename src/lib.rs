//! Telemetry as six Unix filters: the library behind `telemetry-poll`, `-listen`, `-publish`, `-aggregate`,
//! `-events` and `-alarm`.
//!
//! Modules are floors; each uses lower floors only (ARCHITECTURE.md, and a test that enforces it).

pub mod base;
pub mod cli;
pub mod define;
pub mod model;
pub mod notify;
pub mod operations;
pub mod pipeline;
pub mod poll;
pub mod query;
pub mod rule;
pub mod series;
pub mod serve;
pub mod sink;
pub mod source;
pub mod store;
pub mod wire;
pub mod work;
