//! The kinds of record that a line can hold.

use std::fmt;

/// What one line of input is; decided by its keys alone (telemetry(7), RECORDS).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum RecordKind {
    /// One measurement: `name` and `volume`, or `counter_name` and `counter_volume`.
    Sample,
    /// Something that happened, with typed traits: `event_type` and `traits`.
    Event,
    /// A service's raw notification: `event_type` and `payload`, or an `oslo.message` envelope.
    Notification,
    /// Samples rolled up over one span of time: `granularity` and `aggregates`.
    Aggregate,
    /// An alarm that changed its state: `alarm_id`, `previous` and `current`.
    Transition,
}

impl RecordKind {
    /// All kinds, in the order in which they are tried.
    pub const ALL: [RecordKind; 5] = [
        RecordKind::Sample,
        RecordKind::Event,
        RecordKind::Notification,
        RecordKind::Aggregate,
        RecordKind::Transition,
    ];

    /// The kind's name in the singular, as messages and books spell it.
    pub fn name(self) -> &'static str {
        match self {
            RecordKind::Sample => "sample",
            RecordKind::Event => "event",
            RecordKind::Notification => "notification",
            RecordKind::Aggregate => "aggregate",
            RecordKind::Transition => "transition",
        }
    }
}

impl fmt::Display for RecordKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
