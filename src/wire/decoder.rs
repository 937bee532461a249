//! What turns messages of a wire into lines.

use std::fmt::Display;
use std::time::Duration;

use crate::model::Timestamp;

/// Makes JSON lines of what comes over one wire: a datagram, a frame, the body of a request.
///
/// Pure: it is handed the bytes and told the time. What can be used of a message is used, the rest is told.
pub trait Decoder: Send {
    /// Appends the records of `message`, which arrived `at`, to `lines`, each with a line feed.
    fn decode(&mut self, message: &[u8], at: Timestamp, lines: &mut Vec<u8>, faults: &mut dyn Faults);

    /// How often [`Decoder::flush`] wants to be called; none for a wire whose messages stand for themselves.
    fn period(&self) -> Option<Duration> {
        None
    }

    /// Appends what was gathered until `at`.
    fn flush(&mut self, _at: Timestamp, _lines: &mut Vec<u8>) {}
}

/// Is told what could not be used.
pub trait Faults {
    /// One record, or a whole message, was rejected. `reason` is what the books count it under.
    fn fault(&mut self, reason: &'static str, why: &dyn Display);

    /// `records` were rightly sent and are no samples, as the mark that ends a series; `kind` is what the books count
    /// them under. They are no fault of anybody: whoever keeps books counts them as skipped.
    fn skip(&mut self, kind: &'static str, records: u64) {
        for _ in 0..records {
            self.fault(kind, &kind);
        }
    }
}
