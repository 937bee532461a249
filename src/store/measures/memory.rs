//! What a process that goes on remembers of journals: their points by metric, so that it reads and checks each frame once and an answer
//! costs what its own points cost.
//!
//! A filter reads once and remembers nothing. Others append meanwhile, in this process or in another one: whoever looks reads on where the last one stopped.

use std::cell::Cell;
use std::fs::{self, File, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use foldhash::{HashMap, HashMapExt};

use super::error::{Damaged, MeasuresError};
use super::frame::Frame;
use super::journal::{FILE_HEADER_BYTES, JournalReader, Journals, Next, Sequence};
use crate::series::Point;
use crate::store::MetricNumber;

/// All that is remembered, in bytes: five journals at which a maintenance comes by, or one that nobody cuts. What is
/// behind that is read anew by each reader.
const MEMORY_BYTES_MAX: usize = 256 * 1024 * 1024;
/// Bytes of a point: the point and the number of its frame.
const POINT_BYTES: usize = size_of::<Point>() + size_of::<u32>();
/// Bytes of a metric beside its points: two vectors, its place in the table, and what the allocator takes for both.
const METRIC_BYTES: usize = size_of::<Points>() + 64;
/// How often a journal is looked at that others put in the place of another: a repair does that once.
const ATTEMPTS_MAX: u32 = 10;

/// What is remembered of the journals of a store.
#[derive(Debug)]
pub(super) struct Memory {
    journals: Mutex<HashMap<Sequence, Arc<RwLock<Known>>>>,
    bytes: Arc<AtomicUsize>,
    bytes_max: usize,
}

/// The frames of a journal that were there when somebody looked.
#[derive(Debug)]
pub(super) struct Remembered {
    known: Arc<RwLock<Known>>,
    /// How many; those behind them came later.
    frames: u32,
    /// What stands behind the last frame and is none.
    tail: Option<(u64, Damaged)>,
}

impl Memory {
    pub(super) fn new() -> Memory {
        let journals = Mutex::new(HashMap::new());
        Memory { journals, bytes: Arc::new(AtomicUsize::new(0)), bytes_max: MEMORY_BYTES_MAX }
    }

    #[cfg(test)]
    pub(super) fn of_bytes(bytes_max: usize) -> Memory {
        Memory { bytes_max, ..Memory::new() }
    }

    /// How much is remembered.
    #[cfg(test)]
    pub(super) fn bytes(&self) -> usize {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Forgets the journals before `first`, whose points are in segments.
    pub(super) fn forget_before(&self, first: Sequence) {
        let mut journals = self.journals.lock().unwrap_or_else(PoisonError::into_inner);
        journals.retain(|sequence, _| *sequence >= first);
    }

    /// The frames of a journal as it is now, and a reader of what there is no room to remember; none of both when it is not there, and a reader
    /// alone when its header is not yet written.
    ///
    /// # Errors
    /// When the file is of another format, or cannot be read.
    pub(super) fn look(
        &self,
        from: &Journals,
        sequence: Sequence,
    ) -> Result<(Option<Remembered>, Option<JournalReader>), MeasuresError> {
        for _ in 0..ATTEMPTS_MAX {
            let known = self.known(from, sequence);
            if let Some(found) = Known::as_it_is(&known)? {
                return Ok((Some(found), None));
            }
            let mut open = known.write().unwrap_or_else(PoisonError::into_inner);
            // Now that nobody else reads on: how long it is, and whether it is the same.
            let Some(now) = stat(&open.path)? else { return Ok((None, None)) };
            if open.file.is_none() && now.len() < FILE_HEADER_BYTES {
                break;
            }
            let read = open.is_of(&now).then(|| open.read_on(now.len(), self.bytes_max));
            if let Some(Ok(tail)) = read {
                let frames = open.frames;
                let rest = if open.is_full { Some(open.rest(now.len())?) } else { None };
                drop(open);
                return Ok((Some(Remembered { known, frames, tail }), rest));
            }
            drop(open);
            self.forget(sequence, &known);
            read.transpose()?;
        }
        Ok((None, from.reader(sequence)?))
    }

    /// What is known of a journal, which may be nothing.
    fn known(&self, from: &Journals, sequence: Sequence) -> Arc<RwLock<Known>> {
        let mut journals = self.journals.lock().unwrap_or_else(PoisonError::into_inner);
        let nothing = || Known::nothing(from, sequence, Arc::clone(&self.bytes));
        Arc::clone(journals.entry(sequence).or_insert_with(|| Arc::new(RwLock::new(nothing()))))
    }

    /// Another file has taken its place, or its own was cut shorter than what is known.
    fn forget(&self, sequence: Sequence, known: &Arc<RwLock<Known>>) {
        let mut journals = self.journals.lock().unwrap_or_else(PoisonError::into_inner);
        if journals.get(&sequence).is_some_and(|found| Arc::ptr_eq(found, known)) {
            journals.remove(&sequence);
        }
    }
}

impl Remembered {
    /// Puts the points of `metric` behind those that are there, in the order in which they came.
    pub(super) fn points_of(&self, metric: MetricNumber, points: &mut Vec<Point>) {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        let Some(place) = known.places.get(&metric.0) else { return };
        let Some(of) = known.points.get(*place as usize) else { return };
        let seen = of.frames.partition_point(|frame| *frame < self.frames);
        points.extend_from_slice(&of.points[..seen]);
    }

    /// The bytes in it that are no frame; `closed`: those at its end too, because nobody appends to it any more.
    pub(super) fn damage(&self, closed: bool) -> Vec<MeasuresError> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        let all = known.damage.iter().chain(self.tail.iter().filter(|_| closed));
        all.map(|(at, what)| MeasuresError::damaged(&known.path, *at)(*what)).collect()
    }
}

/// All that was read of a journal.
#[derive(Debug)]
struct Known {
    path: PathBuf,
    journals: Journals,
    sequence: Sequence,
    /// The file, which keeps its number from being given to another; none before it was read.
    file: Option<(File, u64, u64)>,
    /// Up to here it was read: behind a frame, or where it is no more read on.
    end: u64,
    frames: u32,
    damage: Vec<(u64, Damaged)>,
    /// Where the points of a metric are in `points`.
    places: HashMap<u32, u32>,
    points: Vec<Points>,
    /// There is no room for more.
    is_full: bool,
    bytes: usize,
    /// What is remembered of all journals.
    bytes_of_all: Arc<AtomicUsize>,
}

/// The points of a metric, and the number of the frame of each.
#[derive(Debug, Default)]
struct Points {
    points: Vec<Point>,
    frames: Vec<u32>,
}

impl Known {
    fn nothing(journals: &Journals, sequence: Sequence, bytes_of_all: Arc<AtomicUsize>) -> Known {
        Known {
            path: journals.path(sequence),
            journals: journals.clone(),
            sequence,
            file: None,
            end: 0,
            frames: 0,
            damage: Vec::new(),
            places: HashMap::new(),
            points: Vec::new(),
            is_full: false,
            bytes: 0,
            bytes_of_all,
        }
    }

    /// What is known, when that is all there is.
    fn as_it_is(known: &Arc<RwLock<Known>>) -> Result<Option<Remembered>, MeasuresError> {
        let open = known.read().unwrap_or_else(PoisonError::into_inner);
        // While this is held, nobody reads on.
        let now = stat(&open.path)?;
        let all = now.is_some_and(|now| open.file.is_some() && open.is_of(&now) && now.len() == open.end);
        Ok(all.then(|| Remembered { known: Arc::clone(known), frames: open.frames, tail: None }))
    }

    /// Whether it was read from this file, which has only grown since.
    fn is_of(&self, now: &Metadata) -> bool {
        self.file.as_ref().is_none_or(|(_, device, number)| {
            (*device, *number) == (now.dev(), now.ino()) && now.len() >= self.end
        })
    }

    /// Reads what was appended, up to `length`; what stands at the end and is no frame.
    fn read_on(&mut self, length: u64, bytes_max: usize) -> Result<Option<(u64, Damaged)>, MeasuresError> {
        // There may be room again.
        self.is_full = false;
        let mut reader = if self.file.is_some() {
            self.rest(length)?
        } else {
            let Some(reader) = self.journals.reader(self.sequence)? else { return Ok(None) };
            let file = reader.file()?;
            let of = file.metadata().map_err(MeasuresError::io("cannot read", &self.path))?;
            self.file = Some((file, of.dev(), of.ino()));
            self.end = reader.offset();
            reader
        };
        let mut seen_twice = None;
        loop {
            let begin = reader.offset();
            match reader.next()? {
                Next::Frame(frame) => {
                    if self.bytes_of_all.load(Ordering::Relaxed) >= bytes_max {
                        self.is_full = true;
                        return Ok(None);
                    }
                    self.take(frame).map_err(MeasuresError::damaged(&self.path, begin))?;
                    self.end = reader.offset();
                }
                // A reader that looks while what a dying writer left is cut off and others append in its place may find
                // their second frame and not the first: what is remembered is looked at twice.
                Next::Damaged { at, .. } if at >= FILE_HEADER_BYTES && seen_twice != Some(at) => {
                    seen_twice = Some(at);
                    reader = self.rest(length)?;
                }
                Next::Damaged { at, to, what } => {
                    self.damage.push((at, what));
                    self.end = to;
                }
                Next::Torn { at, what } => return Ok(Some((at, what))),
                Next::End => return Ok(None),
            }
        }
    }

    /// A reader of what is not known.
    fn rest(&self, length: u64) -> Result<JournalReader, MeasuresError> {
        let cannot = || MeasuresError::io("cannot read", &self.path);
        let file = match &self.file {
            Some((file, ..)) => file.try_clone().map_err(cannot())?,
            None => File::open(&self.path).map_err(cannot())?,
        };
        Ok(JournalReader::at(file, self.path.clone(), *self.journals.salt(), self.end, length))
    }

    fn take(&mut self, frame: Frame<'_>) -> Result<(), Damaged> {
        let (places, points, number) = (&mut self.places, &mut self.points, self.frames);
        let known = places.len();
        // Where the points go of the metric whose turn it is.
        let place = Cell::new(0);
        let mut bytes = 0;
        frame.read(
            |metric| {
                let next = places.len() as u32;
                place.set(*places.entry(metric.0).or_insert(next) as usize);
                true
            },
            |_, point| {
                if points.len() <= place.get() {
                    points.resize_with(place.get() + 1, Points::default);
                }
                bytes += points[place.get()].push(point, number);
            },
        )?;
        self.frames += 1;
        bytes += (places.len() - known) * METRIC_BYTES;
        self.bytes += bytes;
        self.bytes_of_all.fetch_add(bytes, Ordering::Relaxed);
        Ok(())
    }
}

impl Drop for Known {
    fn drop(&mut self) {
        self.bytes_of_all.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

impl Points {
    /// By how many bytes it grew: by half of what it is, which wastes less than the double.
    fn push(&mut self, point: Point, frame: u32) -> usize {
        let held = self.points.len();
        let more = if held < self.points.capacity() { 0 } else { (held / 2).max(1) };
        if more > 0 {
            self.points.reserve_exact(more);
            self.frames.reserve_exact(more);
        }
        self.points.push(point);
        self.frames.push(frame);
        more * POINT_BYTES
    }
}

/// What the system says of a file; none when it is not there.
fn stat(path: &Path) -> Result<Option<Metadata>, MeasuresError> {
    match fs::metadata(path) {
        Ok(metadata) => Ok(Some(metadata)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(MeasuresError::io("cannot read", path)(error)),
    }
}
