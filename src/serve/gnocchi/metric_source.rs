//! `metrics` in bodies: the metrics that a resource gets, by name.

use super::body::{Field, Members};
use super::{Desk, scope};
use crate::serve::auth::{Identity, Target};
use crate::serve::http::Problem;
use crate::store::index::{GENERIC, IndexError, MetricSource, Thing, UNIT_CHARACTERS_MAX, parse_uuid};

/// Most metrics that one request gives a resource.
const METRICS_MAX: usize = 10_000;

/// Reads `{NAME: UUID or {archive_policy_name, unit}}`.
///
/// # Errors
/// 400 when it is something else, or no policy is named and no rule chooses one; 403 when the caller may not make metrics.
pub(super) fn read(
    desk: &Desk,
    who: &Identity,
    field: &Field<'_>,
) -> Result<Vec<(String, MetricSource)>, Problem> {
    let members = field.members()?;
    if members.len() > METRICS_MAX {
        return Err(field.refused(&format!("length of value must be at most {METRICS_MAX}")));
    }
    members.iter().map(|(name, field)| Ok((name.to_owned(), one(desk, who, name, &field)?))).collect()
}

/// 409 when a name is taken, 400 when something that the request names is not there.
pub(super) fn refusal(error: IndexError) -> Problem {
    match error {
        IndexError::Exists { what: Thing::Metric, name } => {
            Problem::conflict(format!("Named metric {name} already exists"))
        }
        IndexError::NotFound { what: Thing::Metric | Thing::ArchivePolicy, .. } => {
            Problem::from(error).with_status(hyper::StatusCode::BAD_REQUEST)
        }
        other => other.into(),
    }
}

fn one(desk: &Desk, who: &Identity, name: &str, field: &Field<'_>) -> Result<MetricSource, Problem> {
    let Ok(members) = field.members() else {
        let id = field.value.as_str().and_then(parse_uuid);
        return id.map(MetricSource::Existing).ok_or_else(|| field.refused("expected a dictionary"));
    };
    members.only(&["archive_policy_name", "resource_id", "name", "unit"])?;
    let text = |name| members.optional(name).map(|field| field.text()).transpose();
    let archive_policy = text("archive_policy_name")?;
    let unit = members.optional("unit").map(|field| field.text_up_to(UNIT_CHARACTERS_MAX)).transpose()?;
    if name.contains('/') {
        return Err(Problem::bad("'/' is not supported in metric name"));
    }
    if archive_policy.is_none() {
        desk.store.index().archive_policy_for(Some(name))?;
    }
    let resource = of_resource(desk, who, &members)?;
    let target = Target::new()
        .with("creator", Some(&who.creator))
        .with("archive_policy_name", archive_policy)
        .with("resource_id", resource.as_deref())
        .with("name", Some(name))
        .with("unit", unit);
    desk.allow(who, "create metric", &target)?;
    let owned = |text: Option<&str>| text.map(ToOwned::to_owned);
    Ok(MetricSource::New { archive_policy: owned(archive_policy), unit: owned(unit) })
}

/// The resource that a definition names. Which one the metric belongs to is said by where it stands; as with the original
/// this one must be there all the same, and the caller's to change.
fn of_resource(desk: &Desk, who: &Identity, members: &Members<'_>) -> Result<Option<String>, Problem> {
    let Some(field) = members.optional("resource_id") else { return Ok(None) };
    let id = field.resource_id(&who.creator)?.uuid();
    let resource = desk.store.index().find_resource(GENERIC, id)?;
    let resource = resource.ok_or_else(|| Problem::not_found(format!("Resource {id} does not exist")))?;
    desk.allow(who, "update resource", &scope::target_of(&resource))?;
    Ok(Some(id.to_string()))
}
