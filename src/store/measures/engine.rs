//! The measures of a store: opened by any number of processes at once.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use foldhash::HashMap;
use rusqlite::Connection;

use super::MeasuresError;
use super::journal::{Journals, Sequence, make_folder};
use super::maintain::JOURNAL_BYTES_MAX;
use super::manifest::Manifest;
use super::memory::Memory;
use super::salt::Salt;
use super::segment::Segment;
use super::snapshot::{Snapshot, Source};
use super::writer::Writer;

/// How often a reader looks again when segments change under it; each change is the end of a maintenance.
const ATTEMPTS_MAX: u32 = 100;

/// The points of all metrics of a store. A clone shares what is open, and what is remembered; any number of threads may use one.
#[derive(Clone, Debug)]
pub struct Measures {
    folder: PathBuf,
    pub(super) journals: Journals,
    /// Segments that were opened; they never change.
    opened: Arc<Mutex<HashMap<i64, Arc<Segment>>>>,
    /// What was read of journals.
    pub(super) memory: Arc<Memory>,
    /// Whether readers go by what is remembered, and remember what they read.
    remembers: bool,
    /// When a journal is cut.
    pub(super) journal_bytes_max: u64,
}

impl Measures {
    /// Those in the folder of a store, whose index is `connection`; what is not there yet is made.
    ///
    /// # Errors
    /// When a folder cannot be made, or the index has no salt.
    pub fn open(store: &Path, connection: &Connection) -> Result<Measures, MeasuresError> {
        let salt = Salt::read(connection)?;
        let folder = store.join("segments");
        make_folder(&folder)?;
        let journals = Journals::open(&store.join("journal"), salt)?;
        Ok(Measures {
            folder,
            journals,
            opened: Arc::default(),
            memory: Arc::new(Memory::new()),
            remembers: false,
            journal_bytes_max: JOURNAL_BYTES_MAX,
        })
    }

    /// Cuts journals that are longer than this many bytes; a test's journals are short.
    #[must_use]
    pub fn with_journal_bytes_max(self, bytes: u64) -> Measures {
        Measures { journal_bytes_max: bytes, ..self }
    }

    /// For a process that reads again and again: what is in journals is read once, and remembered in up to 256 MiB. A byte that is
    /// changed on the disk behind that is not noticed by this process.
    #[must_use]
    pub fn remembering(self) -> Measures {
        Measures { remembers: true, ..self }
    }

    /// Appends points.
    ///
    /// # Errors
    /// When the journal cannot be opened.
    pub fn writer(&self, connection: &Connection) -> Result<Writer, MeasuresError> {
        Writer::open(self.journals.clone(), Manifest::read(connection)?.first_journal)
    }

    /// All points that were appended so far; what is appended later may be seen too.
    ///
    /// # Errors
    /// When something cannot be opened.
    pub fn snapshot(&self, connection: &Connection) -> Result<Snapshot, MeasuresError> {
        for _ in 0..ATTEMPTS_MAX {
            let manifest = Manifest::read(connection)?;
            let segments = match self.segments(&manifest) {
                Err(MeasuresError::Io { source, .. })
                    if source.kind() == std::io::ErrorKind::NotFound
                        && Manifest::read(connection)? != manifest =>
                {
                    continue;
                }
                other => other?,
            };
            let (journals, missing) = self.open_journals(&manifest)?;
            if Manifest::read(connection)? == manifest {
                self.memory.forget_before(manifest.first_journal);
                return Ok(Snapshot::new(&manifest, segments, journals, missing));
            }
        }
        Err(MeasuresError::Restless(ATTEMPTS_MAX))
    }

    /// The segments of the list, in its order.
    fn segments(&self, manifest: &Manifest) -> Result<Vec<Arc<Segment>>, MeasuresError> {
        let mut opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        opened.retain(|id, _| manifest.segments.iter().any(|listed| listed.id == *id));
        let mut segments = Vec::new();
        for listed in &manifest.segments {
            let segment = match opened.get(&listed.id) {
                Some(segment) => Arc::clone(segment),
                None => Arc::new(Segment::open(&self.path(listed.id), self.salt())?),
            };
            opened.insert(listed.id, Arc::clone(&segment));
            segments.push(segment);
        }
        Ok(segments)
    }

    /// The journals that are in no segment, oldest first, and what is missing among them.
    fn open_journals(&self, manifest: &Manifest) -> Result<(Vec<Source>, Vec<MeasuresError>), MeasuresError> {
        let listed = self.journals.list_from(manifest.first_journal)?;
        let newest = listed.last().copied();
        let (mut journals, mut missing) = (Vec::new(), Vec::new());
        let mut expected = manifest.first_journal;
        for sequence in listed {
            // A folder that is listed while journals are begun may show a later one and not an earlier.
            for earlier in expected..sequence {
                let Some(journal) = self.source(earlier, true)? else {
                    missing.push(self.journals.missing(earlier));
                    break;
                };
                journals.push(journal);
            }
            match self.source(sequence, newest != Some(sequence))? {
                Some(journal) => journals.push(journal),
                None => missing.push(self.journals.missing(sequence)),
            }
            expected = sequence + 1;
        }
        Ok((journals, missing))
    }

    /// A journal to read from; `closed`: a newer one was begun. None when it is not there.
    fn source(&self, sequence: Sequence, closed: bool) -> Result<Option<Source>, MeasuresError> {
        let (remembered, rest) = if self.remembers {
            self.memory.look(&self.journals, sequence)?
        } else {
            (None, self.journals.reader(sequence)?)
        };
        let rest = rest.map(|rest| if closed { rest.close() } else { rest });
        let there = remembered.is_some() || rest.is_some();
        Ok(there.then_some(Source { remembered, rest, closed }))
    }

    /// Whether a journal of so many bytes is due to be cut.
    pub fn is_due(&self, journal_bytes: u64) -> bool {
        journal_bytes >= self.journal_bytes_max
    }

    /// What frames and blocks are sealed with.
    pub(super) fn salt(&self) -> Salt {
        *self.journals.salt()
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(super) fn path(&self, id: i64) -> PathBuf {
        self.folder.join(format!("{id:010}.segment"))
    }
}
