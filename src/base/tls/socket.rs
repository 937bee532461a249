//! A connected stream socket, plain or under TLS, read and written the same way.

use std::fmt;
use std::io::{self, BufRead, Write};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::buffer::spare_capacity;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::net::{RecvFlags, SendFlags, Shutdown, recv, send, shutdown};
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, Connection, ProtocolVersion, ServerConfig, ServerConnection};

use super::why;

/// Ciphertext taken in one read: four of the longest TLS records, a pipe's buffer.
const READ_BYTES: usize = 64 * 1024;
/// Plaintext of one TLS record (RFC 8446, 5.1): one is sent at a time, so that it is known which the kernel took.
const RECORD_BYTES: usize = 16 * 1024;
/// How often a handshake of ours looks whether anybody still waits for it.
const LOOK_EVERY: Timespec = Timespec { tv_sec: 0, tv_nsec: 100_000_000 };
/// How long we wait for a server's first word behind the handshake: it is there within a round trip, or never.
const FIRST_WORD: Duration = Duration::from_secs(1);

/// A connected stream socket.
pub enum Socket {
    /// What is sent is what goes over the wire.
    Plain(OwnedFd),
    /// It goes encrypted.
    Tls(Box<TlsSocket>),
}

/// Why a connection is of no more use.
#[derive(Debug, thiserror::Error)]
pub enum Broken {
    /// The system said so; [`Errno::AGAIN`] and [`Errno::INTR`] only mean that it is to be tried again.
    #[error("{0}")]
    System(#[from] Errno),
    /// There was no connection in the first place.
    #[error("{0}")]
    Unconnected(#[from] io::Error),
    /// TLS cannot go on.
    #[error("{}", Words(.0))]
    Tls(rustls::Error),
    /// The connection ended without TLS's farewell: whoever cut it may have cut something off.
    #[error("the connection was cut off (no close_notify)")]
    Truncated,
    /// It ended before both sides knew each other.
    #[error("the connection ended within the handshake")]
    Unfinished,
    /// The handshake took too long.
    #[error("no handshake within {} s", .0.as_secs())]
    Late(Duration),
}

impl Broken {
    /// Whether the same may go well a moment later.
    pub fn is_passing(&self) -> bool {
        matches!(self, Broken::System(Errno::AGAIN | Errno::INTR))
    }
}

/// An error of TLS in our words.
struct Words<'a>(&'a rustls::Error);

impl fmt::Display for Words<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        why::write(self.0, f)
    }
}

impl Socket {
    /// Appends what one read(2) brings to `bytes`, which has room for it; 0 at the end.
    ///
    /// # Errors
    /// [`Broken`]; `AGAIN` when nothing has come that is of use to the caller.
    pub fn read(&mut self, bytes: &mut Vec<u8>) -> Result<usize, Broken> {
        match self {
            // Spare capacity instead of a zeroed slice: nothing is written twice.
            Socket::Plain(socket) => Ok(rustix::io::read(socket, spare_capacity(bytes))?),
            Socket::Tls(tls) => tls.read(bytes),
        }
    }

    /// Sends from the front of `bytes`; how many the kernel took. After `AGAIN` the same bytes come again.
    ///
    /// # Errors
    /// [`Broken`].
    pub fn send(&mut self, bytes: &[u8]) -> Result<usize, Broken> {
        match self {
            Socket::Plain(socket) => Ok(send(socket, bytes, SendFlags::NOSIGNAL)?),
            Socket::Tls(tls) => tls.send(bytes),
        }
    }

    /// Why the other side is gone, if it is; what it may have sent is thrown away.
    pub fn gone(&mut self) -> Option<Broken> {
        match self {
            Socket::Plain(socket) => plain_gone(socket),
            Socket::Tls(tls) => tls.gone(),
        }
    }

    /// Tells the other side that nothing more is sent.
    pub fn end(&mut self) {
        if let Socket::Tls(tls) = self {
            tls.connection.send_close_notify();
            // A receiver that takes no more does not get it either.
            let _ = tls.flush();
        }
        // Already gone is as good.
        let _ = shutdown(self.as_fd(), Shutdown::Write);
    }

    /// Behind [`Socket::end`], waits for the end of a peer that speaks TLS, and passes over what it still says.
    ///
    /// A peer that is slow may say something after our end, as the tickets of TLS 1.3. To a socket that is closed that is
    /// a fault, and the peer's kernel throws away what the peer has not read yet (RFC 9293, 3.10.7.1).
    pub fn await_end(&self, at_most: Duration) {
        let Socket::Tls(tls) = self else { return };
        let (end, mut thrown_away) = (Instant::now() + at_most, [0; 4096]);
        loop {
            match recv(&tls.socket, &mut thrown_away, RecvFlags::DONTWAIT) {
                Ok((_, 0)) => return,
                Ok(_) | Err(Errno::INTR) => continue,
                Err(Errno::AGAIN) => {}
                Err(_) => return,
            }
            let left = end.saturating_duration_since(Instant::now());
            let Some(left) = Timespec::try_from(left).ok().filter(|_| !left.is_zero()) else { return };
            let _ = poll(&mut [PollFd::new(&tls.socket, PollFlags::IN)], Some(&left));
        }
    }

    /// What to wait for before the next [`Socket::read`].
    pub fn interest(&self) -> PollFlags {
        match self {
            Socket::Tls(tls) if tls.connection.wants_write() => PollFlags::IN | PollFlags::OUT,
            _ => PollFlags::IN,
        }
    }

    /// Whether the end has come though the socket may say nothing more.
    pub fn has_ended(&self) -> bool {
        matches!(self, Socket::Tls(tls) if tls.ended.is_some())
    }
}

impl AsFd for Socket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Socket::Plain(socket) => socket.as_fd(),
            Socket::Tls(tls) => tls.socket.as_fd(),
        }
    }
}

fn plain_gone(socket: &OwnedFd) -> Option<Broken> {
    let mut thrown_away = [0; 512];
    loop {
        match recv(socket, &mut thrown_away, RecvFlags::DONTWAIT) {
            Ok((_, 0)) => return Some(Errno::PIPE.into()),
            Ok(_) | Err(Errno::INTR) => {}
            Err(Errno::AGAIN) => return None,
            Err(errno) => return Some(errno.into()),
        }
    }
}

/// One under TLS.
pub struct TlsSocket {
    socket: OwnedFd,
    connection: Connection,
    /// Plaintext that was taken for sending and is not yet with the kernel.
    unsent: usize,
    /// Whether a byte has come.
    heard: bool,
    ended: Option<Ended>,
}

/// How it ended.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Ended {
    /// With close_notify.
    InOrder,
    /// Without.
    CutOff,
}

impl TlsSocket {
    /// The server's side of a connection that was accepted, and does not block. Reads make the handshake.
    ///
    /// # Errors
    /// When `config` is of no use.
    pub fn accept(socket: OwnedFd, config: &Arc<ServerConfig>) -> Result<TlsSocket, Broken> {
        let connection = ServerConnection::new(Arc::clone(config)).map_err(Broken::Tls)?;
        Ok(TlsSocket::new(socket, connection.into()))
    }

    /// The client's side, with the handshake made, to `name`. The sends of `socket` block, for a time.
    ///
    /// With TLS 1.3 a server judges our certificate behind the handshake, and what was sent meanwhile would be lost:
    /// its first word is waited for, at most a second. `goes_on` is asked now and then whether anybody still waits.
    ///
    /// # Errors
    /// Why there is no connection, within `at_most`.
    pub fn connect(
        socket: OwnedFd,
        config: &Arc<ClientConfig>,
        name: ServerName<'static>,
        at_most: Duration,
        goes_on: &dyn Fn() -> bool,
    ) -> Result<TlsSocket, Broken> {
        let connection = ClientConnection::new(Arc::clone(config), name).map_err(Broken::Tls)?;
        let mut tls = TlsSocket::new(socket, connection.into());
        let began = Instant::now();
        let mut shaken_hands = None;
        loop {
            if let Some(broken) = tls.gone() {
                return Err(broken);
            }
            if tls.is_known() {
                return Ok(tls);
            }
            if !tls.connection.is_handshaking() {
                let since = *shaken_hands.get_or_insert_with(Instant::now);
                if since.elapsed() >= FIRST_WORD {
                    return Ok(tls);
                }
            } else if began.elapsed() >= at_most || !goes_on() {
                return Err(Broken::Late(at_most));
            }
            let mut polled = [PollFd::new(&tls.socket, PollFlags::IN)];
            // An interrupted wait is no harm.
            let _ = poll(&mut polled, Some(&LOOK_EVERY));
        }
    }

    fn new(socket: OwnedFd, connection: Connection) -> TlsSocket {
        TlsSocket { socket, connection, unsent: 0, heard: false, ended: None }
    }

    /// Whether the handshake is still under way.
    pub fn is_handshaking(&self) -> bool {
        self.connection.is_handshaking()
    }

    /// Whether anything has come at all: a probe that only connects says nothing.
    pub fn has_heard(&self) -> bool {
        self.heard
    }

    /// Whether the server has shown that it takes us.
    fn is_known(&self) -> bool {
        let Connection::Client(client) = &self.connection else { return !self.connection.is_handshaking() };
        match client.protocol_version() {
            Some(ProtocolVersion::TLSv1_3) => client.tls13_tickets_received() > 0,
            _ => !client.is_handshaking(),
        }
    }

    fn read(&mut self, bytes: &mut Vec<u8>) -> Result<usize, Broken> {
        let start = bytes.len();
        if self.ended.is_none() {
            self.flush_what_goes()?;
            let mut buffer = [MaybeUninit::uninit(); READ_BYTES];
            let ((came, _), _) = recv(&self.socket, &mut buffer[..], RecvFlags::DONTWAIT)?;
            let mut came = &*came;
            if came.is_empty() {
                self.ended = Some(Ended::CutOff);
            }
            self.heard |= !came.is_empty();
            while !came.is_empty() {
                self.take_in(&mut came, |plain| bytes.extend_from_slice(plain))?;
            }
            self.flush_what_goes()?;
            if bytes.len() > start {
                return Ok(bytes.len() - start);
            }
        }
        match self.ended {
            Some(Ended::InOrder) => Ok(0),
            Some(Ended::CutOff) if self.connection.is_handshaking() => Err(Broken::Unfinished),
            Some(Ended::CutOff) => Err(Broken::Truncated),
            None => Err(Errno::AGAIN.into()),
        }
    }

    /// Hands some of `came` to TLS, and the plaintext of it to `taker`.
    fn take_in(&mut self, came: &mut &[u8], mut taker: impl FnMut(&[u8])) -> Result<(), Broken> {
        if self.ended.is_some() {
            // Behind a close_notify nothing counts (RFC 8446, 6.1).
            *came = &[];
            return Ok(());
        }
        let taken = self.connection.read_tls(came).map_err(|_| Errno::IO)?;
        debug_assert!(taken > 0, "plaintext is taken out after each step, so there is room");
        let state = match self.connection.process_new_packets() {
            Ok(state) => state,
            Err(error) => {
                // The alert that says why; the other side may be gone already.
                let _ = self.flush();
                let _ = shutdown(&self.socket, Shutdown::Write);
                return Err(Broken::Tls(error));
            }
        };
        let mut reader = self.connection.reader();
        let mut left = state.plaintext_bytes_to_read();
        while left > 0 {
            let Ok(plain) = reader.fill_buf() else { break };
            let count = plain.len();
            taker(plain);
            reader.consume(count);
            left = left.saturating_sub(count.max(1));
        }
        if state.peer_has_closed() {
            self.ended = Some(Ended::InOrder);
        }
        Ok(())
    }

    fn send(&mut self, bytes: &[u8]) -> Result<usize, Broken> {
        if self.unsent == 0 {
            let record = &bytes[..bytes.len().min(RECORD_BYTES)];
            self.unsent = self.connection.writer().write(record).map_err(|_| Errno::IO)?;
        }
        self.flush()?;
        Ok(std::mem::take(&mut self.unsent))
    }

    fn gone(&mut self) -> Option<Broken> {
        let mut buffer = [MaybeUninit::uninit(); 4096];
        loop {
            if self.ended.is_some() {
                return Some(match self.connection.is_handshaking() {
                    true => Broken::Unfinished,
                    false => Errno::PIPE.into(),
                });
            }
            if let Err(broken) = self.flush_what_goes() {
                return Some(broken);
            }
            let mut came = match recv(&self.socket, &mut buffer[..], RecvFlags::DONTWAIT) {
                Ok(((came, _), _)) => &*came,
                Err(Errno::INTR) => continue,
                Err(Errno::AGAIN) => return None,
                Err(errno) => return Some(errno.into()),
            };
            if came.is_empty() {
                self.ended = Some(Ended::CutOff);
            }
            while !came.is_empty() {
                if let Err(broken) = self.take_in(&mut came, |_| {}) {
                    return Some(broken);
                }
            }
        }
    }

    /// Hands everything that TLS has to say to the kernel.
    fn flush(&mut self) -> Result<(), Broken> {
        let mut kernel = Kernel(&self.socket);
        while self.connection.wants_write() {
            self.connection
                .write_tls(&mut kernel)
                .map_err(|error| Errno::from_io_error(&error).unwrap_or(Errno::IO))?;
        }
        Ok(())
    }

    /// As [`TlsSocket::flush`]; what does not go now goes later.
    fn flush_what_goes(&mut self) -> Result<(), Broken> {
        match self.flush() {
            Err(broken) if broken.is_passing() => Ok(()),
            flushed => flushed,
        }
    }
}

/// The socket as what TLS writes to.
struct Kernel<'a>(&'a OwnedFd);

impl Write for Kernel<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(send(self.0, bytes, SendFlags::NOSIGNAL)?)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
