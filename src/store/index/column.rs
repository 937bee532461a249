//! What a filter or a sort key may name, and what that is in SQL.

use super::error::Thing;
use super::types::attribute_sql;
use super::{AttributeKind, IndexError, ResourceType};

/// Something that can be asked of every row.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Column {
    /// The expression. A resource is `r`, a metric `m`.
    pub(super) sql: String,
    pub(super) kind: ColumnKind,
    /// Whether it may be null.
    pub(super) nullable: bool,
}

/// How the values of a column are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ColumnKind {
    /// A text.
    Text,
    /// The id of a resource: 16 bytes; an id of the outside stands for it.
    ResourceId,
    /// Another id: 16 bytes.
    Uuid,
    /// An id as a text.
    UuidText,
    /// Nanoseconds since 1970.
    Time,
    /// A length of time, in nanoseconds.
    Duration,
    /// A number.
    Number,
    /// 0 or 1.
    Bool,
}

/// The names that rows of one kind know.
pub(super) enum Columns<'a> {
    /// Of resources of a type.
    Resource(&'a ResourceType),
    /// Of metrics.
    Metric,
}

impl Columns<'_> {
    /// The column of that name.
    pub(super) fn get(&self, name: &str) -> Result<Column, IndexError> {
        let found = match self {
            Columns::Resource(resource_type) => {
                fixed(RESOURCE, name).or_else(|| attribute(resource_type, name))
            }
            Columns::Metric => fixed(METRIC, name),
        };
        found.ok_or_else(|| {
            Thing::Query.invalid(name, format_args!("no such attribute: there are {}", self.names()))
        })
    }

    fn names(&self) -> String {
        let (fixed, attributes) = match self {
            Columns::Resource(resource_type) => (RESOURCE, Some(resource_type.attributes().keys())),
            Columns::Metric => (METRIC, None),
        };
        let attributes = attributes.into_iter().flatten().map(String::as_str);
        fixed.iter().map(|(name, ..)| *name).chain(attributes).collect::<Vec<_>>().join(", ")
    }
}

type Fixed = (&'static str, &'static str, ColumnKind, bool);

fn fixed(columns: &[Fixed], name: &str) -> Option<Column> {
    let (_, sql, kind, nullable) = columns.iter().find(|(known, ..)| *known == name)?;
    Some(Column { sql: (*sql).to_owned(), kind: *kind, nullable: *nullable })
}

fn attribute(resource_type: &ResourceType, name: &str) -> Option<Column> {
    let kind = match resource_type.kind(name)? {
        AttributeKind::Text { .. } => ColumnKind::Text,
        AttributeKind::Uuid => ColumnKind::UuidText,
        AttributeKind::Number { .. } => ColumnKind::Number,
        AttributeKind::Bool => ColumnKind::Bool,
        AttributeKind::Time => ColumnKind::Time,
    };
    Some(Column { sql: attribute_sql("r.attributes", name), kind, nullable: true })
}

const RESOURCE: &[Fixed] = &[
    ("id", "r.id", ColumnKind::ResourceId, false),
    ("original_resource_id", "r.original_id", ColumnKind::Text, false),
    ("type", "(SELECT t.name FROM resource_type t WHERE t.number = r.type)", ColumnKind::Text, false),
    ("creator", "r.creator", ColumnKind::Text, true),
    (
        "created_by_user_id",
        "iif(instr(r.creator, ':'), substr(r.creator, 1, instr(r.creator, ':') - 1), r.creator)",
        ColumnKind::Text,
        true,
    ),
    (
        "created_by_project_id",
        "iif(instr(r.creator, ':'), substr(r.creator, instr(r.creator, ':') + 1), substr(r.creator, 1, 0))",
        ColumnKind::Text,
        true,
    ),
    ("user_id", "r.user_id", ColumnKind::Text, true),
    ("project_id", "r.project_id", ColumnKind::Text, true),
    ("started_at", "r.started_at", ColumnKind::Time, false),
    ("ended_at", "r.ended_at", ColumnKind::Time, true),
    ("lifespan", "(r.ended_at - r.started_at)", ColumnKind::Duration, true),
    ("revision_start", "r.revision_start", ColumnKind::Time, false),
    ("revision_end", "r.revision_end", ColumnKind::Time, true),
    ("revision", "r.revision", ColumnKind::Number, false),
];

const METRIC: &[Fixed] = &[
    ("id", "m.id", ColumnKind::Uuid, false),
    ("name", "m.name", ColumnKind::Text, true),
    ("unit", "m.unit", ColumnKind::Text, true),
    ("status", "iif(m.deleted, 'delete', 'active')", ColumnKind::Text, false),
    ("archive_policy_name", "p.name", ColumnKind::Text, false),
    ("creator", "m.creator", ColumnKind::Text, true),
    (
        "created_by_user_id",
        "iif(instr(m.creator, ':'), substr(m.creator, 1, instr(m.creator, ':') - 1), m.creator)",
        ColumnKind::Text,
        true,
    ),
    (
        "created_by_project_id",
        "iif(instr(m.creator, ':'), substr(m.creator, instr(m.creator, ':') + 1), substr(m.creator, 1, 0))",
        ColumnKind::Text,
        true,
    ),
    ("resource_id", "r.id", ColumnKind::ResourceId, true),
    ("resource.original_resource_id", "r.original_id", ColumnKind::Text, true),
    ("resource.creator", "r.creator", ColumnKind::Text, true),
    ("resource.user_id", "r.user_id", ColumnKind::Text, true),
    ("resource.project_id", "r.project_id", ColumnKind::Text, true),
    ("resource.started_at", "r.started_at", ColumnKind::Time, true),
    ("resource.ended_at", "r.ended_at", ColumnKind::Time, true),
];
