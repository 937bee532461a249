//! The metrics of a store: made, found by id, name or number, listed, marked as deleted and at last removed.

use rusqlite::types::Value;
use rusqlite::{OptionalExtension, params, params_from_iter};
use uuid::{Builder, Uuid};

use super::column::Columns;
use super::error::{Thing, is_duplicate};
use super::metric::{METRIC_COLUMNS, METRICS, decode_metric};
use super::page::Order;
use super::search::{Condition, condition};
use super::{
    Index, IndexError, Metric, NAME_CHARACTERS_MAX, NewMetric, Page, PolicyNumber, ResourceNumber, Status,
};
use crate::model::Timestamp;
use crate::query::Filter;
use crate::store::MetricNumber;

/// Longest unit, in characters (Gnocchi 4.7.1).
pub const UNIT_CHARACTERS_MAX: usize = 31;

/// Which metrics are wanted.
#[derive(Clone, Debug)]
pub struct MetricQuery {
    /// Which of them. It may name `id`, `name`, `unit`, `status`, `archive_policy_name`, `creator`,
    /// `created_by_user_id`, `created_by_project_id`, `resource_id`, and of the resource `resource.creator`,
    /// `resource.user_id`, `resource.project_id`, `resource.original_resource_id`, `resource.started_at`,
    /// `resource.ended_at`.
    pub filter: Filter,
    /// Whose ids of the outside the filter means.
    pub creator: Option<String>,
    /// Those that are there, or those that are deleted.
    pub status: Status,
    /// Which part of the list; sorted by id unless said otherwise.
    pub page: Page,
}

impl Default for MetricQuery {
    fn default() -> MetricQuery {
        MetricQuery {
            filter: Filter::Everything,
            creator: None,
            status: Status::Active,
            page: Page::default(),
        }
    }
}

impl Index {
    /// Adds a metric.
    ///
    /// # Errors
    /// [`IndexError::Exists`] when its resource has one of that name, or its id is taken; [`IndexError::NotFound`] when
    /// the archive policy or the resource is not there; [`IndexError::NoRuleFits`]; [`IndexError::Invalid`].
    pub fn create_metric(&self, new: &NewMetric, now: Timestamp) -> Result<Metric, IndexError> {
        self.transaction(|index| {
            let resource = match new.resource {
                None => None,
                Some(id) => {
                    let resource = index.find_resource(super::GENERIC, id)?;
                    Some(resource.ok_or_else(|| Thing::Resource.not_found(id))?.number)
                }
            };
            let (number, _) = index.insert_metric(new, resource, now)?;
            index.metric_numbered(number)
        })
    }

    /// Adds a metric to a resource that is there. Gives its number and that of its policy.
    pub(super) fn insert_metric(
        &self,
        new: &NewMetric,
        resource: Option<ResourceNumber>,
        now: Timestamp,
    ) -> Result<(MetricNumber, PolicyNumber), IndexError> {
        let name = new.name.as_deref();
        check_metric(name, new.unit.as_deref(), resource.is_some())?;
        let catalogue = self.catalogue()?;
        let policy = match &new.archive_policy {
            Some(policy) => catalogue.policy_number(policy)?,
            None => catalogue.policy_by_rule(name)?,
        };
        let id = new.id.unwrap_or_else(|| new_metric_id(now));
        let inserted = self
            .connection()
            .prepare_cached(
                "INSERT INTO metric (id, resource, name, unit, archive_policy, creator) VALUES (?, ?, ?, ?, ?, ?)",
            )?
            .insert(params![
                id.as_bytes(),
                resource.map(|resource| resource.0),
                name,
                new.unit,
                policy.0,
                new.creator
            ]);
        let number = match inserted {
            Err(error) if is_duplicate(&error) => {
                return Err(match name {
                    Some(name) if new.id.is_none() => Thing::Metric.exists(name),
                    _ => Thing::Metric.exists(id),
                });
            }
            other => u32::try_from(other?).map_err(|_| IndexError::Full)?,
        };
        Ok((MetricNumber(number), policy))
    }

    /// Makes a metric that is there one of a resource, under a name.
    pub(super) fn bind_metric(
        &self,
        resource: ResourceNumber,
        creator: Option<&str>,
        name: &str,
        id: Uuid,
    ) -> Result<(), IndexError> {
        check_metric(Some(name), None, true)?;
        let bound = self
            .connection()
            .prepare_cached(
                "UPDATE metric SET resource = ?, name = ? WHERE id = ? AND creator IS ? AND NOT deleted",
            )?
            .execute(params![resource.0, name, id.as_bytes(), creator]);
        match bound {
            Err(error) if is_duplicate(&error) => Err(Thing::Metric.exists(name)),
            Ok(0) => Err(Thing::Metric.not_found(id)),
            other => other.map_err(IndexError::from).and_then(|_| self.next_generation()),
        }
    }

    /// The metric of that id, unless it is deleted.
    ///
    /// # Errors
    /// [`IndexError::NotFound`].
    pub fn metric(&self, id: Uuid) -> Result<Metric, IndexError> {
        let found = self.one_metric("m.id = ? AND NOT m.deleted", params![id.as_bytes()])?;
        found.ok_or_else(|| Thing::Metric.not_found(id))
    }

    /// The metric of that name of the resource of that id.
    ///
    /// # Errors
    /// [`IndexError::NotFound`].
    pub fn metric_named(&self, resource: Uuid, name: &str) -> Result<Metric, IndexError> {
        let condition = "m.resource = (SELECT number FROM resource WHERE id = ?) AND m.name = ?";
        let found = self.one_metric(condition, params![resource.as_bytes(), name])?;
        found.ok_or_else(|| Thing::Metric.not_found(name))
    }

    /// The metric of that number, deleted or not.
    ///
    /// # Errors
    /// [`IndexError::NotFound`].
    pub fn metric_numbered(&self, number: MetricNumber) -> Result<Metric, IndexError> {
        let found = self.one_metric("m.number = ?", params![number.0])?;
        found.ok_or_else(|| Thing::Metric.not_found(number.0))
    }

    fn one_metric(
        &self,
        condition: &str,
        values: &[&dyn rusqlite::ToSql],
    ) -> Result<Option<Metric>, IndexError> {
        let catalogue = self.catalogue()?;
        let sql = format!("SELECT {METRIC_COLUMNS} FROM {METRICS} WHERE {condition}");
        let mut statement = self.connection().prepare_cached(&sql)?;
        let mut rows = statement.query(values)?;
        rows.next()?.map(|row| decode_metric(row, &catalogue)).transpose()
    }

    /// The metrics that are asked for, in order.
    ///
    /// # Errors
    /// [`IndexError::Invalid`] when the filter or a sort key names something else, or the marker is no metric.
    pub fn metrics(&self, query: &MetricQuery) -> Result<Vec<Metric>, IndexError> {
        const TABLES: &str = "metric m LEFT JOIN archive_policy p ON p.number = m.archive_policy \
             LEFT JOIN resource r ON r.number = m.resource";
        self.snapshot(|index| {
            let catalogue = index.catalogue()?;
            let wanted = condition(&query.filter, &Columns::Metric, query.creator.as_deref())?;
            let order = Order::of(&query.page.sort, &["id"], &["id"], &Columns::Metric)?;
            let deleted = query.status == Status::Deleted;
            // The plus keeps SQLite from walking through the index of the deleted ones, which does not sort.
            let status = if deleted { "m.deleted" } else { "NOT +m.deleted" };
            let mut sql = format!("SELECT {METRIC_COLUMNS} FROM {TABLES} WHERE {status} AND {}", wanted.sql);
            let mut values = wanted.values.clone();
            if let Some(marker) = query.page.marker {
                let after = order.after(&index.metric_marker(marker.id, TABLES, &wanted, &order)?);
                sql.push_str(" AND ");
                sql.push_str(&after.sql);
                values.extend(after.values);
            }
            sql.push_str(" ORDER BY ");
            sql.push_str(&order.sql(query.filter != Filter::Everything));
            if let Some(limit) = query.page.limit {
                sql.push_str(&format!(" LIMIT {limit}"));
            }
            let mut statement = index.connection().prepare(&sql)?;
            let mut rows = statement.query(params_from_iter(values))?;
            let mut metrics = Vec::new();
            while let Some(row) = rows.next()? {
                metrics.push(decode_metric(row, &catalogue)?);
            }
            Ok(metrics)
        })
    }

    /// Of the marker's row, which must be one that the filter picks.
    fn metric_marker(
        &self,
        id: Uuid,
        tables: &str,
        wanted: &Condition,
        order: &Order,
    ) -> Result<Vec<Value>, IndexError> {
        let selected = order.selected();
        let sql =
            format!("SELECT {selected} FROM {tables} WHERE {} AND m.id = ? AND NOT m.deleted", wanted.sql);
        let mut values = wanted.values.clone();
        values.push(Value::Blob(id.as_bytes().to_vec()));
        let row = |row: &rusqlite::Row<'_>| (0..order.len()).map(|column| row.get(column)).collect();
        let found = self.connection().query_row(&sql, params_from_iter(values), row).optional()?;
        found.ok_or_else(|| Thing::Query.invalid(id, "the marker is the id of no metric"))
    }

    /// Marks a metric as deleted and takes it from its resource; its points wait to be removed.
    ///
    /// # Errors
    /// [`IndexError::NotFound`].
    pub fn delete_metric(&self, id: Uuid) -> Result<(), IndexError> {
        self.transaction(|index| {
            let marked = index
                .connection()
                .prepare_cached(
                    "UPDATE metric SET deleted = 1, resource = NULL WHERE id = ? AND NOT deleted",
                )?
                .execute([id.as_bytes()])?;
            if marked == 0 { Err(Thing::Metric.not_found(id)) } else { index.next_generation() }
        })
    }

    /// Calls `take` with every metric that is not deleted, ascending, and its policy: what a maintenance of the measures
    /// has to know. A million take a third of a second.
    ///
    /// # Errors
    /// What SQLite refuses.
    pub fn each_policy(&self, mut take: impl FnMut(MetricNumber, PolicyNumber)) -> Result<(), IndexError> {
        let select = "SELECT number, archive_policy FROM metric WHERE NOT deleted ORDER BY number";
        let mut statement = self.connection().prepare_cached(select)?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            take(MetricNumber(row.get(0)?), PolicyNumber(row.get(1)?));
        }
        Ok(())
    }

    /// The numbers of all deleted metrics, ascending: their points are to be removed.
    ///
    /// # Errors
    /// What SQLite refuses.
    pub fn deleted(&self) -> Result<Vec<MetricNumber>, IndexError> {
        let mut statement =
            self.connection().prepare_cached("SELECT number FROM metric WHERE deleted ORDER BY number")?;
        Ok(statement.query_map([], |row| Ok(MetricNumber(row.get(0)?)))?.collect::<Result<_, _>>()?)
    }

    /// Forgets deleted metrics whose points are gone; gives how many. What is not deleted stays.
    ///
    /// # Errors
    /// What SQLite refuses.
    pub fn expunge(&self, numbers: &[MetricNumber]) -> Result<u64, IndexError> {
        self.transaction(|index| {
            let mut statement =
                index.connection().prepare_cached("DELETE FROM metric WHERE number = ? AND deleted")?;
            let mut expunged = 0;
            for number in numbers {
                expunged += statement.execute([number.0])? as u64;
            }
            Ok(expunged)
        })
    }

    /// How many metrics there are, those that are deleted not counted.
    ///
    /// # Errors
    /// What SQLite refuses.
    pub fn metric_count(&self) -> Result<u64, IndexError> {
        let sql = "SELECT (SELECT count(*) FROM metric) - (SELECT count(*) FROM metric WHERE deleted)";
        Ok(self.connection().query_row(sql, [], |row| row.get::<_, i64>(0))? as u64)
    }
}

/// Refuses names and units that Gnocchi refuses.
pub(super) fn check_metric(name: Option<&str>, unit: Option<&str>, bound: bool) -> Result<(), IndexError> {
    let refuse = |name: &str, reason: &str| Err(Thing::Metric.invalid(name, reason));
    match name {
        None if bound => return refuse("", "a metric of a resource needs a name"),
        Some(name) if name.contains(['/', '\0']) => return refuse(name, "a name holds no slash"),
        Some(name) if name.len() > NAME_CHARACTERS_MAX && name.chars().count() > NAME_CHARACTERS_MAX => {
            return refuse(name, "a name has at most 255 characters");
        }
        _ => {}
    }
    match unit.filter(|unit| unit.len() > UNIT_CHARACTERS_MAX && unit.chars().count() > UNIT_CHARACTERS_MAX) {
        Some(unit) => {
            refuse(name.unwrap_or_default(), &format!("a unit has at most 31 characters, unlike {unit}"))
        }
        None => Ok(()),
    }
}

/// A uuid of version 7: those of one batch stand side by side in the tree of ids, which makes adding a million of them
/// several times as fast as with random ones.
fn new_metric_id(now: Timestamp) -> Uuid {
    let random = Uuid::new_v4();
    // All bytes but the two that hold version and variant.
    let [a, b, c, d, e, f, _, g, _, h, i, j, ..] = *random.as_bytes();
    let milliseconds = u64::try_from(now.ns() / 1_000_000).unwrap_or(0);
    Builder::from_unix_timestamp_millis(milliseconds, &[a, b, c, d, e, f, g, h, i, j]).into_uuid()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::testing::{at, resource, store};
    use super::super::{GENERIC, Marker, NewResource};
    use super::*;

    fn named(name: &str) -> NewMetric {
        NewMetric { name: Some(name.to_owned()), ..NewMetric::default() }
    }

    #[test]
    fn numbers_are_dense_and_never_given_twice() {
        let (_folder, index) = store("metric-numbers");
        let first = index.create_metric(&named("a"), at(0)).unwrap();
        let second = index.create_metric(&named("b"), at(0)).unwrap();
        assert_eq!((first.number, second.number), (MetricNumber(1), MetricNumber(2)));
        index.delete_metric(second.id).unwrap();
        assert_eq!(index.expunge(&[first.number, second.number]).unwrap(), 1);
        assert!(matches!(index.metric_numbered(second.number), Err(IndexError::NotFound { .. })));
        assert_eq!(index.create_metric(&named("c"), at(0)).unwrap().number, MetricNumber(3));
    }

    #[test]
    fn a_metric_is_found_by_id_by_name_and_by_number_until_it_is_deleted() {
        let (_folder, index) = store("metric-find");
        let host = index.create_resource(&resource(&index, GENERIC, "host", json!({})), at(0)).unwrap();
        let new = NewMetric {
            unit: Some("ns".to_owned()),
            archive_policy: Some("high".to_owned()),
            creator: Some("me".to_owned()),
            resource: Some(host.id),
            ..named("cpu")
        };
        let metric = index.create_metric(&new, at(0)).unwrap();
        assert_eq!(metric.original_resource_id.as_deref(), Some("host"));
        assert_eq!(
            metric.to_json(),
            json!({
                "id": metric.id.to_string(),
                "name": "cpu",
                "unit": "ns",
                "archive_policy_name": "high",
                "creator": "me",
                "created_by_user_id": "me",
                "created_by_project_id": "",
                "resource_id": host.id.to_string(),
            })
        );
        assert_eq!(index.metric(metric.id).unwrap(), metric);
        assert_eq!(index.metric_named(host.id, "cpu").unwrap(), metric);
        assert_eq!(index.metric_numbered(metric.number).unwrap(), metric);
        assert_eq!(index.metric_key_of(host.id, "cpu").unwrap().unwrap().metric, metric.number);
        assert_eq!(index.metric_key_by_id(metric.id).unwrap().unwrap().policy, metric.policy);
        assert!(matches!(index.create_metric(&new, at(1)), Err(IndexError::Exists { .. })));
        index.delete_metric(metric.id).unwrap();
        assert!(matches!(index.delete_metric(metric.id), Err(IndexError::NotFound { .. })));
        assert!(index.metric(metric.id).is_err() && index.metric_named(host.id, "cpu").is_err());
        assert_eq!(index.metric_key_by_id(metric.id).unwrap(), None);
        assert_ne!(index.create_metric(&new, at(1)).unwrap().number, metric.number);
    }

    #[test]
    fn names_and_units_keep_gnocchis_limits() {
        let (_folder, index) = store("metric-limits");
        let long = "é".repeat(NAME_CHARACTERS_MAX);
        assert!(index.create_metric(&named(&long), at(0)).is_ok());
        for name in ["a/b", &format!("{long}x")] {
            assert!(
                matches!(index.create_metric(&named(name), at(0)), Err(IndexError::Invalid { .. })),
                "{name}"
            );
        }
        let unit = |length| NewMetric { unit: Some("é".repeat(length)), ..NewMetric::default() };
        assert!(index.create_metric(&unit(31), at(0)).is_ok());
        assert!(matches!(index.create_metric(&unit(32), at(0)), Err(IndexError::Invalid { .. })));
        let host = index.create_resource(&resource(&index, GENERIC, "host", json!({})), at(0)).unwrap();
        let nameless = NewMetric { resource: Some(host.id), ..NewMetric::default() };
        assert!(matches!(index.create_metric(&nameless, at(0)), Err(IndexError::Invalid { .. })));
        let nowhere = NewMetric { resource: Some(Uuid::nil()), ..named("a") };
        assert!(matches!(index.create_metric(&nowhere, at(0)), Err(IndexError::NotFound { .. })));
        let none = NewMetric { archive_policy: Some("none".to_owned()), ..named("a") };
        assert!(matches!(index.create_metric(&none, at(0)), Err(IndexError::NotFound { .. })));
    }

    #[test]
    fn a_list_is_filtered_sorted_and_cut_into_pages() {
        let (_folder, index) = store("metric-list");
        let mut host: NewResource = resource(&index, GENERIC, "host", json!({}));
        host.project_id = Some("p".to_owned());
        let host = index.create_resource(&host, at(0)).unwrap();
        for (name, bound) in [(Some("a"), true), (Some("b"), true), (Some("c"), false), (None, false)] {
            let new = NewMetric {
                name: name.map(str::to_owned),
                resource: bound.then_some(host.id),
                creator: Some("me:p".to_owned()),
                ..NewMetric::default()
            };
            index.create_metric(&new, at(0)).unwrap();
        }
        let gone = index.create_metric(&named("gone"), at(0)).unwrap();
        index.delete_metric(gone.id).unwrap();
        let names = |query: &MetricQuery| -> Vec<String> {
            index.metrics(query).unwrap().into_iter().map(|metric| metric.name.unwrap_or_default()).collect()
        };
        let by_name = Page { sort: vec!["name:desc".parse().unwrap()], ..Page::default() };
        for (filter, expected) in [
            ("{}", ["", "c", "b", "a"].as_slice()),
            ("resource_id = host", &["b", "a"]),
            ("resource_id = null", &["", "c"]),
            ("name in [a, c]", &["c", "a"]),
            ("resource.project_id = p and not name = a", &["b"]),
            (
                "creator = 'me:p' and created_by_project_id = p and archive_policy_name = low and name like '_'",
                &["c", "b", "a"],
            ),
            ("status = delete", &[]),
            ("archive_policy_name = high", &[]),
        ] {
            let filter = Filter::parse(filter).unwrap();
            let query =
                MetricQuery { filter: filter.clone(), page: by_name.clone(), ..MetricQuery::default() };
            assert_eq!(names(&query), expected, "{filter}");
        }
        let deleted = MetricQuery { status: Status::Deleted, ..MetricQuery::default() };
        assert_eq!(names(&deleted), ["gone"]);
        let mut query = MetricQuery { page: Page { limit: Some(3), ..by_name }, ..MetricQuery::default() };
        let first = index.metrics(&query).unwrap();
        query.page.marker = Some(Marker { id: first[2].id, revision: None });
        assert_eq!(names(&query), ["a"]);
        query.page.marker = Some(Marker { id: gone.id, revision: None });
        assert!(matches!(index.metrics(&query), Err(IndexError::Invalid { .. })));
    }
}
