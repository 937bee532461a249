//! The line loop: blocks of whole lines while input is plentiful, a flush of the output before a read may block.
//!
//! The rule is multilog's (daemontools): no timer, no flush a record. Under load there is one write a block; a
//! producer that pauses is seen at once.

use std::fs::File;
use std::io;
use std::os::fd::AsFd;

use memchr::{memchr, memrchr};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;

use super::{Failure, Stop};

/// Bytes asked for in one read: larger gained nothing when measured, smaller costs system calls.
pub const READ_BYTES: usize = 256 * 1024;
/// The longest line taken unless the user says otherwise: a hundred times the largest notification captured.
pub const LINE_MAX: usize = 1024 * 1024;

/// Whole lines, each with its line feed. The last line of an input gets one if it had none.
#[derive(Clone, Copy, Debug)]
pub struct Block<'a> {
    /// Where the lines come from, for messages: a path, `-`, a URL with the sender's address.
    pub source: &'a str,
    /// The lines' bytes.
    pub bytes: &'a [u8],
    /// The number of the first line, counted from 1 in its input.
    pub first_line: u64,
}

impl<'a> Block<'a> {
    /// The lines with their numbers, without line feeds (a carriage return stays).
    pub fn lines(self) -> impl Iterator<Item = (u64, &'a [u8])> {
        let mut rest = self.bytes;
        let mut number = self.first_line;
        std::iter::from_fn(move || {
            let end = memchr(b'\n', rest)?;
            let line = (number, &rest[..end]);
            rest = &rest[end + 1..];
            number += 1;
            Some(line)
        })
    }
}

/// What the loop hands out next.
#[derive(Debug)]
pub enum Chunk<'a> {
    /// Some whole lines.
    Lines(Block<'a>),
    /// A line over the limit; its bytes are gone.
    TooLong {
        /// Where it comes from.
        source: &'a str,
        /// Its number, counted from 1.
        line: u64,
        /// Its length in bytes, without the line feed.
        bytes: u64,
    },
}

/// The bytes of one input on their way to becoming lines: reads, and hands out what is whole.
///
/// [`LineReader`] is one of these with an input that may block; doors with many inputs keep one for each.
pub struct LineBuffer {
    bytes: Vec<u8>,
    /// What of `bytes` was handed out already.
    taken: usize,
    /// One past the last line feed in `bytes`; `taken` or less when there is no whole line.
    whole: usize,
    line: u64,
    read_bytes: usize,
    line_max: usize,
    /// Bytes passed over of a line that is too long.
    too_long: Option<u64>,
    at_start: bool,
}

impl LineBuffer {
    /// An empty one, at the start of an input. Asks for `read_bytes` a read; allocates with the first.
    pub fn new(read_bytes: usize, line_max: usize) -> LineBuffer {
        LineBuffer {
            bytes: Vec::new(),
            taken: 0,
            whole: 0,
            line: 1,
            read_bytes,
            line_max,
            too_long: None,
            at_start: true,
        }
    }

    /// One whose input began with `bytes`, which somebody else has read.
    pub fn begun(bytes: Vec<u8>, read_bytes: usize, line_max: usize) -> LineBuffer {
        let mut lines = LineBuffer { bytes, ..LineBuffer::new(read_bytes, line_max) };
        lines.arrived(0);
        lines
    }

    /// Whether [`LineBuffer::take`] has something to hand out; if not, [`LineBuffer::read_from`] is next.
    pub fn is_ready(&self) -> bool {
        self.whole > self.taken
    }

    /// The whole lines there are, or the news that the next one is too long. `source` is for messages.
    pub fn take<'a>(&'a mut self, source: &'a str) -> Chunk<'a> {
        debug_assert!(self.is_ready(), "asked for lines that are not there");
        let end = self.end_of_lines_within_limit();
        if end == self.taken {
            return self.end_of_too_long(source);
        }
        let bytes = &self.bytes[self.taken..end];
        let first_line = self.line;
        // The borrow checker wants the count before the block is handed out; it costs 0.03 ns a byte.
        self.line += memchr::memchr_iter(b'\n', bytes).count() as u64;
        self.taken = end;
        Chunk::Lines(Block { source, bytes, first_line })
    }

    /// One read(2) from `input`; the number of bytes that came, 0 at its end.
    ///
    /// # Errors
    /// What read(2) says.
    pub fn read_from(&mut self, input: impl AsFd) -> io::Result<usize> {
        // Spare capacity instead of a zeroed slice: nothing is written twice.
        Ok(self.read_with(|bytes| rustix::io::read(input, rustix::buffer::spare_capacity(bytes)))?)
    }

    /// As [`LineBuffer::read_from`], of an input that `read` appends from, into the capacity that there is.
    ///
    /// # Errors
    /// What `read` says.
    pub fn read_with<E>(&mut self, read: impl FnOnce(&mut Vec<u8>) -> Result<usize, E>) -> Result<usize, E> {
        debug_assert!(!self.is_ready(), "whole lines are taken before more is read");
        self.bytes.drain(..self.taken);
        self.taken = 0;
        self.whole = 0;
        if self.bytes.len() > self.line_max {
            self.too_long = Some(self.too_long.unwrap_or(0) + self.bytes.len() as u64);
            self.bytes.clear();
            self.bytes.shrink_to(self.read_bytes);
        }
        self.bytes.reserve(self.read_bytes);
        let start = self.bytes.len();
        let count = read(&mut self.bytes)?;
        self.arrived(start);
        Ok(count)
    }

    /// Takes note of the bytes from `start` on.
    fn arrived(&mut self, start: usize) {
        self.whole = memrchr(b'\n', &self.bytes[start..]).map_or(0, |at| start + at + 1);
        if self.at_start && self.bytes.len() > start {
            self.pass_over_byte_order_mark();
        }
    }

    /// Bytes held of a line whose end has not come.
    pub fn unfinished_bytes(&self) -> usize {
        self.bytes.len() - self.taken.max(self.whole)
    }

    /// Nothing more will come: an unfinished last line gets its line feed.
    pub fn end(&mut self) {
        if self.unfinished_bytes() > 0 || self.too_long.is_some() {
            self.bytes.push(b'\n');
            self.whole = self.bytes.len();
        }
    }

    /// Nothing more will come, and the end of the last line was lost: throws away what there is of it. Its number and
    /// its bytes, when there was one.
    pub fn cut_off(&mut self) -> Option<(u64, u64)> {
        debug_assert!(!self.is_ready(), "whole lines are taken before");
        let bytes = self.too_long.take().unwrap_or(0) + self.unfinished_bytes() as u64;
        self.bytes.clear();
        (self.taken, self.whole) = (0, 0);
        (bytes > 0).then_some((self.line, bytes))
    }

    /// Begins with another input: line 1, nothing read.
    pub fn restart(&mut self) {
        self.bytes.clear();
        (self.taken, self.whole, self.line) = (0, 0, 1);
        self.too_long = None;
        self.at_start = true;
    }

    /// One past the last of the whole lines that stand before the first that is too long.
    fn end_of_lines_within_limit(&self) -> usize {
        let whole = &self.bytes[self.taken..self.whole];
        if self.too_long.is_some() {
            return self.taken;
        }
        // Bytes that are fewer than the limit hold no line over it: nothing is looked at one by one.
        if whole.len() <= self.line_max {
            return self.whole;
        }
        let mut start = 0;
        for end in memchr::memchr_iter(b'\n', whole) {
            if end - start > self.line_max {
                return self.taken + start;
            }
            start = end + 1;
        }
        self.whole
    }

    /// The line feed of a line that was passed over has come.
    fn end_of_too_long<'a>(&mut self, source: &'a str) -> Chunk<'a> {
        let end = memchr(b'\n', &self.bytes[self.taken..]).unwrap_or(0);
        let bytes = self.too_long.take().unwrap_or(0) + end as u64;
        self.taken += end + 1;
        self.line += 1;
        Chunk::TooLong { source, line: self.line - 1, bytes }
    }

    fn pass_over_byte_order_mark(&mut self) {
        let mark = b"\xEF\xBB\xBF";
        if self.bytes.len() < mark.len() && mark.starts_with(&self.bytes) {
            return;
        }
        self.at_start = false;
        if self.bytes.starts_with(mark) {
            self.taken = mark.len();
        }
    }
}

/// Reads an input as blocks of whole lines.
pub struct LineReader<R> {
    input: R,
    name: String,
    lines: LineBuffer,
    at_end: bool,
    /// A regular file never blocks: there is nothing to wait for.
    may_block: bool,
}

impl LineReader<File> {
    /// Standard input.
    ///
    /// # Errors
    /// When the descriptor is closed.
    pub fn stdin(line_max: usize) -> Result<LineReader<File>, Failure> {
        let descriptor = rustix::stdio::stdin().try_clone_to_owned();
        let descriptor = descriptor.map_err(|source| Failure::io("cannot read", "standard input", source))?;
        Ok(LineReader::of_file(File::from(descriptor), "-", line_max))
    }

    /// An open file, pipe or device; `name` is for messages.
    pub fn of_file(file: File, name: &str, line_max: usize) -> LineReader<File> {
        let may_block = !file.metadata().is_ok_and(|metadata| metadata.is_file());
        LineReader { may_block, ..LineReader::new(file, name, line_max) }
    }
}

impl<R: AsFd> LineReader<R> {
    /// A reader of `input`, which may block; `name` is for messages.
    pub fn new(input: R, name: &str, line_max: usize) -> LineReader<R> {
        let lines = LineBuffer::new(READ_BYTES, line_max);
        LineReader { input, name: name.to_owned(), lines, at_end: false, may_block: true }
    }

    /// What messages call the input.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether a read may have to wait: for anything but a regular file.
    pub fn may_block(&self) -> bool {
        self.may_block
    }

    /// The next lines; none at the end of the input or when a stop was requested.
    ///
    /// `pause` is called before a read that may block: flush there.
    ///
    /// # Errors
    /// When reading fails, or what `pause` returns.
    pub fn next(
        &mut self,
        stop: &Stop,
        pause: &mut dyn FnMut() -> Result<(), Failure>,
    ) -> Result<Option<Chunk<'_>>, Failure> {
        loop {
            if stop.requested() {
                return Ok(None);
            }
            if self.lines.is_ready() {
                return Ok(Some(self.lines.take(&self.name)));
            }
            if self.at_end {
                return Ok(None);
            }
            if self.may_block {
                self.wait(stop, pause)?;
                if stop.requested() {
                    return Ok(None);
                }
            }
            match self.lines.read_from(&self.input) {
                Ok(0) => {
                    self.at_end = true;
                    self.lines.end();
                }
                Ok(_) => {}
                Err(error)
                    if matches!(error.kind(), io::ErrorKind::Interrupted | io::ErrorKind::WouldBlock) => {}
                Err(error) => return Err(Failure::io("cannot read", &self.name, error)),
            }
        }
    }

    /// Returns when there is something to read or a stop was requested; calls `pause` unless it is there already.
    fn wait(&self, stop: &Stop, pause: &mut dyn FnMut() -> Result<(), Failure>) -> Result<(), Failure> {
        let mut ready = [PollFd::from_borrowed_fd(self.input.as_fd(), PollFlags::IN)];
        let no_time = Timespec { tv_sec: 0, tv_nsec: 0 };
        // Interrupted is not ready: a signal may interrupt even a question that waits for nothing.
        if poll(&mut ready, Some(&no_time)).unwrap_or(0) == 0 {
            loop {
                pause()?;
                let mut ready = [
                    PollFd::from_borrowed_fd(self.input.as_fd(), PollFlags::IN),
                    PollFd::from_borrowed_fd(stop.as_fd(), PollFlags::IN),
                ];
                // The thread that takes signals asks for the stop after the signal interrupted us, and a read that
                // blocks would not hear of it: an interrupted wait goes on. A wait that fails is no harm.
                while matches!(poll(&mut ready, None), Err(Errno::INTR)) {}
                // A pause takes up the reload, and a read that blocks would not.
                let readable = !ready[0].revents().is_empty();
                if !stop.woken() || readable {
                    break;
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use std::os::unix::net::UnixStream;
    use std::thread;

    /// All lines of `input`, sent in pieces, and the lines that were too long as `None`.
    fn read_all(pieces: Vec<Vec<u8>>, line_max: usize) -> Vec<(u64, Option<Vec<u8>>)> {
        let (mut ours, theirs) = UnixStream::pair().unwrap();
        let writer = thread::spawn(move || pieces.iter().for_each(|piece| ours.write_all(piece).unwrap()));
        let mut reader = LineReader::new(theirs, "test", line_max);
        let stop = Stop::new().unwrap();
        let mut lines = Vec::new();
        while let Some(chunk) = reader.next(&stop, &mut || Ok(())).unwrap() {
            match chunk {
                Chunk::Lines(block) => lines.extend(block.lines().map(|(n, line)| (n, Some(line.to_vec())))),
                Chunk::TooLong { line, .. } => lines.push((line, None)),
            }
        }
        writer.join().unwrap();
        lines
    }

    #[test]
    fn any_cut_of_the_input_gives_the_same_lines() {
        let text = b"\xEF\xBB\xBFone\n\ntwo\r\nthree".to_vec();
        let expected: Vec<(u64, Option<Vec<u8>>)> = [&b"one"[..], b"", b"two\r", b"three"]
            .iter()
            .zip(1..)
            .map(|(line, number)| (number, Some(line.to_vec())))
            .collect();
        for cut in 0..text.len() {
            let (head, tail) = text.split_at(cut);
            assert_eq!(read_all(vec![head.to_vec(), tail.to_vec()], LINE_MAX), expected, "cut at {cut}");
        }
    }

    #[test]
    fn a_line_over_the_limit_is_passed_over_and_the_next_is_read() {
        let mut text = b"a\n".to_vec();
        text.extend(vec![b'x'; 3 * READ_BYTES]);
        text.extend(b"\nb\n");
        let lines = read_all(vec![text], 100);
        assert_eq!(lines, [(1, Some(b"a".to_vec())), (2, None), (3, Some(b"b".to_vec()))]);
    }

    #[test]
    fn the_limit_is_the_same_wherever_the_input_is_cut() {
        for (length, taken) in [(READ_BYTES, true), (READ_BYTES + 1, false)] {
            let mut text = vec![b'x'; length];
            text.extend(b"\nb\n");
            for cut in [1, READ_BYTES - 1, READ_BYTES, READ_BYTES + 1] {
                let (head, tail) = text.split_at(cut);
                let lines = read_all(vec![head.to_vec(), tail.to_vec()], READ_BYTES);
                assert_eq!(lines[0].1.is_some(), taken, "{length} cut at {cut}");
                assert_eq!(lines[1], (2, Some(b"b".to_vec())), "{length} cut at {cut}");
            }
        }
    }

    #[test]
    fn a_limit_below_a_read_finds_the_long_line_between_short_ones() {
        let lines = read_all(vec![b"a\nb\ntoo long\nc\n".to_vec()], 3);
        assert_eq!(
            lines,
            [(1, Some(b"a".to_vec())), (2, Some(b"b".to_vec())), (3, None), (4, Some(b"c".to_vec()))]
        );
    }

    #[test]
    fn a_reload_makes_a_read_that_blocks_pause_again() {
        let (_ours, theirs) = UnixStream::pair().unwrap();
        let mut reader = LineReader::new(theirs, "test", LINE_MAX);
        let stop = Stop::new().unwrap();
        let mut pauses = 0;
        let end = reader.next(&stop, &mut || {
            pauses += 1;
            if pauses < 4 {
                stop.request_reload()
            } else {
                stop.request()
            }
            Ok(())
        });
        assert!(matches!(end, Ok(None)));
        assert_eq!(pauses, 4);
    }

    #[test]
    fn a_stop_ends_a_read_that_blocks() {
        let (_ours, theirs) = UnixStream::pair().unwrap();
        let mut reader = LineReader::new(theirs, "test", LINE_MAX);
        let stop = Stop::new().unwrap();
        let mut pauses = 0;
        let end = reader.next(&stop, &mut || {
            pauses += 1;
            stop.request();
            Ok(())
        });
        assert!(matches!(end, Ok(None)));
        assert_eq!(pauses, 1);
    }
}
