//! Floor 3 · A file of lines: appended to in whole lines, rotated like Python's RotatingFileHandler when asked.
//!
//! Each batch is one write(2) in append mode, so that several processes can share a file without mixing lines.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Seek, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use memchr::{memchr, memchr_iter, memrchr};
use rustix::event::{PollFd, PollFlags, poll};

use super::Sink;
use crate::base::{Books, Failure, LineSink};

/// Bytes gathered before a write: what a pipe takes at once, and enough for a disk.
const BATCH_BYTES: usize = 64 * 1024;
/// The most rotated files that can be asked for: each rotation renames every one.
pub const BACKUP_COUNT_MAX: u64 = 1000;

/// When a file is full, and how many full ones are kept: PATH.1 is the newest, PATH.`backup_count` the oldest.
///
/// As Ceilometer's file publisher has it: a file reaches `max_bytes` never, unless its only line does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rotation {
    /// The length that a file does not reach.
    pub max_bytes: u64,
    /// Rotated files kept, at least one.
    pub backup_count: u32,
}

/// An open file, or something else with a path.
///
/// When a write fails, what it left of a half line is cut off again, so that the file ends with a whole line; records
/// not written are in the books as dropped.
pub struct FileSink {
    name: String,
    path: PathBuf,
    rotation: Option<Rotation>,
    /// Whether every flush is followed by fdatasync(2).
    sync: bool,
    file: File,
    /// A pipe or device is not cut, rotated or synced.
    is_regular: bool,
    buffer: Vec<u8>,
    records: u64,
    books: Arc<Books>,
}

impl FileSink {
    /// Opens or makes the file at `path` to append to it; `name` is for messages.
    ///
    /// A half line at its end, left by a crash, gets its line feed first: it is rejected by readers, alone.
    ///
    /// # Errors
    /// When that is not possible.
    pub fn open(
        path: &Path,
        name: &str,
        rotation: Option<Rotation>,
        sync: bool,
        books: &Arc<Books>,
    ) -> Result<FileSink, Failure> {
        let (file, is_regular) = opened(path)?;
        let mut sink = FileSink {
            name: name.to_owned(),
            path: path.to_owned(),
            rotation: rotation.filter(|_| is_regular),
            sync,
            file,
            is_regular,
            buffer: Vec::with_capacity(BATCH_BYTES * 2),
            records: 0,
            books: Arc::clone(books),
        };
        sink.end_half_line()?;
        Ok(sink)
    }

    fn end_half_line(&mut self) -> Result<(), Failure> {
        let length = self.file.metadata().map_or(0, |metadata| metadata.len());
        let mut last = [b'\n'];
        // A file that may not be read is taken as it is.
        if !self.is_regular
            || length == 0
            || self.file.read_exact_at(&mut last, length - 1).is_err()
            || last == *b"\n"
        {
            return Ok(());
        }
        self.books
            .warn("half line", &format_args!("{}: ended in half a line, which was left as it is", self.name));
        self.append(b"\n").map_err(|(_, error)| self.cannot_write(error))
    }

    /// A pipe whose reader has gone is a failure here: only our standard output may be left by its reader unsaid.
    fn cannot_write(&self, source: io::Error) -> Failure {
        Failure::Io { doing: "cannot write to", what: self.name.clone(), source }
    }

    /// Writes whole lines, into as many files as they need. What fails is in the books as dropped.
    fn hand_on(&mut self, bytes: &[u8], records: u64) -> Result<(), Failure> {
        let (mut rest, mut left) = (bytes, records);
        while !rest.is_empty() {
            let result = self.room_for(rest).and_then(|end| match self.append(&rest[..end]) {
                Ok(()) => Ok(end),
                Err((whole, error)) => {
                    let written = memchr_iter(b'\n', &rest[..whole]).count() as u64;
                    self.books.wrote(written, whole as u64);
                    left = left.saturating_sub(written);
                    Err(self.cannot_write(error))
                }
            });
            match result {
                Ok(end) => {
                    let whole = end == rest.len();
                    let written = if whole { left } else { memchr_iter(b'\n', &rest[..end]).count() as u64 };
                    self.books.wrote(written, end as u64);
                    left = left.saturating_sub(written);
                    rest = &rest[end..];
                }
                Err(failure) => {
                    if !matches!(failure, Failure::OutputClosed) {
                        self.books.dropped(&self.name, left);
                    }
                    return Err(failure);
                }
            }
        }
        if self.sync && self.is_regular {
            self.file.sync_data().map_err(|error| Failure::io("cannot sync", &self.name, error))?;
        }
        Ok(())
    }

    /// How many bytes of the whole lines in `bytes` fit in the file, at least one line; rotates when none does.
    fn room_for(&mut self, bytes: &[u8]) -> Result<usize, Failure> {
        let Some(rotation) = self.rotation else { return Ok(bytes.len()) };
        for _ in 0..2 {
            // Asked of the system each time: other processes may append, too.
            let length = self.file.metadata().map_err(|error| self.cannot_write(error))?.len();
            let room = (rotation.max_bytes - 1).saturating_sub(length).min(bytes.len() as u64) as usize;
            if let Some(at) = memrchr(b'\n', &bytes[..room]) {
                return Ok(at + 1);
            }
            if length == 0 {
                break;
            }
            self.rotate(rotation)?;
        }
        // A line larger than a file may be has one of its own.
        Ok(memchr(b'\n', bytes).map_or(bytes.len(), |at| at + 1))
    }

    /// PATH becomes PATH.1, and so on; the oldest goes. Only reopens when somebody else has renamed PATH already.
    fn rotate(&mut self, rotation: Rotation) -> Result<(), Failure> {
        let cannot = |error| Failure::io("cannot rotate", self.path.display().to_string(), error);
        let generation = |number: u32| {
            let mut name = OsString::from(&self.path);
            name.push(format!(".{number}"));
            PathBuf::from(name)
        };
        let identity = |metadata: fs::Metadata| (metadata.dev(), metadata.ino());
        let ours = self.file.metadata().map_err(cannot)?;
        let is_ours = fs::metadata(&self.path).is_ok_and(|there| identity(there) == identity(ours));
        if is_ours {
            for number in (1..rotation.backup_count).rev() {
                match fs::rename(generation(number), generation(number + 1)) {
                    Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(cannot(error)),
                    _ => {}
                }
            }
            fs::rename(&self.path, generation(1)).map_err(cannot)?;
        }
        (self.file, self.is_regular) = opened(&self.path)?;
        Ok(())
    }

    /// Appends whole lines; when that fails, says how many bytes of them stay in the file, to the end of a line.
    fn append(&self, bytes: &[u8]) -> Result<(), (usize, io::Error)> {
        let mut done = 0;
        while done < bytes.len() {
            let error = match (&self.file).write(&bytes[done..]) {
                Ok(0) => io::Error::from(io::ErrorKind::WriteZero),
                Ok(written) => {
                    done += written;
                    continue;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    let ready =
                        poll(&mut [PollFd::from_borrowed_fd(self.file.as_fd(), PollFlags::OUT)], None);
                    match ready {
                        Ok(_) => continue,
                        Err(errno) => errno.into(),
                    }
                }
                Err(error) => error,
            };
            let whole = memrchr(b'\n', &bytes[..done]).map_or(0, |at| at + 1);
            self.cut_off((done - whole) as u64);
            return Err((whole, error));
        }
        Ok(())
    }

    /// Takes back the last `bytes` that we wrote, unless another process has appended since.
    fn cut_off(&self, bytes: u64) {
        if bytes == 0 || !self.is_regular {
            return;
        }
        let length = self.file.metadata().map(|metadata| metadata.len());
        let ours = (&self.file).stream_position();
        let cut = match (length, ours) {
            (Ok(length), Ok(ours)) if length == ours => self.file.set_len(length - bytes).is_ok(),
            _ => false,
        };
        if !cut {
            self.books.warn("half line", &format_args!("{}: half a line had to be left in it", self.name));
        }
    }
}

impl LineSink for FileSink {
    fn line(&mut self, record: &[u8]) -> Result<(), Failure> {
        self.records += 1;
        self.buffer.extend_from_slice(record);
        self.buffer.push(b'\n');
        if self.buffer.len() >= BATCH_BYTES { self.flush() } else { Ok(()) }
    }

    fn lines(&mut self, bytes: &[u8], records: u64) -> Result<(), Failure> {
        if bytes.len() >= BATCH_BYTES {
            self.flush()?;
            return self.hand_on(bytes, records);
        }
        self.records += records;
        self.buffer.extend_from_slice(bytes);
        if self.buffer.len() >= BATCH_BYTES { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<(), Failure> {
        if self.buffer.is_empty() {
            return Ok(());
        }
        let mut buffer = std::mem::take(&mut self.buffer);
        let records = std::mem::take(&mut self.records);
        let result = self.hand_on(&buffer, records);
        buffer.clear();
        self.buffer = buffer;
        result
    }
}

impl Sink for FileSink {
    fn name(&self) -> &str {
        &self.name
    }

    fn reopen(&mut self) -> Result<(), Failure> {
        self.flush()?;
        (self.file, self.is_regular) = opened(&self.path)?;
        self.end_half_line()
    }

    fn close(&mut self) -> Result<(), Failure> {
        self.flush()?;
        if self.is_regular {
            self.file.sync_data().map_err(|error| Failure::io("cannot sync", &self.name, error))?;
        }
        Ok(())
    }
}

/// The file at `path` to append to, and whether it is a regular one.
fn opened(path: &Path) -> Result<(File, bool), Failure> {
    let append = |read| OpenOptions::new().read(read).append(true).create(true).open(path);
    // A pipe must not be opened for reading too: it would wait for nobody and never break.
    let read = !fs::metadata(path).is_ok_and(|metadata| !metadata.is_file());
    let file = append(read).or_else(|error| match error.kind() {
        io::ErrorKind::PermissionDenied => append(false),
        _ => Err(error),
    });
    let file = file.map_err(|source| Failure::CannotCreate { path: path.to_owned(), source })?;
    let is_regular = file.metadata().is_ok_and(|metadata| metadata.is_file());
    Ok((file, is_regular))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::testing::{Directory, books};
    use proptest::prelude::*;
    use std::thread;

    fn sink(path: &Path, rotation: Option<Rotation>, books: &Arc<Books>) -> FileSink {
        FileSink::open(path, "out", rotation, false, books).unwrap()
    }

    fn read(path: &Path, generation: u32) -> Option<String> {
        let path =
            if generation == 0 { path.to_owned() } else { format!("{}.{generation}", path.display()).into() };
        fs::read_to_string(path).ok()
    }

    #[test]
    fn rotation_is_at_a_line_border_before_the_limit_and_forgets_the_oldest() {
        let directory = Directory::new("rotate");
        let path = directory.0.join("out");
        let mut sink = sink(&path, Some(Rotation { max_bytes: 9, backup_count: 2 }), &books());
        // Four bytes a line: two are 8, fewer than 9.
        sink.lines(b"111\n222\n333\n444\n555\n", 5).unwrap();
        sink.line(b"a line longer than a file").unwrap();
        sink.line(b"777").unwrap();
        sink.close().unwrap();
        assert_eq!(read(&path, 0).unwrap(), "777\n");
        assert_eq!(read(&path, 1).unwrap(), "a line longer than a file\n");
        assert_eq!(read(&path, 2).unwrap(), "555\n");
        assert_eq!(read(&path, 3), None);
    }

    #[test]
    fn a_reopened_file_is_a_new_one_after_a_rename() {
        let directory = Directory::new("reopen");
        let path = directory.0.join("out");
        let mut sink = sink(&path, None, &books());
        sink.line(b"old").unwrap();
        fs::rename(&path, directory.0.join("out.1")).unwrap();
        sink.reopen().unwrap();
        sink.line(b"new").unwrap();
        sink.close().unwrap();
        assert_eq!((read(&path, 1).unwrap(), read(&path, 0).unwrap()), ("old\n".into(), "new\n".into()));
    }

    #[test]
    fn a_half_line_that_was_left_is_ended_before_ours() {
        let directory = Directory::new("half-line");
        let path = directory.0.join("out");
        fs::write(&path, "whole\nhal").unwrap();
        let mut sink = sink(&path, None, &books());
        sink.line(b"ours").unwrap();
        sink.close().unwrap();
        assert_eq!(read(&path, 0).unwrap(), "whole\nhal\nours\n");
    }

    #[test]
    fn a_half_line_of_ours_is_cut_off_unless_somebody_has_written_after_it() {
        let directory = Directory::new("cut-off");
        let path = directory.0.join("out");
        let sink = sink(&path, None, &books());
        sink.append(b"whole\nhal").unwrap();
        sink.cut_off(3);
        assert_eq!(read(&path, 0).unwrap(), "whole\n");
        sink.append(b"hal").unwrap();
        OpenOptions::new().append(true).open(&path).unwrap().write_all(b"theirs\n").unwrap();
        sink.cut_off(3);
        assert_eq!(read(&path, 0).unwrap(), "whole\nhaltheirs\n");
    }

    #[test]
    fn a_full_disk_is_a_temporary_failure_and_its_records_are_counted() {
        let books = books();
        let mut sink = sink(Path::new("/dev/full"), None, &books);
        sink.lines(b"1\n2\n", 2).unwrap();
        assert_eq!(sink.flush().unwrap_err().status(), 75);
        assert_eq!(books.to_json()["dropped"]["out"], 2);
        assert_eq!(books.to_json()["written"], 0);
        sink.close().unwrap();
    }

    #[test]
    fn two_writers_never_mix_their_lines() {
        const LINES: usize = 5000;
        let directory = Directory::new("two-writers");
        let path = directory.0.join("out");
        let writers: Vec<_> = ["a", "b"]
            .into_iter()
            .map(|who| {
                let mut sink = sink(&path, None, &books());
                thread::spawn(move || {
                    for number in 0..LINES {
                        sink.line(format!("{who}{number} {}", who.repeat(number % 300)).as_bytes()).unwrap();
                    }
                    sink.close().unwrap();
                })
            })
            .collect();
        writers.into_iter().for_each(|writer| writer.join().unwrap());
        let text = read(&path, 0).unwrap();
        for who in ["a", "b"] {
            let lines: Vec<&str> = text.lines().filter(|line| line.starts_with(who)).collect();
            assert_eq!(lines.len(), LINES);
            for (number, line) in lines.into_iter().enumerate() {
                assert_eq!(line, format!("{who}{number} {}", who.repeat(number % 300)));
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn rotated_files_together_hold_every_line_in_order(
            lengths in prop::collection::vec(0..40usize, 0..60),
            max_bytes in 1..60u64,
            flush_every in 1..10usize,
        ) {
            let directory = Directory::new("rotate-property");
            let path = directory.0.join("out");
            let mut sink = sink(&path, Some(Rotation { max_bytes, backup_count: 100 }), &books());
            let mut expected = String::new();
            for (at, length) in lengths.iter().enumerate() {
                let line = "x".repeat(*length);
                sink.line(line.as_bytes()).unwrap();
                expected.push_str(&format!("{line}\n"));
                if at % flush_every == 0 {
                    sink.flush().unwrap();
                }
            }
            sink.close().unwrap();
            let files: Vec<String> = (0..=100).rev().filter_map(|generation| read(&path, generation)).collect();
            for file in &files {
                prop_assert!((file.len() as u64) < max_bytes || file.matches('\n').count() == 1);
            }
            prop_assert_eq!(files.concat(), expected);
        }
    }
}
