//! What an ingest knows of metrics: their numbers, by the name of the meter and what was measured.

use std::hash::{BuildHasher, Hasher};

use foldhash::quality::RandomState;
use hashbrown::HashTable;

use crate::store::MetricNumber;

/// Which metric a sample is of: 128 bits of its names, by a secret of this process, so that nobody can make two names
/// meet; of a million metrics two meet once in 10^26 runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Key(u64, u64);

/// What is known of a metric.
#[derive(Clone, Copy, Debug)]
pub(super) struct Known {
    key: Key,
    /// Its number; none while it waits for the next commit.
    pub(super) metric: Option<MetricNumber>,
    /// The hash of what its newest sample said of the resource.
    pub(super) said: u64,
}

/// All metrics that samples of this run were of; 48 bytes each.
#[derive(Default)]
pub(super) struct KnownMetrics {
    states: (RandomState, RandomState),
    table: HashTable<Known>,
}

impl KnownMetrics {
    /// The key of a metric.
    #[inline]
    pub(super) fn key(&self, name: &[u8], resource: &[u8]) -> Key {
        let hash = |state: &RandomState| {
            let mut hasher = state.build_hasher();
            hasher.write(name);
            // No byte of UTF-8: "ab" of "c" is not "a" of "bc".
            hasher.write_u8(0xff);
            hasher.write(resource);
            hasher.finish()
        };
        Key(hash(&self.states.0), hash(&self.states.1))
    }

    /// A hash of the bytes that say what a resource is.
    #[inline]
    pub(super) fn said(&self, parts: [&[u8]; 3]) -> u64 {
        let mut hasher = self.states.0.build_hasher();
        for part in parts {
            hasher.write(part);
            hasher.write_u8(0xff);
        }
        hasher.finish()
    }

    /// What is known of the metric; nothing yet where it is asked for the first time.
    #[inline]
    pub(super) fn enter(&mut self, key: Key) -> &mut Known {
        let entry = self.table.entry(key.0, |known| known.key == key, |known| known.key.0);
        entry.or_insert(Known { key, metric: None, said: 0 }).into_mut()
    }

    /// The metric could not be made: its next sample is as if it were the first.
    pub(super) fn forget(&mut self, key: Key) {
        if let Ok(entry) = self.table.find_entry(key.0, |known| known.key == key) {
            entry.remove();
        }
    }

    /// Others have changed the index: all is looked up again.
    pub(super) fn clear(&mut self) {
        self.table.clear();
    }
}
