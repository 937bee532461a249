//! Samples and events as Ceilometer's notifier publisher puts them in a list: named as on all its wires, and signed.

use std::borrow::Cow;

use super::signing::{SIGNATURE, Signer};
use crate::base::Secret;
use crate::model::Node;

/// A sample's keys as a line has them and as they travel, in the order in which they travel (Ceilometer 27.0.0).
const METER: [(&str, &str); 14] = [
    ("source", "source"),
    ("name", "counter_name"),
    ("type", "counter_type"),
    ("unit", "counter_unit"),
    ("volume", "counter_volume"),
    ("user_id", "user_id"),
    ("user_name", "user_name"),
    ("project_id", "project_id"),
    ("project_name", "project_name"),
    ("resource_id", "resource_id"),
    ("timestamp", "timestamp"),
    ("resource_metadata", "resource_metadata"),
    ("id", "message_id"),
    ("monotonic_time", "monotonic_time"),
];
/// An event's keys, likewise.
const EVENT: [(&str, &str); 5] = [
    ("message_id", "message_id"),
    ("event_type", "event_type"),
    ("generated", "generated"),
    ("traits", "traits"),
    ("raw", "raw"),
];

/// What a record is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// A sample, in either of its two forms.
    Sample,
    /// An event.
    Event,
}

/// Makes the signed form of records.
#[derive(Clone)]
pub struct MeterForm {
    signer: Signer,
}

impl MeterForm {
    /// Signs with `secret`; an empty one signs with nothing.
    pub fn new(secret: &Secret) -> MeterForm {
        MeterForm { signer: Signer::new(secret) }
    }

    /// `record` as it travels: known keys in their order, others behind them, the signature last. Keys that it does not
    /// have are not made up. None when it is no map.
    pub fn signed<'a>(&mut self, record: Node<'a>, form: Form) -> Option<Node<'a>> {
        let Node::Map(mut entries) = record else { return None };
        let keys = match form {
            Form::Sample => &METER[..],
            Form::Event => &EVENT[..],
        };
        let in_line = form == Form::Event || entries.iter().any(|(key, _)| key == "name");
        let mut signed: Vec<(Cow<'a, str>, Node<'a>)> = Vec::with_capacity(entries.len() + 1);
        for (ours, theirs) in keys {
            let wanted = if in_line { ours } else { theirs };
            // Of a name that stands several times the last counts.
            let mut found = None;
            entries.retain_mut(|(key, value)| {
                let is_it = key == wanted;
                if is_it {
                    found = Some(std::mem::take(value));
                }
                !is_it
            });
            signed.extend(found.map(|value| (Cow::Borrowed(*theirs), value)));
        }
        signed.extend(entries.into_iter().filter(|(key, _)| key != SIGNATURE));
        let signature = self.signer.sign(&signed);
        signed.push((Cow::Borrowed(SIGNATURE), Node::Text(Cow::Owned(signature))));
        Some(Node::Map(signed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::json::{read_node, write_node};

    fn signed(text: &str, form: Form) -> String {
        let mut maker = MeterForm::new(&Secret::new(""));
        let mut out = Vec::new();
        write_node(&maker.signed(read_node(text.as_bytes()).unwrap(), form).unwrap(), &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_sample_in_either_form_travels_alike() {
        let expected = r#"{"source":"s","counter_name":"cpu","counter_volume":1,"message_id":"i","extra":2,"message_signature":""}"#;
        let line = r#"{"name":"cpu","extra":2,"volume":1,"id":"i","source":"s","message_signature":"old"}"#;
        assert_eq!(signed(line, Form::Sample), expected);
        assert_eq!(signed(expected, Form::Sample), expected);
    }

    #[test]
    fn an_event_keeps_its_names() {
        let line = r#"{"event_type":"e","traits":[["name",1,"x"]],"message_id":"i"}"#;
        assert_eq!(
            signed(line, Form::Event),
            r#"{"message_id":"i","event_type":"e","traits":[["name",1,"x"]],"message_signature":""}"#
        );
        assert!(MeterForm::new(&Secret::new("")).signed(Node::Null, Form::Event).is_none());
    }
}
