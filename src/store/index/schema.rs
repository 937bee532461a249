//! The tables of the index, and the numbers by which a file is known to be one.
//!
//! All tables are STRICT. Times are nanoseconds since 1970; ids are 16 bytes; a metric, a resource, a policy and a
//! type are called by a number inside, which is never given twice for metrics and resources.

/// `telA`: what `PRAGMA application_id` says of an index.
pub(super) const APPLICATION_ID: i64 = 0x7465_6c41;
/// What `PRAGMA user_version` says; a file with another number is refused. The first that is released is 2.
pub(super) const FORMAT: i64 = 2;

/// The number of the resource type that every store has.
pub(super) const GENERIC_TYPE: i64 = 1;

/// Made in this order when a store is created.
pub(super) const TABLES: &[&str] = &[
    // Counts the changes after which something that a process remembers may be wrong.
    "CREATE TABLE generation (
        only INTEGER PRIMARY KEY CHECK (only = 1),
        counter INTEGER NOT NULL
    ) STRICT",
    "INSERT INTO generation VALUES (1, 1)",
    // methods: words joined by commas. definition: granularity in ns, or that and :points, joined by commas.
    "CREATE TABLE archive_policy (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        name TEXT NOT NULL UNIQUE,
        back_window INTEGER NOT NULL,
        methods TEXT NOT NULL,
        definition TEXT NOT NULL
    ) STRICT",
    "CREATE TABLE archive_policy_rule (
        name TEXT PRIMARY KEY NOT NULL,
        metric_pattern TEXT NOT NULL,
        archive_policy INTEGER NOT NULL REFERENCES archive_policy
    ) STRICT, WITHOUT ROWID",
    // attributes: a JSON object, name to attribute as the API writes it.
    "CREATE TABLE resource_type (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        name TEXT NOT NULL UNIQUE,
        attributes TEXT NOT NULL
    ) STRICT",
    "INSERT INTO resource_type VALUES (1, 'generic', '{}')",
    // attributes: a JSON object, name to value; a uuid is its text, a time its nanoseconds. Each attribute of a type
    // has an index of its own over the resources of that type (attribute_index.rs).
    "CREATE TABLE resource (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        id BLOB NOT NULL UNIQUE CHECK (length(id) = 16),
        original_id TEXT NOT NULL,
        type INTEGER NOT NULL REFERENCES resource_type,
        creator TEXT,
        user_id TEXT,
        project_id TEXT,
        started_at INTEGER NOT NULL,
        ended_at INTEGER CHECK (started_at <= ended_at),
        revision_start INTEGER NOT NULL,
        attributes TEXT NOT NULL
    ) STRICT",
    // The order in which lists come unless told otherwise.
    "CREATE INDEX resource_order ON resource (revision_start, started_at, id)",
    // What a resource was before: only what can change.
    "CREATE TABLE resource_history (
        revision INTEGER PRIMARY KEY AUTOINCREMENT,
        resource INTEGER NOT NULL REFERENCES resource ON DELETE CASCADE,
        user_id TEXT,
        project_id TEXT,
        started_at INTEGER NOT NULL,
        ended_at INTEGER,
        revision_start INTEGER NOT NULL,
        revision_end INTEGER NOT NULL,
        attributes TEXT NOT NULL
    ) STRICT",
    "CREATE INDEX resource_history_resource ON resource_history (resource)",
    // A deleted metric waits, without a resource, until its points are gone.
    "CREATE TABLE metric (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        id BLOB NOT NULL UNIQUE CHECK (length(id) = 16),
        resource INTEGER REFERENCES resource,
        name TEXT,
        unit TEXT,
        archive_policy INTEGER NOT NULL REFERENCES archive_policy,
        creator TEXT,
        deleted INTEGER NOT NULL DEFAULT 0,
        UNIQUE (resource, name)
    ) STRICT",
    "CREATE INDEX metric_deleted ON metric (deleted) WHERE deleted",
];

/// The tables of the measures engine, made with the others.
pub(super) const ENGINE_TABLES: &[&str] = &[crate::store::measures::SCHEMA];
