//! A metric, and what is said of a new one.

use std::sync::Arc;

use rusqlite::Row;
use serde_json::{Value, json};
use uuid::Uuid;

use super::catalogue::Catalogue;
use super::{IndexError, PolicyNumber};
use crate::model::Timestamp;
use crate::series::ArchivePolicy;
use crate::store::MetricNumber;

/// A time series: what is measured, of which resource, kept by which policy.
#[derive(Clone, Debug, PartialEq)]
pub struct Metric {
    /// Its number, by which the measures engine calls it.
    pub number: MetricNumber,
    /// Its id.
    pub id: Uuid,
    /// Its name, unique within its resource.
    pub name: Option<String>,
    /// The unit of its values.
    pub unit: Option<String>,
    /// The number of its archive policy.
    pub policy: PolicyNumber,
    /// Its archive policy.
    pub archive_policy: Arc<ArchivePolicy>,
    /// Who made it: `user:project`, or a user.
    pub creator: Option<String>,
    /// The id of its resource.
    pub resource_id: Option<Uuid>,
    /// The text that the id of its resource was given as.
    pub original_resource_id: Option<String>,
    /// Until when its resource was; none when it has not ended, or there is none.
    pub resource_ended_at: Option<Timestamp>,
    /// Whether it is deleted and waits for its points to be removed.
    pub status: Status,
}

/// Whether a metric is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// It is.
    Active,
    /// It is deleted, and its points may still be there.
    Deleted,
}

/// A metric to be made.
#[derive(Clone, Debug, Default)]
pub struct NewMetric {
    /// Its id; none: a new one.
    pub id: Option<Uuid>,
    /// Its name; a metric of a resource has one.
    pub name: Option<String>,
    /// The unit of its values; at most [`UNIT_CHARACTERS_MAX`](super::UNIT_CHARACTERS_MAX) characters.
    pub unit: Option<String>,
    /// The name of its archive policy; none: what the rules say.
    pub archive_policy: Option<String>,
    /// Who makes it.
    pub creator: Option<String>,
    /// The id of its resource.
    pub resource: Option<Uuid>,
}

impl Metric {
    /// The part of the creator before the first colon.
    pub fn created_by_user_id(&self) -> Option<&str> {
        self.creator.as_deref().map(|creator| creator.split_once(':').map_or(creator, |(user, _)| user))
    }

    /// The part of the creator behind the first colon; empty when there is none.
    pub fn created_by_project_id(&self) -> Option<&str> {
        self.creator.as_deref().map(|creator| creator.split_once(':').map_or("", |(_, project)| project))
    }

    /// The metric under Gnocchi's names, with the name of its archive policy.
    pub fn to_json(&self) -> Value {
        json!({
            "id": self.id.to_string(),
            "name": self.name,
            "unit": self.unit,
            "archive_policy_name": self.archive_policy.name(),
            "creator": self.creator,
            "created_by_user_id": self.created_by_user_id(),
            "created_by_project_id": self.created_by_project_id(),
            "resource_id": self.resource_id.map(|id| id.to_string()),
        })
    }
}

/// What [`decode_metric`] reads.
pub(super) const METRIC_COLUMNS: &str =
    "m.number, m.id, m.name, m.unit, m.archive_policy, m.creator, r.id, r.original_id, r.ended_at, m.deleted";

/// The tables that [`METRIC_COLUMNS`] are of.
pub(super) const METRICS: &str = "metric m LEFT JOIN resource r ON r.number = m.resource";

/// A row of [`METRIC_COLUMNS`].
pub(super) fn decode_metric(row: &Row<'_>, catalogue: &Catalogue) -> Result<Metric, IndexError> {
    let policy = PolicyNumber(row.get(4)?);
    Ok(Metric {
        number: MetricNumber(row.get(0)?),
        id: Uuid::from_bytes(row.get(1)?),
        name: row.get(2)?,
        unit: row.get(3)?,
        policy,
        archive_policy: Arc::clone(catalogue.policy(policy)?),
        creator: row.get(5)?,
        resource_id: row.get::<_, Option<[u8; 16]>>(6)?.map(Uuid::from_bytes),
        original_resource_id: row.get(7)?,
        resource_ended_at: row.get::<_, Option<i64>>(8)?.map(Timestamp::from_ns),
        status: if row.get(9)? { Status::Deleted } else { Status::Active },
    })
}
