//! The JSON form: `{"and": [{"like": {"event_type": "compute.%"}}, {">=": {"traits.vcpus": 4}}]}`.

use serde_json::{Value, json};

use super::error::shortened;
use super::keyword::{Keyword, suggestion};
use super::like::BadPattern;
use super::{
    BadFilter, Comparison, Filter, LIST_VALUES_MAX, LikePattern, Literal, NESTING_MAX, Number, Path, Place,
};

/// Reads the JSON form.
pub(super) fn parse(text: &str) -> Result<Filter, BadFilter> {
    let value: Value = serde_json::from_str(text).map_err(|error| {
        let place = Place::in_text(text, byte_of(text, error.line(), error.column()));
        let sentence = error.to_string();
        let reason = sentence.split(" at line ").next().unwrap_or(&sentence);
        if reason == "recursion limit exceeded" {
            BadFilter::TooDeep { place }
        } else {
            BadFilter::NotJson { place, reason: reason.to_lowercase() }
        }
    })?;
    Filter::from_json(&value)
}

impl Filter {
    /// Reads the JSON form from a document that is JSON already, of any length.
    ///
    /// # Errors
    /// [`BadFilter`], its place a JSON pointer into `value`.
    pub fn from_json(value: &Value) -> Result<Filter, BadFilter> {
        filter(value, &Spot::Top, 0)
    }

    /// The JSON form, with Gnocchi's first spelling of each operator.
    pub fn to_json(&self) -> Value {
        let one = |operator: &str, path: &Path, value: Value| json!({ operator: { path.as_str(): value } });
        let all = |filters: &[Filter]| filters.iter().map(Filter::to_json).collect::<Vec<_>>();
        match self {
            Filter::Everything => json!({}),
            Filter::Compare { path, comparison, value } => one(comparison.as_str(), path, value.to_json()),
            Filter::Like { path, pattern } => one("like", path, pattern.as_str().into()),
            Filter::In { path, values } => one("in", path, values.iter().map(Literal::to_json).collect()),
            Filter::And(filters) => json!({ "and": all(filters) }),
            Filter::Or(filters) => json!({ "or": all(filters) }),
            Filter::Not(filter) => json!({ "not": filter.to_json() }),
        }
    }
}

impl Comparison {
    /// Its sign, `<=`.
    pub fn as_str(self) -> &'static str {
        Keyword::Compare(self).as_str()
    }
}

impl Literal {
    /// The value in JSON; a float that is not finite, which no form can write, becomes null.
    pub fn to_json(&self) -> Value {
        match self {
            Literal::Null => Value::Null,
            Literal::Bool(value) => Value::Bool(*value),
            Literal::Number(Number::Float(value)) => json!(value),
            Literal::Number(Number::Integer(value)) => match (i64::try_from(*value), u64::try_from(*value)) {
                (Ok(value), _) => json!(value),
                (_, Ok(value)) => json!(value),
                _ => json!(*value as f64),
            },
            Literal::Text(text) => text.as_str().into(),
        }
    }
}

/// Where a value stands; made into a pointer only when something is wrong there.
enum Spot<'a> {
    Top,
    Key(&'a Spot<'a>, &'a str),
    Index(&'a Spot<'a>, usize),
}

impl Spot<'_> {
    fn place(&self) -> Place {
        Place::Pointer(self.pointer())
    }

    fn pointer(&self) -> String {
        match self {
            Spot::Top => String::new(),
            Spot::Key(parent, key) => {
                format!("{}/{}", parent.pointer(), key.replace('~', "~0").replace('/', "~1"))
            }
            Spot::Index(parent, index) => format!("{}/{index}", parent.pointer()),
        }
    }

    fn unexpected(&self, expected: &str, found: &Value) -> BadFilter {
        let found = Some(shortened(&found.to_string()));
        BadFilter::Unexpected { place: self.place(), expected: expected.to_owned(), found, suggestion: None }
    }
}

fn filter(value: &Value, spot: &Spot<'_>, levels: usize) -> Result<Filter, BadFilter> {
    let Value::Object(members) = value else {
        return Err(spot.unexpected(r#"an object such as {"=": {"name": "cpu"}}"#, value));
    };
    let mut members = members.iter();
    let Some((operator, operand)) = members.next() else {
        return Ok(Filter::Everything);
    };
    if members.next().is_some() {
        return Err(spot.unexpected(r#"one operator ({"and": [...]} joins several)"#, value));
    }
    let inner = Spot::Key(spot, operator);
    match Keyword::of(operator) {
        Some(Keyword::Compare(comparison)) => {
            let (path, value) = field(operand, &inner)?;
            let value = literal(value, &Spot::Key(&inner, path.as_str()))?;
            Ok(Filter::Compare { path, comparison, value })
        }
        Some(Keyword::Like) => {
            let (path, value) = field(operand, &inner)?;
            let pattern = pattern(value, &Spot::Key(&inner, path.as_str()))?;
            Ok(Filter::Like { path, pattern })
        }
        Some(Keyword::In) => {
            let (path, value) = field(operand, &inner)?;
            let values = list(value, &Spot::Key(&inner, path.as_str()))?;
            Ok(Filter::In { path, values })
        }
        Some(Keyword::And | Keyword::Or | Keyword::Not) if levels == NESTING_MAX => {
            Err(BadFilter::TooDeep { place: spot.place() })
        }
        Some(Keyword::And) => joined(operand, &inner, levels + 1, Filter::And),
        Some(Keyword::Or) => joined(operand, &inner, levels + 1, Filter::Or),
        Some(Keyword::Not) => Ok(Filter::Not(Box::new(filter(operand, &inner, levels + 1)?))),
        Some(Keyword::Null | Keyword::True | Keyword::False) | None => Err(BadFilter::Unexpected {
            place: spot.place(),
            expected: "an operator".to_owned(),
            found: Some(format!("\"{}\"", shortened(operator))),
            suggestion: suggestion(operator, |keyword| {
                !matches!(keyword, Keyword::Null | Keyword::True | Keyword::False)
            }),
        }),
    }
}

fn joined(
    operand: &Value,
    spot: &Spot<'_>,
    levels: usize,
    join: fn(Vec<Filter>) -> Filter,
) -> Result<Filter, BadFilter> {
    let items = match operand {
        Value::Array(items) if !items.is_empty() => items,
        _ => return Err(spot.unexpected("a list of conditions, at least one", operand)),
    };
    let mut filters = items
        .iter()
        .enumerate()
        .map(|(index, item)| filter(item, &Spot::Index(spot, index), levels))
        .collect::<Result<Vec<_>, _>>()?;
    if filters.len() == 1 { Ok(filters.remove(0)) } else { Ok(join(filters)) }
}

/// The one field of `{"field": value}` and its value.
fn field<'v>(operand: &'v Value, spot: &Spot<'_>) -> Result<(Path, &'v Value), BadFilter> {
    let mut members = operand.as_object().into_iter().flatten();
    match (members.next(), members.next()) {
        (Some((name, value)), None) => match Path::new(name) {
            Some(path) => Ok((path, value)),
            None => Err(spot.unexpected("the name of a field", &Value::from(name.as_str()))),
        },
        _ => Err(spot.unexpected(r#"one field and its value, {"field": value}"#, operand)),
    }
}

fn literal(value: &Value, spot: &Spot<'_>) -> Result<Literal, BadFilter> {
    match value {
        Value::Null => Ok(Literal::Null),
        Value::Bool(value) => Ok(Literal::Bool(*value)),
        Value::Number(number) => Ok(Literal::Number(number.into())),
        Value::String(text) => Ok(Literal::text(text.as_str())),
        Value::Array(_) => Err(spot.unexpected("one value (a list goes with \"in\")", value)),
        Value::Object(_) => Err(spot.unexpected("a value", value)),
    }
}

fn pattern(value: &Value, spot: &Spot<'_>) -> Result<LikePattern, BadFilter> {
    let text = value.as_str().ok_or_else(|| spot.unexpected("a pattern in quotes", value))?;
    LikePattern::new(text).map_err(|bad| match bad {
        BadPattern::TooLong => BadFilter::PatternTooLong { place: spot.place() },
        BadPattern::LoneBackslash => {
            spot.unexpected("a pattern that does not end in a lone backslash", value)
        }
    })
}

fn list(value: &Value, spot: &Spot<'_>) -> Result<Vec<Literal>, BadFilter> {
    match value {
        Value::Array(items) if items.len() > LIST_VALUES_MAX => {
            Err(BadFilter::ListTooLong { place: spot.place() })
        }
        Value::Array(items) if !items.is_empty() => {
            items.iter().enumerate().map(|(index, item)| literal(item, &Spot::Index(spot, index))).collect()
        }
        _ => Err(spot.unexpected("a list of values, at least one", value)),
    }
}

/// How many bytes stand before serde_json's `line` and `column`, both from 1, the column in bytes.
fn byte_of(text: &str, line: usize, column: usize) -> usize {
    let before: usize = text.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
    before + column.saturating_sub(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str) -> String {
        Filter::parse(text).unwrap_err().to_string()
    }

    #[test]
    fn errors_point_at_the_value_that_is_wrong() {
        for (text, message) in [
            (r#"{"=": "#, "column 6: not JSON: eof while parsing a value"),
            ("{\"and\":\n  [}", "column 12: not JSON: expected value"),
            (r#"{"=": {"a": 1}} x"#, "column 17: not JSON: trailing characters"),
            (
                r#"{"lik": {"a": "b"}}"#,
                r#"at the top: expected an operator, found "lik"; did you mean "like"?"#,
            ),
            (
                r#"{"and": [{"=": {"a": 1}}, {"<>": {"a": 1}}]}"#,
                r#"at /and/1: expected an operator, found "<>"; did you mean "!="?"#,
            ),
            (r#"{"true": 1}"#, r#"at the top: expected an operator, found "true""#),
            (r#"{"not": [1]}"#, r#"at /not: expected an object such as {"=": {"name": "cpu"}}, found [1]"#),
            (r#"{"or": []}"#, "at /or: expected a list of conditions, at least one, found []"),
            (r#"{"=": {}}"#, r#"at /=: expected one field and its value, {"field": value}, found {}"#),
            (r#"{"=": {"": 1}}"#, r#"at /=: expected the name of a field, found """#),
            (
                r#"{"=": {"a/b": [1]}}"#,
                r#"at /=/a~1b: expected one value (a list goes with "in"), found [1]"#,
            ),
            (r#"{"in": {"a": []}}"#, "at /in/a: expected a list of values, at least one, found []"),
            (r#"{"in": {"a": [1, {}]}}"#, "at /in/a/1: expected a value, found {}"),
            (r#"{"like": {"a": 5}}"#, "at /like/a: expected a pattern in quotes, found 5"),
            (
                r#"{"=": {"a": 1}, "<": {"a": 2}}"#,
                r#"at the top: expected one operator ({"and": [...]} joins several), found {"=":{"a":1},"<":{"a":2}}"#,
            ),
        ] {
            assert_eq!(error(text), message, "{text}");
        }
    }

    #[test]
    fn nesting_ends_at_the_limit_not_with_the_stack() {
        let nested = |depth, end: &str| format!("{}{end}{}", r#"{"and":["#.repeat(depth), "]}".repeat(depth));
        assert!(Filter::parse(&nested(NESTING_MAX, r#"{"in":{"a":[1]}}"#)).is_ok());
        assert!(error(&nested(NESTING_MAX + 1, "{}")).starts_with("at /and/0/and/0/"));
        assert!(error(&nested(5_000, "{}")).ends_with("nested deeper than 60 levels"));
    }

    #[test]
    fn lists_end_at_the_limit() {
        let list = |count| json!({"in": {"a": vec![1; count]}});
        assert!(Filter::from_json(&list(LIST_VALUES_MAX)).is_ok());
        let error = Filter::from_json(&list(LIST_VALUES_MAX + 1)).unwrap_err();
        assert_eq!(error.to_string(), "at /in/a: a list of more than 10000 values");
    }

    #[test]
    fn list_of_one_condition_is_the_condition() {
        assert_eq!(Filter::parse(r#"{"and": [{"=": {"a": 1}}]}"#), Filter::parse("a = 1"));
    }
}
