//! Which points of an append are late, so that whoever sends them is told: the store drops them when it replays them.

use std::sync::Arc;

use crate::series::ArchivePolicy;
use crate::store::index::{Index, IndexError, MetricKey, PolicyNumber};
use crate::store::measures::{Arrival, Arrived, Horizon, Wanted};
use crate::store::{MetricNumber, Store, StoreError};

/// The horizons of the metrics of a run, by their numbers; 48 bytes for each number up to the largest.
#[derive(Default)]
pub(super) struct Lateness {
    met: Vec<Option<Met>>,
    /// The few that the metrics have.
    policies: Vec<(PolicyNumber, Arc<ArchivePolicy>)>,
}

#[derive(Clone, Copy)]
struct Met {
    /// Which of the policies it has.
    policy: usize,
    /// None until the store was asked for it.
    horizon: Option<Horizon>,
}

impl Lateness {
    /// A metric was found in the index, or made there, and then has no points.
    ///
    /// # Errors
    /// When its policy cannot be found.
    pub(super) fn meet(&mut self, key: MetricKey, made: bool, index: &Index) -> Result<(), IndexError> {
        let known = self.policies.iter().position(|(number, _)| *number == key.policy);
        let policy = match known {
            Some(policy) => policy,
            None => {
                self.policies.push((key.policy, index.archive_policy_numbered(key.policy)?));
                self.policies.len() - 1
            }
        };
        let at = key.metric.0 as usize;
        if self.met.len() <= at {
            self.met.resize(at + 1, None);
        }
        self.met[at].get_or_insert(Met { policy, horizon: made.then(Horizon::default) });
        Ok(())
    }

    /// Forgets everything.
    pub(super) fn clear(&mut self) {
        *self = Lateness::default();
    }

    /// How many of `arrivals`, which are about to be appended, are late. What others append at the same time is not
    /// looked at.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub(super) fn count(&mut self, arrivals: &[Arrival], store: &Store) -> Result<u64, StoreError> {
        self.look_up(arrivals, store)?;
        let mut late = 0;
        for Arrival { metric, point } in arrivals {
            let met = self.met.get_mut(metric.0 as usize).and_then(Option::as_mut);
            if let Some(Met { policy, horizon: Some(horizon) }) = met {
                let arrived = horizon.arrive(point.timestamp, &self.policies[*policy].1);
                late += u64::from(arrived == Arrived::Late);
            }
        }
        Ok(late)
    }

    /// Asks the store for the horizons that are not known.
    fn look_up(&mut self, arrivals: &[Arrival], store: &Store) -> Result<(), StoreError> {
        let of = |metric: MetricNumber| self.met.get(metric.0 as usize).copied().flatten();
        let mut unknown: Vec<(MetricNumber, usize)> = arrivals
            .iter()
            .filter_map(|arrival| Some((arrival.metric, of(arrival.metric)?)))
            .filter(|(_, met)| met.horizon.is_none())
            .map(|(metric, met)| (metric, met.policy))
            .collect();
        if unknown.is_empty() {
            return Ok(());
        }
        unknown.sort_unstable();
        unknown.dedup();
        let wanted = unknown
            .iter()
            .map(|(metric, policy)| Wanted { metric: *metric, policy: &self.policies[*policy].1 });
        let wanted: Vec<Wanted<'_>> = wanted.collect();
        let met = &mut self.met;
        store.snapshot()?.activity(&wanted, |place, activity| {
            if let Some(met) = &mut met[wanted[place].metric.0 as usize] {
                met.horizon = Some(activity.horizon);
            }
        })?;
        Ok(())
    }
}
