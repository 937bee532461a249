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
use std::sync::Arc;
use std::time::Duration;

use rustls::ClientConfig;
use rustls::pki_types::ServerName;

use super::courier::{Abandoned, Courier};
use super::framing::Framing;
use crate::base::Backoff;
use crate::base::address::HostPort;
use crate::base::tls::{self, Broken, ClientFiles, Socket, TlsSocket};
use crate::base::{Failure, Url};

/// Longer than three tries of a SYN (1 + 2 s); who has not answered by then is away.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(4);
/// How long a TLS handshake may take: as a listener's.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a TLS receiver has for its own end behind ours; the sink's linger ends it before.
const END_MAX: Duration = Duration::from_secs(5);
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
    Tls(TlsTarget),
    Unix(PathBuf),
}

/// A receiver that speaks TLS.
pub struct TlsTarget {
    place: HostPort,
    /// Kept from connection to connection: sessions are resumed.
    config: Arc<ClientConfig>,
    /// Whom its certificate must name.
    server_name: ServerName<'static>,
    /// Whether its certificate is not looked at.
    pub takes_anybody: bool,
}

impl TlsTarget {
    /// The receiver that `url` names, with what its options say of certificates. Reads the files.
    ///
    /// # Errors
    /// [`Failure::Usage`] for options that make no sense, [`Failure::Configuration`] for files that cannot be used.
    pub fn of_url(url: &Url) -> Result<TlsTarget, Failure> {
        let place = url.host_port()?;
        let files = ClientFiles::of_url(url)?;
        let name = url.value("server_name")?.unwrap_or(place.host()).to_owned();
        let server_name = ServerName::try_from(name).map_err(|_| {
            url.usage(&"is for no name that a certificate can have: give one with server_name=")
        })?;
        Ok(TlsTarget { place, config: tls::client(&files)?, server_name, takes_anybody: files.unverified })
    }
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
                let Some(socket) = &mut connection else {
                    connection = self.connection(&mut backoff)?;
                    continue;
                };
                match self.send(socket, &batch.bytes[sent..])? {
                    Ok(()) => {
                        self.written(&batch.bytes[sent..]);
                        sent = batch.bytes.len();
                        backoff.reset();
                    }
                    Err((whole, broken)) => {
                        self.written(&batch.bytes[sent..sent + whole]);
                        sent += whole;
                        self.courier.down("connection lost", &broken);
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
        if let Some(socket) = &mut connection {
            // So that the receiver sees an end even if it has sent something that nobody reads.
            socket.end();
            socket.await_end(END_MAX);
        }
        Ok(())
    }

    /// Connects, again and again; none when there is nothing to send and never will be.
    fn connection(&self, backoff: &mut Backoff) -> Result<Option<Socket>, Abandoned> {
        loop {
            let goes_on = || !self.courier.shared.state().abandoned;
            match self.target.connect(&goes_on) {
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
    fn send(&self, socket: &mut Socket, bytes: &[u8]) -> Result<Result<(), (usize, Broken)>, Abandoned> {
        let mut done = 0;
        let broken = loop {
            if done == bytes.len() {
                return Ok(Ok(()));
            }
            // Without this look, the first batch after the receiver's end would be taken by the kernel and lost.
            if let Some(broken) = socket.gone() {
                break broken;
            }
            match socket.send(&bytes[done..]) {
                Ok(sent) => done += sent,
                // The send timeout: the receiver is slow.
                Err(broken) if broken.is_passing() => {
                    if self.courier.shared.state().abandoned {
                        return Err(Abandoned);
                    }
                }
                Err(broken) => break broken,
            }
        };
        Ok(Err((self.framing.whole(&bytes[..done]).0, broken)))
    }
}

impl Target {
    /// A connection whose sends time out, so that its user can look around. `goes_on` says whether anybody waits.
    fn connect(&self, goes_on: &dyn Fn() -> bool) -> Result<Socket, Broken> {
        match self {
            Target::Unix(path) => {
                let socket = UnixStream::connect(path)?;
                socket.set_write_timeout(Some(LOOK_EVERY))?;
                Ok(Socket::Plain(socket.into()))
            }
            Target::Tcp(place) => Ok(Socket::Plain(connected(place)?)),
            Target::Tls(target) => {
                let (config, name) = (&target.config, target.server_name.clone());
                let socket = connected(&target.place)?;
                let tls = TlsSocket::connect(socket, config, name, HANDSHAKE_TIMEOUT, goes_on)?;
                Ok(Socket::Tls(Box::new(tls)))
            }
        }
    }
}

/// A TCP connection to the first address of `place` that answers.
fn connected(place: &HostPort) -> io::Result<OwnedFd> {
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
