//! Floor 1 · One filter language: text and JSON forms, one tree.
