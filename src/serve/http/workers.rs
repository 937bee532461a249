//! Threads that may block: each has what the service works at to itself, and answers one request at a time.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, oneshot};

use super::{Answer, Call, Handler, Problem};
use crate::base::http::coding::{BadCoding, Coding};
use crate::base::{Books, Failure, threads};

/// How long what is in hand may take when the rest is given up.
const LINGER: Duration = Duration::from_secs(5);
/// How long requests are still done whose callers have gone, when the service ends.
const QUEUE_TIME: Duration = Duration::from_secs(30);
/// Requests that wait for a thread: more than a second's work, however fast each is done.
const WAITING_MAX: usize = 4096;

/// The threads of a service, and what waits for them.
pub struct Workers<D> {
    waiting: Option<SyncSender<Job<D>>>,
    threads: Vec<JoinHandle<()>>,
    /// Whether what waits is done no more.
    closing: Arc<AtomicBool>,
}

/// A request that a thread is to answer.
pub struct Asked<D> {
    /// What answers it.
    pub handler: Handler<D>,
    /// The request; its body as it came.
    pub call: Call,
    /// How its body is packed.
    pub coding: Coding,
    /// The longest body, unpacked.
    pub body_bytes_max: usize,
    /// Set when its caller was told that it is not done.
    pub given_up: Arc<AtomicBool>,
    /// Its body's share of the memory, whether or not its caller still waits.
    pub room: Option<OwnedSemaphorePermit>,
}

struct Job<D> {
    asked: Asked<D>,
    answer: oneshot::Sender<Result<Answer, Problem>>,
}

impl<D: Send + 'static> Workers<D> {
    /// One thread for each of `desks`; `again` makes another desk for one whose request panicked.
    ///
    /// # Errors
    /// When there can be no thread.
    pub fn start(
        desks: Vec<D>,
        again: impl Fn() -> Result<D, Failure> + Send + Sync + 'static,
        books: &Arc<Books>,
    ) -> Result<Workers<D>, Failure> {
        let (waiting, jobs) = sync_channel(WAITING_MAX);
        let (jobs, again) = (Arc::new(Mutex::new(jobs)), Arc::new(again));
        let closing = Arc::new(AtomicBool::new(false));
        let start = |desk| {
            let (jobs, again, closing) = (Arc::clone(&jobs), Arc::clone(&again), Arc::clone(&closing));
            let books = Arc::clone(books);
            let named = thread::Builder::new().name("worker".into());
            let thread = named.spawn(move || work(desk, &jobs, &*again, &closing, &books));
            thread.map_err(|source| Failure::io("cannot start", "a thread", source))
        };
        let threads = desks.into_iter().map(start).collect::<Result<_, _>>()?;
        Ok(Workers { waiting: Some(waiting), threads, closing })
    }

    /// The answer to what was asked, when a thread has had time for it.
    ///
    /// # Errors
    /// What the handler returns; 503 when too many wait; 500 when it panicked.
    pub async fn answer(&self, asked: Asked<D>) -> Result<Answer, Problem> {
        let (answer, answered) = oneshot::channel();
        let Some(waiting) = &self.waiting else { return Err(Problem::busy("this server is stopping")) };
        if let Err(error) = waiting.try_send(Job { asked, answer }) {
            return Err(Problem::busy(match error {
                TrySendError::Full(_) => "too many requests wait",
                TrySendError::Disconnected(_) => "this server is stopping",
            }));
        }
        answered.await.unwrap_or_else(|_| Err(Problem::ours("a worker ended before it answered")))
    }
}

impl<D> Workers<D> {
    /// From now on only what is in hand is done.
    pub fn close(&self) {
        self.closing.store(true, Ordering::Release);
    }
}

impl<D> Drop for Workers<D> {
    /// Waits for what was asked, for as long as a stop may take, and then for what is in hand; what is cut off was not answered.
    fn drop(&mut self) {
        self.waiting = None;
        if !self.closing.load(Ordering::Acquire) {
            threads::await_end(&self.threads, QUEUE_TIME);
            self.close();
        }
        threads::await_end(&self.threads, LINGER);
    }
}

fn work<D>(
    mut desk: D,
    jobs: &Mutex<Receiver<Job<D>>>,
    again: &dyn Fn() -> Result<D, Failure>,
    closing: &AtomicBool,
    books: &Books,
) {
    loop {
        let next = jobs.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(Job { asked, answer }) = next else { return };
        // Whoever asked has gone: nobody would read it. What changes something is done all the same; it was asked for,
        // unless its caller was told to try again.
        let is_read = asked.call.method == hyper::Method::GET;
        let is_late = asked.given_up.load(Ordering::Acquire) || closing.load(Ordering::Acquire);
        if is_late || answer.is_closed() && is_read {
            continue;
        }
        let done = catch_unwind(AssertUnwindSafe(|| do_it(&desk, asked)));
        let done = done.unwrap_or_else(|_| {
            match again() {
                Ok(fresh) => desk = fresh,
                Err(failure) => books.complain(&format_args!("behind a fault of ours: {failure}")),
            }
            Err(Problem::ours("internal error: the request's thread panicked"))
        });
        let _ = answer.send(done);
    }
}

/// Here, and not where the connections are: unpacking a body takes time and memory, of as many at a time as there are threads.
fn do_it<D>(desk: &D, asked: Asked<D>) -> Result<Answer, Problem> {
    let Asked { handler, mut call, coding, body_bytes_max, .. } = asked;
    // Snappy is what a body of Prometheus is, header or not: its route unpacks it.
    if !matches!(coding, Coding::Identity | Coding::Snappy) {
        let unpacked = coding.unpack(&call.body, body_bytes_max).map_err(|error| match error {
            BadCoding::TooLarge(_) => Problem::new(hyper::StatusCode::PAYLOAD_TOO_LARGE, error.to_string()),
            BadCoding::Broken(_) => Problem::bad(error.to_string()),
        })?;
        call.body = unpacked.into_owned().into();
    }
    handler(desk, &call)
}
