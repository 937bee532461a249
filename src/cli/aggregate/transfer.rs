//! `export` and `import`: a whole store as lines of text, and back.

use clap::{Args, ValueHint};
use serde_json::json;

use super::options::{Options, now};
use super::store::StoreArgs;
use crate::base::{Failure, Outcome, Output};
use crate::cli::format;
use crate::cli::shared::{Context, RunArgs, for_each_input};
use crate::work::transfer::{self, Extent};

/// Options of `export`.
#[derive(Args, Debug)]
pub struct ExportArgs {
    /// Leave out spans and points: what is left says what there is, not what was measured
    #[arg(long)]
    no_measures: bool,

    #[command(flatten)]
    store: StoreArgs,

    #[command(flatten)]
    pub(super) run: RunArgs,
}

/// Options of `import`.
#[derive(Args, Debug)]
pub struct ImportArgs {
    /// Where the export is [default: -, standard input]
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath, default_value = "-", hide_default_value = true)]
    file: String,

    #[command(flatten)]
    pub(super) options: Options,
}

/// Writes a store to standard output.
///
/// # Errors
/// When something is damaged, or the output cannot be written.
pub fn export(args: &ExportArgs, context: &Context) -> Result<Outcome, Failure> {
    let extent = if args.no_measures { Extent::WithoutMeasures } else { Extent::Everything };
    let mut out = Output::stdout(&context.books)?;
    transfer::export(&args.store.open()?, extent, &mut out, &context.books, &context.stop)?;
    Ok(Outcome::Done)
}

/// Fills a new store.
///
/// # Errors
/// When the store is not empty, or cannot be written to.
pub fn import(args: &ImportArgs, context: &Context) -> Result<Outcome, Failure> {
    let now = now();
    let mut out = format::open(&args.options.output, &context.books)?;
    for_each_input(std::slice::from_ref(&args.file), &args.options.run, context, |source| {
        let store = args.options.store.open_or_create(false)?;
        let done = transfer::import(&store, source, &context.books, &context.stop, now)?;
        let row = json!({
            "resources": done.resources, "revisions": done.revisions, "metrics": done.metrics,
            "with_points": done.measures,
        });
        out.line(row.to_string().as_bytes())
    })?;
    out.flush()?;
    Ok(Outcome::Done)
}
