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
}
