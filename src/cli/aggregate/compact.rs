//! `compact`: puts a store in order.

use clap::Args;
use serde_json::json;

use super::store::StoreArgs;
use crate::base::{Failure, Outcome};
use crate::cli::format;
use crate::cli::shared::{Context, OutputArgs, RunArgs};
use crate::store::measures::Effort;

/// Options of `compact`.
#[derive(Args, Debug)]
pub struct CompactArgs {
    #[command(flatten)]
    store: StoreArgs,

    #[command(flatten)]
    output: OutputArgs,

    #[command(flatten)]
    pub(super) run: RunArgs,
}

/// Cuts journals, rolls up what can change no more, merges segments, forgets what was deleted.
///
/// # Errors
/// When something is damaged, or the system refuses.
pub fn run(args: &CompactArgs, context: &Context) -> Result<Outcome, Failure> {
    let done = args.store.open()?.maintain(Effort::Everything)?.unwrap_or_default();
    let mut out = format::open(&args.output, &context.books)?;
    let row = json!({
        "journals": done.journals, "points": done.points, "rolls": done.rolls, "spans": done.rows,
        "merges": done.merges,
    });
    out.line(row.to_string().as_bytes())?;
    out.flush()?;
    Ok(Outcome::Done)
}
