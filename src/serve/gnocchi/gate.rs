//! Whether the caller may do something with a metric, asked of many metrics in a row.

use std::cell::RefCell;
use std::collections::hash_map::Entry;
use std::sync::Arc;

use foldhash::{HashMap, HashMapExt};
use uuid::Uuid;

use super::Desk;
use crate::serve::auth::{Identity, Policy, Target};
use crate::serve::http::{Call, Problem};
use crate::store::index::{GENERIC, Metric, Resource};

/// A rule about metrics, and who asks.
pub(super) struct Gate<'d> {
    desk: &'d Desk,
    rule: &'static str,
    who: Identity,
    /// The rules of the moment in which it was asked.
    policy: Arc<Policy>,
    /// Whether the rule is about the resource of a metric too, which costs a search for it.
    asks_resource: bool,
    resources: RefCell<HashMap<Uuid, Option<Resource>>>,
}

impl<'d> Gate<'d> {
    /// For the caller of `call`.
    ///
    /// # Errors
    /// 401 when nobody says who it is.
    pub(super) fn new(desk: &'d Desk, call: &Call, rule: &'static str) -> Result<Gate<'d>, Problem> {
        let policy = desk.options.policy();
        Ok(Gate {
            desk,
            rule,
            who: desk.identify(call)?,
            asks_resource: policy.mentions(rule, "resource."),
            policy,
            resources: RefCell::new(HashMap::new()),
        })
    }

    /// Whether it may be done with `metric`.
    ///
    /// # Errors
    /// 403 when not.
    pub(super) fn pass(&self, metric: &Metric) -> Result<(), Problem> {
        let mut target = target(metric);
        if let (true, Some(id)) = (self.asks_resource, metric.resource_id) {
            let mut resources = self.resources.borrow_mut();
            let resource = match resources.entry(id) {
                Entry::Occupied(known) => known.into_mut(),
                Entry::Vacant(place) => place.insert(self.desk.store.index().find_resource(GENERIC, id)?),
            };
            if let Some(resource) = resource {
                target = with_resource(target, resource);
            }
        }
        if self.policy.allows(self.rule, &self.who, &target) { Ok(()) } else { Err(Problem::forbidden()) }
    }
}

/// What rules may ask about a metric.
fn target(metric: &Metric) -> Target {
    let (id, resource) = (metric.id.to_string(), metric.resource_id.map(|id| id.to_string()));
    Target::new()
        .with("id", Some(&id))
        .with("name", metric.name.as_deref())
        .with("unit", metric.unit.as_deref())
        .with("archive_policy_name", Some(metric.archive_policy.name()))
        .with("archive_policy.name", Some(metric.archive_policy.name()))
        .with("creator", metric.creator.as_deref())
        .with("created_by_user_id", metric.created_by_user_id())
        .with("created_by_project_id", metric.created_by_project_id().filter(|project| !project.is_empty()))
        .with("resource_id", resource.as_deref())
}

fn with_resource(target: Target, resource: &Resource) -> Target {
    let id = resource.id.to_string();
    target
        .with("resource.id", Some(&id))
        .with("resource.original_resource_id", Some(&resource.original_id))
        .with("resource.type", Some(&resource.resource_type))
        .with("resource.creator", resource.creator.as_deref())
        .with("resource.user_id", resource.user_id.as_deref())
        .with("resource.project_id", resource.project_id.as_deref())
        .with("resource.created_by_user_id", resource.created_by_user_id())
        .with("resource.created_by_project_id", resource.created_by_project_id())
}
