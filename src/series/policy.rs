//! Archive policies: which granularities of a metric are kept and for how long, and which methods are computed.
//!
//! Pure: a policy decides; the store obeys. Words and rules are those of Gnocchi 4.7.1.

use std::num::NonZeroU64;

use thiserror::Error;

use super::{Form, Method, canonical_methods};
use crate::model::{Granularity, Timestamp};

/// What is kept of a metric.
#[derive(Clone, Debug, PartialEq)]
pub struct ArchivePolicy {
    name: String,
    back_window: u32,
    methods: Vec<Method>,
    definition: Vec<Definition>,
}

/// One granularity of a policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Definition {
    /// The length of the spans.
    pub granularity: Granularity,
    /// How many spans are kept; none: all of them.
    pub points: Option<NonZeroU64>,
}

/// A policy that cannot be.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum BadPolicy {
    /// There is nothing to keep.
    #[error("an archive policy needs at least one granularity")]
    NoGranularity,
    /// There is nothing to compute.
    #[error("an archive policy needs at least one aggregation method")]
    NoMethod,
    /// The same granularity stands there twice.
    #[error("more than one archive policy definition uses granularity `{0}'")]
    SameGranularity(Granularity),
    /// A definition says too little.
    #[error("at least two of granularity/points/timespan must be provided, or granularity alone")]
    TooLittle,
    /// A definition says the same twice, differently.
    #[error("timespan \u{2260} granularity \u{d7} points")]
    Contradiction,
    /// No span fits.
    #[error("the timespan is shorter than the granularity: not a single point would be kept")]
    NoPoints,
    /// An update that would need other spans than those that are stored.
    #[error("cannot add or drop granularities")]
    OtherGranularities,
    /// An update that would change the length of spans that are stored.
    #[error("{0} granularity interval was changed")]
    ChangedGranularity(Granularity),
}

impl ArchivePolicy {
    /// A policy of at least one granularity and one method.
    ///
    /// - `back_window`: how many blocks of the coarsest granularity before the newest one still take points
    ///
    /// Granularities are sorted, the finest first; methods are put in canonical order.
    ///
    /// # Errors
    /// [`BadPolicy`] when there is no granularity or no method, or a granularity stands there twice.
    pub fn new(
        name: impl Into<String>,
        back_window: u32,
        methods: Vec<Method>,
        mut definition: Vec<Definition>,
    ) -> Result<ArchivePolicy, BadPolicy> {
        definition.sort_by_key(|one| one.granularity);
        if definition.is_empty() {
            return Err(BadPolicy::NoGranularity);
        }
        if let Some(same) = definition.windows(2).find(|pair| pair[0].granularity == pair[1].granularity) {
            return Err(BadPolicy::SameGranularity(same[0].granularity));
        }
        let methods = canonical_methods(methods);
        if methods.is_empty() {
            return Err(BadPolicy::NoMethod);
        }
        Ok(ArchivePolicy { name: name.into(), back_window, methods, definition })
    }

    /// The name, unique in a store.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How many blocks of the coarsest granularity before the newest one still take points.
    pub fn back_window(&self) -> u32 {
        self.back_window
    }

    /// What is computed, in canonical order, nothing twice.
    pub fn methods(&self) -> &[Method] {
        &self.methods
    }

    /// The granularities, the finest first.
    pub fn definition(&self) -> &[Definition] {
        &self.definition
    }

    /// The longest spans; Gnocchi's block.
    pub fn coarsest(&self) -> Granularity {
        self.definition[self.definition.len() - 1].granularity
    }

    /// Whether differences between points are asked for.
    pub fn has_rates(&self) -> bool {
        self.methods.iter().any(|method| method.form != Form::Plain)
    }

    /// The oldest time that a new point may have when `newest` is the newest point so far.
    ///
    /// The start of the block of `newest`, less the back window; one block more where differences are computed.
    pub fn window_start(&self, newest: Timestamp) -> Timestamp {
        let block_ns = self.coarsest().ns();
        let blocks = i64::from(self.back_window) + i64::from(self.has_rates());
        let start = newest.ns().saturating_sub(newest.ns().rem_euclid(block_ns));
        Timestamp::from_ns(start.saturating_sub(block_ns.saturating_mul(blocks)))
    }

    /// The policy with other timespans, and another back window if one is given.
    ///
    /// # Errors
    /// [`BadPolicy`] when the granularities are not the same: what is stored could not follow.
    pub fn updated(
        &self,
        definition: Vec<Definition>,
        back_window: Option<u32>,
    ) -> Result<ArchivePolicy, BadPolicy> {
        if definition.len() != self.definition.len() {
            return Err(BadPolicy::OtherGranularities);
        }
        let back_window = back_window.unwrap_or(self.back_window);
        let updated = ArchivePolicy::new(self.name.clone(), back_window, self.methods.clone(), definition)?;
        let mut pairs = self.definition.iter().zip(&updated.definition);
        match pairs.find(|(current, new)| current.granularity != new.granularity) {
            Some((current, _)) => Err(BadPolicy::ChangedGranularity(current.granularity)),
            None => Ok(updated),
        }
    }
}

impl Definition {
    /// From any two of the three, from all three when they agree, or from the granularity alone: then everything is kept.
    ///
    /// A timespan that is no whole number of spans is cut, and a granularity to whole nanoseconds. Quotients are
    /// taken of doubles, as Gnocchi does.
    ///
    /// # Errors
    /// [`BadPolicy`] says what is missing or contradicts.
    pub fn of(
        granularity: Option<Granularity>,
        points: Option<NonZeroU64>,
        timespan: Option<Granularity>,
    ) -> Result<Definition, BadPolicy> {
        match (granularity, points, timespan) {
            (Some(granularity), points, None) => Ok(Definition { granularity, points }),
            (Some(granularity), Some(points), Some(timespan)) => {
                let definition = Definition { granularity, points: Some(points) };
                let agrees = definition.timespan() == Some(timespan);
                if agrees { Ok(definition) } else { Err(BadPolicy::Contradiction) }
            }
            (Some(granularity), None, Some(timespan)) => {
                let points = NonZeroU64::new((timespan.ns() as f64 / granularity.ns() as f64) as u64);
                Ok(Definition { granularity, points: Some(points.ok_or(BadPolicy::NoPoints)?) })
            }
            (None, Some(points), Some(timespan)) => {
                let granularity = Granularity::from_ns((timespan.ns() as f64 / points.get() as f64) as i64);
                Ok(Definition { granularity: granularity.ok_or(BadPolicy::NoPoints)?, points: Some(points) })
            }
            (None, ..) => Err(BadPolicy::TooLittle),
        }
    }

    /// For how long spans are kept; none when for ever, which is anything over 292 years.
    pub fn timespan(&self) -> Option<Granularity> {
        let points = i64::try_from(self.points?.get()).ok()?;
        Granularity::from_ns(self.granularity.ns().checked_mul(points)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::NS_PER_SECOND;

    fn seconds(seconds: i64) -> Granularity {
        Granularity::from_seconds(seconds).unwrap()
    }

    fn definition(granularity: i64, points: u64) -> Definition {
        Definition { granularity: seconds(granularity), points: NonZeroU64::new(points) }
    }

    fn policy(methods: &[&str], back_window: u32) -> ArchivePolicy {
        let methods = methods.iter().map(|word| word.parse().unwrap()).collect();
        ArchivePolicy::new("p", back_window, methods, vec![definition(300, 10), definition(60, 5)]).unwrap()
    }

    #[test]
    fn granularities_are_sorted_and_methods_are_in_canonical_order() {
        let policy = policy(&["rate:mean", "95pct", "count", "mean", "count", "5pct"], 0);
        assert_eq!(policy.definition(), [definition(60, 5), definition(300, 10)]);
        let names: Vec<String> = policy.methods().iter().map(ToString::to_string).collect();
        assert_eq!(names, ["mean", "count", "5pct", "95pct", "rate:mean"]);
        assert_eq!(policy.coarsest(), seconds(300));
    }

    #[test]
    fn a_policy_without_granularity_or_method_or_with_one_twice_is_refused() {
        let mean = vec!["mean".parse().unwrap()];
        let new = |methods, definition| ArchivePolicy::new("p", 0, methods, definition).unwrap_err();
        assert_eq!(new(mean.clone(), vec![]), BadPolicy::NoGranularity);
        assert_eq!(new(vec![], vec![definition(60, 1)]), BadPolicy::NoMethod);
        let twice = vec![definition(60, 1), definition(60, 2)];
        assert_eq!(new(mean, twice), BadPolicy::SameGranularity(seconds(60)));
    }

    #[test]
    fn the_window_starts_at_a_block_and_is_one_longer_for_rates() {
        let newest = Timestamp::from_ns(1_000 * NS_PER_SECOND + 7);
        let start = |methods: &[&str], back_window| {
            policy(methods, back_window).window_start(newest).ns() / NS_PER_SECOND
        };
        assert_eq!(start(&["mean"], 0), 900);
        assert_eq!(start(&["mean"], 2), 300);
        assert_eq!(start(&["rate:mean"], 0), 600);
        let oldest = policy(&["mean"], u32::MAX).window_start(Timestamp::from_ns(i64::MIN));
        assert_eq!(oldest.ns(), i64::MIN);
    }

    #[test]
    fn a_definition_is_made_of_any_two_of_three_or_the_granularity_alone() {
        let points = NonZeroU64::new;
        let of = Definition::of;
        assert_eq!(of(Some(seconds(60)), points(5), None), Ok(definition(60, 5)));
        assert_eq!(of(Some(seconds(60)), None, Some(seconds(359))), Ok(definition(60, 5)));
        assert_eq!(of(None, points(5), Some(seconds(300))), Ok(definition(60, 5)));
        assert_eq!(of(Some(seconds(60)), points(5), Some(seconds(300))), Ok(definition(60, 5)));
        assert_eq!(of(Some(seconds(60)), None, None).unwrap().timespan(), None);
        assert_eq!(definition(60, 5).timespan(), Some(seconds(300)));
        assert_eq!(of(Some(seconds(60)), points(5), Some(seconds(301))), Err(BadPolicy::Contradiction));
        assert_eq!(of(Some(seconds(60)), None, Some(seconds(59))), Err(BadPolicy::NoPoints));
        assert_eq!(of(None, points(5), None), Err(BadPolicy::TooLittle));
        assert_eq!(of(None, None, Some(seconds(5))), Err(BadPolicy::TooLittle));
        assert_eq!(of(None, None, None), Err(BadPolicy::TooLittle));
    }

    #[test]
    fn an_update_keeps_the_granularities() {
        let policy = policy(&["mean"], 1);
        let longer = policy.updated(vec![definition(300, 20), definition(60, 10)], None).unwrap();
        assert_eq!((longer.back_window(), longer.definition()[1].points), (1, NonZeroU64::new(20)));
        assert_eq!(policy.updated(policy.definition().to_vec(), Some(3)).unwrap().back_window(), 3);
        let fewer = policy.updated(vec![definition(60, 10)], None);
        assert_eq!(fewer, Err(BadPolicy::OtherGranularities));
        let other = policy.updated(vec![definition(61, 10), definition(300, 20)], None);
        assert_eq!(other, Err(BadPolicy::ChangedGranularity(seconds(60))));
    }
}
