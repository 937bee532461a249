//! The sources of polling.yaml: what is polled, and how often.

use super::matching::Matching;
use super::values::{Faults, get};
use crate::define::document::{self, Fault, Manner, Placed, Table, Yaml, line};

/// One source of polling.yaml.
#[derive(Debug)]
pub struct PollingSource {
    /// Its name.
    pub name: String,
    /// Seconds from poll to poll, 1 or more.
    pub interval_seconds: i64,
    /// The meters that are polled.
    pub matching: Matching,
    /// Resources that are polled besides those that are discovered.
    pub resources: Vec<String>,
    /// How resources are found.
    pub discovery: Vec<String>,
}

/// Reads polling.yaml.
///
/// # Errors
/// Every fault, in the order of lines; what Ceilometer 27.0.0 refuses is refused.
pub fn read_polling(path: &str, text: &str) -> Result<Vec<PollingSource>, Vec<Fault>> {
    let mut faults = Faults::new(path);
    let sources = match document::parse(text, Manner::Python) {
        Ok(root) => sources(&root, &mut faults),
        Err((line, message)) => {
            faults.fault(line, message);
            Vec::new()
        }
    };
    let found = faults.sorted().faults;
    if found.is_empty() { Ok(sources) } else { Err(found) }
}

fn sources(root: &Placed, faults: &mut Faults) -> Vec<PollingSource> {
    let list = match &root.value {
        Yaml::Table(table) => get(table, "sources").map(|(_, node)| &node.value),
        _ => None,
    };
    let Some(Yaml::List(items)) = list else {
        faults.fault(line(root), "sources, a list, is required");
        return Vec::new();
    };
    let sources: Vec<PollingSource> = items.iter().filter_map(|item| source(item, faults)).collect();
    for (index, source) in sources.iter().enumerate() {
        if sources[..index].iter().any(|other| other.name == source.name) {
            faults.fault(None, format!("there are two sources named \"{}\"", source.name));
        }
    }
    sources
}

fn source(item: &Placed, faults: &mut Faults) -> Option<PollingSource> {
    let Yaml::Table(table) = &item.value else {
        faults.fault(
            line(item),
            format!("a source must be a table of keys and values, not {}", item.value.kind()),
        );
        return None;
    };
    let name = faults.text(table, "name");
    if name.is_none() {
        faults.fault(line(item), "a source without name");
    }
    let interval = interval(table, line(item), faults);
    let meters: Vec<String> = faults.names(table, "meters").into_iter().map(|(_, name)| name).collect();
    let matching = Matching::parse(&meters);
    if let Err(why) = &matching {
        faults.fault(get(table, "meters").map_or(line(item), |(at, _)| at), format!("meters {why}"));
    }
    let (resources, discovery) = (texts(table, "resources", faults), texts(table, "discovery", faults));
    Some(PollingSource {
        name: name?,
        interval_seconds: interval?,
        matching: matching.ok()?,
        resources: resources?,
        discovery: discovery?,
    })
}

/// As Python's `int()` reads it: "300" is 300, 1.5 is 1.
fn interval(table: &Table, at: Option<u64>, faults: &mut Faults) -> Option<i64> {
    let Some((at, node)) = get(table, "interval") else {
        faults.fault(at, "interval is missing");
        return None;
    };
    let seconds = match &node.value {
        Yaml::Integer(seconds) => Some(*seconds),
        Yaml::Float(seconds) if seconds.is_finite() => Some(*seconds as i64),
        Yaml::Text(text) => text.trim().parse().ok(),
        _ => None,
    };
    match seconds {
        Some(seconds) if seconds > 0 => Some(seconds),
        Some(_) => {
            faults.fault(at, "interval must be over 0");
            None
        }
        None => {
            faults.fault(at, format!("interval must be a number of seconds, not {}", node.value.kind()));
            None
        }
    }
}

fn texts(table: &Table, key: &str, faults: &mut Faults) -> Option<Vec<String>> {
    match get(table, key) {
        Some((at, Placed { value: Yaml::Text(_), .. })) => {
            faults.fault(at, format!("{key} must be a list"));
            None
        }
        _ => Some(faults.names(table, key).into_iter().map(|(_, text)| text).collect()),
    }
}
