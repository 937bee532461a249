//! What a broker says by itself, as values in one queue.

use amqprs::callbacks::{ChannelCallback, ConnectionCallback};
use amqprs::channel::Channel;
use amqprs::connection::Connection;
use amqprs::{Ack, BasicProperties, Cancel, Close, CloseChannel, Nack, Return};
use async_trait::async_trait;
use tokio::sync::mpsc::UnboundedSender;

/// Something that the broker said and nobody asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// It closes the connection, and why.
    ConnectionClosed(String),
    /// It takes no messages for the moment (memory, disk), and why.
    Blocked(String),
    /// It takes messages again.
    Unblocked,
    /// It closed a channel: what was asked for last is not possible.
    ChannelClosed {
        /// The channel.
        channel: u16,
        /// 403 refused, 404 not found, 405 locked, 406 of another kind.
        code: u16,
        /// In the broker's words.
        why: String,
    },
    /// It ended a consumer, as when the queue is deleted.
    Cancelled {
        /// The consumer's channel.
        channel: u16,
    },
    /// It took responsibility for messages that were published (a confirm).
    Confirmed {
        /// The number of the message on its channel, counted from 1.
        tag: u64,
        /// Whether all before it are meant too.
        multiple: bool,
    },
    /// It could not take messages.
    Refused {
        /// As in [`Event::Confirmed`].
        tag: u64,
        /// As in [`Event::Confirmed`].
        multiple: bool,
    },
    /// No queue takes a message: it comes back, and is confirmed right behind.
    Returned {
        /// In the broker's words.
        why: String,
        /// The message.
        body: Vec<u8>,
    },
}

/// Puts what one connection, or one of its channels, is told into a queue.
///
/// The queue needs no limit: behind it are at most as many confirms and returns as there are messages under way.
#[derive(Clone)]
pub struct Told(pub UnboundedSender<Event>);

impl Told {
    fn tell(&self, event: Event) {
        // Who does not listen any more has given the connection up.
        let _ = self.0.send(event);
    }
}

type Answer<T> = Result<T, amqprs::error::Error>;

#[async_trait]
impl ConnectionCallback for Told {
    async fn close(&mut self, _connection: &Connection, close: Close) -> Answer<()> {
        self.tell(Event::ConnectionClosed(close.reply_text().clone()));
        Ok(())
    }

    async fn blocked(&mut self, _connection: &Connection, reason: String) {
        self.tell(Event::Blocked(reason));
    }

    async fn unblocked(&mut self, _connection: &Connection) {
        self.tell(Event::Unblocked);
    }

    async fn secret_updated(&mut self, _connection: &Connection) {}
}

#[async_trait]
impl ChannelCallback for Told {
    async fn close(&mut self, channel: &Channel, close: CloseChannel) -> Answer<()> {
        let (code, why) = (close.reply_code(), close.reply_text().clone());
        self.tell(Event::ChannelClosed { channel: channel.channel_id(), code, why });
        Ok(())
    }

    async fn cancel(&mut self, channel: &Channel, _cancel: Cancel) -> Answer<()> {
        self.tell(Event::Cancelled { channel: channel.channel_id() });
        Ok(())
    }

    async fn flow(&mut self, _channel: &Channel, active: bool) -> Answer<bool> {
        Ok(active)
    }

    async fn publish_ack(&mut self, _channel: &Channel, ack: Ack) {
        self.tell(Event::Confirmed { tag: ack.delivery_tag(), multiple: ack.mutiple() });
    }

    async fn publish_nack(&mut self, _channel: &Channel, nack: Nack) {
        self.tell(Event::Refused { tag: nack.delivery_tag(), multiple: nack.multiple() });
    }

    async fn publish_return(
        &mut self,
        _channel: &Channel,
        returned: Return,
        _properties: BasicProperties,
        body: Vec<u8>,
    ) {
        self.tell(Event::Returned { why: returned.reply_text().clone(), body });
    }
}
