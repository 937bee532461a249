//! A store for the tests that try to break it: metrics by number, and all that is kept of each.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use telemetry::model::{Granularity, NS_PER_SECOND, Timestamp};
use telemetry::series::{ArchivePolicy, Definition, Method, Point, Spans};
use telemetry::store::index::{Metric, NewMetric};
use telemetry::store::measures::{Activity, Arrival, Selection, Wanted};
use telemetry::store::{Store, StoreError};

/// The second that point 0 is of.
const START_S: i64 = 1_795_341_600;

/// A store in a folder, and its metrics.
pub struct World {
    pub folder: PathBuf,
    pub metrics: Vec<Metric>,
    /// When journals are cut.
    pub journal_bytes: u64,
}

impl World {
    /// Makes the store: `metrics` metrics with spans of a second and a minute, all of which are kept.
    pub fn new(folder: &Path, metrics: usize, journal_bytes: u64) -> World {
        let store = Store::open_or_create(folder, false).unwrap();
        let span =
            |seconds| Definition { granularity: Granularity::from_seconds(seconds).unwrap(), points: None };
        let methods = ["last", "sum", "count"].map(|name| name.parse::<Method>().unwrap()).to_vec();
        let policy = ArchivePolicy::new("second", 0, methods, vec![span(1), span(60)]).unwrap();
        store.index().create_archive_policy(&policy).unwrap();
        let create = |number| {
            let new = NewMetric {
                name: Some(format!("m{number}")),
                archive_policy: Some("second".to_owned()),
                ..NewMetric::default()
            };
            store.index().create_metric(&new, Timestamp::from_ns(0)).unwrap()
        };
        let metrics = (0..metrics).map(create).collect();
        World { folder: folder.to_owned(), metrics, journal_bytes }
    }

    /// Opens it, as another process would.
    pub fn open(&self) -> Store {
        Store::open(&self.folder).unwrap().with_journal_bytes_max(self.journal_bytes)
    }

    /// Point `at` of a metric; its value is its number.
    pub fn point(&self, metric: usize, at: u64) -> Arrival {
        let timestamp = Timestamp::from_ns((START_S + at as i64) * NS_PER_SECOND);
        Arrival { metric: self.metrics[metric].number, point: Point { timestamp, value: at as f64 } }
    }

    /// All spans of all metrics, and how many points were taken of each, in the order of the metrics.
    pub fn everything(&self, store: &Store) -> Result<Vec<(Vec<Spans>, Activity)>, StoreError> {
        let policy = Arc::clone(&self.metrics[0].archive_policy);
        let selection = Selection { methods: policy.methods().to_vec(), ..Selection::default() };
        let wanted: Vec<Wanted<'_>> =
            self.metrics.iter().map(|of| Wanted { metric: of.number, policy: &policy }).collect();
        let mut found = vec![(Vec::new(), Activity::default()); wanted.len()];
        let mut snapshot = store.snapshot()?;
        snapshot.read(&wanted, &selection, |place, spans| found[place].0 = spans)?;
        snapshot.activity(&wanted, |place, activity| found[place].1 = activity)?;
        assert!(snapshot.damage().is_empty());
        Ok(found)
    }

    /// The numbers of the points that are there of each metric, which are what was appended: their values say so.
    pub fn points(&self, store: &Store) -> Result<Vec<Vec<u64>>, StoreError> {
        let of_metric = |(spans, _): (Vec<Spans>, Activity)| {
            let (seconds, minutes) = (&spans[0], &spans[1]);
            let of = |spans: &Spans, name: &str| spans.series(name.parse().unwrap()).unwrap().values;
            let numbers = seconds.starts.iter().zip(of(seconds, "last")).map(|(start, value)| {
                let number = start.ns() / NS_PER_SECOND - START_S;
                assert_eq!(value, number as f64, "another value");
                number as u64
            });
            let count: f64 = of(minutes, "count").iter().sum();
            assert_eq!(count, seconds.starts.len() as f64, "minutes of other points than the seconds");
            numbers.collect()
        };
        Ok(self.everything(store)?.into_iter().map(of_metric).collect())
    }

    /// Reads every byte.
    pub fn assert_sound(&self, store: &Store, when: &str) {
        let checked = store.check().unwrap();
        assert!(checked.faults.is_empty() && checked.index_faults.is_empty(), "{when}: {checked:?}");
    }
}
