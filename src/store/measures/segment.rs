//! Segments: files of chunks in the order of their metrics, written once.
//!
//! Blocks of whole entries, each behind a header with its length and seal, so that what is sound can be read even where the
//! index at the end is not; an entry is a metric's number, a tag that says what it holds, and its bytes. A reader keeps the
//! index and reads blocks.

use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use super::bits::{read_byte, read_bytes, read_count, read_varint, write_varint};
use super::error::{Damaged, MeasuresError};
use super::journal::sync_folder;
use super::owner::{give_to_owner, options};
use super::salt::{MARK_BYTES, SEAL_BYTES, Salt, Sealed};
use crate::store::MetricNumber;

const VERSION: u16 = 2;
const FILE_MARK: [u8; 6] = *b"TMsegm";
pub(super) const FILE_HEADER_BYTES: usize = 12;
const TRAILER_BYTES: usize = 20;
const TRAILER_MARK: [u8; 4] = *b"TMs.";
/// A block is closed behind the entry that passes this: some 20 metrics of an hour, read in some 10 µs.
const BLOCK_BYTES: usize = 32 * 1024;
/// Mark, length, number of entries and seal, before the entries.
pub(super) const BLOCK_HEADER_BYTES: usize = MARK_BYTES + 8 + SEAL_BYTES;
/// The longest block: a closed one, and one entry of 4,096 points with all methods there are at 9 bytes each.
pub(super) const BLOCK_BYTES_MAX: usize = BLOCK_BYTES + 4096 * 9 * 240;
/// An index of a terabyte; more is damage.
const INDEX_BYTES_MAX: usize = 1 << 30;

/// What an entry holds.
pub(super) mod tag {
    /// A window's state.
    pub(crate) const STATE: u8 = 0;
    /// Points as they came, or those of a window.
    pub(crate) const POINTS: u8 = 1;
    /// Spans of the policy's first granularity; the others follow.
    pub(crate) const SPANS: u8 = 2;
}

/// Writes a segment under a name of its own, and gives it its right one when it is whole; dropped before, nothing is left of it.
pub(super) struct SegmentWriter {
    file: File,
    path: PathBuf,
    salt: Salt,
    written: u64,
    block: Vec<u8>,
    block_first: u32,
    block_entries: u32,
    metric: u32,
    index: Vec<u8>,
    blocks: u64,
    first_before: u32,
    finished: bool,
}

impl SegmentWriter {
    /// For the segment `path`; nothing has that name before [`SegmentWriter::finish`].
    pub(super) fn create(path: PathBuf, salt: Salt) -> Result<SegmentWriter, MeasuresError> {
        let part = part_of(&path);
        let file = options()
            .write(true)
            .create(true)
            .truncate(true)
            .open(&part)
            .map_err(MeasuresError::io("cannot create", &part))?;
        give_to_owner(&file, &part)?;
        let mut writer = SegmentWriter {
            file,
            path,
            salt,
            written: FILE_HEADER_BYTES as u64,
            block: Vec::with_capacity(BLOCK_BYTES * 2),
            block_first: 0,
            block_entries: 0,
            metric: 0,
            index: Vec::new(),
            blocks: 0,
            first_before: 0,
            finished: false,
        };
        writer.file.write_all(&file_header()).map_err(MeasuresError::io("cannot write", &part))?;
        Ok(writer)
    }

    /// Appends an entry; metrics ascend, and the tags of each.
    pub(super) fn entry(
        &mut self,
        metric: MetricNumber,
        tag: u8,
        write: impl FnOnce(&mut Vec<u8>),
    ) -> Result<(), MeasuresError> {
        if self.block.is_empty() {
            // The header is known when the block is whole; its first metric is counted from zero.
            self.block.extend_from_slice(&[0; BLOCK_HEADER_BYTES]);
            self.block_first = metric.0;
            self.metric = 0;
        }
        debug_assert!(metric.0 >= self.metric);
        write_varint(&mut self.block, u64::from(metric.0 - self.metric));
        self.block.push(tag);
        // Four bytes for the length: it is known behind what it counts.
        let at = self.block.len();
        self.block.extend_from_slice(&[0; 4]);
        write(&mut self.block);
        let length = (self.block.len() - at - 4) as u32;
        self.block[at..at + 4].copy_from_slice(&length.to_le_bytes());
        self.metric = metric.0;
        self.block_entries += 1;
        if self.block.len() >= BLOCK_BYTES { self.close_block() } else { Ok(()) }
    }

    fn close_block(&mut self) -> Result<(), MeasuresError> {
        if self.block.is_empty() {
            return Ok(());
        }
        let header = block_header(&self.block[BLOCK_HEADER_BYTES..], self.block_entries, &self.salt);
        self.block[..BLOCK_HEADER_BYTES].copy_from_slice(&header);
        let part = part_of(&self.path);
        self.file.write_all(&self.block).map_err(MeasuresError::io("cannot write", &part))?;
        write_varint(&mut self.index, u64::from(self.block_first - self.first_before));
        write_varint(&mut self.index, self.block.len() as u64);
        self.first_before = self.block_first;
        self.written += self.block.len() as u64;
        self.blocks += 1;
        self.block.clear();
        self.block_entries = 0;
        Ok(())
    }

    /// Whether nothing was written.
    pub(super) fn is_empty(&self) -> bool {
        self.blocks == 0 && self.block.is_empty()
    }

    /// Makes the segment whole and lasting; how long it is.
    pub(super) fn finish(mut self) -> Result<u64, MeasuresError> {
        self.close_block()?;
        let part = part_of(&self.path);
        let mut end = Vec::new();
        write_varint(&mut end, self.blocks);
        end.extend_from_slice(&self.index);
        let checksum = crc32fast::hash(&end);
        let length = end.len() as u32;
        end.extend_from_slice(&self.written.to_le_bytes());
        end.extend_from_slice(&length.to_le_bytes());
        end.extend_from_slice(&checksum.to_le_bytes());
        end.extend_from_slice(&TRAILER_MARK);
        let written = self.file.write_all(&end).and_then(|()| self.file.sync_all());
        written.map_err(MeasuresError::io("cannot write", &part))?;
        fs::rename(&part, &self.path).map_err(MeasuresError::io("cannot rename", &part))?;
        self.finished = true;
        if let Some(folder) = self.path.parent() {
            sync_folder(folder)?;
        }
        Ok(self.written + end.len() as u64)
    }
}

impl Drop for SegmentWriter {
    /// Forgets what was written and is no whole segment.
    fn drop(&mut self) {
        if !self.finished {
            let _ = fs::remove_file(part_of(&self.path));
        }
    }
}

fn block_header(entries: &[u8], count: u32, salt: &Salt) -> [u8; BLOCK_HEADER_BYTES] {
    let mut header = [0; BLOCK_HEADER_BYTES];
    let length = entries.len() as u32;
    header[..MARK_BYTES].copy_from_slice(&salt.mark(Sealed::Block));
    header[4..8].copy_from_slice(&length.to_le_bytes());
    header[8..12].copy_from_slice(&count.to_le_bytes());
    header[12..].copy_from_slice(&salt.seal(Sealed::Block, [length, count], entries));
    header
}

/// How many entries the whole block `bytes` holds; none when it is not sound.
pub(super) fn sound_block(bytes: &[u8], salt: &Salt) -> Option<u32> {
    let header: &[u8; BLOCK_HEADER_BYTES] = bytes.first_chunk()?;
    let count = header[8..12].try_into().map(u32::from_le_bytes).ok()?;
    (*header == block_header(&bytes[BLOCK_HEADER_BYTES..], count, salt)).then_some(count)
}

/// The entries of a sound block, without its header, one after the other.
pub(super) struct Entries<'a> {
    rest: &'a [u8],
    metric: u32,
}

impl<'a> Entries<'a> {
    pub(super) fn new(entries: &'a [u8]) -> Entries<'a> {
        Entries { rest: entries, metric: 0 }
    }
}

impl<'a> Iterator for Entries<'a> {
    type Item = Result<Entry<'a>, Damaged>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let entry = read_entry(&mut self.rest, &mut self.metric);
        if entry.is_err() {
            self.rest = &[];
        }
        Some(entry)
    }
}

fn read_entry<'a>(rest: &mut &'a [u8], metric: &mut u32) -> Result<Entry<'a>, Damaged> {
    let step = u32::try_from(read_varint(rest)?).map_err(|_| Damaged("no such metric"))?;
    *metric = metric.checked_add(step).ok_or(Damaged("no such metric"))?;
    let tag = read_byte(rest)?;
    let length = read_bytes(rest, 4)?.try_into().map_or(0, u32::from_le_bytes);
    let bytes = read_bytes(rest, length as usize)?;
    Ok(Entry { metric: MetricNumber(*metric), tag, bytes })
}

fn part_of(path: &Path) -> PathBuf {
    path.with_extension("part")
}

fn file_header() -> [u8; FILE_HEADER_BYTES] {
    let mut header = [0; FILE_HEADER_BYTES];
    header[..6].copy_from_slice(&FILE_MARK);
    header[6..8].copy_from_slice(&VERSION.to_le_bytes());
    let checksum = crc32fast::hash(&header[..8]);
    header[8..].copy_from_slice(&checksum.to_le_bytes());
    header
}

/// An open segment: its file and its index.
#[derive(Debug)]
pub(super) struct Segment {
    file: File,
    path: PathBuf,
    salt: Salt,
    blocks: Vec<Block>,
}

#[derive(Clone, Copy, Debug)]
struct Block {
    first: u32,
    offset: u64,
    length: u32,
}

impl Segment {
    /// Opens and checks everything but the blocks.
    pub(super) fn open(path: &Path, salt: Salt) -> Result<Segment, MeasuresError> {
        let file = File::open(path).map_err(MeasuresError::io("cannot read", path))?;
        let length = file.metadata().map_err(MeasuresError::io("cannot read", path))?.len();
        let read = |offset: u64, bytes: usize| {
            let mut buffer = vec![0; bytes];
            file.read_exact_at(&mut buffer, offset).map_err(MeasuresError::io("cannot read", path))?;
            Ok::<_, MeasuresError>(buffer)
        };
        let damage = |offset: u64, what: &'static str| MeasuresError::damaged(path, offset)(Damaged(what));
        if length < (FILE_HEADER_BYTES + TRAILER_BYTES) as u64 {
            return Err(damage(length, "a segment ends early"));
        }
        let header = read(0, FILE_HEADER_BYTES)?;
        // Only a header that is sound says something of its format.
        let sound = header[8..] == crc32fast::hash(&header[..8]).to_le_bytes();
        if sound && header[..6] == FILE_MARK && header[6..8] != VERSION.to_le_bytes() {
            let found = u16::from_le_bytes([header[6], header[7]]);
            return Err(MeasuresError::Newer { path: path.to_owned(), found, known: VERSION });
        }
        if header[..] != file_header() {
            return Err(damage(0, "no header of a segment"));
        }
        let trailer_at = length - TRAILER_BYTES as u64;
        let trailer = read(trailer_at, TRAILER_BYTES)?;
        let number = |at: usize| trailer[at..at + 4].try_into().map_or(0, u32::from_le_bytes);
        let index_at = trailer[..8].try_into().map_or(0, u64::from_le_bytes);
        let index_bytes = number(8) as usize;
        if trailer[16..] != TRAILER_MARK
            || index_bytes > INDEX_BYTES_MAX
            || index_at.checked_add(index_bytes as u64) != Some(trailer_at)
        {
            return Err(damage(trailer_at, "no end of a segment"));
        }
        let index = read(index_at, index_bytes)?;
        if crc32fast::hash(&index) != number(12) {
            return Err(damage(index_at, "the checksum of an index differs"));
        }
        let blocks = Segment::read_index(&index, index_at).map_err(MeasuresError::damaged(path, index_at))?;
        Ok(Segment { file, path: path.to_owned(), salt, blocks })
    }

    fn read_index(mut index: &[u8], index_at: u64) -> Result<Vec<Block>, Damaged> {
        let bytes = index.len();
        let count = read_count(&mut index, bytes)?;
        let mut blocks = Vec::with_capacity(count);
        let (mut first, mut offset) = (0u32, FILE_HEADER_BYTES as u64);
        for _ in 0..count {
            let step = u32::try_from(read_varint(&mut index)?).map_err(|_| Damaged("no such metric"))?;
            first = first.checked_add(step).ok_or(Damaged("no such metric"))?;
            let length = read_count(&mut index, BLOCK_BYTES_MAX)? as u32;
            blocks.push(Block { first, offset, length });
            offset += u64::from(length);
        }
        if offset == index_at && index.is_empty() {
            Ok(blocks)
        } else {
            Err(Damaged("the blocks do not fill the segment"))
        }
    }

    /// Reads from the first entry on.
    pub(super) fn cursor(&self) -> Cursor<'_> {
        Cursor { segment: self, block: 0, buffer: Vec::new(), loaded: None, at: 0, metric: 0 }
    }
}

/// One entry of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Entry<'a> {
    pub(super) metric: MetricNumber,
    pub(super) tag: u8,
    pub(super) bytes: &'a [u8],
}

/// Reads the entries of a segment in their order.
pub(super) struct Cursor<'s> {
    segment: &'s Segment,
    /// The block that is read next when the loaded one is done.
    block: usize,
    buffer: Vec<u8>,
    loaded: Option<usize>,
    at: usize,
    metric: u32,
}

impl Cursor<'_> {
    /// The metric of the next entry; none at the end.
    pub(super) fn peek(&mut self) -> Result<Option<MetricNumber>, MeasuresError> {
        if !self.load()? {
            return Ok(None);
        }
        let mut ahead = &self.buffer[self.at..];
        let step = read_varint(&mut ahead).map_err(|what| self.fault(self.offset(), what))?;
        Ok(Some(MetricNumber(self.metric.wrapping_add(step as u32))))
    }

    /// The next entry.
    pub(super) fn next(&mut self) -> Result<Option<Entry<'_>>, MeasuresError> {
        if !self.load()? {
            return Ok(None);
        }
        let offset = self.offset();
        let mut rest = &self.buffer[self.at..];
        let entry = read_entry(&mut rest, &mut self.metric);
        self.at = self.buffer.len() - rest.len();
        match entry {
            Ok(entry) => Ok(Some(entry)),
            Err(what) => Err(MeasuresError::Damaged { path: self.segment.path.clone(), offset, what }),
        }
    }

    /// Steps to the first entry of `metric`, or of the next one that is there. Only forwards.
    pub(super) fn seek(&mut self, metric: MetricNumber) -> Result<(), MeasuresError> {
        let blocks = &self.segment.blocks;
        // The last block that begins before the metric: it may hold its first entries.
        let before = blocks.partition_point(|block| block.first < metric.0).saturating_sub(1);
        let current = self.loaded.unwrap_or(0);
        if before > current || self.loaded.is_none() && before >= self.block {
            self.block = before;
            self.loaded = None;
            self.buffer.clear();
            self.at = 0;
        }
        while self.peek()?.is_some_and(|next| next < metric) {
            self.next()?;
        }
        Ok(())
    }

    /// Makes an entry stand in the buffer; false at the end.
    fn load(&mut self) -> Result<bool, MeasuresError> {
        while self.at == self.buffer.len() {
            let Some(block) = self.segment.blocks.get(self.block) else { return Ok(false) };
            let path = &self.segment.path;
            self.buffer.resize(block.length as usize, 0);
            let read = self.segment.file.read_exact_at(&mut self.buffer, block.offset);
            read.map_err(MeasuresError::io("cannot read", path))?;
            if sound_block(&self.buffer, &self.segment.salt).is_none() {
                let what = Damaged("the checksum of a block differs");
                self.buffer.clear();
                self.at = 0;
                return Err(MeasuresError::damaged(path, block.offset)(what));
            }
            self.loaded = Some(self.block);
            self.block += 1;
            (self.at, self.metric) = (BLOCK_HEADER_BYTES, 0);
        }
        Ok(true)
    }

    /// Steps over the entries of `metric`, if it stands at them.
    pub(super) fn skip(&mut self, metric: MetricNumber) -> Result<(), MeasuresError> {
        while self.peek()? == Some(metric) {
            self.next()?;
        }
        Ok(())
    }

    /// Where the next entry stands in the file.
    pub(super) fn offset(&self) -> u64 {
        self.loaded.map_or(0, |loaded| self.segment.blocks[loaded].offset) + self.at as u64
    }

    /// Something is wrong with the entry at `offset`.
    pub(super) fn fault(&self, offset: u64, what: Damaged) -> MeasuresError {
        MeasuresError::Damaged { path: self.segment.path.clone(), offset, what }
    }
}
