//! The measures of one metric: `/v1/metric/{id}/measures`, and the same below its resource.

use std::collections::BTreeMap;

use hyper::StatusCode;
use serde_json::json;

use super::gate::Gate;
use super::metric::{by_id, by_name};
use super::rows::Body;
use super::{Desk, points, rows, timing};
use crate::model::Granularity;
use crate::series::{Point, Step};
use crate::serve::http::{Answer, Call, Problem, Route};
use crate::store::index::Metric;
use crate::store::measures::Arrival;
use crate::work::measures::{CannotShow, Query, one_call, show};
use crate::work::stored::NotKept;

/// What is answered here.
pub(super) fn routes() -> Vec<Route<Desk>> {
    vec![
        Route::get("/v1/metric/{id}/measures", |desk, call| get(desk, call, &by_id(desk, call)?)),
        Route::post("/v1/metric/{id}/measures", |desk, call| post(desk, call, &by_id(desk, call)?)),
        Route::get("/v1/resource/{type}/{id}/metric/{name}/measures", |desk, call| {
            get(desk, call, &by_name(desk, call)?)
        }),
        Route::post("/v1/resource/{type}/{id}/metric/{name}/measures", |desk, call| {
            post(desk, call, &by_name(desk, call)?)
        }),
    ]
}

fn post(desk: &Desk, call: &Call, metric: &Metric) -> Result<Answer, Problem> {
    Gate::new(desk, call, "post measures")?.pass(metric)?;
    call.expect_media("application/json")?;
    store(desk, call, [(metric, points::read(&call.body, call.now)?)])
}

/// Stores one call's points of metrics, together; a resource that had ended before one of its points goes on.
///
/// # Errors
/// 400 when one is older than 1970.
pub(super) fn store<'a>(
    desk: &Desk,
    call: &Call,
    found: impl IntoIterator<Item = (&'a Metric, Vec<Point>)>,
) -> Result<Answer, Problem> {
    let (mut arrivals, mut going_on) = (Vec::new(), BTreeMap::new());
    for (metric, mut points) in found {
        one_call(&mut points).map_err(|error| Problem::invalid(error.to_string(), &[]))?;
        if let (Some(resource), Some(ended_at)) = (metric.resource_id, metric.resource_ended_at) {
            let newest = points.iter().map(|point| point.timestamp).max();
            if let Some(newest) = newest.filter(|newest| *newest >= ended_at) {
                let known = going_on.entry(resource).or_insert(newest);
                *known = newest.max(*known);
            }
        }
        arrivals.extend(points.into_iter().map(|point| Arrival { metric: metric.number, point }));
    }
    desk.append(&mut arrivals)?;
    for (resource, newest) in going_on {
        desk.store.index().go_on(resource, newest, call.now)?;
    }
    Ok(Answer::empty(StatusCode::ACCEPTED))
}

fn get(desk: &Desk, call: &Call, metric: &Metric) -> Result<Answer, Problem> {
    Gate::new(desk, call, "get measures")?.pass(metric)?;
    answer(desk, call, metric, resample(call)?)
}

/// The measures of a metric that a query asks for: `aggregation`, `start`, `stop`, `granularity`.
///
/// # Errors
/// 400 when one of them is not as it must be, 404 when the metric does not have them.
pub(super) fn answer(
    desk: &Desk,
    call: &Call,
    metric: &Metric,
    resample: Option<Step>,
) -> Result<Answer, Problem> {
    let mut body = Body::default();
    levels(desk, call, metric, resample, &mut body)?;
    body.answer(desk)
}

/// Appends the rows of [`answer`].
///
/// # Errors
/// As there.
pub(super) fn levels(
    desk: &Desk,
    call: &Call,
    metric: &Metric,
    resample: Option<Step>,
    body: &mut Body,
) -> Result<(), Problem> {
    let query = Query {
        method: call.query.get("aggregation").unwrap_or("mean").to_owned(),
        range: timing::range(call)?,
        granularity: timing::granularity(call)?,
        resample,
    };
    // All that was appended is read anyway.
    call.query.flag("refresh")?;
    let (levels, damage) = show(&desk.store, metric, &query).map_err(|error| match error {
        CannotShow::Store(error) => error.into(),
        CannotShow::NotKept(NotKept::Method { .. }) => no_method(metric, &query.method),
        CannotShow::NotKept(NotKept::Granularity { granularity, .. }) => {
            Problem::not_found(no_aggregation(metric, &query.method, granularity))
        }
        other => Problem::bad(other.to_string()),
    })?;
    rows::tell(&desk.books, damage);
    body.rows(levels);
    Ok(())
}

/// What a query wants resampled.
///
/// # Errors
/// 400 when it is no span, or the granularity is missing.
pub(super) fn resample(call: &Call) -> Result<Option<Step>, Problem> {
    let Some(text) = call.query.get("resample").filter(|text| !text.is_empty()) else { return Ok(None) };
    if call.query.get("granularity").is_none_or(str::is_empty) {
        return Err(Problem::bad("A granularity must be specified to resample"));
    }
    if let Ok(step @ Step::Calendar(_)) = text.parse() {
        return Ok(Some(step));
    }
    timing::length_or(text).map(|length| Some(Step::Span(length))).map_err(Problem::bad)
}

/// 404 for a method.
pub(super) fn no_method(metric: &Metric, method: &str) -> Problem {
    Problem::not_found(json!({
        "cause": "Aggregation method does not exist for this metric",
        "detail": {"metric": metric.id.to_string(), "aggregation_method": method},
    }))
}

/// That a metric has no such series, in Gnocchi's words.
pub(super) fn no_aggregation(metric: &Metric, method: &str, granularity: Granularity) -> String {
    let seconds = rows::seconds(granularity);
    format!(
        "Aggregation method '{method}' at granularity '{seconds}' for metric {} does not exist",
        metric.id
    )
}
