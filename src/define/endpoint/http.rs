//! Requests to an API, told by the notifier of oslo.middleware: one sample a request, one a response.

use std::borrow::Cow;

use super::{Malformed, Taker, isoformat, set};
use crate::define::MadeSample;
use crate::model::{Node, Notification, SampleType};

/// One sample of volume 1, of the user, the project and the service in the headers of the request.
///
/// The metadata are the whole payload, `event_type` and `host`.
pub(super) fn sample<'a>(
    notification: &'a Notification<'a>,
    name: &'static str,
    unit: &'static str,
    take: Taker<'_, 'a>,
) {
    let request = notification.payload.get("request");
    let (Node::Map(payload), Some(request @ Node::Map(_))) = (&notification.payload, request) else {
        return take(Err(Malformed::Request));
    };
    let timestamp = match isoformat(notification.timestamp.as_deref()) {
        Ok(timestamp) => timestamp,
        Err(malformed) => return take(Err(malformed)),
    };
    let header = |name: &str| request.get(name).cloned().unwrap_or_default();
    let mut metadata = payload.clone();
    set(&mut metadata, "event_type", Node::from(&*notification.event_type));
    set(&mut metadata, "host", Node::from(&*notification.publisher_id));
    take(Ok(MadeSample {
        name: Cow::Borrowed(name),
        sample_type: SampleType::Delta,
        unit: Cow::Borrowed(unit),
        volume: Node::Integer(1),
        user_id: header("HTTP_X_USER_ID"),
        project_id: header("HTTP_X_PROJECT_ID"),
        resource_id: header("HTTP_X_SERVICE_NAME"),
        timestamp: Cow::Owned(timestamp),
        metadata: Node::Map(metadata),
        sent: None,
    }));
}
