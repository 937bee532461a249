//! How much there is, by what the list of segments and the folder of the journals say: nothing is read.

use std::fs;

use rusqlite::Connection;

use super::engine::Measures;
use super::error::MeasuresError;
use super::manifest::{Kind, Manifest};

/// How much there is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stored {
    /// Journals that are in no segment yet.
    pub journals: u64,
    /// Their bytes.
    pub journal_bytes: u64,
    /// Segments.
    pub segments: u64,
    /// Their bytes.
    pub segment_bytes: u64,
    /// Points in segments, whose spans can still change.
    pub points: u64,
    /// Rows of spans in segments, which can change no more.
    pub spans: u64,
}

impl Measures {
    /// How much there is.
    ///
    /// # Errors
    /// When the list cannot be read.
    pub fn status(&self, connection: &Connection) -> Result<Stored, MeasuresError> {
        let manifest = Manifest::read(connection)?;
        let mut stored = Stored::default();
        for listed in &manifest.segments {
            stored.segments += 1;
            stored.segment_bytes += listed.bytes;
            match listed.kind {
                Kind::Spans => stored.spans += listed.points,
                Kind::Windows | Kind::Arrivals => stored.points += listed.points,
            }
        }
        for sequence in self.journals.list_from(manifest.first_journal)? {
            // One that a maintenance has taken meanwhile is none any more.
            if let Ok(metadata) = fs::metadata(self.journals.path(sequence)) {
                stored.journals += 1;
                stored.journal_bytes += metadata.len();
            }
        }
        Ok(stored)
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Store, arrival, policy};
    use super::super::{Effort, Policies};
    use super::*;
    use crate::store::MetricNumber;

    #[test]
    fn what_was_appended_is_in_a_journal_and_then_in_segments() {
        let mut policies = Policies::default();
        policies.define(1, policy(0, &[(60, 10)], &["mean"]));
        policies.set(MetricNumber(1), 1);
        let store = Store::new(policies, 1 << 20);
        let stored = || store.measures.status(&store.connection).unwrap();
        assert_eq!(stored(), Stored::default());
        // Two of the first minute, which the third closes.
        store.append(&[arrival(1, 0.0, 1.0), arrival(1, 1.0, 2.0), arrival(1, 60.0, 3.0)]);
        let journaled = stored();
        assert_eq!((journaled.journals, journaled.segments), (1, 0));
        assert!(journaled.journal_bytes > 20);
        store.maintain(Effort::Everything);
        let rolled = stored();
        assert_eq!((rolled.segments, rolled.points, rolled.spans), (2, 1, 1));
        assert!(rolled.journal_bytes < journaled.journal_bytes && rolled.segment_bytes > 0);
    }
}
