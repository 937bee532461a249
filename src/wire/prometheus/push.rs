//! Samples as the text that a Pushgateway takes, as Ceilometer 27.0.0's prometheus publisher writes it.
//!
//! What a receiver can see is Ceilometer's: the labels and their order, `None` for a user or project that is not
//! known, no type for a delta. What a receiver would refuse whole is not: names and label values are made legal, the
//! lines of one metric stand together, and of several values of one series only the newest is kept (Ceilometer writes
//! all, and the Pushgateway refuses a push with two).

use std::borrow::Cow;

use foldhash::HashMap;

use super::metric_name;
use crate::model::{SampleType, Timestamp};
use crate::wire::reading::{Reading, write_number};

/// The text of one push.
#[derive(Debug, Default)]
pub struct Push<'a> {
    metrics: Vec<Metric<'a>>,
    by_name: HashMap<Cow<'a, str>, usize>,
}

#[derive(Debug)]
struct Metric<'a> {
    name: Cow<'a, str>,
    sample_type: Option<SampleType>,
    series: Vec<(Labels<'a>, Timestamp, Vec<u8>)>,
    by_labels: HashMap<Labels<'a>, usize>,
}

/// resource_id, user_id, project_id.
type Labels<'a> = [Cow<'a, str>; 3];

const LABELS: [&str; 3] = ["resource_id", "user_id", "project_id"];

impl<'a> Push<'a> {
    /// Adds a sample. Of two of one series the later one counts; of two at one time the one that came last.
    pub fn add(&mut self, reading: &Reading<'a>) {
        let name = match metric_name(&reading.name) {
            Cow::Owned(name) => Cow::Owned(name),
            Cow::Borrowed(_) => reading.name.clone(),
        };
        let index = *self.by_name.entry(name.clone()).or_insert_with(|| {
            self.metrics.push(Metric {
                name,
                sample_type: reading.sample_type,
                series: Vec::new(),
                by_labels: HashMap::default(),
            });
            self.metrics.len() - 1
        });
        let metric = &mut self.metrics[index];
        let or_none = |text: &Option<Cow<'a, str>>| text.clone().unwrap_or(Cow::Borrowed("None"));
        let labels = [or_none(&reading.resource_id), or_none(&reading.user_id), or_none(&reading.project_id)];
        let mut number = Vec::new();
        write_number(reading, &mut number);
        match metric.by_labels.get(&labels) {
            Some(&at) if metric.series[at].1 <= reading.timestamp => {
                metric.series[at].1 = reading.timestamp;
                metric.series[at].2 = number;
            }
            Some(_) => {}
            None => {
                metric.by_labels.insert(labels.clone(), metric.series.len());
                metric.series.push((labels, reading.timestamp, number));
            }
        }
    }

    /// The text, metrics and series in the order in which they first came.
    pub fn write(&self, out: &mut Vec<u8>) {
        for metric in &self.metrics {
            let of_type = match metric.sample_type {
                Some(SampleType::Cumulative) => Some("counter"),
                Some(SampleType::Gauge) => Some("gauge"),
                Some(SampleType::Delta) | None => None,
            };
            if let Some(of_type) = of_type {
                out.extend_from_slice(format!("# TYPE {} {of_type}\n", metric.name).as_bytes());
            }
            for (labels, _, number) in &metric.series {
                out.extend_from_slice(metric.name.as_bytes());
                for (index, (label, value)) in LABELS.iter().zip(labels).enumerate() {
                    out.extend_from_slice(if index == 0 { b"{" } else { b", " });
                    out.extend_from_slice(label.as_bytes());
                    out.extend(b"=\"");
                    write_label_value(value, out);
                    out.push(b'"');
                }
                out.extend(b"} ");
                out.extend_from_slice(number);
                out.push(b'\n');
            }
        }
    }
}

/// Backslash, quote and line feed are escaped (Prometheus' exposition formats, text 0.0.4).
fn write_label_value(value: &str, out: &mut Vec<u8>) {
    for byte in value.bytes() {
        match byte {
            b'\\' => out.extend(b"\\\\"),
            b'"' => out.extend(b"\\\""),
            b'\n' => out.extend(b"\\n"),
            _ => out.push(byte),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::reading::{Read, Readings};

    fn text(lines: &[&str]) -> String {
        let lines: Vec<String> = lines.iter().map(|line| format!("{line}\n")).collect();
        let (mut readings, mut exposition) = (Readings::new(), Push::default());
        for line in &lines {
            let Ok(Read::Sample(reading)) = readings.read(line.as_bytes()) else { panic!("{line}") };
            exposition.add(&reading);
        }
        let mut out = Vec::new();
        exposition.write(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn only_the_newest_of_a_series_is_pushed_and_metrics_stand_together() {
        let sample = |name: &str, volume: &str, resource: &str, second: u8| {
            format!(
                r#"{{"name":"{name}","type":"gauge","volume":{volume},"resource_id":"{resource}","timestamp":{second}}}"#
            )
        };
        let lines = [
            sample("a.b", "1", "r", 1),
            sample("c", "2.0", "r", 1),
            sample("a-b", "3", "r", 3),
            sample("a.b", "4", "r", 2),
            sample("a.b", "5", "s", 1),
        ];
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        assert_eq!(
            text(&lines),
            "# TYPE a_b gauge\n\
             a_b{resource_id=\"r\", user_id=\"None\", project_id=\"None\"} 3\n\
             a_b{resource_id=\"s\", user_id=\"None\", project_id=\"None\"} 5\n\
             # TYPE c gauge\n\
             c{resource_id=\"r\", user_id=\"None\", project_id=\"None\"} 2.0\n"
        );
    }

    #[test]
    fn label_values_are_escaped() {
        let line = r#"{"name":"a","type":"delta","volume":1,"resource_id":"q\"\\\n","timestamp":0}"#;
        assert!(text(&[line]).starts_with("a{resource_id=\"q\\\"\\\\\\n\", "));
    }
}
