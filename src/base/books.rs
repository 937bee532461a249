//! The books: what a filter read, wrote, rejected, skipped and lost, and what it says of it on standard error.
//!
//! One [`Books`] a process, shared by its threads. Hot loops add a block's counts at a time.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use serde_json::{Map, Value, json};

use super::Failure;

/// Messages printed of one reason; more are only counted, so that a bad file cannot flood a journal.
pub const REPEATS_MAX: u64 = 10;

/// What one process did to its records, and its voice on standard error.
pub struct Books {
    program: &'static str,
    stats_path: Option<PathBuf>,
    quiet: bool,
    started: Instant,
    counts: Mutex<Counts>,
    /// Held while the books are being written.
    writing: Mutex<()>,
}

#[derive(Default)]
struct Counts {
    read: u64,
    read_bytes: u64,
    written: u64,
    written_bytes: u64,
    late: u64,
    duplicate: u64,
    rejected: BTreeMap<&'static str, u64>,
    skipped: BTreeMap<&'static str, u64>,
    dropped: BTreeMap<String, u64>,
    published: BTreeMap<String, u64>,
    other: BTreeMap<&'static str, u64>,
    warned: BTreeMap<&'static str, u64>,
    unsendable: u64,
    trouble_status: Option<u8>,
    watched: BTreeMap<String, Rejections>,
}

/// What was rejected of the records of one source while it was watched.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rejections {
    /// How many.
    pub count: u64,
    /// The number and the reason of the first.
    pub first: Option<(u64, String)>,
}

impl Books {
    /// Empty books of `program`. `stats_path`: where they go at the end, `-` for standard error.
    pub fn new(program: &'static str, stats_path: Option<PathBuf>, quiet: bool) -> Books {
        Books {
            program,
            stats_path,
            quiet,
            started: Instant::now(),
            counts: Mutex::default(),
            writing: Mutex::default(),
        }
    }

    /// `records` came in, `bytes` long together; the rejected, skipped, late and duplicate ones are among them.
    pub fn read(&self, records: u64, bytes: u64) {
        let mut counts = self.counts();
        counts.read += records;
        counts.read_bytes += bytes;
    }

    /// `records` went out, `bytes` long together.
    pub fn wrote(&self, records: u64, bytes: u64) {
        let mut counts = self.counts();
        counts.written += records;
        counts.written_bytes += bytes;
    }

    /// `records` that were counted as written, `bytes` long together, turned out not to have arrived.
    pub fn unwrote(&self, records: u64, bytes: u64) {
        let mut counts = self.counts();
        counts.written = counts.written.saturating_sub(records);
        counts.written_bytes = counts.written_bytes.saturating_sub(bytes);
    }

    /// A record cannot be used: counted under `reason`, and said with where it stood and why.
    pub fn reject(&self, source: &str, line: u64, reason: &'static str, why: &dyn Display) {
        let seen = {
            let counts = &mut *self.counts();
            if let Some(watched) = counts.watched.get_mut(source) {
                watched.count += 1;
                watched.first.get_or_insert_with(|| (line, why.to_string()));
            }
            let count = counts.rejected.entry(reason).or_default();
            *count += 1;
            *count
        };
        self.say_repeatable(seen, reason, &format_args!("{source}:{line}: {why}"));
    }

    /// From now on, what is rejected of `source` is kept for [`Books::unwatch`]: for a sender that is told.
    pub fn watch(&self, source: &str) {
        self.counts().watched.insert(source.to_owned(), Rejections::default());
    }

    /// What was rejected of `source` since [`Books::watch`], which ends.
    pub fn unwatch(&self, source: &str) -> Rejections {
        self.counts().watched.remove(source).unwrap_or_default()
    }

    /// `records` of a kind that this tool has no use for passed by.
    pub fn skip(&self, kind: &'static str, records: u64) {
        if records > 0 {
            *self.counts().skipped.entry(kind).or_default() += records;
        }
    }

    /// `records` came after their span had been closed.
    pub fn late(&self, records: u64) {
        self.counts().late += records;
    }

    /// `records` were the same as one already taken.
    pub fn duplicate(&self, records: u64) {
        self.counts().duplicate += records;
    }

    /// `records` were lost; `whose` names the place and the reason, as "udp://:4952 kernel".
    pub fn dropped(&self, whose: &str, records: u64) {
        if records == 0 {
            return;
        }
        let mut counts = self.counts();
        match counts.dropped.get_mut(whose) {
            Some(count) => *count += records,
            None => _ = counts.dropped.insert(whose.to_owned(), records),
        }
    }

    /// As [`Books::dropped`], of records that were not delivered: by a receiver's doing or absence. Costs the exit status.
    pub fn undelivered(&self, whose: &str, records: u64) {
        self.dropped(whose, records);
        if records > 0 {
            self.trouble_quietly(&Failure::Unavailable(whose.to_owned()));
        }
    }

    /// As [`Books::dropped`], of records that have no form on the wire of `whose`: for the exit status they count as
    /// rejected.
    pub fn unsendable(&self, whose: &str, records: u64) {
        self.dropped(whose, records);
        self.counts().unsendable += records;
    }

    /// `records` were handed to the publisher `whose`, of several that take different ones.
    pub fn published(&self, whose: &str, records: u64) {
        if records == 0 {
            return;
        }
        let mut counts = self.counts();
        match counts.published.get_mut(whose) {
            Some(count) => *count += records,
            None => _ = counts.published.insert(whose.to_owned(), records),
        }
    }

    /// Adds to a count that only one tool knows, as "counter_resets".
    pub fn count(&self, name: &'static str, by: u64) {
        if by > 0 {
            *self.counts().other.entry(name).or_default() += by;
        }
    }

    /// Something is not as it should be, though no record was rejected: said, at most [`REPEATS_MAX`] times a `topic`.
    pub fn warn(&self, topic: &'static str, message: &dyn Display) {
        let seen = {
            let counts = &mut *self.counts();
            let count = counts.warned.entry(topic).or_default();
            *count += 1;
            *count
        };
        self.say_repeatable(seen, topic, message);
    }

    /// Something worth knowing that is not wrong; silent with `--quiet`.
    pub fn note(&self, message: &dyn Display) {
        if !self.quiet {
            self.complain(message);
        }
    }

    /// Part of the work cannot be done, the rest goes on; the first such failure decides the exit status.
    pub fn trouble(&self, failure: &Failure) {
        self.trouble_quietly(failure);
        self.complain(failure);
    }

    /// As [`Books::trouble`], where the reasons were said already.
    pub fn trouble_quietly(&self, failure: &Failure) {
        self.counts().trouble_status.get_or_insert(failure.status());
    }

    /// Says something that the user should know even with `--quiet`.
    pub fn complain(&self, message: &dyn Display) {
        let mut text = String::new();
        for line in message.to_string().lines() {
            // A record's text must not draw on the terminal.
            let line: String = line.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect();
            text.push_str(&format!("{}: {line}\n", self.program));
        }
        // A standard error that is closed or full must not stop the work.
        let _ = io::stderr().lock().write_all(text.as_bytes());
    }

    /// All records rejected so far.
    pub fn rejected_total(&self) -> u64 {
        self.counts().rejected.values().sum()
    }

    /// All records so far that had no form on the wire of a sink.
    pub fn unsendable_total(&self) -> u64 {
        self.counts().unsendable
    }

    /// All records lost so far.
    pub fn dropped_total(&self) -> u64 {
        self.counts().dropped.values().sum()
    }

    /// The status of the first failure that was noted and did not end the run.
    pub fn trouble_status(&self) -> Option<u8> {
        self.counts().trouble_status
    }

    /// The books as one JSON object (telemetry(7), BOOKS).
    pub fn to_json(&self) -> Value {
        let counts = self.counts();
        let table = |of: &BTreeMap<&'static str, u64>| {
            of.iter().map(|(key, count)| ((*key).to_owned(), json!(count))).collect::<Map<_, _>>()
        };
        let mut object = json!({
            "program": self.program,
            "seconds": (self.started.elapsed().as_secs_f64() * 1000.0).round() / 1000.0,
            "read": counts.read,
            "read_bytes": counts.read_bytes,
            "written": counts.written,
            "written_bytes": counts.written_bytes,
            "rejected": table(&counts.rejected),
            "skipped": table(&counts.skipped),
            "late": counts.late,
            "duplicate": counts.duplicate,
            "dropped": counts.dropped,
        });
        if let Value::Object(map) = &mut object {
            if !counts.published.is_empty() {
                map.insert("published".to_owned(), json!(counts.published));
            }
            map.extend(table(&counts.other));
        }
        object
    }

    /// Writes empty books to the file of `--stats`, so that it is known at the start whether it can be written. A pipe
    /// or a device is left for the end.
    ///
    /// # Errors
    /// When it cannot.
    pub fn open_stats(&self) -> Result<(), Failure> {
        match &self.stats_path {
            Some(path) if path.as_os_str() != "-" && !is_special(path) => self.write_stats(),
            _ => Ok(()),
        }
    }

    /// Writes the books to where `--stats` says, or to standard error when it says nothing (SIGUSR1).
    ///
    /// A file is replaced whole: who reads it sees the books of one moment.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn write_stats(&self) -> Result<(), Failure> {
        // The thread of the signals and the one that ends the run may both be here.
        let _one_at_a_time = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let line = format!("{}\n", self.to_json());
        match &self.stats_path {
            Some(path) if path.as_os_str() != "-" => replace(path, line.as_bytes())
                .map_err(|source| Failure::CannotCreate { path: path.clone(), source }),
            _ => {
                let _ = io::stderr().lock().write_all(line.as_bytes());
                Ok(())
            }
        }
    }

    /// Sums up what went wrong, and writes the books where `--stats` asked for them.
    ///
    /// # Errors
    /// When the file of `--stats` cannot be written.
    pub fn close(&self) -> Result<(), Failure> {
        let summary = self.summary();
        if !summary.is_empty() && !self.quiet {
            self.complain(&summary);
        }
        if self.stats_path.is_some() { self.write_stats() } else { Ok(()) }
    }

    /// One sentence about everything that did not go through; empty when all did.
    fn summary(&self) -> String {
        let counts = self.counts();
        let list = |of: Vec<(&str, u64)>| {
            of.into_iter().map(|(key, count)| format!("{count} {key}")).collect::<Vec<_>>().join(", ")
        };
        let mut parts = Vec::new();
        if !counts.rejected.is_empty() {
            let total: u64 = counts.rejected.values().sum();
            let reasons = list(counts.rejected.iter().map(|(key, count)| (*key, *count)).collect());
            parts.push(format!("rejected {total} of {} ({reasons})", counts.read));
        }
        if !counts.dropped.is_empty() {
            let total: u64 = counts.dropped.values().sum();
            let places = list(counts.dropped.iter().map(|(key, count)| (key.as_str(), *count)).collect());
            parts.push(format!("lost {total} ({places})"));
        }
        if counts.late > 0 {
            parts.push(format!("late {}", counts.late));
        }
        parts.join("; ")
    }

    fn say_repeatable(&self, seen: u64, topic: &str, message: &dyn Display) {
        if self.quiet || seen > REPEATS_MAX {
            return;
        }
        self.complain(message);
        if seen == REPEATS_MAX {
            self.complain(&format_args!("more of \"{topic}\" will be counted, not printed"));
        }
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        // Counters stay usable whatever happened to the thread that held them.
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Puts a file with `bytes` in the place of `path`; a pipe or a device is written to as it is.
fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    if is_special(path) {
        return File::options().write(true).open(path)?.write_all(bytes);
    }
    let mut beside = path.as_os_str().to_owned();
    beside.push(".part");
    File::create(&beside)?.write_all(bytes)?;
    fs::rename(&beside, path)
}

/// Whether there is something at `path` that is no regular file.
fn is_special(path: &Path) -> bool {
    path.metadata().is_ok_and(|metadata| !metadata.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn books_hold_every_count_by_its_reason() {
        let books = Books::new("t", None, true);
        books.read(3, 30);
        books.wrote(1, 10);
        books.reject("-", 2, "not JSON", &"why");
        books.skip("event", 1);
        books.dropped("udp kernel", 7);
        books.count("counter_resets", 2);
        let json = books.to_json();
        assert_eq!(json["rejected"], json!({"not JSON": 1}));
        assert_eq!(json["skipped"], json!({"event": 1}));
        assert_eq!(json["dropped"], json!({"udp kernel": 7}));
        assert_eq!(
            (&json["read"], &json["written"], &json["counter_resets"]),
            (&json!(3), &json!(1), &json!(2))
        );
        assert_eq!(books.summary(), "rejected 1 of 3 (1 not JSON); lost 7 (7 udp kernel)");
    }

    #[test]
    fn what_is_rejected_of_a_watched_source_is_kept_for_it() {
        let books = Books::new("t", None, true);
        books.reject("a", 1, "not JSON", &"before");
        books.watch("a");
        books.reject("a", 2, "not JSON", &"first");
        books.reject("b", 3, "not JSON", &"of another");
        books.reject("a", 4, "no record", &"second");
        assert_eq!(books.unwatch("a"), Rejections { count: 2, first: Some((2, "first".to_owned())) });
        assert_eq!(books.unwatch("a"), Rejections::default());
    }
}
