//! Sets damaged files aside and keeps what is sound in them. Never done unasked.

use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use rusqlite::Connection;

use super::check::read_entry;
use super::engine::Measures;
use super::error::MeasuresError;
use super::journal::{JournalReader, Lock, Next, Sequence, sync_folder};
use super::manifest::{Change, Listed, Manifest};
use super::policies::Policies;
use super::segment::{
    BLOCK_BYTES_MAX, BLOCK_HEADER_BYTES, BLOCK_MARK, Entries, FILE_HEADER_BYTES, Segment, SegmentWriter,
    sound_block,
};

/// Read at once while looking for a block.
const SEARCH_BYTES: usize = 1024 * 1024;

/// One file that was repaired.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repaired {
    /// The file as it was, where it is now; none when it was not there at all.
    pub aside: Option<PathBuf>,
    /// Frames or entries that were sound and are kept.
    pub kept: u64,
    /// Bytes that were not.
    pub lost_bytes: u64,
    /// Whether it was a journal.
    pub journal: bool,
}

impl Measures {
    /// Repairs what a check finds at fault. Nobody writes or maintains meanwhile.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn repair(
        &self,
        connection: &Connection,
        policies: &Policies,
    ) -> Result<Vec<Repaired>, MeasuresError> {
        let _maintenance = Lock::wait(&self.folder().join("lock"))?;
        let _appends = self.journals.lock()?;
        let mut repaired = Vec::new();
        for listed in Manifest::read(connection)?.segments {
            if !self.is_sound(&listed, policies) {
                repaired.push(self.repair_segment(&listed, connection, policies)?);
            }
        }
        let first = Manifest::read(connection)?.first_journal;
        let sequences = self.journals.list_from(first)?;
        let newest = sequences.last().copied().unwrap_or(0);
        for sequence in first..=newest {
            if sequences.binary_search(&sequence).is_err() {
                // Nothing of it can be found; what follows it goes on.
                self.journals.create(sequence)?;
                repaired.push(Repaired { aside: None, kept: 0, lost_bytes: 0, journal: true });
            } else {
                repaired.extend(self.repair_journal(sequence, sequence == newest)?);
            }
        }
        Ok(repaired)
    }

    /// Where damaged files go.
    pub(super) fn set_aside(&self) -> PathBuf {
        self.folder().parent().unwrap_or(Path::new("")).join("set-aside")
    }

    fn is_sound(&self, listed: &Listed, policies: &Policies) -> bool {
        let path = self.path(listed.id);
        let Ok(segment) = Segment::open(&path) else { return false };
        let mut cursor = segment.cursor();
        loop {
            match cursor.next() {
                Ok(Some(entry)) if read_entry(entry, listed.kind, policies).is_ok() => {}
                Ok(None) => return fs::metadata(&path).is_ok_and(|of| of.len() == listed.bytes),
                _ => return false,
            }
        }
    }

    /// Writes what is sound of a segment into a new one, which takes its place.
    fn repair_segment(
        &self,
        listed: &Listed,
        connection: &Connection,
        policies: &Policies,
    ) -> Result<Repaired, MeasuresError> {
        let (path, id) = (self.path(listed.id), Manifest::read(connection)?.next_id);
        let mut writer = SegmentWriter::create(self.path(id))?;
        let (mut kept, mut sound_bytes, mut last) = (0, 0, None);
        let salvaged = each_block(&path, |block| {
            for entry in Entries::new(block).map_while(Result::ok) {
                let key = (entry.metric, entry.tag);
                if last.is_some_and(|last| last > key) || read_entry(entry, listed.kind, policies).is_err() {
                    continue;
                }
                last = Some(key);
                kept += 1;
                sound_bytes += entry.bytes.len() as u64;
                writer.entry(entry.metric, entry.tag, |out| out.extend_from_slice(entry.bytes))?;
            }
            Ok(())
        });
        let there = match salvaged {
            Ok(()) => true,
            Err(MeasuresError::Io { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => false,
            Err(error) => {
                writer.abandon();
                return Err(error);
            }
        };
        let added = if writer.is_empty() {
            writer.abandon();
            Vec::new()
        } else {
            vec![Listed { id, bytes: writer.finish()?, ..listed.clone() }]
        };
        Change { added, removed: vec![listed.id], first_journal: None }.commit(connection)?;
        let aside = if there { Some(self.put_aside(&path)?) } else { None };
        Ok(Repaired { aside, kept, lost_bytes: listed.bytes.saturating_sub(sound_bytes), journal: false })
    }

    /// Writes the sound frames of a journal into a new file of its name; none when all of it is sound.
    fn repair_journal(&self, sequence: Sequence) -> Result<Option<Repaired>, MeasuresError> {
        let path = self.journals.path(sequence);
        let part = path.with_extension("part");
        let file = OpenOptions::new().write(true).create(true).truncate(true).open(&part);
        let file = file.map_err(MeasuresError::io("cannot create", &part))?;
        let write = |bytes: &[u8], at: u64| {
            file.write_all_at(bytes, at).map_err(MeasuresError::io("cannot write", &part))
        };
        let header = super::journal::file_header(sequence);
        write(&header, 0)?;
        let mut end = header.len() as u64;
        let (mut kept, mut lost_bytes) = (0, 0);
        let mut damaged = false;
        loop {
            let from = journal.offset();
            let sound = match journal.next()? {
                Next::Frame(frame) => frame.read(|_| true, |_, _| {}).is_ok(),
                Next::Damaged { at, to, .. } => {
                    damaged = true;
                    lost_bytes += to - at;
                    continue;
                }
                Next::End | Next::Torn { .. } => break,
            };
            let bytes = journal.between(from)?;
            if sound {
                write(&bytes, end)?;
                end += bytes.len() as u64;
                kept += 1;
            } else {
                damaged = true;
                lost_bytes += bytes.len() as u64;
            }
        }
        if !damaged {
            fs::remove_file(&part).map_err(MeasuresError::io("cannot remove", &part))?;
            return Ok(None);
        }
        file.sync_all().map_err(MeasuresError::io("cannot sync", &part))?;
        let aside = self.put_aside(&path)?;
        fs::rename(&part, &path).map_err(MeasuresError::io("cannot rename", &part))?;
        sync_folder(self.journals.folder())?;
        Ok(Some(Repaired { aside: Some(aside), kept, lost_bytes, journal: true }))
    }

    /// Moves a file to where it harms nobody, under a name that is free.
    fn put_aside(&self, path: &Path) -> Result<PathBuf, MeasuresError> {
        let folder = self.set_aside();
        fs::create_dir_all(&folder).map_err(MeasuresError::io("cannot create", &folder))?;
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let mut aside = folder.join(&name);
        let mut number = 1;
        while aside.exists() {
            number += 1;
            aside = folder.join(format!("{name}.{number}"));
        }
        fs::rename(path, &aside).map_err(MeasuresError::io("cannot move", path))?;
        sync_folder(&folder)?;
        Ok(aside)
    }
}

/// Calls `take` with the entries of each sound block of a segment, found without its index.
fn each_block(
    path: &Path,
    mut take: impl FnMut(&[u8]) -> Result<(), MeasuresError>,
) -> Result<(), MeasuresError> {
    let file = File::open(path).map_err(MeasuresError::io("cannot read", path))?;
    let length = file.metadata().map_err(MeasuresError::io("cannot read", path))?.len();
    let read = |at: u64, bytes: usize| {
        let mut buffer = vec![0; bytes.min(length.saturating_sub(at) as usize)];
        file.read_exact_at(&mut buffer, at).map_err(MeasuresError::io("cannot read", path))?;
        Ok::<_, MeasuresError>(buffer)
    };
    let mut at = FILE_HEADER_BYTES as u64;
    while at < length {
        let header = read(at, BLOCK_HEADER_BYTES)?;
        let bytes =
            header.get(4..8).and_then(|four| four.try_into().ok()).map_or(0, u32::from_le_bytes) as usize;
        if header.starts_with(&BLOCK_MARK) && bytes <= BLOCK_BYTES_MAX {
            let block = read(at, BLOCK_HEADER_BYTES + bytes)?;
            if sound_block(&block).is_some() {
                take(&block[BLOCK_HEADER_BYTES..])?;
                at += block.len() as u64;
                continue;
            }
        }
        // The next mark.
        let ahead = read(at + 1, SEARCH_BYTES)?;
        let found = ahead.windows(BLOCK_MARK.len()).position(|four| four == BLOCK_MARK);
        at += 1 + found.unwrap_or_else(|| ahead.len().saturating_sub(3).max(1)) as u64;
    }
    Ok(())
}
