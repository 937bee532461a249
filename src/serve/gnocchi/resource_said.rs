//! What a body says of a resource.

use super::body::Members;
use super::{Desk, attribute, metric_source};
use crate::model::Timestamp;
use crate::serve::auth::Identity;
use crate::serve::http::Problem;
use crate::store::index::{
    AttributeChanges, MetricSource, NAME_CHARACTERS_MAX, Resource, ResourcePatch, ResourceType,
};

/// What every resource may be said to have.
const MEMBERS: [&str; 5] = ["started_at", "ended_at", "user_id", "project_id", "metrics"];

/// What a body says of a resource; none where it says nothing.
pub(super) struct Said {
    pub(super) user_id: Option<Option<String>>,
    pub(super) project_id: Option<Option<String>>,
    pub(super) started_at: Option<Timestamp>,
    pub(super) ended_at: Option<Option<Timestamp>>,
    pub(super) attributes: AttributeChanges,
    pub(super) metrics: Option<Vec<(String, MetricSource)>>,
}

/// Reads what is said of a resource of that type.
///
/// - `others`: members that are read elsewhere
///
/// # Errors
/// 400 when something may not be said, or not like this.
pub(super) fn read(
    desk: &Desk,
    who: &Identity,
    resource_type: &ResourceType,
    members: &Members<'_>,
    others: &[&str],
) -> Result<Said, Problem> {
    let mut attributes = AttributeChanges::new();
    for (name, field) in members.iter() {
        match resource_type.attributes().get(name) {
            Some(known) => {
                let value =
                    attribute::read(name, known, field.value).map_err(|reason| field.refused(&reason))?;
                attributes.insert(name.to_owned(), value);
            }
            None if MEMBERS.contains(&name) || others.contains(&name) => {}
            None => return Err(members.extra(name)),
        }
    }
    let owner = |name| {
        let field = members.optional(name)?;
        let read = match field.value.is_null() {
            true => Ok(None),
            false => field.text_up_to(NAME_CHARACTERS_MAX).map(|text| Some(text.to_owned())),
        };
        Some(read)
    };
    let metrics = members.optional("metrics").map(|field| metric_source::read(desk, who, &field));
    Ok(Said {
        user_id: owner("user_id").transpose()?,
        project_id: owner("project_id").transpose()?,
        started_at: members.optional("started_at").map(|field| field.time()).transpose()?,
        ended_at: members.optional("ended_at").map(|field| field.time().map(Some)).transpose()?,
        attributes,
        metrics: metrics.transpose()?,
    })
}

impl Said {
    /// Refuses an end before the start.
    ///
    /// - `before`: what the resource is, when it is there already
    ///
    /// # Errors
    /// 400
    pub(super) fn check_order(&self, now: Timestamp, before: Option<&Resource>) -> Result<(), Problem> {
        let started_at = self.started_at.unwrap_or(before.map_or(now, |before| before.started_at));
        let ended_at = self.ended_at.unwrap_or(before.and_then(|before| before.ended_at));
        match ended_at {
            Some(ended_at) if ended_at < started_at => {
                Err(Problem::bad("Start timestamp cannot be after end timestamp"))
            }
            _ => Ok(()),
        }
    }

    /// As a change; metrics that are said are all that it has from then on.
    pub(super) fn patch(self) -> ResourcePatch {
        ResourcePatch {
            user_id: self.user_id,
            project_id: self.project_id,
            started_at: self.started_at,
            ended_at: self.ended_at,
            attributes: self.attributes,
            replace_metrics: self.metrics.is_some(),
            metrics: self.metrics.unwrap_or_default(),
        }
    }
}
