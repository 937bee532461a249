//! telemetry-listen: takes the records that others send.

use std::process::ExitCode;

use clap::{CommandFactory, Parser};

use super::format;
use super::shared::{self, Context, OutputArgs, OutputFormat, RunArgs};
use crate::base::{Failure, Outcome};
use crate::work::relay::{Relay, relay};

/// Take the records that others send and print them
#[derive(Parser, Debug)]
#[command(name = "telemetry-listen", version, max_term_width = 100)]
pub struct Args {
    /// Where they come from: -, a path or a URL [default: -]
    ///
    /// URLs are file:PATH?follow, udp://HOST:PORT, tcp://HOST:PORT, unix:PATH and amqp://BROKER (RabbitMQ). A host that is left out, as in
    /// udp://:4952, is 127.0.0.1: to be heard from outside write udp://0.0.0.0:4952 or udp://[::]:4952. A followed file
    /// is read from its start (&from=end: only what is new) through rotation and truncation. See telemetry(7),
    /// ADDRESSES.
    #[arg(value_name = "SOURCE-URL")]
    sources: Vec<String>,

    #[command(flatten)]
    output: OutputArgs,

    #[command(flatten)]
    run: RunArgs,
}

/// The program.
pub fn main() -> ExitCode {
    shared::main("telemetry-listen", false, |args: &Args| &args.run, run)
}

/// The command line, for man pages and completions.
pub fn command() -> clap::Command {
    Args::command()
}

fn run(args: &Args, context: &Context) -> Result<Outcome, Failure> {
    if args.sources.is_empty() {
        shared::hint_at_terminal(context);
    }
    let sources = shared::open_sources(&args.sources, &args.run, context)?;
    for source in &sources {
        if let Some(address) = source.bound() {
            context.books.note(&format_args!("{}: listening on {address}", source.name()));
        }
    }
    let mut out = format::open(&args.output, &context.books)?;
    let trees = args.output.format() != OutputFormat::Jsonl;
    relay(sources, Relay { trees }, out.as_mut(), &context.books, &context.stop)?;
    out.flush()?;
    Ok(Outcome::Done)
}
