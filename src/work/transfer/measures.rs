//! What lines say of one metric's points, put together.

use std::sync::Arc;

use foldhash::HashMap;
use uuid::Uuid;

use super::line::{Id, Line, MeasuresLine, PointsLine, SpansLine};
use super::reader::{Placed, Reader};
use crate::base::Failure;
use crate::model::Timestamp;
use crate::series::{ArchivePolicy, Column, Method, Point, Spans};
use crate::store::MetricNumber;
use crate::store::measures::Whole;

/// A metric that was imported.
#[derive(Clone, Debug)]
pub(super) struct Known {
    pub(super) number: MetricNumber,
    pub(super) policy: Arc<ArchivePolicy>,
}

/// What is kept of metrics, one after the other.
pub(super) struct Wholes<'a, 's> {
    pub(super) reader: &'a mut Reader<'s>,
    pub(super) metrics: &'a HashMap<Uuid, Known>,
    /// The last metric that was given.
    pub(super) last: Option<MetricNumber>,
    /// What the last line says of the number of lines, once it was read.
    pub(super) end: &'a mut Option<u64>,
}

impl Iterator for Wholes<'_, '_> {
    type Item = Result<Whole, Failure>;

    fn next(&mut self) -> Option<Self::Item> {
        self.whole().transpose()
    }
}

impl Wholes<'_, '_> {
    fn whole(&mut self) -> Result<Option<Whole>, Failure> {
        while let Some(Placed { number, line }) = self.reader.next()? {
            match line {
                Line::Measures(line) => match self.begun(&line) {
                    Ok((whole, policy)) => return self.completed(line.metric, whole, &policy).map(Some),
                    Err(why) => self.reader.reject(number, &why),
                },
                Line::End { lines } => *self.end = Some(lines),
                Line::Spans(_) | Line::Points(_) => {
                    self.reader.reject(number, "it does not follow the measures of its metric");
                }
                _ => self.reader.reject(number, "it stands behind the first measures"),
            }
        }
        Ok(None)
    }

    fn begun(&mut self, line: &MeasuresLine) -> Result<(Whole, Arc<ArchivePolicy>), String> {
        let known = self.metrics.get(&line.metric.0);
        let known = known.ok_or_else(|| format!("metric {} is not in this import", line.metric.0))?;
        if self.last.is_some_and(|last| last >= known.number) {
            return Err(format!("the measures of metric {} are out of order", line.metric.0));
        }
        self.last = Some(known.number);
        let spans = known.policy.definition().iter().map(|one| Spans {
            granularity: one.granularity,
            starts: Vec::new(),
            columns: Vec::new(),
        });
        let whole = Whole {
            metric: known.number,
            newest: line.newest,
            floor: line.floor.unwrap_or(Timestamp::from_ns(i64::MIN)),
            late: line.late,
            taken: line.taken,
            replaced: line.replaced,
            points: Vec::new(),
            spans: spans.collect(),
        };
        Ok((whole, Arc::clone(&known.policy)))
    }

    /// Adds the spans and points that follow.
    fn completed(&mut self, metric: Id, mut whole: Whole, policy: &ArchivePolicy) -> Result<Whole, Failure> {
        while let Some(placed) = self.reader.next()? {
            let added = match &placed.line {
                Line::Spans(line) if line.metric == metric => add_spans(&mut whole, line, policy),
                Line::Points(line) if line.metric == metric => add_points(&mut whole, line),
                _ => {
                    self.reader.put_back(placed);
                    break;
                }
            };
            if let Err(why) = added {
                self.reader.reject(placed.number, &why);
            }
        }
        Ok(whole)
    }
}

fn add_spans(whole: &mut Whole, line: &SpansLine, policy: &ArchivePolicy) -> Result<(), String> {
    let granularity = line.granularity.0;
    let spans =
        whole.spans.iter_mut().find(|spans| spans.granularity == granularity).ok_or_else(|| {
            format!("archive policy {} has no granularity of {granularity} s", policy.name())
        })?;
    let rows = line.timestamps.len();
    check_order(spans.starts.last().copied(), line.timestamps.iter().copied())?;
    let off = line.timestamps.iter().find(|start| start.ns().rem_euclid(granularity.ns()) != 0);
    if let Some(off) = off {
        return Err(format!("no span of {granularity} s starts at {off}"));
    }
    // Spans that can still change are computed of points: they would be there twice.
    let open =
        line.timestamps.last().filter(|last| last.ns().saturating_add(granularity.ns()) > whole.floor.ns());
    if let Some(open) = open {
        return Err(format!("the span at {open} ends behind {}, so it can still change", whole.floor));
    }
    let mut columns = Vec::new();
    for (word, values) in &line.aggregates {
        let method: Method = word.parse().map_err(|error: crate::series::BadMethod| error.to_string())?;
        if values.len() != rows {
            return Err(format!("{rows} spans and {} values of {method}", values.len()));
        }
        let present = values.iter().any(|value| value.0.is_none());
        columns.push(Column {
            method,
            values: values.iter().map(|value| value.0.unwrap_or(0.0)).collect(),
            present: present.then(|| values.iter().map(|value| value.0.is_some()).collect()),
        });
    }
    columns.sort_by(|a, b| a.method.canonical_order(&b.method));
    let expected = Whole::methods(policy);
    if !columns.iter().map(|column| column.method).eq(expected.iter().copied()) {
        let expected: Vec<String> = expected.iter().map(Method::to_string).collect();
        return Err(format!("spans of archive policy {} have {}", policy.name(), expected.join(", ")));
    }
    if spans.columns.is_empty() {
        spans.columns = columns;
    } else {
        let before = spans.starts.len();
        spans.columns.iter_mut().zip(columns).for_each(|(column, more)| append(column, more, before));
    }
    spans.starts.extend_from_slice(&line.timestamps);
    Ok(())
}

fn append(column: &mut Column, more: Column, before: usize) {
    if column.present.is_some() || more.present.is_some() {
        let rows = more.values.len();
        let present = column.present.get_or_insert_with(|| vec![true; before]);
        present.extend(more.present.unwrap_or_else(|| vec![true; rows]));
    }
    column.values.extend(more.values);
}

fn add_points(whole: &mut Whole, line: &PointsLine) -> Result<(), String> {
    check_order(whole.points.last().map(|point| point.timestamp), line.points.iter().map(|(at, _)| *at))?;
    if line.points.iter().any(|(_, value)| value.0.is_none()) {
        return Err("a point needs a value".to_owned());
    }
    if let Some((at, _)) = line.points.last().filter(|(at, _)| Some(*at) > whole.newest) {
        return Err(format!("the point at {at} is newer than the newest"));
    }
    let points = line
        .points
        .iter()
        .filter_map(|(timestamp, value)| Some(Point { timestamp: *timestamp, value: value.0? }));
    whole.points.extend(points);
    Ok(())
}

fn check_order(last: Option<Timestamp>, times: impl Iterator<Item = Timestamp>) -> Result<(), String> {
    let mut last = last;
    for at in times {
        if last.is_some_and(|last| last >= at) {
            return Err(format!("{at} is not after the one before it"));
        }
        last = Some(at);
    }
    Ok(())
}
