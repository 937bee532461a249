//! The access log: a line for each request, in the combined form that the tools of web servers read.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use chrono::DateTime;

use crate::base::{Books, Failure, LineSink, threads};
use crate::model::{NS_PER_SECOND, Timestamp};

/// Longest part of a line that a caller says: a URL, a name.
const SAID_BYTES_MAX: usize = 1024;

/// Lines that wait to be written; more are lost, and counted. A log must not hold up what it tells of.
const WAITING_LINES_MAX: usize = 8192;
/// How long the last lines are waited for at the end.
const FAREWELL: Duration = Duration::from_secs(1);

/// Where lines go.
type Sink = Box<dyn LineSink + Send>;
/// Opens another place.
type Open = Box<dyn FnOnce() -> Result<Sink, Failure> + Send>;

/// The thread that writes lines: whoever reads them may stop doing so.
pub struct AccessLog {
    told: Option<SyncSender<Option<String>>>,
    thread: JoinHandle<()>,
    shared: Arc<Shared>,
}

/// What the thread and those whom it serves share.
struct Shared {
    /// Another place that is to be opened before the next line; a queue that is full must not lose it.
    turn: Mutex<Option<Open>>,
    /// Lines that wait.
    waiting: AtomicU64,
    books: Arc<Books>,
}

/// What a line says.
pub struct Entry<'a> {
    /// Who called, an address.
    pub client: &'a str,
    /// The caller's name, where it was asked for and believed.
    pub user: Option<&'a str>,
    /// When.
    pub at: Timestamp,
    /// The method.
    pub method: &'a str,
    /// Path and query.
    pub target: &'a str,
    /// The status of the answer.
    pub status: u16,
    /// Bytes of the body that are known.
    pub bytes: Option<u64>,
    /// What called.
    pub agent: Option<&'a str>,
    /// How long it took, in microseconds.
    pub took_us: u128,
}

impl AccessLog {
    /// Writes to `sink`.
    ///
    /// # Errors
    /// When there can be no thread.
    pub fn start(sink: Sink, books: &Arc<Books>) -> Result<AccessLog, Failure> {
        let (told, heard) = sync_channel(WAITING_LINES_MAX);
        let shared = Shared { turn: Mutex::default(), waiting: AtomicU64::new(0), books: Arc::clone(books) };
        let shared = Arc::new(shared);
        let of_thread = Arc::clone(&shared);
        let named = thread::Builder::new().name("access log".into());
        let thread = named.spawn(move || write_all(sink, &heard, &of_thread));
        let thread = thread.map_err(|source| Failure::io("cannot start", "a thread", source))?;
        Ok(AccessLog { told: Some(told), thread, shared })
    }

    /// Writes to another place from now on, if `open` finds one.
    pub fn turn_to(&self, open: Open) {
        *self.shared.turn.lock().unwrap_or_else(PoisonError::into_inner) = Some(open);
        // A thread that has lines to write sees it without being told.
        let _ = self.told.as_ref().map(|told| told.try_send(None));
    }

    /// Writes a line.
    pub fn write(&self, entry: &Entry<'_>) {
        let Some(told) = &self.told else { return };
        self.shared.waiting.fetch_add(1, Ordering::AcqRel);
        if told.try_send(Some(entry.line())).is_err() {
            self.shared.waiting.fetch_sub(1, Ordering::AcqRel);
            self.shared.lose(1);
        }
    }
}

impl Drop for AccessLog {
    /// Waits for the last lines, unless nobody takes them.
    fn drop(&mut self) {
        self.told = None;
        threads::await_end(std::slice::from_ref(&self.thread), FAREWELL);
        self.shared.lose(self.shared.waiting.swap(0, Ordering::AcqRel));
    }
}

impl Shared {
    fn lose(&self, lines: u64) {
        if lines > 0 {
            self.books.dropped("the access log", lines);
            self.books
                .warn("access log", &"the access log takes no more lines: those that cannot wait are lost");
        }
    }

    fn turned(&self, sink: Sink) -> Sink {
        let open = self.turn.lock().unwrap_or_else(PoisonError::into_inner).take();
        match open.map(|open| open()) {
            None => sink,
            Some(Ok(opened)) => {
                self.books.note(&"the access log is opened again");
                opened
            }
            Some(Err(failure)) => {
                self.books.complain(&format_args!("the access log stays where it was: {failure}"));
                sink
            }
        }
    }
}

fn write_all(mut sink: Sink, heard: &Receiver<Option<String>>, shared: &Shared) {
    while let Ok(first) = heard.recv() {
        let mut result = Ok(());
        for line in std::iter::once(first).chain(heard.try_iter()) {
            if shared.turn.lock().is_ok_and(|turn| turn.is_some()) {
                result = result.and(sink.flush());
                sink = shared.turned(sink);
            }
            if let Some(line) = line {
                result = result.and(sink.line(line.as_bytes()));
                shared.waiting.fetch_sub(1, Ordering::AcqRel);
            }
        }
        if let Err(failure) = result.and(sink.flush()) {
            shared.books.warn("access log", &format_args!("the access log: {failure}"));
        }
    }
}

impl Entry<'_> {
    /// `ADDRESS - USER [TIME] "METHOD TARGET HTTP/1.1" STATUS BYTES "-" "AGENT" MICROSECONDS`
    fn line(&self) -> String {
        let time = DateTime::from_timestamp(self.at.ns().div_euclid(NS_PER_SECOND), 0).unwrap_or_default();
        let time = time.format("%d/%b/%Y:%H:%M:%S +0000");
        let bytes = self.bytes.map_or("-".to_owned(), |bytes| bytes.to_string());
        format!(
            "{} - {} [{time}] \"{} {} HTTP/1.1\" {} {bytes} \"-\" \"{}\" {}",
            said(self.client),
            said(self.user.unwrap_or("-")).replace(' ', "\\x20"),
            self.method,
            said(self.target),
            self.status,
            said(self.agent.unwrap_or("-")),
            self.took_us
        )
    }
}

/// What callers say, without what could end a field or a line.
fn said(text: &str) -> String {
    let mut out = String::with_capacity(text.len().min(SAID_BYTES_MAX));
    for character in text.chars() {
        if out.len() >= SAID_BYTES_MAX {
            out.push_str("...");
            break;
        }
        match character {
            '"' | '\\' => _ = write!(out, "\\{character}"),
            control if control.is_control() => _ = write!(out, "\\x{:02x}", u32::from(control)),
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_one_line_whatever_callers_say() {
        let entry = Entry {
            client: "192.0.2.1",
            user: Some("eve\n192.0.2.2 - admin"),
            at: Timestamp::parse(b"2026-11-22T10:00:01.5Z").unwrap(),
            method: "GET",
            target: "/v1/metric?name=\"x\"",
            status: 200,
            bytes: Some(17),
            agent: None,
            took_us: 250,
        };
        assert_eq!(
            entry.line(),
            "192.0.2.1 - eve\\x0a192.0.2.2\\x20-\\x20admin [22/Nov/2026:10:00:01 +0000] \
             \"GET /v1/metric?name=\\\"x\\\" HTTP/1.1\" 200 17 \"-\" \"-\" 250"
        );
    }
}
