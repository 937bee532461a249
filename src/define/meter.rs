//! Meter definitions (Ceilometer's meters.yaml): which samples are made of which notification.

use std::borrow::Cow;
use std::collections::HashMap;

use super::document::{Fault, Placed, Yaml, line};
use super::path::Value;
use super::pattern::Pattern;
use super::read::Reader;
use super::{Field, IsoTime, Subject};
use crate::model::{Node, Notification, SampleType, python};

/// Event types whose definitions are remembered: a cloud has a few hundred; more than this are made up.
const EVENT_TYPES_MAX: usize = 4096;

/// Samples that one definition makes of one notification: a payload of the largest message has fewer measurements.
const SAMPLES_MAX: usize = 10_000;

/// Keys of a resource's metadata that its owner may set begin with this (Ceilometer's reserved prefix).
const USER_METADATA_PREFIX: &str = "metering.";

/// Characters of such a text that are kept.
const USER_METADATA_LENGTH: usize = 256;

/// All meter definitions, in the order in which they are applied.
#[derive(Debug, Default)]
pub struct MeterDefinitions {
    definitions: Vec<MeterDefinition>,
    /// Indexes in `definitions` by event type.
    matching: HashMap<String, Vec<usize>>,
}

/// One definition.
#[derive(Debug)]
struct MeterDefinition {
    /// As written: what tells duplicates.
    title: String,
    event_types: Vec<Pattern>,
    name: Word,
    sample_type: Word,
    unit: Word,
    volume: Field,
    timestamp: Option<Field>,
    user_id: Option<Field>,
    project_id: Option<Field>,
    resource_id: Field,
    metadata: Vec<(String, Field)>,
    user_metadata: Option<Field>,
    lookup: Option<Lookup>,
}

/// A value that is a path, and stands for itself where the path finds nothing.
#[derive(Debug)]
struct Word {
    text: String,
    /// None where no notification can have a value for it.
    field: Option<Field>,
}

/// Which attributes have as many values as there are samples in the notification.
#[derive(Debug, Default)]
struct Lookup {
    sample_type: bool,
    volume: bool,
    unit: bool,
    timestamp: bool,
    user_id: bool,
    project_id: bool,
    resource_id: bool,
}

/// A sample before it gets an identity, borrowed from its notification and its definition.
#[derive(Clone, Debug, PartialEq)]
pub struct SampleDraft<'t> {
    /// The meter.
    pub name: Cow<'t, str>,
    /// Gauge, delta or cumulative.
    pub sample_type: SampleType,
    /// The unit of `volume`.
    pub unit: Cow<'t, str>,
    /// The value; a finite number.
    pub volume: Node<'static>,
    /// The user who owns the resource, or nothing.
    pub user_id: Value<'t>,
    /// The project that owns the resource, or nothing.
    pub project_id: Value<'t>,
    /// What was measured, or nothing.
    pub resource_id: Value<'t>,
    /// When, as RFC 3339 text, in the offset that the notification gave.
    pub timestamp: Cow<'t, str>,
    /// What else is known of the resource.
    pub metadata: Metadata<'t>,
}

/// The metadata of a sample.
#[derive(Clone, Debug, PartialEq)]
pub enum Metadata<'t> {
    /// The whole payload, with the event type, and with the publisher as its host.
    Payload,
    /// A map.
    Map(&'t Node<'t>),
    /// What a definition picks.
    Picked(Vec<(&'t str, Value<'t>)>),
}

/// Why a sample was not made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lost {
    /// The volume is no number; Ceilometer makes the sample, and its pipeline drops it.
    Volume {
        /// The meter.
        name: String,
        /// What there was instead.
        found: String,
    },
    /// No type of samples.
    Type {
        /// The meter.
        name: String,
        /// What there was instead.
        found: String,
    },
    /// The timestamp cannot be read.
    Timestamp {
        /// The meter.
        name: String,
        /// What there was.
        found: String,
    },
    /// Attributes that are looked up together have different counts.
    Counts {
        /// The definition.
        title: String,
        /// The attribute.
        attribute: &'static str,
        /// Its values.
        found: usize,
        /// Those of the name.
        samples: usize,
    },
}

impl Lost {
    /// Under which name the books count it.
    pub fn reason(&self) -> &'static str {
        match self {
            Lost::Volume { .. } => "samples_without_volume",
            Lost::Type { .. } => "samples_without_type",
            Lost::Timestamp { .. } => "samples_without_timestamp",
            Lost::Counts { .. } => "samples_of_uneven_lookup",
        }
    }
}

impl std::fmt::Display for Lost {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Lost::Volume { name, found } => write!(f, "meter {name}: volume is no number: {found}"),
            Lost::Type { name, found } => {
                write!(f, "meter {name}: type must be gauge, delta or cumulative, not {found}")
            }
            Lost::Timestamp { name, found } => {
                write!(f, "meter {name}: timestamp cannot be read: {found}")
            }
            Lost::Counts { title, attribute, found, samples } => {
                write!(f, "meter {title}: {found} values of {attribute} for {samples} samples")
            }
        }
    }
}

impl MeterDefinitions {
    /// Reads the definitions of files, in the order given: pairs of a name for messages and the text.
    ///
    /// As in Ceilometer 27.0.0 a file is applied from its end to its start; of definitions of one name the last in the
    /// file counts, and of several files the first that has it.
    ///
    /// Gives what can be used, and every fault of the rest.
    pub fn read(files: &[(&str, &str)]) -> (MeterDefinitions, Vec<Fault>) {
        let (mut definitions, mut faults) = (Vec::<MeterDefinition>::new(), Vec::new());
        for (path, text) in files {
            let mut reader = Reader::new(path);
            let root = reader.document(text);
            let items = root.as_ref().map_or(&[][..], |root| list(root, &mut reader));
            let others = definitions.len();
            for item in items.iter().rev() {
                let Some(definition) = MeterDefinition::read(item, &mut reader) else { continue };
                match definitions.iter().position(|other| other.title == definition.title) {
                    None => definitions.push(definition),
                    // A file that replaces what another says is meant.
                    Some(index) if index < others => {}
                    Some(_) => {
                        let title = &definition.title;
                        let what = format!("metric {title} is defined again below, and this one not used");
                        reader.fault::<()>(line(item), what);
                    }
                }
            }
            faults.extend(reader.faults());
        }
        (MeterDefinitions { definitions, matching: HashMap::new() }, faults)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.definitions.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.definitions.is_empty()
    }

    /// Hands the samples of a notification to `each`, and what kept others from being made.
    pub fn samples(
        &mut self,
        notification: &Notification<'_>,
        subject: &Subject<'_>,
        each: &mut dyn FnMut(Result<SampleDraft<'_>, Lost>),
    ) {
        if self.matching.len() >= EVENT_TYPES_MAX {
            self.matching.clear();
        }
        let definitions = &self.definitions;
        let matching = match self.matching.get(&*notification.event_type) {
            Some(matching) => matching,
            None => {
                let takes = |definition: &MeterDefinition| {
                    definition.event_types.iter().any(|pattern| pattern.begins(&notification.event_type))
                };
                let indexes = definitions
                    .iter()
                    .enumerate()
                    .filter(|(_, definition)| takes(definition))
                    .map(|(at, _)| at);
                self.matching.entry(notification.event_type.clone().into_owned()).or_insert(indexes.collect())
            }
        };
        if matching.is_empty() {
            return;
        }
        let sent = notification.timestamp.as_deref().and_then(written);
        for &index in matching {
            definitions[index].samples(notification, subject, sent.as_deref(), each);
        }
    }
}

/// The list under `metric`.
fn list<'a>(root: &'a Placed, reader: &mut Reader<'_>) -> &'a [Placed] {
    match root.value.get("metric").map(|list| &list.value) {
        Some(Yaml::List(items)) => items,
        // An empty file defines nothing.
        None if matches!(root.value, Yaml::Null) => &[],
        Some(other) => {
            reader.fault::<()>(line(root), format!("metric must be a list, not {}", other.kind()));
            &[]
        }
        None => {
            reader.fault::<()>(line(root), "no list of definitions: metric is missing".to_owned());
            &[]
        }
    }
}

const REQUIRED: [&str; 6] = ["name", "type", "event_type", "unit", "volume", "resource_id"];
const TYPES: [SampleType; 3] = [SampleType::Gauge, SampleType::Delta, SampleType::Cumulative];

impl MeterDefinition {
    fn read(item: &Placed, reader: &mut Reader<'_>) -> Option<MeterDefinition> {
        let (at, table) = (line(item), &item.value);
        if !matches!(table, Yaml::Table(_)) {
            return reader.fault(at, format!("expected a definition, found {}", table.kind()));
        }
        let missing: Vec<&str> = REQUIRED
            .into_iter()
            .filter(|key| table.get(key).is_none_or(|value| value.value.is_empty()))
            .collect();
        if !missing.is_empty() {
            let title = table
                .get("name")
                .map_or_else(String::new, |name| format!(" in metric {}", name.value.shown()));
            return reader.fault(at, format!("missing or empty{title}: {}", missing.join(", ")));
        }
        let names = match table.get("lookup") {
            Some(names) if !names.value.is_empty() => reader.texts("lookup", names)?,
            _ => Vec::new(),
        };
        let looks_up = |name: &str| names.iter().any(|other| other == name);
        let sample_type = table.get("type").map_or_else(String::new, |word| word.value.shown());
        if !looks_up("type") && !TYPES.iter().any(|known| known.name() == sample_type) {
            let what = format!("type must be gauge, delta or cumulative, not {sample_type}");
            return reader.fault(table.get("type").and_then(line).or(at), what);
        }
        let lookup = (!names.is_empty()).then(|| Lookup {
            sample_type: looks_up("type"),
            volume: looks_up("volume"),
            unit: looks_up("unit"),
            timestamp: looks_up("timestamp"),
            user_id: looks_up("user_id"),
            project_id: looks_up("project_id"),
            resource_id: looks_up("resource_id"),
        });
        let event_types = table.get("event_type").and_then(|types| patterns(types, reader));
        // All fields are read before any is missed, so that all faults are told.
        let words = ["name", "type", "unit"].map(|key| Word::read(table, key, reader));
        let fields = ["volume", "timestamp", "user_id", "project_id", "resource_id", "user_metadata"]
            .map(|key| reader.field(table, key));
        let metadata = metadata(table, reader);
        let [name, sample_type, unit] = words;
        let [volume, timestamp, user_id, project_id, resource_id, user_metadata] = fields;
        Some(MeterDefinition {
            title: table.get("name").map_or_else(String::new, |name| name.value.shown()),
            event_types: event_types?,
            name: name?,
            sample_type: sample_type?,
            unit: unit?,
            volume: volume.ok()??,
            timestamp: timestamp.ok()?,
            user_id: user_id.ok()?,
            project_id: project_id.ok()?,
            resource_id: resource_id.ok()??,
            metadata: metadata?,
            user_metadata: user_metadata.ok()?,
            lookup,
        })
    }

    fn samples(
        &self,
        notification: &Notification<'_>,
        subject: &Subject<'_>,
        sent: Option<&str>,
        each: &mut dyn FnMut(Result<SampleDraft<'_>, Lost>),
    ) {
        let parts = match &self.lookup {
            None => Parts::Single(self.single(subject)),
            Some(lookup) => match self.looked_up(lookup, subject) {
                Ok(columns) => Parts::Many(columns),
                Err(Some(lost)) => return each(Err(lost)),
                Err(None) => return,
            },
        };
        let sent = (sent, notification.timestamp.as_deref());
        let metadata = |subject| self.picked(subject);
        match parts {
            Parts::Single(row) => each(draft(row, metadata(subject), sent)),
            Parts::Many(columns) => {
                let metadata = metadata(subject);
                for index in 0..columns[0].len().min(SAMPLES_MAX) {
                    let row = columns.each_ref().map(|column| {
                        // One value goes with all samples.
                        column.get(index).or_else(|| column.first()).cloned()
                    });
                    each(draft(row.map(Option::unwrap_or_default), metadata.clone(), sent));
                }
            }
        }
    }

    /// The first value of each attribute.
    fn single<'t>(&'t self, subject: &'t Subject<'_>) -> Row<'t> {
        let optional = |field: &'t Option<Field>| field.as_ref().and_then(|field| field.first(subject));
        let word = |word: &'t Word| {
            let found = word.field.as_ref().and_then(|field| field.first(subject));
            found.unwrap_or_else(|| Cow::Owned(Node::from(word.text.as_str())))
        };
        let null = || Cow::Owned(Node::Null);
        [
            word(&self.name),
            word(&self.sample_type),
            self.volume.first(subject).unwrap_or_else(null),
            word(&self.unit),
            optional(&self.timestamp).unwrap_or_else(null),
            optional(&self.user_id).unwrap_or_else(null),
            optional(&self.project_id).unwrap_or_else(null),
            self.resource_id.first(subject).unwrap_or_else(null),
        ]
    }

    /// All values of each attribute: as many as the name has, or one that goes with all. None where the name has none.
    fn looked_up<'t>(
        &'t self,
        lookup: &Lookup,
        subject: &'t Subject<'_>,
    ) -> Result<[Vec<Value<'t>>; 8], Option<Lost>> {
        let column = |field: Option<&'t Field>, looked_up: bool, default: Node<'t>| {
            let values = field.map_or_else(Vec::new, |field| field.all(subject));
            if values.is_empty() && !(looked_up && field.is_some()) {
                vec![Cow::Owned(default)]
            } else {
                values
            }
        };
        let word = |word: &'t Word, looked_up: bool| {
            let default = Node::from(word.text.as_str());
            match &word.field {
                Some(field) => column(Some(field), looked_up, default),
                // A word that no notification has a value for.
                None if looked_up => Vec::new(),
                None => vec![Cow::Owned(default)],
            }
        };
        let columns = [
            word(&self.name, true),
            word(&self.sample_type, lookup.sample_type),
            column(Some(&self.volume), lookup.volume, Node::Null),
            word(&self.unit, lookup.unit),
            column(self.timestamp.as_ref(), lookup.timestamp, Node::Null),
            column(self.user_id.as_ref(), lookup.user_id, Node::Null),
            column(self.project_id.as_ref(), lookup.project_id, Node::Null),
            column(Some(&self.resource_id), lookup.resource_id, Node::Null),
        ];
        let single = [
            false,
            !lookup.sample_type,
            !lookup.volume,
            !lookup.unit,
            !lookup.timestamp,
            !lookup.user_id,
            !lookup.project_id,
            !lookup.resource_id,
        ];
        let samples = columns[0].len();
        if samples == 0 {
            return Err(None);
        }
        for ((column, single), attribute) in columns.iter().zip(single).zip(ATTRIBUTES) {
            if column.len() != samples && !(single && column.len() == 1) {
                let title = self.title.clone();
                return Err(Some(Lost::Counts { title, attribute, found: column.len(), samples }));
            }
        }
        Ok(columns)
    }

    /// What the definition picks as metadata; the payload where it picks nothing.
    fn picked<'t>(&'t self, subject: &'t Subject<'_>) -> Metadata<'t> {
        let mut picked: Vec<(&'t str, Value<'t>)> = Vec::with_capacity(self.metadata.len() + 1);
        for (key, field) in &self.metadata {
            picked.extend(
                field.first(subject).filter(|value| is_true(value)).map(|value| (key.as_str(), value)),
            );
        }
        if let Some(Cow::Borrowed(Node::Map(entries))) =
            self.user_metadata.as_ref().and_then(|field| field.first(subject))
        {
            let kept = |(key, value): &'t (Cow<'_, str>, Node<'_>)| {
                let name = key.strip_prefix(USER_METADATA_PREFIX)?;
                Some((Cow::Owned(name.replace('.', "_")), shortened(value)))
            };
            let kept: Vec<(Cow<'t, str>, Node<'t>)> = entries.iter().filter_map(kept).collect();
            if !kept.is_empty() {
                picked.retain(|(key, _)| *key != "user_metadata");
                picked.push(("user_metadata", Cow::Owned(Node::Map(kept))));
            }
        }
        if picked.is_empty() { Metadata::Payload } else { Metadata::Picked(picked) }
    }
}

/// The attributes of a sample, in the order of a [`Row`].
const ATTRIBUTES: [&str; 8] =
    ["name", "type", "volume", "unit", "timestamp", "user_id", "project_id", "resource_id"];

/// One value of each attribute.
type Row<'t> = [Value<'t>; 8];

enum Parts<'t> {
    Single(Row<'t>),
    Many([Vec<Value<'t>>; 8]),
}

/// A sample of its attributes. `sent`: when the notification was sent, as a sample has it and as it came.
fn draft<'t>(
    row: Row<'t>,
    metadata: Metadata<'t>,
    sent: (Option<&'t str>, Option<&str>),
) -> Result<SampleDraft<'t>, Lost> {
    let [name, sample_type, volume, unit, timestamp, user_id, project_id, resource_id] = row;
    let name = text(name);
    let known = TYPES.into_iter().find(|known| sample_type.as_text() == Some(known.name()));
    let Some(sample_type) = known else {
        return Err(Lost::Type { name: name.into_owned(), found: shown(&sample_type) });
    };
    let timestamp = match is_true(&timestamp) {
        true => timestamp.as_text().and_then(written).map(Cow::Owned).ok_or_else(|| shown(&timestamp)),
        false => sent.0.map(Cow::Borrowed).ok_or_else(|| sent.1.unwrap_or("none").to_owned()),
    };
    let timestamp = match timestamp {
        Ok(timestamp) => timestamp,
        Err(found) => return Err(Lost::Timestamp { name: name.into_owned(), found }),
    };
    let Some(volume) = number(&volume) else {
        return Err(Lost::Volume { name: name.into_owned(), found: shown(&volume) });
    };
    Ok(SampleDraft {
        name,
        sample_type,
        unit: text(unit),
        volume,
        user_id,
        project_id,
        resource_id,
        timestamp,
        metadata,
    })
}

/// A volume as a number: a truth is 1 or 0, a text is what Python's `float` makes of it; none of anything else, and of
/// what is not finite, because no JSON number is.
pub fn number(volume: &Node<'_>) -> Option<Node<'static>> {
    match volume {
        Node::Bool(truth) => Some(Node::Integer(i64::from(*truth))),
        Node::Integer(number) => Some(Node::Integer(*number)),
        Node::Unsigned(number) => Some(Node::Unsigned(*number)),
        Node::Float(number) => number.is_finite().then_some(Node::Float(*number)),
        Node::Text(text) => python::read_number(text),
        _ => None,
    }
}

/// The timestamp as a sample has it; none where it cannot be read.
fn written(timestamp: &str) -> Option<String> {
    IsoTime::parse(timestamp).map(|time| time.text())
}

/// A value as text.
fn text<'t>(value: Value<'t>) -> Cow<'t, str> {
    match value {
        Cow::Borrowed(Node::Text(text)) => Cow::Borrowed(text),
        Cow::Owned(Node::Text(text)) => text,
        other => Cow::Owned(shown(&other)),
    }
}

/// A value as messages show it: as Python prints it, and not more than 80 characters.
fn shown(value: &Node<'_>) -> String {
    let mut printed = Vec::new();
    python::write_str(value, &mut printed);
    String::from_utf8_lossy(&printed).chars().take(80).collect()
}

/// Whether Python takes it for true.
pub fn is_true(value: &Node<'_>) -> bool {
    match value {
        Node::Null => false,
        Node::Bool(truth) => *truth,
        Node::Integer(number) => *number != 0,
        Node::Unsigned(number) => *number != 0,
        Node::Float(number) => *number != 0.0,
        Node::Text(text) => !text.is_empty(),
        Node::List(items) => !items.is_empty(),
        Node::Map(entries) => !entries.is_empty(),
    }
}

/// A text of an owner's metadata, cut.
fn shortened<'t>(value: &'t Node<'_>) -> Node<'t> {
    match value {
        Node::Text(text) => {
            let end = text.char_indices().nth(USER_METADATA_LENGTH).map_or(text.len(), |(at, _)| at);
            Node::from(&text[..end])
        }
        other => other.clone(),
    }
}

impl Word {
    fn read(table: &Yaml, key: &str, reader: &mut Reader<'_>) -> Option<Word> {
        let value = table.get(key)?;
        let text = value.value.shown();
        // Each type is a key of no notification, and all words are paths.
        let field = Field::read(key, value, reader)?;
        let field = (!field.is_word()).then_some(field);
        Some(Word { text, field })
    }
}

fn patterns(types: &Placed, reader: &mut Reader<'_>) -> Option<Vec<Pattern>> {
    let mut patterns = Vec::new();
    for text in reader.texts("event_type", types)? {
        match Pattern::new(&text) {
            Ok(pattern) => patterns.push(pattern),
            Err(error) => return reader.fault(line(types), format!("event_type: {error}")),
        }
    }
    Some(patterns)
}

fn metadata(table: &Yaml, reader: &mut Reader<'_>) -> Option<Vec<(String, Field)>> {
    let Some(metadata) = table.get("metadata") else { return Some(Vec::new()) };
    match &metadata.value {
        Yaml::Table(entries) => {
            let fields = entries.iter().map(|(key, value)| {
                let name = key.value.shown();
                let field = Field::read(&name, value, reader)?;
                Some((name, field))
            });
            // Every fault is told.
            fields.collect::<Vec<_>>().into_iter().collect()
        }
        Yaml::Null => Some(Vec::new()),
        Yaml::List(items) if items.is_empty() => Some(Vec::new()),
        other => {
            let what = format!("metadata must be a table of keys and paths, not {}", other.kind());
            reader.fault(line(metadata), what)
        }
    }
}
