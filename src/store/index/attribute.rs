//! Attributes of resources: what a resource type says of one, and its values.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::error::Thing;
use super::resource_id::parse_uuid;
use super::{IndexError, NAME_CHARACTERS_MAX};
use crate::model::Timestamp;

/// Longest text of an attribute, in characters (Gnocchi 4.7.1).
pub const TEXT_CHARACTERS_MAX: u16 = 256;
/// Longest name of an attribute, in characters (Gnocchi 4.7.1).
pub const ATTRIBUTE_NAME_CHARACTERS_MAX: usize = 63;

/// Names that mean something else of every resource: Gnocchi's 14, and the text that an id was given as.
const RESERVED_NAMES: [&str; 15] = [
    "id",
    "type",
    "metrics",
    "revision",
    "revision_start",
    "revision_end",
    "started_at",
    "ended_at",
    "user_id",
    "project_id",
    "created_by_user_id",
    "created_by_project_id",
    "get_metric",
    "creator",
    "original_resource_id",
];

/// What a resource type says of an attribute.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Attribute {
    /// Which values it may have.
    pub kind: AttributeKind,
    /// Whether every resource of the type has it.
    pub required: bool,
}

/// Which values an attribute may have.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum AttributeKind {
    /// `string`: a text of so many characters.
    Text {
        /// At least; up to [`TEXT_CHARACTERS_MAX`].
        min_length: u16,
        /// At most; from 1 to [`TEXT_CHARACTERS_MAX`].
        max_length: u16,
    },
    /// `uuid`
    Uuid,
    /// `number`: a double that is no NaN.
    Number {
        /// At least, if anything.
        min: Option<f64>,
        /// At most, if anything.
        max: Option<f64>,
    },
    /// `bool`
    Bool,
    /// `datetime`
    Time,
}

/// The value of an attribute.
#[derive(Clone, Debug, PartialEq)]
pub enum AttributeValue {
    /// A text.
    Text(String),
    /// A uuid.
    Uuid(Uuid),
    /// A number; finite.
    Number(f64),
    /// True or false.
    Bool(bool),
    /// A point in time.
    Time(Timestamp),
}

/// The attributes that a resource has, by name; one that is not here is null.
pub type Attributes = BTreeMap<String, AttributeValue>;

impl AttributeKind {
    /// `string` without limits but the usual one.
    pub const TEXT: AttributeKind = AttributeKind::Text { min_length: 0, max_length: TEXT_CHARACTERS_MAX };
    /// `number` without limits.
    pub const NUMBER: AttributeKind = AttributeKind::Number { min: None, max: None };

    /// Gnocchi's word for it.
    pub fn as_str(&self) -> &'static str {
        match self {
            AttributeKind::Text { .. } => "string",
            AttributeKind::Uuid => "uuid",
            AttributeKind::Number { .. } => "number",
            AttributeKind::Bool => "bool",
            AttributeKind::Time => "datetime",
        }
    }

    /// The value that `value` means for attribute `name`: a uuid and a time are written as texts, a time also as
    /// seconds since 1970.
    ///
    /// # Errors
    /// [`IndexError::Invalid`] when it is of another type or breaks a limit.
    pub fn read(&self, name: &str, value: &Value) -> Result<AttributeValue, IndexError> {
        let found = match (self, value) {
            (AttributeKind::Text { .. }, Value::String(text)) => Some(AttributeValue::Text(text.clone())),
            (AttributeKind::Uuid, Value::String(text)) => parse_uuid(text).map(AttributeValue::Uuid),
            (AttributeKind::Number { .. }, Value::Number(number)) => {
                number.as_f64().map(AttributeValue::Number)
            }
            (AttributeKind::Bool, Value::Bool(value)) => Some(AttributeValue::Bool(*value)),
            (AttributeKind::Time, Value::String(text)) => {
                Timestamp::parse(text.as_bytes()).ok().map(AttributeValue::Time)
            }
            (AttributeKind::Time, Value::Number(seconds)) => {
                let decimal = Timestamp::parse_epoch(seconds.to_string().as_bytes());
                let seconds = || Timestamp::from_seconds(seconds.as_f64()?).ok();
                decimal.ok().or_else(seconds).map(AttributeValue::Time)
            }
            _ => None,
        };
        let found = found.ok_or_else(|| self.refusal(name, value))?;
        self.check(name, &found)?;
        Ok(found)
    }

    /// Refuses a value of another type, and one that breaks a limit.
    pub(super) fn check(&self, name: &str, value: &AttributeValue) -> Result<(), IndexError> {
        let refuse = |reason: String| Err(Thing::Attribute.invalid(name, reason));
        match (self, value) {
            (AttributeKind::Text { min_length, max_length }, AttributeValue::Text(text)) => {
                let length = text.chars().count();
                if !(usize::from(*min_length)..=usize::from(*max_length)).contains(&length) {
                    return refuse(format!(
                        "a text of {min_length} to {max_length} characters, and this has {length}"
                    ));
                }
                // SQLite's functions take a NUL for the end.
                if text.contains('\0') {
                    return refuse("a text without NUL characters".to_owned());
                }
                Ok(())
            }
            (AttributeKind::Number { min, max }, AttributeValue::Number(number)) => {
                let (min, max) = (min.unwrap_or(f64::NEG_INFINITY), max.unwrap_or(f64::INFINITY));
                if !number.is_finite() || *number < min || *number > max {
                    return refuse(format!("a number from {min} to {max}, not {number}"));
                }
                Ok(())
            }
            (AttributeKind::Uuid, AttributeValue::Uuid(_))
            | (AttributeKind::Bool, AttributeValue::Bool(_))
            | (AttributeKind::Time, AttributeValue::Time(_)) => Ok(()),
            _ => Err(self.refusal(name, &value.to_json())),
        }
    }

    fn refusal(&self, name: &str, value: &Value) -> IndexError {
        Thing::Attribute.invalid(name, format_args!("expected a {}, found {value}", self.as_str()))
    }

    /// The value that is stored as `value`.
    pub(super) fn decode(&self, value: &Value) -> Option<AttributeValue> {
        match (self, value) {
            (AttributeKind::Time, Value::Number(ns)) => {
                Some(AttributeValue::Time(Timestamp::from_ns(ns.as_i64()?)))
            }
            (AttributeKind::Text { .. }, Value::String(text)) => Some(AttributeValue::Text(text.clone())),
            (AttributeKind::Uuid, Value::String(text)) => parse_uuid(text).map(AttributeValue::Uuid),
            (AttributeKind::Number { .. }, Value::Number(number)) => {
                number.as_f64().map(AttributeValue::Number)
            }
            (AttributeKind::Bool, Value::Bool(value)) => Some(AttributeValue::Bool(*value)),
            _ => None,
        }
    }
}

/// A limit as people write it: whole numbers without a point.
fn shortest(limit: Option<f64>) -> Value {
    match limit {
        Some(whole) if whole.fract() == 0.0 && whole.abs() < 9e15 => json!(whole as i64),
        other => other.into(),
    }
}

impl Attribute {
    /// Reads Gnocchi's form: `{"type": "string", "required": false, "max_length": 32}`.
    ///
    /// # Errors
    /// [`IndexError::Invalid`] when the name may not be used, or the form says what it must not.
    pub fn from_json(name: &str, value: &Value) -> Result<Attribute, IndexError> {
        let refuse = |reason: String| Err(Thing::Attribute.invalid(name, reason));
        check_attribute_name(name)?;
        let Some(members) = value.as_object() else {
            return refuse("expected an object such as {\"type\": \"string\"}".to_owned());
        };
        let kind = match members.get("type").and_then(Value::as_str) {
            Some("string") => AttributeKind::Text {
                min_length: length(name, members, "min_length")?.unwrap_or(0),
                max_length: length(name, members, "max_length")?.unwrap_or(TEXT_CHARACTERS_MAX),
            },
            Some("uuid") => AttributeKind::Uuid,
            Some("number") => {
                AttributeKind::Number { min: limit(name, members, "min")?, max: limit(name, members, "max")? }
            }
            Some("bool") => AttributeKind::Bool,
            Some("datetime") => AttributeKind::Time,
            _ => return refuse("the type is one of string, uuid, number, bool and datetime".to_owned()),
        };
        let required = match members.get("required") {
            None => true,
            Some(Value::Bool(required)) => *required,
            Some(other) => return refuse(format!("required is true or false, not {other}")),
        };
        let known: &[&str] = match kind {
            AttributeKind::Text { .. } => &["type", "required", "min_length", "max_length"],
            AttributeKind::Number { .. } => &["type", "required", "min", "max"],
            _ => &["type", "required"],
        };
        if let Some(unknown) = members.keys().find(|key| !known.contains(&key.as_str())) {
            return refuse(format!("\"{unknown}\" says nothing of a {}", kind.as_str()));
        }
        let attribute = Attribute { kind, required };
        attribute.check(name)?;
        Ok(attribute)
    }

    /// Gnocchi's form.
    pub fn to_json(&self) -> Value {
        let mut value = json!({"type": self.kind.as_str(), "required": self.required});
        match self.kind {
            AttributeKind::Text { min_length, max_length } => {
                value["min_length"] = min_length.into();
                value["max_length"] = max_length.into();
            }
            AttributeKind::Number { min, max } => {
                value["min"] = shortest(min);
                value["max"] = shortest(max);
            }
            _ => {}
        }
        value
    }

    pub(super) fn check(&self, name: &str) -> Result<(), IndexError> {
        check_attribute_name(name)?;
        let refuse = |reason: &str| Err(Thing::Attribute.invalid(name, reason));
        match self.kind {
            AttributeKind::Text { min_length, max_length } if min_length > max_length => {
                refuse("min_length is over max_length")
            }
            AttributeKind::Text { max_length: 0, .. } => refuse("max_length is at least 1"),
            AttributeKind::Text { max_length, .. } if max_length > TEXT_CHARACTERS_MAX => {
                refuse("max_length is at most 256")
            }
            AttributeKind::Number { min: Some(min), max: Some(max) } if min > max => {
                refuse("min is over max")
            }
            _ => Ok(()),
        }
    }
}

fn length(name: &str, members: &Map<String, Value>, key: &str) -> Result<Option<u16>, IndexError> {
    let Some(value) = members.get(key) else { return Ok(None) };
    let length = value.as_u64().and_then(|length| u16::try_from(length).ok());
    match length.filter(|length| *length <= TEXT_CHARACTERS_MAX) {
        Some(length) => Ok(Some(length)),
        None => Err(Thing::Attribute
            .invalid(name, format_args!("{key} is a number up to {TEXT_CHARACTERS_MAX}, not {value}"))),
    }
}

fn limit(name: &str, members: &Map<String, Value>, key: &str) -> Result<Option<f64>, IndexError> {
    match members.get(key) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => match value.as_f64() {
            Some(limit) => Ok(Some(limit)),
            None => Err(Thing::Attribute.invalid(name, format_args!("{key} is a number, not {value}"))),
        },
    }
}

/// Refuses reserved and odd names. Gnocchi looks at the first character only; what would have to be escaped in SQL is
/// refused here too.
fn check_attribute_name(name: &str) -> Result<(), IndexError> {
    let odd = |c: char| c.is_control() || matches!(c, '"' | '\\' | '/');
    let reason = if RESERVED_NAMES.contains(&name) {
        "the name is reserved"
    } else if name.chars().count() > ATTRIBUTE_NAME_CHARACTERS_MAX {
        "a name has at most 63 characters"
    } else if !name.starts_with(|c: char| c.is_ascii_alphanumeric()) || name.contains(odd) {
        "a name starts with a letter or a digit, and has no quotes and slashes"
    } else {
        return Ok(());
    };
    Err(Thing::Attribute.invalid(name, reason))
}

impl AttributeValue {
    /// The value as records write it: a time as RFC 3339.
    pub fn to_json(&self) -> Value {
        match self {
            AttributeValue::Text(text) => text.as_str().into(),
            AttributeValue::Uuid(uuid) => uuid.to_string().into(),
            AttributeValue::Number(number) => json!(number),
            AttributeValue::Bool(value) => (*value).into(),
            AttributeValue::Time(time) => time.to_string().into(),
        }
    }

    /// The value as it is stored.
    pub(super) fn encode(&self) -> Value {
        match self {
            AttributeValue::Time(time) => time.ns().into(),
            other => other.to_json(),
        }
    }
}

/// The attributes as they are stored.
pub(super) fn encode_attributes(attributes: &Attributes) -> String {
    let members: Map<String, Value> =
        attributes.iter().map(|(name, value)| (name.clone(), value.encode())).collect();
    Value::Object(members).to_string()
}

/// Refuses a name of anything else that is empty, too long, or holds a NUL.
pub(super) fn checked_name(what: Thing, name: &str) -> Result<(), IndexError> {
    if name.is_empty() || name.chars().count() > NAME_CHARACTERS_MAX || name.contains('\0') {
        let reason = format!("a name has 1 to {NAME_CHARACTERS_MAX} characters, none of them NUL");
        return Err(what.invalid(name, reason));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_are_read_back_from_gnocchis_form() {
        for (form, full) in [
            (
                json!({"type": "string"}),
                json!({"type": "string", "required": true, "min_length": 0, "max_length": 256}),
            ),
            (
                json!({"type": "number", "required": false, "min": -1}),
                json!({"type": "number", "required": false, "min": -1, "max": null}),
            ),
            (json!({"type": "uuid"}), json!({"type": "uuid", "required": true})),
            (json!({"type": "bool"}), json!({"type": "bool", "required": true})),
            (json!({"type": "datetime"}), json!({"type": "datetime", "required": true})),
        ] {
            let attribute = Attribute::from_json("a", &form).unwrap();
            assert_eq!(attribute.to_json(), full);
            assert_eq!(Attribute::from_json("a", &full).unwrap(), attribute);
        }
    }

    #[test]
    fn what_is_no_attribute_is_refused() {
        for form in [
            json!("string"),
            json!({}),
            json!({"type": "text"}),
            json!({"type": "string", "required": 1}),
            json!({"type": "string", "min_length": 5, "max_length": 4}),
            json!({"type": "string", "max_length": 257}),
            json!({"type": "string", "max_length": 0}),
            json!({"type": "string", "min": 0}),
            json!({"type": "number", "min": 2, "max": 1}),
            json!({"type": "number", "min": "x"}),
            json!({"type": "uuid", "options": {}}),
        ] {
            assert!(Attribute::from_json("a", &form).is_err(), "{form}");
        }
        let long = "a".repeat(64);
        for name in ["", "id", "creator", "_a", "ä", "a\"b", "a/b", &long] {
            assert!(Attribute::from_json(name, &json!({"type": "bool"})).is_err(), "{name}");
        }
        assert!(Attribute::from_json("a b.c'd-e", &json!({"type": "bool"})).is_ok());
    }

    #[test]
    fn values_are_typed_and_keep_their_limits() {
        let short = AttributeKind::Text { min_length: 1, max_length: 2 };
        let percent = AttributeKind::Number { min: Some(0.0), max: Some(100.0) };
        for (kind, value, read) in [
            (short, json!("é"), Some(json!("é"))),
            (short, json!("éàü"), None),
            (short, json!(""), None),
            (short, json!(1), None),
            (short, json!("\0"), None),
            (percent, json!(100), Some(json!(100.0))),
            (percent, json!(100.5), None),
            (percent, json!("5"), None),
            (
                AttributeKind::Uuid,
                json!("{0A7A15FFAA134AC2897C9BDF30CE175B}"),
                Some(json!("0a7a15ff-aa13-4ac2-897c-9bdf30ce175b")),
            ),
            (AttributeKind::Uuid, json!("x"), None),
            (AttributeKind::Bool, json!(true), Some(json!(true))),
            (AttributeKind::Bool, json!(1), None),
            (AttributeKind::Time, json!("2026-11-22 12:00:00+02:00"), Some(json!("2026-11-22T10:00:00Z"))),
            (AttributeKind::Time, json!(1.5), Some(json!("1970-01-01T00:00:01.5Z"))),
            (AttributeKind::Time, json!("soon"), None),
        ] {
            let found = kind.read("a", &value).ok();
            assert_eq!(found.as_ref().map(AttributeValue::to_json), read, "{kind:?} {value}");
            if let Some(found) = found {
                assert_eq!(kind.decode(&found.encode()), Some(found));
            }
        }
    }
}
