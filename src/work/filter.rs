//! Events through a filter: those that match pass, byte for byte.

use super::records::{Line, Trouble, Worker};
use crate::base::LineSink;
use crate::model::RecordKind;
use crate::query::Filter;
use crate::wire::json::Records;

/// Passes the events that match.
pub struct EventFilter {
    filter: Filter,
    inverted: bool,
    trees: bool,
    matched: u64,
}

impl EventFilter {
    /// A filter that passes the events that match, or with `inverted` those that do not.
    ///
    /// `trees`: whether an event that no tree can hold is rejected though the filter need not look at it, because
    /// columns will be cut out of it.
    pub fn new(filter: Filter, inverted: bool, trees: bool) -> EventFilter {
        EventFilter { filter, inverted, trees, matched: 0 }
    }

    /// How many events passed.
    pub fn matched(&self) -> u64 {
        self.matched
    }
}

impl Worker for EventFilter {
    fn record(
        &mut self,
        records: &mut Records,
        line: Line<'_>,
        out: &mut dyn LineSink,
    ) -> Result<(), Trouble> {
        let kind = records.check(line.bytes)?;
        if kind != RecordKind::Event {
            return Err(Trouble::Skip(kind));
        }
        let matches = match &self.filter {
            Filter::Everything if !self.trees => true,
            filter => filter.matches(&line.tree()?),
        };
        if matches != self.inverted {
            self.matched += 1;
            out.line(line.bytes)?;
        }
        Ok(())
    }
}
