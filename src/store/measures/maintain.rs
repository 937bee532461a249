//! Maintenance: journals are cut, arrivals are rolled, segments are merged, each committed for itself.
//!
//! One process at a time does it; writers and readers do not wait for it. Whoever dies in it leaves files that are in no
//! list, which the next one writes over or removes.

use std::fs;
use std::io;

use rusqlite::Connection;

use super::cut::cut;
use super::engine::Measures;
use super::error::MeasuresError;
use super::journal::{Lock, Sequence, Tail};
use super::manifest::{Change, Kind, Listed, Manifest};
use super::merge::{merge_arrivals, merge_spans};
use super::policies::Policies;
use super::roll::roll;
use super::segment::{Segment, SegmentWriter};

/// A journal is cut when it is longer: two or three million points, put in their order in 50 MB of memory.
pub const JOURNAL_BYTES_MAX: u64 = 32 * 1024 * 1024;
/// So many segments of a level become one of the next.
const FAN_IN: usize = 4;

/// How much is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effort {
    /// What is due, so that reading stays quick and little is written twice.
    Due,
    /// Everything: no journal is left, one segment of windows and one of spans.
    Everything,
    /// Everything, and all is written anew: nothing is left of metrics that are deleted.
    Anew,
}

/// What a maintenance did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Maintained {
    /// Journals that became segments.
    pub journals: u64,
    /// Points that were in them.
    pub points: u64,
    /// Rolls, of which each made spans of all that could change no more.
    pub rolls: u64,
    /// Rows of spans that they made.
    pub rows: u64,
    /// Merges of segments.
    pub merges: u64,
}

impl Measures {
    /// Does the maintenance that is due, or all; none when another process is at it and only what is due was asked for.
    ///
    /// `policies` is asked behind the moment from which on no point can come that is worked on: it knows all their metrics.
    ///
    /// # Errors
    /// When something is damaged, or the system refuses.
    pub fn maintain<E: From<MeasuresError>>(
        &self,
        connection: &Connection,
        effort: Effort,
        policies: impl FnOnce() -> Result<Policies, E>,
    ) -> Result<Option<Maintained>, E> {
        let path = self.folder().join("lock");
        let lock = match effort {
            Effort::Due => Lock::attempt(&path)?,
            Effort::Everything | Effort::Anew => Some(Lock::wait(&path)?),
        };
        let Some(_lock) = lock else { return Ok(None) };
        let end = self.rotate(connection, effort)?;
        let policies = policies()?;
        let mut work = Work { measures: self, connection, policies: &policies, done: Maintained::default() };
        // First: what it frees may be what the disk lacks.
        work.tidy()?;
        work.cut_before(end)?;
        work.arrange(effort)?;
        Ok(Some(work.done))
    }

    /// Begins a new journal where the newest is long, or has anything at all; the first that is still written to.
    fn rotate(&self, connection: &Connection, effort: Effort) -> Result<Sequence, MeasuresError> {
        let first = Manifest::read(connection)?.first_journal;
        let _lock = self.journals.lock()?;
        let mut newest = self.journals.newest(first)?;
        let damaged = matches!(newest.catch_up()?, Tail::Damaged(_));
        let long = match effort {
            // To be appended to no more; whoever cuts it says what is wrong.
            _ if damaged => true,
            Effort::Due => self.is_due(newest.end()),
            Effort::Everything | Effort::Anew => newest.end() > super::journal::FILE_HEADER_BYTES,
        };
        if !long {
            return Ok(newest.sequence);
        }
        // What was appended and not yet synced must not be lost with the file.
        newest.sync()?;
        Ok(self.journals.create(newest.sequence + 1)?.sequence)
    }
}

struct Work<'a> {
    measures: &'a Measures,
    connection: &'a Connection,
    policies: &'a Policies,
    done: Maintained,
}

impl Work<'_> {
    /// Cuts the journals before `end`, one after the other.
    fn cut_before(&mut self, end: Sequence) -> Result<(), MeasuresError> {
        let journals = &self.measures.journals;
        loop {
            let manifest = Manifest::read(self.connection)?;
            let sequence = manifest.first_journal;
            if sequence >= end {
                return Ok(());
            }
            let journal = journals.reader(sequence)?;
            let mut journal = journal.ok_or_else(|| journals.missing(sequence))?.close();
            let mut points = 0;
            let added = self.write(&manifest, |out| {
                points = cut(&mut journal, self.policies, out)?;
                Ok(points)
            })?;
            let listed = added.map(|(id, bytes)| Listed {
                id,
                kind: Kind::Arrivals,
                level: 0,
                first_journal: sequence,
                last_journal: sequence,
                bytes,
                points,
            });
            let change = Change {
                added: listed.into_iter().collect(),
                removed: Vec::new(),
                first_journal: Some(sequence + 1),
            };
            change.commit(self.connection)?;
            journals.remove([sequence].into_iter())?;
            self.done.journals += 1;
            self.done.points += points;
        }
    }

    /// Rolls and merges until nothing is due.
    fn arrange(&mut self, effort: Effort) -> Result<(), MeasuresError> {
        let mut anew = effort == Effort::Anew;
        let everything = effort != Effort::Due;
        loop {
            let manifest = Manifest::read(self.connection)?;
            let bytes = |kind| manifest.of(kind).map(|segment| segment.bytes).sum::<u64>();
            let arrivals = manifest.of(Kind::Arrivals).count();
            // As much has come as the windows hold: each byte of them is written about twice.
            let rolls = arrivals >= FAN_IN && bytes(Kind::Arrivals) >= bytes(Kind::Windows);
            if rolls || everything && arrivals > 0 || anew {
                self.roll(&manifest)?;
                let spans: Vec<Listed> = manifest.of(Kind::Spans).cloned().collect();
                if std::mem::take(&mut anew) && !spans.is_empty() {
                    self.merge(&Manifest::read(self.connection)?, Kind::Spans, &spans)?;
                }
            } else if let Some(group) = due(&manifest, Kind::Arrivals, everything) {
                self.merge(&manifest, Kind::Arrivals, &group)?;
            } else if let Some(group) = due(&manifest, Kind::Spans, everything) {
                self.merge(&manifest, Kind::Spans, &group)?;
            } else {
                return Ok(());
            }
        }
    }

    fn roll(&mut self, manifest: &Manifest) -> Result<(), MeasuresError> {
        let open = |listed: &Listed| Segment::open(&self.measures.path(listed.id), self.measures.salt());
        let windows = manifest.of(Kind::Windows).next().map(open).transpose()?;
        let arrivals = manifest.of(Kind::Arrivals).map(open).collect::<Result<Vec<_>, _>>()?;
        let arrivals: Vec<&Segment> = arrivals.iter().collect();
        let salt = self.measures.salt();
        let (windows_id, spans_id) = (manifest.next_id, manifest.next_id + 1);
        let mut new_windows = SegmentWriter::create(self.measures.path(windows_id), salt)?;
        let mut new_spans = SegmentWriter::create(self.measures.path(spans_id), salt)?;
        let rolled = roll(windows.as_ref(), &arrivals, self.policies, &mut new_windows, &mut new_spans)?;
        let old: Vec<&Listed> = manifest.of(Kind::Windows).chain(manifest.of(Kind::Arrivals)).collect();
        let journals = |of: fn(&Listed) -> Sequence| old.iter().map(move |listed| of(listed));
        // Spans are of what came since the last roll: the order of their segments is that of the rolls.
        let arrived = manifest.of(Kind::Arrivals).map(|listed| listed.first_journal).min().unwrap_or(0);
        let last_journal = journals(|listed| listed.last_journal).max().unwrap_or(0);
        let first_journal = journals(|listed| listed.first_journal).min().unwrap_or(0);
        let of = |id, kind, first_journal, bytes, points| Listed {
            id,
            kind,
            level: 0,
            first_journal,
            last_journal,
            bytes,
            points,
        };
        let mut change =
            Change { removed: old.iter().map(|listed| listed.id).collect(), ..Change::default() };
        for (writer, id, kind, first, points) in [
            (new_windows, windows_id, Kind::Windows, first_journal, rolled.points),
            (new_spans, spans_id, Kind::Spans, arrived, rolled.rows),
        ] {
            if !writer.is_empty() {
                change.added.push(of(id, kind, first, writer.finish()?, points));
            }
        }
        change.commit(self.connection)?;
        self.remove(&change.removed)?;
        self.done.rolls += 1;
        self.done.rows += rolled.rows;
        Ok(())
    }

    fn merge(&mut self, manifest: &Manifest, kind: Kind, group: &[Listed]) -> Result<(), MeasuresError> {
        let open = |listed: &Listed| Segment::open(&self.measures.path(listed.id), self.measures.salt());
        let segments = group.iter().map(open).collect::<Result<Vec<_>, _>>()?;
        let segments: Vec<&Segment> = segments.iter().collect();
        let mut points = group.iter().map(|listed| listed.points).sum();
        let added = self.write(manifest, |out| {
            match kind {
                Kind::Spans => points = merge_spans(&segments, self.policies, out)?,
                _ => merge_arrivals(&segments, self.policies, out)?,
            }
            Ok(points)
        })?;
        let listed = added.map(|(id, bytes)| Listed {
            id,
            kind,
            level: group.iter().map(|listed| listed.level).max().unwrap_or(0) + 1,
            first_journal: group.iter().map(|listed| listed.first_journal).min().unwrap_or(0),
            last_journal: group.iter().map(|listed| listed.last_journal).max().unwrap_or(0),
            bytes,
            points,
        });
        let change = Change {
            added: listed.into_iter().collect(),
            removed: group.iter().map(|listed| listed.id).collect(),
            first_journal: None,
        };
        change.commit(self.connection)?;
        self.remove(&change.removed)?;
        self.done.merges += 1;
        Ok(())
    }

    /// Writes one segment; none when nothing came into it.
    fn write(
        &self,
        manifest: &Manifest,
        fill: impl FnOnce(&mut SegmentWriter) -> Result<u64, MeasuresError>,
    ) -> Result<Option<(i64, u64)>, MeasuresError> {
        let mut writer = SegmentWriter::create(self.measures.path(manifest.next_id), self.measures.salt())?;
        fill(&mut writer)?;
        if writer.is_empty() {
            return Ok(None);
        }
        Ok(Some((manifest.next_id, writer.finish()?)))
    }

    fn remove(&self, ids: &[i64]) -> Result<(), MeasuresError> {
        for id in ids {
            remove(&self.measures.path(*id))?;
        }
        Ok(())
    }

    /// Removes what maintenances that died have left.
    fn tidy(&self) -> Result<(), MeasuresError> {
        let manifest = Manifest::read(self.connection)?;
        let listed: Vec<_> = manifest.segments.iter().map(|listed| self.measures.path(listed.id)).collect();
        let folder = self.measures.folder();
        for entry in fs::read_dir(folder).map_err(MeasuresError::io("cannot list", folder))? {
            let path = entry.map_err(MeasuresError::io("cannot list", folder))?.path();
            let ours = path.extension().is_some_and(|end| end == "segment" || end == "part");
            if ours && !listed.contains(&path) {
                remove(&path)?;
            }
        }
        let journals = self.measures.journals.list()?;
        self.measures.journals.remove(journals.into_iter().filter(|of| *of < manifest.first_journal))
    }
}

fn remove(path: &std::path::Path) -> Result<(), MeasuresError> {
    match fs::remove_file(path) {
        Err(source) if source.kind() != io::ErrorKind::NotFound => {
            Err(MeasuresError::io("cannot remove", path)(source))
        }
        _ => Ok(()),
    }
}

/// Neighbours of one level that should be one segment; all of the kind when `everything` is asked for.
fn due(manifest: &Manifest, kind: Kind, everything: bool) -> Option<Vec<Listed>> {
    let all: Vec<Listed> = manifest.of(kind).cloned().collect();
    // A single one that was never merged is packed quickly, not densely.
    if everything && kind == Kind::Spans {
        return (all.len() > 1 || all.iter().any(|listed| listed.level == 0)).then_some(all);
    }
    let mut groups: Vec<&[Listed]> = all.chunk_by(|a, b| a.level == b.level).collect();
    groups.sort_by_key(|group| group[0].level);
    groups.into_iter().find(|group| group.len() >= FAN_IN).map(<[Listed]>::to_vec)
}
