//! `/v1/resource/{type}/{id}/metric`: the metrics of a resource.

use serde_json::Value;

use super::body::Field;
use super::resource::found;
use super::{Desk, metric_source, metric_told, scope};
use crate::serve::http::{Answer, Call, Problem, Route};
use crate::store::index::{Resource, ResourcePatch};

/// What is answered here.
pub(super) fn routes() -> Vec<Route<Desk>> {
    vec![
        Route::get("/v1/resource/{type}/{id}/metric", list),
        Route::post("/v1/resource/{type}/{id}/metric", add),
    ]
}

fn list(desk: &Desk, call: &Call) -> Result<Answer, Problem> {
    let (who, resource) = found(desk, call)?;
    desk.allow(&who, "get resource", &scope::target_of(&resource))?;
    all(desk, &resource)
}

fn add(desk: &Desk, call: &Call) -> Result<Answer, Problem> {
    let (who, resource) = found(desk, call)?;
    desk.allow(&who, "update resource", &scope::target_of(&resource))?;
    let body = call.json()?;
    let metrics = metric_source::read(desk, &who, &Field::whole(&body))?;
    let patch = ResourcePatch { metrics, ..ResourcePatch::default() };
    let updated = desk
        .store
        .index()
        .update_resource(call.part(0), resource.id, &patch, call.now)
        .map_err(metric_source::refusal)?;
    all(desk, &updated)
}

fn all(desk: &Desk, resource: &Resource) -> Result<Answer, Problem> {
    let index = desk.store.index();
    let told = |(_, id): &(String, uuid::Uuid)| Ok(metric_told::told(&index.metric(*id)?));
    Answer::json(&resource.metrics.iter().map(told).collect::<Result<Vec<Value>, Problem>>()?)
}
