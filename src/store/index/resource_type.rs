//! Resource types: which attributes the resources of a type have.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::attribute::checked_name;
use super::error::Thing;
use super::{Attribute, AttributeKind, AttributeValue, Attributes, IndexError};

/// The type that every store has, without attributes; a resource of any type is one of it too.
pub const GENERIC: &str = "generic";

/// A resource type.
#[derive(Clone, Debug, PartialEq)]
pub struct ResourceType {
    name: String,
    attributes: BTreeMap<String, Attribute>,
}

/// A change of attributes: a value, or none for null.
pub type AttributeChanges = BTreeMap<String, Option<AttributeValue>>;

impl ResourceType {
    /// A type of that name with these attributes.
    ///
    /// # Errors
    /// [`IndexError::Invalid`] when a name may not be used or the limits of an attribute contradict each other.
    pub fn new(name: &str, attributes: BTreeMap<String, Attribute>) -> Result<ResourceType, IndexError> {
        checked_name(Thing::ResourceType, name)?;
        attributes.iter().try_for_each(|(name, attribute)| attribute.check(name))?;
        Ok(ResourceType { name: name.to_owned(), attributes })
    }

    /// Reads Gnocchi's form of the attributes, `{"host": {"type": "string"}}`.
    ///
    /// # Errors
    /// [`IndexError::Invalid`].
    pub fn from_json(name: &str, attributes: &Map<String, Value>) -> Result<ResourceType, IndexError> {
        let read = |(name, value): (&String, &Value)| {
            Attribute::from_json(name, value).map(|attribute| (name.clone(), attribute))
        };
        ResourceType::new(name, attributes.iter().map(read).collect::<Result<_, _>>()?)
    }

    /// Gnocchi's form: name, attributes, and a state that is always `active`.
    pub fn to_json(&self) -> Value {
        json!({"name": self.name, "attributes": self.attributes_to_json(), "state": "active"})
    }

    pub(super) fn attributes_to_json(&self) -> Value {
        self.attributes
            .iter()
            .map(|(name, attribute)| (name.clone(), attribute.to_json()))
            .collect::<Map<_, _>>()
            .into()
    }

    /// The name, unique in a store.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The attributes, by name.
    pub fn attributes(&self) -> &BTreeMap<String, Attribute> {
        &self.attributes
    }

    /// Reads the attributes of a new resource; null is as good as absent where the attribute is not required.
    ///
    /// # Errors
    /// [`IndexError::Invalid`] names the attribute that is unknown, missing, of another type, or over a limit.
    pub fn read(&self, values: &Map<String, Value>) -> Result<Attributes, IndexError> {
        let changes = self.read_changes(values)?;
        let attributes = changes.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
        self.check(&attributes)?;
        Ok(attributes)
    }

    /// Reads a change of some attributes.
    ///
    /// # Errors
    /// As [`ResourceType::read`]; null where the attribute is required.
    pub fn read_changes(&self, values: &Map<String, Value>) -> Result<AttributeChanges, IndexError> {
        let read = |(name, value): (&String, &Value)| {
            let attribute = self.attribute(name)?;
            let value = match value {
                Value::Null if !attribute.required => None,
                value => Some(attribute.kind.read(name, value)?),
            };
            Ok((name.clone(), value))
        };
        values.iter().map(read).collect()
    }

    /// Refuses what [`ResourceType::read`] refuses.
    pub(super) fn check(&self, attributes: &Attributes) -> Result<(), IndexError> {
        for (name, value) in attributes {
            self.attribute(name)?.kind.check(name, value)?;
        }
        self.check_required(attributes)
    }

    fn check_required(&self, attributes: &Attributes) -> Result<(), IndexError> {
        let missing = self
            .attributes
            .iter()
            .find(|(name, attribute)| attribute.required && !attributes.contains_key(name.as_str()));
        match missing {
            Some((name, _)) => {
                Err(Thing::Attribute.invalid(name, format_args!("required by resource type {}", self.name)))
            }
            None => Ok(()),
        }
    }

    /// `attributes` with `changes` made.
    pub(super) fn changed(
        &self,
        attributes: &Attributes,
        changes: &AttributeChanges,
    ) -> Result<Attributes, IndexError> {
        let mut changed = attributes.clone();
        for (name, value) in changes {
            let attribute = self.attribute(name)?;
            match value {
                Some(value) => {
                    attribute.kind.check(name, value)?;
                    changed.insert(name.clone(), value.clone());
                }
                None => {
                    changed.remove(name);
                }
            }
        }
        self.check_required(&changed)?;
        Ok(changed)
    }

    fn attribute(&self, name: &str) -> Result<&Attribute, IndexError> {
        self.attributes.get(name).ok_or_else(|| {
            let known = self.attributes.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
            let reason = match known.as_str() {
                "" => format!("resource type {} has no attributes", self.name),
                known => format!("resource type {} has {known}", self.name),
            };
            Thing::Attribute.invalid(name, reason)
        })
    }

    pub(super) fn kind(&self, name: &str) -> Option<AttributeKind> {
        self.attributes.get(name).map(|attribute| attribute.kind)
    }

    /// The attributes that are stored as `text`; what the type does not know any more is left out.
    pub(super) fn decode(&self, text: &str) -> Result<Attributes, IndexError> {
        let damaged = || IndexError::Damaged { what: format!("attributes {text}") };
        let members: Map<String, Value> = serde_json::from_str(text).map_err(|_| damaged())?;
        let mut attributes = Attributes::new();
        for (name, value) in members {
            if let Some(kind) = self.kind(&name) {
                attributes.insert(name, kind.decode(&value).ok_or_else(damaged)?);
            }
        }
        Ok(attributes)
    }

    pub(super) fn with(&self, name: &str, attribute: Attribute) -> ResourceType {
        let mut changed = self.clone();
        changed.attributes.insert(name.to_owned(), attribute);
        changed
    }

    pub(super) fn without(&self, name: &str) -> Result<ResourceType, IndexError> {
        self.attribute(name)?;
        let mut changed = self.clone();
        changed.attributes.remove(name);
        Ok(changed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn instance() -> ResourceType {
        let attributes = json!({
            "host": {"type": "string"},
            "vcpus": {"type": "number", "required": false},
        });
        ResourceType::from_json("instance", attributes.as_object().unwrap()).unwrap()
    }

    fn read(values: Value) -> Result<Attributes, String> {
        instance().read(values.as_object().unwrap()).map_err(|error| error.to_string())
    }

    #[test]
    fn a_new_resource_has_what_is_required_and_nothing_unknown() {
        assert_eq!(read(json!({"host": "a", "vcpus": null})).unwrap().len(), 1);
        assert_eq!(read(json!({"host": "a", "vcpus": 4})).unwrap()["vcpus"], AttributeValue::Number(4.0));
        for (values, message) in [
            (json!({}), "attribute \"host\": required by resource type instance"),
            (json!({"host": null}), "attribute \"host\": expected a string, found null"),
            (json!({"host": "a", "ram": 1}), "attribute \"ram\": resource type instance has host, vcpus"),
            (json!({"host": "a", "vcpus": "4"}), "attribute \"vcpus\": expected a number, found \"4\""),
        ] {
            assert_eq!(read(values).unwrap_err(), message);
        }
    }

    #[test]
    fn changes_may_name_some_attributes_and_not_take_away_what_is_required() {
        let instance = instance();
        let before = read(json!({"host": "a", "vcpus": 4})).unwrap();
        let changes = |values: Value| instance.read_changes(values.as_object().unwrap());
        let after = instance.changed(&before, &changes(json!({"vcpus": null})).unwrap()).unwrap();
        assert_eq!(after, read(json!({"host": "a"})).unwrap());
        assert!(changes(json!({"host": null})).is_err());
        assert!(instance.changed(&before, &AttributeChanges::from([("host".to_owned(), None)])).is_err());
    }

    #[test]
    fn a_type_is_read_back_from_its_form() {
        let form = instance().to_json();
        let read = ResourceType::from_json("instance", form["attributes"].as_object().unwrap()).unwrap();
        assert_eq!(read, instance());
    }
}
