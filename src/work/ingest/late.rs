//! Which points of an append are late, so that whoever sends them is told: the store drops them when it replays them.

use std::sync::Arc;

use crate::model::Timestamp;
use crate::series::ArchivePolicy;
use crate::store::measures::{Arrival, Wanted};
use crate::store::{MetricNumber, Store, StoreError};

/// The windows of the metrics of a run, by their numbers; 24 bytes for each number up to the largest.
#[derive(Default)]
pub(super) struct Lateness {
    windows: Vec<Window>,
}

#[derive(Clone, Copy)]
struct Window {
    known: bool,
    newest_ns: i64,
    floor_ns: i64,
}

const UNKNOWN: Window = Window { known: false, newest_ns: i64::MIN, floor_ns: i64::MIN };

impl Lateness {
    /// A metric was made, and has no points.
    pub(super) fn begin(&mut self, metric: MetricNumber) {
        self.window(metric).known = true;
    }

    /// Forgets everything.
    pub(super) fn clear(&mut self) {
        self.windows.clear();
    }

    /// How many of `arrivals`, which are about to be appended, are late. What others append at the same time is not
    /// looked at.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub(super) fn count<'p>(
        &mut self,
        arrivals: &[Arrival],
        store: &Store,
        policy_of: impl Fn(MetricNumber) -> Option<&'p Arc<ArchivePolicy>>,
    ) -> Result<u64, StoreError> {
        self.look_up(arrivals, store, &policy_of)?;
        let mut late = 0;
        for arrival in arrivals {
            let ns = arrival.point.timestamp.ns();
            let window = self.window(arrival.metric);
            if ns >= window.newest_ns {
                window.newest_ns = ns;
            } else if ns < window.floor_ns {
                late += 1;
            } else if let Some(policy) = policy_of(arrival.metric) {
                window.floor_ns = policy.window_start(Timestamp::from_ns(window.newest_ns)).ns();
                late += u64::from(ns < window.floor_ns);
            }
        }
        Ok(late)
    }

    /// Asks the store for the windows of metrics that this run has not seen.
    fn look_up<'p>(
        &mut self,
        arrivals: &[Arrival],
        store: &Store,
        policy_of: &impl Fn(MetricNumber) -> Option<&'p Arc<ArchivePolicy>>,
    ) -> Result<(), StoreError> {
        let mut wanted = Vec::new();
        for arrival in arrivals {
            let window = self.window(arrival.metric);
            if !std::mem::replace(&mut window.known, true)
                && let Some(policy) = policy_of(arrival.metric)
            {
                wanted.push(Wanted { metric: arrival.metric, policy });
            }
        }
        if wanted.is_empty() {
            return Ok(());
        }
        store.snapshot()?.activity(&wanted, |place, activity| {
            if let Some(newest) = activity.newest {
                self.window(wanted[place].metric).newest_ns = newest.ns();
            }
        })?;
        Ok(())
    }

    #[inline]
    fn window(&mut self, metric: MetricNumber) -> &mut Window {
        let at = metric.0 as usize;
        if self.windows.len() <= at {
            self.windows.resize(at + 1, UNKNOWN);
        }
        &mut self.windows[at]
    }
}
