//! An alarm: a rule, and who wants to know when its state changes. Names are Aodh's.

use std::fmt;
use std::str::FromStr;

use uuid::Uuid;

use super::Action;
use crate::define::Glob;
use crate::model::{AlarmState, Granularity, Severity};

/// Most periods that one decision looks at (Aodh 23.0.0, `evaluation_periods`).
pub const PERIODS_MAX: usize = 100;
/// The longest granularity of a rule, a year (Aodh 23.0.0).
pub const GRANULARITY_SECONDS_MAX: i64 = 31_536_000;
/// Ours, drawn once: alarms without an identity of their own get one made of this and their name.
const ALARM_NAMESPACE: Uuid = Uuid::from_u128(0x5d0f_3c1e_8a47_4e52_9b60_c2f7_1d94_a3b8);

/// One alarm as defined; its state is kept elsewhere, one for each group.
#[derive(Clone, Debug, PartialEq)]
pub struct Alarm {
    /// Unique in a rules file.
    pub name: String,
    /// A UUID; see [`default_alarm_id`].
    pub alarm_id: String,
    /// For people.
    pub description: String,
    /// A disabled alarm is never evaluated.
    pub enabled: bool,
    /// How much it matters.
    pub severity: Severity,
    /// What decides.
    pub rule: ThresholdRule,
    /// Told when the alarm goes to "alarm".
    pub alarm_actions: Vec<Action>,
    /// Told when it goes to "ok".
    pub ok_actions: Vec<Action>,
    /// Told when it goes to "insufficient data".
    pub insufficient_data_actions: Vec<Action>,
    /// Tell again at every evaluation, though the state stays.
    pub repeat_actions: bool,
}

/// A comparison of the aggregates of one meter with a fixed number (Aodh's type `threshold`).
#[derive(Clone, Debug, PartialEq)]
pub struct ThresholdRule {
    /// The meters it is for.
    pub meter: Glob,
    /// Which samples of the meter, in the filter language; not parsed here.
    pub query: Option<String>,
    /// How the samples of one period become one value, as "mean"; not resolved here.
    pub aggregation_method: String,
    /// How a value is compared with `threshold`.
    pub comparison: Comparison,
    /// What a value is compared with; finite.
    pub threshold: f64,
    /// The number of values that must agree, 1 ..= [`PERIODS_MAX`].
    pub evaluation_periods: usize,
    /// The length of a period; at most [`GRANULARITY_SECONDS_MAX`].
    pub granularity: Granularity,
    /// The keys that tell groups apart; none: everything is one group.
    pub group_by: Vec<String>,
}

/// The identity of an alarm that was given none: the same for the same name in every run.
pub fn default_alarm_id(name: &str) -> String {
    Uuid::new_v5(&ALARM_NAMESPACE, name.as_bytes()).to_string()
}

impl Alarm {
    /// Who is told of `state`.
    pub fn actions(&self, state: AlarmState) -> &[Action] {
        match state {
            AlarmState::Ok => &self.ok_actions,
            AlarmState::Alarm => &self.alarm_actions,
            AlarmState::InsufficientData => &self.insufficient_data_actions,
        }
    }
}

impl ThresholdRule {
    /// The keys whose values make a group: `group_by`, after `name` where the rule is for several meters.
    ///
    /// Two meters never share a period's value, so a glob makes a group of each meter that it matches.
    pub fn group_keys(&self) -> impl Iterator<Item = &str> {
        let by_meter = !self.meter.is_literal() && !self.group_by.iter().any(|key| key == "name");
        by_meter.then_some("name").into_iter().chain(self.group_by.iter().map(String::as_str))
    }
}

/// How a value is compared with a threshold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Comparison {
    /// `<`
    Lt,
    /// `<=`
    Le,
    /// `==`; Aodh's default.
    #[default]
    Eq,
    /// `!=`
    Ne,
    /// `>=`
    Ge,
    /// `>`
    Gt,
}

impl Comparison {
    /// Aodh's words and our symbols for the same.
    pub const NAMES: [(&'static str, &'static str, Comparison); 6] = [
        ("lt", "<", Comparison::Lt),
        ("le", "<=", Comparison::Le),
        ("eq", "==", Comparison::Eq),
        ("ne", "!=", Comparison::Ne),
        ("ge", ">=", Comparison::Ge),
        ("gt", ">", Comparison::Gt),
    ];

    /// Whether `value` is on the alarm's side of `threshold`; with NaN only [`Comparison::Ne`] is.
    #[inline]
    pub fn holds(self, value: f64, threshold: f64) -> bool {
        match self {
            Comparison::Lt => value < threshold,
            Comparison::Le => value <= threshold,
            Comparison::Eq => value == threshold,
            Comparison::Ne => value != threshold,
            Comparison::Ge => value >= threshold,
            Comparison::Gt => value > threshold,
        }
    }
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (word, ..) = Comparison::NAMES[*self as usize];
        f.write_str(word)
    }
}

impl FromStr for Comparison {
    type Err = ();

    fn from_str(text: &str) -> Result<Comparison, ()> {
        let named = Comparison::NAMES.iter().find(|(word, symbol, _)| text == *word || text == *symbol);
        named.map(|(.., comparison)| *comparison).ok_or(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_comparison_holds_on_its_side_only() {
        for (text, below, at, above) in [
            ("lt", true, false, false),
            ("<=", true, true, false),
            ("eq", false, true, false),
            ("!=", true, false, true),
            ("ge", false, true, true),
            (">", false, false, true),
        ] {
            let comparison: Comparison = text.parse().unwrap();
            let holds = [89.0, 90.0, 91.0].map(|value| comparison.holds(value, 90.0));
            assert_eq!(holds, [below, at, above], "{text}");
        }
        for (word, symbol, comparison) in Comparison::NAMES {
            assert_eq!((word.parse(), symbol.parse()), (Ok(comparison), Ok(comparison)));
            assert_eq!(comparison.to_string(), word);
        }
        assert_eq!("gtt".parse::<Comparison>(), Err(()));
    }

    #[test]
    fn an_identity_made_of_the_name_never_changes() {
        assert_eq!(default_alarm_id("cpu high"), default_alarm_id("cpu high"));
        assert_ne!(default_alarm_id("cpu high"), default_alarm_id("cpu low"));
    }
}
