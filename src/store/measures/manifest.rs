//! The list of segments: changed in one transaction, so that a reader sees all of a change or nothing.

use rusqlite::{Connection, Transaction, TransactionBehavior, params};

use super::MeasuresError;
use super::journal::Sequence;

/// Tables of the measures in the store's database.
pub const SCHEMA: &str = "
CREATE TABLE IF NOT EXISTS segment (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    kind          INTEGER NOT NULL,
    level         INTEGER NOT NULL,
    first_journal INTEGER NOT NULL,
    last_journal  INTEGER NOT NULL,
    bytes         INTEGER NOT NULL,
    points        INTEGER NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS journal (
    one   INTEGER PRIMARY KEY CHECK (one = 1),
    first INTEGER NOT NULL,
    -- What the frames of this store are sealed with; SQLite takes it from the system's random source.
    salt  BLOB NOT NULL CHECK (length(salt) = 16)
) STRICT;
INSERT OR IGNORE INTO journal VALUES (1, 1, randomblob(16));
";

/// What a segment holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Kind {
    /// The windows of all metrics as they were when the last roll ended; at most one.
    Windows,
    /// Points in the order in which they came, of journals behind the last roll.
    Arrivals,
    /// Spans that can change no more.
    Spans,
}

impl Kind {
    const ALL: [Kind; 3] = [Kind::Windows, Kind::Arrivals, Kind::Spans];
}

/// A segment in the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Listed {
    pub(super) id: i64,
    pub(super) kind: Kind,
    /// How often what it holds was merged.
    pub(super) level: u32,
    /// From which journals its points came; the order of segments of a kind.
    pub(super) first_journal: Sequence,
    pub(super) last_journal: Sequence,
    pub(super) bytes: u64,
    /// Points, or rows of spans.
    pub(super) points: u64,
}

/// All segments, and where the journals begin that are in none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Manifest {
    /// By kind, and in the order of their journals.
    pub(super) segments: Vec<Listed>,
    pub(super) first_journal: Sequence,
    pub(super) next_id: i64,
}

impl Manifest {
    /// As it is now.
    pub(super) fn read(connection: &Connection) -> Result<Manifest, MeasuresError> {
        let transaction = connection.unchecked_transaction()?;
        let first_journal =
            connection.query_row("SELECT first FROM journal", [], |row| row.get::<_, i64>(0))?;
        let next_id = connection.query_row(
            "SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'segment'), 0) + 1",
            [],
            |row| row.get(0),
        )?;
        let mut statement = connection.prepare_cached(
            "SELECT id, kind, level, first_journal, last_journal, bytes, points FROM segment
             ORDER BY kind, first_journal, id",
        )?;
        let rows = statement.query_map([], |row| {
            let kind = Kind::ALL.get(usize::from(row.get::<_, u8>(1)?)).copied();
            Ok(Listed {
                id: row.get(0)?,
                kind: kind.ok_or(rusqlite::Error::IntegralValueOutOfRange(1, row.get(1)?))?,
                level: row.get(2)?,
                first_journal: row.get::<_, i64>(3)? as u64,
                last_journal: row.get::<_, i64>(4)? as u64,
                bytes: row.get::<_, i64>(5)? as u64,
                points: row.get::<_, i64>(6)? as u64,
            })
        })?;
        let segments = rows.collect::<Result<_, _>>()?;
        transaction.commit()?;
        Ok(Manifest { segments, first_journal: first_journal as u64, next_id })
    }

    /// Those of a kind.
    pub(super) fn of(&self, kind: Kind) -> impl DoubleEndedIterator<Item = &Listed> {
        self.segments.iter().filter(move |segment| segment.kind == kind)
    }
}

/// What a maintenance changes.
#[derive(Clone, Debug, Default)]
pub(super) struct Change {
    pub(super) added: Vec<Listed>,
    pub(super) removed: Vec<i64>,
    /// The first journal that is in no segment, where that changes.
    pub(super) first_journal: Option<Sequence>,
}

impl Change {
    /// Makes it so, all at once.
    pub(super) fn commit(&self, connection: &Connection) -> Result<(), MeasuresError> {
        let transaction = Transaction::new_unchecked(connection, TransactionBehavior::Immediate)?;
        for id in &self.removed {
            transaction.execute("DELETE FROM segment WHERE id = ?", [id])?;
        }
        for added in &self.added {
            transaction.execute(
                "INSERT INTO segment (id, kind, level, first_journal, last_journal, bytes, points)
                 VALUES (?, ?, ?, ?, ?, ?, ?)",
                params![
                    added.id,
                    added.kind as u8,
                    added.level,
                    added.first_journal as i64,
                    added.last_journal as i64,
                    added.bytes as i64,
                    added.points as i64
                ],
            )?;
        }
        if let Some(first) = self.first_journal {
            transaction.execute("UPDATE journal SET first = ?", [first as i64])?;
        }
        Ok(transaction.commit()?)
    }
}
