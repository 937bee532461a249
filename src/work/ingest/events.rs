//! What events say of resources: that one is there, that it has changed, that it has ended.
//!
//! As Ceilometer 27.0.0's gnocchi publisher does, by the same definitions; a resource ends when the event says, and those that go
//! with it end too.

use serde_json::Value;

use super::resources::{Resources, made_type, typed};
use crate::base::Books;
use crate::model::{Node, Timestamp};
use crate::query::Filter;
use crate::sink::ResourceDefinition;
use crate::store::index::{
    ArrivingResource, Attributes, GENERIC, Index, IndexError, Resource, ResourceId, ResourcePatch,
    ResourceQuery,
};

impl Resources {
    /// Whether an event of this type says anything of resources.
    pub(super) fn knows_event(&self, event_type: &str) -> bool {
        self.definitions.resources.iter().any(|definition| role(definition, event_type).is_some())
    }

    /// Brings what an event says into the index. Inside a transaction.
    pub(super) fn event(&mut self, index: &Index, event: &Node<'_>, books: &Books) -> Result<(), IndexError> {
        let event_type = event.get("event_type").and_then(Node::as_text).unwrap_or_default();
        let generated = event.get("generated").and_then(Node::as_text).unwrap_or_default();
        let Ok(at) = Timestamp::parse(generated.as_bytes()) else {
            books.warn("event without time", &format_args!("event {event_type} does not say when it was"));
            return Ok(());
        };
        let mut ended = Vec::new();
        for definition in &self.definitions.resources {
            let Some(role) = role(definition, event_type) else { continue };
            let said = definition.event_attributes(event);
            let id = said.iter().find(|(name, _)| *name == "id").and_then(|(_, id)| id.as_text());
            let Some(id) = id else {
                books.warn("event without resource", &format_args!("event {event_type} names no resource"));
                continue;
            };
            let id = ResourceId::of(&id.replace('/', "_"), None)?;
            // Of any type: nobody may have made that one yet.
            let known = index.find_resource(GENERIC, id.uuid())?;
            let known = known.filter(|known| known.resource_type == definition.resource_type);
            match (role, known) {
                (Role::Deletes, Some(known)) => {
                    end(index, &known, at, books)?;
                    ended.push(id.clone());
                    for known in associated(index, definition, &known, books)? {
                        end(index, &known, at, books)?;
                        ended.push(ResourceId::of(&known.original_id, known.creator.as_deref())?);
                    }
                }
                (Role::Deletes, None) | (Role::Updates, None) => {}
                (Role::Creates | Role::Updates, known) => {
                    if known.as_ref().is_some_and(|known| at < known.revision_start) {
                        // Older than what is known.
                        continue;
                    }
                    let of_type = made_type(index, definition)?;
                    let values = said.iter().filter_map(|(name, value)| {
                        Some(((*name).to_owned(), serde_json::to_value(value).ok()?))
                    });
                    let values = values.filter(|(_, value)| *value != Value::Null);
                    let attributes = typed(&of_type, values, id.original(), books);
                    arrive(index, definition, &id, &said, &attributes, at)?;
                    ended.push(id);
                }
            }
        }
        // Samples look at the index anew.
        ended.iter().for_each(|id| self.forget(id));
        Ok(())
    }
}

/// What an event means for a resource.
#[derive(Clone, Copy)]
enum Role {
    Creates,
    Updates,
    Deletes,
}

fn role(definition: &ResourceDefinition, event_type: &str) -> Option<Role> {
    let any = |globs: &[crate::define::Glob]| globs.iter().any(|glob| glob.matches(event_type));
    if any(&definition.event_delete) {
        Some(Role::Deletes)
    } else if any(&definition.event_create) {
        Some(Role::Creates)
    } else if any(&definition.event_update) {
        Some(Role::Updates)
    } else {
        None
    }
}

fn arrive(
    index: &Index,
    definition: &ResourceDefinition,
    id: &ResourceId,
    said: &[(&str, Node<'_>)],
    attributes: &Attributes,
    at: Timestamp,
) -> Result<(), IndexError> {
    let owner = |key: &str| said.iter().find(|(name, _)| *name == key).and_then(|(_, value)| value.as_text());
    let arriving = ArrivingResource {
        id,
        resource_type: &definition.resource_type,
        creator: None,
        user_id: owner("user_id"),
        project_id: owner("project_id"),
        started_at: Some(at),
        attributes,
        newest: None,
    };
    index.arrive(&arriving, at).map(drop)
}

/// A resource that has ended is not ended again, nor before it began.
fn end(index: &Index, known: &Resource, at: Timestamp, books: &Books) -> Result<(), IndexError> {
    if known.ended_at.is_some() || at < known.started_at {
        return Ok(());
    }
    let patch = ResourcePatch { ended_at: Some(Some(at)), ..ResourcePatch::default() };
    index.update_resource(&known.resource_type, known.id, &patch, at.max(known.revision_start))?;
    books.count("resources_ended", 1);
    Ok(())
}

/// The resources that go with one, by the searches of its definition.
fn associated(
    index: &Index,
    definition: &ResourceDefinition,
    known: &Resource,
    books: &Books,
) -> Result<Vec<Resource>, IndexError> {
    let mut all = Vec::new();
    for (of_type, search) in &definition.associated {
        // The search is JSON with its %s in quotes; the id must not end them.
        let quoted = Value::from(known.original_id.as_str()).to_string();
        let search = search.replace("%s", &quoted[1..quoted.len() - 1]);
        let filter = match Filter::parse(&search) {
            Ok(filter) => filter,
            Err(error) => {
                books.warn("search", &format_args!("{of_type}: {search}: {error}"));
                continue;
            }
        };
        let query = ResourceQuery { resource_type: of_type.clone(), filter, ..ResourceQuery::default() };
        match index.resources(&query) {
            Ok(found) => all.extend(found),
            // Nobody has said anything of that type yet, or its type has not that attribute.
            Err(IndexError::NotFound { .. } | IndexError::Invalid { .. }) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(all)
}
