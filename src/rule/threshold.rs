//! The threshold decision: what the values of one window say.

use super::ThresholdRule;
use crate::model::{AlarmState, Timestamp};

/// The value of one period.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Datapoint {
    /// The first nanosecond of the period.
    pub start: Timestamp,
    /// The aggregate of the period; finite.
    pub value: f64,
}

/// What the values of a window say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// All agree: "alarm" when all are on the alarm's side, "ok" when none is.
    Definite(AlarmState),
    /// They do not agree; the state is where the last one points.
    Trending(AlarmState),
    /// There are fewer than the rule asks for.
    Insufficient,
}

/// A decision and the count behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// What the values say.
    pub decision: Decision,
    /// How many of them are on the alarm's side of the threshold ("outside", Aodh's word).
    pub outside: usize,
}

/// Judges the values of one window.
///
/// - `window`: ascending by period, at most the rule's `evaluation_periods`
///
/// Aodh 23.0.0, `evaluator/threshold.py`, `_process_statistics`.
pub fn decide(rule: &ThresholdRule, window: &[Datapoint]) -> Verdict {
    debug_assert!(window.len() <= rule.evaluation_periods);
    let is_outside = |point: &Datapoint| rule.comparison.holds(point.value, rule.threshold);
    let outside = window.iter().filter(|point| is_outside(point)).count();
    let decision = match window.last() {
        Some(last) if window.len() == rule.evaluation_periods => match outside {
            0 => Decision::Definite(AlarmState::Ok),
            all if all == window.len() => Decision::Definite(AlarmState::Alarm),
            _ if is_outside(last) => Decision::Trending(AlarmState::Alarm),
            _ => Decision::Trending(AlarmState::Ok),
        },
        _ => Decision::Insufficient,
    };
    Verdict { decision, outside }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rule::testing::{above_90, window};

    #[test]
    fn values_decide_as_in_aodh() {
        use AlarmState::{Alarm, Ok};
        for (values, decision, outside) in [
            (&[91.0, 92.0, 93.0][..], Decision::Definite(Alarm), 3),
            (&[90.0, 1.0, 2.0], Decision::Definite(Ok), 0),
            (&[91.0, 1.0, 92.0], Decision::Trending(Alarm), 2),
            (&[91.0, 92.0, 1.0], Decision::Trending(Ok), 2),
            (&[91.0, 92.0], Decision::Insufficient, 2),
            (&[], Decision::Insufficient, 0),
        ] {
            let verdict = decide(&above_90(3), &window(values));
            assert_eq!(verdict, Verdict { decision, outside }, "{values:?}");
        }
    }
}
