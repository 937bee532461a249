//! Floor 3 · Ways out, one file each. Every sink takes whole lines; what they mean was decided above.

use crate::base::{Failure, LineSink};

/// A way out that can be reopened and has an end.
pub trait Sink: LineSink + Send {
    /// What messages and books call it: the URL or path as the user wrote it, without secrets.
    fn name(&self) -> &str;

    /// Opens the file anew (HUP, after somebody renamed it); nothing for a sink without a file.
    ///
    /// # Errors
    /// When that is not possible.
    fn reopen(&mut self) -> Result<(), Failure>;

    /// Hands on and syncs all that was taken; what could not be delivered is in the books afterwards.
    ///
    /// # Errors
    /// When the sink failed for good.
    fn close(&mut self) -> Result<(), Failure>;
}
