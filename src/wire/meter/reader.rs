//! Messages of Ceilometer's udp and tcp publishers, and lines, to lines.

use std::borrow::Cow;
use std::fmt;

use super::{LINE_ORDER, NAME, NAMES, VOLUME, number_in_line, number_in_message};
use crate::base::Secret;
use crate::model::{Node, Timestamp, python};
use crate::wire::json::{Found, Keys, Scanner, ValueKind, write_node, write_text};
use crate::wire::msgpack::{self, NotMsgpack};
use crate::wire::signature::{NotVerified, SIGNATURE, Signer, Unverified, Verification, mark};
use crate::wire::{Decoder, Faults};

/// What messages are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Form {
    /// Whatever they begin with: a MessagePack map, else lines.
    #[default]
    Either,
    /// Lines always.
    Json,
    /// MessagePack always.
    Msgpack,
}

/// Makes lines of messages: of MessagePack maps one each, and of text the lines that are in it.
///
/// A meter message becomes a line in the form of `Sample.as_dict` and its key order; keys that this does not know
/// follow. `message_signature` is left out: it signed the message, not the line. A message that is rejected leaves an
/// empty line, so that the numbers of the lines behind it stay right.
pub struct MeterReader {
    form: Form,
    unverified: Unverified,
    signer: Signer,
    scanner: Scanner,
}

impl MeterReader {
    /// Reads messages of this form, and checks what is signed.
    pub fn new(form: Form, verification: &Verification) -> MeterReader {
        MeterReader {
            form,
            unverified: verification.unverified,
            signer: Signer::new(&verification.secret),
            scanner: Scanner::new(Keys::one(SIGNATURE)),
        }
    }

    /// Reads lines, all of which pass.
    pub fn of_lines() -> MeterReader {
        let verification = Verification { secret: Secret::new([]), unverified: Unverified::Accept };
        MeterReader::new(Form::Json, &verification)
    }

    /// What it reads.
    pub fn form(&self) -> Form {
        self.form
    }

    /// Whether text passes as it is: no signature is asked for.
    pub fn passes_text(&self) -> bool {
        self.unverified == Unverified::Accept
    }

    /// Appends the lines of one message; see [`Decoder::decode`].
    pub fn read(&mut self, message: &[u8], lines: &mut Vec<u8>, faults: &mut dyn Faults) {
        let is_msgpack = match self.form {
            Form::Either => message.first().is_some_and(|first| msgpack::is_map(*first)),
            Form::Json => false,
            Form::Msgpack => true,
        };
        if is_msgpack {
            self.read_msgpack(message, lines, faults);
        } else {
            self.read_text(message, lines, faults);
        }
    }

    /// Appends the line of a message that is a MessagePack map, or an empty one.
    pub fn read_msgpack(&mut self, message: &[u8], lines: &mut Vec<u8>, faults: &mut dyn Faults) {
        let start = lines.len();
        if let Err(fault) = self.read_map(message, lines) {
            lines.truncate(start);
            faults.fault(fault.reason(), &fault);
            lines.push(b'\n');
        }
    }

    fn read_map(&mut self, message: &[u8], lines: &mut Vec<u8>) -> Result<(), Fault> {
        self.read_record(&msgpack::read(message).map_err(Fault::Msgpack)?, lines)
    }

    /// Appends the line of one meter message, event or other record that is read already; see [`MeterReader::read`].
    pub fn read_node(&mut self, record: &Node<'_>, lines: &mut Vec<u8>, faults: &mut dyn Faults) {
        let start = lines.len();
        if let Err(fault) = self.read_record(record, lines) {
            lines.truncate(start);
            faults.fault(fault.reason(), &fault);
        }
    }

    fn read_record(&mut self, record: &Node<'_>, lines: &mut Vec<u8>) -> Result<(), Fault> {
        let Node::Map(entries) = record else { return Err(Fault::NoMap) };
        let verified = match self.unverified {
            Unverified::Accept => Ok(()),
            _ => self.signer.verify(entries),
        };
        match verified {
            Err(why) if self.unverified == Unverified::Reject => return Err(Fault::Verify(why)),
            _ => {}
        }
        write_line(entries, lines)?;
        if verified.is_err() {
            mark(lines);
        }
        lines.push(b'\n');
        Ok(())
    }

    /// Appends lines. They pass as they are; where signatures count, a line without one is not verified. What carries one is looked at
    /// where all lines are.
    pub fn read_text(&mut self, text: &[u8], lines: &mut Vec<u8>, faults: &mut dyn Faults) {
        if self.passes_text() {
            lines.extend_from_slice(text);
        } else {
            for line in text.strip_suffix(b"\n").unwrap_or(text).split(|byte| *byte == b'\n') {
                self.read_line(line, lines, faults);
            }
        }
        if lines.last().is_some_and(|last| *last != b'\n') {
            lines.push(b'\n');
        }
    }

    /// One line where signatures count.
    fn read_line(&mut self, line: &[u8], lines: &mut Vec<u8>, faults: &mut dyn Faults) {
        let start = lines.len();
        lines.extend_from_slice(line);
        lines.push(b'\n');
        // What is no record is rejected where all lines are.
        let Ok(Found::Record { .. }) = self.scanner.scan(&lines[start..]) else { return };
        if !matches!(self.scanner.slot(0).kind, ValueKind::Absent | ValueKind::Null) {
            return;
        }
        if self.unverified == Unverified::Mark {
            mark(lines);
        } else {
            lines.truncate(start);
            faults.fault(NotVerified::Unsigned.reason(), &NotVerified::Unsigned);
        }
        lines.push(b'\n');
    }
}

impl Decoder for MeterReader {
    fn decode(&mut self, message: &[u8], _at: Timestamp, lines: &mut Vec<u8>, faults: &mut dyn Faults) {
        self.read(message, lines, faults);
    }
}

/// Why a message is no line.
#[derive(Debug)]
enum Fault {
    Msgpack(NotMsgpack),
    NoMap,
    Verify(NotVerified),
    /// JSON has no such number.
    Volume,
}

impl Fault {
    fn reason(&self) -> &'static str {
        match self {
            Fault::Msgpack(_) | Fault::NoMap => "not MessagePack",
            Fault::Verify(why) => why.reason(),
            Fault::Volume => "wrong type",
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fault::Msgpack(why) => write!(f, "{why}"),
            Fault::NoMap => f.write_str("a message is a map"),
            Fault::Verify(why) => write!(f, "{why}"),
            Fault::Volume => f.write_str("sample: counter_volume is not a finite number"),
        }
    }
}

/// Appends a message as a JSON object, without a line feed.
fn write_line(entries: &[(Cow<'_, str>, Node<'_>)], lines: &mut Vec<u8>) -> Result<(), Fault> {
    let mut places = [None; NAMES.len()];
    let mut clash = false;
    for (place, (key, _)) in entries.iter().enumerate() {
        match number_in_message(key) {
            Some(number) => places[number] = Some(place),
            // A key whose name is taken by what the line calls something else.
            None => clash |= number_in_line(key).is_some(),
        }
    }
    let is_meter = places[NAME].is_some() && places[VOLUME].is_some() && !clash;
    let mut separator = b'{';
    if is_meter {
        for number in LINE_ORDER {
            let Some(place) = places[number] else { continue };
            write_key(NAMES[number].0, &mut separator, lines);
            match &entries[place].1 {
                value if number != VOLUME => write_node(value, lines),
                Node::Float(volume) if !volume.is_finite() => return Err(Fault::Volume),
                // Ceilometer publishes the text that a notification had.
                Node::Text(volume) => write_node(&python::read_number(volume).ok_or(Fault::Volume)?, lines),
                value => write_node(value, lines),
            }
        }
    }
    for (key, value) in entries {
        let is_written = is_meter && number_in_message(key).is_some();
        if !is_written && key != SIGNATURE {
            write_key(key, &mut separator, lines);
            write_node(value, lines);
        }
    }
    if separator == b'{' {
        lines.push(b'{');
    }
    lines.push(b'}');
    Ok(())
}

fn write_key(key: &str, separator: &mut u8, lines: &mut Vec<u8>) {
    lines.push(std::mem::replace(separator, b','));
    write_text(key.as_bytes(), lines);
    lines.push(b':');
}

#[cfg(test)]
mod tests {
    use super::super::MeterWriter;
    use super::*;
    use crate::wire::signature::DEFAULT_SECRET;
    use proptest::prelude::*;

    struct Told(Vec<String>);

    impl Faults for Told {
        fn fault(&mut self, reason: &'static str, why: &dyn fmt::Display) {
            self.0.push(format!("{reason}: {why}"));
        }
    }

    /// The lines of a message, and what was told.
    fn read(message: &[u8], form: Form, unverified: Unverified) -> (String, Vec<String>) {
        let verification = Verification { secret: Secret::new(DEFAULT_SECRET), unverified };
        let (mut lines, mut told) = (Vec::new(), Told(Vec::new()));
        MeterReader::new(form, &verification).read(message, &mut lines, &mut told);
        (String::from_utf8(lines).unwrap(), told.0)
    }

    fn packed(json: &str) -> Vec<u8> {
        let mut message = Vec::new();
        msgpack::write(&serde_json::from_str(json).unwrap(), &mut message);
        message
    }

    #[test]
    fn a_meter_message_becomes_a_line_that_keeps_every_key() {
        let message = packed(
            r#"{"x":[1],"source":"s","counter_name":"m","counter_volume":" 4096","message_id":"i","publisher_id":"h","message_signature":"0"}"#,
        );
        let line = r#"{"name":"m","volume":4096,"source":"s","id":"i","x":[1],"publisher_id":"h"}"#;
        assert_eq!(read(&message, Form::Either, Unverified::Accept), (format!("{line}\n"), vec![]));
        let marked = line.replace("\"h\"}", "\"h\",\"signature\":\"unverified\"}");
        assert_eq!(read(&message, Form::Either, Unverified::Mark), (format!("{marked}\n"), vec![]));
        let told = "wrong signature: the signature does not fit the secret";
        assert_eq!(read(&message, Form::Either, Unverified::Reject), ("\n".into(), vec![told.into()]));
    }

    #[test]
    fn volumes_in_texts_become_numbers_and_others_are_told() {
        for (volume, line) in [
            ("\"4096\"", "4096"),
            ("\"-1e3\"", "-1000.0"),
            ("\"9223372036854775808\"", "9.223372036854776e18"),
            ("12345678901234567890", "12345678901234567890"),
        ] {
            let message = packed(&format!(r#"{{"counter_name":"m","counter_volume":{volume}}}"#));
            let (lines, told) = read(&message, Form::Either, Unverified::Accept);
            let ours: serde_json::Value = serde_json::from_str(&lines).unwrap();
            assert_eq!(ours["volume"], serde_json::from_str::<serde_json::Value>(line).unwrap(), "{lines}");
            assert!(told.is_empty());
        }
        for message in [
            packed(r#"{"counter_name":"m","counter_volume":"two"}"#),
            packed(r#"{"counter_name":"m","counter_volume":"nan"}"#),
            [&packed(r#"{"counter_name":"m"}"#)[..], b""].concat(),
        ] {
            let (lines, told) = read(&message, Form::Either, Unverified::Accept);
            let is_whole = lines == "{\"counter_name\":\"m\"}\n";
            assert!(is_whole || lines == "\n" && told[0].contains("not a finite number"), "{lines} {told:?}");
        }
    }

    #[test]
    fn names_that_clash_are_not_changed() {
        let json = r#"{"counter_name":"m","counter_volume":1,"name":"other"}"#;
        assert_eq!(read(&packed(json), Form::Either, Unverified::Accept).0, format!("{json}\n"));
        let secret = Secret::new(DEFAULT_SECRET);
        for json in [json, r#"{"name":"m","volume":1,"message_id":"a","id":"b"}"#] {
            let mut message = Vec::new();
            MeterWriter::new(&secret, None).write(json.as_bytes(), &mut message).unwrap();
            assert_eq!(read(&message, Form::Either, Unverified::Reject), (format!("{json}\n"), vec![]));
        }
    }

    #[test]
    fn a_key_that_stands_twice_is_not_trusted() {
        let signed = packed(r#"{"a":1}"#);
        let Ok(Node::Map(entries)) = msgpack::read(&signed) else { panic!("no map") };
        let signature = Signer::new(&Secret::new(DEFAULT_SECRET)).sign(&entries);
        let message = packed(&format!(r#"{{"a":2,"a":1,"message_signature":"{}"}}"#, signature.as_str()));
        let (lines, told) = read(&message, Form::Either, Unverified::Reject);
        assert_eq!(
            (&*lines, &*told),
            ("\n", &["wrong signature: a key stands twice in a signed record".to_owned()][..])
        );
    }

    #[test]
    fn text_passes_as_it_is_and_a_form_can_be_asked_for() {
        let text = b"{\"name\":\"m\",\"volume\":1}\r\n\nx";
        assert_eq!(read(text, Form::Either, Unverified::Accept).0.as_bytes(), [&text[..], b"\n"].concat());
        assert_eq!(read(text, Form::Msgpack, Unverified::Accept).1.len(), 1);
        let map = packed("{}");
        assert_eq!(read(&map, Form::Msgpack, Unverified::Accept).0, "{}\n");
        let verification = Verification { secret: Secret::new("x"), unverified: Unverified::Mark };
        let (mut lines, mut told) = (Vec::new(), Told(Vec::new()));
        MeterReader::new(Form::Json, &verification).read(b"{\"a\":1 } \n", &mut lines, &mut told);
        assert_eq!(lines, b"{\"a\":1,\"signature\":\"unverified\"}\n");
        assert!(told.0.is_empty());
    }

    proptest! {
        #[test]
        fn any_bytes_become_lines_or_are_told(bytes in proptest::collection::vec(any::<u8>(), 0..200), at in 0usize..200, byte in any::<u8>(), seed in any::<u32>()) {
            let mut message = packed(&format!(
                r#"{{"counter_name":"m","counter_volume":{seed},"resource_metadata":{{"a":[1,{{"b":null}}],"t":"x"}},"é":"\n"}}"#
            ));
            let at = at % message.len();
            message[at] = byte;
            for message in [message, [&[0x81, 0xa1, b'k'], &bytes[..]].concat(), bytes] {
                let verification = Verification { secret: Secret::new("x"), unverified: Unverified::Mark };
                let (mut lines, mut told) = (Vec::new(), Told(Vec::new()));
                MeterReader::new(Form::Msgpack, &verification).read(&message, &mut lines, &mut told);
                prop_assert_eq!(lines.iter().filter(|byte| **byte == b'\n').count(), 1);
                if told.0.is_empty() {
                    serde_json::from_slice::<serde_json::Value>(&lines).unwrap();
                } else {
                    prop_assert_eq!(&lines[..], b"\n");
                }
            }
        }
    }
}
