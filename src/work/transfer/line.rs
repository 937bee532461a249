//! The form of an export: one JSON object a line, each with one key, which says what it is.

use std::collections::BTreeMap;
use std::num::NonZeroU64;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use serde_json::{Map, Value};
use uuid::Uuid;

use super::number::{Number, Seconds};
use crate::model::Timestamp;
use crate::series::{ArchivePolicy, Definition};

/// One line.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Line {
    /// The first one.
    TelemetryStore {
        /// [`FORMAT`](super::FORMAT)
        format: u32,
    },
    /// An archive policy.
    ArchivePolicy(PolicyLine),
    /// A rule that chooses an archive policy.
    ArchivePolicyRule(RuleLine),
    /// A resource type, in Gnocchi's form.
    ResourceType(Value),
    /// A resource, in Gnocchi's form, as it is or was: its states follow each other, the oldest first.
    Resource(Map<String, Value>),
    /// A metric, behind its resource.
    Metric(MetricLine),
    /// What is known of a metric's points; the lines with its spans and points follow.
    Measures(MeasuresLine),
    /// Spans that can change no more.
    Spans(SpansLine),
    /// Points of spans that can still change.
    Points(PointsLine),
    /// The last one.
    End {
        /// How many lines there are before it.
        lines: u64,
    },
}

/// A uuid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Id(pub(super) Uuid);

impl Serialize for Id {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Id {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Id, D::Error> {
        let text = String::deserialize(deserializer)?;
        Uuid::try_parse(&text).map(Id).map_err(de::Error::custom)
    }
}

/// An archive policy.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct PolicyLine {
    name: String,
    back_window: u32,
    aggregation_methods: Vec<String>,
    definition: Vec<DefinitionForm>,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct DefinitionForm {
    granularity: Seconds,
    points: Option<NonZeroU64>,
}

impl PolicyLine {
    pub(super) fn of(policy: &ArchivePolicy) -> PolicyLine {
        let form =
            |one: &Definition| DefinitionForm { granularity: Seconds(one.granularity), points: one.points };
        PolicyLine {
            name: policy.name().to_owned(),
            back_window: policy.back_window(),
            aggregation_methods: policy.methods().iter().map(ToString::to_string).collect(),
            definition: policy.definition().iter().map(form).collect(),
        }
    }

    /// The policy that it says.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub(super) fn policy(self) -> Result<ArchivePolicy, String> {
        let methods = self.aggregation_methods.iter().map(|word| word.parse());
        let methods = methods.collect::<Result<_, _>>();
        let methods = methods.map_err(|error: crate::series::BadMethod| error.to_string())?;
        let definition = self
            .definition
            .iter()
            .map(|one| Definition { granularity: one.granularity.0, points: one.points });
        ArchivePolicy::new(self.name, self.back_window, methods, definition.collect())
            .map_err(|error| error.to_string())
    }
}

/// An archive policy rule.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct RuleLine {
    pub(super) name: String,
    pub(super) metric_pattern: String,
    pub(super) archive_policy_name: String,
}

/// A metric.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct MetricLine {
    pub(super) id: Id,
    pub(super) name: Option<String>,
    pub(super) unit: Option<String>,
    pub(super) archive_policy_name: String,
    pub(super) creator: Option<String>,
    pub(super) resource_id: Option<Id>,
}

/// What is known of a metric's points.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct MeasuresLine {
    pub(super) metric: Id,
    /// The newest point.
    pub(super) newest: Option<Timestamp>,
    /// Older points come late; null when none does.
    pub(super) floor: Option<Timestamp>,
    /// How many points were taken, how many of them took another's place, how many were late.
    pub(super) taken: u64,
    pub(super) replaced: u64,
    pub(super) late: u64,
}

/// Some spans of one metric and granularity, ascending.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct SpansLine {
    pub(super) metric: Id,
    pub(super) granularity: Seconds,
    /// Where they start.
    pub(super) timestamps: Vec<Timestamp>,
    /// By method, a value for each; null where there is none. A mean that follows from sum and count is not here.
    pub(super) aggregates: BTreeMap<String, Vec<Number>>,
}

/// Some points of one metric, ascending.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct PointsLine {
    pub(super) metric: Id,
    pub(super) points: Vec<(Timestamp, Number)>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::series::{ceilometer_policies, gnocchi_policies};

    #[test]
    fn policies_read_back_as_they_were() {
        for policy in gnocchi_policies().into_iter().chain(ceilometer_policies()) {
            let text = serde_json::to_string(&Line::ArchivePolicy(PolicyLine::of(&policy))).unwrap();
            let Line::ArchivePolicy(line) = serde_json::from_str(&text).unwrap() else { panic!("{text}") };
            assert_eq!(line.policy(), Ok(policy));
        }
    }

    #[test]
    fn a_line_says_what_it_is() {
        let text = r#"{"archive_policy":{"name":"a","back_window":1,"aggregation_methods":["rate:mean"],"definition":[{"granularity":0.5,"points":null}]}}"#;
        let line: Line = serde_json::from_str(text).unwrap();
        assert_eq!(serde_json::to_string(&line).unwrap(), text);
        for wrong in ["{}", "[]", r#"{"archive_policy":{"name":"a"}}"#, r#"{"alarm":{}}"#] {
            assert!(serde_json::from_str::<Line>(wrong).is_err(), "{wrong}");
        }
    }
}
