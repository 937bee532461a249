//! Values of attributes on the command line: texts, read as what the resource type says they are.

use serde_json::{Map, Number, Value};

use super::instant;
use super::options::now;
use crate::base::Failure;
use crate::model::Timestamp;
use crate::store::index::{AttributeKind, ResourcePatch, ResourceType};

/// What the attributes `NAME:VALUE` and `NAME`, which takes the value away, say of a resource of this type.
///
/// Besides the attributes of the type those that every resource has: `user_id`, `project_id`, `started_at`, `ended_at`.
///
/// # Errors
/// When the type has no such attribute, or it cannot have that value.
pub fn said(resource_type: &ResourceType, attributes: &[String]) -> Result<ResourcePatch, Failure> {
    let mut patch = ResourcePatch::default();
    let mut own = Map::new();
    for attribute in attributes {
        let (name, text) = match attribute.split_once(':') {
            Some((name, text)) => (name, Some(text)),
            None => (attribute.as_str(), None),
        };
        match (name, text) {
            ("user_id", _) => patch.user_id = Some(text.map(str::to_owned)),
            ("project_id", _) => patch.project_id = Some(text.map(str::to_owned)),
            ("started_at", Some(text)) => patch.started_at = Some(time(name, text)?),
            ("started_at", None) => {
                return Err(Failure::Usage("started_at: every resource has one".to_owned()));
            }
            ("ended_at", _) => patch.ended_at = Some(text.map(|text| time(name, text)).transpose()?),
            _ => {
                let kind = resource_type.attributes().get(name).map(|attribute| attribute.kind);
                let kind = kind.unwrap_or(AttributeKind::TEXT);
                own.insert(name.to_owned(), text.map_or(Value::Null, |text| value(kind, text)));
            }
        }
    }
    patch.attributes = resource_type.read_changes(&own)?;
    Ok(patch)
}

/// The time that a text says; `now` and `-1h` are of this moment.
fn time(name: &str, text: &str) -> Result<Timestamp, Failure> {
    instant::parse(text, now()).map_err(|why| Failure::Usage(format!("{name}: {why}")))
}

/// What a text is as a value of that kind; what cannot be one stays a text, for the type to refuse.
pub fn value(kind: AttributeKind, text: &str) -> Value {
    let number = || text.parse::<Number>().map(Value::Number).ok();
    let read = match kind {
        AttributeKind::Number { .. } | AttributeKind::Time => number(),
        AttributeKind::Bool => match text.to_ascii_lowercase().as_str() {
            "true" | "yes" | "on" | "1" => Some(Value::Bool(true)),
            "false" | "no" | "off" | "0" => Some(Value::Bool(false)),
            _ => None,
        },
        AttributeKind::Text { .. } | AttributeKind::Uuid => None,
    };
    read.unwrap_or_else(|| text.into())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_text_is_read_as_what_the_attribute_is() {
        let time = AttributeKind::Time;
        for (kind, text, expected) in [
            (AttributeKind::TEXT, "4", json!("4")),
            (AttributeKind::NUMBER, "4", json!(4)),
            (AttributeKind::NUMBER, "1.5e3", json!(1500.0)),
            (AttributeKind::NUMBER, "four", json!("four")),
            (AttributeKind::Bool, "Yes", json!(true)),
            (AttributeKind::Bool, "0", json!(false)),
            (AttributeKind::Bool, "maybe", json!("maybe")),
            (time, "1795333328.5", json!(1_795_333_328.5)),
            (time, "2026-11-22T10:00:00Z", json!("2026-11-22T10:00:00Z")),
        ] {
            assert_eq!(value(kind, text), expected, "{text}");
        }
    }

    #[test]
    fn a_name_without_a_value_takes_the_value_away() {
        let members = json!({"host": {"type": "string", "required": false}});
        let instance = ResourceType::from_json("instance", members.as_object().unwrap()).unwrap();
        let patch =
            said(&instance, &["host".to_owned(), "user_id:u".to_owned(), "ended_at".to_owned()]).unwrap();
        assert_eq!(patch.attributes.get("host"), Some(&None));
        assert_eq!(patch.user_id, Some(Some("u".to_owned())));
        assert_eq!(patch.ended_at, Some(None));
        assert!(said(&instance, &["started_at".to_owned()]).is_err());
        assert!(said(&instance, &["hots:a".to_owned()]).is_err());
    }
}
