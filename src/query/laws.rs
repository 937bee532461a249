//! What holds for every filter and every record: the two forms agree, what is written is read back, evaluation is
//! what a second evaluator says, and nothing makes it panic.

use std::cmp::Ordering;

use chrono::{DateTime, NaiveDateTime, Utc};
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::*;

#[test]
fn text_and_json_forms_agree() {
    for (text, json) in [
        ("{}", json!({})),
        ("a = 1", json!({"=": {"a": 1}})),
        ("a == 1", json!({"==": {"a": 1}})),
        ("a eq 1", json!({"eq": {"a": 1}})),
        ("a != 1", json!({"!=": {"a": 1}})),
        ("a ≠ 1", json!({"≠": {"a": 1}})),
        ("a ne 1", json!({"ne": {"a": 1}})),
        ("a < 1", json!({"<": {"a": 1}})),
        ("a lt 1", json!({"lt": {"a": 1}})),
        ("a <= 1", json!({"<=": {"a": 1}})),
        ("a ≤ 1", json!({"≤": {"a": 1}})),
        ("a le 1", json!({"le": {"a": 1}})),
        ("a > 1", json!({">": {"a": 1}})),
        ("a gt 1", json!({"gt": {"a": 1}})),
        ("a >= 1", json!({">=": {"a": 1}})),
        ("a ≥ 1", json!({"≥": {"a": 1}})),
        ("a ge 1", json!({"ge": {"a": 1}})),
        (r#"a like "50\%_""#, json!({"like": {"a": "50\\%_"}})),
        ("a in [1, 'x', null, TRUE]", json!({"in": {"a": [1, "x", null, true]}})),
        ("a=1 and b=2 ∧ c=3", json!({"and": [{"=": {"a": 1}}, {"=": {"b": 2}}, {"=": {"c": 3}}]})),
        ("a=1 or b=2 ∨ c=3", json!({"∨": [{"=": {"a": 1}}, {"=": {"b": 2}}, {"=": {"c": 3}}]})),
        ("not a=1", json!({"not": {"=": {"a": 1}}})),
        ("not {}", json!({"not": {}})),
        ("a = None", json!({"=": {"a": null}})),
        ("a = false", json!({"=": {"a": false}})),
        ("a = -1.5e3", json!({"=": {"a": -1500.0}})),
        ("a = 18446744073709551615", json!({"=": {"a": 18446744073709551615u64}})),
        (
            "event_type like \"compute.%\" and traits.vcpus >= 4",
            json!({"and": [{"like": {"event_type": "compute.%"}}, {">=": {"traits.vcpus": 4}}]}),
        ),
    ] {
        assert_eq!(Filter::parse(text), Filter::from_json(&json), "{text}");
        assert_eq!(Filter::parse(text), Filter::parse(&json.to_string()), "{text}");
    }
    let numbers = ["-0", "0", "18446744073709551616", "-9223372036854775809", "1e400", "0.1", "1E+2"];
    for number in numbers {
        let text = Filter::parse(&format!("a = {number}"));
        let json = Filter::parse(&format!(r#"{{"=": {{"a": {number}}}}}"#));
        assert_eq!(text.as_ref().ok().map(Filter::to_string), json.ok().map(|f| f.to_string()), "{number}");
    }
}

/// Gnocchi's own test of its text form (gnocchi/tests/test_rest.py, `QueryStringSearchAttrFilterTest`), except that
/// Gnocchi turns the operands of `and` and `or` round, and its integers into floats.
#[test]
fn filters_of_gnocchis_test_suite_are_read_as_there() {
    for (text, json) in [
        (
            "foo=7EED6CC3-EDC8-48C9-8EF6-8A36B9ACC91C",
            json!({"=": {"foo": "7EED6CC3-EDC8-48C9-8EF6-8A36B9ACC91C"}}),
        ),
        ("foo=7EED6CC3EDC848C98EF68A36B9ACC91C", json!({"=": {"foo": "7EED6CC3EDC848C98EF68A36B9ACC91C"}})),
        ("foo=bar", json!({"=": {"foo": "bar"}})),
        ("foo!=1", json!({"!=": {"foo": 1}})),
        ("foo=True", json!({"=": {"foo": true}})),
        ("foo=null", json!({"=": {"foo": null}})),
        ("foo=\"null\"", json!({"=": {"foo": "null"}})),
        ("foo in [\"null\", \"foo\"]", json!({"in": {"foo": ["null", "foo"]}})),
        ("foo=\"quote\" and bar≠1", json!({"and": [{"=": {"foo": "quote"}}, {"≠": {"bar": 1}}]})),
        (
            "foo=\"quote\" or bar like \"%%foo\"",
            json!({"or": [{"=": {"foo": "quote"}}, {"like": {"bar": "%%foo"}}]}),
        ),
        (
            "not (foo=\"quote\" or bar like \"%%foo\" or foo=\"what!\" or bar=\"who?\")",
            json!({"not": {"or": [
                {"=": {"foo": "quote"}},
                {"like": {"bar": "%%foo"}},
                {"=": {"foo": "what!"}},
                {"=": {"bar": "who?"}},
            ]}}),
        ),
        (
            "(foo=\"quote\" or bar like \"%%foo\" or not foo=\"what!\" or bar=\"who?\") and cat=\"meme\"",
            json!({"and": [
                {"or": [
                    {"=": {"foo": "quote"}},
                    {"like": {"bar": "%%foo"}},
                    {"not": {"=": {"foo": "what!"}}},
                    {"=": {"bar": "who?"}},
                ]},
                {"=": {"cat": "meme"}},
            ]}),
        ),
        (
            "foo=\"quote\" or bar like \"%%foo\" and foo=\"what!\" or bar=\"who?\" or cat=\"meme\"",
            json!({"or": [
                {"=": {"foo": "quote"}},
                {"and": [{"like": {"bar": "%%foo"}}, {"=": {"foo": "what!"}}]},
                {"=": {"bar": "who?"}},
                {"=": {"cat": "meme"}},
            ]}),
        ),
    ] {
        assert_eq!(Filter::parse(text).unwrap(), Filter::from_json(&json).unwrap(), "{text}");
    }
}

/// The examples of docs/filter-language.md: a filter, its other form, and which of the numbered records satisfy it.
#[test]
fn examples_of_the_manual_are_true() {
    let manual = include_str!("../../docs/filter-language.md");
    let block = |start: &str| {
        let from = manual.find(start).expect("the manual has the block") + start.len();
        manual[from..].split("```").next().expect("a split has a first part").trim()
    };
    let records: Vec<Value> =
        block("```jsonl").lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let examples = block("```text\n# examples");
    let mut count = 0;
    for example in examples.split("\n\n") {
        let lines: Vec<&str> = example.trim().lines().collect();
        let [text, json, answer] = lines[..] else { panic!("three lines: {example}") };
        let filter = Filter::parse(text).unwrap();
        assert_eq!(Filter::parse(json.trim()), Ok(filter.clone()), "{text}");
        let matching: Vec<String> = (1..)
            .zip(&records)
            .filter(|(_, record)| filter.matches(*record))
            .map(|(number, _)| number.to_string())
            .collect();
        assert_eq!(answer.trim(), format!("-> {}", matching.join(" ")), "{text}");
        count += 1;
    }
    assert_eq!(count, 12);
}

const NAMES: [&str; 10] =
    ["a", "b", "a.b", "b.a.b", "a.0", "traits.a", "traits.a.b", "like", "odd \"name\"", "traits"];
const TIMES: [&str; 5] = [
    "2026-11-22T10:00:00",
    "2026-11-22T11:00:00+01:00",
    "2026-11-22T10:00:00.000001+00:00",
    "2026-11-22T09:59:59.5Z",
    "2026-11-22T10:00:00Z",
];

/// Few values, so that they meet.
fn scalar() -> impl Strategy<Value = Value> {
    prop_oneof![
        1 => Just(Value::Null),
        1 => any::<bool>().prop_map(Value::from),
        2 => (-2i64..3).prop_map(Value::from),
        4 => prop::sample::select(vec![
            json!(0.0),
            json!(-0.0),
            json!(1.0),
            json!(0.5),
            json!(-1.5),
            json!(1e300),
            json!(9007199254740992i64),
            json!(9007199254740993i64),
            json!(9007199254740992.0),
            json!(i64::MIN),
            json!(i64::MAX),
            json!(u64::MAX),
            json!(18446744073709551616.0),
        ]),
        1 => any::<i64>().prop_map(Value::from),
        1 => any::<f64>().prop_filter("finite", |f| f.is_finite()).prop_map(Value::from),
        2 => "[ab%_\"'\\\\ é]{0,3}".prop_map(Value::from),
        3 => prop::sample::select(&TIMES[..]).prop_map(Value::from),
    ]
}

/// A filter in the JSON form, in the shape that `to_json` writes.
fn filter_json() -> impl Strategy<Value = Value> {
    let name = prop_oneof![
        4 => prop::sample::select(&NAMES[..]).prop_map(str::to_owned),
        1 => "\\PC{1,5}",
    ];
    let pattern = "([ab%_\"é]|\\\\[ab%_\\\\]){0,4}";
    let sign = prop::sample::select(vec!["=", "!=", "<", "<=", ">", ">="]);
    let leaf = prop_oneof![
        1 => Just(json!({})),
        8 => (sign, name.clone(), scalar()).prop_map(|(sign, name, value)| json!({sign: {name: value}})),
        2 => (name.clone(), pattern).prop_map(|(name, pattern)| json!({"like": {name: pattern}})),
        2 => (name, vec(scalar(), 1..4)).prop_map(|(name, values)| json!({"in": {name: values}})),
    ];
    leaf.prop_recursive(5, 40, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 2..4).prop_map(|all| json!({"and": all})),
            vec(inner.clone(), 2..4).prop_map(|any| json!({"or": any})),
            inner.prop_map(|one| json!({"not": one})),
        ]
    })
}

fn record() -> impl Strategy<Value = Value> {
    let value = scalar().prop_recursive(3, 24, 4, |inner| {
        let key = prop::sample::select(vec!["a", "b", "a.b", "b.a"]);
        prop_oneof![1 => vec(inner.clone(), 0..3).prop_map(Value::from), 4 => vec((key, inner), 1..5).prop_map(object),]
    });
    let traits = vec((prop::sample::select(vec!["a", "b", "a.b"]), scalar()), 0..4).prop_map(|traits| {
        traits.into_iter().map(|(name, value)| json!([name, 1, value])).collect::<Value>()
    });
    let key = prop::sample::select(vec!["a", "b", "a.b", "b.a", "b.a.b", "like", "odd \"name\"", "traits"]);
    (vec((key, value), 0..6), prop::option::of(traits)).prop_map(|(members, traits)| {
        object(members.into_iter().chain(traits.map(|traits| ("traits", traits))).collect())
    })
}

fn object(members: Vec<(&str, Value)>) -> Value {
    members.into_iter().map(|(key, value)| (key.to_owned(), value)).collect::<Map<_, _>>().into()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn what_is_written_is_read_back(json in filter_json()) {
        let filter = Filter::from_json(&json).unwrap();
        prop_assert_eq!(Filter::parse(&filter.to_string()), Ok(filter.clone()), "{}", filter);
        prop_assert_eq!(Filter::from_json(&filter.to_json()), Ok(filter.clone()));
        prop_assert_eq!(Filter::parse(&filter.to_json().to_string()), Ok(filter.clone()));
        prop_assert_eq!(filter.to_json(), json);
    }

    #[test]
    fn evaluation_is_what_a_naive_evaluator_says(json in filter_json(), record in record()) {
        let filter = Filter::from_json(&json).unwrap();
        prop_assert_eq!(filter.matches(&record), naive(&json, &record), "{} on {}", filter, record);
    }

    #[test]
    fn every_comparison_of_two_values_is_what_a_naive_evaluator_says(field in scalar(), value in scalar()) {
        let record = json!({"a": field});
        for sign in ["=", "!=", "<", "<=", ">", ">="] {
            let json = json!({sign: {"a": value}});
            let filter = Filter::from_json(&json).unwrap();
            prop_assert_eq!(filter.matches(&record), naive(&json, &record), "{} on {}", filter, record);
        }
    }

    #[test]
    fn fields_are_found_where_a_naive_search_finds_them(record in record()) {
        for name in NAMES.into_iter().chain(["a.a", "a.b.a", "a.a.b", "a.b.a.b", "b.a", "traits.0.2", "a.1.b"]) {
            let found = Fields::get(&record, &Path::new(name).unwrap()).unwrap_or(FieldValue::Null);
            let expected = naive_field(&record, name);
            prop_assert_eq!(found, FieldValue::from(&expected), "{} of {}", name, record);
        }
    }

    #[test]
    fn answer_needs_the_top_level_keys_only(json in filter_json(), record in record()) {
        let filter = Filter::from_json(&json).unwrap();
        let keys = filter.top_level_keys();
        let mut extracted = record.as_object().cloned().unwrap();
        extracted.retain(|key, _| keys.contains(&key.as_str()));
        prop_assert_eq!(filter.matches(&extracted), filter.matches(&record), "{} on {}", filter, record);
    }

    #[test]
    fn no_text_makes_it_panic(
        bytes in vec(any::<u8>(), 0..60),
        pieces in vec(prop::sample::select(vec![
            "a", " ", "=", "<", ">=", "(", ")", "[", "]", ",", "{", "}", "\"", "'", ":", "not ", " and ", " or ",
            " like ", " in ", "null", "1", "-1.5e3", "\\", "%", "é", "≠", "∧", "\n", "{\"=\":", "{\"and\":[", "\u{0}",
        ]), 0..24),
    ) {
        for text in [String::from_utf8_lossy(&bytes).into_owned(), pieces.concat()] {
            match Filter::parse(&text) {
                Ok(filter) => prop_assert_eq!(Filter::parse(&filter.to_string()), Ok(filter)),
                Err(error) => prop_assert!(!error.to_string().is_empty()),
            }
        }
    }
}

/// The answer by the words of the manual, from the JSON form, sharing no code with `eval`.
fn naive(filter: &Value, record: &Value) -> bool {
    let Some((operator, operand)) = filter.as_object().unwrap().iter().next() else { return true };
    match operator.as_str() {
        "and" => operand.as_array().unwrap().iter().all(|each| naive(each, record)),
        "or" => operand.as_array().unwrap().iter().any(|each| naive(each, record)),
        "not" => !naive(operand, record),
        _ => {
            let (name, value) = operand.as_object().unwrap().iter().next().unwrap();
            let field = naive_field(record, name);
            let order = naive_order(&field, value);
            match operator.as_str() {
                "=" => order == Some(Ordering::Equal),
                "!=" => order != Some(Ordering::Equal),
                "<" => order == Some(Ordering::Less),
                "<=" => !value.is_null() && matches!(order, Some(Ordering::Less | Ordering::Equal)),
                ">" => order == Some(Ordering::Greater),
                ">=" => !value.is_null() && matches!(order, Some(Ordering::Greater | Ordering::Equal)),
                "like" => field.as_str().is_some_and(|text| naive_like(text, value.as_str().unwrap())),
                "in" => value
                    .as_array()
                    .unwrap()
                    .iter()
                    .any(|each| naive_order(&field, each) == Some(Ordering::Equal)),
                other => panic!("{other}"),
            }
        }
    }
}

fn naive_order(field: &Value, value: &Value) -> Option<Ordering> {
    match (field, value) {
        (Value::Null, Value::Null) => Some(Ordering::Equal),
        (Value::Bool(field), Value::Bool(value)) => Some(u8::from(*field).cmp(&u8::from(*value))),
        (Value::Number(_), Value::Number(_)) => Some(decimal(field).cmp(&decimal(value))),
        (Value::String(field), Value::String(value)) => {
            Some(match (chrono_time(field), chrono_time(value)) {
                (Some(field), Some(value)) => field.cmp(&value),
                _ => field.chars().cmp(value.chars()),
            })
        }
        _ => None,
    }
}

/// A number in units of 2⁻¹⁰⁷⁴, the least a float can hold, as an ordered pair of sign and digits.
fn decimal(number: &Value) -> (bool, Vec<i8>) {
    let digits = match (number.as_i64(), number.as_u64(), number.as_f64()) {
        (Some(integer), _, _) => format!("{integer}.{}", "0".repeat(1_074)),
        (_, Some(integer), _) => format!("{integer}.{}", "0".repeat(1_074)),
        (_, _, float) => format!("{:.1074}", float.unwrap()),
    };
    let negative = digits.starts_with('-') && digits.contains(|c| ('1'..='9').contains(&c));
    let sign = if negative { -1 } else { 1 };
    let digits: Vec<i8> =
        digits.bytes().filter(u8::is_ascii_digit).map(|b| sign * (b - b'0') as i8).collect();
    // Padded to the length of the greatest float, so that the digits compare place by place.
    (!negative, [vec![0; 1_400 - digits.len()], digits].concat())
}

fn chrono_time(text: &str) -> Option<DateTime<Utc>> {
    let zoned = DateTime::parse_from_rfc3339(text).map(|time| time.to_utc());
    zoned
        .or_else(|_| NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S").map(|time| time.and_utc()))
        .ok()
}

fn naive_like(text: &str, pattern: &str) -> bool {
    let mut pattern = pattern.chars();
    match pattern.next() {
        None => text.is_empty(),
        Some('%') => {
            let starts = text.char_indices().map(|(start, _)| start).chain([text.len()]);
            starts.into_iter().any(|start| naive_like(&text[start..], pattern.as_str()))
        }
        Some(first) => {
            let literal = if first == '\\' { pattern.next() } else { Some(first).filter(|&c| c != '_') };
            let mut text = text.chars();
            text.next().is_some_and(|c| literal.is_none_or(|literal| literal == c))
                && naive_like(text.as_str(), pattern.as_str())
        }
    }
}

/// Every value of the record under every name that leads to it, then the first by the manual's order of preference.
fn naive_field(record: &Value, name: &str) -> Value {
    if let (Some(name), Some(Value::Array(traits))) = (name.strip_prefix("traits."), record.get("traits")) {
        for each in traits {
            if each[0] == name && each.as_array().is_some_and(|parts| parts.len() == 3) {
                return each[2].clone();
            }
        }
    }
    let mut named = Vec::new();
    every_name(record, &mut Vec::new(), &mut named);
    let mut leading: Vec<_> = named.into_iter().filter(|(parts, _)| parts.join(".") == name).collect();
    // A shorter key before a longer one, at the first place where two ways differ.
    leading.sort_by_key(|(parts, _)| parts.iter().map(String::len).collect::<Vec<_>>());
    leading.first().map_or(Value::Null, |(_, value)| (*value).clone())
}

fn every_name<'a>(value: &'a Value, parts: &mut Vec<String>, named: &mut Vec<(Vec<String>, &'a Value)>) {
    let members: Vec<(String, &Value)> = match value {
        Value::Object(object) => object.iter().map(|(key, value)| (key.clone(), value)).collect(),
        Value::Array(items) => {
            (0..).zip(items).map(|(index, item): (usize, _)| (index.to_string(), item)).collect()
        }
        _ => return,
    };
    for (key, value) in members {
        parts.push(key);
        named.push((parts.clone(), value));
        every_name(value, parts, named);
        parts.pop();
    }
}
