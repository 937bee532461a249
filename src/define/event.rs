//! Event definitions (Ceilometer's event_definitions.yaml): which traits an event takes from its notification.

use std::borrow::Cow;
use std::collections::HashMap;

use super::document::{Fault, Placed, Yaml, line};
use super::path::{Value, integer};
use super::read::Reader;
use super::{Field, Glob, IsoTime, Subject};
use crate::model::{Node, Notification, python};

/// Characters of a text trait; the column of the original's database.
const TEXT_MAX: usize = 255;

/// Event types whose definition is remembered: a cloud has a few hundred; more than this are made up.
const EVENT_TYPES_MAX: usize = 4096;

/// The traits that every event has, where its notification has a value for them; definitions may replace them.
const DEFAULT_TRAITS: [(&str, &[&str]); 5] = [
    ("service", &["publisher_id"]),
    ("request_id", &["ctxt.request_id"]),
    ("project_id", &["payload.tenant_id", "ctxt.project_id"]),
    ("user_id", &["payload.user_id", "ctxt.user_id"]),
    ("tenant_id", &["payload.tenant_id", "ctxt.project_id"]),
];

/// What is set beside the definitions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EventOptions {
    /// Priorities whose events hold their notification (Ceilometer's `store_raw`), in lower case.
    pub store_raw: Vec<String>,
    /// Whether notifications that no definition takes make no event (Ceilometer's `drop_unmatched_notifications`).
    pub drop_unmatched: bool,
}

/// All event definitions; the last that takes an event type makes the event.
#[derive(Debug, Default)]
pub struct EventDefinitions {
    definitions: Vec<EventDefinition>,
    options: EventOptions,
    /// Index in `definitions` by event type.
    matching: HashMap<String, Option<usize>>,
}

#[derive(Debug)]
struct EventDefinition {
    included: Vec<Glob>,
    excluded: Vec<Glob>,
    traits: Vec<TraitDefinition>,
}

#[derive(Clone, Debug)]
struct TraitDefinition {
    name: String,
    kind: TraitKind,
    field: Field,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum TraitKind {
    Text,
    Integer,
    Float,
    Datetime,
}

/// An event, borrowed from its notification and its definition.
#[derive(Clone, Debug, PartialEq)]
pub struct EventDraft<'t> {
    /// When it happened, in UTC and without an offset.
    pub generated: String,
    /// The traits: name and value.
    pub traits: Vec<(&'t str, TraitDraft<'t>)>,
    /// Whether the event holds its notification.
    pub raw: bool,
    /// Traits whose value did not fit their type: name, type and value.
    pub unfit: Vec<(&'t str, &'static str, String)>,
}

/// The value of a trait.
#[derive(Clone, Debug, PartialEq)]
pub enum TraitDraft<'t> {
    /// Type 1.
    Text(Cow<'t, str>),
    /// Type 2; an integer.
    Integer(Node<'static>),
    /// Type 3; finite.
    Float(f64),
    /// Type 4; in UTC and without an offset.
    Datetime(String),
}

impl EventDefinitions {
    /// Reads the definitions of a file: a list. `path` is what messages call it.
    ///
    /// Gives what can be used, and every fault of the rest.
    pub fn read(path: &str, text: &str, options: EventOptions) -> (EventDefinitions, Vec<Fault>) {
        let mut reader = Reader::new(path);
        let mut definitions = Vec::new();
        if let Some(root) = reader.document(text) {
            match &root.value {
                Yaml::List(items) => {
                    for item in items {
                        definitions.extend(EventDefinition::read(item, &mut reader));
                    }
                }
                // An empty file defines nothing.
                Yaml::Null => {}
                other => {
                    let what = format!("expected a list of definitions, found {}", other.kind());
                    reader.fault::<()>(line(&root), what);
                }
            }
        }
        let catches_all = |definition: &EventDefinition| {
            definition.excluded.is_empty() && definition.included.iter().any(|glob| glob.as_str() == "*")
        };
        if !options.drop_unmatched && !definitions.iter().any(catches_all) {
            let included = vec![Glob::new("*")];
            definitions
                .insert(0, EventDefinition { included, excluded: Vec::new(), traits: default_traits() });
        }
        (EventDefinitions { definitions, options, matching: HashMap::new() }, reader.faults())
    }

    /// How many there are, the one for all else included.
    pub fn len(&self) -> usize {
        self.definitions.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.definitions.is_empty()
    }

    /// The event of a notification; none where no definition takes it.
    ///
    /// # Errors
    /// The notification's timestamp, if it cannot be read.
    pub fn event<'t>(
        &'t mut self,
        notification: &Notification<'_>,
        subject: &'t Subject<'_>,
    ) -> Result<Option<EventDraft<'t>>, String> {
        if self.matching.len() >= EVENT_TYPES_MAX {
            self.matching.clear();
        }
        let definitions = &self.definitions;
        let index = match self.matching.get(&*notification.event_type) {
            Some(index) => *index,
            None => {
                let event_type = notification.event_type.clone().into_owned();
                let index = definitions.iter().rposition(|definition| definition.takes(&event_type));
                *self.matching.entry(event_type).or_insert(index)
            }
        };
        let Some(definition) = index.map(|index| &definitions[index]) else { return Ok(None) };
        let sent = notification.timestamp.as_deref();
        let generated = sent.and_then(utc).ok_or_else(|| sent.unwrap_or("none").to_owned())?;
        let priority = notification.priority.as_deref().unwrap_or("info");
        let raw = self.options.store_raw.iter().any(|other| other.eq_ignore_ascii_case(priority));
        let (mut traits, mut unfit) = (Vec::with_capacity(definition.traits.len()), Vec::new());
        for one in &definition.traits {
            let Some(value) = one.field.first(subject) else { continue };
            // An empty text is nothing, unless a text is wanted.
            if one.kind != TraitKind::Text && value.as_text() == Some("") {
                continue;
            }
            match converted(one.kind, value) {
                Ok(value) => traits.push((one.name.as_str(), value)),
                Err(found) => unfit.push((one.name.as_str(), one.kind.name(), found)),
            }
        }
        Ok(Some(EventDraft { generated, traits, raw, unfit }))
    }
}

fn default_traits() -> Vec<TraitDefinition> {
    let trait_of = |(name, paths): &(&str, &[&str])| {
        let field = Field::of(paths).ok()?;
        Some(TraitDefinition { name: (*name).to_owned(), kind: TraitKind::Text, field })
    };
    DEFAULT_TRAITS.iter().filter_map(trait_of).collect()
}

impl TraitKind {
    fn name(self) -> &'static str {
        match self {
            TraitKind::Text => "text",
            TraitKind::Integer => "int",
            TraitKind::Float => "float",
            TraitKind::Datetime => "datetime",
        }
    }

    fn of(word: &str) -> Option<TraitKind> {
        let all = [TraitKind::Text, TraitKind::Integer, TraitKind::Float, TraitKind::Datetime];
        all.into_iter().find(|kind| kind.name().eq_ignore_ascii_case(word))
    }
}

impl EventDefinition {
    fn read(item: &Placed, reader: &mut Reader<'_>) -> Option<EventDefinition> {
        let (at, table) = (line(item), &item.value);
        if !matches!(table, Yaml::Table(_)) {
            return reader.fault(at, format!("expected a definition, found {}", table.kind()));
        }
        let Some(types) = table.get("event_type") else {
            return reader.fault(at, "event_type is missing".to_owned());
        };
        let Some(traits) = table.get("traits") else {
            return reader.fault(at, "traits is missing".to_owned());
        };
        let (mut included, mut excluded) = (Vec::new(), Vec::new());
        for text in reader.texts("event_type", types)? {
            match text.strip_prefix('!') {
                Some(rest) => excluded.push(Glob::new(rest)),
                None => included.push(Glob::new(&text)),
            }
        }
        if included.is_empty() && !excluded.is_empty() {
            included.push(Glob::new("*"));
        }
        let traits = traits_of(traits, reader)?;
        Some(EventDefinition { included, excluded, traits })
    }

    fn takes(&self, event_type: &str) -> bool {
        self.included.iter().any(|glob| glob.matches(event_type))
            && !self.excluded.iter().any(|glob| glob.matches(event_type))
    }
}

/// The default traits, and those of the definition in their place or behind them.
fn traits_of(traits: &Placed, reader: &mut Reader<'_>) -> Option<Vec<TraitDefinition>> {
    let entries = match &traits.value {
        Yaml::Table(entries) => &entries[..],
        Yaml::List(items) if items.is_empty() => &[],
        other => {
            let what = format!("traits must be a table of names and fields, not {}", other.kind());
            return reader.fault(line(traits), what);
        }
    };
    let (mut all, mut whole) = (default_traits(), true);
    for (key, value) in entries {
        let name = key.value.shown();
        let kind = match value.value.get("type") {
            None => Some(TraitKind::Text),
            Some(word) => match word.value.as_text().and_then(TraitKind::of) {
                Some(kind) => Some(kind),
                None => {
                    let shown = word.value.shown();
                    let what = format!("{name}: type must be text, int, float or datetime, not {shown}");
                    reader.fault(line(word), what)
                }
            },
        };
        let field = Field::read(&name, value, reader);
        let (Some(kind), Some(field)) = (kind, field) else {
            whole = false;
            continue;
        };
        let read = TraitDefinition { name, kind, field };
        match all.iter_mut().find(|other| other.name == read.name) {
            Some(other) => *other = read,
            None => all.push(read),
        }
    }
    whole.then_some(all)
}

/// The value as its type; else the value as messages show it.
fn converted(kind: TraitKind, value: Value<'_>) -> Result<TraitDraft<'_>, String> {
    let made = match kind {
        TraitKind::Text => Some(TraitDraft::Text(text(&value))),
        TraitKind::Integer => whole(&value).map(TraitDraft::Integer),
        TraitKind::Float => float(&value).map(TraitDraft::Float),
        TraitKind::Datetime => value.as_text().and_then(utc).map(TraitDraft::Datetime),
    };
    made.ok_or_else(|| text(&value).chars().take(80).collect())
}

/// Python's `str(value)`, cut.
fn text<'t>(value: &Value<'t>) -> Cow<'t, str> {
    let cut = |text: &str| text.char_indices().nth(TEXT_MAX).map_or(text.len(), |(at, _)| at);
    match value {
        Cow::Borrowed(Node::Text(text)) => Cow::Borrowed(&text[..cut(text)]),
        other => {
            let mut printed = Vec::new();
            python::write_str(other, &mut printed);
            let mut printed = String::from_utf8_lossy(&printed).into_owned();
            printed.truncate(cut(&printed));
            Cow::Owned(printed)
        }
    }
}

/// Python's `int(value)`, where 64 bits hold it.
fn whole(value: &Node<'_>) -> Option<Node<'static>> {
    let number = integer(value)?;
    i64::try_from(number).map(Node::Integer).or_else(|_| u64::try_from(number).map(Node::Unsigned)).ok()
}

/// Python's `float(value)`, where it is finite.
fn float(value: &Node<'_>) -> Option<f64> {
    let number = match value {
        Node::Bool(truth) => f64::from(u8::from(*truth)),
        Node::Text(text) => python::read_float(text)?,
        other => other.as_f64()?,
    };
    number.is_finite().then_some(number)
}

/// A timestamp in UTC and without an offset; none where it cannot be read.
fn utc(timestamp: &str) -> Option<String> {
    IsoTime::parse(timestamp)?.utc_text()
}
