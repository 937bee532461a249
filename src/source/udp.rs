//! Floor 3 · UDP: one record, or a few lines, a datagram; what the kernel had to drop is in the books.

use std::fs;
use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::time::{Duration, Instant};

use memchr::memchr_iter;
use rustix::buffer::spare_capacity;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::net::{RecvFlags, recv, sockopt};

use super::{Source, Told};
use crate::base::address::HostPort;
use crate::base::{Block, Books, Chunk, Failure, Stop, clock};
use crate::model::Timestamp;
use crate::wire::Decoder;

/// Socket buffer asked for: at 100,000 datagrams a second, the usual 208 KiB lost 23-47 % of them, this none.
pub const SOCKET_BUFFER_BYTES: usize = 4 * 1024 * 1024;
/// Bytes handed out at once, the same as a read of a file.
const BLOCK_BYTES: usize = 256 * 1024;
/// The largest UDP payload is 65,507 bytes (65,527 with IPv6): with this much room none is ever cut.
const DATAGRAM_BYTES_MAX: usize = 64 * 1024;
/// How often the kernel's count of drops is looked up while datagrams come.
const DROPS_EVERY: Duration = Duration::from_secs(1);

/// A UDP socket, read as lines.
///
/// A line's number counts the lines received so far: the datagrams, when each is one record. The kernel's drops are
/// entered in the books once a second while datagrams come, so that SIGUSR1 shows them, and at the end. After a stop
/// was requested, what the socket holds already is handed out before the end.
pub struct UdpSource {
    socket: UdpSocket,
    name: String,
    decoder: Box<dyn Decoder>,
    /// When the decoder gives what it gathered; none for one that gathers nothing.
    flush_due: Option<Instant>,
    /// Whether the last of that was handed out.
    ended: bool,
    datagram: Vec<u8>,
    block: Vec<u8>,
    /// The number of the first line in `block`.
    first_line: u64,
    /// The number of the line that comes next.
    line: u64,
    buffer_bytes: usize,
    /// Bytes taken since a stop was requested: a sender that never pauses must not keep us.
    after_stop_bytes: usize,
    inode: u64,
    drops_seen: u32,
    drops_looked_up: Instant,
    /// Whether something came in since the drops were looked up: without it nothing can have been dropped.
    drops_unknown: bool,
    books: Arc<Books>,
}

impl UdpSource {
    /// A socket that listens at the first address of `place` that can be bound, with a buffer of `buffer_bytes`, and
    /// whose datagrams `decoder` makes lines of.
    ///
    /// A smaller buffer than asked for is a warning in the books.
    ///
    /// # Errors
    /// When no address can be bound.
    pub fn bind(
        place: &HostPort,
        name: &str,
        buffer_bytes: usize,
        decoder: Box<dyn Decoder>,
        books: &Arc<Books>,
    ) -> Result<UdpSource, Failure> {
        let cannot = |source| Failure::io("cannot listen at", name, source);
        let addresses = place.resolve().map_err(cannot)?;
        let socket = UdpSocket::bind(&addresses[..]).map_err(cannot)?;
        if sockopt::set_socket_recv_buffer_size_force(&socket, buffer_bytes).is_err() {
            sockopt::set_socket_recv_buffer_size(&socket, buffer_bytes)
                .map_err(|errno| cannot(errno.into()))?;
        }
        // socket(7): the kernel doubles what is asked for, for its own bookkeeping, and reports the double.
        let given = sockopt::socket_recv_buffer_size(&socket).map_err(|errno| cannot(errno.into()))? / 2;
        if given < buffer_bytes {
            books.warn(
                "socket buffer",
                &format_args!(
                    "{name}: the kernel gives a socket buffer of {given} bytes instead of {buffer_bytes}; \
                     bursts may be lost until net.core.rmem_max is raised (sysctl)"
                ),
            );
        }
        let inode = rustix::fs::fstat(&socket).map_err(|errno| cannot(errno.into()))?.st_ino;
        Ok(UdpSource {
            socket,
            name: name.to_owned(),
            flush_due: decoder.period().map(|period| Instant::now() + period),
            ended: false,
            decoder,
            datagram: Vec::with_capacity(DATAGRAM_BYTES_MAX),
            block: Vec::new(),
            first_line: 1,
            line: 1,
            buffer_bytes,
            after_stop_bytes: 0,
            inode,
            drops_seen: 0,
            drops_looked_up: Instant::now(),
            drops_unknown: false,
            books: Arc::clone(books),
        })
    }

    /// Takes the datagrams that have come, up to a block; how many bytes there were.
    fn receive(&mut self) -> Result<usize, Failure> {
        self.block.reserve(BLOCK_BYTES + DATAGRAM_BYTES_MAX);
        let at = Timestamp::from_ns(clock::now_ns());
        let (mut received, mut datagrams) = (0, 0);
        // A decoder that gathers fills no block: what came in is counted too.
        while self.block.len() < BLOCK_BYTES && received < BLOCK_BYTES {
            self.datagram.clear();
            match recv(&self.socket, spare_capacity(&mut self.datagram), RecvFlags::DONTWAIT) {
                Ok(_) if self.datagram.is_empty() => {}
                Ok(_) => {
                    let start = self.block.len();
                    let bytes = self.datagram.len() as u64;
                    let mut told = Told { source: &self.name, line: self.line, bytes, books: &self.books };
                    self.decoder.decode(&self.datagram, at, &mut self.block, &mut told);
                    self.line += memchr_iter(b'\n', &self.block[start..]).count() as u64;
                    received += self.datagram.len();
                    datagrams += 1;
                }
                Err(Errno::AGAIN) => break,
                // Interrupted, or word of a datagram that somebody sent from this socket: not about what comes in.
                Err(Errno::INTR | Errno::CONNREFUSED) => {}
                Err(errno) => return Err(Failure::io("cannot read", &self.name, errno.into())),
            }
        }
        self.drops_unknown |= received > 0;
        if self.flush_due.is_some() {
            self.books.count("datagrams", datagrams);
        }
        Ok(received)
    }

    /// Appends what the decoder gathered to the block when that is due, or when nothing more will come.
    fn flush_if_due(&mut self) {
        let now = Instant::now();
        let Some(due) = self.flush_due.filter(|due| self.ended || now >= *due) else { return };
        let start = self.block.len();
        self.decoder.flush(Timestamp::from_ns(clock::now_ns()), &mut self.block);
        self.line += memchr_iter(b'\n', &self.block[start..]).count() as u64;
        let period = self.decoder.period().unwrap_or_default();
        // A pace that is kept, unless we were held up for longer than it.
        self.flush_due = Some((due + period).max(now));
    }

    /// Waits for a datagram, a stop or a flush; no longer than until the drops are due to be looked up.
    fn wait(&mut self, stop: &Stop) {
        let drops = self.drops_unknown.then(|| DROPS_EVERY.saturating_sub(self.drops_looked_up.elapsed()));
        let flush = self.flush_due.map(|due| due.saturating_duration_since(Instant::now()));
        let timeout = drops.into_iter().chain(flush).min();
        let timeout = timeout.and_then(|left| Timespec::try_from(left).ok());
        let mut ready =
            [PollFd::new(&self.socket, PollFlags::IN), PollFd::from_borrowed_fd(stop.as_fd(), PollFlags::IN)];
        // An interrupted or failed wait is no harm: the caller asks for a stop, then receives.
        let _ = poll(&mut ready, timeout.as_ref());
        stop.woken();
    }

    /// Enters what the kernel dropped since the last time in the books.
    fn look_up_drops(&mut self) {
        self.drops_unknown = false;
        self.drops_looked_up = Instant::now();
        let Some(drops) = kernel_drops(self.inode) else { return };
        let more = drops.wrapping_sub(self.drops_seen);
        self.drops_seen = drops;
        self.books.dropped(&format!("{} by the kernel", self.name), u64::from(more));
    }
}

impl Source for UdpSource {
    fn name(&self) -> &str {
        &self.name
    }

    fn bound(&self) -> Option<SocketAddr> {
        self.socket.local_addr().ok()
    }

    fn next(
        &mut self,
        stop: &Stop,
        pause: &mut dyn FnMut() -> Result<(), Failure>,
    ) -> Result<Option<Chunk<'_>>, Failure> {
        self.block.clear();
        self.first_line = self.line;
        while self.block.is_empty() && !self.ended {
            if self.drops_unknown && self.drops_looked_up.elapsed() >= DROPS_EVERY {
                self.look_up_drops();
            }
            let stopped = stop.requested();
            let received = self.receive()?;
            if stopped {
                self.after_stop_bytes += received;
                self.ended = received == 0 || self.after_stop_bytes >= self.buffer_bytes;
            }
            self.flush_if_due();
            if received == 0 && self.block.is_empty() && !self.ended {
                pause()?;
                self.wait(stop);
            }
        }
        if self.block.is_empty() {
            return Ok(None);
        }
        Ok(Some(Chunk::Lines(Block { source: &self.name, bytes: &self.block, first_line: self.first_line })))
    }

    fn close(&mut self, _books: &Books) {
        self.look_up_drops();
    }
}

/// The kernel's count of datagrams dropped at the socket with this inode; none when it cannot be told.
///
/// The column `drops` of /proc/net/udp (proc_net_udp(5)): what the option SO_RXQ_OVFL reports, without unsafe code.
fn kernel_drops(inode: u64) -> Option<u32> {
    ["/proc/thread-self/net/udp", "/proc/thread-self/net/udp6"].iter().find_map(|path| {
        let table = fs::read_to_string(path).ok()?;
        table.lines().skip(1).find_map(|row| {
            let mut columns = row.split_ascii_whitespace();
            let found = columns.nth(9)?.parse() == Ok(inode);
            found.then(|| columns.last()?.parse().ok())?
        })
    })
}

#[cfg(test)]
mod tests {
    use super::super::testing::{lines_until_wait, texts, wait_for_lines};
    use super::*;
    use crate::base::Url;
    use crate::base::address::Address;
    use crate::base::testing::books;
    use crate::wire::meter::MeterReader;
    use std::thread;

    fn place(text: &str) -> HostPort {
        match Address::parse(text).unwrap() {
            Address::Url(url) => Url::host_port(&url).unwrap(),
            other => panic!("{other:?}"),
        }
    }

    fn lines() -> Box<dyn Decoder> {
        Box::new(MeterReader::of_lines())
    }

    fn source(buffer_bytes: usize) -> (UdpSource, UdpSocket, Arc<Books>) {
        let books = books();
        let source = UdpSource::bind(&place("udp://:0"), "udp://:0", buffer_bytes, lines(), &books).unwrap();
        let sender = UdpSocket::bind("127.0.0.1:0").unwrap();
        sender.connect(source.bound().unwrap()).unwrap();
        (source, sender, books)
    }

    #[test]
    fn every_datagram_is_a_line_or_some_and_an_empty_one_none() {
        let (mut source, sender, _) = source(SOCKET_BUFFER_BYTES);
        let largest = "x".repeat(65_507);
        for datagram in ["one", "two\n", "three\nfour", "", &largest] {
            sender.send(datagram.as_bytes()).unwrap();
        }
        let lines = wait_for_lines(&mut source, 5);
        assert_eq!(lines, ["one", "two", "three", "four", &largest]);
        assert_eq!(source.line, 6);
    }

    #[test]
    fn an_empty_host_is_loopback_and_the_other_family_works_too() {
        let books = books();
        let source = UdpSource::bind(&place("udp://:0"), "x", 65_536, lines(), &books).unwrap();
        assert_eq!(source.bound().unwrap().ip().to_string(), "127.0.0.1");
        // A machine without IPv6 has nothing to show here.
        if let Ok(mut six) = UdpSource::bind(&place("udp://[::1]:0"), "x", 65_536, lines(), &books) {
            let sender = UdpSocket::bind("[::1]:0").unwrap();
            sender.send_to(b"six", six.bound().unwrap()).unwrap();
            assert_eq!(wait_for_lines(&mut six, 1), ["six"]);
            assert_eq!(kernel_drops(six.inode), Some(0));
        }
    }

    #[test]
    fn a_hundred_thousand_datagrams_come_in_order_and_none_is_lost() {
        const DATAGRAMS: u64 = 100_000;
        /// Datagrams on their way at a time: 64 of them fit in any socket buffer.
        const WINDOW: u64 = 64;
        let (mut source, sender, books) = source(SOCKET_BUFFER_BYTES);
        let (received, receipts) = std::sync::mpsc::channel();
        let sending = thread::spawn(move || {
            let mut confirmed = 0;
            for number in 0..DATAGRAMS {
                while number - confirmed >= WINDOW {
                    confirmed = receipts.recv().unwrap();
                }
                sender.send(format!("{number:0510}").as_bytes()).unwrap();
            }
        });
        let stop = Stop::new().unwrap();
        let mut next = 0;
        while next < DATAGRAMS {
            let chunk = source.next(&stop, &mut || Ok(())).unwrap().unwrap();
            for line in texts(&chunk) {
                assert_eq!(line, format!("{next:0510}"));
                next += 1;
            }
            let _ = received.send(next);
        }
        sending.join().unwrap();
        source.close(&books);
        assert_eq!(books.dropped_total(), 0);
    }

    #[test]
    fn what_the_kernel_dropped_is_in_the_books() {
        let (mut source, sender, books) = source(4096);
        for number in 0..1000 {
            sender.send(format!("{number:0510}").as_bytes()).unwrap();
        }
        let kept = lines_until_wait(&mut source).len() as u64;
        assert!(kept < 1000);
        source.close(&books);
        assert_eq!(books.dropped_total(), 1000 - kept);
        assert_eq!(books.to_json()["dropped"]["udp://:0 by the kernel"], 1000 - kept);
    }

    #[test]
    fn a_stop_hands_out_what_the_socket_holds_and_then_ends() {
        let (mut source, sender, _) = source(SOCKET_BUFFER_BYTES);
        sender.send(b"last").unwrap();
        let stop = Stop::new().unwrap();
        stop.request();
        let chunk = source.next(&stop, &mut || Ok(())).unwrap();
        assert_eq!(texts(&chunk.unwrap()), ["last"]);
        assert!(source.next(&stop, &mut || Ok(())).unwrap().is_none());
    }
}
