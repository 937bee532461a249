//! `--dry-run` without pipelines: what would leave of each record for every address.

use super::rehearsal::describe;
use crate::base::LineSink;
use crate::sink::Preview;
use crate::wire::json::Records;
use crate::work::records::{Line, Trouble, Worker};

/// A worker that shows what would leave.
pub struct Showing {
    /// What messages call an address, and what it would get.
    addresses: Vec<(String, Box<dyn Preview>)>,
    text: Vec<u8>,
}

impl Showing {
    /// Shows what each of `addresses`, named without secrets, would get.
    pub fn new(addresses: Vec<(String, Box<dyn Preview>)>) -> Showing {
        Showing { addresses, text: Vec::new() }
    }
}

impl Worker for Showing {
    fn record(
        &mut self,
        records: &mut Records,
        line: Line<'_>,
        out: &mut dyn LineSink,
    ) -> Result<(), Trouble> {
        records.check(line.bytes)?;
        self.text.extend_from_slice(format!("{}:{}:\n", line.source, line.number).as_bytes());
        for (name, preview) in &mut self.addresses {
            let mut messages = Vec::new();
            preview.messages(line.bytes, &mut messages);
            for message in &messages {
                for said in describe(&format!("  {name}"), message) {
                    self.text.extend_from_slice(said.as_bytes());
                    self.text.push(b'\n');
                }
            }
        }
        out.lines(&self.text, 0)?;
        self.text.clear();
        Ok(())
    }
}
