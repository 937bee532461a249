//! Stored series of many metrics, read together; and one call's points, written together.

use foldhash::{HashMap, HashMapExt};
use thiserror::Error;

use crate::model::{Granularity, Timestamp};
use crate::series::{ArchivePolicy, Method, Series, Spans};
use crate::store::index::Metric;
use crate::store::measures::{MeasuresError, Selection, Wanted};
use crate::store::{MetricNumber, Store, StoreError};

/// A part of time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Range {
    /// From the span that this falls in.
    pub start: Option<Timestamp>,
    /// Up to the last span that begins before this.
    pub stop: Option<Timestamp>,
}

/// A series that is wanted.
#[derive(Clone, Copy, Debug)]
pub struct Want<'m> {
    /// Of which metric.
    pub metric: &'m Metric,
    /// Which of the methods that are kept of it.
    pub method: Method,
}

/// What was read.
#[derive(Debug, Default)]
pub struct Stored {
    /// For each that was wanted, in their order, one series a granularity, the coarsest first.
    pub series: Vec<Vec<Series>>,
    /// Bytes of journals that were stepped over because they are not what was written.
    pub damage: Vec<MeasuresError>,
}

/// What a metric does not have.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum NotKept {
    /// A method.
    #[error("of metric {metric} no \"{method}\" is kept: its archive policy \"{policy}\" keeps {kept}")]
    Method {
        /// The metric, as it is called.
        metric: String,
        /// What was asked for.
        method: String,
        /// The name of the policy.
        policy: String,
        /// The methods that there are.
        kept: String,
    },
    /// A granularity.
    #[error(
        "metric {metric} has no granularity of {granularity} s: its archive policy \"{policy}\" has {kept}"
    )]
    Granularity {
        /// The metric, as it is called.
        metric: String,
        /// What was asked for.
        granularity: Granularity,
        /// The name of the policy.
        policy: String,
        /// The granularities that there are.
        kept: String,
    },
}

impl NotKept {
    /// The method that `word` names, if the policy of `metric` keeps it.
    ///
    /// # Errors
    /// [`NotKept::Method`]
    pub fn method(metric: &Metric, word: &str) -> Result<Method, NotKept> {
        let policy = &metric.archive_policy;
        let method = word.parse::<Method>().ok().filter(|method| policy.methods().contains(method));
        method.ok_or_else(|| NotKept::Method {
            metric: called(metric),
            method: word.to_owned(),
            policy: policy.name().to_owned(),
            kept: policy.methods().iter().map(Method::to_string).collect::<Vec<_>>().join(", "),
        })
    }

    /// `granularity`, if the policy of `metric` has it.
    ///
    /// # Errors
    /// [`NotKept::Granularity`]
    pub fn granularity(metric: &Metric, granularity: Granularity) -> Result<Granularity, NotKept> {
        let policy = &metric.archive_policy;
        if granularities(policy).any(|has| has == granularity) {
            return Ok(granularity);
        }
        Err(NotKept::Granularity {
            metric: called(metric),
            granularity,
            policy: policy.name().to_owned(),
            kept: granularities(policy).map(|has| format!("{has} s")).collect::<Vec<_>>().join(", "),
        })
    }
}

/// The granularities of a policy, the finest first.
pub fn granularities(policy: &ArchivePolicy) -> impl Iterator<Item = Granularity> {
    policy.definition().iter().map(|one| one.granularity)
}

/// What a metric is called where people read it: its name and its resource, or its id.
pub fn called(metric: &Metric) -> String {
    match (&metric.name, &metric.original_resource_id) {
        (Some(name), Some(resource)) => format!("\"{name}\" of \"{resource}\""),
        _ => metric.id.to_string(),
    }
}

/// Reads all that is wanted: one pass for each set of methods, so one where all metrics are asked for the same.
///
/// - `granularities`: of these; all that there are when none is given
///
/// # Errors
/// When something is damaged or cannot be read.
pub fn read(
    store: &Store,
    wants: &[Want<'_>],
    granularities: &[Granularity],
    range: Range,
) -> Result<Stored, StoreError> {
    let mut stored = Stored { series: vec![Vec::new(); wants.len()], damage: Vec::new() };
    let mut snapshot = store.snapshot()?;
    for (methods, of) in by_methods(wants) {
        let selection = Selection {
            granularities: granularities.to_vec(),
            methods,
            start: range.start,
            stop: range.stop,
        };
        let metrics = of.iter().map(|places| wants[places[0]].metric);
        let wanted: Vec<Wanted<'_>> =
            metrics.map(|metric| Wanted { metric: metric.number, policy: &metric.archive_policy }).collect();
        snapshot.read(&wanted, &selection, |at, spans| {
            for spans in spans.into_iter().rev() {
                let (last, others) = of[at].split_last().map_or((None, &[][..]), |(last, o)| (Some(last), o));
                for &place in others {
                    stored.series[place].extend(spans.series(wants[place].method));
                }
                if let Some(&place) = last {
                    stored.series[place].extend(into_series(spans, wants[place].method));
                }
            }
        })?;
    }
    stored.damage = snapshot.damage();
    Ok(stored)
}

/// Sets of methods, and of each the metrics that are asked for just these: for each metric its places in `wants`.
fn by_methods(wants: &[Want<'_>]) -> Vec<(Vec<Method>, Vec<Vec<usize>>)> {
    let mut of_metric: HashMap<MetricNumber, Vec<usize>> = HashMap::with_capacity(wants.len());
    let mut order = Vec::new();
    for (place, want) in wants.iter().enumerate() {
        let places = of_metric.entry(want.metric.number).or_default();
        if places.is_empty() {
            order.push(want.metric.number);
        }
        places.push(place);
    }
    let mut sets: Vec<(Vec<Method>, Vec<Vec<usize>>)> = Vec::new();
    for places in order.iter().filter_map(|metric| of_metric.remove(metric)) {
        let mut methods: Vec<Method> = places.iter().map(|&place| wants[place].method).collect();
        methods.sort_by(Method::canonical_order);
        methods.dedup();
        match sets.iter_mut().find(|(known, _)| *known == methods) {
            Some((_, metrics)) => metrics.push(places),
            None => sets.push((methods, vec![places])),
        }
    }
    sets
}

/// The column of `method`; without a copy where each span has a value.
fn into_series(spans: Spans, method: Method) -> Option<Series> {
    let at = spans.columns.iter().position(|column| column.method == method)?;
    if spans.columns[at].present.is_some() {
        return spans.series(method);
    }
    let Spans { granularity, starts, mut columns } = spans;
    Some(Series { granularity, timestamps: starts, values: columns.swap_remove(at).values })
}
