//! Which metric is meant.

use crate::base::Failure;
use crate::query::Filter;
use crate::store::Store;
use crate::store::index::{IndexError, Metric, ResourceId, ResourceQuery, parse_uuid};

/// Resources of one id of the outside that are told apart in a message.
const SHOWN_MAX: usize = 5;

/// The metric of that id, or of that name of a resource.
///
/// - `resource`: its id, or the id it has outside
///
/// # Errors
/// When there is no such metric, or several resources have that id outside.
pub fn metric(store: &Store, metric: &str, resource: Option<&str>) -> Result<Metric, Failure> {
    let index = store.index();
    let Some(resource) = resource else {
        let id = parse_uuid(metric).ok_or_else(|| {
            Failure::Usage(format!(
                "\"{metric}\" is no id of a metric; a name needs its resource: -r RESOURCE"
            ))
        })?;
        return Ok(index.metric(id)?);
    };
    let id = ResourceId::of(resource, None)?;
    match index.metric_named(id.uuid(), metric) {
        Err(IndexError::NotFound { .. }) if parse_uuid(resource).is_none() => {}
        other => return Ok(other?),
    }
    // Others who write into the store have ids of their own for the same text.
    let quoted = serde_json::Value::from(resource).to_string();
    let filter = Filter::parse(&format!("original_resource_id = {quoted}"))
        .map_err(|error| Failure::Usage(error.to_string()))?;
    let found = index.resources(&ResourceQuery { filter, ..ResourceQuery::default() })?;
    match found.as_slice() {
        [one] => Ok(index.metric_named(one.id, metric)?),
        [] => Err(Failure::Usage(format!("there is no resource \"{resource}\""))),
        several => {
            let ids: Vec<String> = several.iter().take(SHOWN_MAX).map(|one| one.id.to_string()).collect();
            let count = several.len();
            Err(Failure::Usage(format!("{count} resources are called \"{resource}\": {}", ids.join(", "))))
        }
    }
}
