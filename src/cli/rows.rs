//! Records that are shown rather than passed on: back as trees, line by line.

use serde_json::Value;

use crate::base::Failure;

/// Our own record back as a tree.
///
/// # Errors
/// [`Failure::Bug`]: what we write is JSON, and what we pass on was checked.
pub fn parse(record: &[u8]) -> Result<Value, Failure> {
    serde_json::from_slice(record).map_err(|error| Failure::Bug(format!("record is not JSON: {error}")))
}

/// Calls `each` for every line of `bytes`.
///
/// # Errors
/// The first of `each`.
pub fn each_line(bytes: &[u8], mut each: impl FnMut(&[u8]) -> Result<(), Failure>) -> Result<(), Failure> {
    bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).try_for_each(&mut each)
}
