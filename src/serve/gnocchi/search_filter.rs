//! Filters over resources, as requests say them: JSON in the body, or a text behind `?filter=`.

use super::body::Field;
use crate::query::{BadFilter, Filter};
use crate::serve::http::{Call, Problem};

const COMPARISONS: [&str; 15] =
    ["=", "==", "eq", "<", "lt", ">", "gt", "<=", "≤", "le", ">=", "≥", "ge", "!=", "≠"];

/// The filter of a request; none when it says none.
///
/// - `creator`: whose names for resources it uses
///
/// # Errors
/// 400 when it is none, 415 when the body does not say that it is JSON.
pub(super) fn of_call(call: &Call, creator: &str) -> Result<Option<Filter>, Problem> {
    if !call.body.is_empty() {
        let body = call.json()?;
        let field = Field::whole(&body);
        field.members()?;
        return of_field(&field, creator).map(Some);
    }
    match call.query.get("filter") {
        None | Some("") => Ok(None),
        Some(text) => of_text(text).map(Some),
    }
}

/// The filter that a value of a body is: an object, or a text.
///
/// # Errors
/// 400 when it is none.
pub(super) fn of_field(field: &Field<'_>, creator: &str) -> Result<Filter, Problem> {
    if let Some(text) = field.value.as_str() {
        return of_text(text);
    }
    check(field, creator)?;
    Filter::from_json(field.value).map_err(|error| field.refused(&error.to_string()))
}

/// Refuses what Gnocchi refuses, in its words; what it does not look at is left to [`Filter`].
fn check(field: &Field<'_>, creator: &str) -> Result<(), Problem> {
    let members = field.members()?;
    if members.len() > 1 {
        return Err(field.refused("length of value must be at most 1"));
    }
    for (operator, operand) in members.iter() {
        match operator {
            "and" | "∧" | "or" | "∨" => {
                operand.filled_list()?.iter().try_for_each(|one| check(one, creator))?;
            }
            "not" => check(&operand, creator)?,
            "like" | "in" | "ne" => check_one(operator, &operand, creator)?,
            comparison if COMPARISONS.contains(&comparison) => check_one(operator, &operand, creator)?,
            other => return Err(members.extra(other)),
        }
    }
    Ok(())
}

/// `{FIELD: VALUE}` behind an operator.
fn check_one(operator: &str, operand: &Field<'_>, creator: &str) -> Result<(), Problem> {
    let members = operand.members()?;
    match members.len() {
        0 => return Err(operand.refused("length of value must be at least 1")),
        1 => {}
        _ => return Err(operand.refused("length of value must be at most 1")),
    }
    for (name, value) in members.iter() {
        let values = match operator {
            "like" if name == "id" => {
                return Err(members.key_refused(name, "value must not be one of ['id']"));
            }
            "in" => value.filled_list()?,
            _ => vec![value],
        };
        for value in values {
            if name == "id" {
                value.resource_id(creator)?;
            } else if value.value.is_array() || value.value.is_object() {
                return Err(value.refused("expected str"));
            }
        }
    }
    Ok(())
}

/// Gnocchi's text form knows no `==`, and its clients learn so.
fn of_text(text: &str) -> Result<Filter, Problem> {
    if let Some(at) = double_equals(text) {
        let column = text[..at].chars().count() + 1;
        return Err(Problem::bad(format!(
            "Invalid filter: Expected one \"=\" at column {column}, found \"==\""
        )));
    }
    Filter::parse(text).map_err(|error| match error {
        BadFilter::Unexpected { place, found: Some(found), .. } if found.trim_matches('"') == "]" => {
            Problem::bad(format!("Invalid filter: {place}: length of value must be at least 1"))
        }
        BadFilter::Unexpected { place, expected, found, .. } => {
            let found = found.unwrap_or_else(|| "the end".to_owned());
            Problem::bad(format!("Invalid filter: Expected {expected} at {place}, found {found}"))
        }
        other => Problem::bad(format!("Invalid filter: {other}")),
    })
}

/// Where `==` stands outside of quotes.
fn double_equals(text: &str) -> Option<usize> {
    let mut quote = None;
    let mut before = ' ';
    for (at, character) in text.char_indices() {
        match quote {
            Some(open) if character == open => quote = None,
            Some(_) => {}
            None if matches!(character, '"' | '\'') => quote = Some(character),
            None if character == '=' && before == '=' => return Some(at - 1),
            None => {}
        }
        before = character;
    }
    None
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn two_equal_signs_are_found_outside_of_quotes() {
        assert_eq!(double_equals("id == a"), Some(3));
        assert_eq!(double_equals("a = '==' and b >= 1"), None);
        assert!(of_text("a == 1").is_err());
        assert_eq!(of_text("a = '=='").unwrap(), Filter::parse("a = '=='").unwrap());
    }

    #[test]
    fn what_the_original_refuses_is_refused() {
        let good = [
            json!({}),
            json!({"=": {"id": "a"}}),
            json!({"not": {"in": {"x": [1, null]}}}),
            json!({"and": [{"like": {"a": "b%"}}, {"or": [{"≠": {"a": true}}]}]}),
        ];
        for filter in good {
            assert!(check(&Field::whole(&filter), "me").is_ok(), "{filter}");
            assert!(Filter::from_json(&filter).is_ok(), "{filter}");
        }
        for filter in [
            json!([]),
            json!({"and": {}}),
            json!({"and": []}),
            json!({"=": {}}),
            json!({"=": {"a": 1, "b": 2}}),
            json!({"=": {"a": 1}, "<": {"a": 2}}),
            json!({"like": {"id": "a%"}}),
            json!({"=": {"a": [1]}}),
            json!({"=": {"id": "a/b"}}),
            json!({"in": {"a": []}}),
            json!({"what": {"a": 1}}),
        ] {
            assert!(check(&Field::whole(&filter), "me").is_err(), "{filter}");
        }
    }
}
