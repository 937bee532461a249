//! The values of a pipeline file: what each key takes, and what is said of anything else.

use crate::base::nearest::did_you_mean;
use crate::define::document::{Fault, Placed, Table, Yaml, entry, line};

/// What was found while reading a file.
#[derive(Debug, Default)]
pub struct Faults {
    /// What the file is called.
    pub path: String,
    /// What makes it unusable, in the order of lines once [`Faults::sorted`].
    pub faults: Vec<Fault>,
    /// What is odd, and taken as Ceilometer takes it.
    pub warnings: Vec<Fault>,
}

impl Faults {
    /// Nothing found yet in the file that messages call `path`.
    pub fn new(path: &str) -> Faults {
        Faults { path: path.to_owned(), ..Faults::default() }
    }

    /// Something makes the file unusable.
    pub fn fault(&mut self, line: Option<u64>, message: impl Into<String>) {
        self.faults.push(Fault { path: self.path.clone(), line, message: message.into() });
    }

    /// Something is odd.
    pub fn warn(&mut self, line: Option<u64>, message: impl Into<String>) {
        self.warnings.push(Fault { path: self.path.clone(), line, message: message.into() });
    }

    /// Both lists in the order of lines; of one line in the order found.
    pub fn sorted(mut self) -> Faults {
        self.faults.sort_by_key(|fault| fault.line);
        self.warnings.sort_by_key(|fault| fault.line);
        self
    }

    /// Says which keys of `table` mean nothing. Ceilometer passes over them, and so do we.
    pub fn only(&mut self, table: &Table, known: &[&str]) {
        for (key, _) in table {
            let name = key.value.shown();
            if !known.contains(&name.as_str()) {
                let hint = did_you_mean(&name, known);
                self.warn(line(key), format!("{name} means nothing here{hint}"));
            }
        }
    }

    /// The text of a key, a number taken as one; none, and said, if it is something else.
    pub fn text(&mut self, table: &Table, key: &str) -> Option<String> {
        let (at, node) = get(table, key)?;
        match &node.value {
            Yaml::Text(text) => Some(text.clone()),
            Yaml::Integer(number) => Some(number.to_string()),
            Yaml::Null => None,
            other => {
                self.fault(at, format!("{key} must be a text, not {}", other.kind()));
                None
            }
        }
    }

    /// The table of a key; none when it is absent, and said if it is something else.
    pub fn table<'t>(&mut self, table: &'t Table, key: &str) -> Option<&'t Table> {
        let (at, node) = get(table, key)?;
        match &node.value {
            Yaml::Table(inner) => Some(inner),
            Yaml::Null => None,
            other => {
                self.fault(at, format!("{key} must be a table of keys and values, not {}", other.kind()));
                None
            }
        }
    }

    /// The texts of a list, with their lines. A text instead of a list is taken letter by letter, as Python does, so
    /// that `meters: "*"` means what its writer meant; and said. Null or absent is an empty list.
    pub fn names(&mut self, table: &Table, key: &str) -> Vec<(Option<u64>, String)> {
        let Some((at, node)) = get(table, key) else { return Vec::new() };
        match &node.value {
            Yaml::Null => Vec::new(),
            Yaml::Text(text) => {
                let letters: Vec<_> = text.chars().map(|letter| (at, letter.to_string())).collect();
                if letters.len() > 1 {
                    let list = "a text is taken letter by letter, as by Ceilometer: write a list";
                    self.warn(at, format!("{key}: \"{text}\": {list}, [\"{text}\"]"));
                }
                letters
            }
            Yaml::List(items) => items.iter().filter_map(|item| self.name(key, item)).collect(),
            other => {
                self.fault(at, format!("{key} must be a list, not {}", other.kind()));
                Vec::new()
            }
        }
    }

    fn name(&mut self, key: &str, item: &Placed) -> Option<(Option<u64>, String)> {
        match &item.value {
            Yaml::Text(text) => Some((line(item), text.clone())),
            other => {
                self.fault(line(item), format!("{key} must hold texts, not {}", other.kind()));
                None
            }
        }
    }
}

/// The value of a key and the key's line.
pub fn get<'t>(table: &'t Table, key: &str) -> Option<(Option<u64>, &'t Placed)> {
    entry(table, key).map(|(name, value)| (line(name), value))
}

/// Everything that the value says, without where it says it: two equal ones are the same definition.
pub fn fingerprint(node: &Yaml, out: &mut String) {
    use std::fmt::Write;
    // Writing to a String does not fail.
    let _ = match node {
        Yaml::List(items) => {
            out.push('[');
            items.iter().for_each(|item| fingerprint(&item.value, out));
            write!(out, "]")
        }
        Yaml::Table(entries) => {
            out.push('{');
            for (key, value) in entries {
                fingerprint(&key.value, out);
                fingerprint(&value.value, out);
            }
            write!(out, "}}")
        }
        other => write!(out, "{other:?},"),
    };
}
