//! Appends points to the journal, beside other processes that do the same.

use super::MeasuresError;
use super::frame::{self, Arrival, FRAME_POINTS_MAX};
use super::journal::{Active, Journals, Sequence, Tail};

/// Appends points.
#[derive(Debug)]
pub struct Writer {
    journals: Journals,
    active: Active,
    frames: Vec<u8>,
    spare: Vec<Arrival>,
}

/// What an append came upon.
#[derive(Debug)]
pub struct Appended {
    /// How long the journal is now.
    pub journal_bytes: u64,
    /// What a writer that died had left, which is cut off, and damage, which is left as it is.
    pub found: Vec<Found>,
}

/// What stood in the journal that should not.
#[derive(Debug)]
pub enum Found {
    /// A writer had died in the middle of an append that nobody was told of.
    Cut {
        /// How many bytes of it there were.
        bytes: u64,
    },
    /// Bytes in the middle are not what was written.
    Damaged(MeasuresError),
}

impl Writer {
    pub(super) fn open(journals: Journals, first: Sequence) -> Result<Writer, MeasuresError> {
        let lock = journals.lock()?;
        let active = journals.newest(first)?;
        drop(lock);
        Ok(Writer { journals, active, frames: Vec::new(), spare: Vec::new() })
    }

    /// Appends `arrivals` and empties them; they come in their order. On return they survive a power failure.
    ///
    /// # Errors
    /// When the system refuses, a full disk for one: then none of the last 65,536 and what follows them is there.
    pub fn append(&mut self, arrivals: &mut Vec<Arrival>) -> Result<Appended, MeasuresError> {
        self.frames.clear();
        let mut batch = Vec::new();
        for some in arrivals.chunks(FRAME_POINTS_MAX) {
            if arrivals.len() > FRAME_POINTS_MAX {
                batch.clear();
                batch.extend_from_slice(some);
                frame::group(&mut batch, &mut self.spare);
                frame::encode(&batch, &mut self.frames);
            }
        }
        if !arrivals.is_empty() && arrivals.len() <= FRAME_POINTS_MAX {
            frame::group(arrivals, &mut self.spare);
            frame::encode(arrivals, &mut self.frames);
        }
        let mut found = Vec::new();
        let lock = self.journals.lock()?;
        self.follow(&mut found)?;
        self.active.append(&self.frames)?;
        drop(lock);
        self.active.sync()?;
        arrivals.clear();
        Ok(Appended { journal_bytes: self.active.end(), found })
    }

    /// Makes the newest journal the active one, with all that others appended looked at. Under the lock.
    fn follow(&mut self, found: &mut Vec<Found>) -> Result<(), MeasuresError> {
        loop {
            let next = self.active.sequence + 1;
            if self.active.is_gone()? || self.journals.path(next).exists() {
                self.active = self.journals.newest(next)?;
                continue;
            }
            match self.active.catch_up()? {
                Tail::Sound => return Ok(()),
                Tail::Cut { bytes } => {
                    found.push(Found::Cut { bytes });
                    return Ok(());
                }
                Tail::Damaged(error) => {
                    found.push(Found::Damaged(error));
                    self.active = self.journals.create(next)?;
                }
            }
        }
    }
}
