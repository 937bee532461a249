//! Lists of resources: searched, sorted, in pages, as they are or as they were; and many removed at once.

use rusqlite::params_from_iter;
use rusqlite::types::Value;

use super::column::Columns;
use super::error::Thing;
use super::page::Order;
use super::resource::{RESOURCE_COLUMNS, RESOURCES_EVER, RESOURCES_NOW, decode_resource};
use super::schema::GENERIC_TYPE;
use super::search::{Condition, condition, narrows};
use super::{GENERIC, Index, IndexError, Page, Resource, ResourceNumber, Revision};
use crate::query::Filter;

/// Which resources are wanted.
#[derive(Clone, Debug)]
pub struct ResourceQuery {
    /// Of which type; `generic`: of any.
    pub resource_type: String,
    /// Which of them. It may name what every resource has (`id`, `type`, `user_id`, `project_id`, `creator`,
    /// `created_by_user_id`, `created_by_project_id`, `original_resource_id`, `started_at`, `ended_at`, `lifespan`,
    /// `revision_start`, `revision_end`, `revision`) and the attributes of the type.
    pub filter: Filter,
    /// Those that its caller may know of, whatever the filter picks. The marker of a page is one of them: it may be that the
    /// filter does not pick it any more.
    pub known: Filter,
    /// Whose ids of the outside the filter means.
    pub creator: Option<String>,
    /// Whether also what they were.
    pub history: bool,
    /// Whether with the names and ids of their metrics.
    pub metrics: bool,
    /// Which part of the list; sorted by `revision_start`, then `started_at`, unless said otherwise.
    pub page: Page,
}

impl Default for ResourceQuery {
    fn default() -> ResourceQuery {
        ResourceQuery {
            resource_type: GENERIC.to_owned(),
            filter: Filter::Everything,
            known: Filter::Everything,
            creator: None,
            history: false,
            metrics: false,
            page: Page::default(),
        }
    }
}

/// Where to look, for what, and whether the index of an attribute leads there.
struct Wanted {
    table: &'static str,
    condition: Condition,
    /// Of those that may be known of.
    known: Condition,
    narrow: bool,
}

impl Index {
    /// The resources that are asked for, in order. Their attributes are those of their own types, also when resources
    /// of any type are asked for.
    ///
    /// # Errors
    /// [`IndexError::NotFound`] when there is no such type; [`IndexError::Invalid`] when the filter or a sort key
    /// names something that the type does not have, or the marker is not in the list.
    pub fn resources(&self, query: &ResourceQuery) -> Result<Vec<Resource>, IndexError> {
        self.snapshot(|index| {
            let catalogue = index.catalogue()?;
            let Wanted { table, condition: wanted, known, narrow } = index.wanted(query)?;
            let order = index.order(query)?;
            let mut sql = format!("SELECT {RESOURCE_COLUMNS} FROM {table} r WHERE {}", wanted.sql);
            let mut values = wanted.values.clone();
            if query.page.marker.is_some() {
                let after = order.after(&index.marker(query, table, &known, &order)?);
                sql.push_str(" AND ");
                sql.push_str(&after.sql);
                values.extend(after.values);
            }
            sql.push_str(" ORDER BY ");
            sql.push_str(&order.sql(narrow && query.page.limit.is_none()));
            if let Some(limit) = query.page.limit {
                sql.push_str(&format!(" LIMIT {limit}"));
            }
            let mut statement = index.connection().prepare(&sql)?;
            let mut rows = statement.query(params_from_iter(values))?;
            let mut resources = Vec::new();
            while let Some(row) = rows.next()? {
                let mut resource = decode_resource(row, &catalogue)?;
                if query.metrics {
                    resource.metrics = index.metrics_of(resource.number)?;
                }
                resources.push(resource);
            }
            Ok(resources)
        })
    }

    /// Removes all resources that satisfy the filter, as [`Index::delete_resource`] does; gives how many. History and
    /// page of the query do not matter.
    ///
    /// # Errors
    /// As [`Index::resources`]; [`IndexError::Invalid`] when the filter is that for everything.
    pub fn delete_resources(&self, query: &ResourceQuery) -> Result<u64, IndexError> {
        if query.filter == Filter::Everything {
            return Err(
                Thing::Query.invalid("{}", "it would remove every resource: name at least one condition")
            );
        }
        self.transaction(|index| {
            let query = ResourceQuery { history: false, ..query.clone() };
            let Wanted { table, condition: wanted, .. } = index.wanted(&query)?;
            let sql = format!("SELECT r.number FROM {table} r WHERE {}", wanted.sql);
            let numbers: Vec<i64> = index
                .connection()
                .prepare(&sql)?
                .query_map(params_from_iter(wanted.values), |row| row.get(0))?
                .collect::<Result<_, _>>()?;
            numbers.iter().try_for_each(|number| index.remove_resource(ResourceNumber(*number)))?;
            index.next_generation()?;
            Ok(numbers.len() as u64)
        })
    }

    /// The number of the type is written out: only so can SQLite see that the index of an attribute, which holds the
    /// resources of one type, will do. Where no attribute can serve, a plus keeps SQLite from walking through such an
    /// index merely for the type, which at random places is ten times the work of reading all.
    fn wanted(&self, query: &ResourceQuery) -> Result<Wanted, IndexError> {
        let catalogue = self.catalogue()?;
        let number = catalogue.type_number(&query.resource_type)?;
        let resource_type = catalogue.resource_type(number)?;
        let columns = Columns::Resource(resource_type);
        let mut known = condition(&query.known, &columns, query.creator.as_deref())?;
        let mut condition = condition(&query.filter, &columns, query.creator.as_deref())?;
        condition.sql = format!("{} AND {}", condition.sql, known.sql);
        condition.values.extend(known.values.iter().cloned());
        let narrow = !query.history && narrows(&query.filter, resource_type);
        if number != GENERIC_TYPE {
            let sorted = query.page.sort.first().is_some_and(|key| resource_type.kind(&key.name).is_some());
            let free = if narrow || sorted { "" } else { "+" };
            condition.sql = format!("{free}r.type = {number} AND {}", condition.sql);
            known.sql = format!("r.type = {number} AND {}", known.sql);
        }
        let table = if query.history { RESOURCES_EVER } else { RESOURCES_NOW };
        Ok(Wanted { table, condition, known, narrow })
    }

    fn order(&self, query: &ResourceQuery) -> Result<Order, IndexError> {
        let resource_type = self.resource_type(&query.resource_type)?;
        let unique: &[&str] = if query.history { &["id", "revision"] } else { &["id"] };
        let usual = ["revision_start", "started_at"];
        Order::of(&query.page.sort, &usual, unique, &Columns::Resource(&resource_type))
    }

    /// Of the marker's row. It must be one that may be known of: by what comes behind another one could tell its attributes.
    fn marker(
        &self,
        query: &ResourceQuery,
        table: &str,
        known: &Condition,
        order: &Order,
    ) -> Result<Vec<Value>, IndexError> {
        let Some(marker) = query.page.marker else { return Ok(Vec::new()) };
        let revision = marker.revision.unwrap_or(Revision::CURRENT);
        let selected = order.selected();
        let sql =
            format!("SELECT {selected} FROM {table} r WHERE {} AND r.id = ? AND r.revision = ?", known.sql);
        let mut statement = self.connection().prepare(&sql)?;
        let mut values = known.values.clone();
        values.extend([Value::Blob(marker.id.as_bytes().to_vec()), Value::Integer(revision.0)]);
        let mut rows = statement.query(params_from_iter(values))?;
        match rows.next()? {
            Some(row) => (0..order.len()).map(|column| Ok(row.get(column)?)).collect(),
            None => Err(Thing::Query.invalid(marker.id, "the marker is the id of no resource")),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::testing::{add_type, at, resource, store};
    use super::super::{Marker, MetricSource, ResourceId};
    use super::*;

    #[test]
    fn a_list_of_any_type_has_the_attributes_of_each() {
        let (_folder, index) = store("list-types");
        add_type(&index, "instance", json!({"host": {"type": "string"}}));
        add_type(&index, "disk", json!({"size": {"type": "number"}}));
        index.create_resource(&resource(&index, "instance", "vm", json!({"host": "h"})), at(1)).unwrap();
        index.create_resource(&resource(&index, "disk", "d", json!({"size": 1.5})), at(0)).unwrap();
        let all = index.resources(&ResourceQuery::default()).unwrap();
        let found: Vec<_> =
            all.iter().map(|one| (one.resource_type.as_str(), one.attributes.len())).collect();
        assert_eq!(found, [("disk", 1), ("instance", 1)]);
        let disks = ResourceQuery { resource_type: "disk".to_owned(), ..ResourceQuery::default() };
        assert_eq!(index.resources(&disks).unwrap().len(), 1);
        let host = ResourceQuery { filter: Filter::parse("host = h").unwrap(), ..ResourceQuery::default() };
        assert!(matches!(index.resources(&host), Err(IndexError::Invalid { .. })));
        let none = ResourceQuery { resource_type: "none".to_owned(), ..ResourceQuery::default() };
        assert!(matches!(index.resources(&none), Err(IndexError::NotFound { .. })));
    }

    #[test]
    fn the_marker_must_be_in_the_list() {
        let (_folder, index) = store("list-marker");
        let mut query = ResourceQuery::default();
        query.page.marker = Some(Marker { id: ResourceId::of("a", None).unwrap().uuid(), revision: None });
        assert!(matches!(index.resources(&query), Err(IndexError::Invalid { .. })));
    }

    /// Else whoever names a row that is hidden from him learns its attributes by what comes behind it.
    #[test]
    fn the_marker_must_be_one_that_may_be_known_of() {
        let (_folder, index) = store("list-marker-hidden");
        let made = ["a", "b"].map(|id| {
            let mut new = resource(&index, GENERIC, id, json!({}));
            new.project_id = Some(format!("project-{id}"));
            index.create_resource(&new, at(0)).unwrap().id
        });
        let behind = |id| {
            let known = Filter::parse("project_id = 'project-a'").unwrap();
            // None is picked: what ended since it was the last of a page is still a place in the list.
            let filter = Filter::parse("ended_at != null").unwrap();
            let page = Page { marker: Some(Marker { id, revision: None }), ..Page::default() };
            index.resources(&ResourceQuery { filter, known, page, ..ResourceQuery::default() })
        };
        assert_eq!(behind(made[0]).unwrap(), []);
        assert!(matches!(behind(made[1]), Err(IndexError::Invalid { .. })));
    }

    #[test]
    fn many_are_removed_by_a_filter_and_never_all_by_mistake() {
        let (_folder, index) = store("list-delete");
        for (number, id) in ["a1", "a2", "b1"].iter().enumerate() {
            let mut new = resource(&index, GENERIC, id, json!({}));
            new.metrics = vec![("cpu".to_owned(), MetricSource::New { archive_policy: None, unit: None })];
            index.create_resource(&new, at(number as i64)).unwrap();
        }
        let delete = |filter: &str| {
            let filter = Filter::parse(filter).unwrap();
            index.delete_resources(&ResourceQuery { filter, ..ResourceQuery::default() })
        };
        assert!(matches!(delete("{}"), Err(IndexError::Invalid { .. })));
        assert_eq!(delete("original_resource_id like 'a%'").unwrap(), 2);
        assert_eq!(delete("id in [a1, a2]").unwrap(), 0);
        assert_eq!((index.resource_count().unwrap(), index.metric_count().unwrap()), (1, 1));
        assert_eq!(index.deleted().unwrap().len(), 2);
        assert_eq!(delete("id = b1").unwrap(), 1);
    }

    #[test]
    fn numbers_are_found_again_by_equality() {
        let (_folder, index) = store("list-numbers");
        add_type(&index, "disk", json!({"size": {"type": "number"}}));
        let mut bits: u64 = 0x9E37_79B9_7F4A_7C15;
        let mut numbers = vec![0.1, 1e300, 5e-324, f64::MAX, 9_007_199_254_740_993.0, 0.1 + 0.2];
        while numbers.len() < 500 {
            bits = bits.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            numbers.extend(Some(f64::from_bits(bits)).filter(|number| number.is_finite()));
        }
        let made: Result<(), IndexError> = index.transaction(|index| {
            for (at_second, number) in numbers.iter().enumerate() {
                let new = resource(index, "disk", &format!("d{at_second}"), json!({"size": number}));
                index.create_resource(&new, at(0))?;
            }
            Ok(())
        });
        made.unwrap();
        for number in numbers {
            let filter = Filter::parse(&format!("size = {number:e}")).unwrap();
            let query =
                ResourceQuery { resource_type: "disk".to_owned(), filter, ..ResourceQuery::default() };
            assert_eq!(index.resources(&query).unwrap().len(), 1, "{number:e}");
        }
    }
}
