//! What both encodings of OTLP say, and the samples that become of it.

use std::borrow::Cow;

use thiserror::Error;

use crate::model::{Node, SampleType, Timestamp};
use crate::wire::Faults;
use crate::wire::json::{write_node, write_text};
use crate::wire::sample::{Origin, Owner, Reading, SampleWriter, Volume, timestamp};

/// Attributes of one resource, scope or point: twice what OpenTelemetry's SDKs allow unless told otherwise.
pub(super) const ATTRIBUTES_MAX: usize = 256;
/// Buckets and quantiles of one point: exporters have some ten, 160 is what exponential ones are limited to.
pub(super) const BUCKETS_MAX: usize = 1024;
/// Flag of a point that says that there is no value (`NO_RECORDED_VALUE_MASK`).
const NO_RECORDED_VALUE: u64 = 1;
/// What names a resource, the best first (OpenTelemetry's semantic conventions; the first is Ceilometer's).
const RESOURCE_KEYS: [&str; 7] = [
    "resource_id",
    "service.instance.id",
    "host.name",
    "host.id",
    "container.id",
    "k8s.pod.uid",
    "service.name",
];

pub(super) type Attributes<'a> = Vec<(Cow<'a, str>, Node<'a>)>;

/// Whether a count begins anew with each point.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Temporality {
    #[default]
    Unspecified,
    Delta,
    Cumulative,
}

impl Temporality {
    pub(super) fn from_number(number: u64) -> Temporality {
        match number {
            1 => Temporality::Delta,
            2 => Temporality::Cumulative,
            _ => Temporality::Unspecified,
        }
    }

    /// The type of a count that only grows.
    fn of_count(self) -> SampleType {
        if self == Temporality::Delta { SampleType::Delta } else { SampleType::Cumulative }
    }
}

/// What the points of a metric share.
#[derive(Clone, Debug, Default)]
pub(super) struct Metric<'a> {
    pub(super) name: Cow<'a, str>,
    pub(super) unit: Cow<'a, str>,
    /// Whether its numbers are a sum; else they are a gauge.
    pub(super) sum: bool,
    pub(super) monotonic: bool,
    pub(super) temporality: Temporality,
}

/// One point of any kind.
#[derive(Clone, Debug, Default)]
pub(super) struct Point<'a> {
    pub(super) attributes: Attributes<'a>,
    /// Nanoseconds since 1970; 0 when it was not said.
    pub(super) time_ns: u64,
    pub(super) flags: u64,
    pub(super) value: Value,
}

/// The value of a point.
#[derive(Clone, Debug, Default)]
pub(super) enum Value {
    #[default]
    None,
    Number(Volume),
    Distribution(Distribution),
}

/// A histogram or summary.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Distribution {
    pub(super) count: u64,
    pub(super) sum: Option<f64>,
    pub(super) min: Option<f64>,
    pub(super) max: Option<f64>,
    /// One more than `bounds`, or none.
    pub(super) bucket_counts: Vec<u64>,
    /// Ascending; each bucket holds its bound.
    pub(super) bounds: Vec<f64>,
    /// Quantiles from 0 to 1 and their values.
    pub(super) quantiles: Vec<(f64, f64)>,
}

/// Why a message or a part of it cannot be used.
#[derive(Debug, Error)]
pub(super) enum BadMessage {
    #[error("no OTLP metrics: {0}")]
    NotJson(#[source] serde_json::Error),
    #[error("no OTLP metrics: {0}")]
    Broken(#[from] crate::wire::protobuf::Broken),
    #[error("no OTLP metrics: no resourceMetrics in it")]
    NoMetrics,
    #[error("no OTLP metrics: {0} is not what OTLP has there")]
    Shape(&'static str),
    #[error("a metric without a name")]
    NoName,
    #[error("more than {ATTRIBUTES_MAX} attributes")]
    Attributes,
    #[error("an attribute is nested too deep")]
    Depth,
    #[error("more than {BUCKETS_MAX} buckets or quantiles")]
    Buckets,
    #[error("{0} ns since 1970 is after the year 2261")]
    Time(u64),
}

impl BadMessage {
    /// What the books count it under.
    pub(super) fn reason(&self) -> &'static str {
        match self {
            BadMessage::NotJson(_) => "not JSON",
            BadMessage::Broken(_) | BadMessage::NoMetrics => "not readable",
            BadMessage::Shape(_) => "wrong type",
            BadMessage::NoName => "missing key",
            BadMessage::Attributes | BadMessage::Depth | BadMessage::Buckets => "limit reached",
            BadMessage::Time(_) => "bad timestamp",
        }
    }
}

/// Writes points as samples.
pub(super) struct PointWriter {
    pub(super) writer: SampleWriter,
    /// Attributes of resource and scope, each written as `"key":value`.
    shared: Vec<(String, Vec<u8>)>,
    /// The resource's name, and how good it is.
    resource: Option<(usize, String)>,
    user_id: Option<String>,
    project_id: Option<String>,
    metadata: Vec<u8>,
}

impl PointWriter {
    pub(super) fn new(origin: &Origin) -> PointWriter {
        PointWriter {
            writer: SampleWriter::new(origin, "otlp"),
            shared: Vec::new(),
            resource: None,
            user_id: None,
            project_id: None,
            metadata: Vec::new(),
        }
    }

    /// Begins another resource and scope.
    pub(super) fn begin(&mut self, resource: &Attributes<'_>, scope_name: &str) {
        self.shared.clear();
        (self.resource, self.user_id, self.project_id) = (None, None, None);
        for (key, value) in resource {
            let text = value.as_text().filter(|text| !text.is_empty());
            match (&**key, text) {
                ("user_id", Some(text)) => self.user_id = Some(text.to_owned()),
                ("project_id", Some(text)) => self.project_id = Some(text.to_owned()),
                _ => {}
            }
            let rank = RESOURCE_KEYS.iter().position(|known| known == key);
            if let (Some(rank), Some(text)) = (rank, text)
                && self.resource.as_ref().is_none_or(|(best, _)| rank < *best)
            {
                self.resource = Some((rank, text.to_owned()));
            }
            if !is_field(key) {
                self.shared.push((key.as_ref().to_owned(), member(key, value)));
            }
        }
        if !scope_name.is_empty() {
            let key = "otel.scope.name";
            self.shared.push((key.to_owned(), member(key, &Node::from(scope_name))));
        }
    }

    /// Writes the samples of one point.
    pub(super) fn write(
        &mut self,
        metric: &Metric<'_>,
        point: &Point<'_>,
        at: Timestamp,
        lines: &mut Vec<u8>,
        faults: &mut dyn Faults,
    ) {
        if point.flags & NO_RECORDED_VALUE != 0 || matches!(point.value, Value::None) {
            return faults.skip("no recorded value", 1);
        }
        let time = match point.time_ns {
            0 => Some(at),
            ns => timestamp(ns.into()),
        };
        let Some(time) = time else {
            let error = BadMessage::Time(point.time_ns);
            return faults.fault(error.reason(), &error);
        };
        self.write_metadata(&point.attributes);
        let base = self.metadata.len();
        let mut sample = Sample { writer: self, metric, point, time, lines, not_finite: 0 };
        match &point.value {
            Value::None => {}
            Value::Number(volume) => {
                let sample_type = match (metric.sum, metric.temporality, metric.monotonic) {
                    (true, Temporality::Delta, _) => SampleType::Delta,
                    (true, _, true) => SampleType::Cumulative,
                    _ => SampleType::Gauge,
                };
                sample.write("", sample_type, &metric.unit, *volume);
            }
            Value::Distribution(distribution) => sample.write_distribution(distribution, base),
        }
        let not_finite = sample.not_finite;
        faults.skip("not finite", not_finite);
    }

    fn write_metadata(&mut self, attributes: &Attributes<'_>) {
        self.metadata.clear();
        self.metadata.push(b'{');
        for (key, member) in &self.shared {
            // What the point says counts.
            if !attributes.iter().any(|(own, _)| own == key) {
                begin_member(&mut self.metadata);
                self.metadata.extend_from_slice(member);
            }
        }
        for (key, value) in attributes.iter().filter(|(key, _)| !is_field(key)) {
            begin_member(&mut self.metadata);
            write_member(key, value, &mut self.metadata);
        }
        self.metadata.push(b'}');
    }
}

/// One point on its way out.
struct Sample<'s, 'a> {
    writer: &'s mut PointWriter,
    metric: &'s Metric<'a>,
    point: &'s Point<'a>,
    time: Timestamp,
    lines: &'s mut Vec<u8>,
    not_finite: u64,
}

impl Sample<'_, '_> {
    fn write(&mut self, suffix: &str, sample_type: SampleType, unit: &str, volume: Volume) {
        if !volume.is_finite() {
            self.not_finite += 1;
            return;
        }
        let PointWriter { writer, resource, user_id, project_id, metadata, .. } = &mut *self.writer;
        let of = |key: &str| {
            let value = self.point.attributes.iter().rev().find(|(own, _)| own == key);
            value.and_then(|(_, value)| value.as_text()).filter(|text| !text.is_empty())
        };
        let owner = Owner {
            resource_id: of("resource_id").or(resource.as_ref().map(|(_, text)| text.as_str())),
            user_id: of("user_id").or(user_id.as_deref()),
            project_id: of("project_id").or(project_id.as_deref()),
        };
        let (name, timestamp) = (&self.metric.name, self.time);
        writer.write(
            &Reading { name, suffix, sample_type, unit, volume, owner, timestamp, metadata },
            self.lines,
        );
    }

    fn write_distribution(&mut self, distribution: &Distribution, base: usize) {
        let (metric, counts) = (self.metric, self.metric.temporality.of_count());
        self.write(".count", counts, "", Volume::Unsigned(distribution.count));
        if let Some(sum) = distribution.sum {
            self.write(".sum", counts, &metric.unit, Volume::Float(sum));
        }
        for (suffix, value) in [(".min", distribution.min), (".max", distribution.max)] {
            if let Some(value) = value {
                self.write(suffix, SampleType::Gauge, &metric.unit, Volume::Float(value));
            }
        }
        let mut at_most = 0u64;
        for (index, count) in distribution.bucket_counts.iter().enumerate() {
            at_most = at_most.saturating_add(*count);
            let bound = distribution.bounds.get(index).map_or("+Inf".to_owned(), f64::to_string);
            self.with_label(base, "le", &bound);
            self.write(".bucket", counts, "", Volume::Unsigned(at_most));
        }
        for (quantile, value) in &distribution.quantiles {
            self.with_label(base, "quantile", &quantile.to_string());
            self.write("", SampleType::Gauge, &metric.unit, Volume::Float(*value));
        }
    }

    /// Puts one more label in the metadata, whose own `base` bytes stay.
    fn with_label(&mut self, base: usize, key: &str, value: &str) {
        let metadata = &mut self.writer.metadata;
        metadata.truncate(base - 1);
        begin_member(metadata);
        write_member(key, &Node::from(value), metadata);
        metadata.push(b'}');
    }
}

/// Whether a sample has a field for it.
fn is_field(key: &str) -> bool {
    matches!(key, "resource_id" | "user_id" | "project_id")
}

fn begin_member(metadata: &mut Vec<u8>) {
    if metadata.last() != Some(&b'{') || metadata.len() > 1 {
        metadata.push(b',');
    }
}

fn member(key: &str, value: &Node<'_>) -> Vec<u8> {
    let mut member = Vec::new();
    write_member(key, value, &mut member);
    member
}

fn write_member(key: &str, value: &Node<'_>, out: &mut Vec<u8>) {
    write_text(key.as_bytes(), out);
    out.push(b':');
    write_node(value, out);
}
