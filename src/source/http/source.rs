//! The source: takes bodies from the server, hands their records out, and answers when those have left.

use std::borrow::Cow;
use std::fmt::Display;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use hyper::StatusCode;
use memchr::memchr;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Resource, getrlimit};
use tokio::sync::oneshot;

use super::answer::{Refusal, Verdict};
use super::auth::Guard;
use super::queue::Body;
use super::route::{ROUTES, Reader, Target};
use super::server::{self, Settings, Shared, Stage};
use crate::base::http::Listening;
use crate::base::http::coding::BadCoding;
use crate::base::tls::{self, SERVER_OPTIONS, ServerFiles};
use crate::base::{Block, Books, Chunk, Failure, Stop, Url, clock};
use crate::model::Timestamp;
use crate::source::{Options, Source};
use crate::wire::json::Reject;
use crate::wire::{Decoder, Faults};

/// The options of an http URL; an https one has also [`SERVER_OPTIONS`].
const OPTIONS: [&str; 6] = ["body_max", "queue", "connections", "linger", "token_file", "users_file"];
/// The options that only https has.
/// The longest body: sixty times what Ceilometer posts of a thousand samples, packed or not.
const BODY_BYTES_MAX: u64 = 16 * 1024 * 1024;
/// Memory for bodies that wait, all senders together: four of the longest.
const QUEUE_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// What a semaphore counts in one go.
const SIZE_MAX: u64 = 1024 * 1024 * 1024;
/// Senders at a time: the usual limit of descriptors a process.
const CONNECTIONS_MAX: u64 = 1024;
/// Descriptors left for everything else.
const DESCRIPTORS_KEPT: u64 = 64;
/// How long requests that are in hand when a stop is asked for may take.
const LINGER: Duration = Duration::from_secs(5);
/// More would be no end.
const LINGER_SECONDS_MAX: f64 = 3600.0;
/// Bytes handed out before their senders are answered, when more and more comes: a few writes of the output.
const SETTLE_BYTES_MAX: usize = 1024 * 1024;
/// Faults of one body that are told one by one; the books print fewer of each reason.
const FAULTS_KEPT_MAX: usize = 64;
/// A buffer that one large body made is not kept beyond this.
const LINES_BYTES_KEPT: usize = 4 * 1024 * 1024;

/// Records that are posted.
///
/// Each body is a block of lines, named by its sender. Its sender is answered when the block has left the process, or
/// is in the books; several blocks leave together when many come.
pub struct HttpSource {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
    bound: SocketAddr,
    line_max: usize,
    linger: Duration,
    /// When what is in hand is given up; none as long as nobody asked for a stop.
    deadline: Option<Instant>,
    /// The decoder of each route that was asked for.
    kept: [Option<Box<dyn Decoder>>; ROUTES.len()],
    lines: Vec<u8>,
    /// What messages call the block handed out last.
    name: String,
    unsettled: Vec<Unsettled>,
    unsettled_bytes: usize,
    /// Whether nothing was handed out since the last pause.
    paused: bool,
}

/// A sender whose records were handed out.
struct Unsettled {
    name: String,
    records: u64,
    faults: u64,
    answer: oneshot::Sender<Verdict>,
}

impl HttpSource {
    /// Listens at `http://HOST:PORT[/PREFIX]` or `https://…?cert=FILE&key=FILE`.
    ///
    /// # Errors
    /// [`Failure::Usage`] for options that make no sense, [`Failure::Configuration`] for files that cannot be used,
    /// else what the system said.
    pub fn open(url: &Url, options: &Options, books: &Arc<Books>) -> Result<HttpSource, Failure> {
        let is_tls = url.scheme() == "https";
        let tls_options = if is_tls { &SERVER_OPTIONS[..] } else { &[] };
        url.only_options(&[&OPTIONS[..], tls_options].concat())?;
        let (place, path) = url.host_port_path()?;
        let file = |key| Ok::<_, Failure>(url.value(key)?.map(Path::new));
        let tls = if is_tls { Some(tls::server(&ServerFiles::of_url(url)?)?) } else { None };
        let guard = Guard::from_files(file("token_file")?, file("users_file")?)?;
        let body_bytes_max = url.bytes("body_max", 1024..=SIZE_MAX)?.unwrap_or(BODY_BYTES_MAX);
        let queue = url.bytes("queue", 1024..=SIZE_MAX)?.unwrap_or(QUEUE_BYTES_MAX.max(body_bytes_max));
        if queue < body_bytes_max {
            return Err(
                url.usage(&format_args!("queue={queue} has no room for one body of {body_bytes_max}"))
            );
        }
        let descriptors = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
        let connections = url.bytes("connections", 1..=1 << 20)?.unwrap_or(CONNECTIONS_MAX);
        let cannot = |source| Failure::io("cannot listen at", url.name(), source);
        let listener = place.resolve().and_then(|addresses| TcpListener::bind(&addresses[..]));
        let listener = listener.map_err(cannot)?;
        let bound = listener.local_addr().map_err(cannot)?;
        if !guard.is_open() && !is_tls && !bound.ip().is_loopback() {
            books.warn(
                "no TLS",
                &format_args!("{}: secrets are sent to this address in the clear: use https", url.name()),
            );
        }
        let settings = Settings {
            prefix: path.trim_end_matches('/').to_owned(),
            body_bytes_max: body_bytes_max as usize,
            guard,
        };
        let connections_max = connections.min(descriptors.saturating_sub(DESCRIPTORS_KEPT)).max(1) as usize;
        let listening = Listening::new(name_without_options(url), connections_max, tls, books);
        let shared = Arc::new(Shared::new(settings, listening, queue as usize).map_err(cannot)?);
        let thread = server::start(listener, &shared).map_err(cannot)?;
        Ok(HttpSource {
            shared,
            thread: Some(thread),
            bound,
            line_max: options.line_max,
            linger: url.seconds("linger", LINGER_SECONDS_MAX)?.unwrap_or(LINGER),
            deadline: None,
            kept: std::array::from_fn(|_| None),
            lines: Vec::new(),
            name: String::new(),
            unsettled: Vec::new(),
            unsettled_bytes: 0,
            paused: false,
        })
    }

    /// Reads a body into `lines`; false when it has none, and its sender was answered.
    fn read(&mut self, body: Body) -> bool {
        let books = &self.shared.listening.books;
        self.lines.clear();
        self.lines.shrink_to(LINES_BYTES_KEPT);
        let target = Target { path: &body.path, query: &body.query };
        let decoder = match (&ROUTES[body.route].reader, &mut self.kept[body.route]) {
            (Reader::Kept(make) | Reader::Unpacking(_, make), kept) => Ok(kept.get_or_insert_with(make)),
            (Reader::Each(make), kept) => make(target).map(|decoder| kept.insert(decoder)),
        };
        let decoder = decoder.map_err(|why| Refusal::new(StatusCode::BAD_REQUEST, why));
        let understood =
            decoder.and_then(|decoder| Ok((decoder, unpack(&body, self.shared.settings.body_bytes_max)?)));
        let (decoder, unpacked) = match understood {
            Ok(understood) => understood,
            Err(refusal) => {
                books.read(1, body.bytes.len() as u64);
                books.reject(&body.name, 1, "bad request", &refusal.why);
                // A sender that has gone does not hear it.
                let _ = body.answer.send(Verdict::Refused(refusal));
                return false;
            }
        };
        books.watch(&body.name);
        let mut faults = Gathered::default();
        decoder.decode(&unpacked, Timestamp::from_ns(clock::now_ns()), &mut self.lines, &mut faults);
        faults.enter(books, &body.name, &self.lines);
        let too_long = self.drop_long_lines(&body.name);
        // From here on it is the output's turn to keep its memory small.
        drop(body.memory);
        let sender = Unsettled {
            records: count_records(&self.lines),
            faults: faults.count + too_long,
            name: body.name,
            answer: body.answer,
        };
        self.name.clone_from(&sender.name);
        if sender.records == 0 {
            sender.settle(&self.shared.listening.books);
            return false;
        }
        self.unsettled_bytes += self.lines.len();
        self.unsettled.push(sender);
        true
    }

    /// Makes lines over the limit empty, and enters them in the books.
    fn drop_long_lines(&mut self, name: &str) -> u64 {
        if self.lines.len() <= self.line_max {
            return 0;
        }
        let (mut kept, mut dropped) = (Vec::with_capacity(self.lines.len()), 0);
        for (index, line) in self.lines.split_inclusive(|byte| *byte == b'\n').enumerate() {
            if line.len() - 1 <= self.line_max {
                kept.extend_from_slice(line);
                continue;
            }
            kept.push(b'\n');
            dropped += 1;
            let reject = Reject::TooLong(line.len() as u64 - 1);
            self.shared.listening.books.read(1, line.len() as u64);
            self.shared.listening.books.reject(name, index as u64 + 1, reject.reason(), &reject);
        }
        self.lines = kept;
        dropped
    }

    /// Answers everybody whose records were handed out.
    fn settle(&mut self) {
        self.unsettled_bytes = 0;
        self.unsettled.drain(..).for_each(|sender| sender.settle(&self.shared.listening.books));
    }

    /// Nobody who waits will hear anything but "try again".
    fn give_up(&mut self) {
        self.shared.listening.stage.send_replace(Stage::Closing);
        self.shared.queue.clear();
        self.unsettled.drain(..).for_each(|sender| _ = self.shared.listening.books.unwatch(&sender.name));
    }

    /// Waits for a body, a stop, a reload, or the end of what is in hand.
    fn wait(&mut self, stop: &Stop) {
        let left = self.deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
        let timeout = left.and_then(|left| Timespec::try_from(left).ok());
        // After a stop its descriptor is readable for ever.
        let of_stop = if left.is_none() { PollFlags::IN } else { PollFlags::empty() };
        let mut ready = [
            PollFd::from_borrowed_fd(self.shared.queue.as_fd(), PollFlags::IN),
            PollFd::from_borrowed_fd(stop.as_fd(), of_stop),
        ];
        // An interrupted or failed wait is no harm: the caller looks for everything again.
        let _ = poll(&mut ready, timeout.as_ref());
        self.shared.queue.drain();
        self.paused &= !stop.woken();
    }
}

/// The body as it was before it was packed.
fn unpack(body: &Body, bytes_max: usize) -> Result<Cow<'_, [u8]>, Refusal> {
    body.coding.unpack(&body.bytes, bytes_max).map_err(|error| match error {
        BadCoding::TooLarge(_) => Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, error.to_string()),
        BadCoding::Broken(_) => Refusal::new(StatusCode::BAD_REQUEST, error.to_string()),
    })
}

impl Unsettled {
    /// Tells the sender what became of its records.
    fn settle(self, books: &Books) {
        let rejections = books.unwatch(&self.name);
        let rejected = rejections.count;
        let accepted = (self.records + self.faults).saturating_sub(rejected);
        // A sender that has gone does not hear it.
        let _ = self.answer.send(Verdict::Taken { accepted, rejected, first: rejections.first });
    }
}

impl Source for HttpSource {
    fn name(&self) -> &str {
        &self.shared.listening.name
    }

    fn bound(&self) -> Option<SocketAddr> {
        Some(self.bound)
    }

    fn acknowledges(&self) -> bool {
        true
    }

    fn next(
        &mut self,
        stop: &Stop,
        pause: &mut dyn FnMut() -> Result<(), Failure>,
    ) -> Result<Option<Chunk<'_>>, Failure> {
        loop {
            if stop.requested() && self.deadline.is_none() {
                self.deadline = Some(Instant::now() + self.linger);
                self.shared.listening.stage.send_replace(Stage::Stopping);
            }
            if self.unsettled_bytes < SETTLE_BYTES_MAX
                && let Some(body) = self.shared.queue.take()
            {
                if self.read(body) {
                    self.paused = false;
                    let lines = Block { source: &self.name, bytes: &self.lines, first_line: 1 };
                    return Ok(Some(Chunk::Lines(lines)));
                }
                continue;
            }
            if !self.paused {
                if let Err(failure) = pause() {
                    self.give_up();
                    return Err(failure);
                }
                self.paused = true;
            }
            if !self.unsettled.is_empty() {
                self.settle();
                continue;
            }
            if let Some(deadline) = self.deadline
                && (self.shared.in_hand.load(Ordering::SeqCst) == 0 || Instant::now() >= deadline)
            {
                return Ok(None);
            }
            if self.shared.gone.load(Ordering::Acquire) && self.deadline.is_none() {
                return Err(Failure::Bug("the http server's thread has ended".into()));
            }
            self.wait(stop);
        }
    }

    fn close(&mut self, _books: &Books) {
        self.give_up();
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            self.shared.listening.books.complain(&"internal error: the http server's thread panicked");
        }
    }
}

impl Drop for HttpSource {
    fn drop(&mut self) {
        self.give_up();
        if let Some(thread) = self.thread.take() {
            // Somebody who does not close us does not ask how it went.
            let _ = thread.join();
        }
    }
}

/// What a decoder found wrong with one body.
#[derive(Default)]
struct Gathered {
    kept: Vec<(&'static str, String)>,
    more: Vec<(&'static str, u64)>,
    skipped: Vec<(&'static str, u64)>,
    count: u64,
}

impl Faults for Gathered {
    fn fault(&mut self, reason: &'static str, why: &dyn Display) {
        self.count += 1;
        if self.kept.len() < FAULTS_KEPT_MAX {
            return self.kept.push((reason, why.to_string()));
        }
        add(&mut self.more, reason, 1);
    }

    fn skip(&mut self, kind: &'static str, records: u64) {
        if records > 0 {
            add(&mut self.skipped, kind, records);
        }
    }
}

/// Adds to the count of `name`; there are few names.
fn add(counts: &mut Vec<(&'static str, u64)>, name: &'static str, by: u64) {
    match counts.iter_mut().find(|(known, _)| *known == name) {
        Some((_, count)) => *count += by,
        None => counts.push((name, by)),
    }
}

impl Gathered {
    /// Enters the faults of the body `name` in the books. Its decoder left an empty line for each, or for none.
    fn enter(&self, books: &Books, name: &str, lines: &[u8]) {
        for (kind, records) in &self.skipped {
            books.read(*records, 0);
            books.skip(kind, *records);
        }
        if self.count == 0 {
            return;
        }
        books.read(self.count, 0);
        let empty = lines.split(|byte| *byte == b'\n').zip(1..).filter(|(line, _)| line.is_empty());
        let mut numbers = empty.map(|(_, number)| number);
        for (reason, why) in &self.kept {
            books.reject(name, numbers.next().unwrap_or(1), reason, why);
        }
        for (reason, count) in &self.more {
            (0..*count).for_each(|_| books.reject(name, 1, reason, reason));
        }
    }
}

/// How many lines have something in them.
fn count_records(mut lines: &[u8]) -> u64 {
    let mut count = 0;
    while let Some(end) = memchr(b'\n', lines) {
        // The first byte decides for almost all.
        let is_record = !lines[0].is_ascii_whitespace() || !lines[..end].trim_ascii().is_empty();
        count += u64::from(is_record);
        lines = &lines[end + 1..];
    }
    count
}

/// The URL up to its options: these are the same for all records, and long.
fn name_without_options(url: &Url) -> String {
    url.name().split('?').next().unwrap_or_default().to_owned()
}
