//! What all files of definitions have: faults are gathered, and fields are read.

use super::document::{self, Fault, Manner, Placed, Yaml, line};
use super::field::Field;

/// Reads one file and remembers all that is wrong with it.
pub(super) struct Reader<'a> {
    path: &'a str,
    faults: Vec<Fault>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(path: &'a str) -> Reader<'a> {
        Reader { path, faults: Vec::new() }
    }

    /// The document, or one fault.
    pub(super) fn document(&mut self, text: &str) -> Option<Placed> {
        match document::parse(text, Manner::Python) {
            Ok(root) => Some(root),
            Err((at, why)) => self.fault(at, why),
        }
    }

    /// Notes a fault; always none, so that a reader can end with it.
    pub(super) fn fault<T>(&mut self, at: Option<u64>, message: String) -> Option<T> {
        self.faults.push(Fault { path: self.path.to_owned(), line: at, message });
        None
    }

    /// All faults, in the order of lines.
    pub(super) fn faults(mut self) -> Vec<Fault> {
        // Stable: faults of one line stay in the order found.
        self.faults.sort_by_key(|fault| fault.line);
        self.faults
    }

    /// The field of `key`; none where there is none. `Err` behind a fault.
    pub(super) fn field(&mut self, table: &Yaml, key: &str) -> Result<Option<Field>, ()> {
        match table.entry(key) {
            Some((_, value)) if !value.value.is_empty() => Field::read(key, value, self).map(Some).ok_or(()),
            _ => Ok(None),
        }
    }

    /// One text or a list of them.
    pub(super) fn texts(&mut self, key: &str, value: &Placed) -> Option<Vec<String>> {
        let items = match &value.value {
            Yaml::Text(text) => return Some(vec![text.clone()]),
            Yaml::List(items) => items,
            other => {
                let what = format!("{key} must be a text or a list of texts, not {}", other.kind());
                return self.fault(line(value), what);
            }
        };
        let mut texts = Vec::with_capacity(items.len());
        for item in items {
            match &item.value {
                Yaml::Text(text) => texts.push(text.clone()),
                other => {
                    return self.fault(line(item), format!("{key} holds {}, not a text", other.kind()));
                }
            }
        }
        Some(texts)
    }
}
