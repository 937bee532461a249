//! The thread behind the queues: connects, consumes, acknowledges, and connects again.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::hash::BuildHasher;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use amqprs::FieldValue;
use amqprs::channel::{BasicAckArguments, ConsumerMessage};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::{Instant, interval, sleep_until, timeout};

use super::body;
use super::plan::Plan;
use super::queue::{Command, Mark, Shared};
use super::topology::{Asking, Consumer};
use crate::base::broker::{Event, Link, LinkError, NOT_ALLOWED, Trouble, connect};
use crate::base::{Backoff, Books, Failure};

/// Messages taken from one queue before the others and the commands have their turn.
const TURN_MESSAGES_MAX: usize = 256;
/// How often it is looked whether the connection is still there, should its end have gone unnoticed.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How long the broker's farewell is waited for.
const FAREWELL_TIMEOUT: Duration = Duration::from_secs(2);
/// How many of the newest messages are remembered, by a hash, for each queue and message that may be under way. What
/// comes again after a loss was under way, or its acknowledgement was.
const REMEMBERED_PER_MESSAGE: usize = 2;

/// The thread's side.
pub struct Worker {
    pub name: String,
    pub plan: Plan,
    pub line_max: usize,
    pub shared: Arc<Shared>,
    pub books: Arc<Books>,
}

/// How a connection ended.
enum End {
    Asked,
    Failed(LinkError),
}

impl Worker {
    /// Runs until it is asked to end, or the broker refuses what the address asks for.
    pub fn run(self, commands: UnboundedReceiver<Command>) {
        let shared = Arc::clone(&self.shared);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        match runtime {
            Ok(runtime) => {
                runtime.block_on(self.keep_connected(commands));
                // A name that is still being looked up is not waited for.
                runtime.shutdown_background();
            }
            Err(error) => shared.state().failure = Some(Failure::io("cannot start", self.name, error)),
        }
        shared.state().finished = true;
        shared.wake();
    }

    async fn keep_connected(&self, mut commands: UnboundedReceiver<Command>) {
        let mut backoff = Backoff::default();
        let mut history = History::new(&self.plan);
        let mut is_down = false;
        loop {
            let was_there = history.connections;
            let failed = match self.connection(&mut commands, &mut history, &mut is_down).await {
                End::Asked => return,
                End::Failed(failed) => failed,
            };
            // A broker that let us in once may be being restored: only what it says the first time is for good.
            if history.connections == 0
                && let Some(failure) = failed.failure(&self.name)
            {
                self.shared.state().failure = Some(failure);
                return;
            }
            if history.connections > was_there {
                backoff.reset();
            }
            if !is_down {
                let what = if history.connections == 0 { "cannot connect" } else { "connection lost" };
                self.books.warn(what, &format_args!("{}: {what}: {failed}; trying again", self.name));
                is_down = true;
            }
            let mut pause = pin!(tokio::time::sleep(backoff.pause()));
            loop {
                tokio::select! {
                    () = &mut pause => break,
                    command = commands.recv() => match command {
                        // Of a connection that is gone: the broker sends those messages again.
                        Some(Command::Acknowledge(_)) => {}
                        Some(Command::Close) | None => return,
                    },
                }
            }
        }
    }

    /// One connection from its beginning to its end.
    async fn connection(
        &self,
        commands: &mut UnboundedReceiver<Command>,
        history: &mut History,
        is_down: &mut bool,
    ) -> End {
        let opened = {
            let connecting = async {
                let mut link = connect(&self.plan.place).await?;
                let slots = self.set_up(&mut link, history).await?;
                Ok::<_, LinkError>((link, slots))
            };
            let mut connecting = pin!(connecting);
            loop {
                tokio::select! {
                    opened = &mut connecting => break opened,
                    command = commands.recv() => match command {
                        Some(Command::Acknowledge(_)) => {}
                        Some(Command::Close) | None => return End::Asked,
                    },
                }
            }
        };
        let (mut link, slots) = match opened {
            Ok(opened) => opened,
            Err(failed) => return End::Failed(failed),
        };
        history.connections += 1;
        if *is_down {
            self.books.warn("connected", &format_args!("{}: connected again", self.name));
        } else {
            let names: Vec<&str> = self.plan.queues.iter().map(|queue| queue.name.as_str()).collect();
            self.books.note(&format_args!("{}: consuming {}", self.name, names.join(", ")));
        }
        *is_down = false;
        let end = self.consume(&mut link, slots, commands, history).await;
        if matches!(end, End::Asked) {
            // Acknowledgements are in front of the farewell in the same queue, and leave before it.
            let _ = timeout(FAREWELL_TIMEOUT, link.connection.close()).await;
        }
        end
    }

    /// Makes what is to be there, and begins to consume.
    ///
    /// A queue that cannot be consumed is said, and asked for again later, while the others go on.
    async fn set_up(&self, link: &mut Link, history: &mut History) -> Result<Vec<Slot>, LinkError> {
        let books = &self.books;
        let mut asking = Asking { link, books, name: &self.name };
        let away = |trouble: Trouble| LinkError::Away(trouble.to_string());
        asking.exchanges(&self.plan).await.map_err(away)?;
        let mut slots = Vec::new();
        let mut refused = None;
        for queue in 0..self.plan.queues.len() {
            let mut slot = Slot { queue, consumer: None, again: Instant::now(), backoff: Backoff::default() };
            match asking.consumer(&self.plan, queue, history.new_id()).await {
                Ok(consumer) => slot.consumer = Some(consumer),
                Err(Trouble::Refused { code, why }) => {
                    if code == NOT_ALLOWED {
                        refused = Some(why.clone());
                    }
                    slot.put_off();
                    self.say_queue(queue, &why);
                }
                Err(lost) => return Err(away(lost)),
            }
            slots.push(slot);
        }
        // Nothing that the address asks for is allowed: that will not change by waiting.
        match refused.filter(|_| slots.iter().all(|slot| slot.consumer.is_none())) {
            Some(why) => Err(LinkError::Refused(why)),
            None => Ok(slots),
        }
    }

    async fn consume(
        &self,
        link: &mut Link,
        mut slots: Vec<Slot>,
        commands: &mut UnboundedReceiver<Command>,
        history: &mut History,
    ) -> End {
        let connection = link.connection.clone();
        let mut lost = pin!(connection.listen_network_io_failure());
        let mut look = interval(LOOK_EVERY);
        let mut turn = 0;
        loop {
            let again = slots.iter().filter(|slot| slot.consumer.is_none()).map(|slot| slot.again).min();
            tokio::select! {
                command = commands.recv() => match command {
                    Some(Command::Acknowledge(marks)) => acknowledge(&slots, &marks).await,
                    Some(Command::Close) | None => return End::Asked,
                },
                event = link.event() => match event {
                    Some(Event::ConnectionClosed(why)) => return End::Failed(LinkError::Away(why)),
                    Some(Event::ChannelClosed { channel, why, .. }) => self.ended(&mut slots, channel, &why),
                    Some(Event::Cancelled { channel }) => {
                        self.ended(&mut slots, channel, "the broker ended the consumer: the queue was deleted or moved");
                    }
                    _ => {}
                },
                _ = &mut lost => {
                    return End::Failed(LinkError::Away("the broker is gone".to_owned()));
                }
                (slot, first) = message(&mut slots, turn) => match first {
                    Some(first) => {
                        turn = slot + 1;
                        self.take(&mut slots[slot], first, history);
                    }
                    None => {
                        let channel = slots[slot].consumer.as_ref().map(|consumer| consumer.channel.channel_id());
                        self.ended(&mut slots, channel.unwrap_or_default(), "the channel was closed");
                    }
                },
                () = sleep_until(again.unwrap_or_else(Instant::now)), if again.is_some() => {
                    let books = &self.books;
                    let mut asking = Asking { link, books, name: &self.name };
                    for slot in slots.iter_mut().filter(|slot| slot.is_due()) {
                        match asking.consumer(&self.plan, slot.queue, history.new_id()).await {
                            Ok(consumer) => {
                                let name = &self.plan.queues[slot.queue].name;
                                self.books.warn("connected", &format_args!("{}: consuming {name} again", self.name));
                                slot.consumer = Some(consumer);
                                slot.backoff.reset();
                            }
                            Err(Trouble::Refused { .. }) => slot.put_off(),
                            Err(Trouble::Lost(why)) => return End::Failed(LinkError::Away(why)),
                        }
                    }
                }
                _ = look.tick() => {
                    if !connection.is_open() {
                        return End::Failed(LinkError::Away("the broker is gone".to_owned()));
                    }
                }
            }
        }
    }

    /// The consumer on `channel` is no more; it is made again, from the queue on.
    fn ended(&self, slots: &mut [Slot], channel: u16, why: &str) {
        let is_it = |slot: &&mut Slot| {
            slot.consumer.as_ref().is_some_and(|consumer| consumer.channel.channel_id() == channel)
        };
        if let Some(slot) = slots.iter_mut().find(is_it) {
            slot.consumer = None;
            slot.put_off();
            self.say_queue(slot.queue, why);
        }
    }

    fn say_queue(&self, queue: usize, why: &str) {
        let (name, queue) = (&self.name, &self.plan.queues[queue].name);
        self.books.warn("queue lost", &format_args!("{name}: queue {queue}: {why}; trying again"));
    }

    /// Puts `first`, and what came with it, into what is handed out.
    fn take(&self, slot: &mut Slot, first: ConsumerMessage, history: &mut History) {
        let Some(consumer) = &mut slot.consumer else { return };
        let mut next = Some(first);
        let mut state = self.shared.state();
        for _ in 0..TURN_MESSAGES_MAX {
            let Some(message) = next else { break };
            history.messages += 1;
            let bytes = message.content.as_deref().unwrap_or_default();
            let hash = history.hasher.hash_one(bytes);
            if message.deliver.as_ref().is_some_and(|deliver| deliver.redelivered()) {
                self.books.count("redelivered", 1);
                if history.recent.contains(&hash) {
                    self.books.duplicate(1);
                }
            }
            history.remember(hash);
            if let Err(why) = body::append_line(bytes, compression(&message), self.line_max, &mut state.lines)
            {
                self.books.read(1, bytes.len() as u64);
                self.books.reject(&self.name, history.messages, why.reason(), &why);
                state.lines.push(b'\n');
            }
            let tag = message.deliver.as_ref().map_or(0, |deliver| deliver.delivery_tag());
            state.mark(Mark { consumer: consumer.id, tag });
            next = consumer.messages.try_recv().ok();
        }
        drop(state);
        self.shared.wake();
    }
}

/// A queue of the plan, and who consumes it.
struct Slot {
    queue: usize,
    consumer: Option<Consumer>,
    /// When to try again, without a consumer.
    again: Instant,
    backoff: Backoff,
}

impl Slot {
    fn put_off(&mut self) {
        self.again = Instant::now() + self.backoff.pause();
    }

    fn is_due(&self) -> bool {
        self.consumer.is_none() && self.again <= Instant::now()
    }
}

/// What outlives a connection.
struct History {
    connections: u64,
    messages: u64,
    last_id: u64,
    hasher: foldhash::fast::RandomState,
    /// Hashes of the newest messages, oldest first.
    recent: VecDeque<u64>,
    recent_max: usize,
}

impl History {
    fn new(plan: &Plan) -> History {
        let recent_max = usize::from(plan.prefetch) * plan.queues.len() * REMEMBERED_PER_MESSAGE;
        History {
            connections: 0,
            messages: 0,
            last_id: 0,
            hasher: foldhash::fast::RandomState::default(),
            recent: VecDeque::new(),
            recent_max,
        }
    }

    fn new_id(&mut self) -> u64 {
        self.last_id += 1;
        self.last_id
    }

    fn remember(&mut self, hash: u64) {
        if self.recent.len() >= self.recent_max {
            self.recent.pop_front();
        }
        self.recent.push_back(hash);
    }
}

/// The next message of any queue, beginning with the one whose `turn` it is; none behind the last of one that was closed.
async fn message(slots: &mut [Slot], turn: usize) -> (usize, Option<ConsumerMessage>) {
    poll_fn(|context| {
        for offset in 0..slots.len() {
            let index = (turn + offset) % slots.len();
            let Some(consumer) = &mut slots[index].consumer else { continue };
            if let Poll::Ready(message) = consumer.messages.poll_recv(context) {
                return Poll::Ready((index, message));
            }
        }
        Poll::Pending
    })
    .await
}

/// Tells the broker what has been dealt with; what is of a consumer that is gone will come again.
async fn acknowledge(slots: &[Slot], marks: &[Mark]) {
    let consumers = slots.iter().filter_map(|slot| slot.consumer.as_ref());
    for consumer in consumers {
        if let Some(mark) = marks.iter().find(|mark| mark.consumer == consumer.id) {
            // A connection that is lost says so itself.
            let _ = consumer.channel.basic_ack(BasicAckArguments::new(mark.tag, true)).await;
        }
    }
}

/// What kombu says that the body is compressed with.
fn compression(message: &ConsumerMessage) -> Option<&str> {
    let headers = message.basic_properties.as_ref()?.headers()?;
    match headers.get(&"compression".try_into().ok()?)? {
        FieldValue::S(text) => Some(text.as_ref()),
        _ => None,
    }
}
