//! Signatures are looked at before a worker gets a record.

use super::records::{Line, Trouble, Worker};
use crate::base::{Failure, LineSink};
use crate::wire::json::{Records, Reject, ValueKind};
use crate::wire::signature::LineCheck;

/// A worker that gets no record whose signature does not fit, or gets it marked.
pub struct Checked<W> {
    /// None when signatures are not looked at.
    check: Option<LineCheck>,
    /// The number of `message_signature` among the extra keys of the scan.
    key: usize,
    worker: W,
    marked: Vec<u8>,
}

impl<W: Worker> Checked<W> {
    /// `worker` behind `check`. The scan notes `message_signature` as its extra key number `key`.
    pub fn new(check: Option<LineCheck>, key: usize, worker: W) -> Checked<W> {
        Checked { check, key, worker, marked: Vec::new() }
    }

    /// The worker.
    pub fn inner(&mut self) -> &mut W {
        &mut self.worker
    }
}

impl<W: Worker> Worker for Checked<W> {
    #[inline]
    fn record(
        &mut self,
        records: &mut Records,
        line: Line<'_>,
        out: &mut dyn LineSink,
    ) -> Result<(), Trouble> {
        let check = match &mut self.check {
            Some(check) if records.extra(self.key).kind != ValueKind::Absent => check,
            _ => return self.worker.record(records, line, out),
        };
        let passed = check.check(line.bytes).map_err(Reject::NotVerified)?;
        if std::ptr::eq(passed, line.bytes) {
            return self.worker.record(records, line, out);
        }
        // What was noted of the line is true of the marked one only when it is scanned.
        let mut marked = std::mem::take(&mut self.marked);
        marked.clear();
        marked.extend_from_slice(passed);
        marked.push(b'\n');
        let scanned = records.scan(&marked).map_err(Reject::NotJson);
        let bytes = &marked[..marked.len() - 1];
        let result = match scanned {
            Ok(_) => self.worker.record(records, Line { bytes, ..line }, out),
            Err(reject) => Err(reject.into()),
        };
        self.marked = marked;
        result
    }

    fn refresh(&mut self, records: &mut Records) -> Result<(), Failure> {
        self.worker.refresh(records)
    }

    fn pause(&mut self, out: &mut dyn LineSink) -> Result<(), Failure> {
        self.worker.pause(out)
    }

    fn settle(&mut self, out: &mut dyn LineSink) -> Result<(), Failure> {
        self.worker.settle(out)
    }
}
