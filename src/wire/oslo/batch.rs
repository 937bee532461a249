//! The samples and events that Ceilometer packs into notifications, as lines of their own.
//!
//! Three of them: `metering` and `event` from its notifier publisher, whose payload is a list, and `telemetry.polling`
//! from ceilometer-polling, whose payload holds the list under `samples` (Ceilometer 27.0.0).

use std::borrow::Cow;

use thiserror::Error;

use crate::model::Node;
use crate::wire::json::write_node;

/// Keys of a sample as it travels, and as a line has them.
const LINE: [(&str, &str); 14] = [
    ("counter_name", "name"),
    ("counter_type", "type"),
    ("counter_unit", "unit"),
    ("counter_volume", "volume"),
    ("user_id", "user_id"),
    ("user_name", "user_name"),
    ("project_id", "project_id"),
    ("project_name", "project_name"),
    ("resource_id", "resource_id"),
    ("timestamp", "timestamp"),
    ("resource_metadata", "resource_metadata"),
    ("source", "source"),
    ("message_id", "id"),
    ("monotonic_time", "monotonic_time"),
];
const SIGNATURE: &str = "message_signature";

/// Why a notification holds no records.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum NoBatch {
    /// It is one of another kind: a definition may make something of it.
    #[error("not a batch of samples or events")]
    Other,
    /// It says that it is one, but its payload is no list of records.
    #[error("a {0} whose payload is no list of records")]
    Broken(&'static str),
}

/// Appends a line for each sample or event in `notification`, the message inside of an envelope, and says how many.
///
/// A sample has the keys of `Sample.as_dict` in its order, unknown ones behind them; the signature, which is of the
/// other form, is left out. An event stays as it is but for that. Entries that are no maps are left out, and counted by
/// the difference to the length of the list, which comes second.
///
/// # Errors
/// [`NoBatch`]; nothing was appended then.
pub fn append_batch(notification: &Node<'_>, lines: &mut Vec<u8>) -> Result<(usize, usize), NoBatch> {
    let payload = notification.get("payload");
    let event_type = notification.get("event_type").and_then(Node::as_text).unwrap_or_default();
    let (list, kind, is_samples) = match event_type {
        "telemetry.polling" => {
            (payload.and_then(|payload| payload.get("samples")), "telemetry.polling", true)
        }
        "event" => (payload, "event", false),
        "metering" => (payload, "metering", true),
        // per_meter_topic: the same samples once more, under the meter's name.
        other if other.starts_with("metering.") => (payload, "metering", true),
        _ => return Err(NoBatch::Other),
    };
    let Some(Node::List(items)) = list else { return Err(NoBatch::Broken(kind)) };
    let mut taken = 0;
    for item in items {
        let Node::Map(entries) = item else { continue };
        let line = if is_samples { sample(entries) } else { event(entries) };
        write_node(&Node::Map(line), lines);
        lines.push(b'\n');
        taken += 1;
    }
    Ok((taken, items.len()))
}

type Entry<'a> = (Cow<'a, str>, Node<'a>);

fn sample<'a>(entries: &[Entry<'a>]) -> Vec<Entry<'a>> {
    let mut line = Vec::with_capacity(entries.len());
    for (theirs, ours) in LINE {
        let found = entries.iter().rev().find(|(key, _)| key == theirs);
        line.extend(found.map(|(_, value)| (Cow::Borrowed(ours), value.clone())));
    }
    let known = |key: &str| key == SIGNATURE || LINE.iter().any(|(theirs, _)| key == *theirs);
    line.extend(entries.iter().filter(|(key, _)| !known(key)).cloned());
    line
}

fn event<'a>(entries: &[Entry<'a>]) -> Vec<Entry<'a>> {
    entries.iter().filter(|(key, _)| key != SIGNATURE).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::json::read_node;
    use proptest::prelude::*;

    fn lines(text: &str) -> Result<(String, (usize, usize)), NoBatch> {
        let mut lines = Vec::new();
        let counts = append_batch(&read_node(text.as_bytes()).unwrap(), &mut lines)?;
        Ok((String::from_utf8(lines).unwrap(), counts))
    }

    #[test]
    fn samples_come_out_in_the_form_of_lines() {
        let meter = r#"{"source":"s","counter_name":"cpu","counter_volume":1,"message_id":"i","x":[1],"message_signature":"f"}"#;
        let line = r#"{"name":"cpu","volume":1,"source":"s","id":"i","x":[1]}"#;
        for text in [
            format!(r#"{{"event_type":"metering","payload":[{meter},{meter}]}}"#),
            format!(r#"{{"event_type":"metering.cpu","payload":[{meter},1,{meter}]}}"#),
            format!(r#"{{"event_type":"telemetry.polling","payload":{{"samples":[{meter},{meter}]}}}}"#),
        ] {
            let (found, (taken, there)) = lines(&text).unwrap();
            assert_eq!(found, format!("{line}\n{line}\n"), "{text}");
            assert_eq!((taken, there), (2, if text.contains(",1,") { 3 } else { 2 }));
        }
    }

    #[test]
    fn events_come_out_as_they_are() {
        let text = r#"{"event_type":"event","payload":[{"event_type":"e","traits":[["a",1,"b"]],"raw":{},"message_signature":"f"}]}"#;
        let line = "{\"event_type\":\"e\",\"traits\":[[\"a\",1,\"b\"]],\"raw\":{}}\n";
        assert_eq!(lines(text).unwrap(), (line.to_owned(), (1, 1)));
    }

    #[test]
    fn what_is_no_batch_is_told_apart_from_what_is_broken() {
        assert_eq!(lines(r#"{"event_type":"compute.instance.exists","payload":{}}"#), Err(NoBatch::Other));
        assert_eq!(lines("[]"), Err(NoBatch::Other));
        assert_eq!(lines(r#"{"event_type":"event","payload":{}}"#), Err(NoBatch::Broken("event")));
        assert_eq!(lines(r#"{"event_type":"metering"}"#), Err(NoBatch::Broken("metering")));
        let polling = r#"{"event_type":"telemetry.polling","payload":[]}"#;
        assert_eq!(lines(polling), Err(NoBatch::Broken("telemetry.polling")));
    }

    proptest! {
        #[test]
        fn nothing_that_is_json_breaks_it(
            kind in "metering|event|telemetry.polling|metering.x",
            payload in "(\\[|\\{)(\"(samples|counter_name|traits)\":|[\\[\\]{},0-9]|null|\"x\"){0,12}"
        ) {
            let text = format!("{{\"event_type\":\"{kind}\",\"payload\":{payload}}}");
            if let Ok(node) = read_node(text.as_bytes()) {
                let mut lines = Vec::new();
                if let Ok((taken, there)) = append_batch(&node, &mut lines) {
                    prop_assert!(taken <= there);
                    prop_assert_eq!(lines.iter().filter(|byte| **byte == b'\n').count(), taken);
                    for line in lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
                        prop_assert!(read_node(line).is_ok());
                    }
                }
            }
        }
    }
}
