//! What a rehearsal shows, and what the original publishers sent of the same records.

use std::collections::BTreeSet;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use telemetry::sink::{Message, Options, Preview, preview};

use crate::golden::rows;

fn previews(url: &str) -> Box<dyn Preview> {
    preview(url, &Options::default()).unwrap_or_else(|failure| panic!("{url}: {failure}"))
}

fn shown(url: &str, record: &Value) -> Vec<Message> {
    let mut messages = Vec::new();
    previews(url).messages(record.to_string().as_bytes(), &mut messages);
    messages
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

/// The lines behind the empty one that ends the head.
fn body(message: &Message) -> &[Vec<u8>] {
    let head = message.lines.iter().position(Vec::is_empty).unwrap();
    &message.lines[head + 1..]
}

fn from_hexadecimal(digits: &[u8]) -> Vec<u8> {
    digits.chunks(2).map(|pair| u8::from_str_radix(text(pair), 16).unwrap()).collect()
}

#[test]
fn the_datagram_shown_is_the_one_recorded_byte_for_byte() {
    let Some(rows) = rows("wire_udp.jsonl") else { return };
    assert!(!rows.is_empty());
    for row in rows {
        let messages = shown("udp://nobody.invalid:4952", &row["sample"]);
        let recorded = STANDARD.decode(row["datagram_b64"].as_str().unwrap()).unwrap();
        assert_eq!(from_hexadecimal(&messages[0].lines[0]), recorded, "{}", row["sample"]);
        let readable: Value = serde_json::from_slice(&messages[0].lines[1]).unwrap();
        assert_eq!(readable["counter_name"], row["sample"]["name"]);
        assert!(readable["message_signature"].is_string());
    }
}

#[test]
fn the_posts_shown_hold_what_was_posted() {
    let Some(rows) = rows("wire_http.jsonl") else { return };
    let mut compared = 0;
    for row in rows {
        let url = row["url"].as_str().unwrap();
        let mut ours = Vec::new();
        for record in row["input"].as_array().unwrap() {
            for message in shown(url, record).iter().filter(|message| message.title.starts_with(b"POST ")) {
                let path = row["requests"][0]["path"].as_str().unwrap();
                assert!(message.title.ends_with(path.as_bytes()), "{url}: {}", text(&message.title));
                ours.push(serde_json::from_slice::<Value>(&body(message)[0]).unwrap());
            }
        }
        // A record at a time here, all at once there.
        let flat = |bodies: Vec<Value>| -> Vec<Value> {
            let each = bodies.into_iter().map(|body| match body {
                Value::Array(list) => list,
                other => vec![other],
            });
            each.flatten().collect()
        };
        let recorded = row["requests"].as_array().unwrap().iter();
        let mut recorded: Vec<Value> = recorded
            .map(|asked| serde_json::from_str(asked["body_text"].as_str().unwrap()).unwrap())
            .collect();
        recorded.dedup();
        assert_eq!(flat(ours), flat(recorded), "{}", row["note"]);
        compared += 1;
    }
    assert!(compared >= 10);
}

#[test]
fn the_pushes_shown_have_the_paths_and_the_lines_of_those_recorded() {
    let Some(rows) = rows("wire_prometheus.jsonl") else { return };
    assert!(!rows.is_empty());
    for row in rows {
        let url = row["url"].as_str().unwrap();
        let mut ours = BTreeSet::new();
        for record in row["input"].as_array().unwrap() {
            for message in shown(url, record) {
                let path = text(&message.title).split_once("4954").unwrap().1.to_owned();
                ours.extend(body(&message).iter().map(|line| (path.clone(), text(line).to_owned())));
            }
        }
        let mut recorded = BTreeSet::new();
        for asked in row["requests"].as_array().unwrap() {
            let path = asked["path"].as_str().unwrap().to_owned();
            let lines = asked["body_text"].as_str().unwrap().lines();
            recorded.extend(lines.map(|line| (path.clone(), line.to_owned())));
        }
        assert_eq!(ours, recorded, "{url}");
    }
}

#[test]
#[cfg(feature = "amqp")]
fn the_messages_shown_have_the_route_and_the_payload_of_those_recorded() {
    let Some(rows) = rows("wire_amqp.jsonl") else { return };
    let inner = |body: &Value| -> Value {
        body["oslo.message"]
            .as_str()
            .map_or_else(|| body.clone(), |inner| serde_json::from_str(inner).unwrap())
    };
    let mut compared = 0;
    for row in rows {
        let recorded = inner(&serde_json::from_str(row["body_text"].as_str().unwrap()).unwrap());
        let (Some(url), Some(payload)) = (row["publisher_url"].as_str(), recorded["payload"].as_array())
        else {
            continue;
        };
        for record in payload {
            let messages = shown(url, record);
            let ours = inner(&serde_json::from_slice(&body(&messages[0])[0]).unwrap());
            assert_eq!(ours["payload"][0], *record, "{}", row["note"]);
            let route = format!(
                "publish to exchange {}, routing key {}",
                row["exchange"].as_str().unwrap(),
                row["routing_key"].as_str().unwrap()
            );
            assert_eq!(text(&messages[0].title), route, "{}", row["note"]);
            compared += 1;
        }
    }
    assert!(compared > 0);
}
