//! Which series an expression means: its references found in the index, in groups.

use std::sync::Arc;

use serde_json::Value;

use super::{Among, Query, Refusal, Search, history};
use crate::define::Glob;
use crate::model::Granularity;
use crate::operations::{BadGranularities, Reference, common_granularities};
use crate::series::Method;
use crate::store::index::{Index, IndexError, Metric, Page, Resource, ResourceQuery, SortKey, parse_uuid};
use crate::work::stored::{NotKept, Range, called, granularities};

/// A series that a reference means.
#[derive(Clone, Debug)]
pub struct Subject {
    /// The reference.
    pub reference: Reference,
    /// The method that it names.
    pub method: Method,
    /// The metric.
    pub metric: Metric,
    /// The resource that it was found by.
    pub resource: Option<Arc<Resource>>,
}

/// A group before anything is read.
pub(super) struct Planned {
    pub(super) key: Vec<(String, Value)>,
    /// One; with history one for each state of a resource.
    pub(super) parts: Vec<Part>,
}

/// What an expression is applied to at once.
pub(super) struct Part {
    pub(super) range: Range,
    pub(super) subjects: Vec<Subject>,
    pub(super) granularities: Vec<Granularity>,
}

/// Finds what the references mean, all in one state of the index.
pub(super) fn plan(index: &Index, query: &Query) -> Result<Vec<Planned>, Refusal> {
    index.snapshot(|index| match &query.among {
        Among::Metrics => {
            let part = Part::of(query, query.range, by_id(index, query)?)?;
            Ok(vec![Planned { key: Vec::new(), parts: vec![part] }])
        }
        Among::Resources(search) => by_search(index, query, search),
    })
}

impl Part {
    /// Of `subjects`, with the granularities that they have in common.
    fn of(query: &Query, range: Range, subjects: Vec<Subject>) -> Result<Part, Refusal> {
        if let Some(asked) = query.granularity {
            for subject in &subjects {
                NotKept::granularity(&subject.metric, asked)?;
            }
        }
        let policies = subjects.iter().map(|subject| &subject.metric.archive_policy);
        let each: Vec<Vec<Granularity>> = policies.map(|policy| granularities(policy).collect()).collect();
        let granularities = match common_granularities(query.granularity, &each) {
            Err(BadGranularities::NoMatch) => {
                let named = |subject: &Subject| (called(&subject.metric), subject.method.to_string());
                return Err(Refusal::NoGranularityMatch(subjects.iter().map(named).collect()));
            }
            found => found?,
        };
        Ok(Part { range, subjects, granularities })
    }
}

fn by_id(index: &Index, query: &Query) -> Result<Vec<Subject>, Refusal> {
    let references = query.operations.references();
    let mut subjects = Vec::with_capacity(references.len());
    let mut unknown = Vec::new();
    for reference in references {
        let id = parse_uuid(&reference.metric).ok_or_else(|| Refusal::NotAnId(reference.metric.clone()))?;
        match index.metric(id) {
            Ok(metric) => subjects.push((metric, reference)),
            Err(IndexError::NotFound { .. }) => unknown.push(reference.metric),
            Err(error) => return Err(error.into()),
        }
    }
    if !unknown.is_empty() {
        return Err(Refusal::UnknownMetrics(unknown));
    }
    let subject = |(metric, reference): (Metric, Reference)| {
        let method = NotKept::method(&metric, &reference.aggregation)?;
        Ok(Subject { reference, method, metric, resource: None })
    };
    subjects.into_iter().map(subject).collect()
}

fn by_search(index: &Index, query: &Query, search: &Search) -> Result<Vec<Planned>, Refusal> {
    let resources = index.resources(&ResourceQuery {
        resource_type: search.resource_type.clone(),
        filter: search.filter.clone(),
        creator: search.creator.clone(),
        history: search.weighs(),
        metrics: true,
        page: Page {
            sort: search.group_by.iter().map(|name| SortKey::ascending(name)).collect(),
            ..Page::default()
        },
        ..ResourceQuery::default()
    })?;
    let references: Vec<(Reference, Glob)> = query
        .operations
        .references()
        .into_iter()
        .map(|reference| {
            let glob = Glob::new(&reference.metric);
            (reference, glob)
        })
        .collect();
    let groups = if search.weighs() {
        history::groups(resources, search, query.range)
    } else {
        grouped(resources, search, query.range)
    };
    let mut planned = Vec::new();
    for (key, parts) in groups {
        let mut found = Vec::new();
        for (range, resources) in parts {
            let subjects = named(index, resources, &references)?;
            // A group, or a state of a resource, without such metrics is none.
            if !subjects.is_empty() {
                found.push(Part::of(query, range, subjects)?);
            }
        }
        if !found.is_empty() {
            planned.push(Planned { key, parts: found });
        }
    }
    if planned.is_empty() {
        let mut names: Vec<String> = references.into_iter().map(|(reference, _)| reference.metric).collect();
        names.sort();
        names.dedup();
        return Err(Refusal::NothingNamed(names));
    }
    Ok(planned)
}

/// A group: its key, and what the expression is applied to at once.
pub(super) type Found = (Vec<(String, Value)>, Vec<(Range, Vec<Resource>)>);

/// Neighbours of one key, which a sorted list has together.
fn grouped(resources: Vec<Resource>, search: &Search, range: Range) -> Vec<Found> {
    let mut groups: Vec<Found> = Vec::new();
    for resource in resources {
        let key = key(&resource, &search.group_by);
        match groups.last_mut() {
            Some((last, parts)) if *last == key => parts[0].1.push(resource),
            _ => groups.push((key, vec![(range, vec![resource])])),
        }
    }
    groups
}

/// What a resource has of the attributes that groups are made by.
pub(super) fn key(resource: &Resource, group_by: &[String]) -> Vec<(String, Value)> {
    if group_by.is_empty() {
        return Vec::new();
    }
    let attributes = group_by.iter().filter(|name| resource.attributes.contains_key(*name));
    let mut values = resource.to_json(attributes);
    let take = |name: &String| (name.clone(), values.get_mut(name).map_or(Value::Null, Value::take));
    group_by.iter().map(take).collect()
}

/// The metrics of `resources` whose names fit the references: resource by resource, reference by reference.
fn named(
    index: &Index,
    resources: Vec<Resource>,
    references: &[(Reference, Glob)],
) -> Result<Vec<Subject>, Refusal> {
    let mut subjects = Vec::new();
    for resource in resources {
        let resource = Arc::new(resource);
        for (reference, glob) in references {
            for (_, id) in resource.metrics.iter().filter(|(name, _)| glob.matches(name)) {
                let metric = index.metric(*id)?;
                let method = NotKept::method(&metric, &reference.aggregation)?;
                let (reference, resource) = (reference.clone(), Some(Arc::clone(&resource)));
                subjects.push(Subject { reference, method, metric, resource });
            }
        }
    }
    Ok(subjects)
}
