//! The resource types of a store: added, changed, removed, each attribute with an index of its own.

use std::sync::Arc;

use rusqlite::params;

use super::error::{Thing, is_duplicate};
use super::{Attribute, AttributeKind, AttributeValue, GENERIC, Index, IndexError, ResourceType};

/// An attribute that a resource type is to get.
#[derive(Clone, Debug, PartialEq)]
pub struct AddedAttribute {
    /// Its name.
    pub name: String,
    /// What it is.
    pub attribute: Attribute,
    /// What all resources that are there already get; needed when the attribute is required.
    pub fill: Option<AttributeValue>,
}

impl Index {
    /// All resource types, by name.
    ///
    /// # Errors
    /// What SQLite refuses.
    pub fn resource_types(&self) -> Result<Vec<Arc<ResourceType>>, IndexError> {
        let mut types: Vec<_> = self.catalogue()?.types.values().cloned().collect();
        types.sort_by(|left, right| left.name().cmp(right.name()));
        Ok(types)
    }

    /// The resource type of that name.
    ///
    /// # Errors
    /// [`IndexError::NotFound`].
    pub fn resource_type(&self, name: &str) -> Result<Arc<ResourceType>, IndexError> {
        let catalogue = self.catalogue()?;
        Ok(Arc::clone(catalogue.resource_type(catalogue.type_number(name)?)?))
    }

    /// Adds a resource type.
    ///
    /// # Errors
    /// [`IndexError::Exists`] when there is one of that name.
    pub fn create_resource_type(&self, resource_type: &ResourceType) -> Result<(), IndexError> {
        self.transaction(|index| {
            let inserted = index
                .connection()
                .prepare_cached("INSERT INTO resource_type (name, attributes) VALUES (?, ?)")?
                .insert(params![resource_type.name(), resource_type.attributes_to_json().to_string()]);
            let number = match inserted {
                Err(error) if is_duplicate(&error) => {
                    return Err(Thing::ResourceType.exists(resource_type.name()));
                }
                other => other?,
            };
            for (name, attribute) in resource_type.attributes() {
                index.create_attribute_index(number, name, attribute)?;
            }
            index.next_generation()
        })
    }

    /// Takes attributes away from a resource type, then gives it others; its resources and their history follow.
    /// Gives what it is now.
    ///
    /// # Errors
    /// [`IndexError::NotFound`]; [`IndexError::Invalid`] when an attribute to remove is not there, one to add is (its
    /// type never changes), or a required one comes without a value to fill in.
    pub fn update_resource_type(
        &self,
        name: &str,
        add: &[AddedAttribute],
        remove: &[&str],
    ) -> Result<Arc<ResourceType>, IndexError> {
        if name == GENERIC {
            return Err(Thing::ResourceType.invalid(name, "it is the same in every store"));
        }
        self.transaction(|index| {
            let number = index.catalogue()?.type_number(name)?;
            let mut resource_type = ResourceType::clone(&*index.resource_type(name)?);
            for attribute in remove {
                resource_type = resource_type.without(attribute)?;
                index.drop_attribute(number, attribute)?;
            }
            for added in add {
                if resource_type.attributes().contains_key(&added.name) {
                    return Err(Thing::Attribute.exists(&added.name));
                }
                added.attribute.check(&added.name)?;
                match &added.fill {
                    Some(fill) => added.attribute.kind.check(&added.name, fill)?,
                    None if added.attribute.required => {
                        let reason = "a required attribute needs a value for the resources there are (fill)";
                        return Err(Thing::Attribute.invalid(&added.name, reason));
                    }
                    None => {}
                }
                resource_type = resource_type.with(&added.name, added.attribute);
                index.fill_attribute(number, added)?;
                index.create_attribute_index(number, &added.name, &added.attribute)?;
            }
            index.keep_type(number, resource_type)
        })
    }

    /// Gives an attribute other limits, or makes it required or not; its kind stays. Resources that have no value get the one to
    /// fill in; values that are there already are kept, whatever the new limits are.
    ///
    /// # Errors
    /// [`IndexError::NotFound`]; [`IndexError::Invalid`] when there is no such attribute or it is of another kind, or it becomes
    /// required without a value to fill in.
    pub fn replace_attribute(
        &self,
        name: &str,
        replaced: &AddedAttribute,
    ) -> Result<Arc<ResourceType>, IndexError> {
        let AddedAttribute { name: attribute_name, attribute, fill } = replaced;
        self.transaction(|index| {
            let number = index.catalogue()?.type_number(name)?;
            let resource_type = index.resource_type(name)?;
            let kind = resource_type.attributes().get(attribute_name).map(|known| known.kind.as_str());
            if kind != Some(attribute.kind.as_str()) {
                let reason = format!("resource type {name} has no {} of that name", attribute.kind.as_str());
                return Err(Thing::Attribute.invalid(attribute_name, reason));
            }
            attribute.check(attribute_name)?;
            match fill {
                Some(fill) => {
                    attribute.kind.check(attribute_name, fill)?;
                    let (path, value) = (attribute_path(attribute_name), fill.encode().to_string());
                    let sql = format!(
                        "CASE WHEN json_extract(attributes, {path}) IS NULL \
                         THEN json_set(attributes, {path}, json(?2)) ELSE attributes END"
                    );
                    index.change_attributes(number, &sql, Some(value))?;
                }
                None if attribute.required => {
                    let reason = "a required attribute needs a value for the resources there are (fill)";
                    return Err(Thing::Attribute.invalid(attribute_name, reason));
                }
                None => {}
            }
            let resource_type = resource_type.with(attribute_name, *attribute);
            index.keep_type(number, resource_type)
        })
    }

    /// Writes down what a type is now.
    fn keep_type(&self, number: i64, resource_type: ResourceType) -> Result<Arc<ResourceType>, IndexError> {
        self.connection()
            .prepare_cached("UPDATE resource_type SET attributes = ? WHERE number = ?")?
            .execute(params![resource_type.attributes_to_json().to_string(), number])?;
        self.next_generation()?;
        Ok(Arc::new(resource_type))
    }

    /// Removes a resource type that has no resources.
    ///
    /// # Errors
    /// [`IndexError::NotFound`], or [`IndexError::InUse`]; `generic` is always in use.
    pub fn delete_resource_type(&self, name: &str) -> Result<(), IndexError> {
        if name == GENERIC {
            return Err(Thing::ResourceType.in_use(name, "every store"));
        }
        self.transaction(|index| {
            let number = index.catalogue()?.type_number(name)?;
            let used = index
                .connection()
                .prepare_cached("SELECT 1 FROM resource WHERE type = ? LIMIT 1")?
                .exists([number])?;
            if used {
                return Err(Thing::ResourceType.in_use(name, "resources"));
            }
            for attribute in index.resource_type(name)?.attributes().keys() {
                index.drop_attribute_index(number, attribute)?;
            }
            index
                .connection()
                .prepare_cached("DELETE FROM resource_type WHERE number = ?")?
                .execute([number])?;
            index.next_generation()
        })
    }

    /// So that a search for one value looks at the resources that have it. Of two values of a boolean an index is no
    /// help.
    fn create_attribute_index(
        &self,
        number: i64,
        name: &str,
        attribute: &Attribute,
    ) -> Result<(), IndexError> {
        if attribute.kind == AttributeKind::Bool {
            return Ok(());
        }
        let (index, value) = (attribute_index(number, name), attribute_sql("attributes", name));
        let sql = format!("CREATE INDEX {index} ON resource ({value}) WHERE type = {number}");
        Ok(self.connection().execute_batch(&sql)?)
    }

    fn drop_attribute_index(&self, number: i64, name: &str) -> Result<(), IndexError> {
        let sql = format!("DROP INDEX IF EXISTS {}", attribute_index(number, name));
        Ok(self.connection().execute_batch(&sql)?)
    }

    fn drop_attribute(&self, number: i64, name: &str) -> Result<(), IndexError> {
        self.drop_attribute_index(number, name)?;
        let path = attribute_path(name);
        self.change_attributes(number, &format!("json_remove(attributes, {path})"), None)
    }

    fn fill_attribute(&self, number: i64, added: &AddedAttribute) -> Result<(), IndexError> {
        let Some(fill) = &added.fill else { return Ok(()) };
        let path = attribute_path(&added.name);
        let value = fill.encode().to_string();
        self.change_attributes(number, &format!("json_set(attributes, {path}, json(?2))"), Some(value))
    }

    /// Changes the attributes of all resources of a type, now and before, without a revision.
    fn change_attributes(&self, number: i64, sql: &str, value: Option<String>) -> Result<(), IndexError> {
        let scopes = [
            ("resource", "type = ?1"),
            ("resource_history", "resource IN (SELECT number FROM resource WHERE type = ?1)"),
        ];
        for (table, scope) in scopes {
            let sql = format!("UPDATE {table} SET attributes = {sql} WHERE {scope}");
            match &value {
                Some(value) => self.connection().execute(&sql, params![number, value])?,
                None => self.connection().execute(&sql, [number])?,
            };
        }
        Ok(())
    }
}

/// The value of attribute `name` in the column `attributes`, in SQL. An index is only used where the text is the same.
pub(super) fn attribute_sql(column: &str, name: &str) -> String {
    format!("json_extract({column}, {})", attribute_path(name))
}

/// Names of attributes hold no double quotes, backslashes or control characters.
fn attribute_path(name: &str) -> String {
    format!("'$.\"{}\"'", name.replace('\'', "''"))
}

fn attribute_index(number: i64, name: &str) -> String {
    format!("\"resource_attribute {number} {name}\"")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::testing::{add_type, at, resource, store};
    use super::super::{ResourcePatch, ResourceQuery};
    use super::*;
    use crate::query::Filter;

    fn added(name: &str, required: bool, fill: Option<AttributeValue>) -> AddedAttribute {
        let attribute = Attribute { kind: AttributeKind::TEXT, required };
        AddedAttribute { name: name.to_owned(), attribute, fill }
    }

    #[test]
    fn types_are_read_back_and_generic_is_always_there() {
        let (_folder, index) = store("types");
        let instance = add_type(&index, "instance", json!({"host": {"type": "string"}}));
        assert_eq!(*index.resource_type("instance").unwrap(), instance);
        let names: Vec<_> = index.resource_types().unwrap().iter().map(|one| one.name().to_owned()).collect();
        assert_eq!(names, ["generic", "instance"]);
        assert!(matches!(index.create_resource_type(&instance), Err(IndexError::Exists { .. })));
        assert!(matches!(index.delete_resource_type(GENERIC), Err(IndexError::InUse { .. })));
        assert!(index.update_resource_type(GENERIC, &[added("a", false, None)], &[]).is_err());
    }

    #[test]
    fn a_type_goes_when_it_has_no_resources() {
        let (_folder, index) = store("type-delete");
        add_type(&index, "instance", json!({"host": {"type": "string"}}));
        let made =
            index.create_resource(&resource(&index, "instance", "a", json!({"host": "h"})), at(0)).unwrap();
        assert!(matches!(index.delete_resource_type("instance"), Err(IndexError::InUse { .. })));
        index.delete_resource(made.id).unwrap();
        index.delete_resource_type("instance").unwrap();
        assert!(matches!(index.delete_resource_type("instance"), Err(IndexError::NotFound { .. })));
        let instance = add_type(&index, "instance", json!({"host": {"type": "string"}}));
        assert_eq!(*index.resource_type("instance").unwrap(), instance);
    }

    #[test]
    fn an_attribute_gets_other_limits_and_values_where_there_are_none() {
        let (_folder, index) = store("type-replace");
        add_type(&index, "instance", json!({"host": {"type": "string", "required": false}}));
        for (id, attributes) in [("a", json!({"host": "long name"})), ("b", json!({}))] {
            index.create_resource(&resource(&index, "instance", id, attributes), at(0)).unwrap();
        }
        let short = AttributeKind::Text { min_length: 1, max_length: 4 };
        let replaced = |kind, required, fill: Option<&str>| {
            let fill = fill.map(|text| AttributeValue::Text(text.to_owned()));
            let attribute = Attribute { kind, required };
            index.replace_attribute("instance", &AddedAttribute { name: "host".to_owned(), attribute, fill })
        };
        assert!(matches!(replaced(short, true, None), Err(IndexError::Invalid { .. })));
        assert!(matches!(replaced(short, true, Some("far too long")), Err(IndexError::Invalid { .. })));
        assert!(matches!(replaced(AttributeKind::Bool, false, None), Err(IndexError::Invalid { .. })));
        let after = replaced(short, true, Some("h")).unwrap();
        assert_eq!(after.attributes()["host"], Attribute { kind: short, required: true });
        let all = ResourceQuery { resource_type: "instance".to_owned(), ..ResourceQuery::default() };
        let mut hosts: Vec<_> =
            index.resources(&all).unwrap().iter().map(|one| one.attributes["host"].to_json()).collect();
        hosts.sort_by_key(|host| host.to_string());
        assert_eq!(hosts, [json!("h"), json!("long name")]);
    }

    #[test]
    fn an_added_attribute_is_filled_in_now_and_in_history() {
        let (_folder, index) = store("type-fill");
        add_type(&index, "instance", json!({"host": {"type": "string"}}));
        let new = resource(&index, "instance", "a", json!({"host": "h"}));
        let made = index.create_resource(&new, at(0)).unwrap();
        let patch = ResourcePatch { user_id: Some(Some("u".to_owned())), ..ResourcePatch::default() };
        index.update_resource("instance", made.id, &patch, at(1)).unwrap();

        let missing = index.update_resource_type("instance", &[added("zone", true, None)], &[]);
        assert!(matches!(missing, Err(IndexError::Invalid { .. })));
        let zone = AttributeValue::Text("it's \"z\"".to_owned());
        index.update_resource_type("instance", &[added("zone", true, Some(zone.clone()))], &[]).unwrap();
        let ever = ResourceQuery {
            resource_type: "instance".to_owned(),
            filter: Filter::parse("zone like 'it%'").unwrap(),
            history: true,
            ..ResourceQuery::default()
        };
        let zones: Vec<_> =
            index.resources(&ever).unwrap().iter().map(|one| one.attributes["zone"].clone()).collect();
        assert_eq!(zones, [zone.clone(), zone]);
        // No revision came of it.
        assert_eq!(index.resource("instance", made.id).unwrap().revision_start, at(1));
    }

    #[test]
    fn a_removed_attribute_is_gone_and_may_come_back_as_another_type() {
        let (_folder, index) = store("type-remove");
        add_type(&index, "instance", json!({"host": {"type": "string"}}));
        let made =
            index.create_resource(&resource(&index, "instance", "a", json!({"host": "h"})), at(0)).unwrap();
        let again = index.update_resource_type("instance", &[added("host", false, None)], &[]);
        assert!(matches!(again, Err(IndexError::Exists { .. })));
        index.update_resource_type("instance", &[], &["host"]).unwrap();
        assert!(index.resource("instance", made.id).unwrap().attributes.is_empty());
        assert!(index.update_resource_type("instance", &[], &["host"]).is_err());
        let number = Attribute { kind: AttributeKind::NUMBER, required: false };
        let host = AddedAttribute { name: "host".to_owned(), attribute: number, fill: None };
        index.update_resource_type("instance", &[host], &[]).unwrap();
        assert!(index.resource("instance", made.id).unwrap().attributes.is_empty());
    }

    #[test]
    fn an_update_that_fails_half_way_changes_nothing() {
        let (_folder, index) = store("type-half");
        let before = add_type(&index, "instance", json!({"host": {"type": "string"}}));
        let id = Attribute { kind: AttributeKind::Uuid, required: false };
        let reserved = AddedAttribute { name: "id".to_owned(), attribute: id, fill: None };
        assert!(
            index.update_resource_type("instance", &[added("a", false, None), reserved], &["host"]).is_err()
        );
        assert_eq!(*index.resource_type("instance").unwrap(), before);
    }

    #[test]
    fn a_search_for_an_attribute_uses_its_index() {
        let (_folder, index) = store("type-index");
        add_type(&index, "instance", json!({"it's": {"type": "string"}}));
        let sql = format!(
            "EXPLAIN QUERY PLAN SELECT r.number FROM {} r WHERE r.type = 2 AND ({} = ?)",
            super::super::resource::RESOURCES_NOW,
            attribute_sql("r.attributes", "it's")
        );
        let plan: String = index.connection().query_row(&sql, ["x"], |row| row.get(3)).unwrap();
        assert!(plan.contains("USING INDEX resource_attribute 2 it's (<expr>=?)"), "{plan}");
    }
}
