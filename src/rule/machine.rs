//! The state machine of one alarm and one group: what a verdict does to the state, and why, in Aodh's words.

use serde_json::{Value, json};

use super::{Alarm, Datapoint, Decision, decide};
use crate::model::AlarmState;

/// What somebody is told: the alarm went to `state`, or is there still and repeats itself.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// The state from now on; the one before it is no step but a repetition.
    pub state: AlarmState,
    /// A sentence that says why.
    pub reason: String,
    /// The same for programs: Aodh's `type`, `disposition`, `count` and `most_recent`, and in `datapoints` the values
    /// that decided with the starts of their periods.
    pub reason_data: Value,
}

/// What the values of `window` do to an alarm that is in `state`; nothing when nobody is to be told.
///
/// - `window`: ascending by period, at most the rule's `evaluation_periods`
///
/// Aodh 23.0.0, `evaluator/threshold.py`, `_transition_alarm`, including: mixed values move an alarm out of
/// "insufficient data" to where the last one points, and "insufficient data" is never repeated.
pub fn step(alarm: &Alarm, state: AlarmState, window: &[Datapoint]) -> Option<Step> {
    let verdict = decide(&alarm.rule, window);
    let unknown = state == AlarmState::InsufficientData;
    let next = match verdict.decision {
        Decision::Insufficient if unknown => return None,
        Decision::Insufficient => return Some(insufficient(alarm, window)),
        Decision::Trending(trend) if unknown => trend,
        Decision::Trending(_) => state,
        Decision::Definite(definite) => definite,
    };
    if next == state && !alarm.repeat_actions {
        return None;
    }
    let (disposition, count) = match next {
        AlarmState::Ok => ("inside", window.len() - verdict.outside),
        _ => ("outside", verdict.outside),
    };
    let most_recent = window.last().map_or_else(|| "None".to_owned(), |last| python_float(last.value));
    let verb = if next == state { "Remaining as" } else { "Transition to" };
    Some(Step {
        state: next,
        reason: format!(
            "{verb} {next} due to {count} samples {disposition} threshold, most recent: {most_recent}"
        ),
        reason_data: reason_data(disposition, count, window),
    })
}

/// Aodh gives the number of periods asked for, not the number that is missing.
fn insufficient(alarm: &Alarm, window: &[Datapoint]) -> Step {
    let expected = alarm.rule.evaluation_periods;
    let reason = match window {
        [] => format!("No datapoint for granularity {}", alarm.rule.granularity),
        _ => format!("{expected} datapoints are unknown"),
    };
    let reason_data = reason_data("unknown", expected, window);
    Step { state: AlarmState::InsufficientData, reason, reason_data }
}

fn reason_data(disposition: &str, count: usize, window: &[Datapoint]) -> Value {
    json!({
        "type": "threshold",
        "disposition": disposition,
        "count": count,
        "most_recent": window.last().map(|last| last.value),
        "datapoints": window.iter().map(|point| json!([point.start, point.value])).collect::<Vec<_>>(),
    })
}

/// A finite number as Python's `repr` writes it, which is what stands in Aodh's sentences: 97.0, 1e+16, 1.5e-07.
fn python_float(value: f64) -> String {
    let scientific = format!("{value:e}");
    let Some((digits, exponent)) = scientific.split_once('e') else { return scientific };
    match exponent.parse::<i32>() {
        Ok(exponent) if !(-4..16).contains(&exponent) => {
            let sign = if exponent < 0 { '-' } else { '+' };
            format!("{digits}e{sign}{:02}", exponent.abs())
        }
        _ if value.fract() == 0.0 => format!("{value}.0"),
        _ => format!("{value}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rule::testing::{alarm_above_90, window};
    use AlarmState::{Alarm as Alarmed, InsufficientData as Unknown, Ok as Fine};

    /// State, values, repeat_actions → the new state and the start of the reason.
    fn row(state: AlarmState, values: &[f64], repeats: bool) -> Option<(AlarmState, String)> {
        let alarm = Alarm { repeat_actions: repeats, ..alarm_above_90(3) };
        step(&alarm, state, &window(values)).map(|step| (step.state, step.reason))
    }

    const HIGH: &[f64] = &[91.0, 92.0, 97.5];
    const LOW: &[f64] = &[1.0, 2.0, 3.0];
    const RISING: &[f64] = &[1.0, 2.0, 97.5];
    const FALLING: &[f64] = &[91.0, 92.0, 3.0];
    const FEW: &[f64] = &[91.0, 97.5];

    #[test]
    fn each_row_of_aodhs_table_holds() {
        let to_alarm =
            |n| format!("Transition to alarm due to {n} samples outside threshold, most recent: 97.5");
        let to_ok = |n| format!("Transition to ok due to {n} samples inside threshold, most recent: 3.0");
        let remains_alarm =
            |n, v| format!("Remaining as alarm due to {n} samples outside threshold, most recent: {v}");
        let remains_ok =
            |n, v| format!("Remaining as ok due to {n} samples inside threshold, most recent: {v}");
        let few = || "3 datapoints are unknown".to_owned();
        let none = || "No datapoint for granularity 60".to_owned();
        for (state, values, without_repeats, with_repeats) in [
            // Insufficient data, mixed: the trending state, repeats or not.
            (Unknown, RISING, Some((Alarmed, to_alarm(1))), Some((Alarmed, to_alarm(1)))),
            (Unknown, FALLING, Some((Fine, to_ok(1))), Some((Fine, to_ok(1)))),
            // Ok or alarm, mixed: stays.
            (Fine, RISING, None, Some((Fine, remains_ok(2, "97.5")))),
            (Fine, FALLING, None, Some((Fine, remains_ok(1, "3.0")))),
            (Alarmed, RISING, None, Some((Alarmed, remains_alarm(1, "97.5")))),
            (Alarmed, FALLING, None, Some((Alarmed, remains_alarm(2, "3.0")))),
            // Ok or alarm, insufficient: told once.
            (Fine, FEW, Some((Unknown, few())), Some((Unknown, few()))),
            (Alarmed, FEW, Some((Unknown, few())), Some((Unknown, few()))),
            (Fine, &[], Some((Unknown, none())), Some((Unknown, none()))),
            (Alarmed, &[], Some((Unknown, none())), Some((Unknown, none()))),
            // Insufficient, insufficient: never told.
            (Unknown, FEW, None, None),
            (Unknown, &[], None, None),
            // Definite and different.
            (Unknown, HIGH, Some((Alarmed, to_alarm(3))), Some((Alarmed, to_alarm(3)))),
            (Unknown, LOW, Some((Fine, to_ok(3))), Some((Fine, to_ok(3)))),
            (Fine, HIGH, Some((Alarmed, to_alarm(3))), Some((Alarmed, to_alarm(3)))),
            (Alarmed, LOW, Some((Fine, to_ok(3))), Some((Fine, to_ok(3)))),
            // Definite and the same.
            (Alarmed, HIGH, None, Some((Alarmed, remains_alarm(3, "97.5")))),
            (Fine, LOW, None, Some((Fine, remains_ok(3, "3.0")))),
        ] {
            assert_eq!(row(state, values, false), without_repeats, "{state} {values:?}");
            assert_eq!(row(state, values, true), with_repeats, "{state} {values:?} repeated");
        }
    }

    #[test]
    fn reason_data_are_aodhs_and_the_datapoints() {
        let step = step(&alarm_above_90(2), Fine, &window(&[91.0, 97.5])).unwrap();
        assert_eq!(
            step.reason_data,
            json!({"type": "threshold", "disposition": "outside", "count": 2, "most_recent": 97.5,
                   "datapoints": [["1970-01-01T00:00:00Z", 91.0], ["1970-01-01T00:01:00Z", 97.5]]})
        );
        let unknown = super::step(&alarm_above_90(2), Fine, &[]).unwrap();
        assert_eq!(
            unknown.reason_data,
            json!({"type": "threshold", "disposition": "unknown", "count": 2, "most_recent": null,
                   "datapoints": []})
        );
    }

    #[test]
    fn numbers_in_reasons_are_written_as_python_does() {
        // Answered by Python 3.11's repr().
        for (value, text) in [
            (97.5, "97.5"),
            (97.0, "97.0"),
            (0.0, "0.0"),
            (-0.1, "-0.1"),
            (1e15, "1000000000000000.0"),
            (1e16, "1e+16"),
            (1.5e-7, "1.5e-07"),
            (0.0001, "0.0001"),
            (0.00001, "1e-05"),
            (1.25e100, "1.25e+100"),
        ] {
            assert_eq!(python_float(value), text);
        }
    }
}
