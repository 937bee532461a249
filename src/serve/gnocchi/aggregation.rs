//! `/v1/aggregation`: one aggregate across metrics, as clients asked before there was `/v1/aggregates`.

use hyper::StatusCode;
use serde_json::{Map, Value, json};

use super::aggregates::{fill, needed_overlap, refused};
use super::body::Field;
use super::gate::Gate;
use super::group_by::group_by;
use super::measures::{levels, no_aggregation, resample};
use super::rows::Body;
use super::{Desk, rows, scope, search_filter, timing};
use crate::operations::{self, parse_json};
use crate::query::Filter;
use crate::series::Step;
use crate::serve::http::{Answer, Call, Problem, Route};
use crate::store::index::{IndexError, Metric, Page, Resource, ResourceQuery, SortKey, parse_uuid};
use crate::work::aggregates::{Among, NEEDED_OVERLAP, Query, answer};
use crate::work::stored::{NotKept, granularities};

/// What is answered here.
pub(super) fn routes() -> Vec<Route<Desk>> {
    vec![
        Route::get("/v1/aggregation/metric", |desk, call| {
            let said = call.query.all("metric").map(ToOwned::to_owned).collect();
            of_metrics(desk, call, said)
        }),
        Route::post("/v1/aggregation/metric", |desk, call| {
            let body = call.json()?;
            let said = Field::whole(&body).list()?;
            let said = said.iter().map(|id| id.text().map(ToOwned::to_owned)).collect::<Result<_, _>>()?;
            of_metrics(desk, call, said)
        }),
        Route::post("/v1/aggregation/resource/{type}/metric/{name}", of_resources),
        Route::post("/v1/aggregation/resource/{type}/metric", |_, _| {
            Err(Problem::new(StatusCode::METHOD_NOT_ALLOWED, ""))
        }),
    ]
}

fn of_metrics(desk: &Desk, call: &Call, said: Vec<String>) -> Result<Answer, Problem> {
    let mut metrics: Vec<Metric> = Vec::new();
    for text in said {
        let id = parse_uuid(&text).ok_or_else(|| {
            Problem::bad(format!("Invalid input: badly formed hexadecimal UUID string: {text}"))
        })?;
        match desk.store.index().metric(id) {
            Ok(metric) => metrics.push(metric),
            Err(IndexError::NotFound { .. }) => {
                return Err(Problem::not_found(format!("Metric {id} does not exist")));
            }
            Err(error) => return Err(error.into()),
        }
    }
    metrics.sort_by_key(|metric| metric.id);
    metrics.dedup_by_key(|metric| metric.id);
    let mut body = Body::default();
    across(desk, call, &metrics, &mut body)?;
    body.answer(desk)
}

fn of_resources(desk: &Desk, call: &Call) -> Result<Answer, Problem> {
    let (name, index) = (call.part(1), desk.store.index());
    let resource_type = index.resource_type(call.part(0))?;
    let group_by = group_by(call, &resource_type).map_err(|_| Problem::bad("Invalid groupby attribute"))?;
    let who = desk.identify(call)?;
    let filter = search_filter::of_call(call, &who.creator)?.unwrap_or(Filter::Everything);
    let seen = scope::of_resources(desk, call, "search resource", resource_type.name())?;
    let resources = index.resources(&ResourceQuery {
        resource_type: resource_type.name().to_owned(),
        filter,
        known: seen,
        creator: Some(who.creator),
        history: false,
        metrics: true,
        page: Page {
            sort: group_by.iter().map(|name| SortKey::ascending(name)).collect(),
            ..Page::default()
        },
    })?;
    let mut groups: Vec<(Map<String, Value>, Vec<Metric>)> = Vec::new();
    for resource in resources {
        let key = key(&resource, &group_by);
        if groups.last().is_none_or(|(last, _)| *last != key) {
            groups.push((key, Vec::new()));
        }
        let id = resource.metrics.iter().find(|(found, _)| found == name).map(|(_, id)| *id);
        if let (Some(id), Some((_, metrics))) = (id, groups.last_mut()) {
            metrics.push(index.metric(id)?);
        }
    }
    let mut body = Body::default();
    if group_by.is_empty() {
        across(desk, call, groups.first().map_or(&[], |(_, metrics)| metrics), &mut body)?;
        return body.answer(desk);
    }
    body.text("[");
    for (number, (key, metrics)) in groups.into_iter().enumerate() {
        let comma = if number == 0 { "" } else { "," };
        body.text(&format!("{comma}{{\"group\":{},\"measures\":", Value::Object(key)));
        across(desk, call, &metrics, &mut body)?;
        body.text("}");
        body.check(desk)?;
    }
    body.text("]");
    body.answer(desk)
}

fn key(resource: &Resource, group_by: &[String]) -> Map<String, Value> {
    let attributes = group_by.iter().filter(|name| resource.attributes.contains_key(*name));
    let mut values = resource.to_json(attributes);
    let value = |name: &String| (name.clone(), values.get_mut(name).map_or(Value::Null, Value::take));
    group_by.iter().map(value).collect()
}

/// Appends the rows of what is computed across metrics.
fn across(desk: &Desk, call: &Call, metrics: &[Metric], body: &mut Body) -> Result<(), Problem> {
    let (fill, needed_overlap) = (fill(call)?, needed_overlap(call)?);
    let (range, granularity) = (timing::range(call)?, timing::granularity(call)?);
    let method = call.query.get("aggregation").unwrap_or("mean");
    let gate = Gate::new(desk, call, "get metric")?;
    metrics.iter().try_for_each(|metric| gate.pass(metric))?;
    if metrics.is_empty() {
        body.rows([]);
        return Ok(());
    }
    let resample = resample(call)?;
    if let Some(granularity) = granularity {
        let lacks = |metric: &&Metric| {
            NotKept::method(metric, method).is_err() || NotKept::granularity(metric, granularity).is_err()
        };
        if let Some(metric) = metrics.iter().find(lacks) {
            return Err(Problem::not_found(no_aggregation(metric, method, granularity)));
        }
    }
    if let [metric] = metrics {
        return levels(desk, call, metric, resample, body);
    }
    call.query.flag("refresh")?;
    for metric in metrics {
        if let (Err(_), Some(granularity)) =
            (NotKept::method(metric, method), granularities(&metric.archive_policy).next())
        {
            return Err(Problem::not_found(no_aggregation(metric, method, granularity)));
        }
    }
    let mut series = vec![json!("metric")];
    series.extend(metrics.iter().map(|metric| json!([metric.id.to_string(), method])));
    let series = match resample {
        None => Value::Array(series),
        Some(Step::Span(length)) => json!(["resample", method, length.seconds(), series]),
        Some(Step::Calendar(_)) => {
            return Err(Problem::bad("across several metrics resample takes a length of time: 60, 1 hour"));
        }
    };
    let operations = json!(["aggregate", call.query.get("reaggregation").unwrap_or(method), series]);
    let query = Query {
        operations: parse_json(&operations).map_err(|error| Problem::bad(error.to_string()))?,
        among: Among::Metrics,
        range,
        granularity,
        fill,
        needed_overlap: Some(needed_overlap.unwrap_or(NEEDED_OVERLAP)),
    };
    let answers = answer(&desk.store, &query).map_err(|refusal| refused(refusal, &query))?;
    rows::tell(&desk.books, answers.damage);
    let levels = answers.groups.into_iter().flat_map(|group| match group.answer {
        operations::Answer::Aggregated(levels) => levels,
        operations::Answer::Each(each) => each.into_iter().flatten().collect(),
    });
    body.series(levels);
    Ok(())
}
