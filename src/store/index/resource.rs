//! A resource, and what is said of a new or a changed one.

use rusqlite::Row;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::catalogue::Catalogue;
use super::{AttributeChanges, Attributes, IndexError, ResourceId};
use crate::model::Timestamp;

/// What measures are of: an instance, a disk, a host; or what it was before a change.
#[derive(Clone, Debug, PartialEq)]
pub struct Resource {
    /// Its number inside.
    pub number: ResourceNumber,
    /// Its id.
    pub id: Uuid,
    /// The text that the id was given as.
    pub original_id: String,
    /// The name of its type.
    pub resource_type: String,
    /// Who made it: `user:project`, or a user.
    pub creator: Option<String>,
    /// Whose it is.
    pub user_id: Option<String>,
    /// The project whose it is.
    pub project_id: Option<String>,
    /// Since when it is there.
    pub started_at: Timestamp,
    /// Until when it was; never before `started_at`.
    pub ended_at: Option<Timestamp>,
    /// Since when it is as it is here.
    pub revision_start: Timestamp,
    /// Until when it was so; none for what it is now.
    pub revision_end: Option<Timestamp>,
    /// Which state of it this is.
    pub revision: Revision,
    /// What its type has of attributes, those of null left out.
    pub attributes: Attributes,
    /// Names and ids of its metrics, by name; empty when they were not asked for.
    pub metrics: Vec<(String, Uuid)>,
}

/// A resource's number; never given twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ResourceNumber(pub i64);

/// The number of a state of a resource, over all resources.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Revision(pub i64);

impl Revision {
    /// What the resource is now.
    pub const CURRENT: Revision = Revision(-1);
}

/// A resource to be made.
#[derive(Clone, Debug)]
pub struct NewResource {
    /// Its id.
    pub id: ResourceId,
    /// The name of its type.
    pub resource_type: String,
    /// Who makes it.
    pub creator: Option<String>,
    /// Whose it is.
    pub user_id: Option<String>,
    /// The project whose it is.
    pub project_id: Option<String>,
    /// Since when it is there; none: now.
    pub started_at: Option<Timestamp>,
    /// Until when it was.
    pub ended_at: Option<Timestamp>,
    /// Its attributes.
    pub attributes: Attributes,
    /// Its metrics, by name.
    pub metrics: Vec<(String, MetricSource)>,
}

impl NewResource {
    /// A resource of a type, with nothing else said.
    pub fn new(id: ResourceId, resource_type: &str) -> NewResource {
        NewResource {
            id,
            resource_type: resource_type.to_owned(),
            creator: None,
            user_id: None,
            project_id: None,
            started_at: None,
            ended_at: None,
            attributes: Attributes::new(),
            metrics: Vec::new(),
        }
    }
}

/// Where a metric of a resource comes from.
#[derive(Clone, Debug, PartialEq)]
pub enum MetricSource {
    /// It is there, made by the same creator, and becomes the resource's.
    Existing(Uuid),
    /// It is made.
    New {
        /// The name of its archive policy; none: what the rules say.
        archive_policy: Option<String>,
        /// Its unit.
        unit: Option<String>,
    },
}

/// What is to change of a resource; what is none stays as it is.
#[derive(Clone, Debug, Default)]
pub struct ResourcePatch {
    /// Whose it is; none inside for nobody's.
    pub user_id: Option<Option<String>>,
    /// The project whose it is.
    pub project_id: Option<Option<String>>,
    /// Since when it is there.
    pub started_at: Option<Timestamp>,
    /// Until when it was; none inside when it has not ended.
    pub ended_at: Option<Option<Timestamp>>,
    /// Attributes.
    pub attributes: AttributeChanges,
    /// Metrics, by name. Needs no new revision.
    pub metrics: Vec<(String, MetricSource)>,
    /// Whether the metrics it has are taken from it first.
    pub replace_metrics: bool,
}

impl Resource {
    /// The part of the creator before the first colon.
    pub fn created_by_user_id(&self) -> Option<&str> {
        self.creator.as_deref().map(|creator| creator.split_once(':').map_or(creator, |(user, _)| user))
    }

    /// The part of the creator behind the first colon; empty when there is none.
    pub fn created_by_project_id(&self) -> Option<&str> {
        self.creator.as_deref().map(|creator| creator.split_once(':').map_or("", |(_, project)| project))
    }

    /// The resource under Gnocchi's names, its attributes beside the rest; every attribute in `attributes` is there,
    /// null if need be.
    pub fn to_json<'a>(&self, attributes: impl IntoIterator<Item = &'a String>) -> Value {
        let mut members = Map::new();
        let mut put = |name: &str, value: Value| members.insert(name.to_owned(), value);
        put("id", self.id.to_string().into());
        put("original_resource_id", self.original_id.as_str().into());
        put("type", self.resource_type.as_str().into());
        put("creator", self.creator.as_deref().into());
        put("created_by_user_id", self.created_by_user_id().into());
        put("created_by_project_id", self.created_by_project_id().into());
        put("user_id", self.user_id.as_deref().into());
        put("project_id", self.project_id.as_deref().into());
        put("started_at", self.started_at.to_string().into());
        put("ended_at", self.ended_at.map(|time| time.to_string()).into());
        put("revision_start", self.revision_start.to_string().into());
        put("revision_end", self.revision_end.map(|time| time.to_string()).into());
        for name in attributes {
            put(name, json!(self.attributes.get(name).map(super::AttributeValue::to_json)));
        }
        let metric = |(name, id): &(String, Uuid)| (name.clone(), Value::from(id.to_string()));
        put("metrics", self.metrics.iter().map(metric).collect::<Map<_, _>>().into());
        Value::Object(members)
    }
}

/// What [`decode_resource`] reads, of a table or a sub-query called `r`.
pub(super) const RESOURCE_COLUMNS: &str = "r.number, r.id, r.original_id, r.type, r.creator, r.user_id, r.project_id, \
     r.started_at, r.ended_at, r.revision_start, r.revision_end, r.revision, r.attributes";

/// The resources as they are, as a sub-query.
pub(super) const RESOURCES_NOW: &str = "(SELECT number, id, original_id, type, creator, user_id, project_id, \
     started_at, ended_at, revision_start, NULL AS revision_end, -1 AS revision, attributes FROM resource)";

/// The resources as they are and were, as a sub-query.
pub(super) const RESOURCES_EVER: &str = "(SELECT number, id, original_id, type, creator, user_id, project_id, \
     started_at, ended_at, revision_start, NULL AS revision_end, -1 AS revision, attributes FROM resource \
     UNION ALL SELECT r.number, r.id, r.original_id, r.type, r.creator, h.user_id, h.project_id, h.started_at, \
     h.ended_at, h.revision_start, h.revision_end, h.revision, h.attributes \
     FROM resource_history h JOIN resource r ON r.number = h.resource)";

/// A row of [`RESOURCE_COLUMNS`].
pub(super) fn decode_resource(row: &Row<'_>, catalogue: &Catalogue) -> Result<Resource, IndexError> {
    let resource_type = catalogue.resource_type(row.get(3)?)?;
    let time = |column| Ok::<_, rusqlite::Error>(row.get::<_, Option<i64>>(column)?.map(Timestamp::from_ns));
    Ok(Resource {
        number: ResourceNumber(row.get(0)?),
        id: Uuid::from_bytes(row.get(1)?),
        original_id: row.get(2)?,
        resource_type: resource_type.name().to_owned(),
        creator: row.get(4)?,
        user_id: row.get(5)?,
        project_id: row.get(6)?,
        started_at: Timestamp::from_ns(row.get(7)?),
        ended_at: time(8)?,
        revision_start: Timestamp::from_ns(row.get(9)?),
        revision_end: time(10)?,
        revision: Revision(row.get(11)?),
        attributes: resource_type.decode(row.get_ref(12)?.as_str().map_err(rusqlite::Error::from)?)?,
        metrics: Vec::new(),
    })
}
