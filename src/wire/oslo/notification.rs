//! Notifications as oslo.messaging sends them: the envelope, the message in it, and the form that its endpoints get.

use std::borrow::Cow;

use thiserror::Error;

use crate::model::{Node, Notification, Timestamp};
use crate::wire::json::{Slot, ValueKind, read_node, unescape};

/// What the keys of a request's context begin with in a message.
const CONTEXT_PREFIX: &str = "_context_";

/// Why a message is no notification.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum BadNotification {
    /// The message is not JSON, or nested too deep.
    #[error("notification: the message is not readable JSON: {why} at its column {column}")]
    NotJson {
        /// What is wrong there.
        why: &'static str,
        /// The byte of the message, from 1.
        column: usize,
    },
    /// The text that the message is in holds half a surrogate pair.
    #[error("notification: the message is not readable: a text of half characters")]
    HalfCharacters,
    /// The message is not an object.
    #[error("notification: the message is not an object")]
    NotObject,
    /// There is no `event_type`, or it is no text.
    #[error("notification without event_type")]
    EventType,
    /// There is no `payload`.
    #[error("notification without payload")]
    Payload,
}

/// Writes the text of `oslo.message` into `message`, which is then read by [`read`]; `slot` is where it stands in
/// `line`.
///
/// # Errors
/// [`BadNotification::HalfCharacters`] for a text that is none.
pub fn open(slot: Slot, line: &[u8], message: &mut Vec<u8>) -> Result<(), BadNotification> {
    message.clear();
    let readable = match slot.kind {
        ValueKind::EscapedText => unescape(slot.bytes(line), message),
        _ => {
            message.extend_from_slice(slot.bytes(line));
            true
        }
    };
    readable.then_some(()).ok_or(BadNotification::HalfCharacters)
}

/// Reads a notification without its envelope.
///
/// Both forms are taken: the message (`event_type`, `publisher_id`, `priority`, `payload`, `timestamp`, `message_id`,
/// `_context_*`), and the one that oslo.messaging hands to its endpoints (`event_type`, `publisher_id`, `ctxt`,
/// `payload`, `metadata`). The publisher may be absent. A timestamp that is a number is seconds since 1970.
///
/// # Errors
/// What is missing.
pub fn read(message: &[u8]) -> Result<Notification<'_>, BadNotification> {
    let entries = match read_node(message).map_err(|error| not_json(message, &error))? {
        Node::Map(entries) => entries,
        _ => return Err(BadNotification::NotObject),
    };
    let (mut event_type, mut publisher_id, mut priority) = (None, None, None);
    let (mut payload, mut message_id, mut timestamp) = (None, None, None);
    let (mut context, mut dispatched) = (Vec::new(), None);
    for (key, value) in entries {
        match &*key {
            "event_type" => event_type = text(value),
            "publisher_id" => publisher_id = text(value),
            "priority" => priority = text(value),
            "payload" => payload = Some(value),
            "message_id" => message_id = text(value).or(message_id),
            "timestamp" => timestamp = moment(value).or(timestamp),
            "ctxt" if matches!(value, Node::Map(_)) => dispatched = Some(value),
            "metadata" => {
                let Node::Map(entries) = value else { continue };
                for (key, value) in entries {
                    match &*key {
                        "message_id" => message_id = message_id.or(text(value)),
                        "timestamp" => timestamp = timestamp.or(moment(value)),
                        _ => {}
                    }
                }
            }
            _ => {
                let bare = match key {
                    Cow::Borrowed(key) => key.strip_prefix(CONTEXT_PREFIX).map(Cow::Borrowed),
                    Cow::Owned(key) => key.strip_prefix(CONTEXT_PREFIX).map(|bare| bare.to_owned().into()),
                };
                context.extend(bare.map(|bare| (bare, value)));
            }
        }
    }
    Ok(Notification {
        event_type: event_type.ok_or(BadNotification::EventType)?,
        publisher_id: publisher_id.unwrap_or_default(),
        priority: priority.map(lower_case),
        payload: payload.ok_or(BadNotification::Payload)?,
        context: dispatched.unwrap_or(Node::Map(context)),
        message_id,
        timestamp,
    })
}

fn text(value: Node<'_>) -> Option<Cow<'_, str>> {
    match value {
        Node::Text(text) => Some(text),
        _ => None,
    }
}

/// A timestamp as text: a number is seconds since 1970, and one that is none of any year is shown as it is.
fn moment(value: Node<'_>) -> Option<Cow<'_, str>> {
    let Some(seconds) = value.as_f64() else { return text(value) };
    let shown = Timestamp::from_seconds(seconds).map_or_else(|_| seconds.to_string(), |at| at.to_string());
    Some(shown.into())
}

/// What is wrong with a message, in the words of its reader's limits.
fn not_json(message: &[u8], error: &serde_json::Error) -> BadNotification {
    let before: usize = message
        .split_inclusive(|byte| *byte == b'\n')
        .take(error.line().saturating_sub(1))
        .map(<[u8]>::len)
        .sum();
    let said = error.to_string();
    let why = match () {
        () if error.is_eof() => "it ends too early",
        () if said.starts_with("recursion limit") => "nested deeper than 127",
        () if said.starts_with("number out of range") => "a number over the range",
        () if said.contains("surrogate") || said.contains("hex escape") => "a text of half characters",
        () => "not expected",
    };
    BadNotification::NotJson { why, column: before + error.column() }
}

fn lower_case(priority: Cow<'_, str>) -> Cow<'_, str> {
    match priority.bytes().any(|byte| byte.is_ascii_uppercase()) {
        true => Cow::Owned(priority.to_ascii_lowercase()),
        false => priority,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::json::{Keys, Scanner};

    const MESSAGE: &str = r#"{"message_id":"m","publisher_id":"s.h","event_type":"a.b","priority":"INFO","payload":{"x":"\u00e9"},"timestamp":"t","_context_user_id":"u","_unique_id":"q"}"#;

    #[test]
    fn all_forms_are_the_same_notification() {
        let envelope = serde_json::json!({"oslo.version": "2.0", "oslo.message": MESSAGE}).to_string();
        let mut scanner = Scanner::new(Keys::new(&["oslo.message"]).unwrap());
        scanner.scan(format!("{envelope}\n").as_bytes()).unwrap();
        let mut message = Vec::new();
        open(scanner.slot(0), envelope.as_bytes(), &mut message).unwrap();
        let plain = read(MESSAGE.as_bytes()).unwrap();
        assert_eq!(read(&message).unwrap(), plain);
        assert_eq!(plain.priority.as_deref(), Some("info"));
        assert_eq!(plain.context, Node::Map(vec![("user_id".into(), Node::from("u"))]));
        let dispatched = r#"{"event_type":"a.b","publisher_id":"s.h","ctxt":{"user_id":"u"},"payload":{"x":"é"},"metadata":{"message_id":"m","timestamp":"t"}}"#;
        assert_eq!(read(dispatched.as_bytes()).unwrap(), Notification { priority: None, ..plain });
    }

    #[test]
    fn a_timestamp_may_be_a_number_of_seconds() {
        for (timestamp, text) in [
            ("1700000000", Some("2023-11-14T22:13:20Z")),
            ("1700000000.5", Some("2023-11-14T22:13:20.5Z")),
            ("1e300", Some("1e300")),
            ("null", None),
            ("[1]", None),
        ] {
            let message = format!(r#"{{"event_type":"a","payload":1,"timestamp":{timestamp}}}"#);
            let notification = read(message.as_bytes()).unwrap();
            match text {
                Some("1e300") => assert_eq!(notification.timestamp.unwrap().len(), 301),
                _ => assert_eq!(notification.timestamp.as_deref(), text, "{timestamp}"),
            }
            let message =
                format!(r#"{{"event_type":"a","payload":1,"metadata":{{"timestamp":{timestamp}}}}}"#);
            assert_eq!(read(message.as_bytes()).unwrap().timestamp.is_some(), text.is_some(), "{timestamp}");
        }
    }

    #[test]
    fn what_is_no_notification_says_why() {
        let deep = "[".repeat(200);
        for (message, why) in [
            ("{", BadNotification::NotJson { why: "it ends too early", column: 1 }),
            ("{\n!", BadNotification::NotJson { why: "not expected", column: 3 }),
            (r#"{"a":1e999}"#, BadNotification::NotJson { why: "a number over the range", column: 10 }),
            (&deep, BadNotification::NotJson { why: "nested deeper than 127", column: 128 }),
            ("[]", BadNotification::NotObject),
            (r#"{"payload":{}}"#, BadNotification::EventType),
            (r#"{"event_type":5,"payload":{}}"#, BadNotification::EventType),
            (r#"{"event_type":"a"}"#, BadNotification::Payload),
        ] {
            assert_eq!(read(message.as_bytes()).unwrap_err(), why, "{message}");
        }
    }
}
