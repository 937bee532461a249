//! The lines of an export, one after the other, with one step back.

use super::line::Line;
use crate::base::{Books, Chunk, Failure, Stop};
use crate::source::Source;

/// A line and where it stood.
pub(super) struct Placed {
    pub(super) number: u64,
    pub(super) line: Line,
}

/// Reads lines; those that are none are in the books.
pub(super) struct Reader<'a> {
    source: &'a mut dyn Source,
    books: &'a Books,
    stop: &'a Stop,
    name: String,
    block: Vec<u8>,
    /// How much of the block was read.
    at: usize,
    number: u64,
    /// How many lines there were that are not empty.
    lines: u64,
    put_back: Option<Placed>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(source: &'a mut dyn Source, books: &'a Books, stop: &'a Stop) -> Reader<'a> {
        let name = source.name().to_owned();
        Reader { source, books, stop, name, block: Vec::new(), at: 0, number: 0, lines: 0, put_back: None }
    }

    /// The next line; none at the end.
    ///
    /// # Errors
    /// When the source cannot be read, or a stop was requested: half a store is none.
    pub(super) fn next(&mut self) -> Result<Option<Placed>, Failure> {
        if let Some(placed) = self.put_back.take() {
            return Ok(Some(placed));
        }
        loop {
            let rest = &self.block[self.at..];
            let Some(end) = memchr::memchr(b'\n', rest) else {
                if self.fill()? {
                    continue;
                }
                return Ok(None);
            };
            let (number, text) = (self.number, &rest[..end]);
            self.at += end + 1;
            self.number += 1;
            if text.trim_ascii().is_empty() {
                continue;
            }
            self.lines += 1;
            self.books.read(1, text.len() as u64 + 1);
            match serde_json::from_slice(text) {
                Ok(line) => return Ok(Some(Placed { number, line })),
                Err(error) => {
                    self.books.reject(
                        &self.name,
                        number,
                        "malformed",
                        &format!("no line of an export: {error}"),
                    );
                }
            }
        }
    }

    /// The next call of [`Reader::next`] gives this again.
    pub(super) fn put_back(&mut self, placed: Placed) {
        self.put_back = Some(placed);
    }

    /// Says why a line cannot be used.
    pub(super) fn reject(&self, number: u64, why: &str) {
        self.books.reject(&self.name, number, "unusable", &why);
    }

    /// How many lines were read.
    pub(super) fn lines(&self) -> u64 {
        self.lines
    }

    /// What messages call the input.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    fn fill(&mut self) -> Result<bool, Failure> {
        self.block.clear();
        self.at = 0;
        match self.source.next(self.stop, &mut || Ok(()))? {
            Some(Chunk::Lines(block)) => {
                self.block.extend_from_slice(block.bytes);
                self.number = block.first_line;
            }
            Some(Chunk::TooLong { source, line, bytes }) => {
                let why = format!("the line has {bytes} bytes; see --max-line");
                self.books.reject(source, line, "too_long", &why);
            }
            // A source ends early when a stop was requested.
            None if self.stop.requested() => {
                return Err(Failure::TryAgain(format!("{}: stopped before its end", self.name)));
            }
            None => return Ok(false),
        }
        Ok(true)
    }
}
