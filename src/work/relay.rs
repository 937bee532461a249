//! Records from ways in to ways out: what telemetry-listen and telemetry-publish do.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, sync_channel};
use std::thread;

use super::records::{self, Line, Trouble, Worker, work_through};
use crate::base::{Block, Books, Chunk, Failure, LineSink, Stop};
use crate::sink::Sink;
use crate::source::Source;
use crate::wire::json::{Records, Reject};

/// Blocks that wait between the sources' threads and the one that checks and writes: 16 MiB of a reader's blocks.
const QUEUE_MAX: usize = 64;

/// Passes every line that is a record.
pub struct Relay {
    /// Whether a record that no tree can hold is rejected, because columns will be cut out of it.
    pub trees: bool,
}

impl Worker for Relay {
    #[inline]
    fn record(
        &mut self,
        records: &mut Records,
        line: Line<'_>,
        out: &mut dyn LineSink,
    ) -> Result<(), Trouble> {
        records.check(line.bytes)?;
        if self.trees {
            line.tree()?;
        }
        out.line(line.bytes)?;
        Ok(())
    }
}

/// Passes the records of all `sources` through `worker` to `out`, in the order of arrival, until all have ended or a stop is requested.
///
/// One source, or files that are all there, are read by this thread, one after the other; other sources get a thread
/// each, and wait when `out` does not keep up.
///
/// # Errors
/// What the output cannot recover from. A source that fails is reported, and the others go on.
pub fn relay<W: Worker>(
    mut sources: Vec<Box<dyn Source>>,
    records: &mut Records,
    worker: &mut W,
    out: &mut dyn LineSink,
    books: &Arc<Books>,
    stop: &Arc<Stop>,
) -> Result<(), Failure> {
    if sources.len() == 1 || sources.iter().all(|source| source.is_complete()) {
        for source in &mut sources {
            match records::run(source.as_mut(), records, worker, out, books, stop) {
                Err(failure @ Failure::Io { doing: "cannot read", .. }) => books.trouble(&failure),
                other => other?,
            }
        }
        return Ok(());
    }
    let (sender, receiver) = sync_channel(QUEUE_MAX);
    let mut readers = Vec::new();
    for source in sources {
        let (sender, books, stop) = (sender.clone(), Arc::clone(books), Arc::clone(stop));
        let name = source.name().to_owned();
        let reader =
            thread::Builder::new().name("source".into()).spawn(move || read(source, &sender, &books, &stop));
        readers.push(reader.map_err(|error| Failure::io("cannot start a thread for", name, error))?);
    }
    drop(sender);
    let result = write(&receiver, records, worker, out, books);
    // Readers that are still waiting for their source end now; those that wait for us see a closed channel.
    drop(receiver);
    stop.request();
    for reader in readers {
        if reader.join().is_err() {
            return Err(Failure::Bug("a source's thread panicked".into()));
        }
    }
    result
}

/// A chunk that has left its source's buffer.
enum Owned {
    Lines {
        source: String,
        first_line: u64,
        bytes: Vec<u8>,
    },
    TooLong {
        source: String,
        line: u64,
        bytes: u64,
    },
    /// A reload was asked for.
    Refresh,
    /// The reader waits for the answer, which comes when all that it sent before has left this process.
    Settle(SyncSender<()>),
}

fn read(mut source: Box<dyn Source>, sender: &SyncSender<Owned>, books: &Books, stop: &Stop) {
    let settles = source.acknowledges();
    // A writer that is gone never answers, and nothing may be acknowledged that it did not write.
    // One that was asked for before this thread began is taken up, too.
    let mut reloads = 0;
    let mut pause = || {
        let seen = std::mem::replace(&mut reloads, stop.reloads());
        if seen != reloads && sender.send(Owned::Refresh).is_err() {
            return Err(Failure::OutputClosed);
        }
        if !settles {
            return Ok(());
        }
        let (answer, answered) = sync_channel(1);
        let asked = sender.send(Owned::Settle(answer)).is_ok();
        if asked && answered.recv().is_ok() { Ok(()) } else { Err(Failure::OutputClosed) }
    };
    loop {
        let owned = match source.next(stop, &mut pause) {
            Ok(Some(Chunk::Lines(block))) => Owned::Lines {
                source: block.source.to_owned(),
                first_line: block.first_line,
                bytes: block.bytes.to_vec(),
            },
            Ok(Some(Chunk::TooLong { source, line, bytes })) => {
                Owned::TooLong { source: source.to_owned(), line, bytes }
            }
            // Why the output is closed is said by whoever closed it.
            Ok(None) | Err(Failure::OutputClosed) => break,
            Err(failure) => {
                books.trouble(&failure);
                break;
            }
        };
        if sender.send(owned).is_err() {
            break;
        }
    }
    source.close(books);
}

fn write<W: Worker>(
    receiver: &Receiver<Owned>,
    records: &mut Records,
    worker: &mut W,
    out: &mut dyn LineSink,
    books: &Books,
) -> Result<(), Failure> {
    loop {
        let owned = match receiver.try_recv() {
            Ok(owned) => owned,
            Err(TryRecvError::Disconnected) => break,
            Err(TryRecvError::Empty) => {
                worker.pause(out)?;
                let Ok(owned) = receiver.recv() else { break };
                owned
            }
        };
        match owned {
            Owned::Lines { source, first_line, bytes } => {
                let block = Block { source: &source, bytes: &bytes, first_line };
                worker.refresh(records)?;
                work_through(block, records, worker, out, books)?;
            }
            Owned::TooLong { source, line, bytes } => {
                let reject = Reject::TooLong(bytes);
                books.read(1, bytes);
                books.reject(&source, line, reject.reason(), &reject);
            }
            // The pause that follows makes the output take it up too.
            Owned::Refresh => worker.refresh(records)?,
            Owned::Settle(answer) => {
                worker.settle(out)?;
                // A reader that stopped waiting acknowledges nothing.
                let _ = answer.send(());
            }
        }
    }
    worker.pause(out)
}

/// A sink that is reopened when a HUP asked for it, between two blocks.
pub struct Reopening {
    sink: Box<dyn Sink>,
    stop: Arc<Stop>,
    books: Arc<Books>,
    seen: u64,
}

impl Reopening {
    /// `sink`, with `stop` telling of reloads; one that was asked for while the run began counts.
    pub fn new(sink: Box<dyn Sink>, stop: &Arc<Stop>, books: &Arc<Books>) -> Reopening {
        Reopening { sink, stop: Arc::clone(stop), books: Arc::clone(books), seen: 0 }
    }

    /// Hands on and syncs all that was taken.
    ///
    /// # Errors
    /// When the sink failed for good.
    pub fn close(&mut self) -> Result<(), Failure> {
        self.sink.close()
    }

    fn reopen_if_asked(&mut self) {
        let reloads = self.stop.reloads();
        if reloads != self.seen {
            self.seen = reloads;
            if let Err(failure) = self.sink.reopen() {
                self.books.trouble(&failure);
            }
        }
    }
}

impl LineSink for Reopening {
    fn line(&mut self, record: &[u8]) -> Result<(), Failure> {
        self.reopen_if_asked();
        self.sink.line(record)
    }

    fn lines(&mut self, bytes: &[u8], records: u64) -> Result<(), Failure> {
        self.reopen_if_asked();
        self.sink.lines(bytes, records)
    }

    fn flush(&mut self) -> Result<(), Failure> {
        self.reopen_if_asked();
        self.sink.flush()
    }

    fn settle(&mut self) -> Result<(), Failure> {
        self.reopen_if_asked();
        self.sink.settle()
    }
}
