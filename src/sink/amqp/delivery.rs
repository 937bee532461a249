//! The thread behind the queue: connects, publishes, waits for confirms, and connects again.
//!
//! A message is delivered when the broker has confirmed it. When a connection breaks, what was not confirmed is sent
//! again, in the same order: the broker may have had it, so it may arrive twice, and never not at all.

use std::collections::{HashSet, VecDeque};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use amqprs::channel::{
    BasicPublishArguments, Channel, ConfirmSelectArguments, ExchangeDeclareArguments, QueueBindArguments,
    QueueDeclareArguments,
};
use amqprs::{BasicProperties, DELIVERY_MODE_PERSISTENT, FieldTable};
use tokio::time::{Instant, interval, sleep_until, timeout};

use super::options::{Policy, SinkOptions};
use super::queue::{Outgoing, Presence, Shared};
use crate::base::broker::{Event, Link, LinkError, NOT_ALLOWED, NOT_FOUND, Trouble, connect};
use crate::base::{Backoff, Books, Failure};

/// Messages published and not confirmed yet: RabbitMQ confirms in bunches, and slower for a disk.
const UNDER_WAY_MAX: usize = 1024;
/// How often it is looked whether the connection is still there, should its end have gone unnoticed.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How long the broker's farewell is waited for.
const FAREWELL_TIMEOUT: Duration = Duration::from_secs(2);
/// A connection that lasted this long was a good one, even if there was nothing to deliver.
const LASTED: Duration = Duration::from_secs(30);
/// Topics of one address: samples, events, and notifications of seven priorities.
const TOPICS_MAX: usize = 16;

/// The thread's side.
pub struct Delivery {
    pub name: String,
    pub options: SinkOptions,
    pub shared: Arc<Shared>,
    pub books: Arc<Books>,
}

/// How a connection ended.
enum End {
    /// Everything is delivered, or nobody waits any more.
    Done,
    Failed(LinkError),
}

/// A message that was published.
struct Published {
    /// Its number on the channel.
    tag: u64,
    message: Outgoing,
    /// Why no queue took it.
    returned: Option<String>,
}

/// A connection that is in use.
struct Session {
    channel: Channel,
    under_way: VecDeque<Published>,
    last_tag: u64,
    /// Topics whose queues were looked for.
    topics: HashSet<String>,
    /// When publishing goes on, after the broker could not take a message.
    hold: Option<Instant>,
    backoff: Backoff,
    is_blocked: bool,
    /// Whether a message was confirmed.
    is_useful: bool,
}

impl Delivery {
    /// Delivers until the end, or until nobody waits any more, or the broker refuses us.
    pub fn run(self) {
        let shared = Arc::clone(&self.shared);
        match tokio::runtime::Builder::new_current_thread().enable_all().build() {
            Ok(runtime) => {
                runtime.block_on(self.keep_connected());
                // A name that is still being looked up is not waited for.
                runtime.shutdown_background();
            }
            Err(error) => shared.state().failure = Some(Failure::io("cannot start", self.name, error)),
        }
        shared.state().finished = true;
        shared.changed.notify_all();
    }

    async fn keep_connected(&self) {
        let mut backoff = self.options.retry_interval.map_or_else(Backoff::default, Backoff::up_to);
        let (mut attempts, mut was_there) = (0, false);
        while !self.is_over() {
            let before = was_there;
            let began = Instant::now();
            let mut is_useful = false;
            let failed = match self.connection(&mut was_there, &mut is_useful).await {
                End::Done => return,
                End::Failed(failed) => failed,
            };
            if !was_there && let Some(failure) = failed.failure(&self.name) {
                self.shared.state().failure = Some(failure);
                return;
            }
            if std::mem::replace(&mut self.shared.state().presence, Presence::Away) == Presence::There {
                // A broker that lets us in and ends it at the first message is not called again and again at once.
                if is_useful || began.elapsed() >= LASTED {
                    backoff.reset();
                    attempts = 0;
                }
                self.say("connection lost", &failed);
            } else if attempts == 0 && !before {
                self.say("cannot connect", &failed);
            }
            attempts += 1;
            if self.options.retries_max.is_some_and(|max| attempts >= max) {
                self.give_up(attempts);
                attempts = 0;
            }
            self.shared.state().last_error = Some(failed.to_string());
            self.shared.changed.notify_all();
            let mut pause = pin!(tokio::time::sleep(backoff.pause()));
            loop {
                tokio::select! {
                    () = &mut pause => break,
                    () = self.shared.news.notified() => if self.is_over() { return },
                }
            }
        }
    }

    fn say(&self, what: &'static str, why: &dyn std::fmt::Display) {
        self.books.warn(what, &format_args!("{}: {what}: {why}; trying again", self.name));
    }

    /// Whether there is nothing to do and never will be.
    fn is_over(&self) -> bool {
        let state = self.shared.state();
        state.abandoned || state.closing && state.length() == 0
    }

    /// The broker was asked often enough: what waits is lost.
    fn give_up(&self, attempts: u64) {
        let mut state = self.shared.state();
        let lost: u64 = state.waiting.iter().map(|message| message.records).sum();
        while state.remove_oldest().is_some() {}
        drop(state);
        self.books.undelivered(&format!("{} not delivered", self.name), lost);
        if lost > 0 {
            let name = &self.name;
            self.books
                .warn("gave up", &format_args!("{name}: {lost} records dropped after {attempts} attempts"));
        }
    }

    /// One connection from its beginning to its end.
    ///
    /// `was_there` is set when the broker lets us in, `is_useful` when it confirms a message.
    async fn connection(&self, was_there: &mut bool, is_useful: &mut bool) -> End {
        let opened = {
            let mut opening = pin!(self.open());
            loop {
                tokio::select! {
                    opened = &mut opening => break opened,
                    () = self.shared.news.notified() => if self.is_over() { return End::Done },
                }
            }
        };
        let (mut link, mut session) = match opened {
            Ok(opened) => opened,
            Err(failed) => return End::Failed(failed),
        };
        *was_there = true;
        if std::mem::replace(&mut self.shared.state().presence, Presence::There) == Presence::Away {
            self.books.warn("connected", &format_args!("{}: connected again", self.name));
        }
        self.shared.changed.notify_all();
        let end = self.publish_all(&mut link, &mut session).await;
        *is_useful = session.is_useful;
        self.take_back(&mut session);
        if matches!(end, End::Done) {
            let _ = timeout(FAREWELL_TIMEOUT, link.connection.close()).await;
        }
        end
    }

    async fn open(&self) -> Result<(Link, Session), LinkError> {
        let mut link = connect(&self.options.place).await?;
        let failed = |trouble: Trouble| match trouble {
            Trouble::Refused { code: NOT_ALLOWED, why } => LinkError::Refused(why),
            other => LinkError::Away(other.to_string()),
        };
        if self.options.declares {
            self.make_exchange(&mut link).await.map_err(failed)?;
        }
        let channel = link.channel().await.map_err(failed)?;
        let confirms = channel.confirm_select(ConfirmSelectArguments::new(false));
        link.ask(&channel, confirms).await.map_err(failed)?;
        let session = Session {
            channel,
            under_way: VecDeque::new(),
            last_tag: 0,
            topics: HashSet::new(),
            hold: None,
            backoff: Backoff::default(),
            is_blocked: false,
            is_useful: false,
        };
        Ok((link, session))
    }

    /// As oslo.messaging makes it; one that is there is taken as it is.
    async fn make_exchange(&self, link: &mut Link) -> Result<(), Trouble> {
        let name = &self.options.exchange;
        let channel = link.channel().await?;
        let mut arguments = ExchangeDeclareArguments::new(name, "topic");
        arguments.durable(self.options.durable).auto_delete(false);
        let passive = arguments.clone().passive(true).finish();
        match link.ask(&channel, channel.exchange_declare(passive)).await {
            Err(Trouble::Refused { code: NOT_FOUND, .. }) => {
                let channel = link.channel().await?;
                link.ask(&channel, channel.exchange_declare(arguments)).await
            }
            other => other,
        }
    }

    /// The queue that oslo.messaging makes for a topic, so that what is sent before anybody listens is kept.
    ///
    /// One that cannot be made is said: messages that no queue takes come back, and are counted.
    async fn make_queue(&self, link: &mut Link, topic: &str) -> Result<(), Trouble> {
        let make = async |link: &mut Link| {
            let mut channel = link.channel().await?;
            let mut arguments = QueueDeclareArguments::new(topic);
            arguments.durable(self.options.durable);
            let passive = arguments.clone().passive(true).finish();
            match link.ask(&channel, channel.queue_declare(passive)).await {
                Err(Trouble::Refused { code: NOT_FOUND, .. }) => {
                    channel = link.channel().await?;
                    link.ask(&channel, channel.queue_declare(arguments.finish())).await?;
                }
                other => _ = other?,
            }
            let binding = QueueBindArguments::new(topic, &self.options.exchange, topic);
            link.ask(&channel, channel.queue_bind(binding)).await
        };
        match make(link).await {
            Err(Trouble::Refused { why, .. }) => {
                self.books.warn("declaration", &format_args!("{}: queue {topic}: {why}", self.name));
                Ok(())
            }
            other => other,
        }
    }

    async fn publish_all(&self, link: &mut Link, session: &mut Session) -> End {
        let connection = link.connection.clone();
        let mut lost = pin!(connection.listen_network_io_failure());
        let mut look = interval(LOOK_EVERY);
        loop {
            if let Err(failed) = self.publish(link, session).await {
                return End::Failed(failed);
            }
            if self.is_over() {
                return End::Done;
            }
            let hold = session.hold;
            tokio::select! {
                event = link.event() => {
                    let Some(event) = event else { return gone() };
                    if let Some(why) = self.hear(event, session) {
                        return End::Failed(LinkError::Away(why));
                    }
                }
                _ = &mut lost => return gone(),
                () = self.shared.news.notified() => {}
                () = sleep_until(hold.unwrap_or_else(Instant::now)), if hold.is_some() => session.hold = None,
                _ = look.tick() => if !connection.is_open() { return gone() },
            }
        }
    }

    /// Sends what waits, as much as may be under way.
    async fn publish(&self, link: &mut Link, session: &mut Session) -> Result<(), LinkError> {
        while session.hold.is_none() && !session.is_blocked && session.under_way.len() < UNDER_WAY_MAX {
            let message = {
                let mut state = self.shared.state();
                let Some(message) = state.waiting.pop_front() else { return Ok(()) };
                state.under_way += 1;
                state.under_way_records += message.records;
                message
            };
            let topic = message.topic.clone();
            session.last_tag += 1;
            let (tag, body) = (session.last_tag, message.body.clone());
            session.under_way.push_back(Published { tag, message, returned: None });
            let away = |error: &dyn std::fmt::Display| LinkError::Away(error.to_string());
            if self.options.declares && !session.topics.contains(&topic) {
                self.make_queue(link, &topic).await.map_err(|trouble| away(&trouble))?;
                if session.topics.len() < TOPICS_MAX {
                    session.topics.insert(topic.clone());
                }
            }
            let arguments =
                BasicPublishArguments::new(&self.options.exchange, &topic).mandatory(true).finish();
            let published = session.channel.basic_publish(properties(), body, arguments).await;
            published.map_err(|error| away(&error))?;
        }
        Ok(())
    }

    /// Takes in what the broker says; why the connection is of no use any more, if it is.
    fn hear(&self, event: Event, session: &mut Session) -> Option<String> {
        match event {
            Event::ConnectionClosed(why) => return Some(why),
            Event::ChannelClosed { channel, why, .. } if channel == session.channel.channel_id() => {
                return Some(why);
            }
            Event::Blocked(why) => {
                session.is_blocked = true;
                self.shared.state().presence = Presence::Away;
                self.books.warn("blocked", &format_args!("{}: the broker takes nothing: {why}", self.name));
            }
            Event::Unblocked => {
                session.is_blocked = false;
                self.shared.state().presence = Presence::There;
                self.books.warn("blocked", &format_args!("{}: the broker takes messages again", self.name));
            }
            Event::Returned { why, body } => {
                // It is confirmed right behind this, and not delivered for all that.
                let mut returned =
                    session.under_way.iter_mut().filter(|published| published.returned.is_none());
                if let Some(published) = returned.find(|published| published.message.body == body) {
                    // So that a queue that was deleted is made again.
                    session.topics.remove(&published.message.topic);
                    published.returned = Some(why);
                }
            }
            Event::Confirmed { tag, multiple } => {
                session.backoff.reset();
                session.is_useful = true;
                for published in settled(&mut session.under_way, tag, multiple) {
                    self.confirmed(published);
                }
            }
            Event::Refused { tag, multiple } => self.refused(session, tag, multiple),
            Event::ChannelClosed { .. } | Event::Cancelled { .. } => {}
        }
        self.shared.changed.notify_all();
        None
    }

    fn confirmed(&self, published: Published) {
        let Published { message, returned, .. } = published;
        let bytes = message.body.len();
        match returned {
            None => self.books.wrote(message.records, bytes as u64),
            Some(why) => {
                let (name, topic) = (&self.name, &message.topic);
                self.books.undelivered(&format!("{name} unroutable"), message.records);
                self.books.warn(
                    "unroutable",
                    &format_args!("{name}: no queue takes messages with topic {topic}: {why}"),
                );
            }
        }
        self.left(&message, true);
    }

    /// A message is not under way any more; `for_good` when it is not waiting again either.
    fn left(&self, message: &Outgoing, for_good: bool) {
        let mut state = self.shared.state();
        state.under_way -= 1;
        state.under_way_records -= message.records;
        if for_good {
            state.bytes -= message.body.len();
        }
    }

    /// Messages that the broker could not take: a queue that is full, or its own trouble. They wait a while.
    fn refused(&self, session: &mut Session, tag: u64, multiple: bool) {
        let again = settled(&mut session.under_way, tag, multiple);
        session.hold = Some(Instant::now() + session.backoff.pause());
        self.books.warn("refused", &format_args!("{}: the broker could not take a message", self.name));
        for published in again.into_iter().rev() {
            let drops = self.options.policy == Policy::Drop;
            self.left(&published.message, drops);
            if drops {
                self.books.undelivered(&format!("{} refused", self.name), published.message.records);
            } else {
                self.shared.state().waiting.push_front(published.message);
            }
        }
    }

    /// What was not confirmed waits again, in front of the others.
    fn take_back(&self, session: &mut Session) {
        while let Some(published) = session.under_way.pop_back() {
            self.left(&published.message, false);
            self.shared.state().waiting.push_front(published.message);
        }
    }
}

fn gone() -> End {
    End::Failed(LinkError::Away("the broker is gone".to_owned()))
}

/// Takes the messages out that the broker speaks of, in their order.
fn settled(under_way: &mut VecDeque<Published>, tag: u64, multiple: bool) -> Vec<Published> {
    if multiple {
        let end = under_way.partition_point(|published| published.tag <= tag);
        return under_way.drain(..end).collect();
    }
    let found = under_way.binary_search_by_key(&tag, |published| published.tag);
    found.ok().and_then(|at| under_way.remove(at)).into_iter().collect()
}

/// What oslo.messaging gives its messages.
pub fn properties() -> BasicProperties {
    BasicProperties::default()
        .with_content_type("application/json")
        .with_content_encoding("utf-8")
        .with_headers(FieldTable::new())
        .with_delivery_mode(DELIVERY_MODE_PERSISTENT)
        .with_priority(0)
        .finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_broker_speaks_of_is_taken_out_in_order() {
        let mut under_way: VecDeque<Published> = (3..10)
            .map(|tag| {
                let message = Outgoing { topic: String::new(), body: Vec::new(), records: 1 };
                Published { tag, message, returned: None }
            })
            .collect();
        let mut tags = |tag, multiple| {
            settled(&mut under_way, tag, multiple).iter().map(|published| published.tag).collect::<Vec<_>>()
        };
        assert_eq!(tags(5, false), [5]);
        assert_eq!(tags(5, false), [0u64; 0]);
        assert_eq!(tags(7, true), [3, 4, 6, 7]);
        assert_eq!(tags(2, true), [0u64; 0]);
        assert_eq!(tags(100, true), [8, 9]);
    }
}
