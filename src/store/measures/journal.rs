//! The journal: files of frames, the newest of which is appended to by any number of processes.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};

use super::error::{Damaged, MeasuresError};
use super::frame::{self, FRAME_BYTES_MAX, Frame, HEADER_BYTES};
use super::owner::{give_to_owner, options};
use super::salt::{MARK_BYTES, Salt, Sealed};

/// Format of the files.
const VERSION: u16 = 2;
const FILE_MARK: [u8; 6] = *b"TMjrnl";
/// Bytes before the first frame.
pub(super) const FILE_HEADER_BYTES: u64 = 20;
/// Read at once: many small frames cost few calls.
const READ_BYTES: usize = 256 * 1024;

/// The number of a journal; each is one more than the one before.
pub(super) type Sequence = u64;

/// The folder of the journals.
#[derive(Clone, Debug)]
pub(super) struct Journals {
    folder: PathBuf,
    salt: Salt,
}

impl Journals {
    /// The journals in `folder`, which is made where it is not there.
    pub(super) fn open(folder: &Path, salt: Salt) -> Result<Journals, MeasuresError> {
        make_folder(folder)?;
        Ok(Journals { folder: folder.to_owned(), salt })
    }

    /// What its frames are sealed with.
    pub(super) fn salt(&self) -> &Salt {
        &self.salt
    }

    /// Opens a journal to read it; none when it is not there, which is so when its points are in segments.
    pub(super) fn reader(&self, sequence: Sequence) -> Result<Option<JournalReader>, MeasuresError> {
        JournalReader::open(self.path(sequence), sequence, self.salt)
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(super) fn path(&self, sequence: Sequence) -> PathBuf {
        self.folder.join(format!("{sequence:010}.journal"))
    }

    /// All that are there, oldest first.
    pub(super) fn list(&self) -> Result<Vec<Sequence>, MeasuresError> {
        let cannot = || MeasuresError::io("cannot list", &self.folder);
        let mut found = Vec::new();
        for entry in fs::read_dir(&self.folder).map_err(cannot())? {
            let name = entry.map_err(cannot())?.file_name();
            let number = name.to_str().and_then(|name| name.strip_suffix(".journal"));
            found.extend(number.and_then(|number| number.parse::<Sequence>().ok()));
        }
        found.sort_unstable();
        Ok(found)
    }

    /// Those from `first` on, which follow each other without a gap, oldest first.
    pub(super) fn list_from(&self, first: Sequence) -> Result<Vec<Sequence>, MeasuresError> {
        let mut found = self.list()?;
        found.retain(|sequence| *sequence >= first);
        Ok(found)
    }

    /// One should be there and is not.
    pub(super) fn missing(&self, sequence: Sequence) -> MeasuresError {
        MeasuresError::damaged(&self.path(sequence), 0)(Damaged("the journal is missing"))
    }

    /// Waits until no other process appends or changes journals; until the lock is dropped, none does.
    pub(super) fn lock(&self) -> Result<Lock, MeasuresError> {
        Lock::wait(&self.folder.join("lock"))
    }

    /// The newest journal, made where there is none. Under the lock.
    ///
    /// `at_least`: what the segments say of the first that is theirs no more; a lower number would be taken for theirs.
    pub(super) fn newest(&self, at_least: Sequence) -> Result<Active, MeasuresError> {
        match self.list()?.last() {
            Some(&newest) if newest >= at_least => Active::open(self.path(newest), newest, self.salt),
            _ => self.create(at_least.max(1)),
        }
    }

    /// A new journal behind all others. Under the lock.
    pub(super) fn create(&self, sequence: Sequence) -> Result<Active, MeasuresError> {
        let path = self.path(sequence);
        let file = options().read(true).write(true).create(true).truncate(false).open(&path);
        let file = file.map_err(MeasuresError::io("cannot create", &path))?;
        give_to_owner(&file, &path)?;
        let salt = self.salt;
        let active = Active { file, path, sequence, salt, end: FILE_HEADER_BYTES, header: None };
        active.write_header()?;
        sync_folder(&self.folder)?;
        Ok(active)
    }

    /// Removes journals whose points are in segments.
    pub(super) fn remove(&self, sequences: impl Iterator<Item = Sequence>) -> Result<(), MeasuresError> {
        for sequence in sequences {
            let path = self.path(sequence);
            match fs::remove_file(&path) {
                Err(source) if source.kind() != io::ErrorKind::NotFound => {
                    return Err(MeasuresError::io("cannot remove", &path)(source));
                }
                _ => {}
            }
        }
        Ok(())
    }
}

/// A lock on a file, freed when dropped and when the process dies.
#[derive(Debug)]
pub(super) struct Lock {
    _file: File,
}

impl Lock {
    /// Waits for it.
    pub(super) fn wait(path: &Path) -> Result<Lock, MeasuresError> {
        let file = Lock::file(path)?;
        file.lock().map_err(MeasuresError::io("cannot lock", path))?;
        Ok(Lock { _file: file })
    }

    /// None when somebody else has it.
    pub(super) fn attempt(path: &Path) -> Result<Option<Lock>, MeasuresError> {
        let file = Lock::file(path)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Lock { _file: file })),
            Err(fs::TryLockError::WouldBlock) => Ok(None),
            Err(fs::TryLockError::Error(source)) => Err(MeasuresError::io("cannot lock", path)(source)),
        }
    }

    fn file(path: &Path) -> Result<File, MeasuresError> {
        let file = options().read(true).write(true).create(true).truncate(false).open(path);
        let file = file.map_err(MeasuresError::io("cannot open", path))?;
        give_to_owner(&file, path)?;
        Ok(file)
    }
}

/// The journal that is appended to.
#[derive(Debug)]
pub(super) struct Active {
    file: File,
    path: PathBuf,
    pub(super) sequence: Sequence,
    salt: Salt,
    /// Up to here every frame was checked.
    end: u64,
    /// What is wrong with its header.
    header: Option<Damaged>,
}

/// What was found behind the frames that were known.
#[derive(Debug)]
pub(super) enum Tail {
    /// All is well.
    Sound,
    /// A writer died in the middle of a frame, which nobody was told is there: cut off.
    Cut {
        /// How many bytes that were.
        bytes: u64,
    },
    /// Frames follow bytes that are none: not for a writer to repair.
    Damaged(MeasuresError),
}

impl Active {
    fn open(path: PathBuf, sequence: Sequence, salt: Salt) -> Result<Active, MeasuresError> {
        let file = options().read(true).write(true).open(&path);
        let file = file.map_err(MeasuresError::io("cannot open", &path))?;
        let mut active = Active { file, path, sequence, salt, end: FILE_HEADER_BYTES, header: None };
        if active.length()? < FILE_HEADER_BYTES {
            // Whoever made it died before it was written.
            active.write_header()?;
        } else {
            let mut header = [0; FILE_HEADER_BYTES as usize];
            let read = active.file.read_exact_at(&mut header, 0);
            read.map_err(MeasuresError::io("cannot read", &active.path))?;
            active.header = header_fault(&header, sequence, &active.path)?;
        }
        // Whoever made it may have died before its name was safe.
        sync_folder(active.path.parent().unwrap_or(Path::new("")))?;
        Ok(active)
    }

    fn write_header(&self) -> Result<(), MeasuresError> {
        let written = self.file.write_all_at(&file_header(self.sequence), 0);
        written.and_then(|()| self.file.sync_all()).map_err(MeasuresError::io("cannot write", &self.path))
    }

    fn length(&self) -> Result<u64, MeasuresError> {
        Ok(self.file.metadata().map_err(MeasuresError::io("cannot read", &self.path))?.len())
    }

    /// Whether its name is no longer its own: its points are in segments, or a repair has put a sound one in its place.
    pub(super) fn is_gone(&self) -> Result<bool, MeasuresError> {
        let cannot = || MeasuresError::io("cannot read", &self.path);
        let open = self.file.metadata().map_err(cannot())?;
        match fs::metadata(&self.path) {
            Ok(named) => Ok((named.dev(), named.ino()) != (open.dev(), open.ino())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(true),
            Err(error) => Err(cannot()(error)),
        }
    }

    /// Looks at what others have appended, and cuts off what a dying writer left. Under the lock.
    pub(super) fn catch_up(&mut self) -> Result<Tail, MeasuresError> {
        if let Some(what) = self.header {
            return Ok(Tail::Damaged(MeasuresError::damaged(&self.path, 0)(what)));
        }
        let length = self.length()?;
        if length == self.end {
            return Ok(Tail::Sound);
        }
        if length < FILE_HEADER_BYTES {
            self.write_header()?;
            self.end = FILE_HEADER_BYTES;
            return Ok(Tail::Cut { bytes: 0 });
        }
        // Shorter than known: somebody has cut it.
        let from = if length < self.end { FILE_HEADER_BYTES } else { self.end };
        let file = self.file.try_clone().map_err(MeasuresError::io("cannot read", &self.path))?;
        let mut reader = JournalReader::at(file, self.path.clone(), self.salt, from, length);
        loop {
            match reader.next()? {
                Next::Frame(_) => {}
                Next::End => break,
                Next::Torn { at, .. } => {
                    self.file.set_len(at).map_err(MeasuresError::io("cannot cut", &self.path))?;
                    self.end = at;
                    return Ok(Tail::Cut { bytes: length - at });
                }
                Next::Damaged { at, what, .. } => {
                    return Ok(Tail::Damaged(MeasuresError::damaged(&self.path, at)(what)));
                }
            }
        }
        self.end = length;
        Ok(Tail::Sound)
    }

    /// Appends whole frames behind the last. Under the lock. Nothing of them is there when it fails.
    pub(super) fn append(&mut self, frames: &[u8]) -> Result<(), MeasuresError> {
        if let Err(source) = self.file.write_all_at(frames, self.end) {
            // What was written of it is no frame; if it cannot be cut off, the next writer does that.
            let _ = self.file.set_len(self.end);
            return Err(MeasuresError::io("cannot append to", &self.path)(source));
        }
        self.end += frames.len() as u64;
        Ok(())
    }

    /// Returns when what was appended, by anybody, survives a power failure. Needs no lock.
    pub(super) fn sync(&self) -> Result<(), MeasuresError> {
        self.file.sync_data().map_err(MeasuresError::io("cannot sync", &self.path))
    }

    /// How long it is, as far as was checked.
    pub(super) fn end(&self) -> u64 {
        self.end
    }
}

pub(super) fn file_header(sequence: Sequence) -> [u8; FILE_HEADER_BYTES as usize] {
    let mut header = [0; FILE_HEADER_BYTES as usize];
    header[..6].copy_from_slice(&FILE_MARK);
    header[6..8].copy_from_slice(&VERSION.to_le_bytes());
    header[8..16].copy_from_slice(&sequence.to_le_bytes());
    let checksum = crc32fast::hash(&header[..16]);
    header[16..].copy_from_slice(&checksum.to_le_bytes());
    header
}

/// What is wrong with the header of journal `sequence`.
///
/// # Errors
/// When it is the sound one of another format.
fn header_fault(
    header: &[u8; FILE_HEADER_BYTES as usize],
    sequence: Sequence,
    path: &Path,
) -> Result<Option<Damaged>, MeasuresError> {
    // Only a header that is sound says something of its format.
    let sound = header[16..] == crc32fast::hash(&header[..16]).to_le_bytes();
    if sound && header[..6] == FILE_MARK && header[6..8] != VERSION.to_le_bytes() {
        let found = u16::from_le_bytes([header[6], header[7]]);
        return Err(MeasuresError::Newer { path: path.to_owned(), found, known: VERSION });
    }
    let differs = *header != file_header(sequence);
    Ok(differs.then_some(Damaged("no header of a journal with this number")))
}

/// What stands next in a journal.
#[derive(Debug)]
pub(super) enum Next<'a> {
    /// A sound frame.
    Frame(Frame<'a>),
    /// Nothing.
    End,
    /// What follows is no frame, and no frame follows it: a writer died or is writing.
    Torn {
        /// Where it begins.
        at: u64,
        /// What is wrong with it.
        what: Damaged,
    },
    /// What follows is no frame, but frames follow it. Reading goes on with them.
    Damaged {
        /// Where it begins.
        at: u64,
        /// Where the next frame begins.
        to: u64,
        /// What is wrong with it.
        what: Damaged,
    },
}

/// Reads the frames of one journal, as long as it was when it was opened: what is appended meanwhile is not there, so that
/// a frame that is being written is not taken for damage when another follows it.
pub(super) struct JournalReader {
    file: File,
    path: PathBuf,
    salt: Salt,
    /// Where the first frame is looked for.
    begin: u64,
    /// How long the file was.
    length: u64,
    /// Where `buffer[taken..]` stands in the file.
    offset: u64,
    buffer: Vec<u8>,
    taken: usize,
    ended: bool,
    /// What is wrong with its header.
    header: Option<Damaged>,
    /// Nobody appends to it any more.
    closed: bool,
}

impl JournalReader {
    /// Opens the journal; none when it is not there, which is so when its points are in segments.
    ///
    /// # Errors
    /// When the file is of another format, or cannot be read.
    pub(super) fn open(
        path: PathBuf,
        sequence: Sequence,
        salt: Salt,
    ) -> Result<Option<JournalReader>, MeasuresError> {
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(MeasuresError::io("cannot read", &path)(error)),
        };
        let length = file.metadata().map_err(MeasuresError::io("cannot read", &path))?.len();
        let mut reader = JournalReader::at(file, path, salt, 0, length);
        if reader.fill(FILE_HEADER_BYTES as usize)?
            && let Some(header) = reader.buffer.first_chunk()
        {
            reader.header = header_fault(header, sequence, &reader.path)?;
        }
        reader.rewind();
        Ok(Some(reader))
    }

    /// Of what stands from `offset`, where a frame begins or could, to `length`.
    pub(super) fn at(file: File, path: PathBuf, salt: Salt, offset: u64, length: u64) -> JournalReader {
        let begin = offset.max(FILE_HEADER_BYTES);
        let (buffer, taken, ended, header, closed) = (Vec::new(), 0, false, None, false);
        JournalReader { file, path, salt, begin, length, offset, buffer, taken, ended, header, closed }
    }

    /// A newer journal was begun: this one ends with a frame, and if it does not, that is damage.
    pub(super) fn close(mut self) -> JournalReader {
        self.closed = true;
        if self.length < FILE_HEADER_BYTES {
            self.header = Some(Damaged("a journal ends early"));
        }
        self.rewind();
        self
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The file that is read.
    pub(super) fn file(&self) -> Result<File, MeasuresError> {
        self.file.try_clone().map_err(MeasuresError::io("cannot read", &self.path))
    }

    /// Where what stands next begins.
    pub(super) fn offset(&self) -> u64 {
        self.offset
    }

    /// The bytes from `offset` up to where what stands next begins.
    pub(super) fn between(&self, offset: u64) -> Result<Vec<u8>, MeasuresError> {
        let mut bytes = vec![0; (self.offset - offset) as usize];
        self.file.read_exact_at(&mut bytes, offset).map_err(MeasuresError::io("cannot read", &self.path))?;
        Ok(bytes)
    }

    /// Goes back to the beginning.
    pub(super) fn rewind(&mut self) {
        self.buffer.clear();
        // A header that is sound is nothing to be told of.
        let begin = if self.header.is_some() { 0 } else { self.begin };
        (self.taken, self.offset, self.ended) = (0, begin, false);
    }

    /// What stands next.
    pub(super) fn next(&mut self) -> Result<Next<'_>, MeasuresError> {
        if let Some(what) = self.header.filter(|_| self.offset == 0) {
            self.offset = FILE_HEADER_BYTES;
            return Ok(Next::Damaged { at: 0, to: FILE_HEADER_BYTES.min(self.length), what });
        }
        if self.ended || !self.fill(1)? {
            return Ok(Next::End);
        }
        let mut found = self.sound()?;
        if found.is_err() {
            // What is in the buffer may have been cut off meanwhile, and others have appended in its place.
            self.buffer.clear();
            self.taken = 0;
            found = self.sound()?;
        }
        match found {
            Ok(length) => {
                let begin = self.taken;
                self.skip(length);
                Ok(Next::Frame(Frame::checked(&self.buffer[begin..begin + length])))
            }
            Err(what) => {
                let at = self.offset;
                if self.find_frame()? {
                    return Ok(Next::Damaged { at, to: self.offset, what });
                }
                self.ended = true;
                Ok(if self.closed {
                    Next::Damaged { at, to: self.length, what }
                } else {
                    Next::Torn { at, what }
                })
            }
        }
    }

    /// The length of the frame that stands next, if it is sound.
    fn sound(&mut self) -> Result<Result<usize, Damaged>, MeasuresError> {
        let early = Damaged("a frame ends early");
        if !self.fill(HEADER_BYTES)? {
            return Ok(Err(early));
        }
        let header = self.buffer[self.taken..].first_chunk().ok_or(early);
        let length = match header.and_then(|header| frame::length(header, &self.salt)) {
            Ok(length) => length,
            Err(what) => return Ok(Err(what)),
        };
        if !self.fill(length)? {
            return Ok(Err(early));
        }
        Ok(Frame::check(&self.buffer[self.taken..self.taken + length], &self.salt).map(|_| length))
    }

    /// Steps to the next sound frame behind the next byte; false when there is none.
    fn find_frame(&mut self) -> Result<bool, MeasuresError> {
        let mark = self.salt.mark(Sealed::Frame);
        self.skip(1);
        loop {
            if !self.fill(HEADER_BYTES)? {
                return Ok(false);
            }
            let window = &self.buffer[self.taken..];
            match window.windows(MARK_BYTES).position(|four| four == mark) {
                Some(0) => {
                    if self.sound()?.is_ok() {
                        return Ok(true);
                    }
                    self.skip(1);
                }
                Some(at) => self.skip(at),
                // The last three bytes may begin a mark.
                None => self.skip(window.len() - (MARK_BYTES - 1)),
            }
        }
    }

    fn skip(&mut self, bytes: usize) {
        self.taken += bytes;
        self.offset += bytes as u64;
    }

    /// Makes `bytes` bytes stand in the buffer; false when the file has, or had, no more.
    fn fill(&mut self, bytes: usize) -> Result<bool, MeasuresError> {
        debug_assert!(bytes <= FRAME_BYTES_MAX + HEADER_BYTES);
        while self.buffer.len() - self.taken < bytes {
            if self.taken > 0 {
                self.buffer.drain(..self.taken);
                self.taken = 0;
            }
            let held = self.buffer.len();
            let left = self.length.saturating_sub(self.offset + held as u64);
            if left == 0 {
                return Ok(false);
            }
            let wanted =
                (bytes - held.min(bytes) + READ_BYTES).min(usize::try_from(left).unwrap_or(usize::MAX));
            self.buffer.resize(held + wanted, 0);
            let read = self.file.read_at(&mut self.buffer[held..], self.offset + held as u64);
            let read = read.map_err(MeasuresError::io("cannot read", &self.path));
            self.buffer.truncate(held + read.as_ref().copied().unwrap_or(0));
            if read? == 0 {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// Makes a folder that is not there, so that it survives a power failure.
pub(super) fn make_folder(folder: &Path) -> Result<(), MeasuresError> {
    if folder.is_dir() {
        return Ok(());
    }
    fs::create_dir_all(folder).map_err(MeasuresError::io("cannot create", folder))?;
    let made = options().read(true).open(folder).map_err(MeasuresError::io("cannot open", folder))?;
    give_to_owner(&made, folder)?;
    folder.parent().map_or(Ok(()), sync_folder)
}

/// Makes names in a folder survive a power failure.
pub(super) fn sync_folder(folder: &Path) -> Result<(), MeasuresError> {
    let synced = File::open(folder).and_then(|folder| folder.sync_all());
    synced.map_err(MeasuresError::io("cannot sync", folder))
}
