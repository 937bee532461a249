//! What a sink would send, without a receiver: for rehearsals.
//!
//! A sink with an encoder of its own has its preview here or beside it, made with the encoder that it sends with.

use super::framing::Framing;
use super::udp::DATAGRAM_BYTES_MAX;
use super::{Options, Way, amqp, http, way};
use crate::base::Failure;
use crate::wire::json::write_node;
use crate::wire::meter::MeterWriter;
use crate::wire::msgpack;

/// Makes of records what would leave.
pub trait Preview {
    /// Appends to `out` the datagrams, frames, requests or bytes of a file that `record`, a line without its line
    /// feed, alone would become; when it becomes nothing, why.
    fn messages(&mut self, record: &[u8], out: &mut Vec<Message>);
}

/// Something that would leave, for people to read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Message {
    /// Itself, when it is a line; otherwise what it is, as `datagram of 312 bytes` or `POST http://HOST/PATH`.
    pub title: Vec<u8>,
    /// What is in it.
    pub lines: Vec<Vec<u8>>,
}

impl Message {
    /// A message without lines.
    pub fn new(title: impl Into<Vec<u8>>) -> Message {
        Message { title: title.into(), lines: Vec::new() }
    }

    /// Nothing leaves, and why.
    pub fn nothing(why: &dyn std::fmt::Display) -> Message {
        Message::new(format!("nothing: {why}"))
    }

    /// Adds a line.
    pub fn with(mut self, line: impl Into<Vec<u8>>) -> Message {
        self.lines.push(line.into());
        self
    }
}

/// What [`super::open`] with the same arguments would send. The address is checked as it is there; no receiver is
/// looked up, no file is made, and no certificate, key or token is read.
///
/// # Errors
/// [`Failure::Usage`] when the address makes no sense; [`Failure::Configuration`] for definitions that it names and
/// that cannot be used.
pub fn preview(text: &str, options: &Options) -> Result<Box<dyn Preview>, Failure> {
    Ok(match way(text, options)? {
        Way::Standard | Way::File { .. } | Way::Unix { .. } => Box::new(Lines),
        Way::Udp { writer, .. } => Box::new(Datagrams { writer }),
        Way::Tcp { writer: None, .. } | Way::Tls { writer: None, .. } => Box::new(Lines),
        Way::Tcp { writer: Some(writer), .. } | Way::Tls { writer: Some(writer), .. } => {
            Box::new(Frames { writer })
        }
        Way::Amqp(url) => amqp::preview(&url, options)?,
        Way::Http(url) => http::preview(&url)?,
    })
}

/// JSON lines, as files and sockets get them.
struct Lines;

impl Preview for Lines {
    fn messages(&mut self, record: &[u8], out: &mut Vec<Message>) {
        out.push(Message::new([record, b"\n"].concat()));
    }
}

/// Datagrams: lines without their line feed, or messages.
struct Datagrams {
    writer: Option<MeterWriter>,
}

impl Preview for Datagrams {
    fn messages(&mut self, record: &[u8], out: &mut Vec<Message>) {
        let mut bytes = Vec::new();
        let shown = match &mut self.writer {
            None => {
                bytes.extend_from_slice(record);
                Message::new(record)
            }
            Some(writer) => match writer.write(record, &mut bytes) {
                Ok(()) => msgpack_message("datagram", &bytes, &bytes),
                Err(why) => Message::nothing(&format_args!("not sendable: {why}")),
            },
        };
        let length = bytes.len();
        out.push(if length > DATAGRAM_BYTES_MAX {
            Message::nothing(&format_args!("{length} bytes are more than {DATAGRAM_BYTES_MAX} of a datagram"))
        } else {
            shown
        });
    }
}

/// Frames of a stream.
struct Frames {
    writer: MeterWriter,
}

impl Preview for Frames {
    fn messages(&mut self, record: &[u8], out: &mut Vec<Message>) {
        let mut bytes = Vec::new();
        out.push(match Framing::append_frame(&mut self.writer, record, &mut bytes) {
            Ok(()) => msgpack_message("frame", &bytes, Framing::message(&bytes)),
            Err(why) => Message::nothing(&format_args!("not sendable: {why}")),
        });
    }
}

/// `bytes` in hexadecimal, and the `message` in them as JSON.
fn msgpack_message(what: &str, bytes: &[u8], message: &[u8]) -> Message {
    let shown = Message::new(format!("{what} of {} bytes", bytes.len())).with(hexadecimal(bytes));
    match msgpack::read(message) {
        Ok(node) => {
            let mut json = Vec::new();
            write_node(&node, &mut json);
            shown.with(json)
        }
        Err(error) => shown.with(error.to_string()),
    }
}

/// Two digits a byte.
pub fn hexadecimal(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |number: u8| char::from(DIGITS[usize::from(number)]);
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(address: &str, record: &str) -> Vec<String> {
        let mut messages = Vec::new();
        let mut preview = preview(address, &Options::default()).unwrap();
        preview.messages(record.as_bytes(), &mut messages);
        let lines = messages.iter().flat_map(|message| [&message.title].into_iter().chain(&message.lines));
        lines.map(|line| String::from_utf8_lossy(line).into_owned()).collect()
    }

    #[test]
    fn lines_are_shown_and_nothing_is_opened() {
        for address in
            ["-", "/no/such/directory/x", "file:/no/such/directory/x", "tcp://nobody.invalid:1?format=json"]
        {
            assert_eq!(shown(address, "{}"), ["{}\n"], "{address}");
        }
        assert_eq!(shown("udp://nobody.invalid:1?format=json", "{}"), ["{}"]);
    }

    #[test]
    fn what_open_refuses_is_refused() {
        for address in [
            "upd://h",
            "udp://h:x",
            "udp://h:1?queue=1M",
            "file:/x?max_bytes=1",
            "tcp://h:1?when_full=maybe",
            "http://h/?clientkey=k",
            "gnocchi://h/?no_such_option=1",
        ] {
            assert_eq!(
                preview(address, &Options::default()).err().map(|it| it.status()),
                Some(2),
                "{address}"
            );
        }
    }

    #[test]
    fn messages_are_shown_as_bytes_and_as_text() {
        let datagram = shown("udp://nobody.invalid:1", r#"{"a":1}"#);
        assert_eq!(datagram.len(), 3);
        // A map of two, the text "a", one, the text of 17 letters.
        assert!(datagram[1].starts_with("82a16101b16d657373616765"), "{}", datagram[1]);
        assert!(datagram[2].starts_with(r#"{"a":1,"message_signature":""#), "{}", datagram[2]);
        let frame = shown("tcp://nobody.invalid:1", r#"{"a":1}"#);
        let length = (datagram[1].len() / 2) as u64;
        assert_eq!(frame[1], hexadecimal(&length.to_le_bytes()) + &datagram[1]);
        assert_eq!(frame[2], datagram[2]);
        assert_eq!(shown("udp://h:1", "[]"), ["nothing: not sendable: not a record"]);
        let long = format!("{{\"a\":\"{}\"}}", "x".repeat(DATAGRAM_BYTES_MAX));
        assert!(shown("udp://h:1", &long)[0].starts_with("nothing: 65"));
    }

    #[test]
    fn requests_are_shown_without_secrets() {
        let record = r#"{"name":"cpu","type":"gauge","unit":"ns","volume":1,"resource_id":"r","timestamp":"2026-03-01T10:00:00"}"#;
        let posted = shown("http://u:secret@nobody.invalid/in?x=y", record);
        let length = format!("content-length: {}", record.len() + 2);
        let expected = [
            "POST http://nobody.invalid/in?x=y",
            "content-type: application/json",
            "authorization: Basic ***",
            &length,
            "",
        ];
        assert_eq!(posted[..5], expected);
        assert_eq!(posted[5], format!("[{record}]"));
        let token = shown("https://nobody.invalid/?token_file=/no/such/file", record);
        assert_eq!(token[2], "authorization: Bearer ***");
        let pushed = shown("prometheus://nobody.invalid:1/metrics/job/c", record);
        assert_eq!(pushed[0], "POST http://nobody.invalid:1/metrics/job/c/resource_id/r");
        assert!(pushed.iter().any(|line| line.starts_with("cpu{")), "{pushed:?}");
        let written = shown("prometheus+write://nobody.invalid:1", record);
        assert_eq!(written[0], "POST http://nobody.invalid:1/api/v1/write");
        assert_eq!(written[7], r#"cpu{resource_id="r",unit="ns"} 1 1772359200000"#);
        let otlp = shown("otlp+http://nobody.invalid:1", record);
        assert_eq!(otlp[0], "POST http://nobody.invalid:1/v1/metrics");
        let event = r#"{"event_type":"e","traits":[]}"#;
        assert_eq!(shown("otlp+http://nobody.invalid:1", event), ["nothing: skipped event"]);
    }
}
