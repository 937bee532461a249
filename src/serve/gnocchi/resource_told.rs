//! Resources as they are written in answers.

use serde_json::{Map, Value, json};

use super::json::time;
use crate::store::index::{AttributeValue, GENERIC, Index, IndexError, Resource, ResourceType};

/// What every resource has, whatever its type.
pub(super) const MEMBERS: [&str; 12] = [
    "id",
    "original_resource_id",
    "type",
    "creator",
    "created_by_user_id",
    "created_by_project_id",
    "user_id",
    "project_id",
    "started_at",
    "ended_at",
    "revision_start",
    "revision_end",
];

/// Resources as answers to a request about a type have them.
pub(super) struct Teller<'a> {
    index: &'a Index,
    asked_type: &'a str,
    details: bool,
    members: Vec<&'a str>,
}

impl<'a> Teller<'a> {
    /// - `asked_type`: the type that the request is about; of `generic`, attributes of other types are only told with `details`
    /// - `members`: what to tell alone; nothing for all
    pub(super) fn new(
        index: &'a Index,
        asked_type: &'a str,
        details: bool,
        members: Vec<&'a str>,
    ) -> Teller<'a> {
        Teller { index, asked_type, details, members }
    }

    /// One of them.
    ///
    /// # Errors
    /// When its type cannot be read.
    pub(super) fn told(&self, resource: &Resource) -> Result<Value, IndexError> {
        let attributes = if self.asked_type == GENERIC && !self.details {
            None
        } else {
            Some(self.index.resource_type(&resource.resource_type)?)
        };
        let mut told = whole(resource, attributes.as_deref());
        if !self.members.is_empty() {
            told.retain(|name, _| self.members.contains(&name.as_str()));
        }
        Ok(Value::Object(told))
    }

    /// All of them.
    ///
    /// # Errors
    /// As [`Teller::told`].
    pub(super) fn all(&self, resources: &[Resource]) -> Result<Vec<Value>, IndexError> {
        resources.iter().map(|resource| self.told(resource)).collect()
    }
}

fn whole(resource: &Resource, resource_type: Option<&ResourceType>) -> Map<String, Value> {
    let mut told = Map::new();
    let mut put = |name: &str, value: Value| told.insert(name.to_owned(), value);
    put("id", json!(resource.id.to_string()));
    put("original_resource_id", json!(resource.original_id));
    put("type", json!(resource.resource_type));
    put("creator", json!(resource.creator));
    put("created_by_user_id", json!(resource.created_by_user_id()));
    put("created_by_project_id", json!(resource.created_by_project_id()));
    put("user_id", json!(resource.user_id));
    put("project_id", json!(resource.project_id));
    put("started_at", json!(time(resource.started_at)));
    put("ended_at", json!(resource.ended_at.map(time)));
    put("revision_start", json!(time(resource.revision_start)));
    put("revision_end", json!(resource.revision_end.map(time)));
    for name in resource_type.into_iter().flat_map(|one| one.attributes().keys()) {
        let value = match resource.attributes.get(name) {
            Some(AttributeValue::Time(at)) => json!(time(*at)),
            other => json!(other.map(AttributeValue::to_json)),
        };
        put(name, value);
    }
    let metric = |(name, id): &(String, uuid::Uuid)| (name.clone(), Value::from(id.to_string()));
    put("metrics", resource.metrics.iter().map(metric).collect::<Map<_, _>>().into());
    told
}
