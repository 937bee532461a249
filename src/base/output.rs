//! Output: whole lines, batched, written by descriptor.

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::sync::Arc;

use rustix::event::{PollFd, PollFlags, poll};

use super::{Books, Failure};

/// Bytes gathered before a write: the size of a pipe's buffer on Linux.
const BATCH_BYTES: usize = 64 * 1024;

/// Takes records, one line each, without their line feeds.
pub trait LineSink {
    /// Takes one record; it may stay in a buffer until [`LineSink::flush`].
    ///
    /// # Errors
    /// When a full buffer cannot be handed on.
    fn line(&mut self, record: &[u8]) -> Result<(), Failure>;

    /// Takes `records` whole lines at once, each with its line feed.
    ///
    /// # Errors
    /// As [`LineSink::line`].
    fn lines(&mut self, bytes: &[u8], records: u64) -> Result<(), Failure>;

    /// Hands on everything taken so far. Called before a read that may block, and at the end.
    ///
    /// # Errors
    /// When it cannot be handed on.
    fn flush(&mut self) -> Result<(), Failure>;

    /// Flushes, and returns when all that was taken has left this process or is known to be lost.
    ///
    /// What a flush does where nothing is queued. Whoever was asked to acknowledge records does so behind this.
    ///
    /// # Errors
    /// As [`LineSink::flush`].
    fn settle(&mut self) -> Result<(), Failure> {
        self.flush()
    }
}

/// Standard output or a file, as JSON lines, bytes as they come.
///
/// Std's own `Stdout` flushes at every line feed; a duplicated descriptor does not. A terminal is flushed by the
/// rule "before a read may block", like everything else.
pub struct Output {
    file: File,
    name: String,
    buffer: Vec<u8>,
    records: u64,
    books: Arc<Books>,
}

impl Output {
    /// Standard output.
    ///
    /// # Errors
    /// When the descriptor is closed.
    pub fn stdout(books: &Arc<Books>) -> Result<Output, Failure> {
        let name = "standard output";
        let descriptor = rustix::stdio::stdout().try_clone_to_owned();
        let descriptor = descriptor.map_err(|source| Failure::io("cannot write to", name, source))?;
        Ok(Output::of_file(File::from(descriptor), name, books))
    }

    /// An open file; `name` is for messages.
    pub fn of_file(file: File, name: &str, books: &Arc<Books>) -> Output {
        Output {
            file,
            name: name.to_owned(),
            buffer: Vec::with_capacity(BATCH_BYTES * 2),
            records: 0,
            books: Arc::clone(books),
        }
    }

    /// Enters in the books what became of the records at hand. Those that a reader left behind are nobody's loss.
    fn enter(&mut self, result: &Result<(), Failure>, bytes: usize) {
        let records = std::mem::take(&mut self.records);
        match result {
            Ok(()) => self.books.wrote(records, bytes as u64),
            Err(Failure::OutputClosed) => {}
            Err(_) => self.books.dropped(&self.name, records),
        }
    }

    fn write_out(&self, mut bytes: &[u8]) -> Result<(), Failure> {
        while !bytes.is_empty() {
            match (&self.file).write(bytes) {
                Ok(written) => bytes = &bytes[written..],
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                // Somebody else made our shared descriptor non-blocking, as terminals' users do.
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    let waited =
                        poll(&mut [PollFd::from_borrowed_fd(self.file.as_fd(), PollFlags::OUT)], None);
                    waited.map_err(|errno| Failure::io("cannot write to", &self.name, errno.into()))?;
                }
                Err(error) => return Err(Failure::io("cannot write to", &self.name, error)),
            }
        }
        Ok(())
    }
}

impl LineSink for Output {
    fn line(&mut self, record: &[u8]) -> Result<(), Failure> {
        self.records += 1;
        self.buffer.extend_from_slice(record);
        self.buffer.push(b'\n');
        if self.buffer.len() >= BATCH_BYTES { self.flush() } else { Ok(()) }
    }

    fn lines(&mut self, bytes: &[u8], records: u64) -> Result<(), Failure> {
        self.records += records;
        if bytes.len() >= BATCH_BYTES && self.buffer.is_empty() {
            let result = self.write_out(bytes);
            self.enter(&result, bytes.len());
            return result;
        }
        self.buffer.extend_from_slice(bytes);
        if self.buffer.len() >= BATCH_BYTES { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<(), Failure> {
        if self.buffer.is_empty() {
            return Ok(());
        }
        let result = self.write_out(&self.buffer);
        self.enter(&result, self.buffer.len());
        self.buffer.clear();
        result
    }
}
