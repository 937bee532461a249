//! Appends points to the journal, beside other processes that do the same.

use super::MeasuresError;
use super::frame::{self, Arrival, FRAME_POINTS_MAX};
use super::journal::{Active, Journals, Sequence, Tail};
use super::maintain::JOURNAL_BYTES_MAX;

/// A writer begins a new journal behind one that is longer: whoever cuts it needs memory for all its points, however long nobody
/// has come to do that.
const JOURNAL_BYTES_LIMIT: u64 = 4 * JOURNAL_BYTES_MAX;

/// Appends points.
#[derive(Debug)]
pub struct Writer {
    journals: Journals,
    active: Active,
    frames: Vec<u8>,
    spare: Vec<Arrival>,
    journal_bytes_limit: u64,
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
        let (frames, spare) = (Vec::new(), Vec::new());
        Ok(Writer { journals, active, frames, spare, journal_bytes_limit: JOURNAL_BYTES_LIMIT })
    }

    /// Appends `arrivals` and empties them; they come in their order. On return they survive a power failure.
    ///
    /// # Errors
    /// When the system refuses, a full disk for one: then none of the last 65,536 and what follows them is there.
    pub fn append(&mut self, arrivals: &mut Vec<Arrival>) -> Result<Appended, MeasuresError> {
        self.frames.clear();
        for some in arrivals.chunks_mut(FRAME_POINTS_MAX) {
            frame::group(some, &mut self.spare);
            frame::encode(some, self.journals.salt(), &mut self.frames);
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
                Tail::Sound if self.active.end() >= self.journal_bytes_limit => {
                    // What others have appended and not yet synced is whole before anything follows it.
                    self.active.sync()?;
                    self.active = self.journals.create(next)?;
                    return Ok(());
                }
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

#[cfg(test)]
mod tests {
    use super::super::testing::{Store, arrival};
    use super::super::{Effort, Policies};

    #[test]
    fn a_journal_that_nobody_cuts_is_followed_by_another() {
        let store = Store::new(Policies::default(), 1 << 40);
        let mut writer = store.measures.writer(&store.connection).unwrap();
        writer.journal_bytes_limit = 100;
        let mut other = store.measures.writer(&store.connection).unwrap();
        for at in 0..8 {
            let appended =
                if at % 2 == 0 { &mut writer } else { &mut other }.append(&mut vec![arrival(0, 1.0, 2.0)]);
            assert!(appended.unwrap().journal_bytes < 200);
        }
        assert!(store.measures.journals.list().unwrap().len() > 1);
        let checked = store.measures.check(&store.connection, &store.policies).unwrap();
        assert_eq!((checked.faults.len(), checked.frames), (0, 8));
        store.maintain(Effort::Everything);
        assert_eq!(store.measures.journals.list().unwrap().len(), 1);
    }
}
