//! Resources and metrics as samples say they are, brought into the index.
//!
//! As Ceilometer 27.0.0's gnocchi publisher does: a meter's definition says the type of the resource and where its attributes
//! stand; a resource is made with its first sample, and changed, with a revision, when a sample says something else.
//! Differences: a meter without a definition belongs to a resource of the type `generic`, where Ceilometer drops its samples;
//! a revision begins when the sample was taken, not when it was stored; what is older than the newest revision changes
//! nothing. So the same file taken in twice leaves what it left the first time.

use std::collections::BTreeMap;
use std::collections::hash_map::Entry;
use std::hash::{BuildHasher, Hash, Hasher};

use foldhash::quality::FixedState;
use foldhash::{HashMap, HashMapExt};
use serde_json::Value;
use uuid::Uuid;

use crate::base::Books;
use crate::define::{Field, Subject};
use crate::model::{Node, Timestamp};
use crate::sink::{ResourceDefinition, ResourceDefinitions};
use crate::store::index::{
    ArrivingMetric, ArrivingResource, Attribute, AttributeKind, Attributes, GENERIC, Index, IndexError,
    MetricKey, ResourceId, ResourceNumber, ResourceType, TEXT_CHARACTERS_MAX,
};

/// What the resources of this run are like, and how new ones come to be.
pub(super) struct Resources {
    pub(super) definitions: ResourceDefinitions,
    /// Whether the definitions say the archive policies of new metrics too; if not, the rules of the store do.
    policies: bool,
    /// The archive policy of all new metrics, whatever rules and definitions say.
    policy: Option<String>,
    known: HashMap<Uuid, KnownResource>,
}

struct KnownResource {
    number: ResourceNumber,
    of_type: String,
    /// When what is known of it was said.
    revision_start: Timestamp,
    ended_at: Option<Timestamp>,
    /// A hash of what was said of it last.
    said: u64,
}

/// What a record says: of which meter and resource, and when.
pub(super) struct Said<'n> {
    pub(super) metric: &'n str,
    pub(super) resource: &'n str,
    pub(super) unit: Option<&'n str>,
    pub(super) timestamp: Timestamp,
    /// All of the record.
    pub(super) record: &'n Node<'n>,
    /// The meter whose definition it is.
    pub(super) meter: &'n str,
}

impl<'n> Said<'n> {
    /// Whose the resource is: the user and the project.
    fn owners(&self) -> (Option<&'n str>, Option<&'n str>) {
        let owner = |key: &str| self.record.get(key).and_then(Node::as_text);
        (owner("user_id"), owner("project_id"))
    }
}

impl Resources {
    pub(super) fn new(definitions: ResourceDefinitions, policies: bool, policy: Option<String>) -> Resources {
        Resources { definitions, policies, policy, known: HashMap::new() }
    }

    /// Forgets what it knows of one resource.
    pub(super) fn forget(&mut self, id: &ResourceId) {
        self.known.remove(&id.uuid());
    }

    /// Forgets what it knows of the index.
    pub(super) fn clear(&mut self) {
        self.known.clear();
    }

    /// The metric of a record, made where it is not there, with its resource, and whether it was made. Inside a transaction.
    pub(super) fn metric(
        &mut self,
        index: &Index,
        said: &Said<'_>,
        books: &Books,
    ) -> Result<(MetricKey, bool), IndexError> {
        let resource = self.resource(index, said, books)?;
        let defined = self.definitions.of_metric(said.meter).filter(|_| self.policies);
        let arriving = ArrivingMetric {
            name: said.metric,
            // Gnocchi has no room for longer ones, and a unit is no reason to lose a metric.
            unit: said.unit.filter(|unit| unit.chars().count() <= crate::store::index::UNIT_CHARACTERS_MAX),
            archive_policy: self.policy.as_deref().or(defined.map(|(_, policy)| policy)),
            creator: None,
        };
        let (key, made) = index.arrive_metric(resource, &arriving, said.timestamp)?;
        books.count("metrics_created", u64::from(made));
        Ok((key, made))
    }

    /// The resource of a record, made where it is not there, changed where the record says something else of it.
    pub(super) fn resource(
        &mut self,
        index: &Index,
        said: &Said<'_>,
        books: &Books,
    ) -> Result<ResourceNumber, IndexError> {
        let id = ResourceId::of(&said.resource.replace('/', "_"), None)?;
        let definition = self.definitions.of_metric(said.meter).map(|(definition, _)| definition);
        let known = match self.known.entry(id.uuid()) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(place) => match index.find_resource(GENERIC, id.uuid())? {
                Some(found) => place.insert(KnownResource {
                    number: found.number,
                    of_type: found.resource_type,
                    revision_start: found.revision_start,
                    ended_at: found.ended_at,
                    said: 0,
                }),
                None => return Ok(place.insert(make(index, &id, definition, said, books)?).number),
            },
        };
        let goes_on = known.ended_at.is_some_and(|ended_at| said.timestamp >= ended_at);
        if said.timestamp < known.revision_start && !goes_on {
            return Ok(known.number);
        }
        let of_its_type = definition.filter(|definition| definition.resource_type == known.of_type);
        let attributes = match of_its_type {
            Some(definition) => attributes(&*index.resource_type(&known.of_type)?, definition, said, books),
            None => Attributes::new(),
        };
        let (user_id, project_id) = said.owners();
        let now_said = hash(&attributes, user_id, project_id);
        if now_said == known.said && !goes_on {
            return Ok(known.number);
        }
        let arriving = ArrivingResource {
            id: &id,
            resource_type: &known.of_type,
            creator: None,
            user_id,
            project_id,
            started_at: None,
            attributes: &attributes,
            newest: Some(said.timestamp),
        };
        // A revision begins behind the one before, whenever the sample was taken.
        let now = said.timestamp.max(known.revision_start);
        let arrived = index.arrive(&arriving, now)?;
        if arrived.change == crate::store::index::Change::Updated {
            known.revision_start = now;
            known.ended_at = None;
            books.count("resources_updated", 1);
        }
        known.said = now_said;
        Ok(known.number)
    }
}

/// A resource that the index does not know.
fn make(
    index: &Index,
    id: &ResourceId,
    definition: Option<&ResourceDefinition>,
    said: &Said<'_>,
    books: &Books,
) -> Result<KnownResource, IndexError> {
    let of_type = definition.map_or(GENERIC, |definition| &definition.resource_type);
    let attributes = match definition {
        Some(definition) => attributes(&*made_type(index, definition)?, definition, said, books),
        None => Attributes::new(),
    };
    let (user_id, project_id) = said.owners();
    let arriving = ArrivingResource {
        id,
        resource_type: of_type,
        creator: None,
        user_id,
        project_id,
        started_at: Some(said.timestamp),
        attributes: &attributes,
        newest: Some(said.timestamp),
    };
    let arrived = index.arrive(&arriving, said.timestamp)?;
    books.count("resources_created", 1);
    Ok(KnownResource {
        number: arrived.resource,
        of_type: of_type.to_owned(),
        revision_start: said.timestamp,
        ended_at: None,
        said: hash(&attributes, user_id, project_id),
    })
}

/// The type of a definition, made where it is not there: all attributes are texts, and none is required.
pub(super) fn made_type(
    index: &Index,
    definition: &ResourceDefinition,
) -> Result<std::sync::Arc<ResourceType>, IndexError> {
    match index.resource_type(&definition.resource_type) {
        Err(IndexError::NotFound { .. }) => {}
        other => return other,
    }
    let kind = AttributeKind::Text { min_length: 0, max_length: TEXT_CHARACTERS_MAX };
    let names = definition.attributes.iter().map(|(name, _)| name);
    let names = names.chain(definition.event_attributes.iter().map(|(name, _)| name));
    let own = ["id", "user_id", "project_id", "started_at", "ended_at"];
    let attributes: BTreeMap<String, Attribute> = names
        .filter(|name| !own.contains(&name.as_str()))
        .map(|name| (name.clone(), Attribute { kind, required: false }))
        .collect();
    let made = ResourceType::new(&definition.resource_type, attributes)?;
    index.create_resource_type(&made)?;
    index.resource_type(&definition.resource_type)
}

/// What the record says of the attributes that the type has; what does not fit is said and left out.
fn attributes(
    of_type: &ResourceType,
    definition: &ResourceDefinition,
    said: &Said<'_>,
    books: &Books,
) -> Attributes {
    let subject = Subject::of(said.record);
    let fields = definition.attributes.iter();
    let said_of = |(name, field): &'_ (String, Field)| {
        let value = field.first(&subject).filter(|value| !value.is_null())?;
        Some((name.clone(), serde_json::to_value(&*value).ok()?))
    };
    typed(of_type, fields.filter_map(said_of), said.resource, books)
}

/// Values as the type wants them; what does not fit is said and left out, as what the type has not is.
pub(super) fn typed(
    of_type: &ResourceType,
    values: impl Iterator<Item = (String, Value)>,
    resource: &str,
    books: &Books,
) -> Attributes {
    let mut found = Attributes::new();
    for (name, value) in values {
        let Some(attribute) = of_type.attributes().get(&name) else { continue };
        let value = match (&attribute.kind, value) {
            // Services write the same attribute as a number here and as a text there.
            (AttributeKind::Text { .. }, value) if !value.is_string() => value.to_string().into(),
            (_, value) => value,
        };
        match attribute.kind.read(&name, &value) {
            Ok(value) => _ = found.insert(name, value),
            Err(error) => books.warn("attribute", &format_args!("{resource}: {error}")),
        }
    }
    found
}

fn hash(attributes: &Attributes, user_id: Option<&str>, project_id: Option<&str>) -> u64 {
    let mut hasher = FixedState::default().build_hasher();
    (user_id, project_id).hash(&mut hasher);
    for (name, value) in attributes {
        (name, format!("{value:?}")).hash(&mut hasher);
    }
    // Zero says that nothing is known.
    hasher.finish().max(1)
}
