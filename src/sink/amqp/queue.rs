//! The caller's side: a queue of messages, each kept until the broker has confirmed it.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use tokio::sync::Notify;

use super::batch::Batches;
use super::delivery::Delivery;
use super::options::{Policy, SinkOptions};
use crate::base::broker::adaptor;
use crate::base::{Books, Failure, LineSink, Stop, Url};
use crate::sink::{Options, Sink};

/// How often a wait looks whether the end has come.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// Publishes to the broker that `url` names. One that is away is waited for.
///
/// # Errors
/// [`Failure::Usage`] for an address that makes no sense; when no thread can be started.
pub fn open(
    url: &Url,
    options: &Options,
    books: &Arc<Books>,
    stop: &Arc<Stop>,
) -> Result<Box<dyn Sink>, Failure> {
    let name = url.name().to_owned();
    let ours = SinkOptions::of_url(url, books)?;
    if let Some(tls) = ours.place.tls() {
        // What is wrong with a file is said at the start, not at the first connection.
        adaptor(tls, "localhost")?;
    }
    let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
    let batches = Batches::new(&name, &host, &options.secret, &ours);
    let shared = Arc::new(Shared::default());
    let delivery = Delivery {
        name: name.clone(),
        options: ours.clone(),
        shared: Arc::clone(&shared),
        books: Arc::clone(books),
    };
    let started = thread::Builder::new().name("amqp".into()).spawn(move || delivery.run());
    started.map_err(|source| Failure::io("cannot start a thread for", &name, source))?;
    Ok(Box::new(AmqpSink {
        name,
        options: ours,
        shared,
        batches,
        messages: Vec::new(),
        deadline: None,
        closed: false,
        books: Arc::clone(books),
        stop: Arc::clone(stop),
    }))
}

/// A message on its way.
pub struct Outgoing {
    /// The routing key, and the name of the queue that is made for it.
    pub topic: String,
    /// What is sent.
    pub body: Vec<u8>,
    /// How many records are in it.
    pub records: u64,
}

/// Whether the broker is there.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub enum Presence {
    /// Not tried yet.
    #[default]
    Unknown,
    /// It takes messages.
    There,
    /// It does not.
    Away,
}

/// What both sides share.
#[derive(Default)]
pub struct Shared {
    state: Mutex<State>,
    /// Tells the caller's side.
    pub changed: Condvar,
    /// Tells the thread.
    pub news: Notify,
}

/// The queue, and how its delivery goes.
#[derive(Default)]
pub struct State {
    /// Not sent yet.
    pub waiting: VecDeque<Outgoing>,
    /// Messages sent and not confirmed; the thread has them.
    pub under_way: usize,
    /// Records in those.
    pub under_way_records: u64,
    /// Bytes of both.
    pub bytes: usize,
    pub presence: Presence,
    /// Nothing more will be queued.
    pub closing: bool,
    /// Nobody waits any more.
    pub abandoned: bool,
    /// The thread has ended.
    pub finished: bool,
    /// The broker refuses us: nothing will ever be delivered.
    pub failure: Option<Failure>,
    pub last_error: Option<String>,
}

impl State {
    /// Messages that are not delivered yet.
    pub fn length(&self) -> usize {
        self.waiting.len() + self.under_way
    }

    /// Takes the oldest message that is not under way out of the queue.
    pub fn remove_oldest(&mut self) -> Option<Outgoing> {
        let oldest = self.waiting.pop_front()?;
        self.bytes -= oldest.body.len();
        Some(oldest)
    }
}

impl Shared {
    pub fn state(&self) -> MutexGuard<'_, State> {
        // Changed in single steps: whole whatever happened to the thread that held it.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'a>(&self, state: MutexGuard<'a, State>, at_most: Duration) -> MutexGuard<'a, State> {
        self.changed.wait_timeout(state, at_most).unwrap_or_else(PoisonError::into_inner).0
    }
}

/// A broker that takes messages.
struct AmqpSink {
    name: String,
    options: SinkOptions,
    shared: Arc<Shared>,
    batches: Batches,
    /// Messages that were made and are not queued yet.
    messages: Vec<Outgoing>,
    /// When waiting ends, once a stop was requested or the sink closes.
    deadline: Option<Instant>,
    closed: bool,
    books: Arc<Books>,
    stop: Arc<Stop>,
}

impl AmqpSink {
    /// Queues what was made; waits or drops when there is no room.
    fn queue(&mut self) -> Result<(), Failure> {
        let mut messages = std::mem::take(&mut self.messages);
        for message in messages.drain(..) {
            self.queue_one(message)?;
        }
        self.messages = messages;
        Ok(())
    }

    fn queue_one(&mut self, message: Outgoing) -> Result<(), Failure> {
        let mut state = self.shared.state();
        loop {
            if let Some(failure) = state.failure.take() {
                drop(state);
                self.lost("not delivered", message.records);
                return Err(failure);
            }
            let is_full = state.length() >= self.options.queue_length_max
                || state.bytes > 0 && state.bytes + message.body.len() > self.options.queue_bytes_max;
            if !is_full {
                break;
            }
            if self.stop.requested() && self.deadline.is_none() {
                self.deadline = Some(Instant::now() + self.options.linger);
            }
            let is_late = self.deadline.is_some_and(|deadline| Instant::now() >= deadline);
            let is_away = state.presence == Presence::Away;
            if is_late || state.finished || is_away && self.options.policy == Policy::Drop {
                drop(state);
                self.lost("queue full", message.records);
                return Ok(());
            }
            if is_away
                && self.options.policy == Policy::Queue
                && let Some(oldest) = state.remove_oldest()
            {
                self.lost("queue full", oldest.records);
                continue;
            }
            state = self.shared.wait(state, LOOK_EVERY);
        }
        state.bytes += message.body.len();
        state.waiting.push_back(message);
        drop(state);
        self.shared.news.notify_one();
        Ok(())
    }

    fn lost(&self, reason: &str, records: u64) {
        self.books.undelivered(&format!("{} {reason}", self.name), records);
    }
}

impl LineSink for AmqpSink {
    fn line(&mut self, record: &[u8]) -> Result<(), Failure> {
        self.batches.add(record, &self.books, &mut self.messages);
        if self.messages.is_empty() { Ok(()) } else { self.queue() }
    }

    fn lines(&mut self, bytes: &[u8], _records: u64) -> Result<(), Failure> {
        let lines = bytes.strip_suffix(b"\n").unwrap_or(bytes).split(|byte| *byte == b'\n');
        for record in lines.filter(|line| !line.is_empty()) {
            self.line(record)?;
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<(), Failure> {
        self.batches.finish(&mut self.messages);
        self.queue()
    }

    /// Waits until the broker has confirmed everything, however long it is away; after a stop, as long as the sink
    /// lingers.
    fn settle(&mut self) -> Result<(), Failure> {
        self.flush()?;
        let mut state = self.shared.state();
        while state.length() > 0 && !state.finished {
            if self.stop.requested() {
                let deadline = *self.deadline.get_or_insert(Instant::now() + self.options.linger);
                if Instant::now() >= deadline {
                    let name = &self.name;
                    return Err(Failure::Unavailable(format!("{name}: not all records could be delivered")));
                }
            }
            state = self.shared.wait(state, LOOK_EVERY);
        }
        match state.failure.take() {
            Some(failure) => Err(failure),
            None => Ok(()),
        }
    }
}

impl Sink for AmqpSink {
    fn name(&self) -> &str {
        &self.name
    }

    fn reopen(&mut self) -> Result<(), Failure> {
        Ok(())
    }

    /// Waits until the broker has confirmed everything, for as long as the sink lingers.
    fn close(&mut self) -> Result<(), Failure> {
        let deadline = *self.deadline.get_or_insert(Instant::now() + self.options.linger);
        let flushed = self.flush();
        self.closed = true;
        let mut state = self.shared.state();
        state.closing = true;
        self.shared.news.notify_one();
        while !state.finished {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            state = self.shared.wait(state, left);
        }
        state.abandoned = true;
        let lost =
            state.under_way_records + state.waiting.drain(..).map(|message| message.records).sum::<u64>();
        let failure = state.failure.take();
        let why = state.last_error.take().unwrap_or_else(|| {
            let why = match state.presence {
                // A broker waits some seconds before it says that a password is wrong, and another service for ever.
                Presence::Unknown => "no broker has let us in yet; with a longer linger it may say why",
                _ => "the broker is too slow",
            };
            why.to_owned()
        });
        drop(state);
        self.shared.news.notify_one();
        self.lost("not delivered", lost);
        match failure {
            Some(failure) => Err(failure),
            None if lost > 0 => {
                let name = &self.name;
                flushed.and(Err(Failure::Unavailable(format!(
                    "{name}: {lost} records could not be delivered: {why}"
                ))))
            }
            None => flushed,
        }
    }
}

impl Drop for AmqpSink {
    fn drop(&mut self) {
        // A sink that was left out or never closed: its thread must not outlive it.
        if !self.closed {
            self.shared.state().abandoned = true;
            self.shared.news.notify_one();
        }
    }
}
