//! A store as lines.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::FORMAT;
use super::line::{Id, Line, MeasuresLine, MetricLine, PointsLine, PolicyLine, RuleLine, SpansLine};
use super::number::{Number, Seconds};
use crate::base::{Books, Failure, LineSink, Stop};
use crate::model::Timestamp;
use crate::query::Filter;
use crate::series::Spans;
use crate::store::index::{Index, Marker, Metric, Page, Resource, ResourceQuery, Revision, SortKey};
use crate::store::measures::{Snapshot, Wanted, Whole};
use crate::store::{MetricNumber, Store};

/// How much of a store is exported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// Everything.
    Everything,
    /// Everything but spans and points.
    WithoutMeasures,
}

/// Resources asked for at a time.
const RESOURCES_MAX: u32 = 1000;
/// Metrics read at a time: each reading goes through the journals once.
const METRICS_MAX: usize = 4096;
/// Values of a line, so that it stays under 100 KiB.
const LINE_VALUES_MAX: usize = 2048;

/// Writes all of a store, as it is at one moment; gives how many lines.
///
/// Policies come before what they are for, types before resources, resources before metrics, and metrics before their
/// points, so that a reader never has to wait for anything. When `stop` is requested, the last line is missing.
///
/// # Errors
/// When something is damaged or cannot be read, or the output not be written.
pub fn export(
    store: &Store,
    extent: Extent,
    out: &mut dyn LineSink,
    books: &Books,
    stop: &Stop,
) -> Result<u64, Failure> {
    // Before the index: a metric that comes in between has no points yet.
    let mut snapshot = store.snapshot()?;
    let written = store.index().snapshot(|index| {
        let mut export = Export { index, out, lines: 0, stop };
        export.write(&Line::TelemetryStore { format: FORMAT })?;
        export.definitions()?;
        export.resources()?;
        let numbers = export.metrics()?;
        if extent == Extent::Everything {
            export.measures(&mut snapshot, &numbers)?;
        }
        if !stop.requested() {
            let lines = export.lines;
            export.write(&Line::End { lines })?;
        }
        Ok::<_, Failure>(export.lines)
    });
    for damage in snapshot.damage() {
        books.trouble(&damage.into());
    }
    out.flush()?;
    written
}

struct Export<'a> {
    index: &'a Index,
    out: &'a mut dyn LineSink,
    lines: u64,
    stop: &'a Stop,
}

impl Export<'_> {
    fn write(&mut self, line: &Line) -> Result<(), Failure> {
        let text = serde_json::to_vec(line).map_err(|error| Failure::Bug(error.to_string()))?;
        self.lines += 1;
        self.out.line(&text)
    }

    fn definitions(&mut self) -> Result<(), Failure> {
        for policy in self.index.archive_policies()? {
            self.write(&Line::ArchivePolicy(PolicyLine::of(&policy)))?;
        }
        for rule in self.index.archive_policy_rules()? {
            self.write(&Line::ArchivePolicyRule(RuleLine {
                name: rule.name,
                metric_pattern: rule.metric_pattern,
                archive_policy_name: rule.archive_policy,
            }))?;
        }
        for resource_type in self.index.resource_types()? {
            self.write(&Line::ResourceType(resource_type.to_json()))?;
        }
        Ok(())
    }

    fn resources(&mut self) -> Result<(), Failure> {
        let mut page =
            Page { sort: vec![SortKey::ascending("id")], marker: None, limit: Some(RESOURCES_MAX) };
        loop {
            let query = ResourceQuery { page: page.clone(), ..ResourceQuery::default() };
            let now = self.index.resources(&query)?;
            let (Some(first), Some(last)) = (now.first(), now.last()) else { return Ok(()) };
            let history = ResourceQuery {
                filter: between(first.id, last.id)?,
                history: true,
                ..ResourceQuery::default()
            };
            let mut states = self.index.resources(&history)?;
            // The state that is now comes last, the others in the order in which they became history.
            states.sort_by_key(|one| (one.id, one.revision == Revision::CURRENT, one.revision));
            for state in &states {
                self.write(&Line::Resource(form(state)))?;
            }
            if self.stop.requested() {
                return Ok(());
            }
            page.marker = Some(Marker { id: last.id, revision: None });
        }
    }

    /// Writes the metrics in the order of their numbers, so that they keep it where they are imported.
    fn metrics(&mut self) -> Result<Vec<MetricNumber>, Failure> {
        let mut numbers = Vec::new();
        self.index.each_policy(|metric, _| numbers.push(metric))?;
        for number in &numbers {
            let metric = self.index.metric_numbered(*number)?;
            self.write(&Line::Metric(MetricLine {
                id: Id(metric.id),
                name: metric.name,
                unit: metric.unit,
                archive_policy_name: metric.archive_policy.name().to_owned(),
                creator: metric.creator,
                resource_id: metric.resource_id.map(Id),
            }))?;
            if self.stop.requested() {
                break;
            }
        }
        Ok(numbers)
    }

    fn measures(&mut self, snapshot: &mut Snapshot, numbers: &[MetricNumber]) -> Result<(), Failure> {
        for some in numbers.chunks(METRICS_MAX) {
            if self.stop.requested() {
                return Ok(());
            }
            let metrics = some.iter().map(|number| self.index.metric_numbered(*number));
            let metrics: Vec<Metric> = metrics.collect::<Result<_, _>>()?;
            let policies: Vec<_> = metrics.iter().map(|metric| Arc::clone(&metric.archive_policy)).collect();
            let wanted = metrics.iter().zip(&policies);
            let wanted: Vec<Wanted<'_>> =
                wanted.map(|(metric, policy)| Wanted { metric: metric.number, policy }).collect();
            snapshot.whole(&wanted, |place, whole| self.whole(Id(metrics[place].id), &whole))?;
        }
        Ok(())
    }

    fn whole(&mut self, metric: Id, whole: &Whole) -> Result<(), Failure> {
        if whole.newest.is_none() {
            return Ok(());
        }
        self.write(&Line::Measures(MeasuresLine {
            metric,
            newest: whole.newest,
            floor: Some(whole.floor).filter(|floor| (Timestamp::MIN..Timestamp::MAX).contains(floor)),
            taken: whole.taken,
            replaced: whole.replaced,
            late: whole.late,
        }))?;
        for spans in &whole.spans {
            let rows_max = (LINE_VALUES_MAX / (spans.columns.len() + 1)).max(1);
            for from in (0..spans.starts.len()).step_by(rows_max) {
                let to = spans.starts.len().min(from + rows_max);
                self.write(&Line::Spans(rows(metric, spans, from, to)))?;
            }
        }
        for points in whole.points.chunks(LINE_VALUES_MAX) {
            let points = points.iter().map(|point| (point.timestamp, Number(Some(point.value))));
            self.write(&Line::Points(PointsLine { metric, points: points.collect() }))?;
        }
        Ok(())
    }
}

/// The condition for ids from one to another.
fn between(first: Uuid, last: Uuid) -> Result<Filter, Failure> {
    let form = json!({"and": [{">=": {"id": first.to_string()}}, {"<=": {"id": last.to_string()}}]});
    Filter::from_json(&form).map_err(|error| Failure::Bug(error.to_string()))
}

/// A state of a resource in Gnocchi's form, without what follows from the rest.
fn form(state: &Resource) -> Map<String, Value> {
    let Value::Object(mut members) = state.to_json(state.attributes.keys()) else {
        return Map::new();
    };
    for name in ["metrics", "created_by_user_id", "created_by_project_id"] {
        members.shift_remove(name);
    }
    members
}

fn rows(metric: Id, spans: &Spans, from: usize, to: usize) -> SpansLine {
    let columns = spans
        .columns
        .iter()
        .map(|column| (column.method.to_string(), (from..to).map(|row| Number(column.get(row))).collect()));
    SpansLine {
        metric,
        granularity: Seconds(spans.granularity),
        timestamps: spans.starts[from..to].to_vec(),
        aggregates: columns.collect::<BTreeMap<_, Vec<Number>>>(),
    }
}
