//! What a request groups resources by.

use super::resource_told::MEMBERS;
use crate::serve::http::Call;
use crate::store::index::ResourceType;

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
