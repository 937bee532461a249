//! Samples as Ceilometer's udp and tcp publishers send them: MessagePack, signed, the keys named `counter_*`.
//!
//! Ceilometer calls this form a *meter message*; a line holds the other one, `Sample.as_dict`. Events, aggregates and
//! everything else that is no sample travels as a map of its own keys and the signature.

mod reader;
mod writer;

pub use reader::{Form, MeterReader};
pub use writer::{MeterWriter, NotSendable};

/// The keys of a sample: as a line has them and as a meter message has them, in the order of the message.
const NAMES: [(&str, &str); 14] = [
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
/// The numbers in [`NAMES`] in the order of a line.
const LINE_ORDER: [usize; 14] = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 0, 12, 13];
const NAME: usize = 1;
const VOLUME: usize = 4;
/// The key that says which host sent it; Ceilometer's tcp publisher alone sets it.
const PUBLISHER_ID: &str = "publisher_id";

/// The number in [`NAMES`] of a key of a meter message.
#[inline]
fn number_in_message(key: &str) -> Option<usize> {
    NAMES.iter().position(|(_, name)| *name == key)
}

/// The number in [`NAMES`] of a key of a line.
#[inline]
fn number_in_line(key: &str) -> Option<usize> {
    NAMES.iter().position(|(name, _)| *name == key)
}
