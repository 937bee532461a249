//! A store that is open: its index and its measures.

use std::path::{Path, PathBuf};

use thiserror::Error;

use super::index::{ArchivePolicyRule, INDEX_FILE, Index, IndexError};
use super::measures::{
    Checked, Effort, Maintained, Measures, MeasuresError, Policies, Repaired, Snapshot, Stored, Whole, Writer,
};
use crate::series::{ArchivePolicy, DEFAULT_POLICY, Definition, ceilometer_policies, gnocchi_policies};
use std::sync::Arc;

/// Why a store could not do what it was asked.
#[derive(Debug, Error)]
pub enum StoreError {
    /// The index.
    #[error(transparent)]
    Index(#[from] IndexError),
    /// The measures.
    #[error(transparent)]
    Measures(#[from] MeasuresError),
    /// There are points and no index that says whose they are.
    #[error(
        "{}: there are points here and no {INDEX_FILE} that says whose they are: bring it back, or move them away",
        .0.display()
    )]
    Orphans(PathBuf),
    /// What another store kept goes into an empty one only.
    #[error("{}: the store has points already; import into a new one", .0.display())]
    HasPoints(PathBuf),
}

/// A folder with an index and measures; any number of processes open the same.
pub struct Store {
    folder: PathBuf,
    index: Index,
    measures: Measures,
}

impl Store {
    /// Opens the store in `folder`.
    ///
    /// # Errors
    /// [`IndexError::NoStore`] when there is none.
    pub fn open(folder: &Path) -> Result<Store, StoreError> {
        Store::with(folder, Index::open(folder)?)
    }

    /// Opens the store in `folder`, and makes it where there is none; `defaults`: then with the archive policies of Gnocchi and Ceilometer and the rule
    /// that gives every metric the policy `low`.
    ///
    /// # Errors
    /// What the system refuses.
    pub fn open_or_create(folder: &Path, defaults: bool) -> Result<Store, StoreError> {
        refuse_orphans(folder)?;
        let mut policies = gnocchi_policies();
        policies.extend(ceilometer_policies());
        let rule = ArchivePolicyRule {
            name: "default".to_owned(),
            metric_pattern: "*".to_owned(),
            archive_policy: DEFAULT_POLICY.to_owned(),
        };
        let index = if defaults {
            Index::open_or_create(folder, &policies, &[rule])?
        } else {
            Index::open_or_create(folder, &[], &[])?
        };
        Store::with(folder, index)
    }

    fn with(folder: &Path, index: Index) -> Result<Store, StoreError> {
        let measures = Measures::open(folder, index.connection())?;
        Ok(Store { folder: folder.to_owned(), index, measures })
    }

    /// The same store for another thread: a connection of its own to the index, and the open segments shared. It reads what is in journals
    /// once and remembers it, together with all others made so ([`Measures::remembering`]).
    ///
    /// # Errors
    /// As [`Store::open`].
    pub fn another(&self) -> Result<Store, StoreError> {
        let (folder, index) = (self.folder.clone(), Index::open(&self.folder)?);
        Ok(Store { folder, index, measures: self.measures.clone().remembering() })
    }

    /// Reads what is in journals once and remembers it ([`Measures::remembering`]).
    #[must_use]
    pub fn remembering(self) -> Store {
        Store { measures: self.measures.remembering(), ..self }
    }

    /// Cuts journals that are longer than this many bytes; a test's journals are short.
    #[must_use]
    pub fn with_journal_bytes_max(self, bytes: u64) -> Store {
        Store { measures: self.measures.with_journal_bytes_max(bytes), ..self }
    }

    /// The folder it is in.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// What there is.
    pub fn index(&self) -> &Index {
        &self.index
    }

    /// All points that were appended so far.
    ///
    /// # Errors
    /// When something is damaged or cannot be read.
    pub fn snapshot(&self) -> Result<Snapshot, StoreError> {
        Ok(self.measures.snapshot(self.index.connection())?)
    }

    /// Appends points.
    ///
    /// # Errors
    /// When the journal cannot be opened.
    pub fn writer(&self) -> Result<Writer, StoreError> {
        Ok(self.measures.writer(self.index.connection())?)
    }

    /// Puts in order what was appended; none when another process is at it and only what is due was asked for.
    ///
    /// # Errors
    /// When something is damaged, or the system refuses.
    pub fn maintain(&self, effort: Effort) -> Result<Option<Maintained>, StoreError> {
        let deleted = self.index.deleted()?;
        let effort = if effort == Effort::Everything && !deleted.is_empty() { Effort::Anew } else { effort };
        let done = self.measures.maintain(self.index.connection(), effort, || self.policies())?;
        if effort == Effort::Anew {
            self.index.expunge(&deleted)?;
        }
        Ok(done)
    }

    /// Whether a journal is so long that a maintenance is due.
    pub fn is_due(&self, journal_bytes: u64) -> bool {
        self.measures.is_due(journal_bytes)
    }

    /// Changes how long an archive policy keeps spans, and how late points may come. What came before is judged by what the policy
    /// was.
    ///
    /// # Errors
    /// When there is no such policy, or its granularities would change.
    pub fn update_archive_policy(
        &self,
        name: &str,
        definition: Vec<Definition>,
        back_window: Option<u32>,
    ) -> Result<Arc<ArchivePolicy>, StoreError> {
        // Refused before the work, not behind it.
        self.index.archive_policy(name)?.updated(definition.clone(), back_window).map_err(|error| {
            IndexError::Invalid {
                what: super::index::Thing::ArchivePolicy,
                name: name.to_owned(),
                reason: error.to_string(),
            }
        })?;
        self.maintain(Effort::Everything)?;
        Ok(self.index.update_archive_policy(name, definition, back_window)?)
    }

    /// Takes in what another store kept, in the order of the metrics' numbers; of how many metrics.
    ///
    /// # Errors
    /// [`StoreError::HasPoints`] when this one has points, and what `wholes` gives; then nothing is taken in.
    pub fn restore<E: From<StoreError>>(
        &self,
        wholes: impl Iterator<Item = Result<Whole, E>>,
    ) -> Result<u64, E> {
        let connection = self.index.connection();
        if !self.measures.is_empty(connection).map_err(StoreError::from)? {
            return Err(StoreError::HasPoints(self.folder.clone()).into());
        }
        let policies = self.policies()?;
        let restored =
            self.measures.restore(connection, &policies, wholes.map(|whole| whole.map_err(Restore::Caller)));
        restored.map_err(|error| match error {
            Restore::Caller(error) => error,
            Restore::Measures(error) => StoreError::from(error).into(),
        })
    }

    /// How much is stored; nothing of it is read.
    ///
    /// # Errors
    /// When the list of segments cannot be read.
    pub fn status(&self) -> Result<Stored, StoreError> {
        Ok(self.measures.status(self.index.connection())?)
    }

    /// Reads every byte; what is wrong is in the answer.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub fn check(&self) -> Result<Checked, StoreError> {
        let mut checked = self.measures.check(self.index.connection(), &self.policies()?)?;
        checked.index_faults = self.index.faults()?;
        Ok(checked)
    }

    /// Sets aside what a check finds at fault and keeps what is sound of it.
    ///
    /// # Errors
    /// When the index cannot be read, or the system refuses.
    pub fn repair(&self) -> Result<Vec<Repaired>, StoreError> {
        Ok(self.measures.repair(self.index.connection(), &self.policies()?)?)
    }

    /// The policies of all metrics, by the numbers of both.
    fn policies(&self) -> Result<Policies, StoreError> {
        self.index.snapshot(|index| {
            let mut policies = Policies::default();
            for policy in index.archive_policies()? {
                let number = index.archive_policy_number(policy.name())?;
                policies.define(number.0, (*policy).clone());
            }
            index.each_policy(|metric, policy| policies.set(metric, policy.0))?;
            Ok(policies)
        })
    }
}

/// Points whose index is lost must not become those of other metrics.
fn refuse_orphans(folder: &Path) -> Result<(), StoreError> {
    if folder.join(INDEX_FILE).exists() {
        return Ok(());
    }
    for (part, ending) in [("journal", "journal"), ("segments", "segment")] {
        let files = std::fs::read_dir(folder.join(part)).into_iter().flatten().flatten();
        let mut paths = files.map(|file| file.path());
        // Another process may be making the store: its index comes before its first journal.
        if let Some(path) = paths.find(|path| path.extension().is_some_and(|found| found == ending))
            && !folder.join(INDEX_FILE).exists()
        {
            return Err(StoreError::Orphans(path));
        }
    }
    Ok(())
}

/// Whose error ended a restore.
enum Restore<E> {
    Caller(E),
    Measures(MeasuresError),
}

impl<E> From<MeasuresError> for Restore<E> {
    fn from(error: MeasuresError) -> Restore<E> {
        Restore::Measures(error)
    }
}
