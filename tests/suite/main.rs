//! suite

mod documents;
