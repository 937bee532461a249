//! Which archive policy each metric has: what a maintenance is told by the index.

use crate::series::ArchivePolicy;
use crate::store::MetricNumber;

/// The archive policy of each metric; metrics that are not here are deleted, and their points with them.
#[derive(Clone, Debug, Default)]
pub struct Policies {
    policies: Vec<ArchivePolicy>,
    /// One more than the place of the metric's policy; 0 for none.
    by_metric: Vec<u16>,
}

impl Policies {
    /// Of no metric yet; `policies` by their place.
    pub fn new(policies: Vec<ArchivePolicy>) -> Policies {
        Policies { policies, by_metric: Vec::new() }
    }

    /// The metric has the policy at this place.
    pub fn set(&mut self, metric: MetricNumber, place: u16) {
        let at = metric.0 as usize;
        if self.by_metric.len() <= at {
            self.by_metric.resize(at + 1, 0);
        }
        self.by_metric[at] = place + 1;
    }

    /// The metric's policy.
    #[inline]
    pub fn of(&self, metric: MetricNumber) -> Option<&ArchivePolicy> {
        let place = *self.by_metric.get(metric.0 as usize)?;
        self.policies.get(usize::from(place.checked_sub(1)?))
    }
}
