//! A transition: an alarm that went from one state to another.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use thiserror::Error;

use super::Timestamp;

/// The three states of an alarm (Aodh's words).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum AlarmState {
    /// The rule does not hold.
    #[serde(rename = "ok")]
    Ok,
    /// The rule holds.
    #[serde(rename = "alarm")]
    Alarm,
    /// There are not enough points to say.
    #[serde(rename = "insufficient data")]
    InsufficientData,
}

impl AlarmState {
    /// The word in records and messages.
    pub fn name(self) -> &'static str {
        match self {
            AlarmState::Ok => "ok",
            AlarmState::Alarm => "alarm",
            AlarmState::InsufficientData => "insufficient data",
        }
    }
}

impl fmt::Display for AlarmState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A word that names no alarm state.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("unknown alarm state \"{0}\" (ok, alarm or insufficient data)")]
pub struct BadState(pub String);

impl FromStr for AlarmState {
    type Err = BadState;

    fn from_str(text: &str) -> Result<Self, BadState> {
        match text {
            "ok" => Ok(AlarmState::Ok),
            "alarm" => Ok(AlarmState::Alarm),
            "insufficient data" => Ok(AlarmState::InsufficientData),
            _ => Err(BadState(text.to_owned())),
        }
    }
}

/// How much an alarm matters; an order for people, without effect on evaluation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The default.
    #[default]
    Low,
    /// In between.
    Moderate,
    /// Wake somebody.
    Critical,
}

impl Severity {
    /// The word in records and messages.
    pub fn name(self) -> &'static str {
        match self {
            Severity::Low => "low",
            Severity::Moderate => "moderate",
            Severity::Critical => "critical",
        }
    }
}

/// One change of state: the payload that Aodh 23.0.0 sends to its notifiers, plus when and for what.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Transition {
    /// The alarm's name.
    pub alarm_name: String,
    /// The alarm's identity; one for each alarm, whatever the group.
    pub alarm_id: String,
    /// How much it matters.
    pub severity: Severity,
    /// The state before.
    pub previous: AlarmState,
    /// The state now.
    pub current: AlarmState,
    /// A sentence that says why, in Aodh's words.
    pub reason: String,
    /// The same for programs.
    pub reason_data: Value,
    /// End of the last period that decided, in event time.
    pub timestamp: Timestamp,
    /// What the alarm was evaluated for: the rule's group keys and their values.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub group: Map<String, Value>,
}
