//! Exchanges, queues and bindings: looked for first, made only when they are not there.
//!
//! A question that the broker answers with no closes the channel it was asked on, so each has a channel that may be
//! lost. What is there already is taken as it is, durable or not, classic or quorum: only its own maker knows why.

use amqprs::channel::{
    BasicConsumeArguments, BasicQosArguments, Channel, ConsumerMessage, ExchangeDeclareArguments,
    QueueBindArguments, QueueDeclareArguments,
};
use amqprs::{FieldTable, FieldValue};
use tokio::sync::mpsc::UnboundedReceiver;

use super::plan::{Plan, Queue};
use crate::base::Books;
use crate::base::broker::{Link, NOT_FOUND, Trouble};

/// A connection on which questions are asked.
pub struct Asking<'a> {
    pub link: &'a mut Link,
    pub books: &'a Books,
    pub name: &'a str,
}

/// A queue that is being consumed.
pub struct Consumer {
    /// Never used twice in a run.
    pub id: u64,
    /// Closed when the consumer is dropped.
    pub channel: Channel,
    /// What the broker delivers, as much as may be under way.
    pub messages: UnboundedReceiver<ConsumerMessage>,
}

impl Asking<'_> {
    /// Makes the exchanges that are not there. One that cannot be made is said, and the others go on.
    pub async fn exchanges(&mut self, plan: &Plan) -> Result<(), Trouble> {
        let mut channel = self.link.channel().await?;
        for name in &plan.exchanges {
            let mut arguments = ExchangeDeclareArguments::new(name, "topic");
            arguments.durable(plan.durable).auto_delete(false);
            let passive = arguments.clone().passive(true).finish();
            match self.link.ask(&channel, channel.exchange_declare(passive)).await {
                Err(Trouble::Refused { code: NOT_FOUND, .. }) => channel = self.link.channel().await?,
                Err(Trouble::Refused { why, .. }) => {
                    self.say(&format_args!("exchange {name}: {why}"));
                    channel = self.link.channel().await?;
                    continue;
                }
                Err(lost) => return Err(lost),
                Ok(()) => continue,
            }
            match self.link.ask(&channel, channel.exchange_declare(arguments)).await {
                Err(Trouble::Refused { why, .. }) => {
                    self.say(&format_args!("exchange {name} cannot be made: {why}"));
                    channel = self.link.channel().await?;
                }
                other => other?,
            }
        }
        Ok(())
    }

    /// Makes and binds a queue where the plan says so, and begins to consume it.
    pub async fn consumer(&mut self, plan: &Plan, index: usize, id: u64) -> Result<Consumer, Trouble> {
        let queue = &plan.queues[index];
        let mut channel = self.link.channel().await?;
        let passive = QueueDeclareArguments::new(&queue.name).passive(true).finish();
        match self.link.ask(&channel, channel.queue_declare(passive)).await {
            Err(Trouble::Refused { code: NOT_FOUND, .. }) if plan.declares => {
                channel = self.link.channel().await?;
                self.link.ask(&channel, channel.queue_declare(declaration(queue, plan.durable))).await?;
            }
            other => _ = other?,
        }
        for exchange in &plan.exchanges {
            for topic in &queue.topics {
                let binding = QueueBindArguments::new(&queue.name, exchange, topic);
                match self.link.ask(&channel, channel.queue_bind(binding)).await {
                    Err(Trouble::Refused { why, .. }) => {
                        let name = &queue.name;
                        self.say(&format_args!("queue {name} gets nothing from exchange {exchange}: {why}"));
                        channel = self.link.channel().await?;
                        break;
                    }
                    other => other?,
                }
            }
        }
        let limit = BasicQosArguments::new(0, plan.prefetch, false);
        self.link.ask(&channel, channel.basic_qos(limit)).await?;
        let consume = BasicConsumeArguments::new(&queue.name, "").manual_ack(true).finish();
        let (_, messages) = self.link.ask(&channel, channel.basic_consume_rx(consume)).await?;
        Ok(Consumer { id, channel, messages })
    }

    fn say(&self, what: &dyn std::fmt::Display) {
        self.books.warn("declaration", &format_args!("{}: {what}", self.name));
    }
}

/// As oslo.messaging makes a listener's queue; one of our own may end by itself.
fn declaration(queue: &Queue, durable: bool) -> QueueDeclareArguments {
    let mut arguments = QueueDeclareArguments::new(&queue.name);
    arguments.durable(durable);
    if let Some(expires) = queue.expires {
        let milliseconds = i64::try_from(expires.as_millis()).unwrap_or(i64::MAX);
        let mut table = FieldTable::new();
        if let Ok(key) = "x-expires".try_into() {
            table.insert(key, FieldValue::l(milliseconds));
        }
        arguments.arguments(table);
    }
    arguments.finish()
}
