//! `repair`: sets aside what is damaged and keeps what is sound of it.

use clap::Args;
use serde_json::json;

use super::options::{Options, names};
use crate::base::{Failure, Outcome};
use crate::cli::shared::Context;

/// Options of `repair`.
#[derive(Args, Debug)]
pub struct RepairArgs {
    #[command(flatten)]
    pub(super) options: Options,
}

/// Repairs, and prints a row for each file.
///
/// # Errors
/// When the index cannot be read, or the system refuses.
pub fn run(args: &RepairArgs, context: &Context) -> Result<Outcome, Failure> {
    let store = args.options.store.open()?;
    let repaired = store.repair()?;
    if repaired.is_empty() {
        context.books.note(&"no journal and no segment is damaged");
    }
    let rows = repaired.iter().map(|of| {
        json!({
            "kind": if of.journal { "journal" } else { "segment" },
            "set_aside": of.aside.as_ref().map(|path| path.display().to_string()),
            "kept": of.kept,
            "lost_bytes": of.lost_bytes,
        })
    });
    let printed = args.options.print(&names(&["kind", "set_aside", "kept", "lost_bytes"]), rows, context)?;
    // There is no second copy of the index to keep anything of.
    for fault in store.index().faults()? {
        context.books.trouble(&Failure::Damaged(format!("index: {fault}; this is not repaired")));
    }
    Ok(printed)
}
