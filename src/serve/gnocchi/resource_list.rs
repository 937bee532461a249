//! Lists of resources: of a type, of one resource's states, and those that a search finds.

use serde_json::Value;

use super::page::{linked, page};
use super::resource_told::Teller;
use super::{Desk, scope};
use crate::query::Filter;
use crate::serve::http::{Answer, Call, Problem};
use crate::store::index::{Resource, ResourceQuery};

/// By what lists of resources are sorted when nothing is said.
const USUAL_SORT: [&str; 2] = ["revision_start:asc", "started_at:asc"];

/// Which resources a list is of.
pub(super) struct Wanted<'a> {
    /// Their type.
    pub(super) resource_type: &'a str,
    /// Which of them.
    pub(super) filter: Filter,
    /// Those that the caller may know of.
    pub(super) known: Filter,
    /// Whose names for resources the filter uses.
    pub(super) creator: Option<String>,
    /// Whether also what they were.
    pub(super) history: bool,
}

/// The part of the list that the request asks for, with a link to the next.
///
/// # Errors
/// 400 when a parameter or the filter is not as it must be.
pub(super) fn answer(desk: &Desk, call: &Call, wanted: Wanted<'_>) -> Result<Answer, Problem> {
    let details = call.query.flag("details")?;
    let members: Vec<&str> = call.query.all("attrs").filter(|name| !name.is_empty()).collect();
    let query = ResourceQuery {
        resource_type: wanted.resource_type.to_owned(),
        filter: wanted.filter,
        known: wanted.known,
        creator: wanted.creator,
        history: wanted.history,
        metrics: members.is_empty() || members.contains(&"metrics"),
        page: page(call, desk.options.page_max)?,
    };
    let index = desk.store.index();
    let (last, rows) = index.snapshot(|index| {
        let resources = index.resources(&query)?;
        let told: Vec<Value> = Teller::new(index, wanted.resource_type, details, members).all(&resources)?;
        let marker = |resource: &Resource| match wanted.history {
            true => format!("{}@{}", resource.id, resource.revision.0),
            false => resource.id.to_string(),
        };
        Ok::<_, Problem>((resources.last().map(marker), told))
    })?;
    Ok(linked(Answer::json(&rows)?, call, &query.page, rows.len(), last, &USUAL_SORT))
}

/// As [`answer`], of those that the caller may see.
///
/// - `rule`: the rule of the list
///
/// # Errors
/// As [`answer`]; 403 when the caller may see none.
pub(super) fn visible(desk: &Desk, call: &Call, rule: &str, wanted: Wanted<'_>) -> Result<Answer, Problem> {
    let known = scope::of_resources(desk, call, rule, wanted.resource_type)?;
    answer(desk, call, Wanted { known, ..wanted })
}
