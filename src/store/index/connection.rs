//! The index file: made, opened, and changed in transactions.

use std::cell::RefCell;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::catalogue::Catalogue;
use super::schema::{APPLICATION_ID, ENGINE_TABLES, FORMAT, TABLES};
use super::{ArchivePolicyRule, IndexError};
use crate::base::percent::encoded;
use crate::series::ArchivePolicy;

/// The name of the index in the folder of a store.
pub const INDEX_FILE: &str = "index.sqlite";

/// How long a change waits for those of other processes: the largest batch of new metrics takes under half of it.
const BUSY_WAIT: Duration = Duration::from_secs(30);
/// Statements kept ready: more than there are fixed ones.
const STATEMENTS_MAX: usize = 128;
/// Page cache in KiB. Looking up a metric touches three pages of each of two trees: the upper levels of both, of a
/// million metrics, fit.
const PAGE_CACHE_KIB: i64 = 8 * 1024;
/// SQLite's way of refusing a race for the first write to a new file, tried again.
const CREATE_ATTEMPTS_MAX: u32 = 200;

/// What there is: archive policies and their rules, resource types, resources and their history, metrics.
///
/// One connection to `index.sqlite`, for one thread at a time; any number of processes and threads open their own.
/// Readers see the last committed state and never wait; of several that write, all but one wait.
/// Every function is one transaction of its own, unless called inside [`Index::transaction`].
pub struct Index {
    connection: Connection,
    pub(super) catalogue: RefCell<Option<Arc<Catalogue>>>,
}

impl Index {
    /// Makes the index of a new store in `folder`, which is made too.
    ///
    /// # Errors
    /// [`IndexError::StoreExists`] when there is one, and what the system or SQLite refuse.
    pub fn create(
        folder: &Path,
        policies: &[ArchivePolicy],
        rules: &[ArchivePolicyRule],
    ) -> Result<Index, IndexError> {
        fs::create_dir_all(folder).map_err(|source| IndexError::Io { path: folder.to_owned(), source })?;
        let path = folder.join(INDEX_FILE);
        let (index, _) = Index::connect(&path, OpenFlags::SQLITE_OPEN_CREATE)?;
        index.transaction(|index| {
            if index.is_ready(&path)? {
                return Err(IndexError::StoreExists { path: path.clone() });
            }
            TABLES.iter().chain(ENGINE_TABLES).try_for_each(|table| index.connection.execute_batch(table))?;
            policies.iter().try_for_each(|policy| index.create_archive_policy(policy).map(drop))?;
            rules.iter().try_for_each(|rule| index.create_archive_policy_rule(rule))?;
            index.connection.pragma_update(None, "application_id", APPLICATION_ID)?;
            index.connection.pragma_update(None, "user_version", FORMAT)?;
            Ok(())
        })?;
        Ok(index)
    }

    /// Opens the index of the store in `folder`.
    ///
    /// # Errors
    /// [`IndexError::NoStore`] when there is none, [`IndexError::Newer`] when a later release wrote it, [`IndexError::Older`]
    /// when none did.
    pub fn open(folder: &Path) -> Result<Index, IndexError> {
        let path = folder.join(INDEX_FILE);
        if !path.exists() {
            return Err(IndexError::NoStore { path });
        }
        let opened = match Index::connect(&path, OpenFlags::empty()) {
            Err(IndexError::Sql { source }) if cannot_write(&source) => {
                Index::connect_for_reading(&path).unwrap_or(Err(IndexError::Sql { source }))
            }
            other => other,
        };
        match opened? {
            (index, true) => Ok(index),
            (_, false) => Err(IndexError::NoStore { path }),
        }
    }

    /// A connection that only reads, where SQLite may not write beside the file: on a disk that is full or read-only, in
    /// somebody else's store. None where changes of others lie beside it, which it would not see.
    fn connect_for_reading(path: &Path) -> Option<Result<(Index, bool), IndexError>> {
        let mut log = path.as_os_str().to_owned();
        log.push("-wal");
        if fs::metadata(&log).is_ok_and(|log| log.len() > 0) {
            return None;
        }
        let address = format!("file:{}?immutable=1", encoded(path.to_str()?, b"/"));
        let flags =
            OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connect = || {
            let connection = Connection::open_with_flags(address, flags)?;
            connection.set_prepared_statement_cache_capacity(STATEMENTS_MAX);
            let index = Index { connection, catalogue: RefCell::new(None) };
            let ready = index.is_ready(path)?;
            Ok((index, ready))
        };
        Some(connect())
    }

    /// Opens the index of the store in `folder`; when there is none, makes it. Several processes may do so at once.
    ///
    /// # Errors
    /// As [`Index::create`] and [`Index::open`], save that a store may be there or not.
    pub fn open_or_create(
        folder: &Path,
        policies: &[ArchivePolicy],
        rules: &[ArchivePolicyRule],
    ) -> Result<Index, IndexError> {
        match Index::open(folder) {
            Err(IndexError::NoStore { .. }) => {}
            other => return other,
        }
        match Index::create(folder, policies, rules) {
            Err(IndexError::StoreExists { .. }) => Index::open(folder),
            other => other,
        }
    }

    /// A connection, and whether there is an index in the file. A file of something else is left as it is.
    fn connect(path: &PathBuf, create: OpenFlags) -> Result<(Index, bool), IndexError> {
        // One thread at a time is what Rust's types ask for: SQLite's own lock would cost on every call.
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX | create;
        let connection = Connection::open_with_flags(path, flags)?;
        connection.busy_timeout(BUSY_WAIT)?;
        connection.set_prepared_statement_cache_capacity(STATEMENTS_MAX);
        let index = Index { connection, catalogue: RefCell::new(None) };
        let ready = index.is_ready(path)?;
        let connection = &index.connection;
        enter_wal(connection)?;
        // Or SQLite compiles a statement again whenever another value is bound that might lead to another plan, which
        // takes five times as long as to look up a metric.
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.pragma_update(None, "foreign_keys", true)?;
        connection.pragma_update(None, "cache_size", -PAGE_CACHE_KIB)?;
        Ok((index, ready))
    }

    /// Whether the file is an index; not when it is empty, as a process leaves it that was stopped while making it.
    fn is_ready(&self, path: &Path) -> Result<bool, IndexError> {
        // In one state: another process may be making the index right now.
        let (application, format, empty) = self.snapshot(|index| {
            let number =
                |pragma| index.connection.pragma_query_value(None, pragma, |row| row.get::<_, i64>(0));
            let empty = "SELECT count(*) = 0 FROM sqlite_schema";
            let empty: bool = index.connection.query_row(empty, [], |row| row.get(0))?;
            Ok::<_, IndexError>((number("application_id")?, number("user_version")?, empty))
        })?;
        if application != APPLICATION_ID && !empty {
            return Err(IndexError::Foreign { path: path.to_owned() });
        }
        if format > FORMAT {
            return Err(IndexError::Newer { path: path.to_owned(), found: format, known: FORMAT });
        }
        if !empty && format < FORMAT {
            return Err(IndexError::Older { path: path.to_owned(), found: format });
        }
        Ok(!empty)
    }

    /// The connection, for the tables of the measures engine.
    pub(in crate::store) fn connection(&self) -> &Connection {
        &self.connection
    }

    /// Does `work` wholly or not at all: when it fails, panics or the process is killed, nothing of it happened.
    ///
    /// Begins by waiting for the changes of others; from then on nobody else changes anything. Inside another
    /// transaction it is a part of that: when it fails and the caller goes on, only this part did not happen.
    ///
    /// # Errors
    /// What `work` returns, [`IndexError::Busy`] after half a minute of waiting, and what SQLite refuses.
    pub fn transaction<T, E: From<IndexError>>(
        &self,
        work: impl FnOnce(&Index) -> Result<T, E>,
    ) -> Result<T, E> {
        let (begin, commit, undo) = if self.connection.is_autocommit() {
            ("BEGIN IMMEDIATE", "COMMIT", "ROLLBACK")
        } else {
            ("SAVEPOINT part", "RELEASE part", "ROLLBACK TO part; RELEASE part")
        };
        self.run(begin)?;
        let mut scope = Scope { index: self, undo: Some(undo) };
        let answer = work(self)?;
        self.run(commit)?;
        scope.undo = None;
        Ok(answer)
    }

    /// Does `work`, which only reads, on one state of the index, whatever others change meanwhile.
    ///
    /// # Errors
    /// What `work` returns, and what SQLite refuses.
    pub fn snapshot<T, E: From<IndexError>>(
        &self,
        work: impl FnOnce(&Index) -> Result<T, E>,
    ) -> Result<T, E> {
        if !self.connection.is_autocommit() {
            return work(self);
        }
        self.run("BEGIN")?;
        let _scope = Scope { index: self, undo: Some("ROLLBACK") };
        work(self)
    }

    /// A number that differs from what it was when something that was found in the index, and is remembered, may not
    /// hold any more: a metric, a resource, a policy, a rule or a type was changed or removed. What is added does not
    /// count, nor do attributes of resources. Costs about a microsecond.
    ///
    /// # Errors
    /// What SQLite refuses.
    pub fn generation(&self) -> Result<i64, IndexError> {
        let mut statement = self.connection.prepare_cached("SELECT counter FROM generation")?;
        Ok(statement.query_row([], |row| row.get(0))?)
    }

    /// To be called by every change that [`Index::generation`] tells of.
    pub(super) fn next_generation(&self) -> Result<(), IndexError> {
        self.connection.prepare_cached("UPDATE generation SET counter = counter + 1")?.execute([])?;
        Ok(())
    }

    /// What SQLite finds wrong with the file, all of which it reads.
    ///
    /// # Errors
    /// When it cannot be read at all.
    pub fn faults(&self) -> Result<Vec<String>, IndexError> {
        let mut statement = self.connection.prepare("PRAGMA integrity_check")?;
        let found = statement.query_map([], |row| row.get(0))?.collect::<Result<Vec<String>, _>>()?;
        Ok(found.into_iter().filter(|line| line != "ok").collect())
    }

    fn run(&self, statement: &str) -> Result<(), IndexError> {
        self.connection.prepare_cached(statement)?.execute([])?;
        Ok(())
    }
}

/// Undoes a transaction that did not come to its end.
struct Scope<'a> {
    index: &'a Index,
    undo: Option<&'static str>,
}

impl Drop for Scope<'_> {
    fn drop(&mut self) {
        if let Some(undo) = self.undo {
            // SQLite may have undone all of it already (no space left); what can fail here has no effect then.
            let _ = self.index.connection.execute_batch(undo);
            self.index.catalogue.replace(None);
        }
    }
}

/// Turns the write-ahead log on. Of several connections to a new file SQLite lets one, and does not let the others wait.
/// Whether SQLite was kept from writing.
fn cannot_write(error: &rusqlite::Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(
            ErrorCode::ReadOnly
                | ErrorCode::CannotOpen
                | ErrorCode::PermissionDenied
                | ErrorCode::SystemIoFailure
                | ErrorCode::DiskFull
        )
    )
}

fn enter_wal(connection: &Connection) -> Result<(), IndexError> {
    let mut attempt = 0;
    loop {
        match connection.pragma_update(None, "journal_mode", "WAL").map_err(IndexError::from) {
            Err(IndexError::Busy) if attempt < CREATE_ATTEMPTS_MAX => attempt += 1,
            other => return other,
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::super::testing::{at, low_for_all, store};
    use super::super::{NewMetric, Thing};
    use super::*;
    use crate::base::testing::Directory;
    use crate::series::gnocchi_policies;

    fn named(name: &str) -> NewMetric {
        NewMetric { name: Some(name.to_owned()), ..NewMetric::default() }
    }

    #[test]
    fn a_store_is_made_once_and_opened_ever_after() {
        let folder = Directory::new("index-made");
        let open = || Index::open(&folder.0);
        assert!(matches!(open(), Err(IndexError::NoStore { .. })));
        Index::create(&folder.0, &gnocchi_policies(), &[low_for_all()]).unwrap();
        assert!(matches!(Index::create(&folder.0, &[], &[]), Err(IndexError::StoreExists { .. })));
        assert_eq!(open().unwrap().archive_policies().unwrap().len(), gnocchi_policies().len());
    }

    #[test]
    fn a_store_whose_making_was_cut_short_is_none_and_can_be_made() {
        let folder = Directory::new("index-cut");
        fs::write(folder.0.join(INDEX_FILE), "").unwrap();
        assert!(matches!(Index::open(&folder.0), Err(IndexError::NoStore { .. })));
        Index::open_or_create(&folder.0, &gnocchi_policies(), &[low_for_all()]).unwrap();
    }

    #[test]
    fn newer_and_foreign_files_are_refused() {
        let (folder, index) = store("newer");
        index.connection.pragma_update(None, "user_version", FORMAT + 1).unwrap();
        let error = Index::open(&folder.0).err().unwrap();
        assert!(
            matches!(error, IndexError::Newer { found, known: FORMAT, .. } if found == FORMAT + 1),
            "{error}"
        );
        index.connection.pragma_update(None, "user_version", FORMAT - 1).unwrap();
        assert!(matches!(Index::open(&folder.0), Err(IndexError::Older { found: 1, .. })));
        index.connection.pragma_update(None, "application_id", 7).unwrap();
        assert!(matches!(Index::open(&folder.0), Err(IndexError::Foreign { .. })));
        drop(index);
        fs::write(folder.0.join(INDEX_FILE), "no database, but long enough to be looked at".repeat(30))
            .unwrap();
        assert!(matches!(Index::open(&folder.0), Err(IndexError::Damaged { .. })));
    }

    #[test]
    fn several_may_make_and_fill_the_same_store_at_once() {
        let folder = Directory::new("index-race");
        let fill = |writer: usize| {
            let index = Index::open_or_create(&folder.0, &gnocchi_policies(), &[low_for_all()]).unwrap();
            for number in 0..20 {
                index.create_metric(&named(&format!("{writer} {number}")), at(0)).unwrap();
            }
        };
        thread::scope(|scope| (0..4).for_each(|writer| drop(scope.spawn(move || fill(writer)))));
        let index = Index::open(&folder.0).unwrap();
        assert_eq!(index.metric_count().unwrap(), 80);
        assert_eq!(index.archive_policy_rules().unwrap().len(), 1);
    }

    #[test]
    fn a_transaction_that_fails_leaves_nothing_behind() {
        let (_folder, index) = store("undone");
        let failed: Result<(), IndexError> = index.transaction(|index| {
            index.create_metric(&named("a"), at(0))?;
            index.delete_archive_policy_rule("default")?;
            Err(Thing::Metric.not_found("b"))
        });
        assert!(failed.is_err());
        assert_eq!(index.metric_count().unwrap(), 0);
        // What was remembered inside is forgotten too.
        assert_eq!(index.archive_policy_rules().unwrap().len(), 1);
        let again = index.transaction(|index| index.create_metric(&named("a"), at(0)));
        assert!(again.is_ok());
    }

    #[test]
    fn a_part_that_fails_leaves_the_rest_of_its_transaction() {
        let (_folder, index) = store("part");
        let done: Result<(), IndexError> = index.transaction(|index| {
            index.create_metric(&named("a"), at(0))?;
            let part: Result<(), IndexError> = index.transaction(|index| {
                index.create_metric(&named("b"), at(0))?;
                Err(IndexError::Busy)
            });
            assert!(part.is_err());
            index.create_metric(&named("c"), at(0)).map(drop)
        });
        done.unwrap();
        let names: Vec<_> = index
            .metrics(&Default::default())
            .unwrap()
            .into_iter()
            .map(|metric| metric.name.unwrap())
            .collect();
        assert_eq!(names.len(), 2);
        assert!(names.contains(&"a".to_owned()) && names.contains(&"c".to_owned()));
    }

    /// A killed process leaves the files as they are at that moment: here they are copied.
    #[test]
    fn what_was_not_committed_when_a_process_was_killed_never_happened() {
        let (folder, index) = store("killed");
        index.create_metric(&named("before"), at(0)).unwrap();
        let copy = Directory::new("index-killed-copy");
        // So few pages that they are written to the log before the commit.
        index.connection.pragma_update(None, "cache_size", 20).unwrap();
        let cut: Result<(), IndexError> = index.transaction(|index| {
            for number in 0..20_000 {
                index.insert_metric(&named(&format!("{number}")), None, at(0))?;
            }
            for file in [INDEX_FILE, "index.sqlite-wal"] {
                fs::copy(folder.0.join(file), copy.0.join(file)).unwrap();
            }
            Ok(())
        });
        cut.unwrap();
        assert_eq!(index.metric_count().unwrap(), 20_001);
        assert!(fs::metadata(copy.0.join("index.sqlite-wal")).unwrap().len() > 500_000);
        let index = Index::open(&copy.0).unwrap();
        assert_eq!(index.metric_count().unwrap(), 1);
        let check: String =
            index.connection.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
        assert_eq!(check, "ok");
    }

    #[test]
    fn readers_do_not_wait_and_see_one_state() {
        let (folder, writer) = store("reader");
        let reader = Index::open(&folder.0).unwrap();
        let counts: Result<_, IndexError> = writer.transaction(|writer| {
            writer.create_metric(&named("a"), at(0))?;
            reader.metric_count()
        });
        assert_eq!(counts.unwrap(), 0);
        let seen: Result<_, IndexError> = reader.snapshot(|reader| {
            let before = reader.metric_count()?;
            writer.create_metric(&named("b"), at(0))?;
            Ok((before, reader.metric_count()?))
        });
        assert_eq!(seen.unwrap(), (1, 1));
        assert_eq!(reader.metric_count().unwrap(), 2);
    }

    #[test]
    fn the_generation_tells_of_what_others_removed_or_changed() {
        let (folder, index) = store("generation");
        let other = Index::open(&folder.0).unwrap();
        let before = other.generation().unwrap();
        let metric = index.create_metric(&named("a"), at(0)).unwrap();
        assert_eq!(other.generation().unwrap(), before);
        index.delete_metric(metric.id).unwrap();
        assert_ne!(other.generation().unwrap(), before);
        assert!(other.archive_policy_rule("default").is_ok());
        index.delete_archive_policy_rule("default").unwrap();
        assert!(other.archive_policy_rule("default").is_err());
    }
}
