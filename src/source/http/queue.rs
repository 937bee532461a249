//! Bodies on their way from the server's thread to the source's, and the word that some are there.

use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

use super::answer::Verdict;
use super::memory::Memory;
use crate::base::http::coding::Coding;

/// The body of a request, and who waits for what becomes of it.
pub struct Body {
    /// What messages and books call it: our URL, the sender, what it asked for.
    pub name: String,
    /// The number of its route.
    pub route: usize,
    /// The path below the prefix, and the query.
    pub path: String,
    /// What stands behind the question mark; empty when nothing does.
    pub query: String,
    /// How it is packed.
    pub coding: Coding,
    /// It, as it came.
    pub bytes: Vec<u8>,
    /// Whether the sender still waits.
    pub ticket: Arc<Ticket>,
    /// Where the answer goes. Without one, the sender is told to try again.
    pub answer: oneshot::Sender<Verdict>,
    /// Its share of the memory for bodies, given back with it.
    pub memory: Memory,
}

/// Who has a body: it is either taken or withdrawn, never both.
#[derive(Debug, Default)]
pub struct Ticket(AtomicU8);

const WAITING: u8 = 0;
const TAKEN: u8 = 1;
const WITHDRAWN: u8 = 2;

impl Ticket {
    /// The sender has gone or is told to try again; false when the body was taken already.
    pub fn withdraw(&self) -> bool {
        self.turn_to(WITHDRAWN)
    }

    fn take(&self) -> bool {
        self.turn_to(TAKEN)
    }

    fn turn_to(&self, state: u8) -> bool {
        self.0.compare_exchange(WAITING, state, Ordering::AcqRel, Ordering::Acquire).is_ok()
    }
}

/// The bodies that wait. How many there are is limited by the memory that each has a share of.
pub struct Queue {
    bodies: Mutex<VecDeque<Body>>,
    readable: UnixStream,
    writable: UnixStream,
}

impl Queue {
    /// An empty one.
    ///
    /// # Errors
    /// When the system has no descriptors left.
    pub fn new() -> io::Result<Queue> {
        let (readable, writable) = UnixStream::pair()?;
        readable.set_nonblocking(true)?;
        writable.set_nonblocking(true)?;
        Ok(Queue { bodies: Mutex::default(), readable, writable })
    }

    /// Puts a body at the end, and wakes the source when it was the first.
    pub fn push(&self, body: Body) {
        let mut bodies = self.bodies();
        bodies.push_back(body);
        if bodies.len() == 1 {
            self.wake();
        }
    }

    /// The next body that somebody still waits for.
    pub fn take(&self) -> Option<Body> {
        let mut bodies = self.bodies();
        while let Some(body) = bodies.pop_front() {
            if body.ticket.take() {
                return Some(body);
            }
        }
        None
    }

    /// Lets go of all that wait: their senders are told to try again.
    pub fn clear(&self) {
        self.bodies().clear();
    }

    /// Makes [`Queue::as_fd`] readable.
    pub fn wake(&self) {
        // A socket that is full is as readable as one byte more.
        let _ = (&self.writable).write(b"x");
    }

    /// Readable when there is something to look for; until [`Queue::drain`].
    pub fn as_fd(&self) -> BorrowedFd<'_> {
        self.readable.as_fd()
    }

    /// Takes the word back. What is there is looked for behind this.
    pub fn drain(&self) {
        let mut bytes = [0; 64];
        while (&self.readable).read(&mut bytes).is_ok_and(|count| count == bytes.len()) {}
    }

    fn bodies(&self) -> MutexGuard<'_, VecDeque<Body>> {
        // A thread that panicked left a queue that is as good as before.
        self.bodies.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
