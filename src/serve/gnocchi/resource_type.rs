//! `/v1/resource_type`: which attributes the resources of a type have.

use hyper::StatusCode;

use super::body::{Field, Members};
use super::{Desk, resource_type_patch};
use crate::serve::auth::Target;
use crate::serve::http::{Answer, Call, Problem, Route};
use crate::store::index::{Attribute, IndexError, NAME_CHARACTERS_MAX, ResourceType};

/// The content type of a patch (RFC 6902).
const JSON_PATCH: &str = "application/json-patch+json";
/// Most attributes of a type: each has an index of its own.
const ATTRIBUTES_MAX: usize = 500;

/// What is answered here.
pub(super) fn routes() -> Vec<Route<Desk>> {
    vec![
        Route::get("/v1/resource_type", list),
        Route::post("/v1/resource_type", create),
        Route::get("/v1/resource_type/{name}", show),
        Route::patch("/v1/resource_type/{name}", update),
        Route::delete("/v1/resource_type/{name}", delete),
    ]
}

fn list(desk: &Desk, call: &Call) -> Result<Answer, Problem> {
    desk.enforce(call, "list resource type", &Target::new())?;
    let types = desk.store.index().resource_types()?;
    Answer::json(&types.iter().map(|one| one.to_json()).collect::<Vec<_>>())
}

fn show(desk: &Desk, call: &Call) -> Result<Answer, Problem> {
    let resource_type = desk.store.index().resource_type(call.part(0))?;
    desk.enforce(call, "get resource type", &target(resource_type.name()))?;
    Answer::json(&resource_type.to_json())
}

fn create(desk: &Desk, call: &Call) -> Result<Answer, Problem> {
    // Asked first: who may not make types learns nothing of how they are made.
    desk.identify(call)?;
    let body = call.json()?;
    let members = Field::whole(&body).members_of(&["name", "attributes"])?;
    let name = members.required("name")?;
    let resource_type = read(&members)?;
    desk.enforce(call, "create resource type", &target(resource_type.name()))?;
    desk.store.index().create_resource_type(&resource_type)?;
    let location = format!("/v1/resource_type/{}", name.text()?);
    Answer::created(&resource_type.to_json(), &call.site, &location)
}

fn read(members: &Members<'_>) -> Result<ResourceType, Problem> {
    let name = members.required("name")?;
    let mut attributes = std::collections::BTreeMap::new();
    if let Some(field) = members.optional("attributes") {
        let said = field.members()?;
        if said.len() > ATTRIBUTES_MAX {
            return Err(field.refused(&format!("length of value must be at most {ATTRIBUTES_MAX}")));
        }
        for (name, field) in said.iter() {
            let attribute =
                Attribute::from_json(name, field.value).map_err(|error| field.refused(&error.to_string()))?;
            attributes.insert(name.to_owned(), attribute);
        }
    }
    let text = name.text_up_to(NAME_CHARACTERS_MAX)?;
    ResourceType::new(text, attributes).map_err(|error| name.refused(&error.to_string()))
}

fn update(desk: &Desk, call: &Call) -> Result<Answer, Problem> {
    desk.store.index().transaction(|index| {
        let resource_type = index.resource_type(call.part(0))?;
        desk.enforce(call, "update resource type", &target(resource_type.name()))?;
        let body = call.json_of(JSON_PATCH)?;
        let change = resource_type_patch::read(&resource_type, &Field::whole(&body))?;
        let count = resource_type.attributes().len() + change.add.len();
        if count > ATTRIBUTES_MAX {
            return Err(Problem::bad(format!("Invalid input: more than {ATTRIBUTES_MAX} attributes")));
        }
        if change.is_nothing() {
            return Answer::json(&resource_type.to_json());
        }
        let removed: Vec<&str> = change.remove.iter().map(String::as_str).collect();
        for changed in &change.replace {
            index.replace_attribute(resource_type.name(), changed)?;
        }
        Answer::json(&index.update_resource_type(resource_type.name(), &change.add, &removed)?.to_json())
    })
}

fn delete(desk: &Desk, call: &Call) -> Result<Answer, Problem> {
    let index = desk.store.index();
    let name = call.part(0);
    index.resource_type(name)?;
    desk.enforce(call, "delete resource type", &target(name))?;
    index.delete_resource_type(name).map_err(|error| match error {
        IndexError::NotFound { .. } => Problem::from(error).with_status(StatusCode::BAD_REQUEST),
        other => other.into(),
    })?;
    Ok(Answer::empty(StatusCode::NO_CONTENT))
}

fn target(name: &str) -> Target {
    Target::new().with("name", Some(name))
}
