//! A message of Ceilometer's notifier publisher.

use super::python_json::write_ascii_text;
use crate::model::Timestamp;

/// What makes a message different from every other one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// A random UUID with hyphens.
    pub message_id: String,
    /// A random UUID without.
    pub unique_id: String,
    /// When it is sent, as [`timestamp`] writes it.
    pub timestamp: String,
}

/// A message with priority SAMPLE.
#[derive(Clone, Copy, Debug)]
pub struct Message<'a> {
    /// `metering`, `metering.cpu` or `event`.
    pub event_type: &'a str,
    /// `telemetry.publisher.HOST`.
    pub publisher_id: &'a str,
    /// The records, a JSON list.
    pub payload: &'a str,
    /// What is its own.
    pub identity: &'a Identity,
    /// Whether it is put in the envelope, as the driver `messagingv2` does; `messaging` does not.
    pub enveloped: bool,
}

impl Message<'_> {
    /// Its bytes, as Python's `json.dumps` writes them (Ceilometer 27.0.0 with oslo.messaging 18.3.1).
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut inner = Vec::with_capacity(self.payload.len() + 512);
        let field = |name: &str, value: &str, inner: &mut Vec<u8>| {
            inner.extend(if inner.is_empty() { &b"{"[..] } else { b", " });
            write_ascii_text(name, inner);
            inner.extend(b": ");
            write_ascii_text(value, inner);
        };
        field("message_id", &self.identity.message_id, &mut inner);
        field("publisher_id", self.publisher_id, &mut inner);
        field("event_type", self.event_type, &mut inner);
        field("priority", "SAMPLE", &mut inner);
        inner.extend(b", \"payload\": ");
        inner.extend_from_slice(self.payload.as_bytes());
        field("timestamp", &self.identity.timestamp, &mut inner);
        field("_unique_id", &self.identity.unique_id, &mut inner);
        inner.push(b'}');
        if !self.enveloped {
            return inner;
        }
        let mut bytes = b"{\"oslo.version\": \"2.0\", \"oslo.message\": ".to_vec();
        // Everything in it is ASCII already.
        write_ascii_text(&String::from_utf8_lossy(&inner), &mut bytes);
        bytes.push(b'}');
        bytes
    }
}

/// `2026-11-22 07:45:09.466657`: what Python's `str` makes of a datetime in UTC. Without a fraction there is none.
pub fn timestamp(at: Timestamp) -> String {
    let mut text = Vec::with_capacity(32);
    at.write(&mut text);
    let text = String::from_utf8(text).unwrap_or_default().replace('T', " ").replace('Z', "");
    match text.split_once('.') {
        Some((seconds, fraction)) => format!("{seconds}.{fraction:0<6.6}"),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_written_as_python_prints_it() {
        for (text, expected) in [
            ("2026-11-22T07:45:09.466657999Z", "2026-11-22 07:45:09.466657"),
            ("2026-11-22T07:45:09.5Z", "2026-11-22 07:45:09.500000"),
            ("2026-11-22T07:45:09Z", "2026-11-22 07:45:09"),
        ] {
            assert_eq!(timestamp(Timestamp::parse(text.as_bytes()).unwrap()), expected);
        }
    }

    #[test]
    fn a_message_may_go_without_its_envelope() {
        let identity = Identity { message_id: "m".into(), unique_id: "u".into(), timestamp: "t".into() };
        let bare = Message {
            event_type: "metering",
            publisher_id: "p",
            payload: "[{}]",
            identity: &identity,
            enveloped: false,
        };
        let text = r#"{"message_id": "m", "publisher_id": "p", "event_type": "metering", "priority": "SAMPLE", "payload": [{}], "timestamp": "t", "_unique_id": "u"}"#;
        assert_eq!(bare.to_bytes(), text.as_bytes());
        let wrapped = Message { enveloped: true, ..bare }.to_bytes();
        let envelope: serde_json::Value = serde_json::from_slice(&wrapped).unwrap();
        assert_eq!((&envelope["oslo.version"], &envelope["oslo.message"]), (&"2.0".into(), &text.into()));
    }
}
