//! Floor 3 · TCP and Unix stream sockets: a queue, and a thread that connects, sends, and connects again.
//!
//! While the receiver is there and slow, the caller waits. While it is away, the queue fills; when it is full, the
//! newest records are dropped and counted, or the caller waits, as asked. One that is connected and takes nothing for
//! [`STALLED_AFTER`] is as good as away.
//!
//! What becomes of a batch when the connection breaks is said in `delivery`.

use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use super::Sink;
use super::courier::{Batch, Courier, Link, Shared};
use super::delivery::{Delivery, LOOK_EVERY, Target, TlsTarget};
use super::framing::Framing;
use crate::base::address::HostPort;
use crate::base::{Books, Failure, LineSink, Stop, Url};
use crate::wire::meter::MeterWriter;

/// Bytes a batch: what the caller hands to the thread at once.
const BATCH_BYTES: usize = 64 * 1024;
/// What a queue may be asked to hold: a few batches at least, and at most what a host can spare.
pub const QUEUE_BYTES_RANGE: RangeInclusive<u64> = BATCH_BYTES as u64..=4 << 30;
/// An hour: longer, and whoever stops the program thinks it hangs.
pub const LINGER_SECONDS_MAX: f64 = 3600.0;

/// How long a receiver on a socket may take nothing of a batch: a slow one takes 64 KiB in that time, and one that hangs
/// must not hold up all other sinks for ever.
const STALLED_AFTER: Duration = Duration::from_secs(10);

/// What happens to records when the queue is full while the receiver is away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhenFull {
    /// The newest are dropped and counted.
    Drop,
    /// The caller waits.
    Wait,
}

/// How a stream sink queues.
#[derive(Clone, Copy, Debug)]
pub struct StreamOptions {
    /// Bytes queued at most.
    pub queue_bytes_max: usize,
    /// What happens when there are more.
    pub when_full: WhenFull,
    /// How long the end waits for what is queued to be delivered.
    pub linger: Duration,
}

impl Default for StreamOptions {
    /// 16 MiB (a minute of 500 samples a second), drop, ten seconds.
    fn default() -> StreamOptions {
        StreamOptions {
            queue_bytes_max: 16 * 1024 * 1024,
            when_full: WhenFull::Drop,
            linger: Duration::from_secs(10),
        }
    }
}

/// Reads `queue=`, `when_full=` and `linger=` of a URL.
///
/// # Errors
/// When a value makes no sense.
pub(super) fn queue_options(url: &Url) -> Result<StreamOptions, Failure> {
    let defaults = StreamOptions::default();
    Ok(StreamOptions {
        queue_bytes_max: url
            .bytes("queue", QUEUE_BYTES_RANGE)?
            .map_or(defaults.queue_bytes_max, |bytes| bytes as usize),
        when_full: match url.choice("when_full", &["drop", "wait"])? {
            "wait" => WhenFull::Wait,
            _ => WhenFull::Drop,
        },
        linger: url.seconds("linger", LINGER_SECONDS_MAX)?.unwrap_or(defaults.linger),
    })
}

/// A stream's receiver, which may come and go.
pub struct StreamSink {
    name: String,
    options: StreamOptions,
    shared: Arc<Shared>,
    /// How long a receiver that is there may take nothing; none where an attempt has a timeout of its own.
    stalled_after: Option<Duration>,
    /// Makes frames of lines; none where lines are sent.
    writer: Option<MeterWriter>,
    buffer: Vec<u8>,
    records: u64,
    /// When waiting ends, once a stop was requested or the sink closes.
    deadline: Option<Instant>,
    closed: bool,
    books: Arc<Books>,
    stop: Arc<Stop>,
}

impl StreamSink {
    /// Sends to a TCP receiver, lines or, with a `writer`, frames as Ceilometer's tcp publisher; `name` is for messages.
    ///
    /// # Errors
    /// When no thread can be started. A receiver that is away is waited for.
    pub fn tcp(
        place: HostPort,
        name: &str,
        writer: Option<MeterWriter>,
        options: StreamOptions,
        books: &Arc<Books>,
        stop: &Arc<Stop>,
    ) -> Result<StreamSink, Failure> {
        StreamSink::socket(Target::Tcp(place), name, writer, options, books, stop)
    }

    /// Sends to a TCP receiver that speaks TLS; otherwise as [`StreamSink::tcp`].
    ///
    /// # Errors
    /// As [`StreamSink::tcp`].
    pub fn tls(
        target: TlsTarget,
        name: &str,
        writer: Option<MeterWriter>,
        options: StreamOptions,
        books: &Arc<Books>,
        stop: &Arc<Stop>,
    ) -> Result<StreamSink, Failure> {
        StreamSink::socket(Target::Tls(target), name, writer, options, books, stop)
    }

    /// Sends to a Unix stream socket; otherwise as [`StreamSink::tcp`].
    ///
    /// # Errors
    /// As [`StreamSink::tcp`].
    pub fn unix(
        path: PathBuf,
        name: &str,
        options: StreamOptions,
        books: &Arc<Books>,
        stop: &Arc<Stop>,
    ) -> Result<StreamSink, Failure> {
        StreamSink::socket(Target::Unix(path), name, None, options, books, stop)
    }

    fn socket(
        target: Target,
        name: &str,
        writer: Option<MeterWriter>,
        options: StreamOptions,
        books: &Arc<Books>,
        stop: &Arc<Stop>,
    ) -> Result<StreamSink, Failure> {
        let framing = if writer.is_some() { Framing::Frames } else { Framing::Lines };
        let run = move |courier| Delivery { target, framing, courier }.run();
        let mut sink = StreamSink::start(name, options, books, stop, run)?;
        sink.writer = writer;
        sink.stalled_after = Some(STALLED_AFTER);
        Ok(sink)
    }

    /// A queue of this sink's manners, emptied by `run` in a thread of its own.
    ///
    /// # Errors
    /// When no thread can be started.
    pub(super) fn start(
        name: &str,
        options: StreamOptions,
        books: &Arc<Books>,
        stop: &Arc<Stop>,
        run: impl FnOnce(Courier) + Send + 'static,
    ) -> Result<StreamSink, Failure> {
        let shared = Arc::new(Shared::new());
        let courier =
            Courier { name: name.to_owned(), shared: Arc::clone(&shared), books: Arc::clone(books) };
        let started = thread::Builder::new().name("sink".into()).spawn(move || run(courier));
        started.map_err(|source| Failure::io("cannot start a thread for", name, source))?;
        Ok(StreamSink {
            name: name.to_owned(),
            options,
            shared,
            stalled_after: None,
            writer: None,
            buffer: Vec::with_capacity(BATCH_BYTES * 2),
            records: 0,
            deadline: None,
            closed: false,
            books: Arc::clone(books),
            stop: Arc::clone(stop),
        })
    }

    /// Appends one record to the buffer.
    fn take(&mut self, record: &[u8]) {
        let Some(writer) = &mut self.writer else {
            self.buffer.extend_from_slice(record);
            self.buffer.push(b'\n');
            self.records += 1;
            return;
        };
        match Framing::append_frame(writer, record, &mut self.buffer) {
            Ok(()) => self.records += 1,
            Err(why) => {
                self.books.unsendable(&format!("{} not sendable", self.name), 1);
                self.books.warn("not sendable", &format_args!("{}: not sendable: {why}", self.name));
            }
        }
    }

    /// Queues whole records; waits or drops them when there is no room.
    fn queue(&mut self, bytes: &[u8], records: u64) {
        let mut state = self.shared.state();
        while state.bytes > 0 && state.bytes + bytes.len() > self.options.queue_bytes_max {
            if self.stop.requested() && self.deadline.is_none() {
                self.deadline = Some(Instant::now() + self.options.linger);
            }
            let is_late = self.deadline.is_some_and(|deadline| Instant::now() >= deadline);
            let is_stalled = state.link == Link::Up
                && self.stalled_after.is_some_and(|most| state.moved.elapsed() >= most);
            let is_away =
                (state.link == Link::Down || is_stalled) && self.options.when_full == WhenFull::Drop;
            if is_late || is_away {
                drop(state);
                if is_stalled {
                    let name = &self.name;
                    let why =
                        format_args!("{name}: the receiver is connected and takes nothing; records dropped");
                    self.books.warn("stalled", &why);
                }
                self.books.undelivered(&format!("{} queue full", self.name), records);
                return;
            }
            state = self.shared.wait(state, LOOK_EVERY);
        }
        state.bytes += bytes.len();
        // Small batches share one: a record that came alone must not hold 64 KiB.
        match state.batches.back_mut().filter(|last| last.bytes.len() + bytes.len() <= BATCH_BYTES) {
            Some(last) => {
                last.bytes.extend_from_slice(bytes);
                last.records += records;
            }
            None => state.batches.push_back(Batch { bytes: bytes.to_vec(), records }),
        }
        drop(state);
        self.shared.changed.notify_all();
    }
}

impl LineSink for StreamSink {
    fn line(&mut self, record: &[u8]) -> Result<(), Failure> {
        self.take(record);
        if self.buffer.len() >= BATCH_BYTES { self.flush() } else { Ok(()) }
    }

    fn lines(&mut self, bytes: &[u8], records: u64) -> Result<(), Failure> {
        if self.writer.is_some() {
            bytes
                .split(|byte| *byte == b'\n')
                .filter(|line| !line.is_empty())
                .for_each(|line| self.take(line));
        } else {
            self.records += records;
            self.buffer.extend_from_slice(bytes);
        }
        if self.buffer.len() >= BATCH_BYTES { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<(), Failure> {
        if !self.buffer.is_empty() {
            let mut buffer = std::mem::take(&mut self.buffer);
            let records = std::mem::take(&mut self.records);
            self.queue(&buffer, records);
            buffer.clear();
            self.buffer = buffer;
        }
        Ok(())
    }

    /// Waits until the queue is empty, however long the receiver is away; after a stop, as long as the sink lingers.
    fn settle(&mut self) -> Result<(), Failure> {
        self.flush()?;
        let mut state = self.shared.state();
        while state.bytes > 0 && !state.finished {
            if self.stop.requested() {
                let deadline = *self.deadline.get_or_insert(Instant::now() + self.options.linger);
                if Instant::now() >= deadline {
                    let name = &self.name;
                    return Err(Failure::Unavailable(format!("{name}: not all records could be delivered")));
                }
            }
            state = self.shared.wait(state, LOOK_EVERY);
        }
        Ok(())
    }
}

impl Sink for StreamSink {
    fn name(&self) -> &str {
        &self.name
    }

    fn reopen(&mut self) -> Result<(), Failure> {
        Ok(())
    }

    /// Waits until all is delivered, for as long as the sink lingers.
    fn close(&mut self) -> Result<(), Failure> {
        let deadline = *self.deadline.get_or_insert(Instant::now() + self.options.linger);
        self.flush()?;
        self.closed = true;
        let mut state = self.shared.state();
        state.closing = true;
        self.shared.changed.notify_all();
        while !state.finished {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            state = self.shared.wait(state, left);
        }
        if state.finished {
            return Ok(());
        }
        state.abandoned = true;
        let lost = state.under_way + state.batches.iter().map(|batch| batch.records).sum::<u64>();
        let why = state.last_error.take().unwrap_or_else(|| {
            let why = match state.link {
                Link::New => "nothing has answered yet as the receiver would",
                _ => "the receiver is too slow",
            };
            why.to_owned()
        });
        drop(state);
        self.shared.changed.notify_all();
        if lost == 0 {
            return Ok(());
        }
        self.books.undelivered(&format!("{} not delivered", self.name), lost);
        Err(Failure::Unavailable(format!("{}: {lost} records could not be delivered: {why}", self.name)))
    }
}

impl Drop for StreamSink {
    fn drop(&mut self) {
        // A sink that was left out or never closed: its thread must not outlive it.
        if !self.closed {
            self.shared.state().abandoned = true;
            self.shared.changed.notify_all();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::testing::{Directory, books};
    use crate::base::{Address, Secret};
    use std::io::{BufRead, BufReader, Read};
    use std::net::{SocketAddr, TcpListener};
    use std::os::unix::net::UnixListener;

    struct Setup {
        sink: StreamSink,
        books: Arc<Books>,
        stop: Arc<Stop>,
    }

    fn setup(address: SocketAddr, options: StreamOptions) -> Setup {
        let Address::Url(url) = Address::parse(&format!("tcp://{address}")).unwrap() else {
            panic!("not a URL")
        };
        let (books, stop) = (books(), Arc::new(Stop::new().unwrap()));
        let sink =
            StreamSink::tcp(Url::host_port(&url).unwrap(), "tcp://x", None, options, &books, &stop).unwrap();
        Setup { sink, books, stop }
    }

    fn until(what: &str, mut holds: impl FnMut() -> bool) {
        let deadline = Instant::now() + Duration::from_secs(10);
        while !holds() {
            assert!(Instant::now() < deadline, "still not so: {what}");
            thread::yield_now();
        }
    }

    fn unused_address() -> SocketAddr {
        TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
    }

    fn options(queue_bytes_max: usize, when_full: WhenFull, linger_ms: u64) -> StreamOptions {
        StreamOptions { queue_bytes_max, when_full, linger: Duration::from_millis(linger_ms) }
    }

    #[test]
    fn all_lines_arrive_in_order_and_the_end_is_waited_for() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut setup = setup(listener.local_addr().unwrap(), StreamOptions::default());
        let receiver = thread::spawn(move || {
            let mut text = String::new();
            listener.accept().unwrap().0.read_to_string(&mut text).unwrap();
            text
        });
        let expected: String = (0..50_000).map(|number| format!("{number}\n")).collect();
        for number in 0..25_000 {
            setup.sink.line(number.to_string().as_bytes()).unwrap();
        }
        let rest: String = (25_000..50_000).map(|number| format!("{number}\n")).collect();
        setup.sink.lines(rest.as_bytes(), 25_000).unwrap();
        setup.sink.close().unwrap();
        assert!(receiver.join().unwrap() == expected);
        assert_eq!(setup.books.to_json()["written"], 50_000);
    }

    #[test]
    fn what_was_queued_while_the_receiver_was_away_arrives_when_it_is_back() {
        let address = unused_address();
        let mut setup = setup(address, StreamOptions::default());
        setup.sink.line(b"1").unwrap();
        setup.sink.flush().unwrap();
        until("the link is down", || setup.sink.shared.state().link == Link::Down);
        setup.sink.line(b"2").unwrap();
        setup.sink.flush().unwrap();
        let listener = TcpListener::bind(address).unwrap();
        let (first, _) = listener.accept().unwrap();
        let mut first = BufReader::new(first);
        let mut line = String::new();
        first.read_line(&mut line).unwrap();
        first.read_line(&mut line).unwrap();
        assert_eq!(line, "1\n2\n");
        // The receiver dies and comes back; nothing was on its way.
        drop((first, listener));
        setup.sink.line(b"3").unwrap();
        setup.sink.flush().unwrap();
        until("the link is down again", || setup.sink.shared.state().link == Link::Down);
        let listener = TcpListener::bind(address).unwrap();
        let receiver = thread::spawn(move || {
            let mut text = String::new();
            listener.accept().unwrap().0.read_to_string(&mut text).unwrap();
            text
        });
        setup.sink.line(b"4").unwrap();
        setup.sink.close().unwrap();
        assert_eq!(receiver.join().unwrap(), "3\n4\n");
        assert_eq!(setup.books.dropped_total(), 0);
    }

    #[test]
    fn a_receiver_that_is_connected_and_takes_nothing_is_not_waited_for() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut setup = setup(listener.local_addr().unwrap(), options(64 * 1024, WhenFull::Drop, 50));
        assert_eq!(setup.sink.stalled_after, Some(STALLED_AFTER));
        setup.sink.stalled_after = Some(Duration::from_millis(50));
        let (socket, _) = listener.accept().unwrap();
        // Nobody reads: the kernel takes some MiB, then nothing. Without an end to the wait this never returns.
        let line = vec![b'x'; 64 * 1024];
        for _ in 0..400 {
            setup.sink.line(&line).unwrap();
        }
        assert!(setup.books.to_json()["dropped"]["tcp://x queue full"].as_u64() > Some(0));
        assert_eq!(setup.books.trouble_status(), Some(69));
        drop(socket);
    }

    #[test]
    fn a_batch_cut_by_a_break_is_sent_again_from_its_first_unfinished_line() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut setup = setup(listener.local_addr().unwrap(), options(64 << 20, WhenFull::Wait, 10_000));
        // More than the kernel takes for a receiver that does not read.
        let line = vec![b'x'; 1000];
        let lines = [&line[..], b"\n"].concat().repeat(30_000);
        setup.sink.lines(&lines, 30_000).unwrap();
        let (mut first, _) = listener.accept().unwrap();
        first.read_exact(&mut [0; 5000]).unwrap();
        drop(first);
        let receiver = thread::spawn(move || {
            let socket = BufReader::new(listener.accept().unwrap().0);
            socket.lines().map(|line| line.unwrap().len()).collect::<Vec<_>>()
        });
        setup.sink.close().unwrap();
        let lengths = receiver.join().unwrap();
        assert!(!lengths.is_empty() && lengths.len() < 30_000, "{} lines the second time", lengths.len());
        assert!(lengths.iter().all(|length| *length == 1000), "a line was cut");
        assert_eq!(setup.books.to_json()["written"], 30_000);
    }

    #[test]
    fn frames_cut_by_a_break_are_sent_again_whole() {
        const RECORDS: usize = 20_000;
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let Address::Url(url) = Address::parse(&format!("tcp://{address}")).unwrap() else {
            panic!("no URL")
        };
        let (books, stop) = (books(), Arc::new(Stop::new().unwrap()));
        let writer = MeterWriter::new(&Secret::new("s"), Some("host".to_owned()));
        let long = options(64 << 20, WhenFull::Wait, 10_000);
        let place = Url::host_port(&url).unwrap();
        let mut sink = StreamSink::tcp(place, "tcp://x", Some(writer), long, &books, &stop).unwrap();
        let filler = "x".repeat(1000);
        for number in 0..RECORDS {
            sink.line(format!(r#"{{"name":"{filler}","volume":{number}}}"#).as_bytes()).unwrap();
        }
        sink.lines(b"{\"name\":\"\\ud800\",\"volume\":1}\n", 1).unwrap();
        sink.flush().unwrap();
        let (mut first, _) = listener.accept().unwrap();
        first.read_exact(&mut [0; 5000]).unwrap();
        drop(first);
        let receiver = thread::spawn(move || {
            let mut bytes = Vec::new();
            listener.accept().unwrap().0.read_to_end(&mut bytes).unwrap();
            bytes
        });
        sink.close().unwrap();
        let bytes = receiver.join().unwrap();
        let (end, records) = Framing::Frames.whole(&bytes);
        assert_eq!(end, bytes.len());
        assert!(records > 0 && records < RECORDS as u64, "{records} the second time");
        let mut rest = &bytes[..];
        while let Some((length, behind)) = rest.split_first_chunk::<8>() {
            let (message, behind) = behind.split_at(u64::from_le_bytes(*length) as usize);
            let node = crate::wire::msgpack::read(message).unwrap();
            assert_eq!(node.get("publisher_id").unwrap().as_text(), Some("host"));
            rest = behind;
        }
        assert_eq!(books.to_json()["written"], RECORDS);
        assert_eq!(books.to_json()["dropped"]["tcp://x not sendable"], 1);
    }

    #[test]
    fn a_full_queue_drops_the_newest_while_the_receiver_is_away() {
        let mut setup = setup(unused_address(), options(100, WhenFull::Drop, 1));
        until("the link is down", || setup.sink.shared.state().link == Link::Down);
        for _ in 0..10 {
            setup.sink.line(&[b'x'; 39]).unwrap();
            setup.sink.flush().unwrap();
        }
        assert_eq!(setup.books.to_json()["dropped"]["tcp://x queue full"], 8);
        assert_eq!(setup.sink.close().unwrap_err().status(), 69);
        assert_eq!(setup.books.to_json()["dropped"]["tcp://x not delivered"], 2);
    }

    #[test]
    fn a_caller_that_waits_for_room_is_let_go_after_a_stop() {
        let mut setup = setup(unused_address(), options(100, WhenFull::Wait, 1));
        setup.sink.line(&[b'x'; 99]).unwrap();
        setup.sink.flush().unwrap();
        setup.stop.request();
        setup.sink.line(&[b'x'; 99]).unwrap();
        setup.sink.flush().unwrap();
        assert!(setup.sink.close().is_err());
        assert_eq!(setup.books.dropped_total(), 2);
    }

    #[test]
    fn a_slow_receiver_makes_the_caller_wait_and_loses_nothing() {
        const LINES: usize = 100_000;
        let directory = Directory::new("slow-receiver");
        let path = directory.0.join("socket");
        let listener = UnixListener::bind(&path).unwrap();
        let (books, stop) = (books(), Arc::new(Stop::new().unwrap()));
        let small = options(1000, WhenFull::Drop, 10_000);
        let mut sink = StreamSink::unix(path, "unix:x", small, &books, &stop).unwrap();
        let receiver = thread::spawn(move || {
            let socket = BufReader::with_capacity(300, listener.accept().unwrap().0);
            socket.lines().map(|line| line.unwrap()).enumerate().all(|(at, line)| line == at.to_string())
        });
        for number in 0..LINES {
            sink.line(number.to_string().as_bytes()).unwrap();
            if number % 100 == 0 {
                sink.flush().unwrap();
            }
        }
        sink.close().unwrap();
        assert!(receiver.join().unwrap());
        assert_eq!((books.dropped_total(), &books.to_json()["written"]), (0, &serde_json::json!(LINES)));
    }

    #[test]
    fn an_end_with_nothing_queued_does_not_wait_for_a_receiver() {
        let mut setup = setup(unused_address(), options(100, WhenFull::Drop, 60_000));
        let start = Instant::now();
        setup.sink.close().unwrap();
        assert!(start.elapsed() < Duration::from_secs(30));
    }
}
