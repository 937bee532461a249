//! Sets damaged files aside and keeps what is sound in them. Never done unasked.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use rusqlite::Connection;

use super::check::read_entry;
use super::chunk::range_of;
use super::engine::Measures;
use super::error::{Damaged, MeasuresError};
use super::journal::{Lock, Next, Sequence, make_folder, sync_folder};
use super::manifest::{Change, Kind, Listed, Manifest};
use super::owner::{give_to_owner, options};
use super::policies::Policies;
use super::salt::{MARK_BYTES, Salt, Sealed};
use super::segment::{
    BLOCK_BYTES_MAX, BLOCK_HEADER_BYTES, Entries, Entry, FILE_HEADER_BYTES, Segment, SegmentWriter,
    sound_block, tag,
};
use super::window::Window;
use crate::model::Timestamp;
use crate::series::ArchivePolicy;
use crate::store::MetricNumber;

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
        // Windows last: what is lost of them is taken from spans.
        for listed in Manifest::read(connection)?.segments.into_iter().rev() {
            if !self.is_sound(&listed, policies)? {
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

    /// A segment of a later release is neither sound nor to be repaired by this one.
    fn is_sound(&self, listed: &Listed, policies: &Policies) -> Result<bool, MeasuresError> {
        let path = self.path(listed.id);
        let segment = match Segment::open(&path, self.salt()) {
            Err(newer @ MeasuresError::Newer { .. }) => return Err(newer),
            Err(_) => return Ok(false),
            Ok(segment) => segment,
        };
        let mut cursor = segment.cursor();
        loop {
            match cursor.next() {
                Ok(Some(entry)) if read_entry(entry, listed.kind, policies).is_ok() => {}
                Ok(None) => return Ok(fs::metadata(&path).is_ok_and(|of| of.len() == listed.bytes)),
                _ => return Ok(false),
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
        let mut writer = SegmentWriter::create(self.path(id), self.salt())?;
        let (mut kept, mut sound_bytes, mut last) = (0, 0, None);
        let mut lost = self.lost_states(listed, connection, policies)?.into_iter().peekable();
        let salvaged = each_block(&path, self.salt(), |block| {
            for entry in Entries::new(block).map_while(Result::ok) {
                let key = (entry.metric, entry.tag);
                if last.is_some_and(|last| last > key) || read_entry(entry, listed.kind, policies).is_err() {
                    continue;
                }
                while let Some((metric, floor)) = lost.next_if(|(metric, _)| *metric <= entry.metric) {
                    writer.entry(metric, tag::STATE, |out| Window::behind(floor).write_state(out))?;
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
            Err(error) => return Err(error),
        };
        for (metric, floor) in lost {
            writer.entry(metric, tag::STATE, |out| Window::behind(floor).write_state(out))?;
        }
        let added = if writer.is_empty() {
            Vec::new()
        } else {
            vec![Listed { id, bytes: writer.finish()?, ..listed.clone() }]
        };
        // Under both names for a moment: what is on no list is removed by the next maintenance.
        let aside = if there { Some(self.link_aside(&path)?) } else { None };
        Change { added, removed: vec![listed.id], first_journal: None }.commit(connection)?;
        if there {
            fs::remove_file(&path).map_err(MeasuresError::io("cannot remove", &path))?;
        }
        Ok(Repaired { aside, kept, lost_bytes: listed.bytes.saturating_sub(sound_bytes), journal: false })
    }

    /// The metrics whose windows' states cannot be read, and up to where they have spans: what came later must not make the same spans
    /// again. None where `damaged` is no segment of windows.
    fn lost_states(
        &self,
        damaged: &Listed,
        connection: &Connection,
        policies: &Policies,
    ) -> Result<BTreeMap<MetricNumber, Timestamp>, MeasuresError> {
        let mut floors = BTreeMap::new();
        if damaged.kind != Kind::Windows {
            return Ok(floors);
        }
        for listed in Manifest::read(connection)?.of(Kind::Spans) {
            let segment = Segment::open(&self.path(listed.id), self.salt())?;
            let mut cursor = segment.cursor();
            loop {
                let at = cursor.offset();
                let Some(entry) = cursor.next()? else { break };
                let metric = entry.metric;
                let end = policies.of(metric).map(|policy| end_of_spans(entry, policy)).transpose();
                if let Some(end) = end.map_err(|what| cursor.fault(at, what))? {
                    let floor = floors.entry(metric).or_insert(end);
                    *floor = end.max(*floor);
                }
            }
        }
        let read = each_block(&self.path(damaged.id), self.salt(), |block| {
            for entry in Entries::new(block).map_while(Result::ok) {
                if entry.tag == tag::STATE && read_entry(entry, Kind::Windows, policies).is_ok() {
                    floors.remove(&entry.metric);
                }
            }
            Ok(())
        });
        match read {
            Err(MeasuresError::Io { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => {}
            other => other?,
        }
        Ok(floors)
    }

    /// Writes the sound frames of a journal into a new file of its name; none when all of it is sound.
    fn repair_journal(&self, sequence: Sequence, newest: bool) -> Result<Option<Repaired>, MeasuresError> {
        let path = self.journals.path(sequence);
        let Some(mut journal) = self.journals.reader(sequence)? else { return Ok(None) };
        if !newest {
            journal = journal.close();
        }
        let part = path.with_extension("part");
        let file = options().write(true).create(true).truncate(true).open(&part);
        let file = file.map_err(MeasuresError::io("cannot create", &part))?;
        give_to_owner(&file, &part)?;
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
        let aside = self.link_aside(&path)?;
        fs::rename(&part, &path).map_err(MeasuresError::io("cannot rename", &part))?;
        sync_folder(self.journals.folder())?;
        Ok(Some(Repaired { aside: Some(aside), kept, lost_bytes, journal: true }))
    }

    /// Gives a file a second name where it harms nobody, one that is free.
    fn link_aside(&self, path: &Path) -> Result<PathBuf, MeasuresError> {
        let folder = self.set_aside();
        make_folder(&folder)?;
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let mut aside = folder.join(&name);
        let mut number = 1;
        while aside.exists() {
            number += 1;
            aside = folder.join(format!("{name}.{number}"));
        }
        // Some file systems have no second names.
        let linked = fs::hard_link(path, &aside).or_else(|_| fs::copy(path, &aside).map(|_| ()));
        linked.map_err(MeasuresError::io("cannot set aside", path))?;
        sync_folder(&folder)?;
        Ok(aside)
    }
}

/// Where the last span of a chunk ends.
fn end_of_spans(entry: Entry<'_>, policy: &ArchivePolicy) -> Result<Timestamp, Damaged> {
    let number = usize::from(entry.tag.wrapping_sub(tag::SPANS));
    let definition = policy.definition().get(number);
    let granularity =
        definition.ok_or(Damaged("spans of a granularity that the policy has not"))?.granularity;
    let (_, last) = range_of(entry.bytes, granularity)?;
    Ok(Timestamp::from_ns(last.ns().saturating_add(granularity.ns())))
}

/// Calls `take` with the entries of each sound block of a segment, found without its index.
fn each_block(
    path: &Path,
    salt: Salt,
    mut take: impl FnMut(&[u8]) -> Result<(), MeasuresError>,
) -> Result<(), MeasuresError> {
    let file = File::open(path).map_err(MeasuresError::io("cannot read", path))?;
    let length = file.metadata().map_err(MeasuresError::io("cannot read", path))?.len();
    let read = |at: u64, bytes: usize| {
        let mut buffer = vec![0; bytes.min(length.saturating_sub(at) as usize)];
        file.read_exact_at(&mut buffer, at).map_err(MeasuresError::io("cannot read", path))?;
        Ok::<_, MeasuresError>(buffer)
    };
    let mark = salt.mark(Sealed::Block);
    let mut at = FILE_HEADER_BYTES as u64;
    while at < length {
        let header = read(at, BLOCK_HEADER_BYTES)?;
        let bytes =
            header.get(4..8).and_then(|four| four.try_into().ok()).map_or(0, u32::from_le_bytes) as usize;
        if header.starts_with(&mark) && bytes <= BLOCK_BYTES_MAX {
            let block = read(at, BLOCK_HEADER_BYTES + bytes)?;
            if sound_block(&block, &salt).is_some() {
                take(&block[BLOCK_HEADER_BYTES..])?;
                at += block.len() as u64;
                continue;
            }
        }
        // The next mark.
        let ahead = read(at + 1, SEARCH_BYTES)?;
        let found = ahead.windows(MARK_BYTES).position(|four| four == mark);
        at += 1 + found.unwrap_or_else(|| ahead.len().saturating_sub(MARK_BYTES - 1).max(1)) as u64;
    }
    Ok(())
}
