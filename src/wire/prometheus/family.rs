//! What is known of a metric, and how a series of it becomes a sample.

use std::fmt::Display;

use foldhash::fast::RandomState;
use hashbrown::HashMap;

use crate::model::{SampleType, Timestamp};
use crate::wire::sample::{Origin, Owner, Reading, SampleWriter, Volume, write_labels};

/// Bytes of names and units that are kept: 100,000 metrics, ten times what a large Prometheus has.
const FAMILIES_BYTES_MAX: usize = 8 * 1024 * 1024;

/// What Prometheus calls the type of a metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum MetricType {
    Unknown,
    Counter,
    Gauge,
    Histogram,
    GaugeHistogram,
    Summary,
}

impl MetricType {
    /// The words of both text formats.
    pub(super) fn from_word(word: &str) -> Option<MetricType> {
        Some(match word {
            "counter" => MetricType::Counter,
            "gauge" | "info" | "stateset" => MetricType::Gauge,
            "histogram" => MetricType::Histogram,
            "gaugehistogram" => MetricType::GaugeHistogram,
            "summary" => MetricType::Summary,
            "untyped" | "unknown" => MetricType::Unknown,
            _ => return None,
        })
    }

    /// The numbers of remote write 1.0; those that it may yet be given are unknown.
    pub(super) fn from_number(number: u64) -> MetricType {
        match number {
            1 => MetricType::Counter,
            2 | 6 | 7 => MetricType::Gauge,
            3 => MetricType::Histogram,
            4 => MetricType::GaugeHistogram,
            5 => MetricType::Summary,
            _ => MetricType::Unknown,
        }
    }
}

#[derive(Clone, Debug)]
struct Family {
    metric_type: Option<MetricType>,
    unit: Option<Box<str>>,
}

/// The types and units that were told so far, by the names of the metrics.
#[derive(Default)]
pub(super) struct Families {
    by_name: HashMap<Box<str>, Family, RandomState>,
    bytes: usize,
}

impl Families {
    /// Takes down a type, a unit, or both; false when there is no more room.
    pub(super) fn learn(&mut self, name: &str, metric_type: Option<MetricType>, unit: Option<&str>) -> bool {
        let unit = unit.filter(|unit| !unit.is_empty());
        if let Some(family) = self.by_name.get_mut(name) {
            family.metric_type = metric_type.or(family.metric_type);
            if let Some(unit) = unit.filter(|unit| family.unit.as_deref() != Some(*unit)) {
                self.bytes += unit.len();
                family.unit = Some(unit.into());
            }
            return true;
        }
        let bytes = name.len() + unit.map_or(0, str::len) + size_of::<(Box<str>, Family)>();
        if self.bytes + bytes > FAMILIES_BYTES_MAX {
            return false;
        }
        self.bytes += bytes;
        self.by_name.insert(name.into(), Family { metric_type, unit: unit.map(Box::from) });
        true
    }

    /// Forgets all.
    pub(super) fn clear(&mut self) {
        self.by_name.clear();
        self.bytes = 0;
    }

    /// How the values of series `name` relate to each other, and their unit; no type when none was told.
    fn of<'a>(&'a self, name: &'a str) -> (Option<SampleType>, &'a str) {
        const SUFFIXES: [&str; 6] = ["_total", "_sum", "_count", "_bucket", "_created", "_info"];
        let suffix = SUFFIXES.iter().find(|suffix| name.ends_with(**suffix)).copied().unwrap_or_default();
        let base = &name[..name.len() - suffix.len()];
        let (family, suffix) = match self.by_name.get(name) {
            // Classic text calls a counter by its whole name.
            Some(family) => (Some(family), if suffix == "_total" { suffix } else { "" }),
            None => (self.by_name.get(base), suffix),
        };
        let counts = matches!(suffix, "_sum" | "_count" | "_bucket");
        let sample_type = family.and_then(|family| family.metric_type).and_then(|metric_type| {
            Some(match metric_type {
                MetricType::Unknown => return None,
                MetricType::Counter if suffix != "_created" => SampleType::Cumulative,
                MetricType::Histogram | MetricType::Summary if counts => SampleType::Cumulative,
                _ => SampleType::Gauge,
            })
        });
        let unit = match suffix {
            "_count" | "_bucket" | "_info" => "",
            "_created" => "seconds",
            _ => family.and_then(|family| family.unit.as_deref()).unwrap_or_else(|| unit_in_name(base)),
        };
        (sample_type, unit)
    }
}

/// The unit that a name ends in: OpenMetrics 1.0 wants each unit there, and exporters keep to these.
fn unit_in_name(base: &str) -> &str {
    const UNITS: [&str; 10] =
        ["seconds", "bytes", "ratio", "celsius", "meters", "volts", "amperes", "joules", "grams", "hertz"];
    let last = base.rsplit('_').next().unwrap_or_default();
    UNITS.iter().find(|unit| **unit == last).copied().unwrap_or_default()
}

/// Writes series as samples.
pub(super) struct SeriesWriter {
    pub(super) families: Families,
    pub(super) writer: SampleWriter,
    metadata: Vec<u8>,
    resource_id: String,
}

/// A series that was begun; its points follow.
#[derive(Clone, Copy)]
pub(super) struct Series<'a> {
    name: &'a str,
    owner: Owner<'a>,
    /// Whether `resource_id` was put together of job and instance.
    joined: bool,
    ceilometer: bool,
}

impl SeriesWriter {
    pub(super) fn new(origin: &Origin) -> SeriesWriter {
        SeriesWriter {
            families: Families::default(),
            writer: SampleWriter::new(origin, "prometheus"),
            metadata: Vec::new(),
            resource_id: String::new(),
        }
    }

    /// Begins series `name`; `labels` are all others.
    pub(super) fn begin<'a>(&mut self, name: &'a str, labels: &[(&'a str, &'a str)]) -> Series<'a> {
        let owner = write_labels(labels.iter().copied(), &mut self.metadata);
        let of = |key: &str| labels.iter().find(|(name, value)| *name == key && !value.is_empty());
        let (job, instance) = (of("job"), of("instance"));
        let joined = owner.resource_id.is_none() && job.is_some() && instance.is_some();
        if let (true, Some((_, job)), Some((_, instance))) = (joined, job, instance) {
            self.resource_id.clear();
            self.resource_id.extend([job, "@", instance]);
        }
        let resource_id = owner.resource_id.or(instance.or(job).map(|(_, value)| *value));
        // What Ceilometer's publisher writes, and it gives types to all but what is a delta.
        let ceilometer = ["resource_id", "user_id", "project_id"]
            .iter()
            .all(|key| labels.iter().any(|(name, _)| name == key));
        Series { name, owner: Owner { resource_id, ..owner }, joined, ceilometer }
    }

    /// Writes one point of the series begun last; false for a value that no line can say.
    pub(super) fn point(
        &mut self,
        series: &Series<'_>,
        value: f64,
        timestamp: Timestamp,
        lines: &mut Vec<u8>,
    ) -> bool {
        if !value.is_finite() {
            return false;
        }
        let (sample_type, unit) = self.families.of(series.name);
        let sample_type = sample_type.unwrap_or_else(|| match series.name {
            _ if series.ceilometer => SampleType::Delta,
            // What is told of no type is named by the custom of exporters (prometheus.io/docs/practices/naming).
            name if ["_total", "_sum", "_count", "_bucket"].iter().any(|suffix| name.ends_with(suffix)) => {
                SampleType::Cumulative
            }
            _ => SampleType::Gauge,
        });
        let mut owner = series.owner;
        if series.joined {
            owner.resource_id = Some(&self.resource_id);
        }
        let (name, metadata) = (series.name, &self.metadata[..]);
        let volume = Volume::Float(value);
        self.writer.write(
            &Reading { name, suffix: "", sample_type, unit, volume, owner, timestamp, metadata },
            lines,
        );
        true
    }
}

/// As much of `text` as a message may show.
pub(super) fn shown(text: &str) -> impl Display + '_ {
    const SHOWN_MAX: usize = 100;
    let end = text.char_indices().nth(SHOWN_MAX).map_or(text.len(), |(at, _)| at);
    text[..end].escape_debug()
}
