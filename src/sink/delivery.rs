//! Floor 3 · The thread behind a stream sink: connects, sends what is queued, and connects again.
//!
//! When a connection breaks, the batch under way is sent again from the first record that was not yet written whole.
//! What the kernel had taken before may have been read by the receiver or not: nobody tells, so it is not sent again,
//! and a record cut by the break arrives again whole. A receiver that ends its half of the connection counts as gone.

use std::io;
use std::net::TcpStream;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::time::Duration;

use rustix::io::Errno;
use rustix::net::{RecvFlags, SendFlags, Shutdown, recv, send, shutdown};

use super::courier::{Abandoned, Courier};
use super::framing::Framing;
use crate::base::Backoff;
use crate::base::address::HostPort;

/// Longer than three tries of a SYN (1 + 2 s); who has not answered by then is away.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(4);
/// How often a wait looks whether the end has come.
pub const LOOK_EVERY: Duration = Duration::from_millis(100);

/// The thread's side.
pub struct Delivery {
    pub target: Target,
    pub framing: Framing,
    pub courier: Courier,
}

/// Where a stream goes.
pub enum Target {
    Tcp(HostPort),
    Unix(PathBuf),
}

impl Delivery {
    /// Delivers until the end, or until nobody waits any more.
    pub fn run(self) {
        // Abandoned: whoever gave up has counted what was left.
        let _ = self.deliver();
        self.courier.finished();
    }

    fn deliver(&self) -> Result<(), Abandoned> {
        let mut backoff = Backoff::default();
        let mut connection = self.connection(&mut backoff)?;
        while let Some(batch) = self.courier.next_batch(0)? {
            let mut sent = 0;
            while sent < batch.bytes.len() {
                let Some(socket) = &connection else {
                    connection = self.connection(&mut backoff)?;
                    continue;
                };
                match self.send(socket, &batch.bytes[sent..])? {
                    Ok(()) => {
                        self.written(&batch.bytes[sent..]);
                        sent = batch.bytes.len();
                        backoff.reset();
                    }
                    Err((whole, errno)) => {
                        self.written(&batch.bytes[sent..sent + whole]);
                        sent += whole;
                        self.courier.down("connection lost", &errno);
                        connection = None;
                        // A receiver that hangs up on everybody is not called again and again at once.
                        if whole == 0 {
                            self.courier.pause(&mut backoff)?;
                        }
                    }
                }
            }
            self.courier.shared.state().under_way = 0;
        }
        if let Some(socket) = &connection {
            // So that the receiver sees an end even if it has sent something that nobody reads.
            let _ = shutdown(socket, Shutdown::Write);
        }
        Ok(())
    }

    /// Connects, again and again; none when there is nothing to send and never will be.
    fn connection(&self, backoff: &mut Backoff) -> Result<Option<OwnedFd>, Abandoned> {
        loop {
            match self.target.connect() {
                Ok(socket) => {
                    self.courier.up();
                    return Ok(Some(socket));
                }
                Err(error) => self.courier.down("cannot connect", &error),
            }
            if !self.courier.pause(backoff)? {
                return Ok(None);
            }
        }
    }

    /// Enters whole records that the kernel took, and makes room for others.
    fn written(&self, bytes: &[u8]) {
        let (_, records) = self.framing.whole(bytes);
        self.courier.books.wrote(records, bytes.len() as u64);
        // What the kernel took are delivered, whoever has given up meanwhile.
        let _ = self.courier.settled(records, bytes.len());
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
                Err(Errno::AGAIN) if self.courier.shared.state().abandoned => return Err(Abandoned),
                Err(Errno::AGAIN) => {}
                Err(errno) => break errno,
            }
        };
        Ok(Err((self.framing.whole(&bytes[..done]).0, errno)))
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
