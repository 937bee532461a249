//! A filter in SQL: every value bound, every condition true or false, never null.

use rusqlite::types::Value;
use uuid::Uuid;

use super::column::{Column, ColumnKind, Columns};
use super::error::Thing;
use super::{AttributeKind, IndexError, ResourceId, ResourceType, parse_uuid};
use crate::model::{Granularity, Timestamp};
use crate::query::{Comparison, Filter, Literal, Number, Path};

/// What SQLite takes in one statement, less some for the page.
const PARAMETERS_MAX: usize = 32_000;

/// A condition in SQL, and what is bound to its question marks, in order.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Condition {
    pub(super) sql: String,
    pub(super) values: Vec<Value>,
}

/// Translates `filter`. `creator` is whose ids of the outside are meant where a resource's id is compared.
///
/// A comparison with null is as in [`Filter::matches`]: `=` and `!=` see it, all others are false of it, and `not`
/// turns that round. (Gnocchi's `not` leaves out what is null: its API says so in the filter.) Values take the type of their column, as in Gnocchi:
/// `vcpus = "4"` is the number.
///
/// # Errors
/// [`IndexError::Invalid`] when a name is unknown or a value is none of the column's type.
pub(super) fn condition(
    filter: &Filter,
    columns: &Columns<'_>,
    creator: Option<&str>,
) -> Result<Condition, IndexError> {
    let mut writer = Writer { columns, creator, condition: Condition::default() };
    writer.filter(filter, false)?;
    if writer.condition.values.len() > PARAMETERS_MAX {
        return Err(Thing::Query.invalid("filter", format_args!("more than {PARAMETERS_MAX} values")));
    }
    Ok(writer.condition)
}

/// Whether the index of an attribute of the type leads to all that satisfy the filter.
pub(super) fn narrows(filter: &Filter, resource_type: &ResourceType) -> bool {
    let indexed =
        |path: &Path| resource_type.kind(path.as_str()).is_some_and(|kind| kind != AttributeKind::Bool);
    match filter {
        Filter::Compare { path, comparison, value } => {
            *comparison != Comparison::NotEqual && *value != Literal::Null && indexed(path)
        }
        Filter::In { path, values } => !values.contains(&Literal::Null) && indexed(path),
        Filter::Like { path, pattern } => !literal_prefix(pattern.as_str()).is_empty() && indexed(path),
        Filter::And(filters) => filters.iter().any(|filter| narrows(filter, resource_type)),
        Filter::Or(filters) => filters.iter().all(|filter| narrows(filter, resource_type)),
        Filter::Everything | Filter::Not(_) => false,
    }
}

struct Writer<'a> {
    columns: &'a Columns<'a>,
    creator: Option<&'a str>,
    condition: Condition,
}

impl Writer<'_> {
    /// `negated`: the opposite is asked for. It is carried down to the comparisons, where an index can serve it.
    fn filter(&mut self, filter: &Filter, negated: bool) -> Result<(), IndexError> {
        match filter {
            Filter::Everything => self.constant(!negated),
            Filter::And(filters) => self.joined(filters, !negated, negated)?,
            Filter::Or(filters) => self.joined(filters, negated, negated)?,
            Filter::Not(filter) => self.filter(filter, !negated)?,
            Filter::Compare { path, comparison, value } => {
                self.leaf(negated, |writer| writer.compare(path, *comparison, value))?;
            }
            Filter::In { path, values } => self.leaf(negated, |writer| writer.one_of(path, values))?,
            Filter::Like { path, pattern } => {
                self.leaf(negated, |writer| writer.like(path, pattern.as_str()))?;
            }
        }
        Ok(())
    }

    fn constant(&mut self, holds: bool) {
        self.condition.sql.push_str(if holds { "1" } else { "0" });
    }

    /// In halves: SQLite limits the depth of an expression, and a chain of n is n deep.
    fn joined(&mut self, filters: &[Filter], all: bool, negated: bool) -> Result<(), IndexError> {
        match filters {
            [] => self.constant(all),
            [one] => self.filter(one, negated)?,
            more => {
                let (left, right) = more.split_at(more.len() / 2);
                self.condition.sql.push('(');
                self.joined(left, all, negated)?;
                self.condition.sql.push_str(if all { " AND " } else { " OR " });
                self.joined(right, all, negated)?;
                self.condition.sql.push(')');
            }
        }
        Ok(())
    }

    fn leaf(
        &mut self,
        negated: bool,
        write: impl FnOnce(&mut Self) -> Result<(), IndexError>,
    ) -> Result<(), IndexError> {
        self.condition.sql.push('(');
        write(self)?;
        self.condition.sql.push_str(if negated { ") IS NOT TRUE" } else { ")" });
        Ok(())
    }

    fn compare(&mut self, path: &Path, comparison: Comparison, value: &Literal) -> Result<(), IndexError> {
        let column = self.columns.get(path.as_str())?;
        let Some(value) = self.value(path, &column, value)? else {
            match comparison {
                Comparison::Equal => self.write(&column, "IS NULL"),
                Comparison::NotEqual => self.write(&column, "IS NOT NULL"),
                _ => self.constant(false),
            }
            return Ok(());
        };
        self.write(
            &column,
            match comparison {
                Comparison::Equal => "= ?",
                Comparison::NotEqual => "IS NOT ?",
                Comparison::Less => "< ?",
                Comparison::LessOrEqual => "<= ?",
                Comparison::Greater => "> ?",
                Comparison::GreaterOrEqual => ">= ?",
            },
        );
        self.condition.values.push(value);
        Ok(())
    }

    fn one_of(&mut self, path: &Path, values: &[Literal]) -> Result<(), IndexError> {
        let column = self.columns.get(path.as_str())?;
        let mut marks = 0;
        for value in values {
            if let Some(value) = self.value(path, &column, value)? {
                self.condition.values.push(value);
                marks += 1;
            }
        }
        self.write(&column, &format!("IN ({})", vec!["?"; marks].join(",")));
        if marks < values.len() {
            self.condition.sql.push_str(" OR ");
            self.write(&column, "IS NULL");
        }
        Ok(())
    }

    fn like(&mut self, path: &Path, pattern: &str) -> Result<(), IndexError> {
        let column = self.columns.get(path.as_str())?;
        if !matches!(column.kind, ColumnKind::Text | ColumnKind::UuidText) {
            return Err(Thing::Query.invalid(path.as_str(), "\"like\" is for texts"));
        }
        self.write(&column, "GLOB ?");
        self.condition.values.push(Value::Text(glob_of(pattern)));
        // What every match starts with, as bounds: an index can serve them.
        let prefix = literal_prefix(pattern);
        if !prefix.is_empty() {
            self.condition.sql.push_str(" AND ");
            self.write(&column, ">= ?");
            if let Some(beyond) = beyond(&prefix) {
                self.condition.sql.push_str(" AND ");
                self.write(&column, "< ?");
                self.condition.values.extend([Value::Text(prefix), Value::Text(beyond)]);
            } else {
                self.condition.values.push(Value::Text(prefix));
            }
        }
        Ok(())
    }

    fn write(&mut self, column: &Column, rest: &str) {
        self.condition.sql.push_str(&column.sql);
        self.condition.sql.push(' ');
        self.condition.sql.push_str(rest);
    }

    /// The literal as the column stores it; none for null.
    fn value(&self, path: &Path, column: &Column, literal: &Literal) -> Result<Option<Value>, IndexError> {
        let found = match (column.kind, literal) {
            (_, Literal::Null) => return Ok(None),
            (ColumnKind::Text, Literal::Text(text)) => Some(Value::Text(text.as_str().to_owned())),
            (ColumnKind::Text, literal) => Some(Value::Text(literal.to_string())),
            (ColumnKind::ResourceId, Literal::Text(text)) => {
                let id = ResourceId::of(text.as_str(), self.creator)?.uuid();
                Some(Value::Blob(id.as_bytes().to_vec()))
            }
            (ColumnKind::Uuid, Literal::Text(text)) => {
                parse_uuid(text.as_str()).map(|id: Uuid| Value::Blob(id.as_bytes().to_vec()))
            }
            (ColumnKind::UuidText, Literal::Text(text)) => {
                parse_uuid(text.as_str()).map(|id| Value::Text(id.to_string()))
            }
            (ColumnKind::Time, Literal::Text(text)) => {
                let day = || Timestamp::parse_day(text.as_str().as_bytes()).ok();
                let written = || Timestamp::parse_epoch(text.as_str().as_bytes()).ok();
                text.time().or_else(day).or_else(written).map(|time| Value::Integer(time.ns()))
            }
            (ColumnKind::Time, Literal::Number(number)) => {
                Timestamp::parse_epoch(literal.to_string().as_bytes())
                    .or_else(|_| Timestamp::from_seconds(float(*number)))
                    .ok()
                    .map(|time| Value::Integer(time.ns()))
            }
            (ColumnKind::Duration, Literal::Text(text)) => {
                text.as_str().parse::<Granularity>().ok().map(|length| Value::Integer(length.ns()))
            }
            // The cast saturates: 292 years are longer than any lifespan.
            (ColumnKind::Duration, Literal::Number(number)) => {
                Some(Value::Integer((float(*number) * 1e9) as i64))
            }
            (ColumnKind::Number, Literal::Number(number)) => Some(match number {
                Number::Integer(integer) => {
                    i64::try_from(*integer).map_or_else(|_| Value::Real(*integer as f64), Value::Integer)
                }
                Number::Float(float) => Value::Real(*float),
            }),
            (ColumnKind::Number, Literal::Text(text)) => {
                text.as_str().parse().ok().filter(|number: &f64| !number.is_nan()).map(Value::Real)
            }
            (ColumnKind::Bool, Literal::Bool(value)) => Some(Value::Integer((*value).into())),
            _ => None,
        };
        match found {
            Some(value) => Ok(Some(value)),
            None => {
                let expected = match column.kind {
                    ColumnKind::Text => "a text",
                    ColumnKind::ResourceId | ColumnKind::Uuid | ColumnKind::UuidText => "a uuid",
                    ColumnKind::Time => "a time such as 2026-11-22T10:00:00Z",
                    ColumnKind::Duration => "a length of time such as 1h or 3600",
                    ColumnKind::Number => "a number",
                    ColumnKind::Bool => "true or false",
                };
                Err(Thing::Query.invalid(path.as_str(), format_args!("expected {expected}, found {literal}")))
            }
        }
    }
}

fn float(number: Number) -> f64 {
    match number {
        Number::Integer(integer) => integer as f64,
        Number::Float(float) => float,
    }
}

/// A pattern of LIKE as one of GLOB, which is case-sensitive in SQLite as LIKE is in PostgreSQL.
fn glob_of(pattern: &str) -> String {
    let mut glob = String::with_capacity(pattern.len());
    let mut characters = pattern.chars();
    while let Some(character) = characters.next() {
        let literal = match character {
            '%' => {
                glob.push('*');
                continue;
            }
            '_' => {
                glob.push('?');
                continue;
            }
            '\\' => characters.next().unwrap_or('\\'),
            other => other,
        };
        if matches!(literal, '*' | '?' | '[') {
            glob.extend(['[', literal, ']']);
        } else {
            glob.push(literal);
        }
    }
    glob
}

/// The text before the first wildcard of a pattern of LIKE.
fn literal_prefix(pattern: &str) -> String {
    let mut prefix = String::new();
    let mut characters = pattern.chars();
    while let Some(character) = characters.next() {
        match character {
            '%' | '_' => break,
            '\\' => prefix.extend(characters.next()),
            other => prefix.push(other),
        }
    }
    prefix
}

/// The first text after all that start with `prefix`; none when there is none.
fn beyond(prefix: &str) -> Option<String> {
    let mut beyond = prefix.to_owned();
    let last = beyond.pop()?;
    // The code points of surrogates are no characters.
    let next = if last == '\u{D7FF}' { '\u{E000}' } else { char::from_u32(u32::from(last) + 1)? };
    beyond.push(next);
    Some(beyond)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn sql(filter: &str) -> Result<(String, Vec<Value>), String> {
        let attributes =
            json!({"host": {"type": "string"}, "vcpus": {"type": "number"}, "on": {"type": "bool"}});
        let instance = ResourceType::from_json("instance", attributes.as_object().unwrap()).unwrap();
        let filter = Filter::parse(filter).unwrap();
        match condition(&filter, &Columns::Resource(&instance), Some("me")) {
            Ok(condition) => Ok((condition.sql, condition.values)),
            Err(error) => Err(error.to_string()),
        }
    }

    #[test]
    fn conditions_are_never_null_and_values_are_bound() {
        let text = |text: &str| Value::Text(text.to_owned());
        for (filter, expected, values) in [
            ("{}", "1", vec![]),
            ("not {}", "0", vec![]),
            ("user_id = u", "(r.user_id = ?)", vec![text("u")]),
            ("user_id != u", "(r.user_id IS NOT ?)", vec![text("u")]),
            ("not user_id = u", "(r.user_id = ?) IS NOT TRUE", vec![text("u")]),
            ("user_id = null", "(r.user_id IS NULL)", vec![]),
            ("user_id < null", "(0)", vec![]),
            ("user_id = 5", "(r.user_id = ?)", vec![text("5")]),
            ("user_id in [a, null]", "(r.user_id IN (?) OR r.user_id IS NULL)", vec![text("a")]),
            (
                "user_id like 'a*%\\%_'",
                "(r.user_id GLOB ? AND r.user_id >= ? AND r.user_id < ?)",
                vec![text("a[*]*%?"), text("a*"), text("a+")],
            ),
            ("user_id like '%a'", "(r.user_id GLOB ?)", vec![text("*a")]),
            (
                "not (user_id = u or started_at > 1970-01-01T00:01)",
                "((r.user_id = ?) IS NOT TRUE AND (r.started_at > ?) IS NOT TRUE)",
                vec![text("u"), Value::Integer(60_000_000_000)],
            ),
            ("vcpus = '4'", "(json_extract(r.attributes, '$.\"vcpus\"') = ?)", vec![Value::Real(4.0)]),
            ("started_at < '1970-01-02'", "(r.started_at < ?)", vec![Value::Integer(86_400_000_000_000)]),
            ("lifespan > 1h", "((r.ended_at - r.started_at) > ?)", vec![Value::Integer(3_600_000_000_000)]),
        ] {
            assert_eq!(sql(filter), Ok((expected.to_owned(), values)), "{filter}");
        }
    }

    #[test]
    fn unknown_names_and_values_of_another_type_are_refused() {
        assert_eq!(
            sql("flavor = a").unwrap_err(),
            "query \"flavor\": no such attribute: there are id, original_resource_id, type, creator, \
             created_by_user_id, created_by_project_id, user_id, project_id, started_at, ended_at, lifespan, \
             revision_start, revision_end, revision, host, on, vcpus"
        );
        for (filter, message) in [
            ("vcpus = many", "query \"vcpus\": expected a number, found \"many\""),
            ("on = 1", "query \"on\": expected true or false, found 1"),
            (
                "started_at < soon",
                "query \"started_at\": expected a time such as 2026-11-22T10:00:00Z, found \"soon\"",
            ),
            ("vcpus like '4%'", "query \"vcpus\": \"like\" is for texts"),
        ] {
            assert_eq!(sql(filter).unwrap_err(), message);
        }
    }

    #[test]
    fn an_id_of_the_outside_is_looked_for_as_its_creator_means_it() {
        let id = ResourceId::of("vm-1", Some("me")).unwrap().uuid();
        assert_eq!(sql("id = 'vm-1'").unwrap().1, [Value::Blob(id.as_bytes().to_vec())]);
    }
}
