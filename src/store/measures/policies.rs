//! Which archive policy each metric has: what a maintenance is told by the index.

use foldhash::HashMap;

use crate::series::ArchivePolicy;
use crate::store::MetricNumber;

/// The archive policy of each metric; metrics that are not here are deleted, and their points with them.
#[derive(Clone, Debug, Default)]
pub struct Policies {
    /// By their numbers.
    policies: HashMap<u32, ArchivePolicy>,
    /// The number of the metric's policy; 0 for none.
    by_metric: Vec<u32>,
}

impl Policies {
    /// There is a policy with this number, which is not 0.
    pub fn define(&mut self, number: u32, policy: ArchivePolicy) {
        self.policies.insert(number, policy);
    }

    /// The metric has the policy of this number.
    pub fn set(&mut self, metric: MetricNumber, policy: u32) {
        let at = metric.0 as usize;
        if self.by_metric.len() <= at {
            self.by_metric.resize(at + 1, 0);
        }
        self.by_metric[at] = policy;
    }

    /// The metric's policy.
    #[inline]
    pub fn of(&self, metric: MetricNumber) -> Option<&ArchivePolicy> {
        self.policies.get(self.by_metric.get(metric.0 as usize)?)
    }
}
