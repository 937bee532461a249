//! OTLP in Protocol Buffers (`opentelemetry/proto/metrics/v1/metrics.proto`), borrowed from the body.

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::point::{
    ATTRIBUTES_MAX, Attributes, BUCKETS_MAX, BadMessage, Distribution, Metric, Point, PointWriter,
    Temporality, Value as PointValue,
};
use crate::model::{Node, Timestamp};
use crate::wire::protobuf::{Broken, Fields, Value, packed_fixed64};
use crate::wire::sample::{Origin, Volume};
use crate::wire::{Decoder, Faults};

/// How deep a list or map in an attribute may nest.
const DEPTH_MAX: usize = 32;

/// Reads bodies of `POST /v1/metrics` with the content type `application/x-protobuf`.
pub struct Protobuf {
    writer: PointWriter,
}

impl Default for Protobuf {
    fn default() -> Protobuf {
        Protobuf::new(&Origin::default())
    }
}

impl Protobuf {
    /// A reader of bodies.
    pub fn new(origin: &Origin) -> Protobuf {
        Protobuf { writer: PointWriter::new(origin) }
    }

    fn read(
        &mut self,
        body: &[u8],
        at: Timestamp,
        lines: &mut Vec<u8>,
        faults: &mut dyn Faults,
    ) -> Result<(), BadMessage> {
        let mut request = Fields(body);
        while let Some((number, value)) = request.next()? {
            let (1, Value::Bytes(resource_metrics)) = (number, value) else { continue };
            let mut resource = Vec::new();
            // The resource may stand behind what it is the resource of.
            let mut fields = Fields(resource_metrics);
            while let Some((number, value)) = fields.next()? {
                if let (1, Value::Bytes(message)) = (number, value) {
                    resource = read_attributes(message, 1)?;
                }
            }
            let mut fields = Fields(resource_metrics);
            while let Some((number, value)) = fields.next()? {
                if let (2, Value::Bytes(scope_metrics)) = (number, value) {
                    self.read_scope(scope_metrics, &resource, at, lines, faults)?;
                }
            }
        }
        Ok(())
    }

    fn read_scope(
        &mut self,
        scope_metrics: &[u8],
        resource: &Attributes<'_>,
        at: Timestamp,
        lines: &mut Vec<u8>,
        faults: &mut dyn Faults,
    ) -> Result<(), BadMessage> {
        let mut scope = "";
        Fields(scope_metrics).each(|number, value| {
            if let (1, Value::Bytes(message)) = (number, value) {
                let named = Fields(message).each(|number, value| {
                    if number == 1 {
                        scope = value.text().unwrap_or_default();
                    }
                });
                // A scope that is broken names nothing.
                scope = if named.is_ok() { scope } else { "" };
            }
        })?;
        self.writer.begin(resource, scope);
        let mut fields = Fields(scope_metrics);
        while let Some((number, value)) = fields.next()? {
            if let (2, Value::Bytes(metric)) = (number, value)
                && let Err(error) = self.read_metric(metric, at, lines, faults)
            {
                faults.fault(error.reason(), &error);
            }
        }
        Ok(())
    }

    fn read_metric(
        &mut self,
        message: &[u8],
        at: Timestamp,
        lines: &mut Vec<u8>,
        faults: &mut dyn Faults,
    ) -> Result<(), BadMessage> {
        let mut metric = Metric::default();
        let mut data = None;
        let mut fields = Fields(message);
        while let Some((number, value)) = fields.next()? {
            match (number, value) {
                (1, value) => metric.name = text(value)?,
                (3, value) => metric.unit = text(value)?,
                (5 | 7 | 9 | 10 | 11, Value::Bytes(bytes)) => data = Some((number, bytes)),
                _ => {}
            }
        }
        if metric.name.is_empty() {
            return Err(BadMessage::NoName);
        }
        let Some((kind, data)) = data else { return Ok(()) };
        metric.sum = kind == 7;
        Fields(data).each(|number, value| match number {
            2 => metric.temporality = Temporality::from_number(value.integer().unwrap_or_default()),
            3 => metric.monotonic = value.integer() == Some(1),
            _ => {}
        })?;
        let mut fields = Fields(data);
        while let Some((number, value)) = fields.next()? {
            let (1, Value::Bytes(point)) = (number, value) else { continue };
            let point = match kind {
                5 | 7 => read_number(point),
                9 => read_histogram(point),
                10 => read_exponential(point),
                _ => read_summary(point),
            };
            match point {
                Ok(point) => self.writer.write(&metric, &point, at, lines, faults),
                Err(error) => faults.fault(error.reason(), &error),
            }
        }
        Ok(())
    }
}

impl Decoder for Protobuf {
    fn decode(&mut self, message: &[u8], at: Timestamp, lines: &mut Vec<u8>, faults: &mut dyn Faults) {
        self.writer.writer.open(message.len());
        if let Err(error) = self.read(message, at, lines, faults) {
            faults.fault(error.reason(), &error);
        }
        self.writer.writer.close(faults);
    }
}

/// A `NumberDataPoint`.
fn read_number(message: &[u8]) -> Result<Point<'_>, BadMessage> {
    let mut point = Point::default();
    read_point(message, 7, &mut point, |point, number, value| {
        match (number, value) {
            (3, value) => point.time_ns = value.integer().unwrap_or_default(),
            (4, value) => point.value = number_of(value.double().map(Volume::Float)),
            (6, Value::Fixed64(bits)) => point.value = PointValue::Number(Volume::Integer(bits as i64)),
            (8, value) => point.flags = value.integer().unwrap_or_default(),
            _ => {}
        }
        Ok(())
    })?;
    Ok(point)
}

fn number_of(volume: Option<Volume>) -> PointValue {
    volume.map_or(PointValue::None, PointValue::Number)
}

/// A `HistogramDataPoint`.
fn read_histogram(message: &[u8]) -> Result<Point<'_>, BadMessage> {
    let (mut point, mut found) = (Point::default(), Distribution::default());
    let (mut counts, mut bounds) = (Vec::new(), Vec::new());
    read_point(message, 9, &mut point, |point, number, value| {
        match number {
            3 => point.time_ns = value.integer().unwrap_or_default(),
            4 => found.count = value.integer().unwrap_or_default(),
            5 => found.sum = value.double(),
            6 => packed_fixed64(value, &mut counts),
            7 => packed_fixed64(value, &mut bounds),
            10 => point.flags = value.integer().unwrap_or_default(),
            11 => found.min = value.double(),
            12 => found.max = value.double(),
            _ => {}
        }
        if counts.len() > BUCKETS_MAX + 1 || bounds.len() > BUCKETS_MAX {
            return Err(BadMessage::Buckets);
        }
        Ok(())
    })?;
    found.bucket_counts = counts;
    found.bounds = bounds.into_iter().map(f64::from_bits).collect();
    point.value = PointValue::Distribution(found);
    Ok(point)
}

/// An `ExponentialHistogramDataPoint`, without its buckets.
fn read_exponential(message: &[u8]) -> Result<Point<'_>, BadMessage> {
    let (mut point, mut found) = (Point::default(), Distribution::default());
    read_point(message, 1, &mut point, |point, number, value| {
        match number {
            3 => point.time_ns = value.integer().unwrap_or_default(),
            4 => found.count = value.integer().unwrap_or_default(),
            5 => found.sum = value.double(),
            10 => point.flags = value.integer().unwrap_or_default(),
            12 => found.min = value.double(),
            13 => found.max = value.double(),
            _ => {}
        }
        Ok(())
    })?;
    point.value = PointValue::Distribution(found);
    Ok(point)
}

/// A `SummaryDataPoint`.
fn read_summary(message: &[u8]) -> Result<Point<'_>, BadMessage> {
    let (mut point, mut found) = (Point::default(), Distribution::default());
    read_point(message, 7, &mut point, |point, number, value| {
        match (number, value) {
            (3, value) => point.time_ns = value.integer().unwrap_or_default(),
            (4, value) => found.count = value.integer().unwrap_or_default(),
            (5, value) => found.sum = value.double(),
            (6, Value::Bytes(message)) => {
                let (mut quantile, mut number) = (0.0, 0.0);
                Fields(message).each(|field, value| match field {
                    1 => quantile = value.double().unwrap_or_default(),
                    2 => number = value.double().unwrap_or_default(),
                    _ => {}
                })?;
                if found.quantiles.len() >= BUCKETS_MAX {
                    return Err(BadMessage::Buckets);
                }
                found.quantiles.push((quantile, number));
            }
            (8, value) => point.flags = value.integer().unwrap_or_default(),
            _ => {}
        }
        Ok(())
    })?;
    point.value = PointValue::Distribution(found);
    Ok(point)
}

/// Calls `each` with the fields of a point that are not `attributes`.
fn read_point<'a>(
    message: &'a [u8],
    attributes: u64,
    point: &mut Point<'a>,
    mut each: impl FnMut(&mut Point<'a>, u64, Value<'a>) -> Result<(), BadMessage>,
) -> Result<(), BadMessage> {
    let mut fields = Fields(message);
    while let Some((number, value)) = fields.next()? {
        match (number, value) {
            (number, Value::Bytes(pair)) if number == attributes => {
                push_attribute(pair, &mut point.attributes)?
            }
            _ => each(point, number, value)?,
        }
    }
    Ok(())
}

/// The `KeyValue`s of a `Resource`, field `field` of it.
fn read_attributes(message: &[u8], field: u64) -> Result<Attributes<'_>, BadMessage> {
    let mut attributes = Vec::new();
    let mut fields = Fields(message);
    while let Some((number, value)) = fields.next()? {
        if let (true, Value::Bytes(pair)) = (number == field, value) {
            push_attribute(pair, &mut attributes)?;
        }
    }
    Ok(attributes)
}

fn push_attribute<'a>(pair: &'a [u8], attributes: &mut Attributes<'a>) -> Result<(), BadMessage> {
    if attributes.len() >= ATTRIBUTES_MAX {
        return Err(BadMessage::Attributes);
    }
    attributes.push(read_pair(pair, DEPTH_MAX)?);
    Ok(())
}

/// A `KeyValue`.
fn read_pair(message: &[u8], depth: usize) -> Result<(Cow<'_, str>, Node<'_>), BadMessage> {
    let (mut key, mut node) = (Cow::Borrowed(""), Node::Null);
    let mut fields = Fields(message);
    while let Some((number, value)) = fields.next()? {
        match (number, value) {
            (1, value) => key = text(value)?,
            (2, Value::Bytes(message)) => node = read_any(message, depth)?,
            _ => {}
        }
    }
    Ok((key, node))
}

/// An `AnyValue`; null when nothing is set.
fn read_any(message: &[u8], depth: usize) -> Result<Node<'_>, BadMessage> {
    let mut node = Node::Null;
    let mut fields = Fields(message);
    while let Some((number, value)) = fields.next()? {
        node = match (number, value) {
            (1, value) => Node::Text(text(value)?),
            (2, value) => Node::Bool(value.integer() == Some(1)),
            (3, value) => Node::Integer(value.integer().unwrap_or_default() as i64),
            (4, value) => Node::Float(value.double().unwrap_or_default()),
            (5 | 6, Value::Bytes(_)) if depth == 0 => return Err(BadMessage::Depth),
            (5, Value::Bytes(list)) => {
                let (mut items, mut fields) = (Vec::new(), Fields(list));
                while let Some((number, value)) = fields.next()? {
                    if let (1, Value::Bytes(item)) = (number, value) {
                        items.push(read_any(item, depth - 1)?);
                    }
                }
                Node::List(items)
            }
            (6, Value::Bytes(map)) => {
                let (mut entries, mut fields) = (Vec::new(), Fields(map));
                while let Some((number, value)) = fields.next()? {
                    if let (1, Value::Bytes(pair)) = (number, value) {
                        entries.push(read_pair(pair, depth - 1)?);
                    }
                }
                Node::Map(entries)
            }
            // As in OTLP's JSON.
            (7, Value::Bytes(bytes)) => Node::Text(Cow::Owned(STANDARD.encode(bytes))),
            _ => node,
        };
    }
    Ok(node)
}

/// A text; what is not UTF-8 in it is replaced, as other readers do it.
fn text(value: Value<'_>) -> Result<Cow<'_, str>, Broken> {
    Ok(String::from_utf8_lossy(value.bytes().unwrap_or_default()))
}
