//! The caller's side: blocks of lines, and what may be acknowledged behind them.

use std::os::fd::{AsFd, OwnedFd};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use rustix::event::{EventfdFlags, PollFd, PollFlags, Timespec, eventfd, poll};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

use super::plan::Plan;
use super::worker::Worker;
use crate::base::broker::adaptor;
use crate::base::{Block, Books, Chunk, Failure, Stop, Url};
use crate::source::{Options, Source};

/// How long the end waits for the last acknowledgements to leave, and for the broker's farewell.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(5);

/// The queues of a broker that `url` names. A broker that is away is waited for.
///
/// # Errors
/// [`Failure::Usage`] for an address that makes no sense; when no thread can be started.
pub fn open(url: &Url, options: &Options, books: &Arc<Books>) -> Result<Box<dyn Source>, Failure> {
    let plan = Plan::of_url(url)?;
    let name = url.name().to_owned();
    if let Some(tls) = plan.place.tls() {
        // What is wrong with a file is said at the start, not at the first connection.
        adaptor(tls, "localhost")?;
    }
    let ready = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK);
    let ready = ready.map_err(|errno| Failure::io("cannot start", &name, errno.into()))?;
    let shared = Arc::new(Shared { state: Mutex::default(), ready });
    let (sender, commands) = unbounded_channel();
    let worker = Worker {
        name: name.clone(),
        plan,
        line_max: options.line_max,
        shared: Arc::clone(&shared),
        books: Arc::clone(books),
    };
    let started = thread::Builder::new().name("amqp".into()).spawn(move || worker.run(commands));
    started.map_err(|source| Failure::io("cannot start a thread for", &name, source))?;
    Ok(Box::new(AmqpSource {
        name,
        shared,
        commands: sender,
        lines: Vec::new(),
        line_number: 1,
        handed_out: Vec::new(),
        is_last: false,
    }))
}

/// How far a consumer's messages have come: all up to `tag`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    /// Which consumer; each has numbers of its own, and a new one after a loss is another one.
    pub consumer: u64,
    /// The number that the broker gave the message.
    pub tag: u64,
}

/// What the worker is asked to do.
pub enum Command {
    /// Tell the broker that these messages have been dealt with.
    Acknowledge(Vec<Mark>),
    /// End.
    Close,
}

/// What both sides share.
pub struct Shared {
    state: Mutex<State>,
    /// Readable when there is something new in the state.
    ready: OwnedFd,
}

/// Messages that came and were not handed out yet: as many as may be under way, because each is acknowledged later.
#[derive(Default)]
pub struct State {
    /// As lines. An empty line stands for a message that was rejected, so that lines are counted as messages are.
    pub lines: Vec<u8>,
    /// Messages in `lines`.
    pub messages: u64,
    /// The last message of each consumer in `lines`.
    pub marks: Vec<Mark>,
    /// Why nothing will come any more.
    pub failure: Option<Failure>,
    /// The worker has ended.
    pub finished: bool,
}

impl State {
    /// Takes down that the message `mark` is in `lines`.
    pub fn mark(&mut self, mark: Mark) {
        self.messages += 1;
        match self.marks.iter_mut().find(|before| before.consumer == mark.consumer) {
            Some(before) => before.tag = mark.tag,
            None => self.marks.push(mark),
        }
    }
}

impl Shared {
    pub fn state(&self) -> MutexGuard<'_, State> {
        // Changed in single steps: whole whatever happened to the thread that held it.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Wakes the caller's side up.
    pub fn wake(&self) {
        // A full counter is as readable as one more.
        let _ = rustix::io::write(&self.ready, &1u64.to_ne_bytes());
    }

    /// Waits until there is news or a stop; at most `timeout`.
    fn wait(&self, stop: Option<&Stop>, timeout: Option<Duration>) {
        let timeout = timeout.and_then(|timeout| Timespec::try_from(timeout).ok());
        let mut polled = vec![PollFd::new(&self.ready, PollFlags::IN)];
        polled.extend(stop.map(|stop| PollFd::from_borrowed_fd(stop.as_fd(), PollFlags::IN)));
        // An interrupted wait is no harm: the caller looks and comes again.
        let _ = poll(&mut polled, timeout.as_ref());
        let _ = rustix::io::read(self.ready.as_fd(), &mut [0; 8]);
    }
}

/// Queues of a broker.
struct AmqpSource {
    name: String,
    shared: Arc<Shared>,
    commands: UnboundedSender<Command>,
    /// The block that was handed out last.
    lines: Vec<u8>,
    /// The number of the first line of the next block.
    line_number: u64,
    /// What may be acknowledged when the block has left.
    handed_out: Vec<Mark>,
    /// The block was handed out after a stop was requested: what came behind it stays in the broker.
    is_last: bool,
}

impl AmqpSource {
    fn command(&self, command: Command) {
        // A worker that has ended acknowledges nothing: the broker sends it again.
        let _ = self.commands.send(command);
    }
}

impl Source for AmqpSource {
    fn name(&self) -> &str {
        &self.name
    }

    fn acknowledges(&self) -> bool {
        true
    }

    fn next(
        &mut self,
        stop: &Stop,
        pause: &mut dyn FnMut() -> Result<(), Failure>,
    ) -> Result<Option<Chunk<'_>>, Failure> {
        pause()?;
        if !self.handed_out.is_empty() {
            let marks = std::mem::take(&mut self.handed_out);
            self.command(Command::Acknowledge(marks));
        }
        if self.is_last {
            return Ok(None);
        }
        loop {
            let stopping = stop.requested();
            let mut state = self.shared.state();
            if state.messages > 0 {
                self.lines.clear();
                std::mem::swap(&mut self.lines, &mut state.lines);
                self.handed_out = std::mem::take(&mut state.marks);
                let first_line = self.line_number;
                self.line_number += std::mem::take(&mut state.messages);
                drop(state);
                self.is_last = stopping;
                return Ok(Some(Chunk::Lines(Block { source: &self.name, bytes: &self.lines, first_line })));
            }
            if let Some(failure) = state.failure.take() {
                return Err(failure);
            }
            if stopping || state.finished {
                return Ok(None);
            }
            drop(state);
            self.shared.wait(Some(stop), None);
            if stop.woken() {
                pause()?;
            }
        }
    }

    /// Waits for the last acknowledgements to leave.
    fn close(&mut self, _books: &Books) {
        self.command(Command::Close);
        let deadline = Instant::now() + CLOSE_TIMEOUT;
        while !self.shared.state().finished {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            self.shared.wait(None, Some(left));
        }
    }
}
