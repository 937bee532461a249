//! Why the index could not do what it was asked, in words for the person who asked.

use std::fmt;
use std::io;
use std::path::PathBuf;

use thiserror::Error;

/// What an error is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Thing {
    /// An archive policy.
    ArchivePolicy,
    /// An archive policy rule.
    ArchivePolicyRule,
    /// A resource type.
    ResourceType,
    /// A resource.
    Resource,
    /// A metric.
    Metric,
    /// An attribute of a resource or a resource type.
    Attribute,
    /// A filter, a sort key or a marker of a list.
    Query,
}

/// Why the index could not do what it was asked.
#[derive(Debug, Error)]
pub enum IndexError {
    /// There is no store in the folder.
    #[error("{}: there is no store here; `telemetry-aggregate ingest` makes one", .path.display())]
    NoStore {
        /// The index file that is not there.
        path: PathBuf,
    },
    /// A store is to be made where one is.
    #[error("{}: there is a store here already", .path.display())]
    StoreExists {
        /// The index file that is there.
        path: PathBuf,
    },
    /// The file is a database of something else.
    #[error("{}: not the index of a store", .path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// A later release wrote the store.
    #[error("{}: written in format {found}, and this release reads up to {known}: use a newer release", .path.display())]
    Newer {
        /// The index file.
        path: PathBuf,
        /// The format of the store.
        found: i64,
        /// The newest format known here.
        known: i64,
    },
    /// The store is older than the first release.
    #[error("{}: written in format {found}, which no release wrote and none reads: export it with the program that wrote it, and import it into a new store", .path.display())]
    Older {
        /// The index file.
        path: PathBuf,
        /// The format of the store.
        found: i64,
    },
    /// There is none of that name.
    #[error("{what} \"{name}\" does not exist")]
    NotFound {
        /// What was looked for.
        what: Thing,
        /// By which name.
        name: String,
    },
    /// There is one of that name already.
    #[error("{what} \"{name}\" already exists")]
    Exists {
        /// What was to be made.
        what: Thing,
        /// Under which name.
        name: String,
    },
    /// Something else needs it.
    #[error("{what} \"{name}\" is in use by {by}")]
    InUse {
        /// What was to be removed.
        what: Thing,
        /// Its name.
        name: String,
        /// What needs it.
        by: String,
    },
    /// A value is not as it must be.
    #[error("{what} \"{name}\": {reason}")]
    Invalid {
        /// What is wrong.
        what: Thing,
        /// Its name.
        name: String,
        /// In which way, and what would be right.
        reason: String,
    },
    /// No archive policy was named, and no rule chooses one.
    #[error("no archive policy rule fits metric \"{metric}\": name an archive policy or add a rule")]
    NoRuleFits {
        /// The name of the metric; empty when it has none.
        metric: String,
    },
    /// Another process kept the index for too long.
    #[error("the index is in use by another process: try again")]
    Busy,
    /// There is no room for it.
    #[error("no space left for the index")]
    Full,
    /// What is stored cannot be.
    #[error("the index is damaged: {what}")]
    Damaged {
        /// What was found.
        what: String,
    },
    /// The folder cannot be made.
    #[error("{}: {source}", .path.display())]
    Io {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// SQLite refused for any other reason.
    #[error("index: {source}")]
    Sql {
        /// What SQLite said.
        source: rusqlite::Error,
    },
}

impl fmt::Display for Thing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Thing::ArchivePolicy => "archive policy",
            Thing::ArchivePolicyRule => "archive policy rule",
            Thing::ResourceType => "resource type",
            Thing::Resource => "resource",
            Thing::Metric => "metric",
            Thing::Attribute => "attribute",
            Thing::Query => "query",
        })
    }
}

impl Thing {
    pub(super) fn not_found(self, name: impl fmt::Display) -> IndexError {
        IndexError::NotFound { what: self, name: name.to_string() }
    }

    pub(super) fn exists(self, name: impl fmt::Display) -> IndexError {
        IndexError::Exists { what: self, name: name.to_string() }
    }

    pub(super) fn in_use(self, name: impl fmt::Display, by: impl Into<String>) -> IndexError {
        IndexError::InUse { what: self, name: name.to_string(), by: by.into() }
    }

    pub(super) fn invalid(self, name: impl fmt::Display, reason: impl fmt::Display) -> IndexError {
        IndexError::Invalid { what: self, name: name.to_string(), reason: reason.to_string() }
    }
}

impl From<rusqlite::Error> for IndexError {
    fn from(source: rusqlite::Error) -> IndexError {
        use rusqlite::ErrorCode::{DatabaseBusy, DatabaseCorrupt, DatabaseLocked, DiskFull, NotADatabase};
        match source.sqlite_error_code() {
            Some(DatabaseBusy | DatabaseLocked) => IndexError::Busy,
            Some(DiskFull) => IndexError::Full,
            Some(DatabaseCorrupt | NotADatabase) => IndexError::Damaged { what: source.to_string() },
            _ => IndexError::Sql { source },
        }
    }
}

/// Whether SQLite refused because a row with the same unique value is there.
pub(super) fn is_duplicate(error: &rusqlite::Error) -> bool {
    const UNIQUE: i32 = rusqlite::ffi::SQLITE_CONSTRAINT_UNIQUE;
    const PRIMARY_KEY: i32 = rusqlite::ffi::SQLITE_CONSTRAINT_PRIMARYKEY;
    error.sqlite_error().is_some_and(|error| matches!(error.extended_code, UNIQUE | PRIMARY_KEY))
}
