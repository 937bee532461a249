//! The exit status of all six programs, after sysexits(3), and the one place that prints a fatal error.

use std::io;
use std::path::PathBuf;
use std::process::ExitCode;

use thiserror::Error;

use super::Books;

/// How a run ended that did not fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// All input was worked through: 0, or 65 when the books hold records that were rejected or cannot be sent.
    Done,
    /// The question that `--exit-status` asks is answered with yes: 3.
    PredicateHolds,
}

/// Why a run could not go on.
#[derive(Debug, Error)]
pub enum Failure {
    /// Whoever read our output has gone: not an error, 0.
    #[error("output closed")]
    OutputClosed,
    /// The command line asks for something that cannot be: 2.
    #[error("{0}")]
    Usage(String),
    /// A service or this build's missing part is not there: 69.
    #[error("{0}")]
    Unavailable(String),
    /// What we believed of our own code is not so: 70.
    #[error("internal error: {0}")]
    Bug(String),
    /// An output file cannot be made: 73; 75 when the disk is full, 77 when it is not allowed.
    #[error("cannot create {}: {source}", path.display())]
    CannotCreate {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Reading or writing failed: 74; 75 when the disk is full, 77 when it is not allowed.
    #[error("{doing} {what}: {source}")]
    Io {
        /// What was being done, as "cannot read".
        doing: &'static str,
        /// To what: a path, a URL, "standard output".
        what: String,
        /// What the system said.
        source: io::Error,
    },
    /// What was written is not what is read: 74.
    #[error("{0}")]
    Damaged(String),
    /// Somebody else has what is needed, or there is no space: 75.
    #[error("{0}")]
    TryAgain(String),
    /// It is not allowed: 77.
    #[error("{0}")]
    NotAllowed(String),
    /// A configuration cannot be used; every fault, with its file and line: 78.
    #[error("{}", .0.join("\n"))]
    Configuration(Vec<String>),
}

impl Failure {
    /// An I/O failure, or [`Failure::OutputClosed`] where a reader has gone.
    pub fn io(doing: &'static str, what: impl Into<String>, source: io::Error) -> Failure {
        match source.kind() {
            io::ErrorKind::BrokenPipe => Failure::OutputClosed,
            _ => Failure::Io { doing, what: what.into(), source },
        }
    }

    /// The exit status (telemetry(7), EXIT STATUS).
    pub fn status(&self) -> u8 {
        match self {
            Failure::OutputClosed => 0,
            Failure::Usage(_) => 2,
            Failure::Unavailable(_) => 69,
            Failure::Bug(_) => 70,
            Failure::CannotCreate { source, .. } => io_status(source, 73),
            Failure::Io { source, .. } => io_status(source, 74),
            Failure::Damaged(_) => 74,
            Failure::TryAgain(_) => 75,
            Failure::NotAllowed(_) => 77,
            Failure::Configuration(_) => 78,
        }
    }
}

fn io_status(source: &io::Error, otherwise: u8) -> u8 {
    match source.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => 75,
        io::ErrorKind::PermissionDenied => 77,
        _ => otherwise,
    }
}

/// Closes the books and says the exit status: the failure's, else that of the first trouble noted in the books
/// (an input that could not be opened, records that a receiver did not take), else 3 for a predicate that holds, else 65
/// when records were rejected or cannot be sent, else 0.
pub fn finish(books: &Books, result: Result<Outcome, Failure>) -> ExitCode {
    let status = match result {
        Err(failure) => {
            if !matches!(failure, Failure::OutputClosed) {
                books.complain(&failure);
            }
            failure.status()
        }
        Ok(outcome) => match (books.trouble_status(), outcome) {
            (Some(status), _) => status,
            (None, Outcome::PredicateHolds) => 3,
            (None, Outcome::Done) if books.rejected_total() + books.unsendable_total() > 0 => 65,
            (None, Outcome::Done) => 0,
        },
    };
    match books.close() {
        Err(failure) => {
            books.complain(&failure);
            ExitCode::from(if status == 0 { failure.status() } else { status })
        }
        Ok(()) => ExitCode::from(status),
    }
}
