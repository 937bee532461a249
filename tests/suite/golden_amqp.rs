//! What Ceilometer's notifier publisher sent to a broker, and our messages of the same records.

use std::fs;
use std::path::PathBuf;

use serde_json::Value;
use telemetry::base::Secret;
use telemetry::model::Node;
use telemetry::wire::json::{read_node, write_node};
use telemetry::wire::oslo::{Form, Identity, Message, MeterForm, append_batch, write_python_json};
use telemetry::wire::signature::DEFAULT_SECRET;

use crate::run::skipped;

fn rows(name: &str) -> Option<Vec<Value>> {
    let Some(shared) = std::env::var_os("TELEMETRY_SHARED") else {
        skipped(&format!("{name}: TELEMETRY_SHARED is not set"));
        return None;
    };
    let path = PathBuf::from(shared).join("golden").join(name);
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    // A few rows hold what no JSON line of ours can, as NaN.
    Some(text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect())
}

/// The message inside of the envelope, if it has one.
fn inner(body: &str) -> String {
    let envelope: Value = serde_json::from_str(body).unwrap();
    envelope["oslo.message"].as_str().unwrap_or(body).to_owned()
}

#[test]
fn our_messages_are_those_of_the_original_byte_for_byte() {
    let Some(rows) = rows("wire_amqp.jsonl") else { return };
    let mut compared = 0;
    for row in rows {
        let body = row["body_text"].as_str().unwrap();
        let inner = inner(body);
        let node = read_node(inner.as_bytes()).unwrap();
        let text = |key: &str| node.get(key).and_then(Node::as_text).unwrap().to_owned();
        // Services and the polling agent have payloads of their own: those pass unchanged.
        let Some(Node::List(payload)) = node.get("payload") else { continue };
        // The lines that were published, made of what was sent, which is what is tried here too.
        let mut lines = Vec::new();
        assert_eq!(append_batch(&node, &mut lines), Ok((payload.len(), payload.len())));
        let form = if row["kind"] == "event" { Form::Event } else { Form::Sample };
        let mut maker = MeterForm::new(&Secret::new(DEFAULT_SECRET));
        let records = lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        let signed = records.map(|line| maker.signed(read_node(line).unwrap(), form).unwrap()).collect();
        let mut ours = Vec::new();
        write_python_json(&Node::List(signed), &mut ours);
        let identity = Identity {
            message_id: text("message_id"),
            unique_id: text("_unique_id"),
            timestamp: text("timestamp"),
        };
        let message = Message {
            event_type: &text("event_type"),
            publisher_id: "telemetry.publisher.golden-host",
            payload: std::str::from_utf8(&ours).unwrap(),
            identity: &identity,
            enveloped: true,
        };
        assert_eq!(String::from_utf8(message.to_bytes()).unwrap(), body, "{}", row["note"]);
        compared += 1;
    }
    assert!(compared >= 7, "{compared}");
}

#[test]
fn samples_in_a_pollers_notification_are_the_lines_that_were_polled() {
    let Some(rows) = rows("wire_amqp.jsonl") else { return };
    let polling = rows.iter().find(|row| row["note"] == "what ceilometer-polling sends").unwrap();
    let inner = inner(polling["body_text"].as_str().unwrap());
    let mut lines = Vec::new();
    append_batch(&read_node(inner.as_bytes()).unwrap(), &mut lines).unwrap();
    let lines: Vec<Value> =
        lines.split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice(line).ok()).collect();
    assert_eq!(
        (lines.len(), &lines[0]["name"], &lines[0]["volume"]),
        (2, &"cpu".into(), &1_234_567_890_123i64.into())
    );
    assert_eq!(lines[0]["id"], "11111111-2222-11f0-8000-000000000001");
    let keys: Vec<&String> = lines[1].as_object().unwrap().keys().collect();
    assert_eq!(keys[..4], ["name", "type", "unit", "volume"]);
    assert!(lines[1].get("message_signature").is_none() && lines[1]["monotonic_time"].is_null());
}

#[test]
fn records_are_signed_as_the_original_signs_them() {
    let Some(rows) = rows("models_signatures.jsonl") else { return };
    let mut compared = 0;
    for row in &rows {
        // `serialize` is an event as a line has it.
        let record = row.get("serialize").or(row.get("as_dict"));
        let (Some(record), Some(message)) = (record, row.get("message")) else { continue };
        let form = if row["kind"] == "event" { Form::Event } else { Form::Sample };
        let text = record.to_string();
        let mut maker = MeterForm::new(&Secret::new(row["secret"].as_str().unwrap_or_default()));
        let mut ours = Vec::new();
        write_node(&maker.signed(read_node(text.as_bytes()).unwrap(), form).unwrap(), &mut ours);
        let ours: Value = serde_json::from_slice(&ours).unwrap();
        assert_eq!(ours["message_signature"], message["message_signature"], "{}", row["note"]);
        compared += 1;
    }
    assert!(compared > 10, "{compared}");
}
