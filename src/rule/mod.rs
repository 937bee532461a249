//! Floor 2 · Alarm rules decide; nobody is told here.
//!
//! Data in, data out: `file` reads the rules, `threshold` judges the values of one window, `machine` moves one
//! alarm from state to state, `evaluate` does so for every group of every alarm in event time. No file, socket,
//! clock or thread, and no notifier: who is told, and how, is `notify`'s.

mod action;
mod alarm;
mod evaluate;
mod file;
mod machine;
#[cfg(test)]
mod testing;
mod threshold;
mod value;

pub use action::{Action, BadAction, Target};
pub use alarm::{Alarm, Comparison, GRANULARITY_SECONDS_MAX, PERIODS_MAX, ThresholdRule, default_alarm_id};
pub use evaluate::{Evaluator, GROUPS_MAX, Notice, Refused, Row};
pub use file::{Checks, read};
pub use machine::{Step, step};
pub use threshold::{Datapoint, Decision, Verdict, decide};
