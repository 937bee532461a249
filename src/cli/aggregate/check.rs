//! `check`: reads every byte of a store.

use clap::Args;
use serde_json::json;

use super::options::Options;
use crate::base::{Failure, Outcome};
use crate::cli::shared::Context;

/// Options of `check`.
#[derive(Args, Debug)]
pub struct CheckArgs {
    #[command(flatten)]
    pub(super) options: Options,
}

/// Says every fault, and prints what was read.
///
/// # Errors
/// When the index cannot be read at all.
pub fn run(args: &CheckArgs, context: &Context) -> Result<Outcome, Failure> {
    let found = args.options.store.open()?.check()?;
    let row = json!({
        "faults": found.faults.len() + found.index_faults.len(),
        "segments": found.segments,
        "entries": found.entries,
        "frames": found.frames,
        "journal_points": found.journal_points,
        "bytes": found.bytes,
    });
    found.notes.iter().for_each(|note| context.books.note(note));
    for fault in found.index_faults {
        context.books.trouble(&Failure::Damaged(format!("index: {fault}")));
    }
    found.faults.into_iter().for_each(|fault| context.books.trouble(&fault.into()));
    args.options.print_one(row, context)
}
