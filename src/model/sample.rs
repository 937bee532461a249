//! A sample: one measurement of one meter of one resource at one time.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Number, Value};

use super::Timestamp;

/// How the volumes of a meter relate to each other (Ceilometer's `type`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SampleType {
    /// A value that goes up and down.
    Gauge,
    /// The change since the sample before.
    Delta,
    /// A counter that only grows, until it is reset.
    Cumulative,
}

impl SampleType {
    /// The word on the wire.
    pub fn name(self) -> &'static str {
        match self {
            SampleType::Gauge => "gauge",
            SampleType::Delta => "delta",
            SampleType::Cumulative => "cumulative",
        }
    }
}

/// One measurement, in the key order of Ceilometer 27.0.0's `Sample.as_dict`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sample {
    /// The meter's name, `cpu` or `disk.device.read.bytes`.
    pub name: String,
    /// Gauge, delta or cumulative.
    #[serde(rename = "type")]
    pub sample_type: SampleType,
    /// The unit of `volume`, `ns` or `MiB`.
    pub unit: String,
    /// The value; integers stay integers.
    pub volume: Number,
    /// The user who owns the resource.
    pub user_id: Option<String>,
    /// That user's name, where the source tells it.
    #[serde(default)]
    pub user_name: Option<String>,
    /// The project that owns the resource.
    pub project_id: Option<String>,
    /// That project's name, where the source tells it.
    #[serde(default)]
    pub project_name: Option<String>,
    /// What was measured.
    pub resource_id: String,
    /// When it was measured.
    pub timestamp: Timestamp,
    /// What else is known of the resource; shared, because all meters of a resource say the same of it.
    pub resource_metadata: Arc<Map<String, Value>>,
    /// Where the sample comes from; Ceilometer writes `openstack`.
    pub source: String,
    /// A random identity of this very sample.
    pub id: String,
    /// Seconds of a clock that never jumps, for rates; only comparable on one host between two boots.
    pub monotonic_time: Option<f64>,
}
