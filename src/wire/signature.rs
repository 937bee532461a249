//! Signatures of samples and events (Ceilometer's `message_signature`).

use crate::base::Secret;

/// What is done with a record whose signature does not fit the secret, or that has none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Unverified {
    /// It is rejected.
    Reject,
    /// It is taken, and says so.
    Mark,
    /// It is taken as it is; no signature is looked at.
    #[default]
    Accept,
}

/// How signatures are checked.
#[derive(Clone, Debug)]
pub struct Verification {
    /// The secret that senders and receivers share.
    pub secret: Secret,
    /// What is done with what does not fit it.
    pub unverified: Unverified,
}

/// The secret of a Ceilometer that was not configured (`publisher.telemetry_secret`, 27.0.0).
pub const DEFAULT_SECRET: &str = "change this for valid signing";
