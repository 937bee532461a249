//! Alarms and values for the tests of this folder.

use super::{Alarm, Comparison, Datapoint, ThresholdRule, default_alarm_id};
use crate::define::Glob;
use crate::model::{Granularity, NS_PER_SECOND, Severity, Timestamp};

/// `seconds` after the start of 1970.
pub fn at(seconds: i64) -> Timestamp {
    Timestamp::from_ns(seconds * NS_PER_SECOND)
}

/// "cpu_util" above 90 in `evaluation_periods` minutes, by resource_id.
pub fn above_90(evaluation_periods: usize) -> ThresholdRule {
    ThresholdRule {
        meter: Glob::new("cpu_util"),
        query: None,
        aggregation_method: "mean".to_owned(),
        comparison: Comparison::Gt,
        threshold: 90.0,
        evaluation_periods,
        granularity: Granularity::from_seconds(60).unwrap(),
        group_by: vec!["resource_id".to_owned()],
    }
}

/// An alarm "high" of the rule [`above_90`], without actions.
pub fn alarm_above_90(evaluation_periods: usize) -> Alarm {
    Alarm {
        name: "high".to_owned(),
        alarm_id: default_alarm_id("high"),
        description: String::new(),
        enabled: true,
        severity: Severity::Low,
        rule: above_90(evaluation_periods),
        alarm_actions: Vec::new(),
        ok_actions: Vec::new(),
        insufficient_data_actions: Vec::new(),
        repeat_actions: false,
    }
}

/// `values`, one a minute from the start of 1970.
pub fn window(values: &[f64]) -> Vec<Datapoint> {
    (0..).zip(values).map(|(minute, &value)| Datapoint { start: at(minute * 60), value }).collect()
}
