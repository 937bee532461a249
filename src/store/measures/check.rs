//! Reads every byte of the measures and says what is not as it should be.

use std::fs;

use rusqlite::Connection;

use super::chunk::{kept, no_spans, read_points, read_spans};
use super::engine::Measures;
use super::error::{Damaged, MeasuresError};
use super::journal::Next;
use super::manifest::{Kind, Listed, Manifest};
use super::policies::Policies;
use super::segment::{Entry, Segment, tag};
use super::window::Window;

/// What a check found.
#[derive(Debug, Default)]
pub struct Checked {
    /// What is wrong, each with its file and place.
    pub faults: Vec<MeasuresError>,
    /// What SQLite finds wrong with the index.
    pub index_faults: Vec<String>,
    /// What is no fault but worth knowing: a half append of a writer that died, files that repair set aside.
    pub notes: Vec<String>,
    /// Frames in journals.
    pub frames: u64,
    /// Points in journals.
    pub journal_points: u64,
    /// Segments.
    pub segments: u64,
    /// Entries of segments.
    pub entries: u64,
    /// Bytes read.
    pub bytes: u64,
}

impl Measures {
    /// Reads everything. Writers and maintenances go on meanwhile.
    ///
    /// # Errors
    /// When the list of segments cannot be read; everything else is among the faults.
    pub fn check(&self, connection: &Connection, policies: &Policies) -> Result<Checked, MeasuresError> {
        let mut checked = Checked::default();
        let mut seen = Vec::new();
        // Segments that a maintenance removes while they are read are looked for again in the new list.
        loop {
            let manifest = Manifest::read(connection)?;
            let fresh = manifest.segments.iter().find(|listed| !seen.contains(&listed.id)).cloned();
            let Some(listed) = fresh else { break };
            seen.push(listed.id);
            match self.check_segment(&listed, policies, &mut checked) {
                Err(_) if !Manifest::read(connection)?.segments.contains(&listed) => {}
                Err(fault) => checked.faults.push(fault),
                Ok(()) => {}
            }
        }
        self.check_journals(connection, &mut checked)?;
        let aside = self.set_aside();
        for entry in fs::read_dir(&aside).into_iter().flatten().flatten() {
            checked.notes.push(format!("{} was set aside by a repair", entry.path().display()));
        }
        Ok(checked)
    }

    fn check_segment(
        &self,
        listed: &Listed,
        policies: &Policies,
        checked: &mut Checked,
    ) -> Result<(), MeasuresError> {
        let path = self.path(listed.id);
        let segment = Segment::open(&path, self.salt())?;
        let bytes = fs::metadata(&path).map_err(MeasuresError::io("cannot read", &path))?.len();
        checked.segments += 1;
        checked.bytes += bytes;
        if bytes != listed.bytes {
            let what = Damaged("the segment is not as long as it was when it was listed");
            return Err(MeasuresError::damaged(&path, bytes)(what));
        }
        let mut cursor = segment.cursor();
        let mut before = None;
        loop {
            let at = cursor.offset();
            let Some(entry) = cursor.next()? else { return Ok(()) };
            let key = (entry.metric, entry.tag);
            let sound = if before.is_some_and(|before| before > key) {
                Err(Damaged("an entry out of order"))
            } else {
                read_entry(entry, listed.kind, policies)
            };
            before = Some(key);
            sound.map_err(|what| cursor.fault(at, what))?;
            checked.entries += 1;
        }
    }

    fn check_journals(&self, connection: &Connection, checked: &mut Checked) -> Result<(), MeasuresError> {
        let first = Manifest::read(connection)?.first_journal;
        let sequences = self.journals.list_from(first)?;
        let mut expected = first;
        for (at, &sequence) in sequences.iter().enumerate() {
            // A maintenance takes the oldest, and says so.
            if sequence > expected && Manifest::read(connection)?.first_journal <= expected {
                checked.faults.push(self.journals.missing(expected));
            }
            expected = sequence + 1;
            let path = self.journals.path(sequence);
            let mut journal = match self.journals.reader(sequence) {
                Ok(Some(journal)) if at + 1 == sequences.len() => journal,
                Ok(Some(journal)) => journal.close(),
                // A maintenance took it.
                Ok(None) => continue,
                Err(fault) => {
                    checked.faults.push(fault);
                    continue;
                }
            };
            let fault = loop {
                let begin = journal.offset();
                match journal.next() {
                    Ok(Next::Frame(frame)) => {
                        checked.frames += 1;
                        checked.journal_points += frame.points() as u64;
                        if let Err(what) = frame.read(|_| true, |_, _| {}) {
                            break Some(MeasuresError::damaged(&path, begin)(what));
                        }
                    }
                    Ok(Next::Damaged { at, to, what }) => {
                        checked.faults.push(MeasuresError::damaged(&path, at)(what));
                        checked.notes.push(format!(
                            "{}: {} bytes from {at} on are no frames",
                            path.display(),
                            to - at
                        ));
                    }
                    Ok(Next::Torn { at, what }) => {
                        checked.notes.push(format!(
                            "{} ends at byte {at} in an append that was not finished ({what}); the next one cuts it off",
                            path.display()
                        ));
                        break None;
                    }
                    Ok(Next::End) => break None,
                    Err(fault) => break Some(fault),
                }
            };
            checked.faults.extend(fault);
            checked.bytes += fs::metadata(&path).map_or(0, |metadata| metadata.len());
        }
        Ok(())
    }
}

/// Whether an entry of a segment of this kind can be read.
pub(super) fn read_entry(entry: Entry<'_>, kind: Kind, policies: &Policies) -> Result<(), Damaged> {
    let Some(policy) = policies.of(entry.metric) else {
        // Of a deleted metric; the next merge leaves it out.
        return Ok(());
    };
    match (kind, entry.tag) {
        (Kind::Windows, tag::STATE) => Window::read_state(entry.bytes, policy).map(|_| ()),
        (Kind::Windows | Kind::Arrivals, tag::POINTS) => read_points(entry.bytes, |_| {}),
        (Kind::Spans, number) if number >= tag::SPANS => {
            let definition = policy.definition().get(usize::from(number - tag::SPANS));
            let definition = definition.ok_or(Damaged("spans of a granularity that the policy has not"))?;
            read_spans(entry.bytes, &mut no_spans(definition.granularity, &kept(policy.methods())))
        }
        _ => Err(Damaged("an entry that does not belong into this kind of segment")),
    }
}
