//! One page of a list: in which order, after which row, how many.

use std::str::FromStr;

use rusqlite::types::Value;
use uuid::Uuid;

use super::column::{Column, Columns};
use super::error::Thing;
use super::search::Condition;
use super::{IndexError, Revision, parse_uuid};

/// Which part of a list is wanted.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Page {
    /// By what the list is sorted; at the end always by id, so that the order is one.
    pub sort: Vec<SortKey>,
    /// The row after which the page starts.
    pub marker: Option<Marker>,
    /// How many rows at most; none: all.
    pub limit: Option<u32>,
}

/// A column to sort by: `name`, `name:desc`, `name:asc-nullsfirst`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SortKey {
    /// The name of the column.
    pub name: String,
    /// Whether the greatest comes first.
    pub descending: bool,
    /// Whether null comes first; as in PostgreSQL it does when descending, unless told otherwise.
    pub nulls_first: bool,
}

/// The last row of the page before: an id, or an id and a revision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Marker {
    /// The id.
    pub id: Uuid,
    /// The revision, in lists of what resources were.
    pub revision: Option<Revision>,
}

impl FromStr for SortKey {
    type Err = IndexError;

    fn from_str(text: &str) -> Result<SortKey, IndexError> {
        let (name, direction) = text.split_once(':').unwrap_or((text, "asc"));
        let (descending, nulls_first) = match direction {
            "asc" | "" | "asc-nullslast" => (false, false),
            "asc-nullsfirst" => (false, true),
            "desc" | "desc-nullsfirst" => (true, true),
            "desc-nullslast" => (true, false),
            other => {
                let reason =
                    format!("a direction is asc or desc, then -nullsfirst or -nullslast, not {other}");
                return Err(Thing::Query.invalid(text, reason));
            }
        };
        Ok(SortKey { name: name.trim().to_owned(), descending, nulls_first })
    }
}

impl SortKey {
    /// Ascending, null last.
    pub fn ascending(name: &str) -> SortKey {
        SortKey { name: name.to_owned(), descending: false, nulls_first: false }
    }
}

impl FromStr for Marker {
    type Err = IndexError;

    fn from_str(text: &str) -> Result<Marker, IndexError> {
        let (id, revision) = match text.split_once('@') {
            Some((id, revision)) => (id, Some(revision.parse().map(Revision).ok())),
            None => (text, None),
        };
        match (parse_uuid(id), revision) {
            (Some(id), None) => Ok(Marker { id, revision: None }),
            (Some(id), Some(Some(revision))) => Ok(Marker { id, revision: Some(revision) }),
            _ => Err(Thing::Query.invalid(text, "a marker is the id, or id@revision, of the last row seen")),
        }
    }
}

/// The order of a list in SQL.
pub(super) struct Order {
    keys: Vec<(SortKey, Column)>,
}

impl Order {
    /// By `sort`, or by `usual` when that is empty, then by the columns of `unique` that are not in it.
    pub(super) fn of(
        sort: &[SortKey],
        usual: &[&str],
        unique: &[&str],
        columns: &Columns<'_>,
    ) -> Result<Order, IndexError> {
        let mut wanted = sort.to_vec();
        if wanted.is_empty() {
            wanted.extend(usual.iter().map(|name| SortKey::ascending(name)));
        }
        for name in unique {
            if !wanted.iter().any(|key| key.name == *name) {
                wanted.push(SortKey::ascending(name));
            }
        }
        let column = |key: SortKey| columns.get(&key.name).map(|column| (key, column));
        Ok(Order { keys: wanted.into_iter().map(column).collect::<Result<_, _>>()? })
    }

    /// What follows ORDER BY.
    ///
    /// SQLite likes to walk through an index in the order that is asked for, and to look at every row on the way. That
    /// is right for a page of all; with `sorted_after`, what the filter picks is found by other ways and sorted then: a
    /// plus takes the order from the index.
    pub(super) fn sql(&self, sorted_after: bool) -> String {
        let part = |(key, column): &(SortKey, Column)| {
            let direction = if key.descending { " DESC" } else { "" };
            let nulls = match (column.nullable, key.nulls_first) {
                (false, _) => "",
                (true, true) => " NULLS FIRST",
                (true, false) => " NULLS LAST",
            };
            let free = if sorted_after { "+" } else { "" };
            format!("{free}{}{direction}{nulls}", column.sql)
        };
        self.keys.iter().map(part).collect::<Vec<_>>().join(", ")
    }

    /// The columns that [`Order::after`] needs of the marker's row.
    pub(super) fn selected(&self) -> String {
        self.keys.iter().map(|(_, column)| column.sql.as_str()).collect::<Vec<_>>().join(", ")
    }

    /// How many columns there are.
    pub(super) fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether a row comes after the one with these values.
    ///
    /// Nested from the last key: after by this key, or the same and after by the keys that follow.
    pub(super) fn after(&self, marker: &[Value]) -> Condition {
        let mut after = Condition { sql: "0".to_owned(), values: Vec::new() };
        for ((key, column), value) in self.keys.iter().zip(marker).rev() {
            let Column { sql, nullable, .. } = column;
            let beyond = if key.descending { "<" } else { ">" };
            let mut values = Vec::new();
            let condition = if *value == Value::Null {
                // Null against null is the same; everything else comes after null where that comes first.
                let rest = if key.nulls_first { format!("{sql} IS NOT NULL OR ") } else { String::new() };
                format!("({rest}({sql} IS NULL AND {}))", after.sql)
            } else {
                let nulls =
                    if *nullable && !key.nulls_first { format!(" OR {sql} IS NULL") } else { String::new() };
                values.extend([value.clone(), value.clone()]);
                // The first comparison bounds the walk through an index; SQLite cannot take that from an OR.
                if *nullable {
                    format!("({sql} {beyond} ?{nulls} OR ({sql} = ? AND {}))", after.sql)
                } else {
                    values.push(value.clone());
                    format!("({sql} {beyond}= ? AND ({sql} {beyond} ? OR ({sql} = ? AND {})))", after.sql)
                }
            };
            values.append(&mut after.values);
            after = Condition { sql: condition, values };
        }
        after
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sort_keys_say_where_null_goes() {
        let key = |text: &str| text.parse::<SortKey>().map(|key| (key.name, key.descending, key.nulls_first));
        for (text, descending, nulls_first) in [
            ("a", false, false),
            ("a:", false, false),
            ("a:asc", false, false),
            ("a:asc-nullsfirst", false, true),
            ("a:desc", true, true),
            ("a:desc-nullslast", true, false),
        ] {
            assert_eq!(key(text).unwrap(), ("a".to_owned(), descending, nulls_first), "{text}");
        }
        assert!(key("a:down").is_err());
    }

    #[test]
    fn markers_are_ids_with_or_without_a_revision() {
        let id = "0a7a15ff-aa13-4ac2-897c-9bdf30ce175b";
        let marker = |text: &str| text.parse::<Marker>();
        assert_eq!(marker(id).unwrap().revision, None);
        assert_eq!(marker(&format!("{id}@-1")).unwrap().revision, Some(Revision::CURRENT));
        for text in ["", "x", "x@1", &format!("{id}@"), &format!("{id}@x")] {
            assert!(marker(text).is_err(), "{text}");
        }
    }
}
