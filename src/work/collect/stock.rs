//! What is built in: the definitions that work without any file, and the samples that no definition can describe.

use crate::define::MadeSample;
use crate::model::Notification;

/// Makes samples of the notifications it knows.
pub type Endpoint = for<'a> fn(&'a Notification<'a>) -> Vec<MadeSample<'a>>;

/// Meter definitions in YAML, if some are built in.
pub const METERS: Option<&str> = None;

/// Event definitions in YAML, if some are built in.
pub const EVENTS: Option<&str> = None;

/// All endpoints, in the order in which they are asked.
pub const ENDPOINTS: &[Endpoint] = &[];
