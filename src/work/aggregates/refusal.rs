//! Why a query has no answer.

use thiserror::Error;

use crate::operations::{BadGranularities, CannotApply};
use crate::store::StoreError;
use crate::store::index::IndexError;
use crate::work::stored::NotKept;

/// Why a query has no answer.
#[derive(Debug, Error)]
pub enum Refusal {
    /// The store, or something it does not have: a resource type, an attribute.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A reference is no id of a metric.
    #[error("\"{0}\" is no id of a metric; names go with a search for resources")]
    NotAnId(String),
    /// No metric has this id.
    #[error("there is no metric {}", .0.join(", "))]
    UnknownMetrics(Vec<String>),
    /// The resources that were found have no metric of these names.
    #[error("no metric of the resources that were found is named {}", .0.join(", "))]
    NothingNamed(Vec<String>),
    /// A method or the granularity is not kept of a metric.
    #[error(transparent)]
    NotKept(#[from] NotKept),
    /// The series have no granularity in common: what their metrics are called, and their methods. The text is Gnocchi's.
    #[error("No granularity match")]
    NoGranularityMatch(Vec<(String, String)>),
    /// The granularity that is asked for is not there everywhere.
    #[error(transparent)]
    Granularities(#[from] BadGranularities),
    /// The expression cannot be applied to the series.
    #[error(transparent)]
    CannotApply(#[from] CannotApply),
    /// Only what belongs to no single resource can be added up over their history.
    #[error(
        "with the history of resources, the operations must give one series: put (aggregate METHOD …) around them"
    )]
    NotAggregated,
}

impl From<IndexError> for Refusal {
    fn from(error: IndexError) -> Refusal {
        Refusal::Store(error.into())
    }
}
