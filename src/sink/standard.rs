//! Floor 3 · Standard output as one sink among others.

use std::sync::Arc;

use super::Sink;
use crate::base::{Books, Failure, LineSink, Output};

/// Standard output.
pub struct StandardSink(Output);

impl StandardSink {
    /// Standard output, called `-`.
    ///
    /// # Errors
    /// When the descriptor is closed.
    pub fn open(books: &Arc<Books>) -> Result<StandardSink, Failure> {
        Ok(StandardSink(Output::stdout(books)?))
    }
}

impl LineSink for StandardSink {
    fn line(&mut self, record: &[u8]) -> Result<(), Failure> {
        self.0.line(record)
    }

    fn lines(&mut self, bytes: &[u8], records: u64) -> Result<(), Failure> {
        self.0.lines(bytes, records)
    }

    fn flush(&mut self) -> Result<(), Failure> {
        self.0.flush()
    }
}

impl Sink for StandardSink {
    fn name(&self) -> &str {
        "-"
    }

    fn reopen(&mut self) -> Result<(), Failure> {
        Ok(())
    }

    fn close(&mut self) -> Result<(), Failure> {
        self.0.flush()
    }
}
