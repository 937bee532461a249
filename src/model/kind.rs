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

/// The keys that tell the kinds apart, in whatever form a reader knows its keys.
#[derive(Clone, Copy, Debug)]
#[allow(missing_docs, reason = "each is the key of its name")]
pub struct KindKeys<K> {
    pub name: K,
    pub volume: K,
    pub counter_name: K,
    pub counter_volume: K,
    pub event_type: K,
    pub traits: K,
    pub payload: K,
    pub oslo_message: K,
    pub granularity: K,
    pub aggregates: K,
    pub alarm_id: K,
    pub previous: K,
    pub current: K,
}

/// The keys as they are written.
pub const KIND_KEYS: KindKeys<&str> = KindKeys {
    name: "name",
    volume: "volume",
    counter_name: "counter_name",
    counter_volume: "counter_volume",
    event_type: "event_type",
    traits: "traits",
    payload: "payload",
    oslo_message: "oslo.message",
    granularity: "granularity",
    aggregates: "aggregates",
    alarm_id: "alarm_id",
    previous: "previous",
    current: "current",
};

impl RecordKind {
    /// The kind of a record that has the keys that `has` says; none when they fit no kind.
    #[inline(always)]
    pub fn of<K: Copy>(keys: &KindKeys<K>, has: impl Fn(K) -> bool) -> Option<RecordKind> {
        if has(keys.name) && has(keys.volume) || has(keys.counter_name) && has(keys.counter_volume) {
            Some(RecordKind::Sample)
        } else if has(keys.event_type) && has(keys.traits) {
            Some(RecordKind::Event)
        } else if has(keys.event_type) && has(keys.payload) || has(keys.oslo_message) {
            Some(RecordKind::Notification)
        } else if has(keys.granularity) && has(keys.aggregates) {
            Some(RecordKind::Aggregate)
        } else if has(keys.alarm_id) && has(keys.previous) && has(keys.current) {
            Some(RecordKind::Transition)
        } else {
            None
        }
    }

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
