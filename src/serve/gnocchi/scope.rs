//! What of a list its caller sees: everything, or what is its project's.
//!
//! Gnocchi's auth helper does this with LIKE over the creator; here project ids are compared as they are, so that a project
//! called `%` sees nothing of others, and nobody owns what has no project.

use crate::query::{Comparison, Filter, Literal, Path};
use crate::serve::auth::{Identity, Mode, Target};
use crate::serve::gnocchi::Desk;
use crate::serve::http::{Call, Problem};
use crate::store::index::Resource;

/// The resources that a list shows to its caller, as a filter over resources.
///
/// - `rule`: the rule of the list
///
/// # Errors
/// 403 when the rule shows it nothing at all.
pub(super) fn of_resources(
    desk: &Desk,
    call: &Call,
    rule: &str,
    resource_type: &str,
) -> Result<Filter, Problem> {
    let target = || Target::new().with("resource_type", Some(resource_type));
    narrowed(desk, call, rule, target(), &["project_id", "created_by_project_id"])
}

/// The metrics that a list shows to its caller, as a filter over metrics.
///
/// - `rule`: the rule of the list
///
/// # Errors
/// 403 when the rule shows it nothing at all.
pub(super) fn of_metrics(desk: &Desk, call: &Call, rule: &str) -> Result<Filter, Problem> {
    narrowed(desk, call, rule, Target::new(), &["created_by_project_id", "resource.project_id"])
}

/// What rules may ask about a resource.
pub(super) fn target_of(resource: &Resource) -> Target {
    let id = resource.id.to_string();
    Target::new()
        .with("id", Some(&id))
        .with("original_resource_id", Some(&resource.original_id))
        .with("type", Some(&resource.resource_type))
        .with("resource_type", Some(&resource.resource_type))
        .with("creator", resource.creator.as_deref())
        .with("created_by_user_id", resource.created_by_user_id())
        .with("created_by_project_id", resource.created_by_project_id())
        .with("user_id", resource.user_id.as_deref())
        .with("project_id", resource.project_id.as_deref())
}

/// Both of two filters.
pub(super) fn both(scope: Filter, filter: Filter) -> Filter {
    match (scope, filter) {
        (Filter::Everything, one) | (one, Filter::Everything) => one,
        (scope, filter) => Filter::And(vec![scope, filter]),
    }
}

/// - `owners`: the fields that hold the project of an owner, each allowed by itself
fn narrowed(
    desk: &Desk,
    call: &Call,
    rule: &str,
    target: Target,
    owners: &[&str],
) -> Result<Filter, Problem> {
    if matches!(desk.options.mode, Mode::Basic | Mode::RemoteUser) {
        // Nobody needs a name for a list, but the log says one that is there.
        let _ = desk.identify(call);
        return Ok(Filter::Everything);
    }
    let who = desk.identify(call)?;
    let policy = desk.options.policy();
    let allows = |target: &Target| policy.allows(rule, &who, target);
    if allows(&target) {
        return Ok(Filter::Everything);
    }
    let mut seen = owned(&who, owners, |owner, project| allows(&target.clone().with(owner, Some(project))));
    match seen.len() {
        0 => Err(Problem::forbidden()),
        1 => Ok(seen.remove(0)),
        _ => Ok(Filter::Or(seen)),
    }
}

fn owned(who: &Identity, owners: &[&str], allows: impl Fn(&str, &str) -> bool) -> Vec<Filter> {
    let Some(project) = who.project_id.as_deref() else { return Vec::new() };
    let allowed = owners.iter().filter(|owner| allows(owner, project));
    allowed
        .filter_map(|owner| {
            let (path, value) = (Path::new(owner)?, Literal::text(project));
            Some(Filter::Compare { path, comparison: Comparison::Equal, value })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(project: Option<&str>, allowed: &[&str]) -> Vec<Filter> {
        let who = Identity::of_token(Some("u".to_owned()), project.map(ToOwned::to_owned), None, Vec::new());
        owned(&who, &["project_id", "created_by_project_id"], |owner, _| allowed.contains(&owner))
    }

    #[test]
    fn a_project_is_compared_as_it_is() {
        let filters = seen(Some("p-%_"), &["project_id", "created_by_project_id"]);
        assert_eq!(filters[0], Filter::parse("project_id = 'p-%_'").unwrap());
        assert_eq!(filters[1], Filter::parse("created_by_project_id = 'p-%_'").unwrap());
        assert_eq!(seen(Some("p"), &["project_id"]).len(), 1);
    }

    #[test]
    fn nobody_sees_what_has_no_project() {
        assert_eq!(seen(None, &["project_id", "created_by_project_id"]), []);
    }

    #[test]
    fn everything_and_a_filter_is_the_filter() {
        let filter = || Filter::parse("id = a").unwrap();
        assert_eq!(both(Filter::Everything, filter()), filter());
        assert_eq!(both(filter(), Filter::Everything), filter());
        assert_eq!(both(filter(), filter()), Filter::And(vec![filter(), filter()]));
    }
}
