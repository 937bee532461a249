//! Floor 3 · Files and standard input in the formats of other systems.

use std::sync::Arc;

use memchr::memchr_iter;

use super::wires::{Format, Message};
use super::{Source, Told};
use crate::base::{Block, Books, Chunk, Failure, Stop, clock};
use crate::model::Timestamp;
use crate::wire::Decoder;

/// Bytes of one message: as much as remote write may bring, and more than any exporter's page.
const MESSAGE_BYTES_MAX: usize = 64 * 1024 * 1024;

/// A source of text whose lines become messages, and these records.
pub struct Decoded {
    inner: Box<dyn Source>,
    decoder: Box<dyn Decoder>,
    message: Message,
    /// What came of a message whose end did not come yet.
    gathered: Vec<u8>,
    /// The number of its first line.
    begun: u64,
    /// Where in its JSON it ends.
    value: ValueEnd,
    lines: Vec<u8>,
    line: u64,
    ended: bool,
    books: Arc<Books>,
}

impl Decoded {
    /// The text of `inner` read as `format`.
    pub fn new(inner: Box<dyn Source>, format: Format, books: &Arc<Books>) -> Decoded {
        Decoded {
            inner,
            decoder: format.decoder(),
            message: format.message(),
            gathered: Vec::new(),
            begun: 1,
            value: ValueEnd::default(),
            lines: Vec::new(),
            line: 1,
            ended: false,
            books: Arc::clone(books),
        }
    }
}

impl Source for Decoded {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn is_complete(&self) -> bool {
        self.inner.is_complete()
    }

    fn next(
        &mut self,
        stop: &Stop,
        pause: &mut dyn FnMut() -> Result<(), Failure>,
    ) -> Result<Option<Chunk<'_>>, Failure> {
        self.lines.clear();
        while self.lines.is_empty() && !self.ended {
            let name = self.inner.name().to_owned();
            let mut out = Output {
                name: &name,
                decoder: self.decoder.as_mut(),
                lines: &mut self.lines,
                books: &self.books,
            };
            match self.inner.next(stop, pause)? {
                Some(Chunk::Lines(block)) if self.message == Message::Lines => {
                    let at = Timestamp::from_ns(clock::now_ns());
                    for (number, line) in block.lines().filter(|(_, line)| !line.is_empty()) {
                        out.decode(line, number, at);
                    }
                }
                Some(Chunk::Lines(block)) => {
                    for (number, line) in block.lines() {
                        if self.gathered.is_empty() {
                            self.begun = number;
                        }
                        if self.gathered.len() + line.len() < MESSAGE_BYTES_MAX {
                            self.gathered.extend_from_slice(line);
                        }
                        self.gathered.push(b'\n');
                        if self.gathered.len() >= MESSAGE_BYTES_MAX {
                            out.too_long(self.begun);
                            self.gathered.clear();
                            self.value = ValueEnd::default();
                        } else if self.message == Message::Value && self.value.passed(line) {
                            out.decode(&self.gathered, self.begun, Timestamp::from_ns(clock::now_ns()));
                            self.gathered.clear();
                        }
                    }
                }
                Some(Chunk::TooLong { line, bytes, .. }) => {
                    self.gathered.clear();
                    self.value = ValueEnd::default();
                    self.books.read(1, bytes);
                    let why = format_args!("a line of {bytes} bytes is longer than --max-line allows");
                    self.books.reject(&name, line, "too long", &why);
                }
                None => {
                    self.ended = true;
                    if self.gathered.iter().any(|byte| !byte.is_ascii_whitespace()) {
                        out.decode(&self.gathered, self.begun, Timestamp::from_ns(clock::now_ns()));
                    }
                    self.gathered = Vec::new();
                    self.decoder.flush(Timestamp::from_ns(clock::now_ns()), &mut self.lines);
                }
            }
        }
        if self.lines.is_empty() {
            return Ok(None);
        }
        let first_line = self.line;
        self.line += memchr_iter(b'\n', &self.lines).count() as u64;
        Ok(Some(Chunk::Lines(Block { source: self.inner.name(), bytes: &self.lines, first_line })))
    }

    fn close(&mut self, books: &Books) {
        self.inner.close(books);
    }
}

/// Where messages go.
struct Output<'a> {
    name: &'a str,
    decoder: &'a mut dyn Decoder,
    lines: &'a mut Vec<u8>,
    books: &'a Books,
}

impl Output<'_> {
    fn decode(&mut self, message: &[u8], line: u64, at: Timestamp) {
        let bytes = message.len() as u64;
        let mut told = Told { source: self.name, line, bytes, books: self.books };
        self.decoder.decode(message, at, self.lines, &mut told);
    }

    fn too_long(&mut self, line: u64) {
        self.books.read(1, MESSAGE_BYTES_MAX as u64);
        let why = format_args!("a message of more than {MESSAGE_BYTES_MAX} bytes");
        self.books.reject(self.name, line, "too long", &why);
    }
}

/// Finds where one JSON value, an object or a list, ends; whether it is one is the decoder's business.
#[derive(Default)]
struct ValueEnd {
    depth: usize,
    in_text: bool,
    begun: bool,
}

impl ValueEnd {
    /// Goes on with `line`; whether a value ended in it, and none began behind it.
    fn passed(&mut self, line: &[u8]) -> bool {
        let mut escaped = false;
        for &byte in line {
            match byte {
                _ if escaped => escaped = false,
                b'\\' if self.in_text => escaped = true,
                b'"' => self.in_text = !self.in_text,
                _ if self.in_text => {}
                b'{' | b'[' => {
                    self.depth += 1;
                    self.begun = true;
                }
                b'}' | b']' => self.depth = self.depth.saturating_sub(1),
                _ => {}
            }
        }
        let ended = self.begun && self.depth == 0 && !self.in_text;
        if ended {
            *self = ValueEnd::default();
        }
        ended
    }
}
