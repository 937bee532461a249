//! Threads that may block: each has what the service works at to itself, and answers one request at a time.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use tokio::sync::oneshot;

use super::{Answer, Call, Handler, Problem};
use crate::base::{Books, Failure};

/// Requests that wait for a thread: more than a second's work, however fast each is done.
const WAITING_MAX: usize = 4096;

/// The threads of a service, and what waits for them.
pub struct Workers<D> {
    waiting: Option<SyncSender<Job<D>>>,
    threads: Vec<JoinHandle<()>>,
    busy: Arc<AtomicUsize>,
}

struct Job<D> {
    handler: Handler<D>,
    call: Call,
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
        let busy = Arc::new(AtomicUsize::new(0));
        let start = |desk| {
            let (jobs, again) = (Arc::clone(&jobs), Arc::clone(&again));
            let (busy, books) = (Arc::clone(&busy), Arc::clone(books));
            let named = thread::Builder::new().name("worker".into());
            let thread = named.spawn(move || work(desk, &jobs, &*again, &busy, &books));
            thread.map_err(|source| Failure::io("cannot start", "a thread", source))
        };
        let threads = desks.into_iter().map(start).collect::<Result<_, _>>()?;
        Ok(Workers { waiting: Some(waiting), threads, busy })
    }

    /// The answer of `handler` to `call`, when a thread has had time for it.
    ///
    /// # Errors
    /// What the handler returns; 503 when too many wait; 500 when it panicked.
    pub async fn answer(&self, handler: Handler<D>, call: Call) -> Result<Answer, Problem> {
        let (answer, answered) = oneshot::channel();
        let Some(waiting) = &self.waiting else { return Err(Problem::busy("this server is stopping")) };
        if let Err(error) = waiting.try_send(Job { handler, call, answer }) {
            return Err(Problem::busy(match error {
                TrySendError::Full(_) => "too many requests wait",
                TrySendError::Disconnected(_) => "this server is stopping",
            }));
        }
        answered.await.unwrap_or_else(|_| Err(Problem::ours("a worker ended before it answered")))
    }

    /// How many threads are at work.
    pub fn busy(&self) -> usize {
        self.busy.load(Ordering::Relaxed)
    }

    /// How many threads there are.
    pub fn count(&self) -> usize {
        self.threads.len()
    }
}

impl<D> Drop for Workers<D> {
    /// Waits for what is in hand.
    fn drop(&mut self) {
        self.waiting = None;
        self.threads.drain(..).for_each(|thread| _ = thread.join());
    }
}

fn work<D>(
    mut desk: D,
    jobs: &Mutex<Receiver<Job<D>>>,
    again: &dyn Fn() -> Result<D, Failure>,
    busy: &AtomicUsize,
    books: &Books,
) {
    loop {
        let next = jobs.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(Job { handler, call, answer }) = next else { return };
        // Whoever asked has gone: nobody would read it. What changes something is done all the same; it was asked for.
        if answer.is_closed() && call.method == hyper::Method::GET {
            continue;
        }
        busy.fetch_add(1, Ordering::Relaxed);
        let done = catch_unwind(AssertUnwindSafe(|| handler(&desk, &call)));
        busy.fetch_sub(1, Ordering::Relaxed);
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
