//! Floor 0 · The values that travel through the pipes.
//!
//! Plain data and the rules for reading and writing single values (a timestamp, a granularity).
//! Nothing here opens a file, asks the clock or knows JSON lines.

mod event;
mod granularity;
mod kind;
mod node;
mod notification;
mod printable;
pub mod python;
mod sample;
mod timestamp;
mod transition;

pub use event::{Event, Trait, TraitValue};
pub use granularity::{BadGranularity, Granularity, Span};
pub use kind::{KIND_KEYS, KindKeys, RecordKind};
pub use node::Node;
pub use notification::Notification;
pub use sample::{Sample, SampleType};
pub use timestamp::{BadTimestamp, NS_PER_SECOND, Timestamp, TimestampMemo};
pub use transition::{AlarmState, BadState, Severity, Transition};
