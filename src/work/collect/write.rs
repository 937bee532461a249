//! Samples and events as lines.

use std::borrow::Cow;

use crate::define::path::Value;
use crate::define::{EventDraft, MadeSample, Metadata, SampleDraft, Sent, TraitDraft, number};
use crate::model::{Node, Notification};
use crate::wire::json::{write_f64, write_node, write_text};

/// Appends a sample in the key order of Ceilometer 27.0.0's `Sample.as_dict`, with its line feed.
pub fn sample(draft: &SampleDraft<'_>, notification: &Notification<'_>, id: &str, out: &mut Vec<u8>) {
    let sent = Sent {
        id: Cow::Borrowed(id),
        source: Node::Text(Cow::Borrowed("openstack")),
        user_name: Node::Null,
        project_name: Node::Null,
        monotonic_time: Node::Null,
    };
    sent_sample(draft, notification, &sent, out);
}

/// As [`sample`], of one that another telemetry made: it keeps what it was.
pub fn sent_sample(
    draft: &SampleDraft<'_>,
    notification: &Notification<'_>,
    sent: &Sent<'_>,
    out: &mut Vec<u8>,
) {
    out.extend(b"{\"name\":");
    write_text(draft.name.as_bytes(), out);
    out.extend(b",\"type\":\"");
    out.extend(draft.sample_type.name().as_bytes());
    out.extend(b"\",\"unit\":");
    write_text(draft.unit.as_bytes(), out);
    out.extend(b",\"volume\":");
    write_node(&draft.volume, out);
    out.extend(b",\"user_id\":");
    write_node(&draft.user_id, out);
    out.extend(b",\"user_name\":");
    write_node(&sent.user_name, out);
    out.extend(b",\"project_id\":");
    write_node(&draft.project_id, out);
    out.extend(b",\"project_name\":");
    write_node(&sent.project_name, out);
    out.extend(b",\"resource_id\":");
    write_node(&draft.resource_id, out);
    out.extend(b",\"timestamp\":");
    write_text(draft.timestamp.as_bytes(), out);
    out.extend(b",\"resource_metadata\":");
    metadata(&draft.metadata, notification, out);
    out.extend(b",\"source\":");
    write_node(&sent.source, out);
    out.extend(b",\"id\":");
    write_text(sent.id.as_bytes(), out);
    out.extend(b",\"monotonic_time\":");
    write_node(&sent.monotonic_time, out);
    out.extend(b"}\n");
}

/// The sample of an endpoint as a draft; none when its volume is no number.
pub fn draft<'t>(made: &'t MadeSample<'_>) -> Option<SampleDraft<'t>> {
    let value = |node: &'t Node<'_>| -> Value<'t> { Cow::Borrowed(node) };
    Some(SampleDraft {
        name: Cow::Borrowed(&made.name),
        sample_type: made.sample_type,
        unit: Cow::Borrowed(&made.unit),
        volume: number(&made.volume)?,
        user_id: value(&made.user_id),
        project_id: value(&made.project_id),
        resource_id: value(&made.resource_id),
        timestamp: Cow::Borrowed(&made.timestamp),
        metadata: Metadata::Map(&made.metadata),
    })
}

fn metadata(metadata: &Metadata<'_>, notification: &Notification<'_>, out: &mut Vec<u8>) {
    let mut first = true;
    let mut entry = |key: &str, write: &dyn Fn(&mut Vec<u8>), out: &mut Vec<u8>| {
        out.push(if first { b'{' } else { b',' });
        first = false;
        write_text(key.as_bytes(), out);
        out.push(b':');
        write(out);
    };
    match metadata {
        Metadata::Map(map) => return write_node(map, out),
        Metadata::Picked(picked) => {
            for (key, value) in picked {
                entry(key, &|out| write_node(value, out), out);
            }
        }
        Metadata::Payload => {
            let added = [("event_type", &notification.event_type), ("host", &notification.publisher_id)];
            let entries = match &notification.payload {
                Node::Map(entries) => &entries[..],
                _ => &[],
            };
            for (key, value) in entries {
                match added.iter().find(|(name, _)| name == key) {
                    Some((_, instead)) => entry(key, &|out| write_text(instead.as_bytes(), out), out),
                    None => entry(key, &|out| write_node(value, out), out),
                }
            }
            for (name, value) in added {
                if !entries.iter().any(|(key, _)| key == name) {
                    entry(name, &|out| write_text(value.as_bytes(), out), out);
                }
            }
        }
    }
    out.extend(if first { &b"{}"[..] } else { b"}" });
}

/// Appends an event, with its line feed.
pub fn event(draft: &EventDraft<'_>, notification: &Notification<'_>, message_id: &str, out: &mut Vec<u8>) {
    out.extend(b"{\"message_id\":");
    write_text(message_id.as_bytes(), out);
    out.extend(b",\"event_type\":");
    write_text(notification.event_type.as_bytes(), out);
    out.extend(b",\"generated\":\"");
    out.extend(draft.generated.as_bytes());
    out.extend(b"\",\"traits\":[");
    for (index, (name, value)) in draft.traits.iter().enumerate() {
        out.extend(if index > 0 { &b",["[..] } else { b"[" });
        write_text(name.as_bytes(), out);
        match value {
            TraitDraft::Text(text) => {
                out.extend(b",1,");
                write_text(text.as_bytes(), out);
            }
            TraitDraft::Integer(number) => {
                out.extend(b",2,");
                write_node(number, out);
            }
            TraitDraft::Float(number) => {
                out.extend(b",3,");
                write_f64(*number, out);
            }
            TraitDraft::Datetime(time) => {
                out.extend(b",4,");
                write_text(time.as_bytes(), out);
            }
        }
        out.push(b']');
    }
    out.extend(b"],\"raw\":");
    if draft.raw {
        raw(notification, out)
    } else {
        out.extend(b"{}")
    }
    out.extend(b"}\n");
}

/// The notification in the form that oslo.messaging hands to its endpoints.
fn raw(notification: &Notification<'_>, out: &mut Vec<u8>) {
    out.extend(b"{\"event_type\":");
    write_text(notification.event_type.as_bytes(), out);
    out.extend(b",\"publisher_id\":");
    write_text(notification.publisher_id.as_bytes(), out);
    out.extend(b",\"ctxt\":");
    write_node(&notification.context, out);
    out.extend(b",\"payload\":");
    write_node(&notification.payload, out);
    out.extend(b",\"metadata\":{\"message_id\":");
    let text = |text: Option<&str>, out: &mut Vec<u8>| match text {
        Some(text) => write_text(text.as_bytes(), out),
        None => out.extend(b"null"),
    };
    text(notification.message_id.as_deref(), out);
    out.extend(b",\"timestamp\":");
    text(notification.timestamp.as_deref(), out);
    out.extend(b"}}");
}
