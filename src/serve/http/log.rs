//! The access log: a line for each request, in the combined form that the tools of web servers read.

use std::fmt::Write as _;
use std::sync::{Mutex, PoisonError};

use chrono::DateTime;

use crate::base::LineSink;
use crate::model::{NS_PER_SECOND, Timestamp};

/// Longest part of a line that a caller says: a URL, a name.
const SAID_BYTES_MAX: usize = 1024;

/// Where lines go.
pub struct AccessLog(Mutex<Box<dyn LineSink + Send>>);

/// What a line says.
pub struct Entry<'a> {
    /// Who called, an address.
    pub client: &'a str,
    /// The name that was given, believed or not.
    pub user: Option<&'a str>,
    /// When.
    pub at: Timestamp,
    /// The method.
    pub method: &'a str,
    /// Path and query.
    pub target: &'a str,
    /// The status of the answer.
    pub status: u16,
    /// Bytes of the body that are known.
    pub bytes: Option<u64>,
    /// What called.
    pub agent: Option<&'a str>,
    /// How long it took, in microseconds.
    pub took_us: u128,
}

impl AccessLog {
    /// Writes to `sink`.
    pub fn new(sink: Box<dyn LineSink + Send>) -> AccessLog {
        AccessLog(Mutex::new(sink))
    }

    /// Writes to another sink from now on.
    pub fn turn_to(&self, sink: Box<dyn LineSink + Send>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = sink;
    }

    /// Writes a line; a log that cannot be written stops nothing.
    pub fn write(&self, entry: &Entry<'_>) {
        let line = entry.line();
        if let Ok(mut sink) = self.0.lock() {
            let _ = sink.line(line.as_bytes()).and_then(|()| sink.flush());
        }
    }
}

impl Entry<'_> {
    /// `ADDRESS - USER [TIME] "METHOD TARGET HTTP/1.1" STATUS BYTES "-" "AGENT" MICROSECONDS`
    fn line(&self) -> String {
        let time = DateTime::from_timestamp(self.at.ns().div_euclid(NS_PER_SECOND), 0).unwrap_or_default();
        let time = time.format("%d/%b/%Y:%H:%M:%S +0000");
        let bytes = self.bytes.map_or("-".to_owned(), |bytes| bytes.to_string());
        format!(
            "{} - {} [{time}] \"{} {} HTTP/1.1\" {} {bytes} \"-\" \"{}\" {}",
            said(self.client),
            said(self.user.unwrap_or("-")),
            self.method,
            said(self.target),
            self.status,
            said(self.agent.unwrap_or("-")),
            self.took_us
        )
    }
}

/// What callers say, without what could end a field or a line.
fn said(text: &str) -> String {
    let mut out = String::with_capacity(text.len().min(SAID_BYTES_MAX));
    for character in text.chars() {
        if out.len() >= SAID_BYTES_MAX {
            out.push_str("...");
            break;
        }
        match character {
            '"' | '\\' => _ = write!(out, "\\{character}"),
            control if control.is_control() => _ = write!(out, "\\x{:02x}", u32::from(control)),
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_one_line_whatever_callers_say() {
        let entry = Entry {
            client: "192.0.2.1",
            user: Some("eve\n192.0.2.2 - admin"),
            at: Timestamp::parse(b"2026-11-22T10:00:01.5Z").unwrap(),
            method: "GET",
            target: "/v1/metric?name=\"x\"",
            status: 200,
            bytes: Some(17),
            agent: None,
            took_us: 250,
        };
        assert_eq!(
            entry.line(),
            "192.0.2.1 - eve\\x0a192.0.2.2 - admin [22/Nov/2026:10:00:01 +0000] \
             \"GET /v1/metric?name=\\\"x\\\" HTTP/1.1\" 200 17 \"-\" \"-\" 250"
        );
    }
}
