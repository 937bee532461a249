//! What Ceilometer's notifier publisher sent to a broker, and our messages of the same records.

use serde_json::Value;
use telemetry::base::Secret;
use telemetry::model::Node;
use telemetry::wire::json::read_node;
use telemetry::wire::meter::{Form, MeterReader, MeterWriter};
use telemetry::wire::oslo::{self, Identity, Message, write_python_json};
use telemetry::wire::signature::{DEFAULT_SECRET, Unverified, Verification};

use crate::golden::rows;
use crate::run::{run, tool};

struct NoFault;

impl telemetry::wire::Faults for NoFault {
    fn fault(&mut self, reason: &'static str, why: &dyn std::fmt::Display) {
        panic!("{reason}: {why}");
    }
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
        let notification = oslo::read(inner.as_bytes()).unwrap();
        assert_eq!(oslo::batch(&notification).unwrap().unwrap(), payload);
        let verification =
            Verification { secret: Secret::new(DEFAULT_SECRET), unverified: Unverified::Reject };
        let mut reader = MeterReader::new(Form::Json, &verification);
        let mut lines = Vec::new();
        for record in payload {
            reader.read_node(record, &mut lines, &mut NoFault);
        }
        let mut maker = MeterWriter::new(&Secret::new(DEFAULT_SECRET), None);
        let records = lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        let signed = records.map(|line| Node::Map(maker.signed(read_node(line).unwrap()).unwrap())).collect();
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
fn what_came_over_the_broker_are_the_lines_that_were_sent() {
    let Some(rows) = rows("wire_amqp.jsonl") else { return };
    let bodies: String = rows.iter().map(|row| format!("{}\n", row["body_text"].as_str().unwrap())).collect();
    let ended = run(tool("listen", &["--emit", "samples,events"]), bodies.as_bytes());
    let lines: Vec<Value> = ended.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let cpu: Vec<&Value> = lines.iter().filter(|line| line["name"] == "cpu").collect();
    assert!(cpu.len() >= 4, "{}\n{}", ended.text(), ended.stderr);
    for sample in cpu {
        assert_eq!(
            (&sample["volume"], &sample["id"]),
            (&1_234_567_890_123i64.into(), &"11111111-2222-11f0-8000-000000000001".into())
        );
        let keys: Vec<&String> = sample.as_object().unwrap().keys().collect();
        assert_eq!(keys[..4], ["name", "type", "unit", "volume"]);
        assert!(sample.get("message_signature").is_none());
    }
    assert!(lines.iter().any(|line| line.get("traits").is_some()), "no event came out");
}
