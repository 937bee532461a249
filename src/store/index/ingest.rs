//! The way in for measures: resources and metrics found, made where they are missing, brought up to date.
//!
//! To be called for a whole batch inside one [`Index::transaction`]; a caller remembers the numbers it was given until
//! [`Index::generation`] changes.

use rusqlite::{OptionalExtension, params};
use uuid::Uuid;

use super::resources::{InsertedResource, check_owner};
use super::{
    AttributeChanges, Attributes, Index, IndexError, NewMetric, PolicyNumber, Resource, ResourceId,
    ResourceNumber,
};
use crate::model::Timestamp;
use crate::store::MetricNumber;

/// What measures say of their resource.
#[derive(Clone, Copy, Debug)]
pub struct ArrivingResource<'a> {
    /// Its id.
    pub id: &'a ResourceId,
    /// The name of its type; a resource that is there keeps its own.
    pub resource_type: &'a str,
    /// Who sends the measures, and makes the resource if it is not there.
    pub creator: Option<&'a str>,
    /// Whose it is; none: not said.
    pub user_id: Option<&'a str>,
    /// The project whose it is; none: not said.
    pub project_id: Option<&'a str>,
    /// Since when it is there, if it is not in the index; none: now.
    pub started_at: Option<Timestamp>,
    /// What is known of its attributes; the others stay as they are.
    pub attributes: &'a Attributes,
    /// The time of the newest measure: a resource that ended no later goes on.
    pub newest: Option<Timestamp>,
}

/// A resource, and what became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arrived {
    /// Its number.
    pub resource: ResourceNumber,
    /// What became of it.
    pub change: Change,
}

/// What became of a resource when measures arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// It was not there.
    Created,
    /// It is other than before, which is history now.
    Updated,
    /// It is as it was.
    Unchanged,
}

/// What measures say of their metric.
#[derive(Clone, Copy, Debug)]
pub struct ArrivingMetric<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its unit, if it is made.
    pub unit: Option<&'a str>,
    /// The name of its archive policy, if it is made; none: what the rules say.
    pub archive_policy: Option<&'a str>,
    /// Who makes it, if it is made.
    pub creator: Option<&'a str>,
}

/// What the measures engine needs to know of a metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MetricKey {
    /// Its number.
    pub metric: MetricNumber,
    /// The number of its archive policy.
    pub policy: PolicyNumber,
}

impl Index {
    /// Finds a resource by what measures say of it; makes it when it is not there; changes it, with a revision, when
    /// they say something else of it than the index does, or it had ended before the newest measure.
    ///
    /// # Errors
    /// [`IndexError::NotFound`] when there is no such type; [`IndexError::Invalid`] when an attribute is wrong, or one
    /// that is required is missing in a resource that is not there.
    pub fn arrive(&self, arriving: &ArrivingResource<'_>, now: Timestamp) -> Result<Arrived, IndexError> {
        if self.connection().is_autocommit() {
            return self.transaction(|index| index.arrive(arriving, now));
        }
        let Some(before) = self.find_resource(super::GENERIC, arriving.id.uuid())? else {
            let resource = self.make_arriving(arriving, now)?;
            return Ok(Arrived { resource, change: Change::Created });
        };
        let resource = before.number;
        let mut after = before.clone();
        let said = |said: Option<&str>, known: Option<String>| said.map(str::to_owned).or(known);
        for owner in [arriving.user_id, arriving.project_id] {
            check_owner(arriving.id, owner)?;
        }
        after.user_id = said(arriving.user_id, after.user_id);
        after.project_id = said(arriving.project_id, after.project_id);
        if after.ended_at.is_some_and(|ended_at| arriving.newest.is_some_and(|newest| newest >= ended_at)) {
            after.ended_at = None;
        }
        let same = |(name, value)| before.attributes.get(name) == Some(value);
        if before.resource_type == arriving.resource_type && !arriving.attributes.iter().all(same) {
            let changes: AttributeChanges =
                arriving.attributes.iter().map(|(name, value)| (name.clone(), Some(value.clone()))).collect();
            after.attributes =
                self.resource_type(&before.resource_type)?.changed(&before.attributes, &changes)?;
        }
        if after == before {
            return Ok(Arrived { resource, change: Change::Unchanged });
        }
        self.transaction(|index| index.revise(&before, &after, now))?;
        Ok(Arrived { resource, change: Change::Updated })
    }

    /// Lets a resource go on that ended no later than `newest`, the time of a measure of it (Gnocchi 4.7.1).
    ///
    /// # Errors
    /// When the system refuses.
    pub fn go_on(&self, id: Uuid, newest: Timestamp, now: Timestamp) -> Result<(), IndexError> {
        self.transaction(|index| {
            let ended = |resource: &Resource| resource.ended_at.is_some_and(|ended_at| newest >= ended_at);
            let Some(before) = index.find_resource(super::GENERIC, id)?.filter(ended) else { return Ok(()) };
            index.revise(&before, &Resource { ended_at: None, ..before.clone() }, now)
        })
    }

    fn make_arriving(
        &self,
        arriving: &ArrivingResource<'_>,
        now: Timestamp,
    ) -> Result<ResourceNumber, IndexError> {
        self.insert_resource(&InsertedResource {
            id: arriving.id,
            resource_type: arriving.resource_type,
            creator: arriving.creator,
            user_id: arriving.user_id,
            project_id: arriving.project_id,
            started_at: arriving.started_at.unwrap_or(now),
            ended_at: None,
            revision_start: now,
            attributes: arriving.attributes,
        })
    }

    /// Finds a metric of a resource by its name, and makes it when it is not there: then true.
    ///
    /// # Errors
    /// [`IndexError::NoRuleFits`], [`IndexError::NotFound`] when the archive policy is not there,
    /// [`IndexError::Invalid`] when the name or the unit is.
    pub fn arrive_metric(
        &self,
        resource: ResourceNumber,
        arriving: &ArrivingMetric<'_>,
        now: Timestamp,
    ) -> Result<(MetricKey, bool), IndexError> {
        if self.connection().is_autocommit() {
            return self.transaction(|index| index.arrive_metric(resource, arriving, now));
        }
        if let Some(found) = self.metric_key(resource, arriving.name)? {
            return Ok((found, false));
        }
        let new = NewMetric {
            name: Some(arriving.name.to_owned()),
            unit: arriving.unit.map(str::to_owned),
            archive_policy: arriving.archive_policy.map(str::to_owned),
            creator: arriving.creator.map(str::to_owned),
            ..NewMetric::default()
        };
        let (metric, policy) = self.insert_metric(&new, Some(resource), now)?;
        Ok((MetricKey { metric, policy }, true))
    }

    /// The metric of that name of a resource, if there is one.
    ///
    /// # Errors
    /// What SQLite refuses.
    pub fn metric_key(&self, resource: ResourceNumber, name: &str) -> Result<Option<MetricKey>, IndexError> {
        self.key(
            "SELECT number, archive_policy FROM metric WHERE resource = ? AND name = ?",
            params![resource.0, name],
        )
    }

    /// The metric of that name of the resource of that id, if there are both.
    ///
    /// # Errors
    /// What SQLite refuses.
    pub fn metric_key_of(&self, resource: Uuid, name: &str) -> Result<Option<MetricKey>, IndexError> {
        let sql = "SELECT m.number, m.archive_policy FROM resource r JOIN metric m ON m.resource = r.number \
             WHERE r.id = ? AND m.name = ?";
        self.key(sql, params![resource.as_bytes(), name])
    }

    /// The metric of that id, if there is one that is not deleted.
    ///
    /// # Errors
    /// What SQLite refuses.
    pub fn metric_key_by_id(&self, id: Uuid) -> Result<Option<MetricKey>, IndexError> {
        self.key(
            "SELECT number, archive_policy FROM metric WHERE id = ? AND NOT deleted",
            params![id.as_bytes()],
        )
    }

    fn key(&self, sql: &str, values: &[&dyn rusqlite::ToSql]) -> Result<Option<MetricKey>, IndexError> {
        let read = |row: &rusqlite::Row<'_>| {
            Ok(MetricKey { metric: MetricNumber(row.get(0)?), policy: PolicyNumber(row.get(1)?) })
        };
        Ok(self.connection().prepare_cached(sql)?.query_row(values, read).optional()?)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::testing::{add_type, at, store};
    use super::super::{ResourcePatch, ResourceType};
    use super::*;

    fn attributes(instance: &ResourceType, values: serde_json::Value) -> Attributes {
        instance.read(values.as_object().unwrap()).unwrap()
    }

    fn arriving<'a>(id: &'a ResourceId, attributes: &'a Attributes) -> ArrivingResource<'a> {
        ArrivingResource {
            id,
            resource_type: "instance",
            creator: Some("me"),
            user_id: None,
            project_id: Some("p"),
            started_at: None,
            attributes,
            newest: None,
        }
    }

    #[test]
    fn a_resource_is_made_left_alone_or_changed_as_measures_say() {
        let (_folder, index) = store("arrive");
        let types = json!({"host": {"type": "string", "required": false}, "ram": {"type": "number", "required": false}});
        let instance = add_type(&index, "instance", types);
        let id = ResourceId::of("vm", Some("me")).unwrap();
        let both = attributes(&instance, json!({"host": "a", "ram": 1}));
        let made = index.arrive(&arriving(&id, &both), at(1)).unwrap();
        assert_eq!(made.change, Change::Created);
        let again = index.arrive(&arriving(&id, &both), at(2)).unwrap();
        assert_eq!(again, Arrived { change: Change::Unchanged, ..made });
        // What is not said stays.
        let ram = attributes(&instance, json!({"ram": 1}));
        let less = ArrivingResource { project_id: None, ..arriving(&id, &ram) };
        assert_eq!(index.arrive(&less, at(3)).unwrap().change, Change::Unchanged);
        let moved = attributes(&instance, json!({"host": "b"}));
        assert_eq!(index.arrive(&arriving(&id, &moved), at(4)).unwrap().change, Change::Updated);
        let now = index.resource("instance", id.uuid()).unwrap();
        assert_eq!(now.attributes, attributes(&instance, json!({"host": "b", "ram": 1})));
        assert_eq!(
            (now.revision_start, now.started_at, now.project_id.as_deref()),
            (at(4), at(1), Some("p"))
        );
        // Another creator's id of the same text is another resource.
        let theirs = ResourceId::of("vm", Some("they")).unwrap();
        assert_eq!(index.arrive(&arriving(&theirs, &both), at(5)).unwrap().change, Change::Created);
    }

    #[test]
    fn a_resource_that_ended_goes_on_with_a_measure_from_then_or_later() {
        let (_folder, index) = store("arrive-ended");
        add_type(&index, "instance", json!({}));
        let (id, none) = (ResourceId::of("vm", None).unwrap(), Attributes::new());
        index.arrive(&arriving(&id, &none), at(1)).unwrap();
        let ended = ResourcePatch { ended_at: Some(Some(at(10))), ..ResourcePatch::default() };
        index.update_resource("instance", id.uuid(), &ended, at(10)).unwrap();
        let newest = |seconds| ArrivingResource { newest: Some(at(seconds)), ..arriving(&id, &none) };
        assert_eq!(index.arrive(&newest(9), at(11)).unwrap().change, Change::Unchanged);
        assert_eq!(index.arrive(&newest(10), at(12)).unwrap().change, Change::Updated);
        let now = index.resource("instance", id.uuid()).unwrap();
        assert_eq!((now.ended_at, now.revision_start), (None, at(12)));
        index.update_resource("instance", id.uuid(), &ended, at(13)).unwrap();
        let after = |newest| {
            index.go_on(id.uuid(), at(newest), at(14)).unwrap();
            let resource = index.resource("instance", id.uuid()).unwrap();
            (resource.ended_at, resource.revision_start)
        };
        assert_eq!(after(9), (Some(at(10)), at(13)));
        assert_eq!(after(10), (None, at(14)));
    }

    #[test]
    fn a_metric_is_made_once_by_rule_or_by_name_of_the_policy() {
        let (_folder, index) = store("arrive-metric");
        add_type(&index, "instance", json!({}));
        let (id, none) = (ResourceId::of("vm", None).unwrap(), Attributes::new());
        let resource = index.arrive(&arriving(&id, &none), at(1)).unwrap().resource;
        let cpu = ArrivingMetric { name: "cpu", unit: Some("ns"), archive_policy: None, creator: Some("me") };
        let (key, made) = index.arrive_metric(resource, &cpu, at(1)).unwrap();
        assert!(made);
        let high = ArrivingMetric { archive_policy: Some("high"), ..cpu };
        assert_eq!(index.arrive_metric(resource, &high, at(2)).unwrap(), (key, false));
        assert_eq!(index.archive_policy_numbered(key.policy).unwrap().name(), "low");
        let disk = ArrivingMetric { name: "disk", ..high };
        let (key, _) = index.arrive_metric(resource, &disk, at(2)).unwrap();
        assert_eq!(index.metric_numbered(key.metric).unwrap().archive_policy.name(), "high");
        assert!(index.arrive_metric(resource, &ArrivingMetric { name: "a/b", ..cpu }, at(2)).is_err());
    }

    #[test]
    fn a_missing_type_or_a_missing_required_attribute_is_refused() {
        let (_folder, index) = store("arrive-bad");
        let (id, none) = (ResourceId::of("vm", None).unwrap(), Attributes::new());
        assert!(matches!(index.arrive(&arriving(&id, &none), at(1)), Err(IndexError::NotFound { .. })));
        add_type(&index, "instance", json!({"host": {"type": "string"}}));
        assert!(matches!(index.arrive(&arriving(&id, &none), at(1)), Err(IndexError::Invalid { .. })));
    }
}
