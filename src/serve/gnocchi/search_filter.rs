//! Filters over resources, as requests say them: JSON in the body, or a text behind `?filter=`.

use super::body::Field;
use crate::query::{BadFilter, Comparison, Filter, Literal};
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
    let filter = Filter::from_json(field.value).map_err(|error| field.refused(&error.to_string()))?;
    Ok(as_in_sql(filter, false))
}

/// The filter that finds what SQL finds for this one (Gnocchi 4.7.1): there a comparison with a field that is null is neither
/// true nor false, so that its opposite is not true either. CloudKitty asks with `not in` until nothing more is found.
/// `!=` is made to see null there, too. A null in a list becomes a text, as all of a list do that is compared with texts.
///
/// - `negated`: the opposite is asked for
fn as_in_sql(filter: Filter, negated: bool) -> Filter {
    let all = |filters: Vec<Filter>| filters.into_iter().map(|one| as_in_sql(one, negated)).collect();
    let (path, leaf) = match filter {
        Filter::Not(inner) => return as_in_sql(*inner, !negated),
        Filter::And(filters) if negated => return Filter::Or(all(filters)),
        Filter::Or(filters) if negated => return Filter::And(all(filters)),
        Filter::And(filters) => return Filter::And(all(filters)),
        Filter::Or(filters) => return Filter::Or(all(filters)),
        Filter::Everything
        | Filter::Compare { comparison: Comparison::NotEqual, .. }
        | Filter::Compare { comparison: Comparison::Equal, value: Literal::Null, .. } => {
            return if negated { Filter::Not(Box::new(filter)) } else { filter };
        }
        Filter::In { path, values } => {
            let text = |value| if value == Literal::Null { Literal::text("None") } else { value };
            (path.clone(), Filter::In { path, values: values.into_iter().map(text).collect() })
        }
        Filter::Compare { ref path, .. } | Filter::Like { ref path, .. } => (path.clone(), filter),
    };
    if !negated {
        return leaf;
    }
    let is_there = Filter::Compare { path, comparison: Comparison::NotEqual, value: Literal::Null };
    Filter::And(vec![Filter::Not(Box::new(leaf)), is_there])
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
    Filter::parse(text).map(|filter| as_in_sql(filter, false)).map_err(|error| match error {
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
    fn opposites_leave_out_what_is_null() {
        for (said, meant) in [
            ("not a = 1", "not a = 1 and a != null"),
            ("not not a = 1", "a = 1"),
            ("not a != 1", "not a != 1"),
            ("not a = null", "not a = null"),
            ("not (a like 'x' and b < 2)", "(not a like 'x' and a != null) or (not b < 2 and b != null)"),
            ("not (a = 1 or b != 2)", "(not a = 1 and a != null) and not b != 2"),
            ("not a in [x, null]", "not a in [x, None_] and a != null"),
        ] {
            let meant = meant.replace("None_", "\"None\"");
            assert_eq!(of_text(said).unwrap(), Filter::parse(&meant).unwrap(), "{said}");
        }
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
