//! Which metrics, resources and archive policies there are (SQLite).
//!
//! What Gnocchi 4.7.1 keeps in its indexer, with its rules; one file, which several processes open at once. The points
//! of metrics are not here: the index gives every metric a number, and `store::measures` knows nothing else of it.
//! Functions of [`Index`] stand in the file of what they are about.

mod attribute;
mod catalogue;
mod column;
mod connection;
mod error;
mod ingest;
#[cfg(test)]
mod laws;
mod listing;
mod metric;
mod metrics;
mod page;
mod policies;
mod resource;
mod resource_id;
mod resource_type;
mod resources;
mod schema;
mod search;
#[cfg(test)]
mod testing;
mod types;

pub use attribute::{
    ATTRIBUTE_NAME_CHARACTERS_MAX, Attribute, AttributeKind, AttributeValue, Attributes, TEXT_CHARACTERS_MAX,
};
pub use connection::{INDEX_FILE, Index};
pub use error::{IndexError, Thing};
pub use ingest::{Arrived, ArrivingMetric, ArrivingResource, Change, MetricKey};
pub use listing::ResourceQuery;
pub use metric::{Metric, NewMetric, Status};
pub use metrics::{MetricQuery, UNIT_CHARACTERS_MAX};
pub use page::{Marker, Page, SortKey};
pub use policies::{ArchivePolicyRule, PolicyNumber};
pub use resource::{MetricSource, NewResource, Resource, ResourceNumber, ResourcePatch, Revision};
pub use resource_id::{ORIGINAL_ID_CHARACTERS_MAX, ResourceId, parse_uuid};
pub use resource_type::{AttributeChanges, GENERIC, ResourceType};
pub use types::AddedAttribute;

use attribute::checked_name;

/// Longest name of anything but an attribute, in characters (Gnocchi 4.7.1).
pub const NAME_CHARACTERS_MAX: usize = 255;
