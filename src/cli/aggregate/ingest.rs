//! `ingest`: records into a store.

use std::path::PathBuf;

use clap::{Args, ValueHint};

use super::store::StoreArgs;
use crate::base::{Failure, Outcome, Output, clock};
use crate::cli::shared::{Context, RunArgs, for_each_input, length_or_zero};
use crate::sink::ResourceDefinitions;
use crate::wire::json::Records;
use crate::work::ingest::{Ingest, KEYS, Options};
use crate::work::records;

/// Options of `ingest`.
#[derive(Args, Debug)]
pub struct IngestArgs {
    /// Where the records are, one JSON object a line [default: -, standard input]
    ///
    /// Besides files, anything that telemetry-listen takes. They are read one after the other, each to its end.
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    files: Vec<String>,

    /// Print each record once it is safe
    ///
    /// What is not printed was not stored. So a store can stand in the middle of a pipe.
    #[arg(long)]
    echo: bool,

    /// Archive policy of new metrics; without it the store's rules choose
    #[arg(long, value_name = "POLICY")]
    archive_policy: Option<String>,

    /// Reject records that are further ahead of this host's clock
    ///
    /// A point makes late what is older than its archive policy's window: one wrong clock would cost a metric all that comes
    /// behind it.
    #[arg(long, value_name = "LENGTH", default_value = "1d", value_parser = length_or_zero)]
    ahead: i64,

    /// Types, attributes and archive policies of resources, as Ceilometer's gnocchi_resources.yaml
    ///
    /// Without it the built-in ones say the types and attributes, and the store's rules the archive policies.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    resource_definitions: Option<PathBuf>,

    #[command(flatten)]
    store: StoreArgs,

    #[command(flatten)]
    pub(super) run: RunArgs,
}

/// Takes records into the store, which is made where it is not there.
///
/// # Errors
/// When the store cannot be written to.
pub fn run(args: &IngestArgs, context: &Context) -> Result<Outcome, Failure> {
    let options = Options {
        definitions: ResourceDefinitions::open(args.resource_definitions.as_deref())?,
        policies_by_definition: args.resource_definitions.is_some(),
        archive_policy: args.archive_policy.clone(),
        echo: args.echo,
        ahead_max_ns: args.ahead,
        clock: clock::now_ns,
    };
    let store = args.store.open_or_create(true)?;
    if let Some(policy) = &args.archive_policy {
        store.index().archive_policy(policy)?;
    }
    let mut ingest = Ingest::new(store, options, &context.books)?;
    let mut records = Records::new(&KEYS).map_err(|error| Failure::Bug(error.to_string()))?;
    let mut out = Output::stdout(&context.books)?;
    let taken = for_each_input(&args.files, &args.run, context, |source| {
        records::run(source, &mut records, &mut ingest, &mut out, &context.books, &context.stop)
    });
    // What came before a failure is taken in all the same, as far as that is possible.
    let finished = ingest.finish(&mut out);
    taken.and(finished)?;
    Ok(Outcome::Done)
}
