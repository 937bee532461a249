//! What paths are applied to: a notification in the form that Ceilometer's definitions know.

use std::cell::OnceCell;

use crate::model::{Node, Notification};

/// A notification with the keys `event_type`, `publisher_id`, `ctxt`, `payload` and `metadata`, the last with
/// `message_id` and `timestamp`; or any other value.
pub struct Subject<'n> {
    top: Top<'n>,
    /// Made of the parts when a path asks for all of it, which few do.
    whole: OnceCell<Node<'n>>,
}

enum Top<'n> {
    Notification { notification: &'n Notification<'n>, texts: [Node<'n>; 2], metadata: Node<'n> },
    Node(&'n Node<'n>),
}

impl<'n> Subject<'n> {
    /// The keys at the top of a notification.
    pub const KEYS: [&'static str; 5] = ["event_type", "publisher_id", "ctxt", "payload", "metadata"];

    /// The notification.
    pub fn new(notification: &'n Notification<'n>) -> Subject<'n> {
        let text = |text: &'n Option<_>| text.as_deref().map_or(Node::Null, |text: &str| Node::from(text));
        let metadata = Node::Map(vec![
            ("message_id".into(), text(&notification.message_id)),
            ("timestamp".into(), text(&notification.timestamp)),
        ]);
        let texts = [Node::from(&*notification.event_type), Node::from(&*notification.publisher_id)];
        Subject { top: Top::Notification { notification, texts, metadata }, whole: OnceCell::new() }
    }

    /// Any value.
    pub fn of(node: &'n Node<'n>) -> Subject<'n> {
        Subject { top: Top::Node(node), whole: OnceCell::new() }
    }

    /// The value of a key at the top.
    pub fn field(&self, name: &str) -> Option<&Node<'n>> {
        match &self.top {
            Top::Notification { notification, texts, metadata } => match name {
                "payload" => Some(&notification.payload),
                "ctxt" => Some(&notification.context),
                "event_type" => Some(&texts[0]),
                "publisher_id" => Some(&texts[1]),
                "metadata" => Some(metadata),
                _ => None,
            },
            Top::Node(node) => node.get(name),
        }
    }

    /// All of it as one value.
    pub fn whole(&self) -> &Node<'n> {
        match &self.top {
            Top::Notification { notification, texts, metadata } => self.whole.get_or_init(|| {
                let [event_type, publisher_id] = texts.clone();
                Node::Map(vec![
                    ("event_type".into(), event_type),
                    ("publisher_id".into(), publisher_id),
                    ("ctxt".into(), notification.context.clone()),
                    ("payload".into(), notification.payload.clone()),
                    ("metadata".into(), metadata.clone()),
                ])
            }),
            Top::Node(node) => node,
        }
    }
}
