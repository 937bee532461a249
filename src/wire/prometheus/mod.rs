//! Prometheus: remote write 1.0 both ways, the text that exporters expose, and the text of a push.
//!
//! Read, the metric's name is the sample's; its labels are the metadata. `resource_id` is the label of that name, else
//! `JOB@INSTANCE` as in Gnocchi, else `instance`, else `job`. Counters, and the sums, counts and buckets of histograms
//! and summaries, are cumulative; all else is a gauge. What is not finite is no sample.

mod encode;
mod exposition;
mod family;
pub mod message;
mod name;
mod push;
mod readable;
mod remote_write;
mod series;

pub use encode::WriteBatch;
pub use exposition::Exposition;
pub use name::metric_name;
pub use push::Push;
pub use readable::readable;
pub use remote_write::RemoteWrite;
pub use series::{BadWrite, SentSeries, each_series, unpacked};
