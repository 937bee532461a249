//! Whether a record satisfies a filter.

use std::cmp::Ordering;

use serde_json::{Map, Value};

use crate::model::Timestamp;

use super::path::prefixes;
use super::{Comparison, Filter, Literal, Number, Path, TextLiteral};

/// A record of which single fields can be asked.
pub trait Fields {
    /// The field that `path` names, or `None` when the record has none.
    fn get(&self, path: &Path) -> Option<FieldValue<'_>>;
}

/// The value of a field, borrowed from its record.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum FieldValue<'a> {
    /// Null: the same as no field at all.
    Null,
    /// True or false.
    Bool(bool),
    /// A number.
    Number(Number),
    /// A text.
    Text(&'a str),
    /// A list or an object: equal to nothing, and not null.
    Compound,
}

impl Filter {
    /// Whether `record` satisfies the filter. O(conditions + values of lists), no allocation.
    ///
    /// A field that is absent or null equals `null` alone: every other comparison with it is false, save `!=`,
    /// which is true (Gnocchi 4.7.1 does the same; SQL does not). The same holds for values of different types.
    /// `not` turns the answer round, so `not a < 1` holds for a record without `a`.
    pub fn matches<F: Fields + ?Sized>(&self, record: &F) -> bool {
        match self {
            Filter::Everything => true,
            Filter::Compare { path, comparison, value } => holds(field(record, path), *comparison, value),
            Filter::Like { path, pattern } => {
                matches!(field(record, path), FieldValue::Text(text) if pattern.matches(text))
            }
            Filter::In { path, values } => {
                let field = field(record, path);
                values.iter().any(|value| equal(field, value))
            }
            Filter::And(filters) => filters.iter().all(|filter| filter.matches(record)),
            Filter::Or(filters) => filters.iter().any(|filter| filter.matches(record)),
            Filter::Not(filter) => !filter.matches(record),
        }
    }
}

fn field<'a, F: Fields + ?Sized>(record: &'a F, path: &Path) -> FieldValue<'a> {
    record.get(path).unwrap_or(FieldValue::Null)
}

#[inline]
fn holds(field: FieldValue<'_>, comparison: Comparison, value: &Literal) -> bool {
    match comparison {
        Comparison::Equal => equal(field, value),
        Comparison::NotEqual => !equal(field, value),
        Comparison::Less => order(field, value).is_some_and(Ordering::is_lt),
        Comparison::LessOrEqual => order(field, value).is_some_and(Ordering::is_le),
        Comparison::Greater => order(field, value).is_some_and(Ordering::is_gt),
        Comparison::GreaterOrEqual => order(field, value).is_some_and(Ordering::is_ge),
    }
}

fn equal(field: FieldValue<'_>, value: &Literal) -> bool {
    match (field, value) {
        (FieldValue::Null, Literal::Null) => true,
        _ => order(field, value) == Some(Ordering::Equal),
    }
}

/// How the field lies to the value; `None` when the two cannot be compared.
fn order(field: FieldValue<'_>, value: &Literal) -> Option<Ordering> {
    match (field, value) {
        (FieldValue::Bool(field), Literal::Bool(value)) => Some(field.cmp(value)),
        (FieldValue::Number(field), Literal::Number(value)) => field.compare(*value),
        (FieldValue::Text(field), Literal::Text(value)) => Some(order_of_texts(field, value)),
        _ => None,
    }
}

/// By time when both are timestamps, whatever their zones and fractions; else by code point.
fn order_of_texts(field: &str, value: &TextLiteral) -> Ordering {
    let field_time = || Timestamp::parse(field.as_bytes()).ok();
    match value.time().and_then(|value_time| Some((field_time()?, value_time))) {
        Some((field_time, value_time)) => field_time.cmp(&value_time),
        // The order of UTF-8 bytes is the order of code points.
        None => field.cmp(value.as_str()),
    }
}

impl Fields for Value {
    /// None when the value is no object.
    fn get(&self, path: &Path) -> Option<FieldValue<'_>> {
        Fields::get(self.as_object()?, path)
    }
}

impl Fields for Map<String, Value> {
    /// `traits.NAME` is the trait of that name where `traits` is a list of `[name, dtype, value]`. Otherwise each dot
    /// descends into an object (a key that contains dots is tried after the keys that do not) or, by a number from
    /// 0, into a list.
    fn get(&self, path: &Path) -> Option<FieldValue<'_>> {
        let name = path.as_str();
        let of_trait = || trait_value(Map::get(self, "traits")?, name.strip_prefix("traits.")?);
        of_trait().or_else(|| in_object(self, name)).map(FieldValue::from)
    }
}

fn trait_value<'a>(traits: &'a Value, name: &str) -> Option<&'a Value> {
    traits.as_array()?.iter().find_map(|each| match each.as_array()?.as_slice() {
        [Value::String(each), _, value] if each == name => Some(value),
        _ => None,
    })
}

/// Visits an object once at most, since only one way of splitting `rest` leads to it.
fn in_object<'a>(object: &'a Map<String, Value>, rest: &str) -> Option<&'a Value> {
    prefixes(rest).find_map(|(key, rest)| {
        let value = object.get(key)?;
        rest.map_or(Some(value), |rest| inside(value, rest))
    })
}

fn inside<'a>(value: &'a Value, rest: &str) -> Option<&'a Value> {
    match value {
        Value::Object(object) => in_object(object, rest),
        Value::Array(items) => {
            let (index, rest) = prefixes(rest).next()?;
            let digits = index.bytes().all(|byte| byte.is_ascii_digit());
            let item = digits.then(|| items.get(index.parse::<usize>().ok()?)).flatten()?;
            rest.map_or(Some(item), |rest| inside(item, rest))
        }
        _ => None,
    }
}

impl<'a> From<&'a Value> for FieldValue<'a> {
    fn from(value: &'a Value) -> FieldValue<'a> {
        match value {
            Value::Null => FieldValue::Null,
            Value::Bool(value) => FieldValue::Bool(*value),
            Value::Number(number) => FieldValue::Number(number.into()),
            Value::String(text) => FieldValue::Text(text),
            Value::Array(_) | Value::Object(_) => FieldValue::Compound,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// Asserts which of `filters`, marked by a leading `+` or `-`, `record` satisfies.
    fn check(record: Value, filters: &[&str]) {
        for marked in filters {
            let (expected, filter) = marked.split_at(1);
            assert_eq!(
                Filter::parse(filter).unwrap().matches(&record),
                expected == "+",
                "{filter} on {record}"
            );
        }
    }

    #[test]
    fn numbers_compare_by_value_and_exactly() {
        check(
            json!({"a": 4, "big": 18446744073709551615u64, "odd": 9007199254740993i64, "f": 0.1}),
            &[
                "+a = 4",
                "+a = 4.0",
                "+a != 5",
                "-a < 4",
                "+a <= 4",
                "-a > 4",
                "+a >= 4",
                "+a > -1e300",
                "+a < 4.5",
                "+big = 18446744073709551615",
                "-big = 18446744073709551614",
                "+big > 9223372036854775807",
                "+odd = 9007199254740993",
                "-odd = 9007199254740992",
                "-odd = 9007199254740992.0",
                "+f = 0.1",
                "+f > 0",
            ],
        );
    }

    #[test]
    fn texts_compare_by_code_point_and_case() {
        check(
            json!({"a": "cpu", "e": ""}),
            &[
                "+a = cpu",
                "-a = CPU",
                "+a > 'CPU'",
                "+a < 'cpu.'",
                "+a < 'é'",
                "+a >= cpu",
                "+e = ''",
                "+e < 'a'",
            ],
        );
        // U+FF5E sorts before U+1F600, though not in UTF-16.
        check(json!({"a": "～"}), &["+a < '😀'"]);
    }

    #[test]
    fn booleans_compare_with_booleans() {
        check(
            json!({"a": true}),
            &["+a = true", "+a != false", "+a > false", "-a < true", "-a = 1", "-a = 'true'"],
        );
    }

    #[test]
    fn timestamps_compare_as_times() {
        check(
            json!({"t": "2026-11-22T12:00:00+02:00", "naive": "2026-11-22T10:00:00.000000", "text": "today"}),
            &[
                "+t = 2026-11-22T10:00",
                "+t = '2026-11-22 10:00:00'",
                "-t > 2026-11-22T10:00Z",
                "+t < 2026-11-22T10:00:00.000000001Z",
                "+naive = 2026-11-22T11:00+01:00",
                "+t in [x, '2026-11-22T10:00:00Z']",
                "+text > 2026-11-22T10:00",
                "+t > '2026-11-22'",
            ],
        );
    }

    #[test]
    fn values_of_different_types_are_not_equal_and_have_no_order() {
        let record = json!({"missing": null, "list": [4], "object": {"x": 4}});
        for field in ["missing", "list", "object"] {
            for value in ["4", "'4'", "true", "2026-11-22T10:00"] {
                for (comparison, holds) in
                    [("=", "-"), ("!=", "+"), ("<", "-"), ("<=", "-"), (">", "-"), (">=", "-")]
                {
                    check(record.clone(), &[&format!("{holds}{field} {comparison} {value}")]);
                }
            }
        }
        check(json!({"a": "4"}), &["-a = 4", "+a != 4", "-a < 5", "-a > 3", "-a in [4]", "-a like 'x'"]);
        check(json!({"a": 4}), &["-a like '4'", "-a = '4'", "+a != '4'"]);
    }

    #[test]
    fn missing_field_equals_null_alone() {
        for record in [json!({}), json!({"a": null}), json!([1]), json!("a")] {
            check(
                record,
                &[
                    "-a = 1",
                    "+a != 1",
                    "-a < 1",
                    "-a <= 1",
                    "-a > 1",
                    "-a >= 1",
                    "-a like '%'",
                    "-a in [1]",
                    "+a in [1, null]",
                    "+a = null",
                    "-a != null",
                    "-a < null",
                    "-a <= null",
                    "-a >= null",
                    "+not a < 1",
                    "+not a like '%'",
                ],
            );
        }
        check(json!({"a": 0}), &["-a = null", "+a != null", "-a < null", "-a >= null", "-a in [null]"]);
        check(json!({"a": []}), &["-a = null", "+a != null"]);
    }

    #[test]
    fn connectives_are_boolean() {
        check(
            json!({"a": 1}),
            &[
                "+{}",
                "-not {}",
                "+a=1 and {}",
                "-a=1 and a=2",
                "+a=1 or a=2",
                "-a=2 or a=3",
                "+not a=2",
                "+not (a=1 and a=2)",
            ],
        );
    }

    #[test]
    fn dots_descend_and_keys_with_dots_are_tried_after() {
        check(
            json!({
                "meta": {"a": {"b": 1}, "a.b": 2, "c.d": 3, "e.f": {"g": 4}, "n": {"x": null}, "n.x": 5},
                "flat.key": 6,
                "list": [{"x": 7}, [8]],
                "list.9": 9
            }),
            &[
                "+meta.a.b = 1",
                "+meta.c.d = 3",
                "+meta.e.f.g = 4",
                "+meta.n.x = null",
                "+flat.key = 6",
                "+list.0.x = 7",
                "+list.1.0 = 8",
                "+list.9 = 9",
                "-list.+0.x = 7",
                "+meta.a != null",
                "+meta.a.b.c = null",
                "+meta. = null",
                "+.meta = null",
            ],
        );
    }

    #[test]
    fn traits_are_found_by_name() {
        check(
            json!({"traits": [
                ["vcpus", 2, 4], ["a.b", 1, "x"], ["launched_at", 4, "2026-11-22T10:00:00"], ["vcpus", 2, 8], ["broken"]
            ]}),
            &[
                "+traits.vcpus = 4",
                "-traits.vcpus = 8",
                "+traits.a.b = x",
                "+traits.a = null",
                "+traits.launched_at < 2026-11-22T12:30+02:00",
                "+traits.0.0 = vcpus",
                "+traits.broken = null",
            ],
        );
        check(json!({"traits": {"vcpus": 4}}), &["+traits.vcpus = 4"]);
    }
}
