//! Floor 3 · The thread behind a stream sink: connects, sends what is queued, and connects again.
//!
//! When a connection breaks, the batch under way is sent again from the first record that was not yet written whole.
//! What the kernel had taken before may have been read by the receiver or not: nobody tells, so it is not sent again,
//! and a record cut by the break arrives again whole. A receiver that ends its half of the connection counts as gone.

use std::collections::VecDeque;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::io;
use std::net::TcpStream;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rustix::io::Errno;
use rustix::net::{RecvFlags, SendFlags, Shutdown, recv, send, shutdown};

use super::framing::Framing;
use crate::base::Books;
use crate::base::address::HostPort;

/// The first pause between two attempts to connect; each next one is twice as long.
const RETRY_FIRST: Duration = Duration::from_millis(100);
/// The longest such pause.
const RETRY_MAX: Duration = Duration::from_secs(30);
/// The longest such pause once the end has come, to make something of the time that is left.
const RETRY_MAX_AT_END: Duration = Duration::from_millis(500);
/// Longer than three tries of a SYN (1 + 2 s); who has not answered by then is away.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(4);
/// How often a wait looks whether the end has come.
pub const LOOK_EVERY: Duration = Duration::from_millis(100);

/// The thread's side.
pub struct Delivery {
    pub target: Target,
    pub framing: Framing,
    pub name: String,
    pub shared: Arc<Shared>,
    pub books: Arc<Books>,
}

/// Where a stream goes.
pub enum Target {
    Tcp(HostPort),
    Unix(PathBuf),
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

/// Whole records.
pub struct Batch {
    pub bytes: Vec<u8>,
    pub records: u64,
}

/// Nobody waits for what is queued any more.
struct Abandoned;

impl Delivery {
    /// Delivers until the end, or until nobody waits any more.
    pub fn run(self) {
        // Abandoned: whoever gave up has counted what was left.
        let _ = self.deliver();
        self.shared.state().finished = true;
        self.shared.changed.notify_all();
    }

    fn deliver(&self) -> Result<(), Abandoned> {
        let mut retry = RETRY_FIRST;
        let mut connection = self.connection(&mut retry)?;
        while let Some(batch) = self.next_batch()? {
            let mut sent = 0;
            while sent < batch.bytes.len() {
                let Some(socket) = &connection else {
                    connection = self.connection(&mut retry)?;
                    continue;
                };
                match self.send(socket, &batch.bytes[sent..])? {
                    Ok(()) => {
                        self.written(&batch.bytes[sent..]);
                        sent = batch.bytes.len();
                        retry = RETRY_FIRST;
                    }
                    Err((whole, errno)) => {
                        self.written(&batch.bytes[sent..sent + whole]);
                        sent += whole;
                        self.down("connection lost", &errno);
                        connection = None;
                        // A receiver that hangs up on everybody is not called again and again at once.
                        if whole == 0 {
                            self.pause(&mut retry)?;
                        }
                    }
                }
            }
            self.shared.state().under_way = 0;
        }
        if let Some(socket) = &connection {
            // So that the receiver sees an end even if it has sent something that nobody reads.
            let _ = shutdown(socket, Shutdown::Write);
        }
        Ok(())
    }

    /// The next batch to send, when there is one; none at the end.
    fn next_batch(&self) -> Result<Option<Batch>, Abandoned> {
        let mut state = self.shared.state();
        loop {
            if state.abandoned {
                return Err(Abandoned);
            }
            if let Some(batch) = state.batches.pop_front() {
                state.under_way = batch.records;
                return Ok(Some(batch));
            }
            if state.closing {
                return Ok(None);
            }
            state = self.shared.wait(state, RETRY_MAX);
        }
    }

    /// Connects, again and again; none when there is nothing to send and never will be.
    fn connection(&self, retry: &mut Duration) -> Result<Option<OwnedFd>, Abandoned> {
        loop {
            match self.target.connect() {
                Ok(socket) => {
                    let mut state = self.shared.state();
                    let was_down = state.link == Link::Down;
                    state.link = Link::Up;
                    state.last_error = None;
                    drop(state);
                    self.shared.changed.notify_all();
                    if was_down {
                        self.books.warn("connected", &format_args!("{}: connected again", self.name));
                    }
                    return Ok(Some(socket));
                }
                Err(error) => self.down("cannot connect", &error),
            }
            if !self.pause(retry)? {
                return Ok(None);
            }
        }
    }

    /// Waits before the next attempt; false when there is nothing to send and never will be.
    fn pause(&self, retry: &mut Duration) -> Result<bool, Abandoned> {
        let (began, pause) = (Instant::now(), retry.mul_f64(jitter()));
        *retry = (*retry * 2).min(RETRY_MAX);
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

    /// The receiver is away; said when it was not known yet.
    fn down(&self, what: &'static str, error: &dyn std::fmt::Display) {
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

    /// Enters whole records that the kernel took, and makes room for others.
    fn written(&self, bytes: &[u8]) {
        let (_, records) = self.framing.whole(bytes);
        self.books.wrote(records, bytes.len() as u64);
        let mut state = self.shared.state();
        state.bytes -= bytes.len();
        state.under_way = state.under_way.saturating_sub(records);
        drop(state);
        self.shared.changed.notify_all();
    }

    /// Sends whole records; on failure, how many bytes of whole records the kernel took before.
    fn send(&self, socket: &OwnedFd, bytes: &[u8]) -> Result<Result<(), (usize, Errno)>, Abandoned> {
        let mut done = 0;
        let errno = loop {
            if done == bytes.len() {
                return Ok(Ok(()));
            }
            if let Some(errno) = is_gone(socket) {
                break errno;
            }
            match send(socket, &bytes[done..], SendFlags::NOSIGNAL) {
                Ok(sent) => done += sent,
                Err(Errno::INTR) => {}
                // The send timeout: the receiver is slow.
                Err(Errno::AGAIN) if self.shared.state().abandoned => return Err(Abandoned),
                Err(Errno::AGAIN) => {}
                Err(errno) => break errno,
            }
        };
        Ok(Err((self.framing.whole(&bytes[..done]).0, errno)))
    }
}

impl Shared {
    pub fn new() -> Shared {
        let state = State {
            batches: VecDeque::new(),
            bytes: 0,
            under_way: 0,
            link: Link::New,
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

impl Target {
    /// A connection whose sends time out, so that its user can look around.
    fn connect(&self) -> io::Result<OwnedFd> {
        match self {
            Target::Unix(path) => {
                let socket = UnixStream::connect(path)?;
                socket.set_write_timeout(Some(LOOK_EVERY))?;
                Ok(socket.into())
            }
            Target::Tcp(place) => {
                let mut failed = io::Error::from(io::ErrorKind::AddrNotAvailable);
                for address in place.resolve()? {
                    match TcpStream::connect_timeout(&address, CONNECT_TIMEOUT) {
                        // A port of our own range with nobody behind it can be connected to itself (RFC 9293, 3.5).
                        Ok(socket) if socket.local_addr().is_ok_and(|ours| ours == address) => {
                            failed = io::ErrorKind::ConnectionRefused.into();
                        }
                        Ok(socket) => {
                            socket.set_write_timeout(Some(LOOK_EVERY))?;
                            // Batches are whole already; waiting for more would only delay the last.
                            socket.set_nodelay(true)?;
                            return Ok(socket.into());
                        }
                        Err(error) => failed = error,
                    }
                }
                Err(failed)
            }
        }
    }
}

/// Why the receiver is gone, if it is; what it may have sent is thrown away.
///
/// Without this look, the first batch after the receiver's end would be taken by the kernel and lost.
fn is_gone(socket: &OwnedFd) -> Option<Errno> {
    let mut thrown_away = [0; 512];
    loop {
        match recv(socket, &mut thrown_away, RecvFlags::DONTWAIT) {
            Ok((_, 0)) => return Some(Errno::PIPE),
            Ok(_) | Err(Errno::INTR) => {}
            Err(Errno::AGAIN) => return None,
            Err(errno) => return Some(errno),
        }
    }
}

/// 0.5 to 1, at random, so that a fleet does not come back all at once.
fn jitter() -> f64 {
    let random = RandomState::new().build_hasher().finish();
    0.5 + 0.5 * (random >> 11) as f64 / (1u64 << 53) as f64
}
