//! Signals: TERM and INT stop the input, USR1 shows the books, HUP asks for a reopening.

use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGUSR1};
use signal_hook::iterator::Signals;
use signal_hook::low_level;

use super::Books;

/// Whether the process was asked to stop or to reopen its files; shared by all its threads.
pub struct Stop {
    requested: AtomicBool,
    reloads: AtomicU64,
    /// Readable from the moment a stop is requested, for ever, and from a reload until [`Stop::woken`]: whoever polls it
    /// wakes up.
    readable: UnixStream,
    writable: UnixStream,
}

impl Stop {
    /// One that only [`Stop::request`] sets: for tests and for engines inside other programs.
    ///
    /// # Errors
    /// When the system has no descriptors left.
    pub fn new() -> io::Result<Stop> {
        let (readable, writable) = UnixStream::pair()?;
        // Nobody waits here: a full pipe is as readable as one byte more, and an empty one is not waited for.
        readable.set_nonblocking(true)?;
        writable.set_nonblocking(true)?;
        Ok(Stop { requested: AtomicBool::new(false), reloads: AtomicU64::new(0), readable, writable })
    }

    /// Asks everybody to finish the record in hand.
    pub fn request(&self) {
        self.requested.store(true, Ordering::Release);
        let _ = (&self.writable).write(b"x");
    }

    /// Whether somebody asked for the end.
    pub fn requested(&self) -> bool {
        self.requested.load(Ordering::Acquire)
    }

    /// Asks for files to be reopened and configurations to be read again.
    pub fn request_reload(&self) {
        self.reloads.fetch_add(1, Ordering::AcqRel);
        let _ = (&self.writable).write(b"x");
    }

    /// Called behind each wait for [`Stop::as_fd`]: whether a reload ended it. The caller calls its `pause`, which
    /// takes the reload up, before it waits again.
    ///
    /// Of several threads that wait one may hear of a reload alone.
    pub fn woken(&self) -> bool {
        let mut bytes = [0; 64];
        if self.requested() || !matches!((&self.readable).read(&mut bytes), Ok(1..)) {
            return false;
        }
        // A stop that was requested meanwhile stays readable.
        if self.requested() {
            let _ = (&self.writable).write(b"x");
        }
        true
    }

    /// How often a reopening was asked for; compare with the number seen last.
    pub fn reloads(&self) -> u64 {
        self.reloads.load(Ordering::Acquire)
    }

    /// Becomes readable when a stop is requested, and then stays so; when a reload is, until [`Stop::woken`].
    pub fn as_fd(&self) -> BorrowedFd<'_> {
        self.readable.as_fd()
    }
}

/// Starts the thread that takes the process's signals.
///
/// The second TERM or INT ends the process at once with status 128 + signal. USR1 writes the books. HUP is taken
/// only with `takes_hup`; elsewhere it keeps its default, so that a closed terminal ends the filter.
///
/// # Errors
/// When the handlers cannot be registered.
pub fn install(books: &Arc<Books>, takes_hup: bool) -> io::Result<Arc<Stop>> {
    let stop = Arc::new(Stop::new()?);
    let mut signals = Signals::new([SIGTERM, SIGINT, SIGUSR1])?;
    if takes_hup {
        signals.add_signal(SIGHUP)?;
    }
    let (for_thread, books) = (Arc::clone(&stop), Arc::clone(books));
    thread::Builder::new().name("signals".into()).spawn(move || {
        for signal in signals.forever() {
            match signal {
                SIGUSR1 => {
                    if let Err(failure) = books.write_stats() {
                        books.complain(&failure);
                    }
                }
                SIGHUP => for_thread.request_reload(),
                _ if for_thread.requested() => low_level::exit(128 + signal),
                _ => for_thread.request(),
            }
        }
    })?;
    Ok(stop)
}
