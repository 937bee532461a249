//! Help for the tests of the doors.

use std::path::PathBuf;
use std::sync::Arc;

use super::Books;

/// A directory of one test's own, empty, gone with the value.
pub struct Directory(pub PathBuf);

impl Directory {
    /// Makes it; `name` is the test's own.
    pub fn new(name: &str) -> Directory {
        let path = std::env::temp_dir().join(format!("telemetry-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(&path).unwrap();
        Directory(path)
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Books that say nothing.
pub fn books() -> Arc<Books> {
    Arc::new(Books::new("test", None, true))
}
