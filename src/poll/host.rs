//! This host.
