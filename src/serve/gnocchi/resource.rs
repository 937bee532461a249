//! `/v1/resource`: what measures are of, one by one and by type.

use hyper::StatusCode;
use serde_json::{Map, Value, json};

use super::body::resource_id;
use super::precondition::State;
use super::resource_list::{Wanted, visible};
use super::resource_said::{Said, read};
use super::resource_told::Teller;
use super::{Desk, metric_source, scope, search_filter};
use crate::query::Filter;
use crate::serve::auth::{Identity, Target};
use crate::serve::http::{Answer, Call, Problem, Route};
use crate::store::index::{NewResource, Resource, ResourceQuery};

/// What is answered here.
pub(super) fn routes() -> Vec<Route<Desk>> {
    vec![
        Route::get("/v1/resource", types),
        Route::get("/v1/resource/{type}", list),
        Route::post("/v1/resource/{type}", create),
        Route::delete("/v1/resource/{type}", delete_many),
        Route::get("/v1/resource/{type}/{id}", show),
        Route::patch("/v1/resource/{type}/{id}", update),
        Route::delete("/v1/resource/{type}/{id}", delete),
    ]
}

/// The resource that a path names by type and id, and who asks for it.
///
/// # Errors
/// 404 when there is none, 401 when nobody says who it is.
pub(super) fn found(desk: &Desk, call: &Call) -> Result<(Identity, Resource), Problem> {
    let (resource_type, id) = (call.part(0), call.part(1));
    let index = desk.store.index();
    index.resource_type(resource_type)?;
    let who = desk.identify(call)?;
    let none = |id: &str| Problem::not_found(format!("Resource {id} does not exist"));
    let uuid = resource_id(id, &who.creator).map_err(|_| none(id))?.uuid();
    let resource = index.resource(resource_type, uuid).map_err(|error| match error {
        crate::store::index::IndexError::NotFound { .. } => none(&uuid.to_string()),
        other => other.into(),
    })?;
    Ok((who, resource))
}

fn types(desk: &Desk, call: &Call) -> Result<Answer, Problem> {
    let url = |name: &str| call.site.url(&format!("/v1/resource/{}", name));
    let types = desk.store.index().resource_types()?;
    let links = types.iter().map(|one| (one.name().to_owned(), Value::from(url(one.name()))));
    Answer::json(&links.collect::<Map<_, _>>())
}

fn list(desk: &Desk, call: &Call) -> Result<Answer, Problem> {
    let resource_type = call.part(0);
    desk.store.index().resource_type(resource_type)?;
    let history = call.query.flag("history")?;
    let wanted = Wanted {
        resource_type,
        filter: Filter::Everything,
        known: Filter::Everything,
        creator: None,
        history,
    };
    visible(desk, call, "list resource", wanted)
}

fn create(desk: &Desk, call: &Call) -> Result<Answer, Problem> {
    let index = desk.store.index();
    let resource_type = index.resource_type(call.part(0))?;
    let who = desk.identify(call)?;
    let body = call.json()?;
    let (id, said) = read_new(desk, &who, &resource_type, &body)?;
    let text = id.uuid().to_string();
    let target = Target::new()
        .with("resource_type", Some(resource_type.name()))
        .with("id", Some(&text))
        .with("original_resource_id", Some(id.original()))
        .with("user_id", said.user_id.as_ref().and_then(Option::as_deref))
        .with("project_id", said.project_id.as_ref().and_then(Option::as_deref));
    desk.allow(&who, "create resource", &target)?;
    said.check_order(call.now, None)?;
    let new = NewResource {
        creator: Some(who.creator),
        user_id: said.user_id.flatten(),
        project_id: said.project_id.flatten(),
        started_at: said.started_at,
        ended_at: said.ended_at.flatten(),
        attributes: said.attributes.into_iter().filter_map(|(name, value)| Some((name, value?))).collect(),
        metrics: said.metrics.unwrap_or_default(),
        ..NewResource::new(id, resource_type.name())
    };
    let made = index.create_resource(&new, call.now).map_err(metric_source::refusal)?;
    let location = format!("/v1/resource/{}/{}", resource_type.name(), made.id);
    let told = Teller::new(index, resource_type.name(), false, Vec::new()).told(&made)?;
    Ok(State::of(&made).told(Answer::created(&told, &call.site, &location)?))
}

fn read_new(
    desk: &Desk,
    who: &Identity,
    resource_type: &crate::store::index::ResourceType,
    body: &Value,
) -> Result<(crate::store::index::ResourceId, Said), Problem> {
    let members = super::body::Field::whole(body).members()?;
    let said = read(desk, who, resource_type, &members, &["id"])?;
    let id = members.required("id")?.resource_id(&who.creator)?;
    if let Some((name, _)) = resource_type
        .attributes()
        .iter()
        .find(|(name, attribute)| attribute.required && members.optional(name).is_none())
    {
        members.required(name)?;
    }
    Ok((id, said))
}

fn show(desk: &Desk, call: &Call) -> Result<Answer, Problem> {
    let (who, resource) = found(desk, call)?;
    desk.allow(&who, "get resource", &scope::target_of(&resource))?;
    let state = State::of(&resource);
    state.check(call)?;
    Ok(state.told(one(desk, call, &resource)?))
}

fn update(desk: &Desk, call: &Call) -> Result<Answer, Problem> {
    // In one transaction: between the precondition and the change nobody else changes it.
    desk.store.index().transaction(|index| {
        let (who, resource) = found(desk, call)?;
        desk.allow(&who, "update resource", &scope::target_of(&resource))?;
        let state = State::of(&resource);
        state.check(call)?;
        let body = call.json()?;
        let members = super::body::Field::whole(&body).members()?;
        let said = read(desk, &who, &*index.resource_type(call.part(0))?, &members, &[])?;
        if members.len() == 0 {
            return Ok(state.told(one(desk, call, &resource)?));
        }
        said.check_order(call.now, Some(&resource))?;
        let updated = index
            .update_resource(call.part(0), resource.id, &said.patch(), call.now)
            .map_err(metric_source::refusal)?;
        Ok(State::of(&updated).told(one(desk, call, &updated)?))
    })
}

fn delete(desk: &Desk, call: &Call) -> Result<Answer, Problem> {
    desk.store.index().transaction(|index| {
        let (who, resource) = found(desk, call)?;
        desk.allow(&who, "delete resource", &scope::target_of(&resource))?;
        State::of(&resource).check(call)?;
        index.delete_resource(resource.id)?;
        Ok(Answer::empty(StatusCode::NO_CONTENT))
    })
}

fn delete_many(desk: &Desk, call: &Call) -> Result<Answer, Problem> {
    let resource_type = call.part(0);
    let index = desk.store.index();
    index.resource_type(resource_type)?;
    let who = desk.identify(call)?;
    let filter = search_filter::of_call(call, &who.creator)?.filter(|one| *one != Filter::Everything);
    let filter = filter.ok_or_else(|| {
        Problem::bad(
            "caution: a filter is needed here, at least one condition; without it all would be removed",
        )
    })?;
    // Lists in local modes are open; this is no list.
    if who.is_local {
        desk.allow(&who, "delete resources", &local_target(&who, resource_type))?;
    }
    let scope = scope::of_resources(desk, call, "delete resources", resource_type)?;
    let query = ResourceQuery {
        resource_type: resource_type.to_owned(),
        filter: scope::both(scope, filter),
        creator: Some(who.creator),
        ..ResourceQuery::default()
    };
    Answer::json(&json!({"deleted": index.delete_resources(&query)?}))
}

/// What a rule is asked about when a user of this host removes many.
fn local_target(who: &Identity, resource_type: &str) -> Target {
    Target::new().with("resource_type", Some(resource_type)).with("creator", Some(&who.creator))
}

fn one(desk: &Desk, call: &Call, resource: &Resource) -> Result<Answer, Problem> {
    Answer::json(&Teller::new(desk.store.index(), call.part(0), false, Vec::new()).told(resource)?)
}
