//! Prometheus: remote write and the text exposition format.

pub mod message;
