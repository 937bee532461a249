//! Measures in bodies: `[{"timestamp": …, "value": …}, …]`, read in one pass over the bytes.
//!
//! Nothing is kept of the text but the points. As in Gnocchi a timestamp is what `timing` reads or a number, a value is a
//! number or a text that is one; other members count for nothing.

use std::fmt;

use serde::de::{DeserializeSeed, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::timing::{self, Said};
use crate::model::{Timestamp, TimestampMemo};
use crate::series::Point;
use crate::serve::http::Problem;

const FORMAT: &str = "unexpected measures format";
const VALUE: &str = "unexpected measures value";
const CONVERT: &str = "unexpected timestamp 'Unable to convert timestamps'";
const EPOCH: &str = "unexpected timestamp 'Timestamp must be after Epoch'";

/// What one request's measures are read with.
#[derive(Debug)]
pub(super) struct Reader {
    now: Timestamp,
    memo: TimestampMemo,
}

impl Reader {
    /// - `now`: what lengths before and after now are counted from
    pub(super) fn new(now: Timestamp) -> Reader {
        Reader { now, memo: TimestampMemo::default() }
    }
}

/// Reads a body that is one list.
///
/// # Errors
/// 400 when it is no JSON, or no measures.
pub(super) fn read(body: &[u8], now: Timestamp) -> Result<Vec<Point>, Problem> {
    let mut points = Vec::new();
    let mut reader = Reader::new(now);
    let mut deserializer = serde_json::Deserializer::from_slice(body);
    let read = List { reader: &mut reader, points: &mut points }.deserialize(&mut deserializer);
    read.and_then(|()| deserializer.end()).map_err(|error| refused(&error, false))?;
    Ok(points)
}

/// Why a body cannot be read, in Gnocchi's words.
///
/// - `is_within`: whether the measures stand somewhere in the body, which is then told
pub(super) fn refused(error: &serde_json::Error, is_within: bool) -> Problem {
    if error.classify() != serde_json::error::Category::Data {
        return Problem::no_json(error);
    }
    let text = error.to_string();
    let known = [FORMAT, VALUE, CONVERT, EPOCH].into_iter().find(|known| text.starts_with(known));
    let reason = known.unwrap_or(FORMAT);
    if is_within {
        let at = format!("line {}, column {}", error.line(), error.column());
        let is_measure =
            ["a measure", "a time", "a number", "a list of measures"].iter().any(|what| text.contains(what));
        let reason = if known.is_some() || is_measure { reason.to_owned() } else { text };
        return Problem::bad(
            serde_json::json!({"cause": "Invalid input", "reason": format!("{reason} for dictionary value, {at}"), "detail": [at]}),
        );
    }
    Problem::invalid(reason, &[])
}

/// Reads a list of measures behind those that are there.
pub(super) struct List<'r> {
    pub(super) reader: &'r mut Reader,
    pub(super) points: &'r mut Vec<Point>,
}

impl<'de> DeserializeSeed<'de> for List<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for List<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of measures")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        let mut is_relative = None;
        while let Some((said, value)) = list.next_element_seed(Measure(self.reader))? {
            let timestamp = match said {
                Said::At(at) => at,
                Said::After(ns) => Timestamp::from_ns(self.reader.now.ns().saturating_add(ns)),
            };
            // The first says for all of a list how times are written.
            let relative = matches!(said, Said::After(_));
            if *is_relative.get_or_insert(relative) != relative {
                return Err(A::Error::custom(CONVERT));
            }
            if timestamp.ns() < 0 {
                return Err(A::Error::custom(EPOCH));
            }
            self.points.push(Point { timestamp, value });
        }
        Ok(())
    }
}

struct Measure<'r>(&'r mut Reader);

impl<'de> DeserializeSeed<'de> for Measure<'_> {
    type Value = (Said, f64);

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Measure<'_> {
    type Value = (Said, f64);

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a measure")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Self::Value, A::Error> {
        let (mut said, mut value) = (None, None);
        while let Some(name) = members.next_key()? {
            match name {
                Name::Timestamp => said = Some(members.next_value_seed(Time(self.0))?),
                Name::Value => value = Some(members.next_value::<Number>()?.0),
                Name::Other => drop(members.next_value::<IgnoredAny>()?),
            }
        }
        said.zip(value).ok_or_else(|| A::Error::custom(FORMAT))
    }
}

#[derive(Deserialize)]
#[serde(field_identifier, rename_all = "lowercase")]
enum Name {
    Timestamp,
    Value,
    #[serde(other)]
    Other,
}

struct Time<'r>(&'r mut Reader);

impl<'de> DeserializeSeed<'de> for Time<'_> {
    type Value = Said;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Said, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl Visitor<'_> for Time<'_> {
    type Value = Said;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a time")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Said, E> {
        match self.0.memo.parse(text.as_bytes()) {
            Ok(at) => Ok(Said::At(at)),
            Err(_) => timing::said(text).ok_or_else(|| E::custom(CONVERT)),
        }
    }

    fn visit_i64<E: serde::de::Error>(self, seconds: i64) -> Result<Said, E> {
        let at = timing::said(itoa::Buffer::new().format(seconds));
        at.ok_or_else(|| E::custom(CONVERT))
    }

    fn visit_u64<E: serde::de::Error>(self, seconds: u64) -> Result<Said, E> {
        let at = timing::said(itoa::Buffer::new().format(seconds));
        at.ok_or_else(|| E::custom(CONVERT))
    }

    fn visit_f64<E: serde::de::Error>(self, seconds: f64) -> Result<Said, E> {
        Timestamp::from_seconds(seconds).map(Said::At).map_err(|_| E::custom(CONVERT))
    }
}

/// A value as Python's `float` takes it.
struct Number(f64);

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Number, D::Error> {
        deserializer.deserialize_any(NumberVisitor)
    }
}

struct NumberVisitor;

impl<'de> Visitor<'de> for NumberVisitor {
    type Value = Number;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number")
    }

    fn visit_f64<E>(self, value: f64) -> Result<Number, E> {
        Ok(Number(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Number, E> {
        Ok(Number(value as f64))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Number, E> {
        Ok(Number(value as f64))
    }

    fn visit_bool<E>(self, value: bool) -> Result<Number, E> {
        Ok(Number(f64::from(u8::from(value))))
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Number, E> {
        text.trim().parse().map(Number).map_err(|_| E::custom(VALUE))
    }

    fn visit_unit<E: serde::de::Error>(self) -> Result<Number, E> {
        Err(E::custom(VALUE))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, _: A) -> Result<Number, A::Error> {
        Err(A::Error::custom(VALUE))
    }

    fn visit_map<A: MapAccess<'de>>(self, _: A) -> Result<Number, A::Error> {
        Err(A::Error::custom(VALUE))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::serve::http::Content;

    fn at(text: &str) -> Timestamp {
        Timestamp::parse(text.as_bytes()).unwrap()
    }

    fn shown(body: &str) -> Vec<String> {
        let points = read(body.as_bytes(), at("2026-11-22T10:00:00Z")).unwrap();
        points.iter().map(|point| format!("{} {}", point.timestamp, point.value)).collect()
    }

    #[test]
    fn measures_are_read_in_all_forms() {
        let body = r#" [{"timestamp": "2015-03-06T14:33:57", "value": 43.1}, {"value": 2, "x": [{}], "timestamp": 1425652438},
            {"timestamp": 1425652438.25, "value": "1e3"}, {"timestamp": "2015\u002d03-06T14:33:57Z", "value": "NaN"},
            {"timestamp": "1425652438", "value": true}] "#;
        assert_eq!(
            shown(body),
            [
                "2015-03-06T14:33:57Z 43.1",
                "2015-03-06T14:33:58Z 2",
                "2015-03-06T14:33:58.25Z 1000",
                "2015-03-06T14:33:57Z NaN",
                "2015-03-06T14:33:58Z 1"
            ]
        );
        assert_eq!(shown(r#"[{"timestamp": "-5 minutes", "value": 1}]"#), ["2026-11-22T09:55:00Z 1"]);
        assert_eq!(shown("[]"), [] as [&str; 0]);
    }

    #[test]
    fn what_is_no_measure_is_told_in_the_words_of_the_original() {
        for (body, reason) in [
            (r#"{"timestamp": 1, "value": 1}"#, FORMAT),
            ("1", FORMAT),
            (r#"[["2015-03-06T14:33:57", 43.1]]"#, FORMAT),
            (r#"[{"timestamp": 1}]"#, FORMAT),
            (r#"[{"value": 1}]"#, FORMAT),
            (r#"[{"timestamp": null, "value": 1}]"#, FORMAT),
            (r#"[{"timestamp": 1, "value": null}]"#, VALUE),
            (r#"[{"timestamp": 1, "value": []}]"#, VALUE),
            (r#"[{"timestamp": 1, "value": "x"}]"#, VALUE),
            (r#"[{"timestamp": "x", "value": 1}]"#, CONVERT),
            (r#"[{"timestamp": 1, "value": 1}, {"timestamp": "-1 day", "value": 1}]"#, CONVERT),
            (r#"[{"timestamp": "1969-12-31T23:59:59Z", "value": 1}]"#, EPOCH),
            (r#"[{"timestamp": -1, "value": 1}]"#, EPOCH),
        ] {
            let problem = read(body.as_bytes(), at("2026-11-22T10:00:00Z")).unwrap_err();
            let Content::Whole(told) = problem.answer(Some("application/json")).content else { panic!() };
            let told: serde_json::Value = serde_json::from_slice(&told).unwrap();
            assert_eq!(told["description"]["reason"], reason, "{body}");
        }
    }

    #[test]
    fn what_is_no_json_is_refused_wherever_it_ends() {
        let body = r#"[{"timestamp": "2015-03-06T14:33:57", "value": 43.1}]"#;
        for end in 0..body.len() {
            assert!(read(&body.as_bytes()[..end], Timestamp::from_ns(0)).is_err(), "{end}");
        }
        assert!(read(format!("{body}]").as_bytes(), Timestamp::from_ns(0)).is_err());
        assert!(read(b"[{\"timestamp\": 1, \"value\": \"\xff\"}]", Timestamp::from_ns(0)).is_err());
    }
}
