//! OTLP in JSON, after the protobuf JSON mapping, and as Ceilometer writes it.

use std::borrow::Cow;

use super::point::{
    ATTRIBUTES_MAX, Attributes, BUCKETS_MAX, BadMessage, Distribution, Metric, Point, PointWriter,
    Temporality, Value,
};
use crate::model::{Node, Timestamp};
use crate::wire::sample::{Origin, Volume};
use crate::wire::{Decoder, Faults};

/// The scope of Ceilometer's publisher.
const CEILOMETER: &str = "ceilometer";
/// A time below this, where snake_case is written, is in seconds: as nanoseconds it would be a minute of 1970.
const SECONDS_BELOW: u64 = 100_000_000_000;
/// The kinds of data that a metric may hold; `counter` is Ceilometer's word.
const DATA: [(&str, &str); 6] = [
    ("gauge", "gauge"),
    ("sum", "sum"),
    ("counter", "counter"),
    ("histogram", "histogram"),
    ("exponentialHistogram", "exponential_histogram"),
    ("summary", "summary"),
];

/// Reads bodies of `POST /v1/metrics` with the content type `application/json`, and files of such bodies, one behind
/// the other.
pub struct Json {
    writer: PointWriter,
}

impl Default for Json {
    fn default() -> Json {
        Json::new(&Origin::default())
    }
}

impl Json {
    /// A reader of bodies.
    pub fn new(origin: &Origin) -> Json {
        Json { writer: PointWriter::new(origin) }
    }

    fn read(
        &mut self,
        request: &Node<'_>,
        at: Timestamp,
        lines: &mut Vec<u8>,
        faults: &mut dyn Faults,
    ) -> Result<(), BadMessage> {
        let all = get(request, "resourceMetrics", "resource_metrics").ok_or(BadMessage::NoMetrics)?;
        for resource_metrics in list(Some(all), "resourceMetrics")? {
            let resource = resource_metrics.get("resource").and_then(|resource| resource.get("attributes"));
            let resource = read_attributes(resource)?;
            let scopes = get(resource_metrics, "scopeMetrics", "scope_metrics");
            for scope_metrics in list(scopes, "scopeMetrics")? {
                let scope = scope_metrics.get("scope").and_then(|scope| scope.get("name"));
                let scope = scope.and_then(Node::as_text).unwrap_or_default();
                // Ceilometer's samples have its scope alone, and are what they were before it.
                let ceilometer =
                    scope == CEILOMETER && scope_metrics.get("metrics").is_some_and(in_snake_case);
                self.writer.begin(&resource, if ceilometer { "" } else { scope });
                for metric in list(scope_metrics.get("metrics"), "metrics")? {
                    if let Err(error) = self.read_metric(metric, ceilometer, at, lines, faults) {
                        faults.fault(error.reason(), &error);
                    }
                }
            }
        }
        Ok(())
    }

    fn read_metric(
        &mut self,
        node: &Node<'_>,
        ceilometer: bool,
        at: Timestamp,
        lines: &mut Vec<u8>,
        faults: &mut dyn Faults,
    ) -> Result<(), BadMessage> {
        let text = |key: &str| node.get(key).and_then(Node::as_text).unwrap_or_default();
        let (name, unit) = (text("name"), text("unit"));
        let name = if ceilometer { original_name(name, text("description")) } else { name };
        if name.is_empty() {
            return Err(BadMessage::NoName);
        }
        let mut metric = Metric { name: name.into(), unit: unit.into(), ..Metric::default() };
        for (camel, snake) in DATA {
            let Some(data) = get(node, camel, snake) else { continue };
            metric.sum = matches!(camel, "sum" | "counter");
            let monotonic = get(data, "isMonotonic", "is_monotonic");
            metric.monotonic = camel == "counter" || monotonic == Some(&Node::Bool(true));
            metric.temporality = temporality(get(data, "aggregationTemporality", "aggregation_temporality"));
            for point in list(get(data, "dataPoints", "data_points"), "dataPoints")? {
                match read_point(point, camel) {
                    Ok(point) => self.writer.write(&metric, &point, at, lines, faults),
                    Err(error) => faults.fault(error.reason(), &error),
                }
            }
        }
        Ok(())
    }
}

impl Decoder for Json {
    fn decode(&mut self, message: &[u8], at: Timestamp, lines: &mut Vec<u8>, faults: &mut dyn Faults) {
        self.writer.writer.open(message.len());
        let mut requests = serde_json::Deserializer::from_slice(message).into_iter::<Node<'_>>();
        let mut any = false;
        for request in &mut requests {
            any = true;
            let read = request
                .map_err(BadMessage::NotJson)
                .and_then(|request| self.read(&request, at, lines, faults));
            if let Err(error) = read {
                faults.fault(error.reason(), &error);
            }
        }
        if !any {
            faults.fault("not readable", &BadMessage::NoMetrics);
        }
        self.writer.writer.close(faults);
    }
}

/// The name that Ceilometer gave a meter: it writes `_` for what OTLP might not take, and the name itself at the start
/// of the description, as in `memory.usage unit:MiB` (27.0.0).
fn original_name<'a>(name: &'a str, description: &'a str) -> &'a str {
    let Some((original, _)) = description.rsplit_once(" unit:") else { return name };
    let plain = |name: &str| name.replace(|c: char| !c.is_ascii_alphanumeric(), "_");
    if plain(original) == plain(name) { original } else { name }
}

/// Whether points are called as in Ceilometer's messages.
fn in_snake_case(metrics: &Node<'_>) -> bool {
    let Node::List(metrics) = metrics else { return false };
    let Some(Node::Map(entries)) = metrics.first() else { return false };
    entries.iter().any(|(_, data)| data.get("data_points").is_some())
}

fn get<'n, 'a>(node: &'n Node<'a>, camel: &str, snake: &str) -> Option<&'n Node<'a>> {
    node.get(camel).or_else(|| node.get(snake))
}

/// The items of a list; none when it is absent.
fn list<'n, 'a>(node: Option<&'n Node<'a>>, what: &'static str) -> Result<&'n [Node<'a>], BadMessage> {
    match node {
        None | Some(Node::Null) => Ok(&[]),
        Some(Node::List(items)) => Ok(items),
        Some(_) => Err(BadMessage::Shape(what)),
    }
}

fn temporality(node: Option<&Node<'_>>) -> Temporality {
    match node {
        Some(Node::Text(word)) if word == "AGGREGATION_TEMPORALITY_DELTA" => Temporality::Delta,
        Some(Node::Text(word)) if word == "AGGREGATION_TEMPORALITY_CUMULATIVE" => Temporality::Cumulative,
        Some(node) => Temporality::from_number(read_u64(node).unwrap_or_default()),
        None => Temporality::Unspecified,
    }
}

fn read_point<'n>(node: &'n Node<'_>, kind: &str) -> Result<Point<'n>, BadMessage> {
    if !matches!(node, Node::Map(_)) {
        return Err(BadMessage::Shape("a point"));
    }
    let attributes = read_attributes(node.get("attributes"))?;
    let flags = node.get("flags").and_then(read_u64).unwrap_or_default();
    let time_ns = read_time(node)?;
    let value = match kind {
        "gauge" | "sum" | "counter" => read_number(node)?,
        _ => Value::Distribution(read_distribution(node, kind)?),
    };
    Ok(Point { attributes, time_ns, flags, value })
}

/// Nanoseconds since 1970; 0 when it is not said.
fn read_time(node: &Node<'_>) -> Result<u64, BadMessage> {
    let read = |node: &Node<'_>| read_u64(node).ok_or(BadMessage::Shape("timeUnixNano"));
    if let Some(time) = node.get("timeUnixNano") {
        return read(time);
    }
    match node.get("time_unix_nano").map(read).transpose()? {
        Some(seconds) if seconds < SECONDS_BELOW => Ok(seconds * 1_000_000_000),
        Some(ns) => Ok(ns),
        None => Ok(0),
    }
}

fn read_number(node: &Node<'_>) -> Result<Value, BadMessage> {
    let volume = match (get(node, "asInt", "as_int"), get(node, "asDouble", "as_double")) {
        (Some(Node::Text(text)), _) => text.parse().ok().map(Volume::Integer),
        (Some(number), _) | (None, Some(number)) => read_volume(number),
        (None, None) => return Ok(Value::None),
    };
    volume.map(Value::Number).ok_or(BadMessage::Shape("a number"))
}

/// A number as it stands there; the words are those of the protobuf JSON mapping.
fn read_volume(node: &Node<'_>) -> Option<Volume> {
    Some(match node {
        Node::Integer(number) => Volume::Integer(*number),
        Node::Unsigned(number) => Volume::Unsigned(*number),
        Node::Float(number) => Volume::Float(*number),
        Node::Text(text) => match &**text {
            "NaN" => Volume::Float(f64::NAN),
            "Infinity" => Volume::Float(f64::INFINITY),
            "-Infinity" => Volume::Float(f64::NEG_INFINITY),
            text => Volume::Float(text.parse().ok()?),
        },
        _ => return None,
    })
}

fn read_f64(node: &Node<'_>) -> Option<f64> {
    Some(match read_volume(node)? {
        Volume::Integer(number) => number as f64,
        Volume::Unsigned(number) => number as f64,
        Volume::Float(number) => number,
    })
}

/// An integer, which JSON may hold as a text.
fn read_u64(node: &Node<'_>) -> Option<u64> {
    match node {
        Node::Integer(number) => u64::try_from(*number).ok(),
        Node::Unsigned(number) => Some(*number),
        Node::Text(text) => text.parse().ok(),
        _ => None,
    }
}

fn read_distribution(node: &Node<'_>, kind: &str) -> Result<Distribution, BadMessage> {
    let number = |key: &str| node.get(key).and_then(read_f64);
    let count = node.get("count").map_or(Some(0), read_u64).ok_or(BadMessage::Shape("count"))?;
    let (sum, min, max) = (number("sum"), number("min"), number("max"));
    let mut found = Distribution { count, sum, min, max, ..Distribution::default() };
    if kind == "histogram" {
        let counts = list(get(node, "bucketCounts", "bucket_counts"), "bucketCounts")?;
        let bounds = list(get(node, "explicitBounds", "explicit_bounds"), "explicitBounds")?;
        if counts.len() > BUCKETS_MAX + 1 || bounds.len() > BUCKETS_MAX {
            return Err(BadMessage::Buckets);
        }
        let all = |read: Option<Vec<u64>>| read.ok_or(BadMessage::Shape("bucketCounts"));
        found.bucket_counts = all(counts.iter().map(read_u64).collect())?;
        let bounds: Option<Vec<f64>> = bounds.iter().map(read_f64).collect();
        found.bounds = bounds.ok_or(BadMessage::Shape("explicitBounds"))?;
    }
    if kind == "summary" {
        let quantiles = list(get(node, "quantileValues", "quantile_values"), "quantileValues")?;
        if quantiles.len() > BUCKETS_MAX {
            return Err(BadMessage::Buckets);
        }
        for quantile in quantiles {
            let number = |key: &str| quantile.get(key).map_or(Some(0.0), read_f64);
            let pair = number("quantile").zip(number("value"));
            found.quantiles.push(pair.ok_or(BadMessage::Shape("quantileValues"))?);
        }
    }
    Ok(found)
}

fn read_attributes<'n>(node: Option<&'n Node<'_>>) -> Result<Attributes<'n>, BadMessage> {
    let pairs = list(node, "attributes")?;
    if pairs.len() > ATTRIBUTES_MAX {
        return Err(BadMessage::Attributes);
    }
    pairs.iter().map(read_pair).collect()
}

fn read_pair<'n>(pair: &'n Node<'_>) -> Result<(Cow<'n, str>, Node<'n>), BadMessage> {
    let key = pair.get("key").and_then(Node::as_text).ok_or(BadMessage::Shape("a key"))?;
    Ok((Cow::Borrowed(key), pair.get("value").map_or(Ok(Node::Null), read_any)?))
}

/// An `AnyValue`. The JSON's own nesting was limited when it was read.
fn read_any<'n>(node: &'n Node<'_>) -> Result<Node<'n>, BadMessage> {
    let Node::Map(entries) = node else { return Ok(Node::Null) };
    let Some((key, value)) = entries.last() else { return Ok(Node::Null) };
    let number = |volume: Option<Volume>| match volume {
        Some(Volume::Integer(number)) => Node::Integer(number),
        Some(Volume::Unsigned(number)) => Node::Unsigned(number),
        Some(Volume::Float(number)) => Node::Float(number),
        None => Node::Null,
    };
    Ok(match (&**key, value) {
        ("intValue" | "int_value", Node::Text(text)) => number(text.parse().ok().map(Volume::Integer)),
        ("intValue" | "int_value" | "doubleValue" | "double_value", value) => number(read_volume(value)),
        ("arrayValue" | "array_value", value) => {
            let items = list(value.get("values"), "arrayValue")?;
            Node::List(items.iter().map(read_any).collect::<Result<_, _>>()?)
        }
        ("kvlistValue" | "kvlist_value", value) => {
            let pairs = list(value.get("values"), "kvlistValue")?;
            Node::Map(pairs.iter().map(read_pair).collect::<Result<_, _>>()?)
        }
        (_, Node::Bool(value)) => Node::Bool(*value),
        // Texts, and bytes, which JSON holds in base64.
        (_, Node::Text(text)) => Node::from(&**text),
        _ => Node::Null,
    })
}
