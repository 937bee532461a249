//! Floor 3 · TCP (with TLS or without) and Unix stream sockets: many senders, one thread, lines, and over TCP frames too.
//!
//! Senders take turns: each is read once a round, so that one that sends without end does not stop the others. What a
//! sender leaves unfinished when it goes is handed out as a line; whether it is a record is decided above. Under TLS it
//! is known whether the sender ended: what somebody cut off is no line.

use std::fs;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::net::sockopt;
use rustix::process::{Resource, getrlimit};
use rustls::ServerConfig;

use super::Source;
use super::frames::Input;
use crate::base::address::HostPort;
use crate::base::tls::{Broken, Socket, TlsSocket};
use crate::base::{Books, Chunk, Failure, Stop};
use crate::wire::meter::MeterReader;

/// Senders at a time: the usual limit of descriptors a process; a fleet larger than that sends UDP or through relays.
pub const CONNECTIONS_MAX: usize = 1024;
/// Descriptors left for everything else, when the process may not have many more than [`CONNECTIONS_MAX`].
const DESCRIPTORS_KEPT: u64 = 64;
/// Bytes asked for in one read of one sender: a pipe's buffer; a thousand of them are 64 MiB at most.
pub const READ_BYTES: usize = 64 * 1024;
/// Bytes of unfinished lines held for all senders together: a line of a megabyte from each would be a gigabyte.
const UNFINISHED_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Connections taken at once before those that are there have their turn again.
const ACCEPTED_MAX: usize = 64;
/// Bytes still taken after a stop was requested: what the buffers of many quiet senders hold, or of one that is not.
const AFTER_STOP_BYTES_MAX: usize = 16 * 1024 * 1024;
/// How long no connection is accepted after the system had no descriptor or memory for one.
const ACCEPT_PAUSE: Duration = Duration::from_secs(1);
/// How long a sender's TLS handshake may take: three round trips and what a loaded machine needs. As with https.
const HANDSHAKE_MAX: Duration = Duration::from_secs(10);

/// A listening stream socket and its senders.
///
/// After a stop was requested, what the sockets hold already is handed out before the end; an unfinished line is not.
pub struct StreamSource {
    name: String,
    listener: Listener,
    /// What TLS is spoken with; none where it is not.
    tls: Option<Arc<ServerConfig>>,
    senders: Vec<Sender>,
    /// Whose turn it is; past the end when everybody had one.
    turn: usize,
    accepted: u64,
    senders_max: usize,
    unfinished_bytes_max: usize,
    line_max: usize,
    /// Says what comes, makes lines of frames, and looks whether lines are signed.
    reader: MeterReader,
    /// Lines that are not in a sender's own buffer.
    decoded: Vec<u8>,
    accept_after: Option<Instant>,
    /// Bytes handed out since a stop was requested.
    after_stop_bytes: usize,
    books: Arc<Books>,
}

enum Listener {
    Tcp(TcpListener),
    Unix { listener: UnixListener, path: PathBuf, identity: Option<(u64, u64)> },
}

struct Sender {
    socket: Socket,
    name: String,
    input: Input,
    /// When its TLS handshake must be over; none when it is, or there is none.
    known_until: Option<Instant>,
    readable: bool,
    gone: bool,
}

impl StreamSource {
    /// Listens at the first address of `place` that can be bound; `name` is for messages. `reader` says whether lines
    /// or frames come, `tls` what they come encrypted with.
    ///
    /// # Errors
    /// When no address can be bound.
    pub fn tcp(
        place: &HostPort,
        name: &str,
        reader: MeterReader,
        tls: Option<Arc<ServerConfig>>,
        line_max: usize,
        books: &Arc<Books>,
    ) -> Result<StreamSource, Failure> {
        let bound =
            place.resolve().and_then(|addresses| TcpListener::bind(&addresses[..])).and_then(|listener| {
                listener.set_nonblocking(true)?;
                Ok(listener)
            });
        let listener = bound.map_err(|source| Failure::io("cannot listen at", name, source))?;
        let source = StreamSource::new(Listener::Tcp(listener), name, reader, line_max, books);
        Ok(StreamSource { tls, ..source })
    }

    /// Listens at the Unix socket `path`, which is removed at the end.
    ///
    /// A socket that somebody left behind is removed; one that somebody listens at is not, nor is any other file.
    /// Who may connect is decided by the umask and the directory.
    ///
    /// # Errors
    /// When the socket cannot be made.
    pub fn unix(
        path: &Path,
        name: &str,
        line_max: usize,
        books: &Arc<Books>,
    ) -> Result<StreamSource, Failure> {
        let bound = UnixListener::bind(path).or_else(|error| {
            if error.kind() != io::ErrorKind::AddrInUse || !is_left_behind(path) {
                return Err(error);
            }
            fs::remove_file(path)?;
            UnixListener::bind(path)
        });
        let bound = bound.and_then(|listener| {
            listener.set_nonblocking(true)?;
            Ok(listener)
        });
        let listener = bound.map_err(|source| Failure::io("cannot listen at", name, source))?;
        let listener = Listener::Unix { listener, path: path.to_owned(), identity: identity_of(path) };
        Ok(StreamSource::new(listener, name, MeterReader::of_lines(), line_max, books))
    }

    fn new(
        listener: Listener,
        name: &str,
        reader: MeterReader,
        line_max: usize,
        books: &Arc<Books>,
    ) -> StreamSource {
        let descriptors = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
        let senders_max = descriptors.saturating_sub(DESCRIPTORS_KEPT).clamp(1, CONNECTIONS_MAX as u64);
        StreamSource {
            name: name.to_owned(),
            listener,
            tls: None,
            senders: Vec::new(),
            turn: 0,
            accepted: 0,
            senders_max: senders_max as usize,
            unfinished_bytes_max: UNFINISHED_BYTES_MAX,
            line_max,
            reader,
            decoded: Vec::new(),
            accept_after: None,
            after_stop_bytes: 0,
            books: Arc::clone(books),
        }
    }

    /// Waits until a sender or a new connection can be read; false when `timeout` passed before, or a handshake is to
    /// be given up.
    fn wait(&mut self, stop: &Stop, timeout: Option<Timespec>) -> bool {
        let accepting = self.accept_after.is_none_or(|after| Instant::now() >= after);
        let pause = (!accepting).then_some(ACCEPT_PAUSE);
        let patience = self.senders.iter().filter_map(|sender| sender.known_until).min();
        let patience = patience.map(|until| until.saturating_duration_since(Instant::now()));
        let soonest = pause.into_iter().chain(patience).min();
        let timeout = timeout.or(soonest.and_then(|soonest| Timespec::try_from(soonest).ok()));
        let listened = if accepting { PollFlags::IN } else { PollFlags::empty() };
        let mut polled = vec![
            PollFd::from_borrowed_fd(stop.as_fd(), PollFlags::IN),
            PollFd::from_borrowed_fd(self.listener.as_fd(), listened),
        ];
        polled
            .extend(self.senders.iter().map(|sender| PollFd::new(&sender.socket, sender.socket.interest())));
        // An interrupted or failed wait is no harm: nothing is ready then, and the caller comes again.
        let ready = poll(&mut polled, timeout.as_ref()).is_ok_and(|count| count > 0);
        stop.woken();
        let ready: Vec<bool> = polled.iter().map(|one| ready && !one.revents().is_empty()).collect();
        for (sender, ready) in self.senders.iter_mut().zip(&ready[2..]) {
            sender.readable = *ready;
        }
        if ready[1] {
            self.accept_after = None;
            self.accept();
        }
        ready[1..].contains(&true)
    }

    /// Parts with the sender of the longest unfinished line when all of them together are too long.
    fn limit_unfinished(&mut self) {
        let held: usize = self.senders.iter().map(|sender| sender.input.unfinished_bytes()).sum();
        if held <= self.unfinished_bytes_max {
            return;
        }
        if let Some(sender) = self.senders.iter_mut().max_by_key(|sender| sender.input.unfinished_bytes()) {
            let bytes = sender.input.unfinished_bytes();
            let what = "cut off with an unfinished line";
            self.books.dropped(&format!("{} {what}", self.name), 1);
            self.books
                .warn(what, &format_args!("{}: {what} of {bytes} bytes, as memory is full", sender.name));
            sender.gone = true;
        }
    }

    /// Parts with senders whose handshake takes too long.
    fn limit_handshakes(&mut self) {
        if self.tls.is_none() {
            return;
        }
        let now = Instant::now();
        for sender in &mut self.senders {
            if !sender.gone && sender.known_until.is_some_and(|until| until <= now) {
                sender.no_tls(&Broken::Late(HANDSHAKE_MAX), &self.books);
            }
        }
    }

    fn accept(&mut self) {
        for _ in 0..ACCEPTED_MAX {
            let (socket, from) = match self.listener.accept() {
                Ok(accepted) => accepted,
                Err(error) => {
                    // A connection that ended before it was accepted is nobody's loss; anything else needs time.
                    if !matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::ConnectionAborted) {
                        self.books.warn("accept", &format_args!("{}: cannot accept: {error}", self.name));
                        self.accept_after = Some(Instant::now() + ACCEPT_PAUSE);
                    }
                    return;
                }
            };
            if self.senders.len() >= self.senders_max {
                self.books.count("connections_refused", 1);
                let most = self.senders_max;
                self.books
                    .warn("refused", &format_args!("{}: refused one sender more than {most}", self.name));
                continue;
            }
            let socket = match &self.tls {
                None => Socket::Plain(socket),
                Some(config) => match TlsSocket::accept(socket, config) {
                    Ok(tls) => Socket::Tls(Box::new(tls)),
                    Err(error) => {
                        self.books.warn("TLS", &format_args!("{}: {error}", self.name));
                        continue;
                    }
                },
            };
            self.accepted += 1;
            // The files that TLS was set up with are the same for all senders, and long.
            let place = self.name.split('?').next().filter(|_| self.tls.is_some()).unwrap_or(&self.name);
            let from = from.unwrap_or_else(|| format!("sender {}", self.accepted));
            self.senders.push(Sender {
                socket,
                name: format!("{place} {from}"),
                input: Input::new(self.reader.form(), self.line_max),
                known_until: self.tls.as_ref().map(|_| Instant::now() + HANDSHAKE_MAX),
                readable: true,
                gone: false,
            });
        }
    }
}

impl Sender {
    /// Reads once.
    fn read(&mut self, books: &Books) {
        let came = self.input.read_from(&mut self.socket);
        if let (Socket::Tls(tls), Some(_)) = (&self.socket, self.known_until) {
            match &came {
                Err(error) if !error.is_passing() => return self.no_tls(error, books),
                _ if tls.is_handshaking() => {}
                _ => self.known_until = None,
            }
        }
        // The socket of one that has said goodbye need not say anything more.
        self.readable = self.socket.has_ended();
        match came {
            Ok(0) => {
                self.gone = true;
                self.socket.end();
                self.input.end(&self.name, books);
            }
            Ok(_) => {}
            Err(error) if error.is_passing() => {}
            Err(error) => {
                self.gone = true;
                self.broke(&error, books);
            }
        }
    }

    /// A connection that broke is one that ended, but under TLS.
    fn broke(&mut self, error: &Broken, books: &Books) {
        let Socket::Tls(_) = self.socket else { return self.input.end(&self.name, books) };
        books.count("tls_broken", 1);
        if let Broken::Tls(_) = error {
            books.warn("TLS", &format_args!("{}: TLS broke: {error}", self.name));
        }
        self.input.cut_off(&self.name, books);
    }

    /// The handshake failed.
    fn no_tls(&mut self, error: &Broken, books: &Books) {
        self.gone = true;
        // Whoever only looks whether somebody listens has done no wrong.
        if let (Socket::Tls(tls), Broken::Unfinished | Broken::System(_)) = (&self.socket, error)
            && !tls.has_heard()
        {
            return;
        }
        books.count("tls_failed", 1);
        books.warn("TLS", &format_args!("{}: no TLS: {error}", self.name));
    }
}

impl Source for StreamSource {
    fn name(&self) -> &str {
        &self.name
    }

    fn bound(&self) -> Option<SocketAddr> {
        match &self.listener {
            Listener::Tcp(listener) => listener.local_addr().ok(),
            Listener::Unix { .. } => None,
        }
    }

    fn next(
        &mut self,
        stop: &Stop,
        pause: &mut dyn FnMut() -> Result<(), Failure>,
    ) -> Result<Option<Chunk<'_>>, Failure> {
        loop {
            let stopped = stop.requested();
            if stopped && self.after_stop_bytes >= AFTER_STOP_BYTES_MAX {
                return Ok(None);
            }
            while let Some(sender) = self.senders.get_mut(self.turn) {
                if !sender.input.is_ready() && sender.readable {
                    sender.read(&self.books);
                }
                if sender.input.is_ready() {
                    let sender = &mut self.senders[self.turn];
                    let chunk =
                        sender.input.take(&sender.name, &mut self.reader, &mut self.decoded, &self.books);
                    if let (true, Chunk::Lines(block)) = (stopped, &chunk) {
                        self.after_stop_bytes += block.bytes.len();
                    }
                    return Ok(Some(chunk));
                }
                sender.gone |= sender.input.is_lost(&sender.name, &self.books);
                self.turn += 1;
            }
            self.limit_unfinished();
            self.limit_handshakes();
            self.senders.retain(|sender| !sender.gone);
            self.turn = 0;
            if !self.wait(stop, Some(Timespec { tv_sec: 0, tv_nsec: 0 })) {
                if stopped {
                    return Ok(None);
                }
                pause()?;
                self.wait(stop, None);
            }
        }
    }

    fn close(&mut self, _books: &Books) {
        self.senders.iter_mut().for_each(|sender| sender.socket.end());
        self.senders.clear();
        if let Listener::Unix { path, identity, .. } = &self.listener
            && identity_of(path) == *identity
        {
            // Already gone is as good.
            let _ = fs::remove_file(path);
        }
    }
}

impl Listener {
    /// The next connection, not blocking, and where it comes from if that has a name.
    fn accept(&self) -> io::Result<(OwnedFd, Option<String>)> {
        match self {
            Listener::Tcp(listener) => {
                let (socket, from) = listener.accept()?;
                socket.set_nonblocking(true)?;
                // So that a sender whose machine died is noticed some day.
                let _ = sockopt::set_socket_keepalive(&socket, true);
                Ok((socket.into(), Some(from.to_string())))
            }
            Listener::Unix { listener, .. } => {
                let (socket, _) = listener.accept()?;
                socket.set_nonblocking(true)?;
                Ok((socket.into(), None))
            }
        }
    }

    fn as_fd(&self) -> std::os::fd::BorrowedFd<'_> {
        match self {
            Listener::Tcp(listener) => listener.as_fd(),
            Listener::Unix { listener, .. } => listener.as_fd(),
        }
    }
}

/// Whether `path` is a socket that nobody listens at.
fn is_left_behind(path: &Path) -> bool {
    let is_socket = fs::symlink_metadata(path).is_ok_and(|metadata| metadata.file_type().is_socket());
    let refused = |error: io::Error| error.kind() == io::ErrorKind::ConnectionRefused;
    is_socket && UnixStream::connect(path).err().is_some_and(refused)
}

fn identity_of(path: &Path) -> Option<(u64, u64)> {
    fs::symlink_metadata(path).ok().map(|metadata| (metadata.dev(), metadata.ino()))
}

#[cfg(test)]
mod tests {
    use super::super::Options;
    use super::super::testing::{lines_until_wait, texts, wait_for_lines};
    use super::*;
    use crate::base::Address;
    use crate::base::lines::LINE_MAX;
    use crate::base::testing::{Directory, books};
    use crate::wire::meter::Form;
    use std::collections::BTreeMap;
    use std::io::Write;
    use std::net::TcpStream;
    use std::thread;

    fn tcp(line_max: usize) -> (StreamSource, SocketAddr, Arc<Books>) {
        let books = books();
        let Address::Url(url) = Address::parse("tcp://:0").unwrap() else { panic!("not a URL") };
        let reader = MeterReader::new(Form::Either, &Options::default().verification);
        let source =
            StreamSource::tcp(&url.host_port().unwrap(), "tcp://:0", reader, None, line_max, &books).unwrap();
        let address = source.bound().unwrap();
        (source, address, books)
    }

    #[test]
    fn many_senders_at_once_each_keep_their_order() {
        const SENDERS: usize = 50;
        const LINES: usize = 400;
        let (mut source, address, _) = tcp(LINE_MAX);
        let senders: Vec<_> = (0..SENDERS)
            .map(|sender| {
                thread::spawn(move || {
                    let mut socket = TcpStream::connect(address).unwrap();
                    for line in 0..LINES {
                        // In two pieces, so that lines of different senders would mix if they could.
                        socket.write_all(format!("{sender} ").as_bytes()).unwrap();
                        socket.write_all(format!("{line}\n").as_bytes()).unwrap();
                    }
                })
            })
            .collect();
        let lines = wait_for_lines(&mut source, SENDERS * LINES);
        senders.into_iter().for_each(|sender| sender.join().unwrap());
        let mut next: BTreeMap<String, usize> = BTreeMap::new();
        for line in lines {
            let (sender, number) = line.split_once(' ').unwrap();
            let expected = next.entry(sender.to_owned()).or_default();
            assert_eq!(number, expected.to_string(), "sender {sender}");
            *expected += 1;
        }
        assert!(next.values().all(|count| *count == LINES));
    }

    #[test]
    fn an_unfinished_line_is_handed_out_when_its_sender_goes_and_stops_nobody_before() {
        let (mut source, address, _) = tcp(LINE_MAX);
        let mut slow = TcpStream::connect(address).unwrap();
        slow.write_all(b"unfinish").unwrap();
        let mut other = TcpStream::connect(address).unwrap();
        other.write_all(b"whole\n").unwrap();
        assert_eq!(wait_for_lines(&mut source, 1), ["whole"]);
        slow.write_all(b"ed").unwrap();
        drop(slow);
        assert_eq!(wait_for_lines(&mut source, 1), ["unfinished"]);
    }

    #[test]
    fn a_stop_hands_out_what_the_sockets_hold_and_then_ends() {
        let (mut source, address, _) = tcp(LINE_MAX);
        let mut sender = TcpStream::connect(address).unwrap();
        sender.write_all(b"last\nunfinished").unwrap();
        let stop = Stop::new().unwrap();
        stop.request();
        let chunk = source.next(&stop, &mut || Ok(())).unwrap();
        assert_eq!(texts(&chunk.unwrap()), ["last"]);
        assert!(source.next(&stop, &mut || Ok(())).unwrap().is_none());
    }

    #[test]
    fn a_line_over_the_limit_is_reported_with_its_sender() {
        let (mut source, address, _) = tcp(100);
        let mut sender = TcpStream::connect(address).unwrap();
        sender.write_all(&[vec![b'x'; 200_000], b"\nshort\n".to_vec()].concat()).unwrap();
        assert_eq!(wait_for_lines(&mut source, 2), ["too long: 200000", "short"]);
        assert!(source.senders[0].name.starts_with("tcp://:0 127.0.0.1:"));
    }

    #[test]
    fn the_longest_unfinished_line_goes_when_all_are_too_long_together() {
        let (mut source, address, books) = tcp(LINE_MAX);
        source.unfinished_bytes_max = 100_000;
        let mut long = TcpStream::connect(address).unwrap();
        let mut short = TcpStream::connect(address).unwrap();
        short.write_all(b"sho").unwrap();
        // Cut off while it writes, or after.
        let _ = long.write_all(&[b'x'; 150_000]);
        let deadline = Instant::now() + Duration::from_secs(10);
        while books.dropped_total() == 0 {
            assert!(Instant::now() < deadline, "nobody was cut off");
            assert_eq!(lines_until_wait(&mut source), [""; 0]);
        }
        short.write_all(b"rt\n").unwrap();
        assert_eq!(wait_for_lines(&mut source, 1), ["short"]);
        assert_eq!(source.senders.len(), 1);
    }

    #[test]
    fn one_sender_too_many_is_refused_and_counted() {
        let (mut source, address, books) = tcp(LINE_MAX);
        source.senders_max = 2;
        let mut senders: Vec<TcpStream> = (0..3).map(|_| TcpStream::connect(address).unwrap()).collect();
        for sender in &mut senders {
            // The refused one may notice already.
            let _ = sender.write_all(b"here\n");
        }
        assert_eq!(wait_for_lines(&mut source, 2), ["here", "here"]);
        lines_until_wait(&mut source);
        assert_eq!(books.to_json()["connections_refused"], 1);
        senders.remove(0);
        assert_eq!(lines_until_wait(&mut source), [""; 0]);
        let mut late = TcpStream::connect(address).unwrap();
        late.write_all(b"late\n").unwrap();
        assert_eq!(wait_for_lines(&mut source, 1), ["late"]);
    }

    #[test]
    fn a_socket_left_behind_is_replaced_and_a_live_one_or_a_file_is_not() {
        let directory = Directory::new("unix-socket");
        let path = directory.0.join("socket");
        let listen = || StreamSource::unix(&path, "unix:socket", LINE_MAX, &books());
        drop(UnixListener::bind(&path).unwrap());
        assert!(path.exists());
        let mut source = listen().unwrap();
        assert!(listen().is_err());
        UnixStream::connect(&path).unwrap().write_all(b"one\n").unwrap();
        assert_eq!(wait_for_lines(&mut source, 1), ["one"]);
        source.close(&books());
        assert!(!path.exists());
        fs::write(&path, "precious").unwrap();
        assert!(listen().is_err());
        assert_eq!(fs::read(&path).unwrap(), b"precious");
    }
}
