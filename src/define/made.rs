//! A sample as a definition or an endpoint makes it of a notification.

use std::borrow::Cow;

use crate::model::{Node, SampleType};

/// One sample, before it gets an identity.
#[derive(Clone, Debug, PartialEq)]
pub struct MadeSample<'a> {
    /// The meter.
    pub name: Cow<'a, str>,
    /// Gauge, delta or cumulative.
    pub sample_type: SampleType,
    /// The unit of `volume`.
    pub unit: Cow<'a, str>,
    /// The value, as the notification has it.
    pub volume: Node<'a>,
    /// The user who owns the resource, or nothing.
    pub user_id: Node<'a>,
    /// The project that owns the resource, or nothing.
    pub project_id: Node<'a>,
    /// What was measured.
    pub resource_id: Node<'a>,
    /// When, as RFC 3339 text.
    pub timestamp: Cow<'a, str>,
    /// What else is known of the resource; a map.
    pub metadata: Node<'a>,
    /// What the sample was when it was sent, if it was one already.
    pub sent: Option<Sent<'a>>,
}

/// What only a sample has that another telemetry made.
#[derive(Clone, Debug, PartialEq)]
pub struct Sent<'a> {
    /// Its identity.
    pub id: Cow<'a, str>,
    /// Where it says to come from.
    pub source: Node<'a>,
    /// The user's name, or nothing.
    pub user_name: Node<'a>,
    /// The project's name, or nothing.
    pub project_name: Node<'a>,
    /// Seconds of its sender's clock that never jumps, or nothing.
    pub monotonic_time: Node<'a>,
}
