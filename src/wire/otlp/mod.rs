//! OpenTelemetry's OTLP 1.x: the bodies of metrics exports, in JSON and in Protocol Buffers.
//!
//! The metric's name and unit are the sample's. The attributes of the resource and of the point, and the scope's name as
//! `otel.scope.name`, are the metadata. `resource_id` is the first there is of the attributes `resource_id`,
//! `service.instance.id`, `host.name`, `host.id`, `container.id`, `k8s.pod.uid` and `service.name`.
//!
//! | data | samples |
//! |---|---|
//! | gauge | `NAME` (gauge) |
//! | sum | `NAME`: cumulative; delta if its temporality is that; gauge if it is not monotonic and not delta |
//! | histogram | `NAME.count`, `NAME.sum` (cumulative or delta), `NAME.min`, `NAME.max` (gauges), `NAME.bucket` (as the count), one for each bound: how many values were at most `le` |
//! | exponential histogram | the same without buckets |
//! | summary | `NAME.count`, `NAME.sum` (cumulative), `NAME` (gauge) for each `quantile` |
//!
//! JSON is also taken as Ceilometer's publisher `opentelemetryhttp` writes it (27.0.0): names in snake_case, `counter`
//! for a sum, seconds where nanoseconds belong, dots of names replaced but kept in the description.

mod json;
mod point;
mod protobuf;
mod write;

pub use json::Json;
pub use protobuf::Protobuf;
pub use write::MetricsRequest;
