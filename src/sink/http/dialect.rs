//! What a receiver wants to be posted.

use super::super::courier::Abandoned;
use super::client::Request;
use super::delivery::Round;

/// One receiver's dialect: makes requests of records.
pub trait Dialect: Send {
    /// Delivers `lines`, each one record with its line feed. Every one of them must be accounted for by `round`:
    /// delivered, dropped or skipped.
    ///
    /// # Errors
    /// [`Abandoned`] when nobody waits for them any more.
    fn deliver(&mut self, lines: &[&[u8]], round: &mut Round<'_>) -> Result<(), Abandoned>;

    /// What a preview cannot show, because it depends on answers.
    fn remark(&self) -> Option<&'static str> {
        None
    }

    /// Which statuses say "not now" rather than "not this": then the request is made again.
    fn passing(&self) -> fn(u16) -> bool {
        is_passing
    }
}

/// The statuses of RFC 9110 and RFC 6585 that may change with time: a 501 or 505 does not.
fn is_passing(status: u16) -> bool {
    matches!(status, 408 | 425 | 429 | 500 | 502..=504 | 507..=599)
}

/// A request, and the records in it.
pub struct Parcel {
    /// What is posted.
    pub request: Request,
    /// How many records are in it.
    pub records: u64,
    /// How long their lines are together.
    pub bytes: u64,
}
