//! Which meters and events belong to which type of resource: Ceilometer's `gnocchi_resources.yaml`, and our own.

use std::collections::BTreeMap;
use std::path::Path as FilePath;

use foldhash::HashMap;
use serde::Deserialize;
use serde_json::Value;

use crate::base::Failure;
use crate::base::small_file::{self, CONFIGURATION_BYTES_MAX};
use crate::define::document::{self, Manner, Placed, Yaml};
use crate::define::{Field, Glob};
use crate::model::Node;

/// Ours.
const STOCK: &str = include_str!("resources.yaml");
/// Of metrics that name none, where the file has no default of its own (Ceilometer 27.0.0).
const ARCHIVE_POLICY: &str = "ceilometer-low";
/// A file of definitions is a few pages.
const FILE_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// All definitions.
#[derive(Debug)]
pub struct Definitions {
    /// What is posted to make the archive policies.
    pub archive_policies: Vec<Value>,
    /// All types of resources, in the order of the file.
    pub resources: Vec<Resource>,
    /// A metric's resource and archive policy.
    by_metric: HashMap<String, (usize, String)>,
    /// The same of names with wildcards.
    globs: Vec<(Glob, usize, String)>,
}

/// One type of resource.
#[derive(Debug)]
pub struct Resource {
    /// Its name.
    pub resource_type: String,
    /// In the order of the file.
    pub attributes: Vec<(String, Field)>,
    /// Events that say that one is there.
    pub event_create: Vec<Glob>,
    /// Events that say that one has changed.
    pub event_update: Vec<Glob>,
    /// Events that say that one has gone.
    pub event_delete: Vec<Glob>,
    /// Attributes, and the traits that say them.
    pub event_attributes: Vec<(String, String)>,
    /// Types of resources that end with this one, and how they are searched: `%s` is this one's id.
    pub associated: Vec<(String, String)>,
}

#[derive(Deserialize)]
struct File {
    archive_policy_default: Option<String>,
    #[serde(default)]
    archive_policies: Vec<Value>,
    resources: Vec<ResourceFile>,
}

#[derive(Deserialize)]
struct ResourceFile {
    resource_type: String,
    archive_policy: Option<String>,
    #[serde(default)]
    metrics: Metrics,
    #[serde(default)]
    attributes: Option<Placed>,
    #[serde(default)]
    event_create: OneOrMany,
    #[serde(default)]
    event_update: OneOrMany,
    #[serde(default)]
    event_delete: OneOrMany,
    #[serde(default)]
    event_attributes: Option<serde_json::Map<String, Value>>,
    #[serde(default)]
    event_associated_resources: Option<BTreeMap<String, String>>,
}

/// A map of options, or before Ceilometer 11 a list of names.
#[derive(Deserialize, Default)]
#[serde(untagged)]
enum Metrics {
    Map(BTreeMap<String, Option<MetricFile>>),
    List(Vec<String>),
    #[default]
    None,
}

#[derive(Deserialize)]
struct MetricFile {
    archive_policy_name: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(untagged)]
enum OneOrMany {
    One(String),
    Many(Vec<String>),
    #[default]
    None,
}

impl Definitions {
    /// Reads `path`, or what comes with the program.
    ///
    /// # Errors
    /// [`Failure::Configuration`] with all that is wrong.
    pub fn open(path: Option<&FilePath>) -> Result<Definitions, Failure> {
        let Some(path) = path else { return Definitions::read(STOCK, "resources.yaml") };
        let name = path.display().to_string();
        let refuse = |why: &dyn std::fmt::Display| Failure::Configuration(vec![format!("{name}: {why}")]);
        let bytes = std::fs::metadata(path).map_err(|error| refuse(&error))?.len();
        if bytes > FILE_BYTES_MAX {
            return Err(refuse(&format_args!("{bytes} bytes are no definitions of resources")));
        }
        let text = small_file::read_text(path, CONFIGURATION_BYTES_MAX).map_err(|error| refuse(&error))?;
        Definitions::read(&text, &name)
    }

    fn read(text: &str, name: &str) -> Result<Definitions, Failure> {
        let mut faults = Vec::new();
        let file: File = document::read(name, text, Manner::Python)
            .map_err(|fault| Failure::Configuration(vec![fault.to_string()]))?;
        let default = file.archive_policy_default.unwrap_or_else(|| ARCHIVE_POLICY.to_owned());
        let mut definitions = Definitions {
            archive_policies: file.archive_policies,
            resources: Vec::new(),
            by_metric: HashMap::default(),
            globs: Vec::new(),
        };
        for resource in file.resources {
            let of_type = &resource.resource_type;
            let mut fault = |what: String| faults.push(format!("{name}: {of_type}: {what}"));
            let default = resource.archive_policy.as_ref().unwrap_or(&default);
            let metrics = match resource.metrics {
                Metrics::Map(metrics) => metrics,
                Metrics::List(names) => names.into_iter().map(|name| (name, None)).collect(),
                Metrics::None => BTreeMap::new(),
            };
            for (metric, options) in metrics {
                let policy = options.and_then(|options| options.archive_policy_name);
                let policy = policy.unwrap_or_else(|| default.clone());
                let index = definitions.resources.len();
                if metric.contains(['*', '?', '[']) {
                    definitions.globs.push((Glob::new(&metric), index, policy));
                } else {
                    definitions.by_metric.entry(metric).or_insert((index, policy));
                }
            }
            let mut attributes = Vec::new();
            match resource.attributes.map(|attributes| attributes.value) {
                None | Some(Yaml::Null) => {}
                Some(Yaml::Table(entries)) => {
                    for (attribute, field) in entries {
                        let attribute = attribute.value.shown();
                        match Field::open(&attribute, &field) {
                            Ok(field) => attributes.push((attribute, field)),
                            Err(whys) => whys.into_iter().for_each(|why| fault(format!("attribute {why}"))),
                        }
                    }
                }
                Some(other) => fault(format!("attributes must be a table, not {}", other.kind())),
            }
            let mut event_attributes = Vec::new();
            for (attribute, of_trait) in resource.event_attributes.unwrap_or_default() {
                match of_trait.as_str() {
                    Some(of_trait) => event_attributes.push((attribute, of_trait.to_owned())),
                    None => fault(format!("event attribute {attribute} is not the name of a trait")),
                }
            }
            definitions.resources.push(Resource {
                resource_type: of_type.clone(),
                attributes,
                event_create: globs(resource.event_create),
                event_update: globs(resource.event_update),
                event_delete: globs(resource.event_delete),
                event_attributes,
                associated: resource.event_associated_resources.unwrap_or_default().into_iter().collect(),
            });
        }
        if faults.is_empty() { Ok(definitions) } else { Err(Failure::Configuration(faults)) }
    }

    /// The resource that `metric` belongs to, and its archive policy; none when it belongs to none.
    pub fn of_metric(&self, metric: &str) -> Option<(&Resource, &str)> {
        let exact = self.by_metric.get(metric).map(|(index, policy)| (*index, policy.as_str()));
        let (index, policy) = exact.or_else(|| {
            let found = self.globs.iter().find(|(glob, ..)| glob.matches(metric))?;
            Some((found.1, found.2.as_str()))
        })?;
        Some((&self.resources[index], policy))
    }
}

impl Resource {
    /// The attributes that `event`'s traits say, in the order of the definition.
    pub fn event_attributes<'r, 'a>(&'r self, event: &Node<'a>) -> Vec<(&'r str, Node<'a>)> {
        let Some(Node::List(traits)) = event.get("traits") else { return Vec::new() };
        let value = |name: &str| {
            traits.iter().find_map(|one| match one {
                Node::List(parts) if parts.first().and_then(Node::as_text) == Some(name) => {
                    parts.get(2).cloned()
                }
                _ => None,
            })
        };
        let attributes = self.event_attributes.iter();
        attributes.filter_map(|(attribute, of_trait)| Some((attribute.as_str(), value(of_trait)?))).collect()
    }
}

fn globs(names: OneOrMany) -> Vec<Glob> {
    match names {
        OneOrMany::One(name) => vec![Glob::new(&name)],
        OneOrMany::Many(names) => names.iter().map(|name| Glob::new(name)).collect(),
        OneOrMany::None => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stock_definitions_are_whole() {
        let stock = Definitions::open(None).unwrap();
        assert_eq!(
            (stock.archive_policies.len(), stock.resources.len(), stock.by_metric.len()),
            (4, 19, 129)
        );
        let (cpu, policy) = stock.of_metric("cpu").unwrap();
        assert_eq!((&cpu.resource_type[..], policy), ("instance", "ceilometer-low-rate"));
        assert_eq!(stock.of_metric("image.size").unwrap().1, "ceilometer-low");
        assert!(stock.of_metric("cpu_util").is_none());
    }

    #[test]
    fn old_and_new_forms_of_a_file_are_read() {
        let text = "resources:\n\
            - resource_type: a\n  archive_policy: medium\n  metrics: [one, 'two.*']\n  event_delete: x.delete\n\
            - resource_type: b\n  metrics:\n    three: {archive_policy_name: high}\n    four:\n  attributes:\n    n: {fields: m.n}\n";
        let read = Definitions::read(text, "f").unwrap();
        let of = |metric: &str| {
            read.of_metric(metric).map(|(of, policy)| format!("{} {policy}", of.resource_type))
        };
        assert_eq!(of("one").unwrap(), "a medium");
        assert_eq!(of("two.x").unwrap(), "a medium");
        assert_eq!((of("three").unwrap(), of("four").unwrap()), ("b high".into(), "b ceilometer-low".into()));
        assert!(read.resources[0].event_delete[0].matches("x.delete"));
        assert_eq!(read.resources[1].attributes.len(), 1);
    }

    #[test]
    fn an_attribute_is_the_first_that_any_path_of_ceilometers_finds() {
        let text = "resources:\n- resource_type: a\n  attributes:\n    a: m.(a|b)\n\
            \x20   b: m.(instance_flavor_id|(flavor.id)|flavor_id)\n    c: m.flavor.name | id\n\
            \x20   d: \"m.'c.d'\"\n    e: m.a\n    f: m.b.c\n    g: 'm.l[1].n'\n    h: [m.a, m.b]\n\
            \x20   i: {fields: m.b, plugin: {name: split, parameters: {separator: y, segment: 1}}}\n";
        let definitions = Definitions::read(text, "f").unwrap();
        let json = br#"{"m":{"a":null,"flavor":{"id":7},"b":"xyz","c.d":1,"l":[{"n":0},{"n":2}]}}"#;
        let node = crate::wire::json::read_node(json).unwrap();
        let subject = crate::define::Subject::of(&node);
        let found: Vec<(&str, String)> = definitions.resources[0]
            .attributes
            .iter()
            .filter_map(|(name, field)| {
                let value = field.first(&subject)?;
                Some((name.as_str(), serde_json::to_string(&*value).ok()?))
            })
            .collect();
        let expected = [
            ("a", "\"xyz\""),
            ("b", "7"),
            // `|` binds tighter: flavor.(name|id).
            ("c", "7"),
            ("d", "1"),
            ("g", "2"),
            ("h", "\"xyz\""),
            ("i", "\"z\""),
        ];
        assert_eq!(found, expected.map(|(name, value)| (name, value.to_owned())));
    }

    #[test]
    fn all_that_is_wrong_is_said() {
        let text = "resources:\n- resource_type: a\n  attributes: {x: 'b.', y: {plugin: split}}\n";
        let failure = Definitions::read(text, "f").unwrap_err().to_string();
        assert_eq!(
            failure,
            "f: a: attribute x: path \"b.\": the path ends too early at column 3\nf: a: attribute y: fields is missing"
        );
        assert!(Definitions::read("resources: 5", "f").unwrap_err().to_string().starts_with("f:1: "));
    }
}
