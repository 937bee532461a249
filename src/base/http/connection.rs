//! One connection: what it is at, since when, and how it is told to end.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use hyper::body::{Body, Frame, SizeHint};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::Notify;

/// How long a sender may take from the first byte of a request to the end of its head, or for the TLS handshake.
pub const HEAD_TIME: Duration = Duration::from_secs(10);
/// How long a connection may be quiet between two requests: longer than the minute of most senders.
pub const IDLE_TIME: Duration = Duration::from_secs(120);

/// How long a reader may take for so many bytes of an answer that is on its way, or for the end of it.
pub const STUCK_TIME: Duration = Duration::from_secs(60);
/// What makes a reader slow and not stuck.
const TAKEN_BYTES_MIN: usize = 256 * 1024;

/// What a connection is at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Between two requests, or before the first.
    Idle,
    /// In the head of a request.
    Head,
    /// With a request that we know of.
    Busy,
    /// With an answer that is being made.
    Sending,
    /// With an answer that is made, and of which the system has not taken everything.
    Leaving,
}

/// The life signs of one connection.
pub struct Connection {
    /// Who sends.
    pub peer: SocketAddr,
    /// Told when the connection must end.
    pub cancel: Notify,
    state: Mutex<(Phase, Instant)>,
    /// Bytes taken since that instant.
    taken: AtomicUsize,
}

impl Connection {
    /// One that was just made.
    pub fn new(peer: SocketAddr) -> Connection {
        Connection {
            peer,
            cancel: Notify::new(),
            state: Mutex::new((Phase::Idle, Instant::now())),
            taken: AtomicUsize::new(0),
        }
    }

    /// The head of a request is there.
    pub fn begin(&self) {
        self.turn_to(Phase::Busy);
    }

    /// The response is known.
    pub fn send(&self) {
        self.turn_to(Phase::Sending);
    }

    /// All of the response is made, and what the system has not taken yet waits in a buffer.
    pub fn made(&self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.0 = Phase::Leaving;
    }

    /// Since when it is between two requests; none when it is not.
    pub fn idle_since(&self) -> Option<Instant> {
        let (phase, since) = self.state();
        (phase == Phase::Idle).then_some(since)
    }

    /// Whether it is quiet, or slow, for longer than may be.
    pub fn is_overdue(&self, now: Instant) -> bool {
        let (phase, since) = self.state();
        let most = match phase {
            Phase::Idle => IDLE_TIME,
            Phase::Head => HEAD_TIME,
            // The body has its own deadline, and the answer takes the time that the output takes.
            Phase::Busy => return false,
            Phase::Sending | Phase::Leaving => STUCK_TIME,
        };
        now.saturating_duration_since(since) > most
    }

    fn heard(&self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.0 == Phase::Idle {
            *state = (Phase::Head, Instant::now());
        }
    }

    /// Some of the answer was taken.
    fn told(&self, bytes: usize) {
        if self.taken.fetch_add(bytes, Ordering::Relaxed) + bytes < TAKEN_BYTES_MIN {
            return;
        }
        self.taken.store(0, Ordering::Relaxed);
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if matches!(state.0, Phase::Sending | Phase::Leaving) {
            state.1 = Instant::now();
        }
    }

    /// No buffer holds anything back.
    fn flushed(&self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.0 == Phase::Leaving {
            *state = (Phase::Idle, Instant::now());
        }
    }

    fn turn_to(&self, phase: Phase) {
        self.taken.store(0, Ordering::Relaxed);
        *self.state.lock().unwrap_or_else(PoisonError::into_inner) = (phase, Instant::now());
    }

    fn state(&self) -> (Phase, Instant) {
        *self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A body that tells its connection when all of it is made, or it is given up.
pub struct Leaving<B> {
    body: B,
    connection: Arc<Connection>,
}

impl<B> Leaving<B> {
    /// `body`, which is an answer on `connection`.
    pub fn new(body: B, connection: Arc<Connection>) -> Leaving<B> {
        connection.send();
        Leaving { body, connection }
    }
}

impl<B: Body + Unpin> Body for Leaving<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl<B> Drop for Leaving<B> {
    fn drop(&mut self) {
        self.connection.made();
    }
}

/// A stream that tells its connection when bytes come.
pub struct Watched<S> {
    stream: S,
    connection: Arc<Connection>,
}

impl<S> Watched<S> {
    /// `stream`, which is that of `connection`.
    pub fn new(stream: S, connection: Arc<Connection>) -> Watched<S> {
        Watched { stream, connection }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let result = Pin::new(&mut self.stream).poll_read(context, buffer);
        if buffer.filled().len() > before {
            self.connection.heard();
        }
        result
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.stream).poll_write(context, bytes);
        if let Poll::Ready(Ok(bytes)) = result {
            self.connection.told(bytes);
        }
        result
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        // hyper asks for this when its own buffer is empty.
        let result = Pin::new(&mut self.stream).poll_flush(context);
        if matches!(result, Poll::Ready(Ok(()))) {
            self.connection.flushed();
        }
        result
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        if let Poll::Ready(Ok(bytes)) = result {
            self.connection.told(bytes);
        }
        result
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}
