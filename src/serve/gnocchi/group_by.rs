//! What a request groups resources by.

use crate::serve::http::Call;
use crate::store::index::ResourceType;

/// What every resource can be grouped by.
const MEMBERS: [&str; 12] = [
    "id",
    "original_resource_id",
    "type",
    "creator",
    "created_by_user_id",
    "created_by_project_id",
    "user_id",
    "project_id",
    "started_at",
    "ended_at",
    "revision_start",
    "revision_end",
];

/// The names of what resources are grouped by, sorted, each once.
///
/// # Errors
/// The first name that resources of the type do not have.
pub(super) fn group_by(call: &Call, resource_type: &ResourceType) -> Result<Vec<String>, String> {
    let mut names: Vec<String> =
        call.query.all("groupby").filter(|name| !name.is_empty()).map(ToOwned::to_owned).collect();
    names.sort();
    names.dedup();
    let is_known =
        |name: &String| MEMBERS.contains(&name.as_str()) || resource_type.attributes().contains_key(name);
    match names.iter().find(|name| !is_known(name)) {
        Some(name) => Err(name.clone()),
        None => Ok(names),
    }
}
