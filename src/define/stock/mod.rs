//! The definitions that hold unless a user gives others: which meters and which traits the services' notifications have.
//!
//! Both are texts in the format of Ceilometer's `meters.yaml` and `event_definitions.yaml`, and an example of it.
//! They were written from what Ceilometer 27.0.0 answered to notifications, one trait and one field at a time.

/// Meters, as a `meters.yaml`.
pub const METERS: &str = include_str!("meters.yaml");

/// Traits of events, as an `event_definitions.yaml`.
pub const EVENT_DEFINITIONS: &str = include_str!("event_definitions.yaml");

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::Value;

    use super::*;

    fn parsed(text: &str) -> Value {
        serde_saphyr::from_str(text).unwrap()
    }

    #[test]
    fn every_meter_says_what_a_sample_needs_and_no_two_have_a_name() {
        let file = parsed(METERS);
        let meters = file["metric"].as_array().unwrap();
        let mut names = BTreeSet::new();
        for meter in meters {
            let name = meter["name"].as_str().unwrap();
            assert!(names.insert(name), "{name} stands twice");
            for key in ["event_type", "type", "unit", "volume", "resource_id"] {
                assert!(!meter[key].is_null(), "{name} has no {key}");
            }
            assert!(["gauge", "delta", "cumulative"].contains(&meter["type"].as_str().unwrap()), "{name}");
            let keys: Vec<&String> = meter.as_object().unwrap().keys().collect();
            assert!(
                keys.iter().all(|key| [
                    "name",
                    "event_type",
                    "type",
                    "unit",
                    "volume",
                    "resource_id",
                    "user_id",
                    "project_id",
                    "timestamp",
                    "metadata",
                    "user_metadata",
                    "lookup"
                ]
                .contains(&key.as_str())),
                "{name}: {keys:?}"
            );
        }
        assert_eq!(names.len(), 38);
    }

    #[test]
    fn the_page_of_definitions_names_every_meter() {
        let page = include_str!("../../../docs/definitions.md");
        for meter in parsed(METERS)["metric"].as_array().unwrap() {
            let name = meter["name"].as_str().unwrap();
            // The names that are expressions stand there as the names that they give.
            assert!(name.starts_with('$') || page.contains(&format!("`{name}`")), "{name}");
        }
    }

    #[test]
    fn every_trait_says_where_it_comes_from() {
        let file = parsed(EVENT_DEFINITIONS);
        let definitions = file.as_array().unwrap();
        for definition in definitions {
            let event_type = &definition["event_type"];
            assert!(!event_type.is_null(), "{definition}");
            for (name, trait_) in definition["traits"].as_object().unwrap() {
                assert!(!trait_["fields"].is_null(), "{name} of {event_type}");
                let of_type = trait_["type"].as_str().unwrap_or("text");
                assert!(["text", "int", "float", "datetime"].contains(&of_type), "{name} of {event_type}");
            }
        }
        assert_eq!(definitions.len(), 42);
    }
}
