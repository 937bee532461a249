//! Lines as a store.

use foldhash::{HashMap, HashMapExt};
use serde_json::{Map, Value};
use uuid::Uuid;

use super::FORMAT;
use super::line::{Line, MetricLine, RuleLine};
use super::measures::{Known, Wholes};
use super::reader::{Placed, Reader};
use crate::base::{Books, Failure, Stop};
use crate::model::Timestamp;
use crate::source::Source;
use crate::store::Store;
use crate::store::index::{
    ArchivePolicyRule, AttributeChanges, Index, IndexError, NewMetric, NewResource, ResourceId,
    ResourcePatch, ResourceType,
};

/// How much was imported.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Imported {
    /// Resources.
    pub resources: u64,
    /// Changes of them that had been.
    pub revisions: u64,
    /// Metrics.
    pub metrics: u64,
    /// Metrics that have points.
    pub measures: u64,
}

/// Takes an export into a store that has neither resources nor metrics.
///
/// What there is of policies, rules and types may be there already, if it is the same. The order of metrics and all
/// ids stay as they were. A line that cannot be used is in the books; so is it when lines are missing.
///
/// # Errors
/// When the store is not empty, a stop is requested, or what the source or the system refuse. Resources and metrics are
/// then all there or none of them is, and spans and points too.
pub fn import(
    store: &Store,
    source: &mut dyn Source,
    books: &Books,
    stop: &Stop,
    now: Timestamp,
) -> Result<Imported, Failure> {
    let mut reader = Reader::new(source, books, stop);
    let mut import = Import {
        now,
        resource: None,
        metrics: HashMap::new(),
        done: Imported::default(),
        begun: false,
        end: None,
    };
    store.index().transaction(|index| {
        if index.resource_count()? > 0 || index.metric_count()? > 0 {
            let folder = store.folder().display();
            return Err(Failure::Usage(format!("{folder}: this store is not empty: import into a new one")));
        }
        import.index(index, &mut reader)
    })?;
    let wholes = Wholes { reader: &mut reader, metrics: &import.metrics, last: None, end: &mut import.end };
    import.done.measures = store.restore(wholes).inspect_err(|_: &Failure| {
        let folder = store.folder().display();
        books.complain(&format_args!("{folder}: points are missing: remove this store and import again"));
    })?;
    let lines = reader.lines();
    let lost = match import.end {
        None => Some("the last line is missing: this is not the whole export".to_owned()),
        Some(end) if end + 1 != lines => {
            Some(format!("there were {end} lines before the last one, and are {}", lines - 1))
        }
        Some(_) => None,
    };
    if let Some(lost) = lost {
        books.trouble(&Failure::Damaged(format!("{}: {lost}", reader.name())));
    }
    Ok(import.done)
}

struct Import {
    now: Timestamp,
    /// The resource whose states are being read.
    resource: Option<Uuid>,
    metrics: HashMap<Uuid, Known>,
    done: Imported,
    begun: bool,
    end: Option<u64>,
}

/// Why a line was not taken.
enum Refused {
    /// It is at fault.
    Line(String),
    /// The store is.
    Store(Failure),
}

impl From<IndexError> for Refused {
    fn from(error: IndexError) -> Refused {
        match error {
            IndexError::NotFound { .. }
            | IndexError::Exists { .. }
            | IndexError::InUse { .. }
            | IndexError::Invalid { .. }
            | IndexError::NoRuleFits { .. } => Refused::Line(error.to_string()),
            other => Refused::Store(other.into()),
        }
    }
}

impl From<String> for Refused {
    fn from(why: String) -> Refused {
        Refused::Line(why)
    }
}

impl Import {
    /// Takes everything up to the first measures.
    fn index(&mut self, index: &Index, reader: &mut Reader<'_>) -> Result<(), Failure> {
        while let Some(Placed { number, line }) = reader.next()? {
            if !matches!(line, Line::TelemetryStore { .. }) && !self.begun {
                break;
            }
            self.begun = true;
            if matches!(line, Line::Measures(_) | Line::Spans(_) | Line::Points(_)) {
                reader.put_back(Placed { number, line });
                break;
            }
            match self.take(index, line) {
                Ok(()) => {}
                Err(Refused::Line(why)) => reader.reject(number, &why),
                Err(Refused::Store(failure)) => return Err(failure),
            }
        }
        if self.begun {
            return Ok(());
        }
        let what = "no export of a store: that begins with {\"telemetry_store\": …}";
        Err(Failure::Usage(format!("{}: {what}", reader.name())))
    }

    fn take(&mut self, index: &Index, line: Line) -> Result<(), Refused> {
        match line {
            Line::TelemetryStore { format } if format > FORMAT => {
                let why = format!("the export is in format {format}, and this release reads up to {FORMAT}");
                return Err(Refused::Store(Failure::Configuration(vec![why])));
            }
            Line::ArchivePolicy(line) => {
                let policy = line.policy()?;
                let same = index.archive_policy(policy.name()).is_ok_and(|there| *there == policy);
                if !same {
                    index.create_archive_policy(&policy)?;
                }
            }
            Line::ArchivePolicyRule(line) => rule(index, line)?,
            Line::ResourceType(form) => resource_type(index, &form)?,
            Line::Resource(members) => self.resource(index, members)?,
            Line::Metric(line) => self.metric(index, line)?,
            Line::End { lines } => self.end = Some(lines),
            Line::TelemetryStore { .. } | Line::Measures(_) | Line::Spans(_) | Line::Points(_) => {}
        }
        Ok(())
    }

    /// A resource, or its next state. The times are those of then, so that its history becomes what it was.
    fn resource(&mut self, index: &Index, mut members: Map<String, Value>) -> Result<(), Refused> {
        let state = State::taken_from(&mut members)?;
        let resource_type = index.resource_type(&state.resource_type)?;
        if self.resource != Some(state.id.uuid()) {
            let new = NewResource {
                creator: state.creator,
                user_id: state.user_id,
                project_id: state.project_id,
                started_at: Some(state.started_at),
                ended_at: state.ended_at,
                attributes: resource_type.read(&members)?,
                ..NewResource::new(state.id, &state.resource_type)
            };
            index.create_resource(&new, state.revision_start)?;
            self.resource = Some(new.id.uuid());
            self.done.resources += 1;
            return Ok(());
        }
        let before = index.resource(&state.resource_type, state.id.uuid())?;
        // What it has no longer is null now.
        let mut attributes: AttributeChanges =
            before.attributes.keys().map(|name| (name.clone(), None)).collect();
        attributes.extend(resource_type.read_changes(&members)?);
        let patch = ResourcePatch {
            user_id: Some(state.user_id),
            project_id: Some(state.project_id),
            started_at: Some(state.started_at),
            ended_at: Some(state.ended_at),
            attributes,
            ..ResourcePatch::default()
        };
        index.update_resource(&state.resource_type, state.id.uuid(), &patch, state.revision_start)?;
        self.done.revisions += 1;
        Ok(())
    }

    fn metric(&mut self, index: &Index, line: MetricLine) -> Result<(), Refused> {
        let new = NewMetric {
            id: Some(line.id.0),
            name: line.name,
            unit: line.unit,
            archive_policy: Some(line.archive_policy_name),
            creator: line.creator,
            resource: line.resource_id.map(|id| id.0),
        };
        let metric = index.create_metric(&new, self.now)?;
        self.metrics.insert(metric.id, Known { number: metric.number, policy: metric.archive_policy });
        self.done.metrics += 1;
        Ok(())
    }
}

fn rule(index: &Index, line: RuleLine) -> Result<(), Refused> {
    let rule = ArchivePolicyRule {
        name: line.name,
        metric_pattern: line.metric_pattern,
        archive_policy: line.archive_policy_name,
    };
    if !index.archive_policy_rule(&rule.name).is_ok_and(|there| there == rule) {
        index.create_archive_policy_rule(&rule)?;
    }
    Ok(())
}

fn resource_type(index: &Index, form: &Value) -> Result<(), Refused> {
    let name =
        form.get("name").and_then(Value::as_str).ok_or_else(|| "a resource type needs a name".to_owned())?;
    let none = Map::new();
    let attributes = form.get("attributes").and_then(Value::as_object).unwrap_or(&none);
    let resource_type = ResourceType::from_json(name, attributes)?;
    if !index.resource_type(name).is_ok_and(|there| *there == resource_type) {
        index.create_resource_type(&resource_type)?;
    }
    Ok(())
}

/// What every resource has; what is left of its members are attributes.
struct State {
    id: ResourceId,
    resource_type: String,
    creator: Option<String>,
    user_id: Option<String>,
    project_id: Option<String>,
    started_at: Timestamp,
    ended_at: Option<Timestamp>,
    revision_start: Timestamp,
}

impl State {
    fn taken_from(members: &mut Map<String, Value>) -> Result<State, Refused> {
        let mut text = |name: &str| match members.shift_remove(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(other) => Err(format!("{name} is {other}, where a text was expected")),
        };
        let (id, original) = (text("id")?, text("original_resource_id")?);
        let (resource_type, creator) = (text("type")?, text("creator")?);
        let (user_id, project_id) = (text("user_id")?, text("project_id")?);
        let mut time = |name: &str| {
            let time = text(name)?.map(|text| Timestamp::parse(text.as_bytes())).transpose();
            time.map_err(|error| format!("{name}: {error}"))
        };
        let (started_at, ended_at) = (time("started_at")?, time("ended_at")?);
        let revision_start = time("revision_start")?;
        time("revision_end")?;
        let missing = |name: &str| format!("a resource needs {name}");
        let id = id.ok_or_else(|| missing("an id"))?;
        let original = original.unwrap_or_else(|| id.clone());
        let resource_id = ResourceId::of(&original, creator.as_deref())?;
        if resource_id.uuid().to_string() != id {
            return Err(format!("the id {id} is not that of \"{original}\"").into());
        }
        Ok(State {
            id: resource_id,
            resource_type: resource_type.ok_or_else(|| missing("a type"))?,
            creator,
            user_id,
            project_id,
            started_at: started_at.ok_or_else(|| missing("a started_at"))?,
            ended_at,
            revision_start: revision_start.ok_or_else(|| missing("a revision_start"))?,
        })
    }
}
