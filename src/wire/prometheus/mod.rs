//! Prometheus' wires: remote write, and the text of a Pushgateway.

mod encode;
mod exposition;
pub mod message;
mod name;

pub use encode::WriteBatch;
pub use exposition::Exposition;
pub use name::metric_name;
