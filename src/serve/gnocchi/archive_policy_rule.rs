//! `/v1/archive_policy_rule`: which archive policy a metric gets that names none.

use hyper::StatusCode;
use serde_json::{Value, json};

use super::Desk;
use super::body::Field;
use crate::serve::auth::Target;
use crate::serve::http::{Answer, Call, Problem, Route};
use crate::store::index::{ArchivePolicyRule, IndexError, NAME_CHARACTERS_MAX, Thing};

/// What is answered here.
pub(super) fn routes() -> Vec<Route<Desk>> {
    vec![
        Route::get("/v1/archive_policy_rule", list),
        Route::post("/v1/archive_policy_rule", create),
        Route::get("/v1/archive_policy_rule/{name}", show),
        Route::patch("/v1/archive_policy_rule/{name}", rename),
        Route::delete("/v1/archive_policy_rule/{name}", delete),
    ]
}

fn list(desk: &Desk, call: &Call) -> Result<Answer, Problem> {
    desk.enforce(call, "list archive policy rule", &Target::new())?;
    let rules = desk.store.index().archive_policy_rules()?;
    Answer::json(&rules.iter().map(told).collect::<Vec<_>>())
}

fn show(desk: &Desk, call: &Call) -> Result<Answer, Problem> {
    let rule = desk.store.index().archive_policy_rule(call.part(0))?;
    desk.enforce(call, "get archive policy rule", &target(&rule))?;
    Answer::json(&told(&rule))
}

fn create(desk: &Desk, call: &Call) -> Result<Answer, Problem> {
    desk.enforce(call, "create archive policy rule", &Target::new())?;
    let body = call.json()?;
    let members = Field::whole(&body).members_of(&["name", "metric_pattern", "archive_policy_name"])?;
    let text = |name| members.required(name)?.text_up_to(NAME_CHARACTERS_MAX).map(ToOwned::to_owned);
    let rule = ArchivePolicyRule {
        name: text("name")?,
        metric_pattern: text("metric_pattern")?,
        archive_policy: text("archive_policy_name")?,
    };
    desk.enforce(call, "create archive policy rule", &target(&rule))?;
    desk.store.index().create_archive_policy_rule(&rule).map_err(|error| match error {
        IndexError::NotFound { what: Thing::ArchivePolicy, name } => {
            Problem::bad(json!({"cause": "Archive policy does not exist", "detail": name}))
        }
        other => other.into(),
    })?;
    let location = format!("/v1/archive_policy_rule/{}", rule.name);
    Answer::created(&told(&rule), &call.site, &location)
}

fn rename(desk: &Desk, call: &Call) -> Result<Answer, Problem> {
    let index = desk.store.index();
    let rule = index.archive_policy_rule(call.part(0))?;
    let body = call.json()?;
    let members = Field::whole(&body).members_of(&["name"])?;
    let name = members.required("name")?.text_up_to(NAME_CHARACTERS_MAX)?;
    desk.enforce(call, "update archive policy rule", &Target::new())?;
    index.rename_archive_policy_rule(&rule.name, name).map_err(|error| match error {
        IndexError::Exists { name, .. } => Problem::bad(format!(
            "Archive policy rule {} does not support change: Archive policy rule {name} already exists.",
            rule.name
        )),
        other => other.into(),
    })?;
    Answer::json(&told(&ArchivePolicyRule { name: name.to_owned(), ..rule }))
}

fn delete(desk: &Desk, call: &Call) -> Result<Answer, Problem> {
    // Looked for first: what is not there is 404 to everybody.
    let index = desk.store.index();
    index.archive_policy_rule(call.part(0))?;
    desk.enforce(call, "delete archive policy rule", &Target::new())?;
    index.delete_archive_policy_rule(call.part(0))?;
    Ok(Answer::empty(StatusCode::NO_CONTENT))
}

fn told(rule: &ArchivePolicyRule) -> Value {
    json!({
        "name": rule.name,
        "metric_pattern": rule.metric_pattern,
        "archive_policy_name": rule.archive_policy,
    })
}

fn target(rule: &ArchivePolicyRule) -> Target {
    Target::new()
        .with("name", Some(&rule.name))
        .with("metric_pattern", Some(&rule.metric_pattern))
        .with("archive_policy_name", Some(&rule.archive_policy))
}
