//! Bodies of requests, read member by member; what is wrong is told with its place, as voluptuous does for Gnocchi.

use serde_json::{Map, Value, json};

use crate::model::{Granularity, Timestamp};
use crate::serve::http::Problem;
use crate::store::index::ResourceId;

/// Longest list: as many as a filter takes, and each costs its place in memory.
const VALUES_MAX: usize = 10_000;

/// A value of a body, and where it stands.
#[derive(Clone, Debug)]
pub(super) struct Field<'a> {
    /// The value.
    pub(super) value: &'a Value,
    path: Vec<Part>,
}

/// The members of an object of a body.
#[derive(Clone, Debug)]
pub(super) struct Members<'a> {
    members: &'a Map<String, Value>,
    path: Vec<Part>,
}

#[derive(Clone, Debug)]
enum Part {
    Name(String),
    Index(usize),
}

impl<'a> Field<'a> {
    /// A whole body.
    pub(super) fn whole(body: &'a Value) -> Field<'a> {
        Field { value: body, path: Vec::new() }
    }

    /// 400 with this reason, followed by the place.
    pub(super) fn refused(&self, reason: &str) -> Problem {
        refused(reason, &self.path, matches!(self.path.last(), Some(Part::Name(_))))
    }

    /// Its members, whichever they are.
    ///
    /// # Errors
    /// 400 when it is no object.
    pub(super) fn members(&self) -> Result<Members<'a>, Problem> {
        let members = self.value.as_object().ok_or_else(|| self.refused("expected a dictionary"))?;
        Ok(Members { members, path: self.path.clone() })
    }

    /// Its members, which are among those.
    ///
    /// # Errors
    /// 400 when it is no object, or has others.
    pub(super) fn members_of(&self, known: &[&str]) -> Result<Members<'a>, Problem> {
        let members = self.members()?;
        members.only(known)?;
        Ok(members)
    }

    /// Its values.
    ///
    /// # Errors
    /// 400 when it is no list.
    pub(super) fn list(&self) -> Result<Vec<Field<'a>>, Problem> {
        let values = self.value.as_array().ok_or_else(|| self.refused("expected a list"))?;
        if values.len() > VALUES_MAX {
            return Err(self.refused(&format!("at most {VALUES_MAX} values stand in a list")));
        }
        let field = |(index, value)| {
            let mut path = self.path.clone();
            path.push(Part::Index(index));
            Field { value, path }
        };
        Ok(values.iter().enumerate().map(field).collect())
    }

    /// Its values, at least one.
    ///
    /// # Errors
    /// 400 when it is no list, or an empty one.
    pub(super) fn filled_list(&self) -> Result<Vec<Field<'a>>, Problem> {
        let values = self.list()?;
        if values.is_empty() { Err(self.refused("length of value must be at least 1")) } else { Ok(values) }
    }

    /// A text.
    ///
    /// # Errors
    /// 400 when it is none.
    pub(super) fn text(&self) -> Result<&'a str, Problem> {
        self.value.as_str().ok_or_else(|| self.refused("expected str"))
    }

    /// A text of so many characters at most.
    ///
    /// # Errors
    /// 400 when it is none, or longer.
    pub(super) fn text_up_to(&self, characters_max: usize) -> Result<&'a str, Problem> {
        let text = self.text()?;
        if text.chars().count() > characters_max {
            return Err(self.refused(&format!("length of value must be at most {characters_max}")));
        }
        Ok(text)
    }

    /// A whole number, also one written as a text or with a fraction, which is cut.
    ///
    /// # Errors
    /// 400 when it is none, or less than `least`.
    pub(super) fn whole_number(&self, least: u64) -> Result<u64, Problem> {
        let number = match self.value {
            // Clients write a number of points with a point; what lies beyond 64 bits is cut to them.
            Value::Number(number) => number.as_i64().or_else(|| number.as_f64().map(|float| float as i64)),
            Value::String(text) => text.trim().parse().ok(),
            _ => None,
        };
        let number = number.ok_or_else(|| self.refused("expected int"))?;
        u64::try_from(number)
            .ok()
            .filter(|number| *number >= least)
            .ok_or_else(|| self.refused(&format!("value must be at least {least}")))
    }

    /// A length of time: seconds, or a text such as `5 minutes` or `1:00:00`.
    ///
    /// # Errors
    /// 400 when it is none, or not over zero.
    pub(super) fn length(&self) -> Result<Granularity, Problem> {
        let text = match self.value {
            Value::String(text) => text.clone(),
            Value::Number(number) => number.to_string(),
            Value::Null => return Err(self.refused("Invalid timespan")),
            _ => return Err(self.refused("Unable to parse timespan")),
        };
        if let Ok(seconds) = text.trim().parse::<f64>() {
            if !seconds.is_finite() {
                return Err(self.refused("Unable to parse timespan"));
            }
            // The cast saturates: 292 years are as good as more.
            let length = text.trim().parse().ok().or_else(|| Granularity::from_ns((seconds * 1e9) as i64));
            return length.ok_or_else(|| self.refused("Timespan must be positive"));
        }
        super::timing::length(&text).ok_or_else(|| self.refused("Unable to parse timespan"))
    }

    /// A time: a text, or seconds since 1970.
    ///
    /// # Errors
    /// 400 when it is none.
    pub(super) fn time(&self) -> Result<Timestamp, Problem> {
        let time = match self.value {
            Value::String(text) => time(text),
            Value::Number(number) => Timestamp::parse_epoch(number.to_string().as_bytes())
                .ok()
                .or_else(|| number.as_f64().and_then(|seconds| Timestamp::from_seconds(seconds).ok())),
            _ => None,
        };
        time.ok_or_else(|| self.refused("not a time such as 2026-11-22T10:00:00"))
    }

    /// The id of a resource, a uuid or what `creator` calls it.
    ///
    /// # Errors
    /// 400 when it can be none.
    pub(super) fn resource_id(&self, creator: &str) -> Result<ResourceId, Problem> {
        let text = match self.value {
            Value::String(text) => text.clone(),
            Value::Number(number) => number.to_string(),
            _ => return Err(self.refused("expected str")),
        };
        resource_id(&text, creator).map_err(|reason| self.refused(&reason))
    }
}

/// The resource that `creator` calls so, or why there can be none, in Gnocchi's words.
pub(super) fn resource_id(text: &str, creator: &str) -> Result<ResourceId, String> {
    ResourceId::of(text, Some(creator)).map_err(|error| {
        if text.contains('/') {
            "'/' is not supported in resource id".to_owned()
        } else if text.chars().count() > crate::store::index::ORIGINAL_ID_CHARACTERS_MAX {
            "transformable resource id >289 max allowed characters".to_owned()
        } else {
            error.to_string()
        }
    })
}

/// A time as a text says it: of a day the start, or seconds since 1970.
pub(super) fn time(text: &str) -> Option<Timestamp> {
    let text = text.trim().as_bytes();
    let time = Timestamp::parse(text).or_else(|_| Timestamp::parse_day(text));
    time.or_else(|_| Timestamp::parse_epoch(text)).ok()
}

impl<'a> Members<'a> {
    /// Refuses any that is not among those.
    ///
    /// # Errors
    /// 400
    pub(super) fn only(&self, known: &[&str]) -> Result<(), Problem> {
        match self.members.keys().find(|name| !known.contains(&name.as_str())) {
            Some(extra) => Err(self.extra(extra)),
            None => Ok(()),
        }
    }

    /// 400: there may be no member of that name.
    pub(super) fn extra(&self, name: &str) -> Problem {
        refused("extra keys not allowed", &self.path_to(name), false)
    }

    /// A member that must be there.
    ///
    /// # Errors
    /// 400 when it is not.
    pub(super) fn required(&self, name: &str) -> Result<Field<'a>, Problem> {
        self.optional(name).ok_or_else(|| refused("required key not provided", &self.path_to(name), false))
    }

    /// A member that may be there.
    pub(super) fn optional(&self, name: &str) -> Option<Field<'a>> {
        let value = self.members.get(name)?;
        Some(Field { value, path: self.path_to(name) })
    }

    /// All of them.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&'a str, Field<'a>)> {
        self.members.iter().map(|(name, value)| (name.as_str(), Field { value, path: self.path_to(name) }))
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.members.len()
    }

    /// 400 for a member, whose place is told without saying what it is of.
    pub(super) fn key_refused(&self, name: &str, reason: &str) -> Problem {
        refused(reason, &self.path_to(name), false)
    }

    fn path_to(&self, name: &str) -> Vec<Part> {
        let mut path = self.path.clone();
        path.push(Part::Name(name.to_owned()));
        path
    }
}

/// - `of_member`: whether the reason is about the value of a member
fn refused(reason: &str, path: &[Part], of_member: bool) -> Problem {
    let at: String = path
        .iter()
        .map(|part| match part {
            Part::Name(name) => format!("['{name}']"),
            Part::Index(index) => format!("[{index}]"),
        })
        .collect();
    let detail: Vec<String> = path
        .iter()
        .map(|part| match part {
            Part::Name(name) => name.clone(),
            Part::Index(index) => index.to_string(),
        })
        .collect();
    let of = if of_member { " for dictionary value" } else { "" };
    let at = if at.is_empty() { String::new() } else { format!(" @ data{at}") };
    Problem::bad(json!({"cause": "Invalid input", "reason": format!("{reason}{of}{at}"), "detail": detail}))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(problem: Problem) -> String {
        let answer = problem.answer(Some("application/json"));
        let crate::serve::http::Content::Whole(bytes) = answer.content else { panic!("no body") };
        let told: Value = serde_json::from_slice(&bytes).unwrap();
        format!("{} {}", told["description"]["reason"].as_str().unwrap(), told["description"]["detail"])
    }

    #[test]
    fn what_is_wrong_is_told_with_its_place() {
        let body = json!({"a": [{"b": 1}], "c": [], "d": -1});
        let members = Field::whole(&body).members().unwrap();
        assert_eq!(
            told(members.required("x").unwrap_err()),
            r#"required key not provided @ data['x'] ["x"]"#
        );
        assert_eq!(told(members.only(&["a"]).unwrap_err()), r#"extra keys not allowed @ data['c'] ["c"]"#);
        let one = &members.required("a").unwrap().list().unwrap()[0];
        let b = one.members().unwrap().required("b").unwrap();
        assert_eq!(
            told(b.text().unwrap_err()),
            r#"expected str for dictionary value @ data['a'][0]['b'] ["a","0","b"]"#
        );
        assert_eq!(told(one.text().unwrap_err()), r#"expected str @ data['a'][0] ["a","0"]"#);
        assert_eq!(
            told(members.required("c").unwrap().filled_list().unwrap_err()),
            r#"length of value must be at least 1 for dictionary value @ data['c'] ["c"]"#
        );
        assert_eq!(
            told(members.required("d").unwrap().whole_number(0).unwrap_err()),
            r#"value must be at least 0 for dictionary value @ data['d'] ["d"]"#
        );
        assert_eq!(told(Field::whole(&json!([])).members().unwrap_err()), "expected a dictionary []");
    }

    #[test]
    fn numbers_lengths_and_times_are_read_as_they_are_written() {
        let of = |value: Value| Field::whole(&value).length().map(|length| length.ns()).ok();
        assert_eq!(of(json!(300)), Some(300_000_000_000));
        assert_eq!(of(json!(0.1)), Some(100_000_000));
        assert_eq!(of(json!("1:00:00")), Some(3_600_000_000_000));
        for wrong in [json!(0), json!(-1), json!("soon"), json!(null), json!([]), json!("nan")] {
            assert_eq!(of(wrong.clone()), None, "{wrong}");
        }
        let number = |value: Value| Field::whole(&value).whole_number(1).ok();
        assert_eq!((number(json!(5.0)), number(json!("7")), number(json!(0))), (Some(5), Some(7), None));
        let time = |value: Value| Field::whole(&value).time().ok().map(|time| time.to_string());
        assert_eq!(time(json!("2014-01-03T02:02:02+00:00")).as_deref(), Some("2014-01-03T02:02:02Z"));
        assert_eq!(time(json!(1)).as_deref(), Some("1970-01-01T00:00:01Z"));
        assert_eq!(time(json!("later")), None);
    }
}
