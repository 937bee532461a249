//! An event: something that happened, with typed traits.

use serde_json::Value;

use super::Timestamp;

/// The value of a trait, with its type.
#[derive(Clone, Debug, PartialEq)]
pub enum TraitValue {
    /// Type 1.
    Text(String),
    /// Type 2.
    Integer(i64),
    /// Type 3.
    Float(f64),
    /// Type 4; naive UTC on the wire.
    Datetime(Timestamp),
}

impl TraitValue {
    /// The number that stands for the type in a record (Ceilometer 27.0.0, `Trait.*_TYPE`).
    pub fn dtype(&self) -> u8 {
        match self {
            TraitValue::Text(_) => 1,
            TraitValue::Integer(_) => 2,
            TraitValue::Float(_) => 3,
            TraitValue::Datetime(_) => 4,
        }
    }
}

/// One named property of an event.
#[derive(Clone, Debug, PartialEq)]
pub struct Trait {
    /// The name, `instance_id` or `vcpus`.
    pub name: String,
    /// The typed value.
    pub value: TraitValue,
}

/// Something that happened, as Ceilometer makes it of a notification and Panko stores it.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// Unique; the notification's own identity.
    pub message_id: String,
    /// What happened, `compute.instance.create.end`.
    pub event_type: String,
    /// When it happened.
    pub generated: Timestamp,
    /// What is known of it, in the order of the record.
    pub traits: Vec<Trait>,
    /// The notification it was made of, or an empty object.
    pub raw: Value,
}
