//! telemetry-events: filters events.

use std::process::ExitCode;

use clap::{CommandFactory, Parser, ValueHint};

use super::format;
use super::shared::{self, Context, OutputArgs, OutputFormat, RunArgs, for_each_input};
use crate::base::{Failure, Outcome};
use crate::query::Filter;
use crate::wire::json::Records;
use crate::work::filter::EventFilter;
use crate::work::records;

/// Pass the events that match a filter
#[derive(Parser, Debug)]
#[command(name = "telemetry-events", version, max_term_width = 100)]
pub struct Args {
    /// Where the records are, one JSON object a line [default: -, standard input]
    ///
    /// Besides files, anything that telemetry-listen takes: a followed file, a socket. They are read one after the
    /// other, each to its end.
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    files: Vec<String>,

    /// Which events pass, as: event_type like "compute.%" and traits.vcpus >= 4
    ///
    /// Fields are message_id, event_type, generated, traits.NAME and raw.PATH. The JSON form
    /// {"and": [{"like": {"event_type": "compute.%"}}, {">=": {"traits.vcpus": 4}}]} means the same.
    /// See telemetry(7), FILTERS.
    #[arg(short, long, value_name = "FILTER")]
    query: Option<Filter>,

    /// Pass the events that do not match instead
    #[arg(short = 'v', long)]
    invert_match: bool,

    /// Exit with 3 when no event passed
    #[arg(short, long)]
    exit_status: bool,

    #[command(flatten)]
    output: OutputArgs,

    #[command(flatten)]
    run: RunArgs,
}

/// The program.
pub fn main() -> ExitCode {
    shared::main("telemetry-events", |_| false, |args: &Args| &args.run, run)
}

/// The command line, for man pages and completions.
pub fn command() -> clap::Command {
    Args::command()
}

fn run(args: &Args, context: &Context) -> Result<Outcome, Failure> {
    let trees = args.output.format() != OutputFormat::Jsonl;
    let query = args.query.clone().unwrap_or(Filter::Everything);
    let mut filter = EventFilter::new(query, args.invert_match, trees);
    let mut records = Records::new::<&str>(&[]).map_err(|error| Failure::Bug(error.to_string()))?;
    let mut out = format::open(&args.output, &context.books)?;
    for_each_input(&args.files, &args.run, context, |source| {
        records::run(source, &mut records, &mut filter, out.as_mut(), &context.books, &context.stop)
    })?;
    out.flush()?;
    let nothing = args.exit_status && filter.matched() == 0;
    Ok(if nothing { Outcome::PredicateHolds } else { Outcome::Done })
}
