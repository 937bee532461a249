//! Notifications as oslo.messaging sends them: the envelope, the message in it, and the form that its endpoints get.

use std::borrow::Cow;

use thiserror::Error;

use crate::model::{Node, Notification};
use crate::wire::json::{Slot, ValueKind, read_node, unescape};

/// What the keys of a request's context begin with in a message.
const CONTEXT_PREFIX: &str = "_context_";

/// Why a message is no notification.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum BadNotification {
    /// The message is not JSON, or nested too deep, or holds half a surrogate pair.
    #[error("notification: the message is not readable JSON")]
    NotJson,
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
/// [`BadNotification::NotJson`] for a text that is none.
pub fn open(slot: Slot, line: &[u8], message: &mut Vec<u8>) -> Result<(), BadNotification> {
    message.clear();
    let readable = match slot.kind {
        ValueKind::EscapedText => unescape(slot.bytes(line), message),
        _ => {
            message.extend_from_slice(slot.bytes(line));
            true
        }
    };
    readable.then_some(()).ok_or(BadNotification::NotJson)
}

/// Reads a notification without its envelope.
///
/// Both forms are taken: the message (`event_type`, `publisher_id`, `priority`, `payload`, `timestamp`, `message_id`,
/// `_context_*`), and the one that oslo.messaging hands to its endpoints (`event_type`, `publisher_id`, `ctxt`,
/// `payload`, `metadata`). The publisher may be absent.
///
/// # Errors
/// What is missing.
pub fn read(message: &[u8]) -> Result<Notification<'_>, BadNotification> {
    let entries = match read_node(message).map_err(|_| BadNotification::NotJson)? {
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
            "timestamp" => timestamp = text(value).or(timestamp),
            "ctxt" if matches!(value, Node::Map(_)) => dispatched = Some(value),
            "metadata" => {
                let Node::Map(entries) = value else { continue };
                for (key, value) in entries {
                    match &*key {
                        "message_id" => message_id = message_id.or(text(value)),
                        "timestamp" => timestamp = timestamp.or(text(value)),
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
    fn what_is_no_notification_says_why() {
        for (message, why) in [
            ("{", BadNotification::NotJson),
            (r#"{"event_type":"\ud800","payload":1}"#, BadNotification::NotJson),
            ("[]", BadNotification::NotObject),
            (r#"{"payload":{}}"#, BadNotification::EventType),
            (r#"{"event_type":5,"payload":{}}"#, BadNotification::EventType),
            (r#"{"event_type":"a"}"#, BadNotification::Payload),
        ] {
            assert_eq!(read(message.as_bytes()).unwrap_err(), why, "{message}");
        }
    }
}
