//! Metrics as they are written in answers.

use serde_json::{Value, json};

use super::archive_policy;
use crate::store::index::Metric;

/// A metric with its archive policy, and the id of its resource.
pub(super) fn told(metric: &Metric) -> Value {
    json!({
        "id": metric.id.to_string(),
        "creator": metric.creator,
        "name": metric.name,
        "unit": metric.unit,
        "archive_policy": archive_policy::told(&metric.archive_policy),
        "created_by_user_id": metric.created_by_user_id(),
        "created_by_project_id": metric.created_by_project_id(),
        "resource_id": metric.resource_id.map(|id| id.to_string()),
    })
}
