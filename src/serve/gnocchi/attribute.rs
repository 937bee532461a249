//! The values of attributes, as bodies say them.

use serde_json::Value;

use super::body::time;
use crate::store::index::{Attribute, AttributeKind, AttributeValue, parse_uuid};

/// The value that a body says of an attribute; none for null, where the attribute may be that.
///
/// # Errors
/// Why it cannot be, in the words of the original.
pub(super) fn read(
    name: &str,
    attribute: &Attribute,
    value: &Value,
) -> Result<Option<AttributeValue>, String> {
    if value.is_null() && !attribute.required {
        return Ok(None);
    }
    let reason = match (&attribute.kind, value) {
        (AttributeKind::Text { min_length, max_length }, Value::String(text)) => {
            let length = text.chars().count();
            if length < usize::from(*min_length) {
                Some(format!("length of value must be at least {min_length}"))
            } else if length > usize::from(*max_length) {
                Some(format!("length of value must be at most {max_length}"))
            } else {
                None
            }
        }
        (AttributeKind::Text { .. }, _) => Some("expected str".to_owned()),
        (AttributeKind::Uuid, value) => {
            let found = value.as_str().and_then(parse_uuid);
            found.is_none().then(|| "badly formed hexadecimal UUID string".to_owned())
        }
        (AttributeKind::Number { min, max }, Value::Number(number)) => {
            let number = number.as_f64().unwrap_or(f64::NAN);
            if let Some(min) = min.filter(|min| number < *min) {
                Some(format!("value must be at least {min}"))
            } else {
                max.filter(|max| number > *max).map(|max| format!("value must be at most {max}"))
            }
        }
        (AttributeKind::Number { .. }, _) => Some("expected Real".to_owned()),
        (AttributeKind::Bool, value) => (!value.is_boolean()).then(|| "expected bool".to_owned()),
        (AttributeKind::Time, Value::String(text)) => match time(text) {
            Some(time) => return Ok(Some(AttributeValue::Time(time))),
            None => Some("not a time such as 2026-11-22T10:00:00".to_owned()),
        },
        (AttributeKind::Time, _) => None,
    };
    match reason {
        Some(reason) => Err(reason),
        None => attribute.kind.read(name, value).map(Some).map_err(|error| error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_are_refused_in_the_words_of_the_original() {
        let text = AttributeKind::Text { min_length: 2, max_length: 5 };
        let number = AttributeKind::Number { min: Some(-2.0), max: Some(3.0) };
        for (kind, value, reason) in [
            (text, json!("a"), "length of value must be at least 2"),
            (text, json!("abcdef"), "length of value must be at most 5"),
            (text, json!(1), "expected str"),
            (text, json!(null), "expected str"),
            (number, json!(-3), "value must be at least -2"),
            (number, json!(4), "value must be at most 3"),
            (number, json!("1"), "expected Real"),
            (AttributeKind::Uuid, json!("x"), "badly formed hexadecimal UUID string"),
            (AttributeKind::Bool, json!(1), "expected bool"),
            (AttributeKind::Time, json!("soon"), "not a time such as 2026-11-22T10:00:00"),
        ] {
            let attribute = Attribute { kind, required: true };
            assert_eq!(read("x", &attribute, &value), Err(reason.to_owned()), "{value}");
        }
        let optional = Attribute { kind: text, required: false };
        assert_eq!(read("x", &optional, &json!(null)), Ok(None));
        assert_eq!(read("x", &optional, &json!("abc")), Ok(Some(AttributeValue::Text("abc".to_owned()))));
    }
}
