//! `/v1/archive_policy`: which spans are kept of metrics, and for how long.

use std::num::NonZeroU64;

use hyper::StatusCode;
use serde_json::{Value, json};

use super::Desk;
use super::body::Field;
use super::json::length;
use crate::model::Granularity;
use crate::series::{ArchivePolicy, BadPolicy, DEFAULT_METHODS, Definition, methods_of_words};
use crate::serve::auth::Target;
use crate::serve::http::{Answer, Call, Problem, Route};
use crate::store::index::NAME_CHARACTERS_MAX;

/// Most granularities of a policy: each is computed and kept of every metric.
const GRANULARITIES_MAX: usize = 100;
/// Most words for methods: there are 216 methods, each once, with a plus and with a minus.
const METHODS_MAX: usize = 1_000;

/// What is answered here.
pub(super) fn routes() -> Vec<Route<Desk>> {
    vec![
        Route::get("/v1/archive_policy", list),
        Route::post("/v1/archive_policy", create),
        Route::get("/v1/archive_policy/{name}", show),
        Route::patch("/v1/archive_policy/{name}", update),
        Route::delete("/v1/archive_policy/{name}", delete),
    ]
}

/// An archive policy as it is written in answers.
pub(super) fn told(policy: &ArchivePolicy) -> Value {
    let definition = |one: &Definition| {
        json!({
            "granularity": length(one.granularity),
            "points": one.points,
            "timespan": one.timespan().map(length),
        })
    };
    let methods: Vec<String> = policy.methods().iter().map(ToString::to_string).collect();
    json!({
        "name": policy.name(),
        "back_window": policy.back_window(),
        "definition": policy.definition().iter().map(definition).collect::<Vec<_>>(),
        "aggregation_methods": methods,
    })
}

fn list(desk: &Desk, call: &Call) -> Result<Answer, Problem> {
    desk.enforce(call, "list archive policy", &Target::new())?;
    let policies = desk.store.index().archive_policies()?;
    Answer::json(&policies.iter().map(|policy| told(policy)).collect::<Vec<_>>())
}

fn show(desk: &Desk, call: &Call) -> Result<Answer, Problem> {
    let policy = desk.store.index().archive_policy(call.part(0))?;
    desk.enforce(call, "get archive policy", &target(policy.name()))?;
    Answer::json(&told(&policy))
}

fn create(desk: &Desk, call: &Call) -> Result<Answer, Problem> {
    desk.enforce(call, "create archive policy", &Target::new())?;
    let body = call.json()?;
    let members =
        Field::whole(&body).members_of(&["name", "back_window", "aggregation_methods", "definition"])?;
    let name = members.required("name")?.text_up_to(NAME_CHARACTERS_MAX)?;
    let back_window = members.optional("back_window").map(|field| back_window(&field)).transpose()?;
    let methods = match members.optional("aggregation_methods") {
        None => DEFAULT_METHODS.to_vec(),
        Some(field) => {
            let words = field.list()?;
            if words.len() > METHODS_MAX {
                return Err(field.refused(&format!("length of value must be at most {METHODS_MAX}")));
            }
            let words = words.iter().map(Field::text).collect::<Result<Vec<_>, _>>()?;
            methods_of_words(words).map_err(|error| field.refused(&error.to_string()))?
        }
    };
    let definition = definition(&members.required("definition")?)?;
    let policy = ArchivePolicy::new(name, back_window.unwrap_or(0), methods, definition).map_err(bad)?;
    desk.enforce(call, "create archive policy", &target(name))?;
    desk.store.index().create_archive_policy(&policy)?;
    Answer::created(&told(&policy), &call.site, &format!("/v1/archive_policy/{}", name))
}

fn update(desk: &Desk, call: &Call) -> Result<Answer, Problem> {
    let policy = desk.store.index().archive_policy(call.part(0))?;
    let name = policy.name();
    desk.enforce(call, "update archive policy", &target(name))?;
    let body = call.json()?;
    let members = Field::whole(&body).members_of(&["definition", "back_window"])?;
    let definition = definition(&members.required("definition")?)?;
    let back_window = members.optional("back_window").map(|field| back_window(&field)).transpose()?;
    let refused = |error: BadPolicy| match error {
        BadPolicy::OtherGranularities => unsupported(name, "Cannot add or drop granularities"),
        BadPolicy::ChangedGranularity(granularity) => {
            let reason = format!("{} granularity interval was changed", python_seconds(granularity));
            unsupported(name, &reason)
        }
        other => bad(other),
    };
    policy.updated(definition.clone(), back_window).map_err(refused)?;
    Answer::json(&told(&*desk.store.update_archive_policy(name, definition, back_window)?))
}

fn delete(desk: &Desk, call: &Call) -> Result<Answer, Problem> {
    desk.enforce(call, "delete archive policy", &Target::new())?;
    desk.store.index().delete_archive_policy(call.part(0))?;
    Ok(Answer::empty(StatusCode::NO_CONTENT))
}

fn target(name: &str) -> Target {
    Target::new().with("name", Some(name))
}

fn back_window(field: &Field<'_>) -> Result<u32, Problem> {
    let blocks = field.whole_number(0)?;
    u32::try_from(blocks).map_err(|_| field.refused(&format!("value must be at most {}", u32::MAX)))
}

fn definition(field: &Field<'_>) -> Result<Vec<Definition>, Problem> {
    let items = field.filled_list()?;
    if items.len() > GRANULARITIES_MAX {
        return Err(field.refused(&format!("length of value must be at most {GRANULARITIES_MAX}")));
    }
    items.iter().map(one_definition).collect()
}

fn one_definition(item: &Field<'_>) -> Result<Definition, Problem> {
    let members = item.members_of(&["granularity", "points", "timespan"])?;
    let length = |name| members.optional(name).map(|field| field.length()).transpose();
    let points = members.optional("points").map(|field| field.whole_number(1)).transpose()?;
    Definition::of(length("granularity")?, points.and_then(NonZeroU64::new), length("timespan")?).map_err(bad)
}

/// 400 in the words that clients know.
fn bad(error: BadPolicy) -> Problem {
    match error {
        BadPolicy::SameGranularity(granularity) => {
            let granularity = python_seconds(granularity);
            Problem::bad(format!("More than one archive policy uses granularity `{granularity}'"))
        }
        other => Problem::bad(other.to_string()),
    }
}

fn unsupported(name: &str, reason: &str) -> Problem {
    Problem::bad(format!("Archive policy {name} does not support change: {reason}"))
}

/// Seconds as Python writes a float: `1.0`.
fn python_seconds(of: Granularity) -> String {
    format!("{:?}", of.seconds())
}
