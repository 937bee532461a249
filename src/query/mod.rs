//! Floor 1 · One filter language: text and JSON forms, one tree.
//!
//! What `-q/--query` takes in every tool and what Gnocchi's `search` API takes over HTTP: read by `parse` (text)
//! and `json`, kept as [`Filter`], answered by `eval`, written back by `print` and `json`. docs/filter-language.md
//! is the grammar for people. Pure: no file, no clock, no network. SQL is not made here but from the tree, by the
//! store that knows its columns.

mod error;
mod eval;
mod filter;
mod json;
mod keyword;
#[cfg(test)]
mod laws;
mod lex;
mod like;
mod number;
mod parse;
mod path;
mod print;

pub use error::{BadFilter, Place};
pub use eval::{FieldValue, Fields};
pub use filter::{Comparison, Filter, LIST_VALUES_MAX, Literal, NESTING_MAX, TEXT_BYTES_MAX, TextLiteral};
pub use like::{LikePattern, PATTERN_CHARACTERS_MAX};
pub use number::Number;
pub use path::{PATH_BYTES_MAX, Path};
