//! A field of a definition: where its value is found in a notification, and which plugin it goes through.

use std::borrow::Cow;

use super::Subject;
use super::document::{Placed, Yaml, line};
use super::path::{Path, Value};
use super::plugin::Plugin;
use super::read::Reader;
use crate::model::Node;

/// Paths of one field: the longest lists have four.
const PATHS_MAX: usize = 64;

/// Where a value comes from.
#[derive(Clone, Debug)]
pub struct Field {
    source: Source,
    plugin: Option<Plugin>,
}

#[derive(Clone, Debug)]
enum Source {
    /// The value itself.
    Constant(Node<'static>),
    /// Paths, tried in order.
    Paths(Vec<Path>),
}

impl Field {
    /// Reads a field: a path, a list of paths, a whole number, a truth, or a table of `fields` and `plugin`.
    pub(super) fn read(name: &str, value: &Placed, reader: &mut Reader<'_>) -> Option<Field> {
        let (fields, plugin) = match &value.value {
            table @ Yaml::Table(_) => match table.get("fields") {
                Some(fields) => (fields, table.get("plugin")),
                None => return reader.fault(line(value), format!("{name}: fields is missing")),
            },
            _ => (value, None),
        };
        let plugin = match plugin {
            Some(plugin) => Some(Plugin::read(name, plugin, reader)?),
            None => None,
        };
        Some(Field { source: source(name, fields, reader)?, plugin })
    }

    /// Reads a field as [`Field::read`] does, of a file that is read elsewhere; `name` is what messages call it.
    ///
    /// # Errors
    /// All that is wrong with it.
    pub fn open(name: &str, value: &Placed) -> Result<Field, Vec<String>> {
        let mut reader = Reader::new("");
        let field = Field::read(name, value, &mut reader);
        field.ok_or_else(|| reader.faults().into_iter().map(|fault| fault.message).collect())
    }

    /// A field of these paths, which must be right: for what is built in.
    ///
    /// # Errors
    /// What is wrong with the first that is not.
    pub(super) fn of(paths: &[&str]) -> Result<Field, super::path::BadPath> {
        let paths = paths.iter().map(|path| Path::parse(path)).collect::<Result<_, _>>()?;
        Ok(Field { source: Source::Paths(paths), plugin: None })
    }

    /// The first value that is not nothing.
    pub fn first<'t>(&'t self, subject: &'t Subject<'_>) -> Option<Value<'t>> {
        match (&self.source, &self.plugin) {
            (Source::Constant(node), _) => Some(Cow::Borrowed(node)),
            (Source::Paths(paths), None) => paths.iter().find_map(|path| path.first(subject)),
            (Source::Paths(paths), Some(plugin)) => {
                let found = placed(paths, plugin, subject).into_iter().filter(|(_, value)| !value.is_null());
                plugin.values(found.collect()).into_iter().find(|value| !value.is_null())
            }
        }
    }

    /// All values, in order, those that are nothing too.
    pub fn all<'t>(&'t self, subject: &'t Subject<'_>) -> Vec<Value<'t>> {
        match (&self.source, &self.plugin) {
            (Source::Constant(node), _) => vec![Cow::Borrowed(node)],
            (Source::Paths(paths), None) => {
                let mut values = Vec::new();
                paths.iter().for_each(|path| path.all(subject, &mut values));
                values
            }
            (Source::Paths(paths), Some(plugin)) => plugin.values(placed(paths, plugin, subject)),
        }
    }

    /// Whether no notification has a value for it: a word that was meant as itself.
    pub(super) fn is_word(&self) -> bool {
        let elsewhere = |path: &Path| {
            let first = path.plain().and_then(|keys| keys.first());
            first.is_some_and(|key| !Subject::KEYS.contains(&key.as_str()))
        };
        matches!(&self.source, Source::Paths(paths) if paths.iter().all(elsewhere)) && self.plugin.is_none()
    }
}

/// All values with their places, as far as the plugin asks for them.
fn placed<'t>(paths: &'t [Path], plugin: &Plugin, subject: &'t Subject<'_>) -> Vec<(String, Value<'t>)> {
    let mut found = Vec::new();
    for path in paths {
        if plugin.asks_places() {
            path.all_placed(subject, &mut found);
        } else {
            let mut values = Vec::new();
            path.all(subject, &mut values);
            found.extend(values.into_iter().map(|value| (String::new(), value)));
        }
    }
    found
}

fn source(name: &str, fields: &Placed, reader: &mut Reader<'_>) -> Option<Source> {
    let mut path = |placed: &Placed| match &placed.value {
        Yaml::Text(text) => match Path::parse(text) {
            Ok(path) => Some(path),
            Err(error) => reader.fault(line(placed), format!("{name}: path \"{text}\": {error}")),
        },
        other => reader.fault(line(placed), format!("{name}: expected a path, found {}", other.kind())),
    };
    match &fields.value {
        Yaml::Integer(number) => Some(Source::Constant(Node::Integer(*number))),
        Yaml::Bool(truth) => Some(Source::Constant(Node::Bool(*truth))),
        Yaml::List(items) => match &items[..] {
            [] => reader.fault(line(fields), format!("{name}: no path in the list")),
            [single] => source(name, single, reader),
            many if many.len() > PATHS_MAX => {
                reader.fault(line(fields), format!("{name}: more than {PATHS_MAX} paths"))
            }
            many => many.iter().map(path).collect::<Option<Vec<_>>>().map(Source::Paths),
        },
        _ => path(fields).map(|path| Source::Paths(vec![path])),
    }
}
