//! Notifications for which Ceilometer 27.0.0 has an endpoint of its own, and the samples it made of them.

use std::fs;
use std::path::PathBuf;

use serde_json::{Value, json};
use telemetry::define::endpoint::{self, Malformed};
use telemetry::model::{Node, Notification};

use crate::run::skipped;

fn notification(text: &str) -> Notification<'_> {
    let row: Node<'_> = serde_json::from_str(text).unwrap();
    let body = row.get("notification").unwrap();
    let metadata = |key: &str| body.get("metadata").and_then(|all| all.get(key)).and_then(Node::as_text);
    let owned = |text: &str| -> String { text.to_owned() };
    Notification {
        event_type: body.get("event_type").and_then(Node::as_text).map(owned).unwrap().into(),
        publisher_id: body.get("publisher_id").and_then(Node::as_text).map(owned).unwrap().into(),
        priority: None,
        payload: body.get("payload").cloned().unwrap_or_default(),
        context: body.get("ctxt").cloned().unwrap_or_default(),
        message_id: metadata("message_id").map(|text| owned(text).into()),
        timestamp: metadata("timestamp").map(|text| owned(text).into()),
    }
}

/// What our endpoints make of it, in the form of the recorded rows, and what they complain of.
fn ours(notification: &Notification<'_>) -> (Vec<Value>, Vec<Malformed>) {
    let (mut samples, mut malformed) = (Vec::new(), Vec::new());
    endpoint::samples(notification, &mut |made| match made {
        Ok(made) => samples.push(json!({
            "name": made.name, "type": made.sample_type, "unit": made.unit, "volume": made.volume,
            "user_id": made.user_id, "user_name": null, "project_id": made.project_id, "project_name": null,
            "resource_id": made.resource_id, "timestamp": made.timestamp, "resource_metadata": made.metadata,
            "source": "openstack", "id": "*", "monotonic_time": null,
        })),
        Err(reason) => malformed.push(reason),
    });
    (samples, malformed)
}

#[test]
fn endpoints_make_the_recorded_samples() {
    let Some(shared) = std::env::var_os("TELEMETRY_SHARED") else {
        return skipped("notification_samples.jsonl: TELEMETRY_SHARED is not set");
    };
    let path = PathBuf::from(shared).join("golden/notification_samples.jsonl");
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let (mut made, mut raised) = (0, 0);
    for line in text.lines() {
        let row: Value = serde_json::from_str(line).unwrap();
        let told = row["samples"].as_array().unwrap();
        let expected: Vec<&Value> = told
            .iter()
            .filter(|one| one["endpoint"] != "meter" && one["error"].is_null())
            .map(|one| &one["sample"])
            .collect();
        let notification = notification(line);
        let (samples, malformed) = ours(&notification);
        let event_type = &*notification.event_type;
        assert_eq!(samples.iter().collect::<Vec<_>>(), expected, "{event_type}");
        made += samples.len();
        // Where the original raises, we say why.
        if told.iter().any(|one| one["error"].is_string()) {
            assert_eq!(malformed, [Malformed::Timestamp("20260301102030".to_owned())], "{event_type}");
            raised += 1;
        }
        if !event_type.starts_with("http.") && !event_type.starts_with("hardware.ipmi") {
            assert_eq!(malformed, [], "{event_type}");
        }
    }
    assert!(made >= 8 && raised == 1, "{made} {raised}");
}
