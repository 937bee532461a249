//! What InfluxDB 1's clients ask: a ping, a database, which is a resource type, and lines of measures.
//!
//! A line's tag `host`, or the one that the header `X-Gnocchi-InfluxDB-Tag-Resource-ID` names, is the resource; a metric is
//! called `MEASUREMENT.FIELD@TAG=VALUE,TAG=VALUE` by its other tags, sorted. Beyond Gnocchi 4.7.1: the parameter `precision`;
//! fields that are truths, as 1 and 0.

use std::collections::BTreeMap;

use hyper::header::HeaderName;
use hyper::{Method, StatusCode};
use serde_json::json;

use super::Desk;
use super::arrivals::{self, Gathering};
use crate::model::Timestamp;
use crate::series::Point;
use crate::serve::auth::{Identity, Target};
use crate::serve::http::{Answer, Call, Parameters, Problem, Route};
use crate::store::index::{Attributes, IndexError, NAME_CHARACTERS_MAX, ResourceType};
use crate::wire::influx::{BadText, Measured, Precision, measured};

/// The tag that is the resource where nothing is said.
const RESOURCE_TAG: &str = "host";
/// The database where nothing is said.
const DATABASE: &str = "influxdb";
/// The media type of a form.
const FORM: &str = "application/x-www-form-urlencoded";

pub(super) fn routes() -> Vec<Route<Desk>> {
    vec![
        Route::get("/v1/influxdb/ping", ping).not_json(),
        Route { method: Method::HEAD, path: "/v1/influxdb/ping", answer: no_head, is_json: false },
        Route::post("/v1/influxdb/query", query).not_json(),
        Route::post("/v1/influxdb/write", write).not_json(),
    ]
}

fn ping(_: &Desk, _: &Call) -> Result<Answer, Problem> {
    let answer = Answer::empty(StatusCode::NO_CONTENT);
    Ok(answer.with(HeaderName::from_static("x-influxdb-version"), "Gnocchi 4.7.1"))
}

/// Gnocchi 4.7.1 has no HEAD here, and clients were written against that.
fn no_head(_: &Desk, _: &Call) -> Result<Answer, Problem> {
    Err(Problem::new(StatusCode::METHOD_NOT_ALLOWED, ""))
}

/// `create database NAME`: nothing else of the language.
fn query(desk: &Desk, call: &Call) -> Result<Answer, Problem> {
    let form = match call.expect_media(FORM) {
        Ok(()) => std::str::from_utf8(&call.body).map(Parameters::parse).unwrap_or_default(),
        Err(_) => Parameters::default(),
    };
    let asked = call.query.get("q").or_else(|| form.get("q"));
    let asked = asked.ok_or_else(|| Problem::argument("q", "it is missing"))?;
    let name = database(asked).ok_or_else(|| {
        let detail =
            json!({"cause": "Not implemented error", "detail": "q", "reason": "Query not implemented"});
        Problem::new(StatusCode::NOT_IMPLEMENTED, detail)
    })?;
    desk.enforce(call, "create resource type", &Target::new().with("name", Some(&name)))?;
    match desk.store.index().create_resource_type(&ResourceType::new(&name, BTreeMap::new())?) {
        Ok(()) | Err(IndexError::Exists { .. }) => Ok(Answer::empty(StatusCode::NO_CONTENT)),
        Err(error) => Err(error.into()),
    }
}

/// The name of `create database NAME`, `"NAME"` in quotes where it is no word; none for any other query.
fn database(query: &str) -> Option<String> {
    let rest = keyword(query, "create")?;
    let rest = keyword(rest, "database")?;
    if let Some(quoted) = rest.strip_prefix('"') {
        let mut name = String::new();
        let mut characters = quoted.chars();
        loop {
            match characters.next()? {
                '"' => return Some(name).filter(|name| !name.is_empty()),
                '\\' => name.push(characters.next()?),
                character => name.push(character),
            }
        }
    }
    let is_part = |character: char| character.is_ascii_alphanumeric() || character == '_';
    let end = rest.find(|character| !is_part(character)).unwrap_or(rest.len());
    let name = &rest[..end];
    Some(name.to_owned())
        .filter(|name| name.starts_with(|first: char| is_part(first) && !first.is_ascii_digit()))
}

/// What stands behind a keyword and the white space behind it.
fn keyword<'a>(text: &'a str, word: &str) -> Option<&'a str> {
    let text = text.trim_start();
    let (found, rest) = text.split_at_checked(word.len())?;
    let behind = rest.trim_start();
    (found.eq_ignore_ascii_case(word) && behind.len() < rest.len()).then_some(behind)
}

fn write(desk: &Desk, call: &Call) -> Result<Answer, Problem> {
    let who = desk.identify(call)?;
    let database = call.query.get("db").unwrap_or(DATABASE);
    let tag = call.header(HeaderName::from_static("x-gnocchi-influxdb-tag-resource-id"));
    let precision = call.query.get("precision").unwrap_or_default().parse::<Precision>();
    let precision = precision.map_err(|error| Problem::argument("precision", error.to_string()))?;
    let text = std::str::from_utf8(&call.body).map_err(|error| {
        let before = &call.body[..error.valid_up_to()];
        unreadable(1 + before.iter().filter(|byte| **byte == b'\n').count())
    })?;
    let mut gathering = Gathering::default();
    measured(text, precision, |_, line| {
        gather(&mut gathering, &who, line, tag.unwrap_or(RESOURCE_TAG), call.now)
    })?;
    arrivals::store(desk, &who, database, gathering.into_arriving(), call.now)?;
    Ok(Answer::empty(StatusCode::NO_CONTENT))
}

fn gather(
    gathering: &mut Gathering,
    who: &Identity,
    line: Measured<'_>,
    resource_tag: &str,
    now: Timestamp,
) -> Result<(), Problem> {
    let Measured { measurement, tags, fields, at } = line;
    // Of a key that stands twice the last counts.
    let mut tags: BTreeMap<&str, &str> = tags.iter().map(|(key, value)| (&**key, &**value)).collect();
    let resource = tags.remove(resource_tag).ok_or_else(|| {
        let reason = format!("Unable to find key `{resource_tag}' in tags");
        Problem::bad(json!({"cause": "Value error", "detail": "key", "reason": reason}))
    })?;
    // Longer than any name may be, it would be made once a field.
    let length =
        tags.iter().map(|(key, value)| key.len() + value.len() + 2).sum::<usize>() + measurement.len();
    if length > 4 * NAME_CHARACTERS_MAX {
        let reason = format!(
            "a metric is named by all its tags, and a name has at most {NAME_CHARACTERS_MAX} characters"
        );
        return Err(Problem::bad(json!({"cause": "Value error", "detail": "tags", "reason": reason})));
    }
    let described = described(tags.into_iter());
    let fields: BTreeMap<&str, f64> = fields.iter().map(|(name, value)| (&**name, *value)).collect();
    for (field, value) in fields {
        let name = format!("{measurement}.{field}{described}").replace('/', "_");
        let points = gathering.metric(who, resource, || Ok(Attributes::new()), &name, 1)?;
        points.push(Point { timestamp: at.unwrap_or(now), value });
    }
    Ok(())
}

/// `@KEY=VALUE,KEY=VALUE`, in the order in which they come; nothing where there is none.
pub(super) fn described<'a>(pairs: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    let mut text = String::new();
    for (key, value) in pairs {
        text.push(if text.is_empty() { '@' } else { ',' });
        text.extend([key, "=", value]);
    }
    text
}

impl From<BadText> for Problem {
    fn from(error: BadText) -> Problem {
        unreadable(error.line)
    }
}

fn unreadable(line: usize) -> Problem {
    let reason = format!("Unable to parse line {line}");
    Problem::bad(json!({"cause": "Value error", "detail": "line", "reason": reason}))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_is_a_word_or_stands_in_quotes() {
        for (query, name) in [
            ("create database influxdbtest", "influxdbtest"),
            (" CREATE  Database _a1;", "_a1"),
            (r#"create database "a \"b\"" ;"#, r#"a "b""#),
            ("create database a with duration 1d", "a"),
        ] {
            assert_eq!(database(query).as_deref(), Some(name), "{query}");
        }
        for other in [
            "",
            "select metrics plz",
            "createdatabase a",
            "create database",
            "create database 1a",
            "create database \"a",
            "create database é",
            "créate database a",
        ] {
            assert_eq!(database(other), None, "{other}");
        }
    }

    #[test]
    fn a_metric_is_named_by_its_field_and_its_sorted_tags() {
        let who = Identity { creator: "me".to_owned(), ..Identity::default() };
        let mut gathering = Gathering::default();
        let text = "cpu,path=/x,host=a/b,az=1 idle=1,user=2,idle=3\ncpu,host=c n=1 7";
        let now = Timestamp::from_ns(5);
        measured(text, Precision::Nanoseconds, |_, line| gather(&mut gathering, &who, line, "host", now))
            .unwrap();
        let shown: Vec<String> = gathering
            .into_arriving()
            .iter()
            .flat_map(|resource| {
                resource
                    .metrics
                    .iter()
                    .map(|(name, points)| format!("{} {name} {points:?}", resource.id.original()))
            })
            .collect();
        assert_eq!(shown.len(), 3);
        assert!(shown[0].starts_with("a_b cpu.idle@az=1,path=_x ") && shown[0].contains("3.0"), "{shown:?}");
        assert!(shown[1].starts_with("a_b cpu.user@az=1,path=_x "), "{shown:?}");
        assert!(shown[2].starts_with("c cpu.n "), "{shown:?}");
    }
}
