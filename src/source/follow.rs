//! Floor 3 · A file that grows: read like `tail -F`, through rotation, truncation, deletion and late creation.
//!
//! Rotation by rename loses and doubles nothing: the old file is read until its successor holds something, which is
//! when its writer has moved on, then once more to its end. Files that were rotated away while nobody read are found
//! under `PATH.1`, `PATH.2`, …, the names that Python's and our own rotation give. A truncated file is read again from
//! its start; what was written between the last read and the truncation is gone (logrotate's `copytruncate`), and a
//! file that has outgrown its old length before it is looked at again cannot be told from one that grew. A file that
//! came and was rotated away before it was seen for the first time is not known to be ours.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::fs::{self, File, Metadata};
use std::io::{self, Seek, SeekFrom};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use memchr::memrchr;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::inotify::{self, CreateFlags, WatchFlags};

use super::Source;
use crate::base::lines::READ_BYTES;
use crate::base::{Books, Chunk, Failure, LineBuffer, Stop};

/// Rotated files looked at, newest first, for the one that was read last. Each is open while the next is looked at.
const GENERATIONS_MAX: u32 = 100;
/// The file is looked at this often even when inotify says nothing, as on network file systems.
const LOOK_EVERY: Timespec = Timespec { tv_sec: 1, tv_nsec: 0 };
/// Bytes of inotify events taken at once: sixteen with the longest names.
const EVENTS_BYTES: usize = 16 * (16 + 256);

/// Where to begin in a file that is there already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Begin {
    /// At its first byte.
    Start,
    /// After its last whole line.
    End,
}

/// A file that is followed. It never ends but by a stop.
pub struct Follow {
    name: String,
    path: PathBuf,
    current: Option<Current>,
    /// Whether a successor of the current file has been seen to hold something: its writer has moved on.
    moved_on: bool,
    /// What was begun after the current file, oldest first.
    successors: VecDeque<Current>,
    lines: LineBuffer,
    /// Whether the next read is the first of its file, or the first after a truncation.
    begins: bool,
    /// None where inotify cannot be had: then there is only [`LOOK_EVERY`].
    inotify: Option<OwnedFd>,
    watches: Vec<(Identity, i32)>,
    books: Arc<Books>,
}

struct Current {
    file: File,
    identity: Identity,
    offset: u64,
}

/// Device and inode: a file's own name, stable while it is open.
type Identity = (u64, u64);

/// What one look at the file brought.
enum Progress {
    /// Something changed: look again.
    Again,
    /// All that there is has been read.
    CaughtUp,
}

impl Follow {
    /// Follows the file at `path`, which need not be there yet; `name` is for messages.
    ///
    /// # Errors
    /// When it is there and cannot be read.
    pub fn open(
        path: &Path,
        name: &str,
        from: Begin,
        line_max: usize,
        books: &Arc<Books>,
    ) -> Result<Follow, Failure> {
        let cannot = |source| Failure::io("cannot read", name, source);
        let mut follow = Follow {
            name: name.to_owned(),
            path: path.to_owned(),
            current: None,
            moved_on: false,
            successors: VecDeque::new(),
            lines: LineBuffer::new(READ_BYTES, line_max),
            begins: false,
            inotify: inotify::init(CreateFlags::NONBLOCK | CreateFlags::CLOEXEC).ok(),
            watches: Vec::new(),
            books: Arc::clone(books),
        };
        match Current::open(path) {
            Ok(mut current) => {
                if from == Begin::End {
                    current.go_to_end(line_max).map_err(cannot)?;
                }
                follow.current = Some(current);
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(cannot(error)),
        }
        follow.watch_directory();
        Ok(follow)
    }

    /// Reads what is there, or finds out where to go on.
    fn look(&mut self) -> Result<Progress, Failure> {
        let Some(current) = &mut self.current else {
            return match Current::open(&self.path) {
                Ok(current) => {
                    self.current = Some(current);
                    Ok(Progress::Again)
                }
                Err(error) => {
                    if error.kind() != io::ErrorKind::NotFound {
                        self.books.warn("follow", &format_args!("{}: {error}; waiting for it", self.name));
                    }
                    Ok(Progress::CaughtUp)
                }
            };
        };
        if self.begins {
            self.begins = false;
            self.lines.restart();
        }
        let read = self
            .lines
            .read_from(&current.file)
            .map_err(|source| Failure::io("cannot read", &self.name, source))?;
        if read > 0 {
            current.offset += read as u64;
            return Ok(Progress::Again);
        }
        if self.moved_on {
            self.go_to_successor();
            return Ok(Progress::Again);
        }
        if current.file.metadata().is_ok_and(|metadata| metadata.len() < current.offset) {
            return self.begin_again();
        }
        let newest = self.successors.back().unwrap_or(current).identity;
        self.successors.extend(generations_since(newest, &self.path));
        if self.successors.iter().any(Current::holds_something) {
            // The old file is read to its end once more: what its writer wrote before it moved on is there now.
            self.moved_on = true;
            return Ok(Progress::Again);
        }
        // A file is looked at once more after its watch began: what came between would wake nobody.
        Ok(if self.watch_files() { Progress::Again } else { Progress::CaughtUp })
    }

    /// The current file is finished: goes on with the one that was begun after it.
    fn go_to_successor(&mut self) {
        self.moved_on = false;
        self.current = self.successors.pop_front();
        self.lines.end();
        self.begins = true;
        self.forget_watches();
    }

    /// The file was truncated: goes on at its start.
    fn begin_again(&mut self) -> Result<Progress, Failure> {
        self.books
            .warn("truncated", &format_args!("{}: truncated; reading it again from its start", self.name));
        if let Some(current) = &mut self.current {
            let rewound = current.file.seek(SeekFrom::Start(0));
            rewound.map_err(|source| Failure::io("cannot read", &self.name, source))?;
            current.offset = 0;
        }
        self.lines.end();
        self.begins = true;
        Ok(Progress::Again)
    }

    /// Watches the current file and its successors; whether one of them was not watched yet.
    fn watch_files(&mut self) -> bool {
        let Some(inotify) = &self.inotify else { return false };
        let before = self.watches.len();
        for Current { file, identity, .. } in self.current.iter().chain(&self.successors) {
            if self.watches.iter().all(|(watched, _)| watched != identity) {
                let path = format!("/proc/self/fd/{}", file.as_raw_fd());
                let flags = WatchFlags::MODIFY | WatchFlags::ATTRIB | WatchFlags::MOVE_SELF;
                self.watches.extend(inotify::add_watch(inotify, path, flags).map(|watch| (*identity, watch)));
            }
        }
        self.watches.len() > before
    }

    /// Watches the names in the file's directory. Said again and again, as the directory may be a new one.
    fn watch_directory(&self) {
        let directory = self.path.parent().filter(|parent| !parent.as_os_str().is_empty());
        let flags = WatchFlags::CREATE | WatchFlags::MOVED_TO | WatchFlags::MOVED_FROM | WatchFlags::DELETE;
        if let Some(inotify) = &self.inotify {
            // No watch, no harm: the file is looked at every second anyway.
            let _ = inotify::add_watch(inotify, directory.unwrap_or(Path::new(".")), flags);
        }
    }

    fn forget_watches(&mut self) {
        let current = self.current.as_ref().map(|current| current.identity);
        let Some(inotify) = &self.inotify else { return };
        self.watches.retain(|(identity, watch)| {
            let keep = Some(*identity) == current;
            if !keep {
                // Gone by itself when the file is.
                let _ = inotify::remove_watch(inotify, *watch);
            }
            keep
        });
    }

    fn wait(&self, stop: &Stop) {
        let stopped = PollFd::from_borrowed_fd(stop.as_fd(), PollFlags::IN);
        let ready = match &self.inotify {
            Some(inotify) => {
                let mut ready = [stopped, PollFd::from_borrowed_fd(inotify.as_fd(), PollFlags::IN)];
                poll(&mut ready, Some(&LOOK_EVERY))
            }
            None => poll(&mut [stopped], Some(&LOOK_EVERY)),
        };
        stop.woken();
        let Some(inotify) = self.inotify.as_ref().filter(|_| ready != Ok(0)) else {
            self.watch_directory();
            return;
        };
        // What happened does not matter: everything is looked at.
        let mut events = [MaybeUninit::uninit(); EVENTS_BYTES];
        let mut events = inotify::Reader::new(inotify, &mut events);
        while events.next().is_ok() {}
    }
}

impl Current {
    fn open(path: &Path) -> io::Result<Current> {
        // Asked before it is opened: to open a pipe would wait for its writer.
        if !fs::metadata(path)?.is_file() {
            return Err(io::Error::other("only a regular file can be followed"));
        }
        let file = File::open(path)?;
        let metadata = file.metadata()?;
        Ok(Current { identity: identity_of(&metadata), file, offset: 0 })
    }

    fn holds_something(&self) -> bool {
        self.file.metadata().is_ok_and(|metadata| metadata.len() > 0)
    }

    /// Goes to the end of the last whole line, so that one that is being written is not cut.
    fn go_to_end(&mut self, line_max: usize) -> io::Result<()> {
        let end = self.file.metadata()?.len();
        let mut tail = vec![0; end.min(line_max as u64) as usize];
        let start = end - tail.len() as u64;
        self.file.read_exact_at(&mut tail, start)?;
        self.offset = match memrchr(b'\n', &tail) {
            Some(at) => start + at as u64 + 1,
            None if start == 0 => 0,
            None => end,
        };
        self.file.seek(SeekFrom::Start(self.offset))?;
        Ok(())
    }
}

impl Source for Follow {
    fn name(&self) -> &str {
        &self.name
    }

    fn next(
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
            if matches!(self.look()?, Progress::CaughtUp) {
                pause()?;
                self.wait(stop);
            }
        }
    }

    fn close(&mut self, _books: &Books) {}
}

fn identity_of(metadata: &Metadata) -> Identity {
    (metadata.dev(), metadata.ino())
}

/// What was begun after `old`, oldest first, the file at `path` last; only that when `old` is nowhere to be found.
///
/// A rotation renames from the oldest to the newest, so a look from the newest to the oldest meets every file even
/// while one is under way: some twice, and at most one name is missing for a moment.
fn generations_since(old: Identity, path: &Path) -> Vec<Current> {
    let mut newest_first: Vec<Current> = Vec::new();
    let mut at_path = 0;
    let mut missing = 0;
    for generation in 0..=GENERATIONS_MAX {
        let mut name = OsString::from(path);
        if generation > 0 {
            name.push(format!(".{generation}"));
        }
        match Current::open(Path::new(&name)) {
            Ok(file) if file.identity == old => {
                newest_first.reverse();
                return newest_first;
            }
            Ok(file) if newest_first.iter().any(|seen| seen.identity == file.identity) => {}
            Ok(file) => newest_first.push(file),
            Err(_) if missing > 1 => break,
            Err(_) => missing += 1,
        }
        if generation == 0 {
            at_path = newest_first.len();
        }
    }
    newest_first.truncate(at_path);
    newest_first
}

#[cfg(test)]
mod tests {
    use super::super::testing::{lines_until_wait, wait_for_lines};
    use super::*;
    use crate::base::lines::LINE_MAX;
    use crate::base::testing::{Directory, books};
    use proptest::prelude::*;
    use std::fs::OpenOptions;
    use std::io::Write;
    use std::thread;

    fn follow(path: &Path, from: Begin) -> Follow {
        Follow::open(path, "log", from, LINE_MAX, &books()).unwrap()
    }

    fn append(path: &Path, text: &str) {
        OpenOptions::new().create(true).append(true).open(path).unwrap().write_all(text.as_bytes()).unwrap();
    }

    /// PATH.1 becomes PATH.2, and so on; PATH becomes PATH.1.
    fn rotate(path: &Path) {
        let generation = |number: u32| PathBuf::from(format!("{}.{number}", path.display()));
        for number in (1..9).rev() {
            let _ = fs::rename(generation(number), generation(number + 1));
        }
        let _ = fs::rename(path, generation(1));
    }

    #[test]
    fn a_file_is_read_from_its_start_or_after_its_last_whole_line() {
        let directory = Directory::new("follow-from");
        let path = directory.0.join("log");
        append(&path, "one\ntw");
        let (mut all, mut new) = (follow(&path, Begin::Start), follow(&path, Begin::End));
        assert_eq!(lines_until_wait(&mut all), ["one"]);
        assert_eq!(lines_until_wait(&mut new), [""; 0]);
        append(&path, "o\n");
        assert_eq!(wait_for_lines(&mut all, 1), ["two"]);
        assert_eq!(wait_for_lines(&mut new, 1), ["two"]);
    }

    #[test]
    fn a_file_that_comes_late_is_read_from_its_start() {
        let directory = Directory::new("follow-late");
        let path = directory.0.join("log");
        let mut source = follow(&path, Begin::End);
        assert_eq!(lines_until_wait(&mut source), [""; 0]);
        let writer = thread::spawn({
            let path = path.clone();
            move || append(&path, "one\n")
        });
        let stop = Stop::new().unwrap();
        // Waits in the kernel, as a running tool does.
        let chunk = source.next(&stop, &mut || Ok(())).unwrap().unwrap();
        assert_eq!(super::super::testing::texts(&chunk), ["one"]);
        writer.join().unwrap();
    }

    #[test]
    fn the_old_file_is_read_to_its_end_before_the_new_one() {
        let directory = Directory::new("follow-rename");
        let path = directory.0.join("log");
        append(&path, "1\n");
        let mut source = follow(&path, Begin::Start);
        assert_eq!(lines_until_wait(&mut source), ["1"]);
        let mut old = OpenOptions::new().append(true).open(&path).unwrap();
        rotate(&path);
        fs::write(&path, "").unwrap();
        // logrotate's "create": the new file is there, and the writer still has the old one.
        old.write_all(b"2\n").unwrap();
        assert_eq!(lines_until_wait(&mut source), ["2"]);
        old.write_all(b"3\n4").unwrap();
        append(&path, "5\n");
        assert_eq!(lines_until_wait(&mut source), ["3", "4", "5"]);
    }

    #[test]
    fn a_deleted_file_is_read_to_its_end_and_its_successor_from_the_start() {
        let directory = Directory::new("follow-delete");
        let path = directory.0.join("log");
        append(&path, "1\n");
        let mut source = follow(&path, Begin::Start);
        fs::remove_file(&path).unwrap();
        assert_eq!(lines_until_wait(&mut source), ["1"]);
        append(&path, "2\n");
        assert_eq!(lines_until_wait(&mut source), ["2"]);
        assert_eq!(source.watches.len(), 1);
    }

    #[test]
    fn only_a_regular_file_is_followed() {
        let directory = Directory::new("follow-directory");
        let opened = Follow::open(&directory.0, "log", Begin::Start, LINE_MAX, &books());
        assert_eq!(opened.err().unwrap().to_string(), "cannot read log: only a regular file can be followed");
    }

    #[test]
    fn a_truncated_file_is_read_again_from_its_start() {
        let directory = Directory::new("follow-truncate");
        let path = directory.0.join("log");
        append(&path, "1\n2\n");
        let mut source = follow(&path, Begin::Start);
        assert_eq!(lines_until_wait(&mut source), ["1", "2"]);
        fs::write(&path, "3\n").unwrap();
        assert_eq!(lines_until_wait(&mut source), ["3"]);
    }

    #[test]
    fn a_writer_that_rotates_while_it_is_read_loses_and_doubles_nothing() {
        const LINES: usize = 20_000;
        let directory = Directory::new("follow-race");
        let path = directory.0.join("log");
        append(&path, "");
        let mut source = follow(&path, Begin::Start);
        let writer = thread::spawn({
            let path = path.clone();
            move || {
                let open = || OpenOptions::new().create(true).append(true).open(&path).unwrap();
                let mut file = open();
                for number in 0..LINES {
                    if number % 4000 == 3999 {
                        rotate(&path);
                        file.write_all(format!("{number}\n").as_bytes()).unwrap();
                        file = open();
                    } else {
                        file.write_all(format!("{number}\n").as_bytes()).unwrap();
                    }
                }
            }
        });
        let lines = wait_for_lines(&mut source, LINES);
        writer.join().unwrap();
        assert!(lines.iter().enumerate().all(|(at, line)| *line == at.to_string()), "out of order");
        assert_eq!(lines_until_wait(&mut source), [""; 0]);
    }

    #[derive(Clone, Debug)]
    enum Step {
        Append(usize),
        Rotate {
            create: bool,
        },
        Read,
        /// Only after all was read: what nobody has read yet is lost by a truncation, whoever follows.
        ReadAndTruncate,
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            4 => (1..5usize).prop_map(Step::Append),
            2 => any::<bool>().prop_map(|create| Step::Rotate { create }),
            2 => Just(Step::Read),
            1 => Just(Step::ReadAndTruncate),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn any_order_of_appends_rotations_and_truncations_gives_every_line_once(
            steps in prop::collection::vec(step(), 1..40),
        ) {
            let directory = Directory::new("follow-property");
            let path = directory.0.join("log");
            append(&path, "");
            let mut source = follow(&path, Begin::Start);
            let (mut written, mut read) = (Vec::new(), Vec::new());
            let mut rotations = 0;
            for step in steps {
                match step {
                    Step::Append(lines) => {
                        for _ in 0..lines {
                            written.push(format!("line {}", written.len()));
                            append(&path, &format!("{}\n", written[written.len() - 1]));
                        }
                    }
                    // More than nine are forgotten by the writer, unread or not; what is not there is not rotated.
                    Step::Rotate { .. } if rotations == 8 || !path.exists() => {}
                    Step::Rotate { create } => {
                        rotations += 1;
                        rotate(&path);
                        if create {
                            append(&path, "");
                        }
                    }
                    Step::Read => {
                        rotations = 0;
                        read.extend(lines_until_wait(&mut source));
                    }
                    Step::ReadAndTruncate => {
                        rotations = 0;
                        read.extend(lines_until_wait(&mut source));
                        if path.exists() {
                            fs::write(&path, "").unwrap();
                            read.extend(lines_until_wait(&mut source));
                        }
                    }
                }
            }
            read.extend(lines_until_wait(&mut source));
            prop_assert_eq!(read, written);
        }
    }
}
