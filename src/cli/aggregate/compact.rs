//! `compact`: puts a store in order.

use clap::Args;
use serde_json::json;

use super::options::Options;
use crate::base::{Failure, Outcome};
use crate::cli::shared::Context;
use crate::store::measures::Effort;

/// Options of `compact`.
#[derive(Args, Debug)]
pub struct CompactArgs {
    #[command(flatten)]
    pub(super) options: Options,
}

/// Cuts journals, rolls up what can change no more, merges segments, forgets what was deleted.
///
/// # Errors
/// When something is damaged, or the system refuses.
pub fn run(args: &CompactArgs, context: &Context) -> Result<Outcome, Failure> {
    let done = args.options.store.open()?.maintain(Effort::Everything)?.unwrap_or_default();
    let row = json!({
        "journals": done.journals, "points": done.points, "rolls": done.rolls, "spans": done.rows,
        "merges": done.merges,
    });
    args.options.print(&[], [row], context)
}
