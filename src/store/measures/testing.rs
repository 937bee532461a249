//! What the tests of the engine share: a folder of their own, metrics and points.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use rusqlite::Connection;

use super::{Arrival, Effort, Measures, MeasuresError, Policies, SCHEMA, Selection, Wanted};
use crate::model::{Granularity, NS_PER_SECOND, Timestamp};
use crate::series::{ArchivePolicy, Definition, Method, Point, Spans};
use crate::store::MetricNumber;

/// A store in a folder that goes when it does.
pub(super) struct Store {
    pub(super) folder: PathBuf,
    pub(super) connection: Connection,
    pub(super) measures: Measures,
    pub(super) policies: Policies,
}

impl Store {
    pub(super) fn new(policies: Policies, journal_bytes_max: u64) -> Store {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        // In memory where that can be: a file that is synced at each byte takes minutes on a disk.
        let memory = Path::new("/dev/shm");
        let base = if memory.is_dir() { memory.to_owned() } else { std::env::temp_dir() };
        let folder = base.join(format!("telemetry-engine-{}-{number}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).unwrap();
        let (connection, measures) = open(&folder, journal_bytes_max);
        Store { folder, connection, measures, policies }
    }

    pub(super) fn append(&self, arrivals: &[Arrival]) {
        self.measures.writer(&self.connection).unwrap().append(&mut arrivals.to_vec()).unwrap();
    }

    pub(super) fn maintain(&self, effort: Effort) {
        let policies = || Ok::<_, MeasuresError>(self.policies.clone());
        self.measures.maintain(&self.connection, effort, policies).unwrap().unwrap();
    }

    /// All spans of all methods of the policy, the finest granularity first.
    pub(super) fn read(&self, metric: u32) -> Vec<Spans> {
        let policy = self.policies.of(MetricNumber(metric)).unwrap();
        let selection = Selection { methods: policy.methods().to_vec(), ..Selection::default() };
        let mut found = Vec::new();
        let mut snapshot = self.measures.snapshot(&self.connection).unwrap();
        let wanted = [Wanted { metric: MetricNumber(metric), policy }];
        snapshot.read(&wanted, &selection, |_, spans| found = spans).unwrap();
        assert!(snapshot.damage().is_empty());
        found
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

pub(super) fn open(folder: &Path, journal_bytes_max: u64) -> (Connection, Measures) {
    let connection = Connection::open(folder.join("index.sqlite")).unwrap();
    // What is tested here does not lose its power.
    connection.pragma_update(None, "synchronous", "OFF").unwrap();
    connection.execute_batch(SCHEMA).unwrap();
    let measures = Measures::open(folder, &connection).unwrap().with_journal_bytes_max(journal_bytes_max);
    (connection, measures)
}

pub(super) fn arrival(metric: u32, seconds: f64, value: f64) -> Arrival {
    let timestamp = Timestamp::from_ns((seconds * NS_PER_SECOND as f64) as i64);
    Arrival { metric: MetricNumber(metric), point: Point { timestamp, value } }
}

/// `granularities`: seconds and points.
pub(super) fn policy(back_window: u32, granularities: &[(i64, u64)], methods: &[&str]) -> ArchivePolicy {
    let definition = granularities.iter().map(|(seconds, points)| Definition {
        granularity: Granularity::from_seconds(*seconds).unwrap(),
        points: std::num::NonZeroU64::new(*points),
    });
    let methods: Vec<Method> = methods.iter().map(|name| name.parse().unwrap()).collect();
    ArchivePolicy::new("p".to_owned(), back_window, methods, definition.collect()).unwrap()
}
