//! Which metrics, resources and archive policies there are (SQLite).
