//! The samples and events that Ceilometer's notifier publisher packs into notifications (27.0.0).

use thiserror::Error;

use crate::model::{Node, Notification};

/// A notification that says that it holds records, and does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("a notification {0} whose payload is no list of records")]
pub struct NoList(&'static str);

/// The records in a notification of event type `metering`, `metering.METER` (per_meter_topic) or `event`; none for every
/// other, of which a definition may make something.
///
/// # Errors
/// [`NoList`] when its payload is something else.
pub fn batch<'n, 'a>(notification: &'n Notification<'a>) -> Option<Result<&'n [Node<'a>], NoList>> {
    let kind = match &*notification.event_type {
        "event" => "event",
        other if other == "metering" || other.starts_with("metering.") => "metering",
        _ => return None,
    };
    Some(match &notification.payload {
        Node::List(records) => Ok(records),
        _ => Err(NoList(kind)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::oslo::read;

    #[test]
    fn lists_are_told_apart_from_notifications_and_from_what_is_broken() {
        let count = |text: &str| {
            let notification = read(text.as_bytes()).unwrap();
            batch(&notification).map(|found| found.map(<[_]>::len))
        };
        assert_eq!(count(r#"{"event_type":"metering","payload":[{},{}]}"#), Some(Ok(2)));
        assert_eq!(count(r#"{"event_type":"metering.cpu","payload":[{}]}"#), Some(Ok(1)));
        assert_eq!(count(r#"{"event_type":"event","payload":[]}"#), Some(Ok(0)));
        assert_eq!(count(r#"{"event_type":"event","payload":{}}"#), Some(Err(NoList("event"))));
        assert_eq!(count(r#"{"event_type":"event.x","payload":[]}"#), None);
    }
}
