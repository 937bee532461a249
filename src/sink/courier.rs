//! Floor 3 · The thread's side of every sink that has a queue: what to send next, how long to wait, what was settled.
//!
//! The caller's side is `stream::StreamSink`. What a thread does with a batch is its own: `delivery` writes it to a
//! socket, `http` posts it.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::base::{Backoff, Books};

/// How long to wait at a time for something to send: what wakes the thread earlier is the queue.
const IDLE: Duration = Duration::from_secs(30);
/// The longest pause between two attempts once the end has come, to make something of the time that is left.
const RETRY_MAX_AT_END: Duration = Duration::from_millis(500);

/// The thread's side.
pub struct Courier {
    /// What messages call the receiver.
    pub name: String,
    pub shared: Arc<Shared>,
    pub books: Arc<Books>,
}

/// What the caller's side and the thread's side of a sink share.
pub struct Shared {
    pub state: Mutex<State>,
    pub changed: Condvar,
}

/// The queue, and how its delivery goes.
pub struct State {
    pub batches: VecDeque<Batch>,
    /// Bytes in `batches` and in the batch that is being sent.
    pub bytes: usize,
    /// Records of the batch that is being sent, not yet written.
    pub under_way: u64,
    pub link: Link,
    /// When the receiver last came, or took something.
    pub moved: Instant,
    /// Nothing more will be queued.
    pub closing: bool,
    /// Nobody waits for what is queued any more.
    pub abandoned: bool,
    /// The thread has sent everything and ended the connection.
    pub finished: bool,
    pub last_error: Option<String>,
}

/// Whether the receiver is there.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Link {
    /// Not tried yet: whether the receiver is away is not known.
    New,
    Up,
    Down,
}

/// Whole lines.
pub struct Batch {
    pub bytes: Vec<u8>,
    pub records: u64,
}

/// Nobody waits for what is queued any more: whoever gave up has counted it.
pub struct Abandoned;

impl Courier {
    /// The next batch to send, when there is one; none at the end. Batches that wait behind the first are added to it
    /// as long as all of them are at most `bytes_max` long.
    pub fn next_batch(&self, bytes_max: usize) -> Result<Option<Batch>, Abandoned> {
        let mut state = self.shared.state();
        loop {
            if state.abandoned {
                return Err(Abandoned);
            }
            if let Some(mut batch) = state.batches.pop_front() {
                while let Some(next) = state.batches.front()
                    && batch.bytes.len() + next.bytes.len() <= bytes_max
                {
                    batch.bytes.extend_from_slice(&next.bytes);
                    batch.records += next.records;
                    state.batches.pop_front();
                }
                state.under_way = batch.records;
                // It had nothing to take before.
                state.moved = Instant::now();
                return Ok(Some(batch));
            }
            if state.closing {
                return Ok(None);
            }
            state = self.shared.wait(state, IDLE);
        }
    }

    /// Waits before the next attempt; false when there is nothing to send and never will be.
    pub fn pause(&self, backoff: &mut Backoff) -> Result<bool, Abandoned> {
        self.wait(backoff.pause())
    }

    /// Waits as long as the receiver asked for, or until the end; otherwise as [`Courier::pause`].
    pub fn wait(&self, pause: Duration) -> Result<bool, Abandoned> {
        let began = Instant::now();
        let mut state = self.shared.state();
        loop {
            if state.abandoned {
                return Err(Abandoned);
            }
            if state.closing && state.bytes == 0 {
                return Ok(false);
            }
            // What is left of a long pause is not sat out at the end.
            let pause = if state.closing { pause.min(RETRY_MAX_AT_END) } else { pause };
            let left = pause.saturating_sub(began.elapsed());
            if left.is_zero() {
                return Ok(true);
            }
            state = self.shared.wait(state, left);
        }
    }

    /// The receiver is there; said when it was known to be away.
    pub fn up(&self) {
        let mut state = self.shared.state();
        let was = std::mem::replace(&mut state.link, Link::Up);
        if was != Link::Up {
            state.moved = Instant::now();
        }
        state.last_error = None;
        drop(state);
        if was != Link::Up {
            self.shared.changed.notify_all();
        }
        if was == Link::Down {
            self.books.warn("connected", &format_args!("{}: connected again", self.name));
        }
    }

    /// The receiver is away; said when it was not known yet.
    pub fn down(&self, what: &'static str, error: &dyn std::fmt::Display) {
        let mut state = self.shared.state();
        let is_news = state.link != Link::Down;
        state.link = Link::Down;
        state.last_error = Some(format!("{what}: {error}"));
        drop(state);
        self.shared.changed.notify_all();
        if is_news {
            self.books.warn(what, &format_args!("{}: {what}: {error}; trying again", self.name));
        }
    }

    /// `records` of the batch under way have found their end, and `bytes` of the queue are free again. False when
    /// they were given up before, and counted.
    #[must_use]
    pub fn settled(&self, records: u64, bytes: usize) -> bool {
        let mut state = self.shared.state();
        state.bytes -= bytes;
        state.moved = Instant::now();
        state.under_way = state.under_way.saturating_sub(records);
        let counts = !state.abandoned;
        drop(state);
        self.shared.changed.notify_all();
        counts
    }

    /// The thread has ended.
    pub fn finished(&self) {
        self.shared.state().finished = true;
        self.shared.changed.notify_all();
    }
}

impl Shared {
    pub fn new() -> Shared {
        let state = State {
            batches: VecDeque::new(),
            bytes: 0,
            under_way: 0,
            link: Link::New,
            moved: Instant::now(),
            closing: false,
            abandoned: false,
            finished: false,
            last_error: None,
        };
        Shared { state: Mutex::new(state), changed: Condvar::new() }
    }

    pub fn state(&self) -> MutexGuard<'_, State> {
        // The state is changed in single steps: it is whole whatever happened to the thread that held it.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn wait<'a>(&self, state: MutexGuard<'a, State>, at_most: Duration) -> MutexGuard<'a, State> {
        self.changed.wait_timeout(state, at_most).unwrap_or_else(PoisonError::into_inner).0
    }
}
