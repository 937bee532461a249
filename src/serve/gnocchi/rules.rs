//! Who may do what unless the operator says otherwise, as in Gnocchi 4.7.1.

use crate::serve::auth::{BadRules, Policy};

const ADMIN: &str = "role:admin";
const ADMIN_OR_CREATOR: &str = "rule:admin_or_creator";
const ADMIN_OR_SERVICE_OR_CREATOR: &str = "rule:admin_or_service or rule:creator";
const OF_METRIC: &str = "rule:admin_or_creator or rule:metric_owner";
const OF_METRIC_OR_SERVICE: &str = "rule:admin_or_service or rule:creator or rule:metric_owner";

/// The rules and their names, which are those of the operations.
pub const DEFAULT_RULES: [(&str, &str); 38] = [
    ("context_is_admin", ADMIN),
    ("admin_or_creator", "role:admin or user:%(creator)s or project_id:%(created_by_project_id)s"),
    ("admin_or_service", "role:admin or role:service"),
    ("creator", "user:%(creator)s or project_id:%(created_by_project_id)s"),
    ("resource_owner", "project_id:%(project_id)s"),
    ("metric_owner", "project_id:%(resource.project_id)s"),
    ("get status", ADMIN),
    ("create resource", ""),
    ("get resource", "rule:admin_or_creator or rule:resource_owner"),
    ("update resource", ADMIN_OR_SERVICE_OR_CREATOR),
    ("delete resource", ADMIN_OR_CREATOR),
    ("delete resources", ADMIN_OR_CREATOR),
    ("list resource", "rule:admin_or_creator or rule:resource_owner"),
    ("search resource", "rule:admin_or_service or rule:creator or rule:resource_owner"),
    ("create resource type", "rule:admin_or_service"),
    ("delete resource type", ADMIN),
    ("update resource type", "rule:admin_or_service"),
    ("list resource type", ""),
    ("get resource type", ""),
    ("get archive policy", ""),
    ("list archive policy", ""),
    ("create archive policy", "rule:admin_or_service"),
    ("update archive policy", ADMIN),
    ("delete archive policy", ADMIN),
    ("get archive policy rule", ""),
    ("list archive policy rule", ""),
    ("create archive policy rule", ADMIN),
    ("update archive policy rule", ADMIN),
    ("delete archive policy rule", ADMIN),
    ("create metric", ""),
    ("delete metric", ADMIN_OR_CREATOR),
    ("get metric", OF_METRIC_OR_SERVICE),
    ("search metric", OF_METRIC),
    ("list metric", OF_METRIC),
    ("get measures", OF_METRIC_OR_SERVICE),
    ("post measures", ADMIN_OR_SERVICE_OR_CREATOR),
    ("get self-metrics", ""),
    ("default", "!"),
];

/// The rules, those of the operator instead of ours.
///
/// # Errors
/// The first rule that is none.
pub fn policy<'a>(own: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Policy, BadRules> {
    Policy::new(DEFAULT_RULES.into_iter().chain(own))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rules_are_rules() {
        let policy = policy([]).unwrap();
        assert_eq!(policy.names().count(), DEFAULT_RULES.len());
    }
}
