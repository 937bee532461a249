//! Why a text is no filter.

use std::fmt;

use thiserror::Error;

use super::{LIST_VALUES_MAX, NESTING_MAX, PATTERN_CHARACTERS_MAX, TEXT_BYTES_MAX};

/// Why a text is no filter.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum BadFilter {
    /// Nothing but blanks: a variable that was not set, more often than a wish for everything.
    #[error("the filter is empty; {{}} stands for every record")]
    Empty,
    /// Over [`TEXT_BYTES_MAX`].
    #[error("the filter has {bytes} bytes, more than {TEXT_BYTES_MAX}")]
    TooLong {
        /// How long it is.
        bytes: usize,
    },
    /// Over [`NESTING_MAX`].
    #[error("{place}: nested deeper than {NESTING_MAX} levels")]
    TooDeep {
        /// Where the limit was passed.
        place: Place,
    },
    /// Over [`LIST_VALUES_MAX`].
    #[error("{place}: a list of more than {LIST_VALUES_MAX} values")]
    ListTooLong {
        /// Where the list starts.
        place: Place,
    },
    /// A pattern over [`PATTERN_CHARACTERS_MAX`].
    #[error("{place}: a pattern of more than {PATTERN_CHARACTERS_MAX} characters")]
    PatternTooLong {
        /// Where the pattern starts.
        place: Place,
    },
    /// A number that no float can hold.
    #[error("{place}: the number {number} is out of range")]
    NumberOutOfRange {
        /// Where the number starts.
        place: Place,
        /// The number, as it was written.
        number: String,
    },
    /// Something else should stand there.
    #[error("{place}: expected {expected}{}{}", found_part(.found), suggestion_part(.suggestion))]
    Unexpected {
        /// Where.
        place: Place,
        /// What should stand there.
        expected: String,
        /// What does; nothing at the end.
        found: Option<String>,
        /// What may have been meant.
        suggestion: Option<&'static str>,
    },
    /// It starts as JSON and goes on as something else.
    #[error("{place}: not JSON: {reason}")]
    NotJson {
        /// Where.
        place: Place,
        /// What the JSON reader says.
        reason: String,
    },
}

/// A place in a filter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// The n-th character of the text, from 1; a line feed counts as one.
    Column(usize),
    /// A value in a JSON document, by JSON pointer (RFC 6901); empty for the document itself.
    Pointer(String),
}

impl Place {
    /// The place `bytes` into `text`.
    pub(super) fn in_text(text: &str, bytes: usize) -> Place {
        Place::Column(text.char_indices().take_while(|(start, _)| *start < bytes).count() + 1)
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Column(column) => write!(f, "column {column}"),
            Place::Pointer(pointer) if pointer.is_empty() => f.write_str("at the top"),
            Place::Pointer(pointer) => write!(f, "at {}", shortened(pointer)),
        }
    }
}

/// At most the first 40 characters: a message quotes its input, it does not repeat it.
pub(super) fn shortened(text: &str) -> String {
    const QUOTED_CHARACTERS_MAX: usize = 40;
    match text.char_indices().nth(QUOTED_CHARACTERS_MAX) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

fn found_part(found: &Option<String>) -> String {
    found.as_ref().map(|found| format!(", found {found}")).unwrap_or_default()
}

fn suggestion_part(suggestion: &Option<&'static str>) -> String {
    suggestion.map(|meant| format!("; did you mean \"{meant}\"?")).unwrap_or_default()
}
