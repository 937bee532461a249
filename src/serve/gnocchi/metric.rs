//! `/v1/metric`: which metrics there are; and what can be had of them at all.

use hyper::StatusCode;
use serde_json::{Value, json};

use super::body::{Field, resource_id};
use super::gate::Gate;
use super::metric_told::told;
use super::page::{linked, page};
use super::resource_told::{MEMBERS, Teller};
use super::{Desk, scope};
use crate::model::Timestamp;
use crate::query::{Comparison, Filter, Literal, Path};
use crate::series::gnocchi_methods;
use crate::serve::auth::{Identity, Target};
use crate::serve::http::{Answer, Call, Problem, Route};
use crate::store::index::{
    GENERIC, IndexError, Metric, MetricQuery, NewMetric, Status, Thing, UNIT_CHARACTERS_MAX, parse_uuid,
};

/// What a list is sorted by where a request does not say it.
const USUAL_ORDER: [&str; 1] = ["id:asc"];
/// What a list can be sorted by.
const SORT_KEYS: [&str; 7] =
    ["id", "name", "unit", "status", "archive_policy_name", "creator", "resource_id"];
/// What is answered here.
pub(super) fn routes() -> Vec<Route<Desk>> {
    vec![
        Route::get("/v1/metric", list),
        Route::post("/v1/metric", create),
        Route::get("/v1/metric/{id}", |desk, call| show(desk, call, &by_id(desk, call)?)),
        Route::delete("/v1/metric/{id}", |desk, call| delete(desk, call, &by_id(desk, call)?)),
        Route::get("/v1/resource/{type}/{id}/metric/{name}", |desk, call| {
            show(desk, call, &by_name(desk, call)?)
        }),
        Route::delete("/v1/resource/{type}/{id}/metric/{name}", |desk, call| {
            delete(desk, call, &by_name(desk, call)?)
        }),
        Route::get("/v1/capabilities", capabilities),
    ]
}

/// The metric whose id is the first open part of the path.
///
/// # Errors
/// 404
pub(super) fn by_id(desk: &Desk, call: &Call) -> Result<Metric, Problem> {
    let unknown = || Problem::not_found(format!("Metric {} does not exist", call.part(0)));
    let id = parse_uuid(call.part(0)).ok_or_else(unknown)?;
    desk.store.index().metric(id).map_err(|error| match error {
        IndexError::NotFound { .. } => unknown(),
        other => other.into(),
    })
}

/// The metric that the path names by the type and the id of its resource and its own name.
///
/// # Errors
/// 404
pub(super) fn by_name(desk: &Desk, call: &Call) -> Result<Metric, Problem> {
    let who = desk.identify(call)?;
    let (resource_type, name) = (call.part(0), call.part(2));
    let id = resource_id(call.part(1), &who.creator).map_err(Problem::not_found)?;
    let index = desk.store.index();
    index.resource_type(resource_type)?;
    match index.metric_named(id.uuid(), name) {
        Err(IndexError::NotFound { .. }) => {
            index.resource(resource_type, id.uuid())?;
            Err(Problem::not_found(format!("Metric {name} does not exist")))
        }
        found => Ok(found?),
    }
}

/// A metric with what there is to say of its resource.
///
/// # Errors
/// 5xx when the index cannot be read.
pub(super) fn told_in_full(desk: &Desk, metric: &Metric) -> Result<Value, Problem> {
    let index = desk.store.index();
    let resource = metric.resource_id.map(|id| index.find_resource(GENERIC, id)).transpose()?.flatten();
    // The attributes of its type and its other metrics are not told here, as in the original.
    let teller = Teller::new(index, GENERIC, false, MEMBERS.to_vec());
    let resource = resource.map(|resource| teller.told(&resource)).transpose()?;
    let mut told = told(metric);
    if let Some(members) = told.as_object_mut() {
        members.remove("resource_id");
        members.insert("resource".to_owned(), json!(resource));
    }
    Ok(told)
}

fn show(desk: &Desk, call: &Call, metric: &Metric) -> Result<Answer, Problem> {
    Gate::new(desk, call, "get metric")?.pass(metric)?;
    Answer::json(&told_in_full(desk, metric)?)
}

fn delete(desk: &Desk, call: &Call, metric: &Metric) -> Result<Answer, Problem> {
    Gate::new(desk, call, "delete metric")?.pass(metric)?;
    desk.store.index().delete_metric(metric.id)?;
    Ok(Answer::empty(StatusCode::NO_CONTENT))
}

fn create(desk: &Desk, call: &Call) -> Result<Answer, Problem> {
    let who = desk.identify(call)?;
    let body = call.json()?;
    let members = Field::whole(&body).members_of(&["archive_policy_name", "resource_id", "name", "unit"])?;
    let text = |name: &str| members.optional(name).map(|field| field.text()).transpose();
    let (name, policy) = (text("name")?, text("archive_policy_name")?);
    let unit = members.optional("unit").map(|field| field.text_up_to(UNIT_CHARACTERS_MAX)).transpose()?;
    let resource =
        members.optional("resource_id").map(|field| field.resource_id(&who.creator)).transpose()?;
    let new = NewMetric {
        name: name.map(ToOwned::to_owned),
        unit: unit.map(ToOwned::to_owned),
        archive_policy: policy.map(ToOwned::to_owned),
        creator: Some(who.creator.clone()),
        resource: resource.as_ref().map(|resource| resource.uuid()),
        id: None,
    };
    if let Some(resource) = &resource {
        if name.is_none() {
            let reason = "Name cannot be null if resource_id is not null";
            return Err(Problem::bad(
                json!({"cause": "Attribute value error", "detail": "name", "reason": reason}),
            ));
        }
        let found = desk.store.index().resource(GENERIC, resource.uuid())?;
        desk.allow(&who, "update resource", &scope::target_of(&found))?;
    }
    let metric = make(desk, &who, &new, call.now)?;
    let mut told = told(&metric);
    if let Some(members) = told.as_object_mut() {
        members.remove("archive_policy");
        members.insert("archive_policy_name".to_owned(), json!(metric.archive_policy.name()));
    }
    Answer::created(&told, &call.site, &format!("/v1/metric/{}", metric.id))
}

/// Makes a metric, if the rules let the caller.
///
/// # Errors
/// 400 when it cannot be made so, 403
pub(super) fn make(desk: &Desk, who: &Identity, new: &NewMetric, now: Timestamp) -> Result<Metric, Problem> {
    let name = new.name.as_deref();
    if name.is_some_and(|name| name.contains('/')) {
        return Err(Problem::bad("'/' is not supported in metric name"));
    }
    let resource = new.resource.map(|id| id.to_string());
    let target = Target::new()
        .with("creator", new.creator.as_deref())
        .with("archive_policy_name", new.archive_policy.as_deref())
        .with("resource_id", resource.as_deref())
        .with("name", name)
        .with("unit", new.unit.as_deref());
    desk.allow(who, "create metric", &target)?;
    desk.store.index().create_metric(new, now).map_err(|error| match error {
        IndexError::NotFound { what: Thing::ArchivePolicy, name } => {
            Problem::bad(format!("Archive policy {name} does not exist"))
        }
        IndexError::Exists { what: Thing::Metric, name } => {
            Problem::bad(json!({"cause": "Named metric already exists", "detail": name}))
        }
        other => other.into(),
    })
}

fn list(desk: &Desk, call: &Call) -> Result<Answer, Problem> {
    let (filter, status) = asked(call)?;
    let page = page(call, desk.options.page_max)?;
    if let Some(key) = page.sort.iter().find(|key| !SORT_KEYS.contains(&key.name.as_str())) {
        return Err(Problem::bad(format!(
            "Invalid pagination: `Sort key supplied is invalid: {}`",
            key.name
        )));
    }
    let seen = scope::of_metrics(desk, call, "list metric")?;
    let query = MetricQuery { filter: scope::both(seen, filter), creator: None, status, page };
    let metrics = desk.store.index().metrics(&query)?;
    let answer = Answer::json(&metrics.iter().map(told).collect::<Vec<_>>())?;
    let last = metrics.last().map(|metric| metric.id.to_string());
    Ok(linked(answer, call, &query.page, metrics.len(), last, &USUAL_ORDER))
}

/// Which metrics a list is asked for.
fn asked(call: &Call) -> Result<(Filter, Status), Problem> {
    let status = match call.query.get("status") {
        None | Some("active") => Status::Active,
        Some("delete") => Status::Deleted,
        Some(_) => {
            return Err(Problem::bad(
                "Invalid input: not a valid value for dictionary value @ data['status']",
            ));
        }
    };
    let mut filters = Vec::new();
    let mut equal = |name: &str, value: &str| {
        let value = Literal::text(value);
        filters.extend(Path::new(name).map(|path| Filter::Compare {
            path,
            comparison: Comparison::Equal,
            value,
        }));
    };
    let (user, project) = (call.query.get("user_id"), call.query.get("project_id"));
    let creator = match (user, project) {
        (None, None) => call.query.get("creator").map(ToOwned::to_owned),
        _ => Some(format!("{}:{}", user.unwrap_or_default(), project.unwrap_or_default())),
    };
    if let Some(creator) = creator {
        equal("creator", &creator);
    }
    for name in ["name", "id", "unit", "archive_policy_name"] {
        if let Some(value) = call.query.get(name) {
            equal(name, value);
        }
    }
    Ok(match filters.len() {
        0 => (Filter::Everything, status),
        1 => (filters.remove(0), status),
        _ => (Filter::And(filters), status),
    })
}

fn capabilities(_: &Desk, _: &Call) -> Result<Answer, Problem> {
    let methods: Vec<String> = gnocchi_methods().iter().map(ToString::to_string).collect();
    Answer::json(&json!({"aggregation_methods": methods}))
}
