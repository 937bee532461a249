//! Floor 3 · What comes over one TCP connection: lines, or the frames of Ceilometer's tcp publisher.
//!
//! A frame is a length of eight bytes, little-endian, and a MessagePack map of that length (Ceilometer 27.0.0). The
//! fifth byte tells them apart: it is zero in every length below 4 GiB, and in no JSON.

use super::Told;
use super::stream::READ_BYTES;
use crate::base::tls::{Broken, Socket};
use crate::base::{Block, Books, Chunk, LineBuffer};
use crate::wire::meter::{Form, MeterReader};

/// Bytes of a frame's length.
const LENGTH_BYTES: usize = 8;
/// Bytes that must have come before frames are told from lines.
const TELLING_BYTES: usize = 5;

/// The bytes of one connection on their way to becoming lines.
pub enum Input {
    /// Too few bytes came yet to say what they are.
    New {
        /// They.
        bytes: Vec<u8>,
        /// The longest line or frame taken.
        line_max: usize,
    },
    /// Lines.
    Lines(LineBuffer),
    /// Frames.
    Frames(FrameBuffer),
}

impl Input {
    /// An empty one.
    pub fn new(form: Form, line_max: usize) -> Input {
        match form {
            Form::Either => Input::New { bytes: Vec::new(), line_max },
            Form::Json => Input::Lines(LineBuffer::new(READ_BYTES, line_max)),
            Form::Msgpack => Input::Frames(FrameBuffer::new(Vec::new(), line_max)),
        }
    }

    /// One read; the number of bytes that came, 0 at the end.
    ///
    /// # Errors
    /// What [`Socket::read`] says.
    pub fn read_from(&mut self, socket: &mut Socket) -> Result<usize, Broken> {
        match self {
            Input::Lines(lines) => lines.read_with(|bytes| socket.read(bytes)),
            Input::Frames(frames) => frames.read_from(socket),
            Input::New { bytes, .. } => {
                bytes.reserve(READ_BYTES);
                let count = socket.read(bytes)?;
                if bytes.len() >= TELLING_BYTES {
                    self.decide();
                }
                Ok(count)
            }
        }
    }

    fn decide(&mut self) {
        let Input::New { bytes, line_max } = self else { return };
        let (bytes, line_max) = (std::mem::take(bytes), *line_max);
        *self = if bytes.get(TELLING_BYTES - 1) == Some(&0) {
            Input::Frames(FrameBuffer::new(bytes, line_max))
        } else {
            Input::Lines(LineBuffer::begun(bytes, READ_BYTES, line_max))
        };
    }

    /// Whether there is something whole to hand out.
    pub fn is_ready(&self) -> bool {
        match self {
            Input::New { .. } => false,
            Input::Lines(lines) => lines.is_ready(),
            Input::Frames(frames) => frames.is_ready(),
        }
    }

    /// The whole lines there are, or those made of all whole frames, which are put in `decoded`.
    pub fn take<'a>(
        &'a mut self,
        name: &'a str,
        reader: &mut MeterReader,
        decoded: &'a mut Vec<u8>,
        books: &Books,
    ) -> Chunk<'a> {
        decoded.clear();
        let first_line = match self {
            Input::New { .. } => 1,
            Input::Frames(frames) => frames.decode(name, reader, decoded, books),
            Input::Lines(lines) => match lines.take(name) {
                Chunk::Lines(block) if !reader.passes_text() => {
                    let mut told = Told { source: name, line: block.first_line, bytes: 0, books };
                    reader.read_text(block.bytes, decoded, &mut told);
                    block.first_line
                }
                chunk => return chunk,
            },
        };
        Chunk::Lines(Block { source: name, bytes: decoded, first_line })
    }

    /// Whether a frame claims a length over the limit, which is told: where the next one begins is not known then.
    pub fn is_lost(&mut self, name: &str, books: &Books) -> bool {
        match self {
            Input::Frames(frames) => frames.is_lost(name, books),
            _ => false,
        }
    }

    /// Bytes held of something whose end has not come.
    pub fn unfinished_bytes(&self) -> usize {
        match self {
            Input::New { bytes, .. } => bytes.len(),
            Input::Lines(lines) => lines.unfinished_bytes(),
            Input::Frames(frames) => frames.bytes.len() - frames.taken,
        }
    }

    /// Nothing more will come: an unfinished last line is one, an unfinished frame is not.
    pub fn end(&mut self, name: &str, books: &Books) {
        // A handful of bytes that are no frame.
        self.decide();
        match self {
            Input::New { .. } => {}
            Input::Lines(lines) => lines.end(),
            Input::Frames(frames) => frames.end(name, books),
        }
    }

    /// Nothing more will come, and something may have been lost at the end: an unfinished line is none either.
    pub fn cut_off(&mut self, name: &str, books: &Books) {
        self.decide();
        match self {
            Input::Lines(lines) => {
                if let Some((line, bytes)) = lines.cut_off() {
                    books.read(1, bytes);
                    let why = format_args!(
                        "the connection was cut off within a line, of which {bytes} bytes had come"
                    );
                    books.reject(name, line, "cut short", &why);
                }
            }
            _ => self.end(name, books),
        }
    }
}

/// Frames as they come in.
pub struct FrameBuffer {
    bytes: Vec<u8>,
    /// What of `bytes` was handed out already.
    taken: usize,
    /// The number of the frame that comes next.
    number: u64,
    frame_max: usize,
}

/// The frame that comes next.
enum Next {
    /// Where its message stands.
    Whole(std::ops::Range<usize>),
    /// Not all of it has come.
    Unfinished,
    /// It says that it is this long.
    TooLong(u64),
}

impl FrameBuffer {
    fn new(bytes: Vec<u8>, frame_max: usize) -> FrameBuffer {
        FrameBuffer { bytes, taken: 0, number: 1, frame_max }
    }

    fn read_from(&mut self, socket: &mut Socket) -> Result<usize, Broken> {
        self.bytes.drain(..self.taken);
        self.taken = 0;
        self.bytes.reserve(READ_BYTES);
        socket.read(&mut self.bytes)
    }

    fn next(&self) -> Next {
        let rest = &self.bytes[self.taken..];
        let Some(length) = rest.first_chunk::<LENGTH_BYTES>() else { return Next::Unfinished };
        let length = u64::from_le_bytes(*length);
        if length > self.frame_max as u64 {
            return Next::TooLong(length);
        }
        let start = self.taken + LENGTH_BYTES;
        let end = start + length as usize;
        if end > self.bytes.len() { Next::Unfinished } else { Next::Whole(start..end) }
    }

    fn is_ready(&self) -> bool {
        matches!(self.next(), Next::Whole(_))
    }

    fn is_lost(&mut self, name: &str, books: &Books) -> bool {
        let Next::TooLong(length) = self.next() else { return false };
        let limit = self.frame_max;
        let why = format_args!(
            "a frame of {length} bytes is over the limit of {limit} (--max-line); the sender is cut off"
        );
        books.read(1, (self.bytes.len() - self.taken) as u64);
        books.reject(name, self.number, "too long", &why);
        self.bytes.truncate(self.taken);
        true
    }

    /// Appends the lines of all whole frames; gives the number of the first.
    fn decode(&mut self, name: &str, reader: &mut MeterReader, lines: &mut Vec<u8>, books: &Books) -> u64 {
        let first = self.number;
        while let Next::Whole(range) = self.next() {
            let message = &self.bytes[range.clone()];
            let mut told = Told { source: name, line: self.number, bytes: message.len() as u64, books };
            reader.read_msgpack(message, lines, &mut told);
            self.number += 1;
            self.taken = range.end;
        }
        first
    }

    fn end(&mut self, name: &str, books: &Books) {
        if let (Next::Unfinished, held @ 1..) = (self.next(), self.bytes.len() - self.taken) {
            books.read(1, held as u64);
            let why = format_args!("the connection ended within a frame, of which {held} bytes had come");
            books.reject(name, self.number, "cut short", &why);
            self.bytes.truncate(self.taken);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::stream::StreamSource;
    use super::super::testing::{lines_until_wait, wait_for_lines};
    use super::super::{Options, Source};
    use super::*;
    use crate::base::testing::books;
    use crate::base::{Address, Secret};
    use crate::wire::meter::MeterWriter;
    use crate::wire::signature::Unverified;
    use std::io::{self, Write};
    use std::net::TcpStream;
    use std::sync::Arc;
    use std::time::{Duration, Instant};

    fn source(unverified: Unverified, line_max: usize) -> (StreamSource, TcpStream, Arc<Books>) {
        let books = books();
        let Address::Url(url) = Address::parse("tcp://:0").unwrap() else { panic!("not a URL") };
        let mut verification = Options::default().verification;
        verification.unverified = unverified;
        let reader = MeterReader::new(Form::Either, &verification);
        let source =
            StreamSource::tcp(&url.host_port().unwrap(), "tcp://:0", reader, None, line_max, &books).unwrap();
        let sender = TcpStream::connect(source.bound().unwrap()).unwrap();
        sender.set_nodelay(true).unwrap();
        (source, sender, books)
    }

    fn frame(line: &str) -> Vec<u8> {
        let secret = Secret::new(crate::wire::signature::DEFAULT_SECRET);
        let mut message = Vec::new();
        MeterWriter::new(&secret, None).write(line.as_bytes(), &mut message).unwrap();
        [&(message.len() as u64).to_le_bytes()[..], &message].concat()
    }

    fn rejected(source: &mut StreamSource, books: &Books, reason: &str) {
        let deadline = Instant::now() + Duration::from_secs(10);
        while books.to_json()["rejected"][reason].is_null() {
            assert!(Instant::now() < deadline, "nothing was rejected as {reason}: {}", books.to_json());
            assert!(lines_until_wait(source).iter().all(String::is_empty));
        }
    }

    #[test]
    fn frames_are_told_from_lines_wherever_they_are_cut() {
        let line = r#"{"name":"m","volume":1}"#;
        for cut in 1..12 {
            for bytes in [frame(line).repeat(2), format!("{line}\n").repeat(2).into_bytes()] {
                let (mut source, mut sender, _) = source(Unverified::Accept, 1000);
                sender.write_all(&bytes[..cut]).unwrap();
                assert_eq!(lines_until_wait(&mut source), [""; 0]);
                sender.write_all(&bytes[cut..]).unwrap();
                assert_eq!(wait_for_lines(&mut source, 2), [line, line]);
            }
        }
    }

    #[test]
    fn a_frame_that_is_no_message_is_told_and_the_next_is_read() {
        let (mut source, mut sender, books) = source(Unverified::Reject, 1000);
        let line = r#"{"name":"m","volume":1}"#;
        let mut tampered = frame(line);
        let at = tampered.len() - 70;
        tampered[at] ^= 1;
        let empty = 0u64.to_le_bytes().to_vec();
        let text = [&7u64.to_le_bytes()[..], b"nothing"].concat();
        sender.write_all(&[empty, text, tampered, frame(line)].concat()).unwrap();
        assert_eq!(wait_for_lines(&mut source, 4)[3], line);
        assert_eq!(books.rejected_total(), 3);
    }

    #[test]
    fn a_length_over_the_limit_is_told_and_its_sender_cut_off() {
        for length in [1001, u64::MAX >> 8, u64::from(u32::MAX)] {
            let (mut source, mut sender, books) = source(Unverified::Accept, 1000);
            // The fifth byte is what tells a frame, so the first one is a small one.
            sender.write_all(&frame(r#"{"name":"m","volume":1}"#)).unwrap();
            sender.write_all(&length.to_le_bytes()).unwrap();
            assert_eq!(wait_for_lines(&mut source, 1).len(), 1);
            rejected(&mut source, &books, "too long");
            lines_until_wait(&mut source);
            // The other end has been closed.
            sender.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
            assert!(matches!(io::Read::read(&mut sender, &mut [0]), Ok(0) | Err(_)));
        }
    }

    #[test]
    fn a_frame_cut_short_by_its_sender_is_told() {
        let (mut source, mut sender, books) = source(Unverified::Accept, 1000);
        sender.write_all(&frame(r#"{"name":"m","volume":1}"#)[..20]).unwrap();
        drop(sender);
        rejected(&mut source, &books, "cut short");
    }

    #[test]
    fn lines_without_a_signature_are_rejected_where_signatures_count() {
        let (mut source, mut sender, books) = source(Unverified::Reject, 1000);
        let signed = r#"{"name":"m","volume":1,"message_signature":"who knows"}"#;
        // A signature in a text or below the top is none.
        let unsigned = r#"{"name":"message_signature","volume":1,"x":{"message_signature":"1"}}"#;
        sender.write_all(format!("{unsigned}\n{signed}\n\nno JSON\n").as_bytes()).unwrap();
        assert_eq!(wait_for_lines(&mut source, 4), ["", signed, "", "no JSON"]);
        assert_eq!(books.to_json()["rejected"]["not signed"], 1);
    }
}
