//! Samples as OTLP/HTTP's JSON, version 1 of opentelemetry-proto.
//!
//! Names, descriptions and attributes are those of Ceilometer 27.0.0's opentelemetryhttp publisher. What it gets wrong
//! is right here: times are nanoseconds of UTC (it writes seconds of the local zone), a cumulative meter is a monotonic
//! sum with its temporality (it writes a field that the protocol has not), a delta is a sum of deltas (it writes a
//! gauge), keys are the protocol's, and an attribute that is not known is left out.

use std::borrow::Cow;

use foldhash::HashMap;

use crate::model::SampleType;
use crate::wire::json::{write_f64, write_text};
use crate::wire::reading::Reading;

/// One request in the making.
#[derive(Debug, Default)]
pub struct MetricsRequest<'a> {
    metrics: Vec<(MetricKey<'a>, Vec<u8>)>,
    by_key: HashMap<MetricKey<'a>, usize>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct MetricKey<'a> {
    name: Cow<'a, str>,
    unit: Cow<'a, str>,
    sample_type: Option<SampleType>,
}

impl<'a> MetricsRequest<'a> {
    /// Adds a sample.
    pub fn add(&mut self, reading: &Reading<'a>) {
        let key = MetricKey {
            name: reading.name.clone(),
            unit: reading.unit.clone().unwrap_or_default(),
            sample_type: reading.sample_type,
        };
        let points = match self.by_key.get(&key) {
            Some(&at) => {
                let points = &mut self.metrics[at].1;
                points.push(b',');
                points
            }
            None => {
                self.by_key.insert(key.clone(), self.metrics.len());
                self.metrics.push((key, Vec::new()));
                &mut self.metrics.last_mut().expect("one was pushed").1
            }
        };
        write_point(reading, points);
    }

    /// The request's body.
    pub fn write(&self, out: &mut Vec<u8>) {
        out.extend(br#"{"resourceMetrics":[{"scopeMetrics":[{"scope":{"name":"ceilometer","version":"v1"},"metrics":["#);
        for (index, (key, points)) in self.metrics.iter().enumerate() {
            out.extend_from_slice(if index == 0 { br#"{"name":"# } else { br#",{"name":"# });
            write_text(key.name.replace('.', "_").as_bytes(), out);
            out.extend(br#","description":"#);
            write_text(format!("{} unit:{}", key.name, key.unit).as_bytes(), out);
            out.extend(br#","unit":"#);
            write_text(key.unit.as_bytes(), out);
            // 1 is delta, 2 cumulative (AggregationTemporality).
            let head: &[u8] = match key.sample_type {
                Some(SampleType::Cumulative) => br#","sum":{"aggregationTemporality":2,"isMonotonic":true,"#,
                Some(SampleType::Delta) => br#","sum":{"aggregationTemporality":1,"isMonotonic":false,"#,
                Some(SampleType::Gauge) | None => br#","gauge":{"#,
            };
            out.extend_from_slice(head);
            out.extend(br#""dataPoints":["#);
            out.extend_from_slice(points);
            out.extend(b"]}}");
        }
        out.extend(b"]}]}]}");
    }
}

/// The start of a sum is not known, and left out.
fn write_point(reading: &Reading<'_>, out: &mut Vec<u8>) {
    out.extend(br#"{"attributes":["#);
    let attributes = [
        ("resource_id", &reading.resource_id),
        ("user_id", &reading.user_id),
        ("project_id", &reading.project_id),
    ];
    let mut first = true;
    for (key, value) in attributes {
        let Some(value) = value else { continue };
        if !std::mem::take(&mut first) {
            out.push(b',');
        }
        out.extend(br#"{"key":""#);
        out.extend_from_slice(key.as_bytes());
        out.extend(br#"","value":{"stringValue":"#);
        write_text(value.as_bytes(), out);
        out.extend(b"}}");
    }
    // The protocol's times have no sign; 64 bits are a text in its JSON.
    out.extend(br#"],"timeUnixNano":""#);
    out.extend_from_slice(itoa::Buffer::new().format(reading.timestamp.ns().max(0)).as_bytes());
    out.extend(br#"","asDouble":"#);
    write_f64(reading.volume, out);
    out.push(b'}');
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::reading::{Read, Readings};
    use proptest::prelude::*;
    use serde_json::{Value, json};

    proptest! {
        #[test]
        fn whatever_a_sample_says_the_body_is_json_with_its_value(
            name in any::<String>(),
            unit in any::<String>(),
            resource in any::<String>(),
            volume in any::<f64>().prop_filter("finite", |volume| volume.is_finite()),
        ) {
            let sample = json!({"name": name, "type": "delta", "unit": unit, "volume": volume, "resource_id": resource, "timestamp": "2026-03-01T10:20:30.5Z"});
            let line = format!("{sample}\n");
            let Ok(Read::Sample(reading)) = Readings::new().read(line.as_bytes()) else {
                return Err(TestCaseError::fail("no sample"));
            };
            let (mut request, mut body) = (MetricsRequest::default(), Vec::new());
            request.add(&reading);
            request.write(&mut body);
            let body: Value = serde_json::from_slice(&body).unwrap();
            let metric = &body["resourceMetrics"][0]["scopeMetrics"][0]["metrics"][0];
            let point = &metric["sum"]["dataPoints"][0];
            prop_assert_eq!(&metric["name"], &name.replace('.', "_"));
            prop_assert_eq!(point["asDouble"].as_f64(), Some(volume));
            prop_assert_eq!(&point["timeUnixNano"], "1772360430500000000");
            prop_assert_eq!(&point["attributes"][0]["value"]["stringValue"], &resource);
        }
    }
}
