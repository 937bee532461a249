//! The archive policies that are there from the start: Gnocchi's and Ceilometer's.

use std::num::NonZeroU64;

use super::{ArchivePolicy, DEFAULT_METHODS, Definition, Form, Method, Statistic};
use crate::model::Granularity;

const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;
const YEAR: i64 = 365 * DAY;

/// The policy for metrics that no other rule has one for (Gnocchi's `low`).
pub const DEFAULT_POLICY: &str = "low";

/// What `gnocchi-upgrade` of 4.7.1 creates: bool, high, low, medium.
pub fn gnocchi_policies() -> Vec<ArchivePolicy> {
    [
        policy("bool", 3600, &[Method::plain(Statistic::Last)], &[(1, YEAR)]),
        policy("high", 0, &DEFAULT_METHODS, &[(1, HOUR), (MINUTE, 7 * DAY), (HOUR, YEAR)]),
        policy("low", 0, &DEFAULT_METHODS, &[(5 * MINUTE, 30 * DAY)]),
        policy("medium", 0, &DEFAULT_METHODS, &[(MINUTE, 7 * DAY), (HOUR, YEAR)]),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// What Ceilometer creates for the metrics it sends (its gnocchi_resources.yaml).
pub fn ceilometer_policies() -> Vec<ArchivePolicy> {
    const MEAN: &[Method] = &[Method::plain(Statistic::Mean)];
    const WITH_RATE: &[Method] =
        &[Method::plain(Statistic::Mean), Method { form: Form::Rate, statistic: Statistic::Mean }];
    const LOW: &[(i64, i64)] = &[(5 * MINUTE, 30 * DAY)];
    const HIGH: &[(i64, i64)] = &[(1, HOUR), (MINUTE, DAY), (HOUR, YEAR)];
    [
        policy("ceilometer-high", 0, MEAN, HIGH),
        policy("ceilometer-high-rate", 0, WITH_RATE, HIGH),
        policy("ceilometer-low", 0, MEAN, LOW),
        policy("ceilometer-low-rate", 0, WITH_RATE, LOW),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// - `spans`: granularity and timespan, in seconds
///
/// None only where a table above is wrong, which a test would say.
fn policy(name: &str, back_window: u32, methods: &[Method], spans: &[(i64, i64)]) -> Option<ArchivePolicy> {
    let definition = |&(granularity, timespan): &(i64, i64)| {
        let points = NonZeroU64::new(u64::try_from(timespan / granularity).ok()?)?;
        Some(Definition { granularity: Granularity::from_seconds(granularity)?, points: Some(points) })
    };
    let definition = spans.iter().map(definition).collect::<Option<Vec<Definition>>>()?;
    ArchivePolicy::new(name, back_window, methods.to_vec(), definition).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_policy_from_the_start_is_there() {
        let lines: Vec<String> = gnocchi_policies()
            .iter()
            .chain(&ceilometer_policies())
            .map(|policy| {
                let spans = policy.definition().iter().map(|definition| {
                    format!("{}x{}", definition.granularity, definition.points.map_or(0, NonZeroU64::get))
                });
                let spans = spans.collect::<Vec<String>>().join(" ");
                format!("{} {} {} {spans}", policy.name(), policy.back_window(), policy.methods().len())
            })
            .collect();
        let expected = [
            "bool 3600 1 1x31536000",
            "high 0 6 1x3600 60x10080 3600x8760",
            "low 0 6 300x8640",
            "medium 0 6 60x10080 3600x8760",
            "ceilometer-high 0 1 1x3600 60x1440 3600x8760",
            "ceilometer-high-rate 0 2 1x3600 60x1440 3600x8760",
            "ceilometer-low 0 1 300x8640",
            "ceilometer-low-rate 0 2 300x8640",
        ];
        assert_eq!(lines, expected);
    }
}
