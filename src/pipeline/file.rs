//! pipeline.yaml and event_pipeline.yaml: YAML in, pipelines out, or every fault of the file with its line.
//!
//! What Ceilometer 27.0.0 refuses is refused, what it takes is taken; what it takes and nobody can have meant is a
//! warning. Transformers, which 27.0.0 passes over, are those of Ocata.

use std::collections::HashMap;

use super::matching::Matching;
use super::publisher::Publisher;
use super::transform::{self, Plan};
use super::values::{Faults, fingerprint, get};
use crate::define::document::{self, Fault, Manner, Placed, Table, Yaml, line};

/// What the pipelines of a file are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Samples: pipeline.yaml.
    Samples,
    /// Events: event_pipeline.yaml.
    Events,
}

impl Kind {
    /// The key of a source that says which names it takes.
    fn names_key(self) -> &'static str {
        match self {
            Kind::Samples => "meters",
            Kind::Events => "events",
        }
    }
}

/// What a file leaves to others to judge.
pub struct Checks<'a> {
    /// Of the publishers that there are.
    pub schemes: &'a [&'a str],
    /// Whether an address of one of them makes sense, or why not.
    pub address: &'a dyn Fn(&str) -> Result<(), String>,
}

/// All that a file says.
#[derive(Debug, Default)]
pub struct Pipelines {
    /// In the order of the file.
    pub sources: Vec<Source>,
    /// In the order of the file; also those that no source names.
    pub sinks: Vec<Sink>,
    /// What is odd, and taken as Ceilometer takes it; in the order of lines.
    pub warnings: Vec<Fault>,
}

impl Pipelines {
    /// The publishers of the sinks that a source names: nobody else gets anything, and no other is opened.
    pub fn publishers(&self) -> impl Iterator<Item = &Publisher> {
        let is_used = |place: &usize| self.sources.iter().any(|source| source.sinks.contains(place));
        let used = self.sinks.iter().enumerate().filter(move |(place, _)| is_used(place));
        used.flat_map(|(_, sink)| &sink.publishers)
    }
}

/// Which records go to which sinks.
#[derive(Debug)]
pub struct Source {
    /// Its name.
    pub name: String,
    /// The meters or types of events that it takes.
    pub matching: Matching,
    /// Places in [`Pipelines::sinks`], in the order of the file.
    pub sinks: Vec<usize>,
}

/// What is done with records, and where they go.
#[derive(Debug)]
pub struct Sink {
    /// Its name.
    pub name: String,
    /// In the order of the work.
    pub transformers: Vec<Plan>,
    /// In the order of the file, at least one.
    pub publishers: Vec<Publisher>,
    /// Everything that the file says of it: the transformers of a sink that says the same may keep what they know.
    pub definition: String,
}

/// Reads a file of pipelines.
///
/// - `path`: what messages call the file
/// - `text`: all of it; YAML or JSON
///
/// # Errors
/// Every fault, in the order of lines. A text that is no YAML has one.
pub fn read(path: &str, text: &str, kind: Kind, checks: &Checks<'_>) -> Result<Pipelines, Vec<Fault>> {
    let mut reader = Reader { faults: Faults::new(path), kind, checks };
    let mut pipelines = match document::parse(text, Manner::Python) {
        Ok(root) => reader.pipelines(&root),
        Err((line, message)) => {
            reader.faults.fault(line, message);
            Pipelines::default()
        }
    };
    let found = reader.faults.sorted();
    pipelines.warnings = found.warnings;
    if found.faults.is_empty() { Ok(pipelines) } else { Err(found.faults) }
}

/// Keys that mean something in another release, and are no typing errors: who polls is told by polling.yaml now.
const OLD_SOURCE_KEYS: [&str; 3] = ["interval", "resources", "discovery"];

struct Reader<'a> {
    faults: Faults,
    kind: Kind,
    checks: &'a Checks<'a>,
}

impl Reader<'_> {
    fn pipelines(&mut self, root: &Placed) -> Pipelines {
        let both = "sources and sinks are both required";
        let Yaml::Table(table) = &root.value else {
            self.faults.fault(line(root), format!("{both}; found {}", root.value.kind()));
            return Pipelines::default();
        };
        self.faults.only(table, &["sources", "sinks"]);
        let (Some(sources), Some(sinks)) = (self.list(table, "sources"), self.list(table, "sinks")) else {
            if get(table, "sources").is_none() || get(table, "sinks").is_none() {
                self.faults.fault(line(root), both);
            }
            return Pipelines::default();
        };
        let mut names = HashMap::new();
        let sinks: Vec<Option<Sink>> = sinks.iter().map(|item| self.sink(item, &mut names)).collect();
        // A sink that has faults is still there to be named.
        let places = std::mem::take(&mut names);
        let sources: Vec<Option<Source>> =
            sources.iter().map(|item| self.source(item, &mut names, &places)).collect();
        Pipelines {
            sources: sources.into_iter().flatten().collect(),
            // Places hold only if all sinks are there; where one is not, there are faults, and nothing is given out.
            sinks: sinks.into_iter().flatten().collect(),
            warnings: Vec::new(),
        }
    }

    fn list<'t>(&mut self, table: &'t Table, key: &str) -> Option<&'t [Placed]> {
        let (at, node) = get(table, key)?;
        match &node.value {
            Yaml::List(items) => Some(items),
            other => {
                self.faults.fault(at, format!("{key} must be a list, not {}", other.kind()));
                None
            }
        }
    }

    /// The table of an item and its name, which is required and stands once.
    fn named<'t>(
        &mut self,
        what: &str,
        item: &'t Placed,
        names: &mut HashMap<String, usize>,
    ) -> Option<(&'t Table, String)> {
        let Yaml::Table(table) = &item.value else {
            let message = format!("a {what} must be a table of keys and values, not {}", item.value.kind());
            self.faults.fault(line(item), message);
            return None;
        };
        let Some(name) = self.faults.text(table, "name") else {
            if get(table, "name").is_none_or(|(_, node)| matches!(node.value, Yaml::Null)) {
                self.faults.fault(line(item), format!("a {what} without name"));
            }
            return Some((table, String::new()));
        };
        let place = names.len();
        if names.contains_key(&name) {
            let at = get(table, "name").and_then(|(at, _)| at);
            self.faults.fault(at, format!("there are two {what}s named \"{name}\""));
        } else {
            names.insert(name.clone(), place);
        }
        Some((table, name))
    }

    fn source(
        &mut self,
        item: &Placed,
        names: &mut HashMap<String, usize>,
        sinks: &HashMap<String, usize>,
    ) -> Option<Source> {
        let (table, name) = self.named("source", item, names)?;
        let key = self.kind.names_key();
        let [interval, resources, discovery] = OLD_SOURCE_KEYS;
        self.faults.only(table, &["name", key, "sinks", interval, resources, discovery]);
        let faults_before = self.faults.faults.len();
        let taken: Vec<String> = self.faults.names(table, key).into_iter().map(|(_, name)| name).collect();
        let matching = Matching::parse(&taken);
        // What is no list of texts was complained of already.
        if let (Err(why), true) = (&matching, faults_before == self.faults.faults.len()) {
            let at = get(table, key).map_or(line(item), |(at, _)| at);
            self.faults.fault(at, format!("source \"{name}\": {key} {why}"));
        }
        let at = get(table, "sinks").map_or(line(item), |(at, _)| at);
        if get(table, "sinks").is_none() {
            self.faults.fault(at, format!("source \"{name}\" without sinks"));
            return None;
        }
        let targets = self.faults.names(table, "sinks");
        if targets.is_empty() {
            self.faults.fault(at, format!("source \"{name}\" names no sink"));
        }
        let mut places = Vec::new();
        for (at, target) in targets {
            match sinks.get(&target) {
                None => {
                    let known: Vec<&str> = sinks.keys().map(String::as_str).collect();
                    let hint = crate::base::nearest::did_you_mean(&target, &known);
                    self.faults.fault(at, format!("source \"{name}\": there is no sink \"{target}\"{hint}"));
                }
                Some(place) if places.contains(place) => {
                    self.faults.fault(at, format!("source \"{name}\" names the sink \"{target}\" twice"));
                }
                Some(place) => places.push(*place),
            }
        }
        Some(Source { name, matching: matching.ok()?, sinks: places })
    }

    fn sink(&mut self, item: &Placed, names: &mut HashMap<String, usize>) -> Option<Sink> {
        let (table, name) = self.named("sink", item, names)?;
        self.faults.only(table, &["name", "transformers", "publishers"]);
        let mut publishers = Vec::new();
        match get(table, "publishers") {
            Some((_, Placed { value: Yaml::List(items), .. })) if !items.is_empty() => {
                for item in items {
                    publishers.extend(self.publisher(item));
                }
            }
            Some((at, Placed { value, .. })) if !matches!(value, Yaml::Null | Yaml::List(_)) => {
                self.faults.fault(at, format!("publishers must be a list, not {}", value.kind()));
            }
            found => {
                let at = found.map_or(line(item), |(at, _)| at);
                self.faults.fault(at, format!("sink \"{name}\" has no publisher"));
            }
        }
        let transformers = self.transformers(table);
        let mut definition = String::new();
        fingerprint(&item.value, &mut definition);
        Some(Sink { name, transformers, publishers, definition })
    }

    fn publisher(&mut self, item: &Placed) -> Option<Publisher> {
        let text = match &item.value {
            Yaml::Text(text) => text.clone(),
            // YAML takes an unquoted `test:` for a table of one key.
            Yaml::Table(table) if let [(scheme, Placed { value: Yaml::Null, .. })] = &table[..] => {
                format!("{}:", scheme.value.shown())
            }
            other => {
                self.faults.fault(line(item), format!("publishers must hold URLs, not {}", other.kind()));
                return None;
            }
        };
        let publisher = Publisher::parse(&text, self.checks.schemes).and_then(|publisher| {
            if let Publisher::Address(address) = &publisher {
                (self.checks.address)(address)?;
            }
            Ok(publisher)
        });
        publisher.map_err(|why| self.faults.fault(line(item), why)).ok()
    }

    fn transformers(&mut self, table: &Table) -> Vec<Plan> {
        let items = match get(table, "transformers") {
            None | Some((_, Placed { value: Yaml::Null, .. })) => return Vec::new(),
            Some((_, Placed { value: Yaml::List(items), .. })) => items,
            Some((at, other)) => {
                self.faults.fault(at, format!("transformers must be a list, not {}", other.value.kind()));
                return Vec::new();
            }
        };
        if self.kind == Kind::Events {
            if !items.is_empty() {
                let at = get(table, "transformers").and_then(|(at, _)| at);
                self.faults.warn(at, "events are not transformed: these transformers do nothing");
            }
            return Vec::new();
        }
        items.iter().filter_map(|item| transform::plan(item, &mut self.faults)).collect()
    }
}
