//! Samples as a request of Prometheus' remote write 1.0.
//!
//! One series for each meter, resource, user, project and unit; its points are in the order of time, and of two at one
//! millisecond the one that came last counts, because a receiver refuses others. No stale markers are written: nobody
//! here knows that a resource has ended.

use std::borrow::Cow;

use foldhash::HashMap;
use prost::Message;

use super::message::{Label, MetricMetadata, Point, TimeSeries, WriteRequest};
use super::metric_name;
use crate::model::SampleType;
use crate::wire::reading::Reading;

/// Prometheus' numbers for the types of metrics.
const COUNTER: i32 = 1;
const GAUGE: i32 = 2;
const NS_PER_MS: i64 = 1_000_000;

/// One request in the making.
#[derive(Debug, Default)]
pub struct WriteBatch<'a> {
    series: Vec<(SeriesKey<'a>, Vec<Point>)>,
    by_key: HashMap<SeriesKey<'a>, usize>,
    metadata: Vec<MetricMetadata>,
    by_metric: HashMap<Cow<'a, str>, ()>,
}

/// What tells series apart; an absent label and an empty one are the same.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct SeriesKey<'a> {
    name: Cow<'a, str>,
    /// In the order of [`LABELS`].
    labels: [Cow<'a, str>; 4],
}

/// In the order of their names, as the specification wants them; `__name__` comes before all.
const LABELS: [&str; 4] = ["project_id", "resource_id", "unit", "user_id"];

impl<'a> WriteBatch<'a> {
    /// Adds a sample.
    pub fn add(&mut self, reading: &Reading<'a>) {
        let or_empty = |text: &Option<Cow<'a, str>>| text.clone().unwrap_or_default();
        let key = SeriesKey {
            name: reading.name.clone(),
            labels: [
                or_empty(&reading.project_id),
                or_empty(&reading.resource_id),
                or_empty(&reading.unit),
                or_empty(&reading.user_id),
            ],
        };
        let point = Point { value: reading.volume, timestamp: reading.timestamp.ns().div_euclid(NS_PER_MS) };
        if let Some(&at) = self.by_key.get(&key) {
            self.series[at].1.push(point);
            return;
        }
        if !self.by_metric.contains_key(&reading.name) {
            self.by_metric.insert(reading.name.clone(), ());
            self.metadata.push(MetricMetadata {
                metric_type: match reading.sample_type {
                    Some(SampleType::Cumulative) => COUNTER,
                    // A delta goes up and down.
                    Some(SampleType::Gauge | SampleType::Delta) => GAUGE,
                    None => 0,
                },
                metric_family_name: metric_name(&reading.name).into_owned(),
                help: format!("Ceilometer's meter {}", reading.name),
                unit: reading.unit.as_deref().unwrap_or_default().to_owned(),
            });
        }
        self.by_key.insert(key.clone(), self.series.len());
        self.series.push((key, vec![point]));
    }

    /// The message, not compressed.
    pub fn encode(self) -> Vec<u8> {
        let timeseries = self.series.into_iter().map(|(key, mut points)| {
            // Stable: of one time, the last that came stands last, and is the one that stays.
            points.sort_by_key(|point| point.timestamp);
            points.reverse();
            points.dedup_by_key(|point| point.timestamp);
            points.reverse();
            let name = Label { name: "__name__".to_owned(), value: metric_name(&key.name).into_owned() };
            let others = LABELS.iter().zip(key.labels).filter(|(_, value)| !value.is_empty());
            let others =
                others.map(|(name, value)| Label { name: (*name).to_owned(), value: value.into_owned() });
            TimeSeries { labels: std::iter::once(name).chain(others).collect(), samples: points }
        });
        WriteRequest { timeseries: timeseries.collect(), metadata: self.metadata }.encode_to_vec()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::reading::{Read, Readings};

    #[test]
    fn a_series_has_sorted_labels_and_points_in_the_order_of_time() {
        let line = |volume: u8, time: &str| {
            format!(
                "{{\"name\":\"a.b\",\"type\":\"cumulative\",\"unit\":\"B\",\"volume\":{volume},\"user_id\":\"u\",\"resource_id\":\"r\",\"timestamp\":{time}}}\n"
            )
        };
        let lines = [line(1, "2.5"), line(2, "1"), line(3, "2.5004"), line(4, "-0.0005")];
        let (mut readings, mut batch) = (Readings::new(), WriteBatch::default());
        for line in &lines {
            let Ok(Read::Sample(reading)) = readings.read(line.as_bytes()) else { panic!("{line}") };
            batch.add(&reading);
        }
        let request = WriteRequest::decode(&batch.encode()[..]).unwrap();
        assert_eq!(request.timeseries.len(), 1);
        let labels: Vec<(&str, &str)> =
            request.timeseries[0].labels.iter().map(|label| (&*label.name, &*label.value)).collect();
        assert_eq!(labels, [("__name__", "a_b"), ("resource_id", "r"), ("unit", "B"), ("user_id", "u")]);
        assert!(labels.is_sorted());
        let points: Vec<(i64, f64)> =
            request.timeseries[0].samples.iter().map(|point| (point.timestamp, point.value)).collect();
        assert_eq!(points, [(-1, 4.0), (1000, 2.0), (2500, 3.0)]);
        let metadata = &request.metadata[0];
        assert_eq!(
            (metadata.metric_type, &*metadata.metric_family_name, &*metadata.unit),
            (COUNTER, "a_b", "B")
        );
    }
}
