//! The messages of Prometheus' remote write 1.0, as its specification numbers their fields.

use prost::Message;

/// What one request carries.
#[derive(Clone, PartialEq, Message)]
pub struct WriteRequest {
    /// The series, each with its samples.
    #[prost(message, repeated, tag = "1")]
    pub timeseries: Vec<TimeSeries>,
    /// What is known of the metrics, by their names.
    #[prost(message, repeated, tag = "3")]
    pub metadata: Vec<MetricMetadata>,
}

/// One series.
#[derive(Clone, PartialEq, Message)]
pub struct TimeSeries {
    /// Sorted by name; `__name__` is the metric.
    #[prost(message, repeated, tag = "1")]
    pub labels: Vec<Label>,
    /// In the order of time.
    #[prost(message, repeated, tag = "2")]
    pub samples: Vec<Point>,
}

/// A name and a value.
#[derive(Clone, PartialEq, Message)]
pub struct Label {
    /// The name.
    #[prost(string, tag = "1")]
    pub name: String,
    /// The value.
    #[prost(string, tag = "2")]
    pub value: String,
}

/// Prometheus' word is sample.
#[derive(Clone, Copy, PartialEq, Message)]
pub struct Point {
    /// The value; a NaN of the bits 7ff0000000000002 ends the series.
    #[prost(double, tag = "1")]
    pub value: f64,
    /// Milliseconds since 1970.
    #[prost(int64, tag = "2")]
    pub timestamp: i64,
}

/// What is known of one metric.
#[derive(Clone, PartialEq, Message)]
pub struct MetricMetadata {
    /// 1 counter, 2 gauge, 3 histogram, 4 gauge histogram, 5 summary, 6 info, 7 stateset, 0 unknown.
    #[prost(int32, tag = "1")]
    pub metric_type: i32,
    /// The metric's name.
    #[prost(string, tag = "2")]
    pub metric_family_name: String,
    /// What it means.
    #[prost(string, tag = "4")]
    pub help: String,
    /// In what it is measured.
    #[prost(string, tag = "5")]
    pub unit: String,
}
