//! `--dry-run`: what would become of each record, for people to read.

use super::outlet::{Shown, Witness};
use crate::base::{Failure, LineSink};
use crate::model::RecordKind;
use crate::sink::Message;
use crate::work::records::Line;

/// Writes down, record by record, where it would go and what would leave.
#[derive(Default)]
pub struct Rehearsal {
    text: Vec<u8>,
    /// A heading that stands over nothing yet.
    heading: Option<String>,
}

impl Rehearsal {
    fn say(&mut self, line: &str) {
        if let Some(heading) = self.heading.take() {
            self.text.extend(heading.as_bytes());
            self.text.push(b'\n');
        }
        self.text.extend(line.as_bytes());
        self.text.push(b'\n');
    }
}

impl Witness for Rehearsal {
    fn see(&mut self, line: Line<'_>, kind: RecordKind, name: &str) {
        self.heading = Some(format!("{}:{}: {kind} {}", line.source, line.number, shown(name.as_bytes())));
    }

    fn ends(&mut self) {
        self.heading = Some("end of a batch:".to_owned());
    }

    fn shows(&mut self, what: Shown<'_>) {
        let line = match what {
            Shown::NotTaken => "  no source takes it".to_owned(),
            Shown::Taken { source, sink } => format!("  source {source} -> sink {sink}"),
            Shown::Dropped { sink, transformer, why } => {
                format!("    sink {sink}: {transformer} drops it: {why}")
            }
            Shown::Held { sink } => format!("    sink {sink}: held back"),
            Shown::Refused { why } => format!("    not transformed: {why}"),
            Shown::Published { sink, publisher, message } => {
                describe(&format!("    sink {sink}: {publisher}"), message).join("\n")
            }
        };
        self.say(&line);
    }

    fn tell(&mut self, out: &mut dyn LineSink) -> Result<(), Failure> {
        if !self.text.is_empty() {
            out.lines(&self.text, 0)?;
            self.text.clear();
        }
        Ok(())
    }
}

/// `FOR <- TITLE`, and the lines of `message` deeper than that.
pub fn describe(for_whom: &str, message: &Message) -> Vec<String> {
    let depth = for_whom.len() - for_whom.trim_start().len() + 4;
    let mut lines = vec![format!("{for_whom} <- {}", shown(&message.title))];
    lines.extend(message.lines.iter().map(|line| match shown(line) {
        empty if empty.is_empty() => empty,
        line => format!("{:depth$}{line}", ""),
    }));
    lines
}

/// Text as it is, but for what would move the cursor; other bytes as `\x..`.
fn shown(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) => {
            let mut shown = String::with_capacity(text.len());
            for character in text.chars() {
                if character.is_control() {
                    shown.extend(character.escape_default())
                } else {
                    shown.push(character)
                }
            }
            shown
        }
        Err(_) => bytes.escape_ascii().to_string(),
    }
}
