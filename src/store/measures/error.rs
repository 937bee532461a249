//! Why the measures cannot be read or written.

use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

/// What is wrong with bytes that were written by us, or should have been.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("{0}")]
pub struct Damaged(pub &'static str);

/// Why the measures cannot be read or written.
#[derive(Debug, Error)]
pub enum MeasuresError {
    /// Bytes on disk are not what was written. Never repaired silently.
    #[error("{} is damaged at byte {offset}: {what}; telemetry-aggregate check says all, repair sets it aside", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Where in it.
        offset: u64,
        /// What was found.
        what: Damaged,
    },
    /// A file of a later release.
    #[error("{} has format {found}; this release reads {known}", path.display())]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its format.
        found: u16,
        /// The newest that is known here.
        known: u16,
    },
    /// The system refused.
    #[error("{doing} {}: {source}", path.display())]
    Io {
        /// What was being done, as "cannot read".
        doing: &'static str,
        /// To what.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The list of segments cannot be read or changed.
    #[error("the list of segments: {0}")]
    Manifest(#[from] rusqlite::Error),
    /// Segments come and go faster than they can be opened.
    #[error("the segments changed {0} times while they were being opened")]
    Restless(u32),
}

impl MeasuresError {
    /// For `map_err` behind a call of the system.
    pub(super) fn io(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> MeasuresError {
        let path = path.to_owned();
        move |source| MeasuresError::Io { doing, path, source }
    }

    /// For `map_err` behind a decoder.
    pub(super) fn damaged(path: &Path, offset: u64) -> impl FnOnce(Damaged) -> MeasuresError {
        let path = path.to_owned();
        move |what| MeasuresError::Damaged { path, offset, what }
    }
}
