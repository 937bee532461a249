//! The store's errors in Gnocchi's words: clients read some of them.

use hyper::StatusCode;

use crate::serve::http::Problem;
use crate::store::StoreError;
use crate::store::index::{IndexError, Thing};
use crate::store::measures::MeasuresError;

impl From<IndexError> for Problem {
    fn from(error: IndexError) -> Problem {
        match error {
            IndexError::NotFound { what, name } => {
                Problem::not_found(format!("{} {name} does not exist", capitalised(what)))
            }
            IndexError::Exists { what, name } => {
                Problem::conflict(format!("{} {name} already exists", capitalised(what)))
            }
            IndexError::InUse { what, name, .. } => {
                Problem::bad(format!("{} {name} is still in use", capitalised(what)))
            }
            IndexError::NoRuleFits { metric } => {
                let name = if metric.is_empty() { "None" } else { &metric };
                Problem::bad(format!(
                    "No archive policy name specified and no archive policy rule found matching the metric name {name}"
                ))
            }
            IndexError::Invalid { .. } => Problem::bad(error.to_string()),
            IndexError::Busy => Problem::busy("the store is being changed: try again"),
            IndexError::Full => {
                let problem = Problem::ours(error.to_string());
                problem.with_status(StatusCode::INSUFFICIENT_STORAGE)
            }
            other => Problem::ours(other.to_string()),
        }
    }
}

impl From<MeasuresError> for Problem {
    fn from(error: MeasuresError) -> Problem {
        match error {
            MeasuresError::Restless(_) => Problem::busy("the store is being put in order: try again"),
            MeasuresError::Io { ref source, .. } if source.kind() == std::io::ErrorKind::StorageFull => {
                Problem::ours(error.to_string()).with_status(StatusCode::INSUFFICIENT_STORAGE)
            }
            other => Problem::ours(other.to_string()),
        }
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Problem {
        match error {
            StoreError::Index(error) => error.into(),
            StoreError::Measures(error) => error.into(),
            other => Problem::ours(other.to_string()),
        }
    }
}

/// What a thing is called at the start of a sentence of Gnocchi's.
fn capitalised(thing: Thing) -> &'static str {
    match thing {
        Thing::ArchivePolicy => "Archive policy",
        Thing::ArchivePolicyRule => "Archive policy rule",
        Thing::ResourceType => "Resource type",
        Thing::Resource => "Resource",
        Thing::Metric => "Metric",
        Thing::Attribute => "Attribute",
        Thing::Query => "Query",
    }
}
