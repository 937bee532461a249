//! The loop that all filters share: blocks of lines in, records to a worker, rejects to the books.

use serde_json::Value;

use crate::base::{Block, Books, Chunk, Failure, LineSink, Stop};
use crate::model::RecordKind;
use crate::source::Source;
use crate::wire::json::{Found, Records, Reject};

/// One line that is a JSON object.
#[derive(Clone, Copy)]
pub struct Line<'a> {
    /// Its bytes, without the line feed.
    pub bytes: &'a [u8],
    /// Where it comes from.
    pub source: &'a str,
    /// Its number in there, counted from 1.
    pub number: u64,
}

impl Line<'_> {
    /// The record as a tree.
    ///
    /// # Errors
    /// [`Reject::Unreadable`] when no tree can hold it: half a surrogate pair, a number over the range.
    pub fn tree(&self) -> Result<Value, Reject> {
        serde_json::from_slice(self.bytes).map_err(|_| Reject::Unreadable)
    }
}

/// What a filter does with each record.
pub trait Worker {
    /// Takes the record that `records` scanned last. A rejection is reported and counted by the loop.
    ///
    /// # Errors
    /// [`Trouble::Reject`] for a record that cannot be used; [`Trouble::Failure`] ends the run.
    fn record(
        &mut self,
        records: &mut Records,
        line: Line<'_>,
        out: &mut dyn LineSink,
    ) -> Result<(), Trouble>;

    /// Called between two blocks: the place to take up a changed configuration.
    ///
    /// # Errors
    /// What ends the run.
    fn refresh(&mut self, _records: &mut Records) -> Result<(), Failure> {
        Ok(())
    }

    /// Nothing more has come for the moment: hand on what waits to be handed on.
    ///
    /// # Errors
    /// What ends the run.
    fn pause(&mut self, out: &mut dyn LineSink) -> Result<(), Failure> {
        out.flush()
    }

    /// Returns when all that was handed on has left this process or is known to be lost; see [`LineSink::settle`].
    ///
    /// # Errors
    /// What ends the run.
    fn settle(&mut self, out: &mut dyn LineSink) -> Result<(), Failure> {
        out.settle()
    }
}

/// Why a record did not go through.
#[derive(Debug)]
pub enum Trouble {
    /// The record is at fault.
    Reject(Reject),
    /// It is of a kind that the tool has no use for.
    Skip(RecordKind),
    /// The run cannot go on.
    Failure(Failure),
}

impl From<Reject> for Trouble {
    fn from(reject: Reject) -> Trouble {
        Trouble::Reject(reject)
    }
}

impl From<Failure> for Trouble {
    fn from(failure: Failure) -> Trouble {
        Trouble::Failure(failure)
    }
}

/// Runs `source` to its end, or until a stop is requested.
///
/// # Errors
/// What the source, the worker or the output cannot recover from.
pub fn run<W: Worker>(
    source: &mut dyn Source,
    records: &mut Records,
    worker: &mut W,
    out: &mut dyn LineSink,
    books: &Books,
    stop: &Stop,
) -> Result<(), Failure> {
    let settles = source.acknowledges();
    let result = loop {
        // A pause needs the worker and the output, which the block behind it needs too: one after the other.
        let mut pause = || {
            worker.refresh(records)?;
            worker.pause(out)?;
            if settles { worker.settle(out) } else { Ok(()) }
        };
        match source.next(stop, &mut pause) {
            Ok(Some(Chunk::Lines(block))) => {
                let refreshed = worker.refresh(records);
                let worked = refreshed.and_then(|()| work_through(block, records, worker, out, books));
                if let Err(failure) = worked {
                    break Err(failure);
                }
            }
            Ok(Some(Chunk::TooLong { source, line, bytes })) => {
                let reject = Reject::TooLong(bytes);
                books.read(1, bytes);
                books.reject(source, line, reject.reason(), &reject);
            }
            Ok(None) => break Ok(()),
            Err(failure) => break Err(failure),
        }
    };
    source.close(books);
    result
}

/// Hands the records of one block to the worker.
///
/// # Errors
/// What the worker cannot recover from.
pub fn work_through<W: Worker>(
    block: Block<'_>,
    records: &mut Records,
    worker: &mut W,
    out: &mut dyn LineSink,
    books: &Books,
) -> Result<(), Failure> {
    // Checking a whole block costs a tenth of what checking line by line costs.
    let clean = block.bytes.is_ascii() || std::str::from_utf8(block.bytes).is_ok();
    let (mut rest, mut number, mut taken) = (block.bytes, block.first_line, 0);
    let mut skipped = [0u64; RecordKind::ALL.len()];
    let mut result = Ok(());
    while !rest.is_empty() {
        let (end, trouble) = match records.scan(rest) {
            Ok(Found::Blank { end }) => {
                (rest, number) = (&rest[end + 1..], number + 1);
                continue;
            }
            Ok(Found::Record { end }) => {
                let line = Line { bytes: &rest[..end], source: block.source, number };
                let outcome = match not_utf8(line.bytes, clean) {
                    Some(reject) => Err(reject.into()),
                    None => worker.record(records, line, out),
                };
                (end, outcome)
            }
            Err(error) => {
                let end = memchr::memchr(b'\n', rest).unwrap_or(rest.len() - 1);
                let reject =
                    not_utf8(&rest[..end], clean).unwrap_or_else(|| Reject::of_broken(&rest[..end], error));
                (end, Err(reject.into()))
            }
        };
        taken += 1;
        match trouble {
            Ok(()) => {}
            Err(Trouble::Reject(reject)) => books.reject(block.source, number, reject.reason(), &reject),
            Err(Trouble::Skip(kind)) => skipped[kind as usize] += 1,
            Err(Trouble::Failure(failure)) => {
                result = Err(failure);
                break;
            }
        }
        (rest, number) = (&rest[end + 1..], number + 1);
    }
    books.read(taken, block.bytes.len() as u64);
    for kind in RecordKind::ALL {
        books.skip(kind.name(), skipped[kind as usize]);
    }
    result
}

fn not_utf8(line: &[u8], clean: bool) -> Option<Reject> {
    if clean {
        return None;
    }
    let error = std::str::from_utf8(line).err()?;
    Some(Reject::NotUtf8(error.valid_up_to() + 1))
}
