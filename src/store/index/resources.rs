//! The resources of a store: made, changed with a revision of what was, removed with their metrics marked.

use rusqlite::{OptionalExtension, params};
use uuid::Uuid;

use super::attribute::encode_attributes;
use super::error::{Thing, is_duplicate};
use super::resource::{RESOURCE_COLUMNS, RESOURCES_NOW, decode_resource};
use super::schema::GENERIC_TYPE;
use super::{
    Attributes, Index, IndexError, MetricSource, NAME_CHARACTERS_MAX, NewMetric, NewResource, Resource,
    ResourceId, ResourceNumber, ResourcePatch,
};
use crate::model::Timestamp;

/// A resource as it is put into its table.
pub(super) struct InsertedResource<'a> {
    pub(super) id: &'a ResourceId,
    pub(super) resource_type: &'a str,
    pub(super) creator: Option<&'a str>,
    pub(super) user_id: Option<&'a str>,
    pub(super) project_id: Option<&'a str>,
    pub(super) started_at: Timestamp,
    pub(super) ended_at: Option<Timestamp>,
    pub(super) revision_start: Timestamp,
    pub(super) attributes: &'a Attributes,
}

impl Index {
    /// The resource of that id, if it is of that type; `generic` is every type. With its metrics.
    ///
    /// # Errors
    /// [`IndexError::NotFound`].
    pub fn resource(&self, resource_type: &str, id: Uuid) -> Result<Resource, IndexError> {
        let resource = self.find_resource(resource_type, id)?;
        let mut resource = resource.ok_or_else(|| Thing::Resource.not_found(id))?;
        resource.metrics = self.metrics_of(resource.number)?;
        Ok(resource)
    }

    /// As [`Index::resource`], without metrics; none when there is none.
    ///
    /// # Errors
    /// [`IndexError::NotFound`] when there is no such type.
    pub fn find_resource(&self, resource_type: &str, id: Uuid) -> Result<Option<Resource>, IndexError> {
        let catalogue = self.catalogue()?;
        let wanted = catalogue.type_number(resource_type)?;
        let mut statement = self
            .connection()
            .prepare_cached(&format!("SELECT {RESOURCE_COLUMNS} FROM {RESOURCES_NOW} r WHERE r.id = ?"))?;
        let mut rows = statement.query([id.as_bytes()])?;
        match rows.next()? {
            Some(row) if wanted == GENERIC_TYPE || row.get::<_, i64>(3)? == wanted => {
                decode_resource(row, &catalogue).map(Some)
            }
            _ => Ok(None),
        }
    }

    /// Names and ids of the metrics of a resource, by name.
    ///
    /// # Errors
    /// What SQLite refuses.
    pub fn metrics_of(&self, resource: ResourceNumber) -> Result<Vec<(String, Uuid)>, IndexError> {
        let mut statement = self
            .connection()
            .prepare_cached("SELECT name, id FROM metric WHERE resource = ? ORDER BY name")?;
        let read = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, Uuid::from_bytes(row.get(1)?)));
        Ok(statement.query_map([resource.0], read)?.collect::<Result<_, _>>()?)
    }

    /// Adds a resource without metrics.
    pub(super) fn insert_resource(
        &self,
        inserted: &InsertedResource<'_>,
    ) -> Result<ResourceNumber, IndexError> {
        let InsertedResource { id, creator, user_id, project_id, started_at, ended_at, .. } = *inserted;
        let catalogue = self.catalogue()?;
        let type_number = catalogue.type_number(inserted.resource_type)?;
        catalogue.resource_type(type_number)?.check(inserted.attributes)?;
        for owner in [creator, user_id, project_id] {
            check_owner(id, owner)?;
        }
        check_order(id.original(), started_at, ended_at)?;
        let number = self
            .connection()
            .prepare_cached(
                "INSERT INTO resource (id, original_id, type, creator, user_id, project_id, started_at, \
                 ended_at, revision_start, attributes) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            )?
            .insert(params![
                id.uuid().as_bytes(),
                id.original(),
                type_number,
                creator,
                user_id,
                project_id,
                started_at.ns(),
                ended_at.map(Timestamp::ns),
                inserted.revision_start.ns(),
                encode_attributes(inserted.attributes)
            ]);
        match number {
            Err(error) if is_duplicate(&error) => Err(Thing::Resource.exists(id.original())),
            other => Ok(ResourceNumber(other?)),
        }
    }

    /// Adds a resource and its metrics.
    ///
    /// # Errors
    /// [`IndexError::Exists`]; [`IndexError::NotFound`] when its type, a metric or an archive policy is not there;
    /// [`IndexError::Invalid`] when an attribute is wrong or it ends before it starts.
    pub fn create_resource(&self, new: &NewResource, now: Timestamp) -> Result<Resource, IndexError> {
        self.transaction(|index| {
            let number = index.insert_resource(&InsertedResource {
                id: &new.id,
                resource_type: &new.resource_type,
                creator: new.creator.as_deref(),
                user_id: new.user_id.as_deref(),
                project_id: new.project_id.as_deref(),
                started_at: new.started_at.unwrap_or(now),
                ended_at: new.ended_at,
                revision_start: now,
                attributes: &new.attributes,
            })?;
            index.set_metrics(number, new.creator.as_deref(), &new.metrics, now)?;
            index.resource(&new.resource_type, new.id.uuid())
        })
    }

    /// Changes a resource of that type, and keeps what it was as a revision if it is other than before. Metrics alone
    /// make no revision. Gives what it is now.
    ///
    /// # Errors
    /// As [`Index::create_resource`], [`IndexError::NotFound`] also for the resource.
    pub fn update_resource(
        &self,
        resource_type: &str,
        id: Uuid,
        patch: &ResourcePatch,
        now: Timestamp,
    ) -> Result<Resource, IndexError> {
        self.transaction(|index| {
            let before = index.find_resource(resource_type, id)?;
            let before = before.ok_or_else(|| Thing::Resource.not_found(id))?;
            let after = index.patched(&before, patch)?;
            if after != before {
                index.revise(&before, &after, now)?;
            }
            if patch.replace_metrics {
                index
                    .connection()
                    .prepare_cached("UPDATE metric SET resource = NULL WHERE resource = ?")?
                    .execute([before.number.0])?;
                index.next_generation()?;
            }
            index.set_metrics(before.number, before.creator.as_deref(), &patch.metrics, now)?;
            index.resource(resource_type, id)
        })
    }

    fn patched(&self, before: &Resource, patch: &ResourcePatch) -> Result<Resource, IndexError> {
        let mut after = before.clone();
        let id = before.id.into();
        for owner in [&patch.user_id, &patch.project_id] {
            check_owner(&id, owner.as_ref().and_then(Option::as_deref))?;
        }
        after.user_id = patch.user_id.clone().unwrap_or(after.user_id);
        after.project_id = patch.project_id.clone().unwrap_or(after.project_id);
        after.started_at = patch.started_at.unwrap_or(after.started_at);
        after.ended_at = patch.ended_at.unwrap_or(after.ended_at);
        check_order(&before.original_id, after.started_at, after.ended_at)?;
        if !patch.attributes.is_empty() {
            let resource_type = self.resource_type(&before.resource_type)?;
            after.attributes = resource_type.changed(&before.attributes, &patch.attributes)?;
        }
        Ok(after)
    }

    /// Writes `after` over `before`, which becomes history. The clock may have been set back: a revision never ends
    /// before it starts.
    pub(super) fn revise(
        &self,
        before: &Resource,
        after: &Resource,
        now: Timestamp,
    ) -> Result<(), IndexError> {
        let since = now.max(before.revision_start);
        self.connection()
            .prepare_cached(
                "INSERT INTO resource_history (resource, user_id, project_id, started_at, ended_at, \
                 revision_start, revision_end, attributes) \
                 SELECT number, user_id, project_id, started_at, ended_at, revision_start, ?2, attributes \
                   FROM resource WHERE number = ?1",
            )?
            .execute([before.number.0, since.ns()])?;
        if after.attributes == before.attributes {
            self.connection()
                .prepare_cached(
                    "UPDATE resource SET user_id = ?2, project_id = ?3, started_at = ?4, ended_at = ?5, \
                     revision_start = ?6 WHERE number = ?1",
                )?
                .execute(params![
                    before.number.0,
                    after.user_id,
                    after.project_id,
                    after.started_at.ns(),
                    after.ended_at.map(Timestamp::ns),
                    since.ns()
                ])?;
            return Ok(());
        }
        self.connection()
            .prepare_cached(
                "UPDATE resource SET user_id = ?2, project_id = ?3, started_at = ?4, ended_at = ?5, \
                 revision_start = ?6, attributes = ?7 WHERE number = ?1",
            )?
            .execute(params![
                before.number.0,
                after.user_id,
                after.project_id,
                after.started_at.ns(),
                after.ended_at.map(Timestamp::ns),
                since.ns(),
                encode_attributes(&after.attributes)
            ])?;
        Ok(())
    }

    fn set_metrics(
        &self,
        resource: ResourceNumber,
        creator: Option<&str>,
        metrics: &[(String, MetricSource)],
        now: Timestamp,
    ) -> Result<(), IndexError> {
        for (name, source) in metrics {
            match source {
                MetricSource::Existing(id) => self.bind_metric(resource, creator, name, *id)?,
                MetricSource::New { archive_policy, unit } => {
                    let new = NewMetric {
                        name: Some(name.clone()),
                        unit: unit.clone(),
                        archive_policy: archive_policy.clone(),
                        creator: creator.map(str::to_owned),
                        ..NewMetric::default()
                    };
                    self.insert_metric(&new, Some(resource), now)?;
                }
            }
        }
        Ok(())
    }

    /// Removes a resource and its history; its metrics wait, deleted, until their points are gone.
    ///
    /// # Errors
    /// [`IndexError::NotFound`].
    pub fn delete_resource(&self, id: Uuid) -> Result<(), IndexError> {
        self.transaction(|index| {
            let number: Option<i64> = index
                .connection()
                .prepare_cached("SELECT number FROM resource WHERE id = ?")?
                .query_row([id.as_bytes()], |row| row.get(0))
                .optional()?;
            let number = number.ok_or_else(|| Thing::Resource.not_found(id))?;
            index.remove_resource(ResourceNumber(number))?;
            index.next_generation()
        })
    }

    pub(super) fn remove_resource(&self, resource: ResourceNumber) -> Result<(), IndexError> {
        self.connection()
            .prepare_cached("UPDATE metric SET deleted = 1, resource = NULL WHERE resource = ?")?
            .execute([resource.0])?;
        self.connection().prepare_cached("DELETE FROM resource WHERE number = ?")?.execute([resource.0])?;
        Ok(())
    }

    /// How many resources there are.
    ///
    /// # Errors
    /// What SQLite refuses.
    pub fn resource_count(&self) -> Result<u64, IndexError> {
        Ok(self.connection().query_row("SELECT count(*) FROM resource", [], |row| row.get::<_, i64>(0))?
            as u64)
    }
}

/// Refuses a creator, user or project that is too long to be one.
pub(super) fn check_owner(id: &ResourceId, owner: Option<&str>) -> Result<(), IndexError> {
    let wrong = |owner: &&str| owner.chars().count() > NAME_CHARACTERS_MAX || owner.contains('\0');
    match owner.filter(wrong) {
        Some(_) => {
            Err(Thing::Resource
                .invalid(id.original(), "a creator, user or project has at most 255 characters"))
        }
        None => Ok(()),
    }
}

pub(super) fn check_order(
    name: &str,
    started_at: Timestamp,
    ended_at: Option<Timestamp>,
) -> Result<(), IndexError> {
    match ended_at.filter(|ended_at| *ended_at < started_at) {
        Some(ended_at) => {
            let reason = format!("ended_at {ended_at} is before started_at {started_at}");
            Err(Thing::Resource.invalid(name, reason))
        }
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::testing::{add_type, at, resource, store};
    use super::super::{AttributeValue, GENERIC, ResourceQuery, Revision, Status};
    use super::*;

    fn made(source: Option<&str>) -> MetricSource {
        MetricSource::New { archive_policy: source.map(str::to_owned), unit: Some("B".to_owned()) }
    }

    #[test]
    fn a_new_resource_starts_now_and_keeps_the_text_of_its_id() {
        let (_folder, index) = store("resource-new");
        add_type(&index, "instance", json!({"host": {"type": "string"}}));
        let mut new = resource(&index, "instance", "vm 1", json!({"host": "h"}));
        new.creator = Some("me:p".to_owned());
        new.metrics = vec![("cpu".to_owned(), made(None)), ("disk".to_owned(), made(Some("high")))];
        let resource = index.create_resource(&new, at(5)).unwrap();
        assert_eq!(resource.original_id, "vm 1");
        assert_eq!((resource.started_at, resource.revision_start, resource.ended_at), (at(5), at(5), None));
        assert_eq!((resource.revision, resource.revision_end), (Revision::CURRENT, None));
        assert_eq!(resource.created_by_user_id(), Some("me"));
        assert_eq!(resource.created_by_project_id(), Some("p"));
        let names: Vec<_> = resource.metrics.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["cpu", "disk"]);
        let disk = index.metric_named(resource.id, "disk").unwrap();
        assert_eq!((disk.archive_policy.name(), disk.unit.as_deref()), ("high", Some("B")));
        assert_eq!(disk.creator.as_deref(), Some("me:p"));
        assert_eq!(index.resource(GENERIC, resource.id).unwrap(), resource);
        add_type(&index, "disk", json!({}));
        assert!(matches!(index.resource("disk", resource.id), Err(IndexError::NotFound { .. })));
        assert!(matches!(index.create_resource(&new, at(6)), Err(IndexError::Exists { .. })));
    }

    #[test]
    fn a_resource_that_cannot_be_leaves_no_trace() {
        let (_folder, index) = store("resource-bad");
        let mut new = resource(&index, GENERIC, "a", json!({}));
        new.ended_at = Some(at(4));
        assert!(matches!(index.create_resource(&new, at(5)), Err(IndexError::Invalid { .. })));
        new.ended_at = None;
        new.metrics = vec![("cpu".to_owned(), made(None)), ("a/b".to_owned(), made(None))];
        assert!(matches!(index.create_resource(&new, at(5)), Err(IndexError::Invalid { .. })));
        new.metrics = vec![("cpu".to_owned(), made(Some("none")))];
        assert!(matches!(index.create_resource(&new, at(5)), Err(IndexError::NotFound { .. })));
        assert_eq!((index.resource_count().unwrap(), index.metric_count().unwrap()), (0, 0));
    }

    #[test]
    fn a_change_makes_a_revision_and_no_change_makes_none() {
        let (_folder, index) = store("resource-change");
        add_type(&index, "instance", json!({"host": {"type": "string"}}));
        let new = resource(&index, "instance", "a", json!({"host": "h1"}));
        let id = index.create_resource(&new, at(1)).unwrap().id;
        let to = |host: &str| ResourcePatch {
            attributes: [("host".to_owned(), Some(AttributeValue::Text(host.to_owned())))].into(),
            ..ResourcePatch::default()
        };
        assert_eq!(index.update_resource("instance", id, &to("h1"), at(2)).unwrap().revision_start, at(1));
        let changed = index.update_resource("instance", id, &to("h2"), at(3)).unwrap();
        assert_eq!(changed.revision_start, at(3));
        let ended = ResourcePatch { ended_at: Some(Some(at(9))), ..ResourcePatch::default() };
        // The clock was set back: still no revision ends before it starts.
        index.update_resource("instance", id, &ended, at(2)).unwrap();
        let history = ResourceQuery { history: true, ..ResourceQuery::default() };
        let states: Vec<_> = index
            .resources(&history)
            .unwrap()
            .into_iter()
            .map(|one| {
                (
                    one.revision.0,
                    one.revision_start,
                    one.revision_end,
                    one.ended_at,
                    one.attributes["host"].clone(),
                )
            })
            .collect();
        let host = |host: &str| AttributeValue::Text(host.to_owned());
        assert_eq!(
            states,
            [
                (1, at(1), Some(at(3)), None, host("h1")),
                (-1, at(3), None, Some(at(9)), host("h2")),
                (2, at(3), Some(at(3)), None, host("h2")),
            ]
        );
        let early = ResourcePatch { ended_at: Some(Some(at(0))), ..ResourcePatch::default() };
        assert!(matches!(
            index.update_resource("instance", id, &early, at(5)),
            Err(IndexError::Invalid { .. })
        ));
    }

    #[test]
    fn metrics_alone_make_no_revision_and_may_be_replaced() {
        let (_folder, index) = store("resource-metrics");
        let mut new = resource(&index, GENERIC, "a", json!({}));
        new.metrics = vec![("cpu".to_owned(), made(None))];
        let resource = index.create_resource(&new, at(1)).unwrap();
        let cpu = resource.metrics[0].1;
        let loose = index.create_metric(&NewMetric::default(), at(1)).unwrap();
        let patch = ResourcePatch {
            metrics: vec![("loose".to_owned(), MetricSource::Existing(loose.id))],
            ..ResourcePatch::default()
        };
        let after = index.update_resource(GENERIC, resource.id, &patch, at(2)).unwrap();
        assert_eq!(after.revision_start, at(1));
        assert_eq!(after.metrics, [("cpu".to_owned(), cpu), ("loose".to_owned(), loose.id)]);
        assert_eq!(index.metric(loose.id).unwrap().resource_id, Some(resource.id));

        let twice =
            ResourcePatch { metrics: vec![("cpu".to_owned(), made(None))], ..ResourcePatch::default() };
        assert!(matches!(
            index.update_resource(GENERIC, resource.id, &twice, at(3)),
            Err(IndexError::Exists { what: Thing::Metric, .. })
        ));
        let replaced = ResourcePatch { replace_metrics: true, ..twice };
        let after = index.update_resource(GENERIC, resource.id, &replaced, at(3)).unwrap();
        assert_eq!(after.metrics.len(), 1);
        assert_eq!(index.metric(cpu).unwrap().resource_id, None);
    }

    #[test]
    fn a_metric_of_another_creator_cannot_be_taken() {
        let (_folder, index) = store("resource-foreign");
        let resource = index.create_resource(&resource(&index, GENERIC, "a", json!({})), at(1)).unwrap();
        let theirs = NewMetric { creator: Some("they".to_owned()), ..NewMetric::default() };
        let theirs = index.create_metric(&theirs, at(1)).unwrap();
        let patch = ResourcePatch {
            metrics: vec![("x".to_owned(), MetricSource::Existing(theirs.id))],
            ..ResourcePatch::default()
        };
        let taken = index.update_resource(GENERIC, resource.id, &patch, at(2));
        assert!(matches!(taken, Err(IndexError::NotFound { what: Thing::Metric, .. })));
    }

    #[test]
    fn a_deleted_resource_leaves_its_metrics_marked_and_no_history() {
        let (_folder, index) = store("resource-delete");
        let mut new = resource(&index, GENERIC, "a", json!({}));
        new.metrics = vec![("cpu".to_owned(), made(None))];
        let resource = index.create_resource(&new, at(1)).unwrap();
        let patch = ResourcePatch { user_id: Some(Some("u".to_owned())), ..ResourcePatch::default() };
        index.update_resource(GENERIC, resource.id, &patch, at(2)).unwrap();
        let number = index.metric(resource.metrics[0].1).unwrap().number;
        index.delete_resource(resource.id).unwrap();
        assert!(matches!(index.delete_resource(resource.id), Err(IndexError::NotFound { .. })));
        assert_eq!(index.deleted().unwrap(), [number]);
        assert_eq!(index.metric_numbered(number).unwrap().status, Status::Deleted);
        let history = ResourceQuery { history: true, ..ResourceQuery::default() };
        assert_eq!(index.resources(&history).unwrap(), []);
        // The name is free again.
        let again = index.create_resource(&new, at(3)).unwrap();
        assert_ne!(index.metric(again.metrics[0].1).unwrap().number, number);
    }
}
