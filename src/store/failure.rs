//! What a store's errors mean for a run, and for its exit status.

use std::io;

use rusqlite::ErrorCode;

use super::StoreError;
use super::index::IndexError;
use super::measures::{Found, MeasuresError};
use crate::base::{Books, Failure};

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Failure {
        match error {
            StoreError::Index(error) => error.into(),
            StoreError::Measures(error) => error.into(),
            StoreError::Orphans(_) => Failure::Damaged(error.to_string()),
            StoreError::HasPoints(_) => Failure::Usage(error.to_string()),
        }
    }
}

impl From<IndexError> for Failure {
    fn from(error: IndexError) -> Failure {
        let said = error.to_string();
        match error {
            IndexError::NoStore { .. }
            | IndexError::StoreExists { .. }
            | IndexError::NotFound { .. }
            | IndexError::Exists { .. }
            | IndexError::InUse { .. }
            | IndexError::Invalid { .. }
            | IndexError::NoRuleFits { .. } => Failure::Usage(said),
            IndexError::Foreign { .. } | IndexError::Newer { .. } | IndexError::Older { .. } => {
                Failure::Configuration(vec![said])
            }
            IndexError::Busy | IndexError::Full => Failure::TryAgain(said),
            IndexError::Damaged { .. } => Failure::Damaged(said),
            IndexError::Io { path, source } => Failure::CannotCreate { path, source },
            IndexError::Sql { source } => of_sqlite(&source, said),
        }
    }
}

impl From<MeasuresError> for Failure {
    fn from(error: MeasuresError) -> Failure {
        let said = error.to_string();
        match error {
            MeasuresError::Damaged { .. } => Failure::Damaged(said),
            MeasuresError::Newer { .. } => Failure::Configuration(vec![said]),
            MeasuresError::Restless(_) => Failure::TryAgain(said),
            MeasuresError::Manifest(source) => of_sqlite(&source, said),
            MeasuresError::Io { doing, path, source } => match source.kind() {
                // A store is no output whose reader has gone.
                io::ErrorKind::BrokenPipe => Failure::Damaged(said),
                _ => Failure::Io { doing, what: path.display().to_string(), source },
            },
        }
    }
}

impl Found {
    /// Says what an append came upon; damage costs the exit status.
    pub fn tell(self, books: &Books) {
        match self {
            Found::Cut { bytes } => books.note(&format_args!(
                "{bytes} bytes of an append that was never finished were cut off the journal"
            )),
            Found::Damaged(error) => books.trouble(&error.into()),
        }
    }
}

fn of_sqlite(error: &rusqlite::Error, said: String) -> Failure {
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull | ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            Failure::TryAgain(said)
        }
        Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied | ErrorCode::CannotOpen) => {
            Failure::NotAllowed(said)
        }
        _ => Failure::Damaged(said),
    }
}
