//! A notification: what an OpenStack service says happened, before a definition makes samples or an event of it.

use std::borrow::Cow;

use super::Node;

/// One notification, borrowed from its message.
///
/// The three forms that travel (the oslo envelope, the message in it, the form that oslo.messaging hands to its
/// endpoints) are one here.
#[derive(Clone, Debug, PartialEq)]
pub struct Notification<'a> {
    /// What happened, `compute.instance.create.end`.
    pub event_type: Cow<'a, str>,
    /// Who says so, `compute.host-1`.
    pub publisher_id: Cow<'a, str>,
    /// How urgent, in lower case as in `notifications.info`; none in the dispatched form.
    pub priority: Option<Cow<'a, str>>,
    /// What is known of it.
    pub payload: Node<'a>,
    /// The request's context, its keys without `_context_`; a map.
    pub context: Node<'a>,
    /// The identity that the sender gave it.
    pub message_id: Option<Cow<'a, str>>,
    /// When, in the sender's words.
    pub timestamp: Option<Cow<'a, str>>,
}
