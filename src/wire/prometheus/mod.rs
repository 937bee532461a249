//! Prometheus: remote write 1.0 and the text that exporters expose.
//!
//! The metric's name is the sample's; its labels are the metadata. `resource_id` is the label of that name, else
//! `JOB@INSTANCE` as in Gnocchi, else `instance`, else `job`. Counters, and the sums, counts and buckets of histograms
//! and summaries, are cumulative; all else is a gauge. What is not finite is no sample.

mod exposition;
mod family;
pub mod message;
mod remote_write;

pub use exposition::Exposition;
pub use remote_write::RemoteWrite;
