//! telemetry-listen: takes the records that others send.

use std::process::ExitCode;

use clap::{CommandFactory, Parser, ValueEnum};

use super::definitions::DefinitionArgs;
use super::format;
use super::shared::{self, Context, OutputArgs, OutputFormat, RunArgs, SignatureArgs};
use crate::base::{Failure, Outcome};
use crate::source::{self, Format};
use crate::wire::json::Records;
use crate::wire::signature::{LineCheck, SIGNATURE};
use crate::work::checked::Checked;
use crate::work::collect::{Collect, Definitions, Reread};
use crate::work::relay::relay;

/// Take the records that others send and print them
#[derive(Parser, Debug)]
#[command(name = "telemetry-listen", version, max_term_width = 100)]
pub struct Args {
    /// Where they come from: -, a path or a URL [default: -]
    ///
    /// URLs are file:PATH?follow, unix:PATH, udp://HOST:PORT and tcp://HOST:PORT (lines, or what Ceilometer's publishers
    /// send), tls://HOST:PORT?cert=FILE&key=FILE (the same encrypted), http:// and https://HOST:PORT/PREFIX, amqp:// and
    /// amqps://HOST/VHOST, statsd://, influx:// and collectd://HOST:PORT. A host that is left out is 127.0.0.1: to be
    /// heard from outside write udp://0.0.0.0:4952 or udp://[::]:4952. A followed file is read from its start
    /// (&from=end: only what is new) through rotation and truncation. See telemetry(7), ADDRESSES and HTTP.
    #[arg(value_name = "SOURCE-URL")]
    sources: Vec<String>,

    /// What files and standard input hold
    ///
    /// Sockets have their formats in their schemes, and file:PATH?format=FORMAT says it of one file. Times that a text
    /// does not say are those of its arrival.
    #[arg(long, value_name = "FORMAT", default_value = "jsonl")]
    format: InputFormat,

    #[command(flatten)]
    signatures: SignatureArgs,

    #[command(flatten)]
    definitions: DefinitionArgs,

    #[command(flatten)]
    output: OutputArgs,

    #[command(flatten)]
    run: RunArgs,
}

/// What a text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum InputFormat {
    /// Records, one JSON object a line
    Jsonl,
    /// Lines of statsd; each value is a sample
    Statsd,
    /// InfluxDB's line protocol, times in nanoseconds
    Influx,
    /// What exporters of Prometheus or OpenMetrics expose
    Prometheus,
    /// OTLP metrics in JSON
    Otlp,
    /// The JSON of collectd's write_http
    Collectd,
}

impl InputFormat {
    fn foreign(self) -> Option<Format> {
        match self {
            InputFormat::Jsonl => None,
            InputFormat::Statsd => Some(Format::Statsd),
            InputFormat::Influx => Some(Format::Influx),
            InputFormat::Prometheus => Some(Format::Prometheus),
            InputFormat::Otlp => Some(Format::Otlp),
            InputFormat::Collectd => Some(Format::Collectd),
        }
    }
}

/// The program.
pub fn main() -> ExitCode {
    shared::main("telemetry-listen", |_| true, |args: &Args| &args.run, run)
}

/// The command line, for man pages and completions.
pub fn command() -> clap::Command {
    Args::command()
}

fn run(args: &Args, context: &Context) -> Result<Outcome, Failure> {
    let can_wait = args.definitions.are_built_in() && !args.definitions.check_config;
    let definitions =
        if can_wait { Definitions::default() } else { args.definitions.read(&context.books)? };
    if args.definitions.check_config {
        return Ok(Outcome::Done);
    }
    if args.sources.is_empty() {
        shared::hint_at_terminal(context);
    }
    let options = source::Options {
        line_max: args.run.max_line,
        verification: args.signatures.verification()?,
        format: args.format.foreign(),
    };
    let sources = shared::open_sources(&args.sources, &options, context)?;
    for source in &sources {
        if let Some(address) = source.bound() {
            context.books.note(&format_args!("{}: listening on {address}", source.name()));
        }
    }
    let mut out = format::open(&args.output, &context.books)?;
    let trees = args.output.format() != OutputFormat::Jsonl;
    let mut collect =
        Collect::new(definitions, args.definitions.emit(), trees, &options.verification, &context.books);
    let read = || -> Reread {
        let (arguments, books) = (args.definitions.clone(), context.books.clone());
        Box::new(move || arguments.read(&books))
    };
    collect.reload_with(&context.stop, read());
    if can_wait {
        collect.read_with_first(read());
    }
    let mut worker = Checked::new(LineCheck::new(&options.verification), 0, collect);
    let mut records = Records::new(&[SIGNATURE]).map_err(|error| Failure::Bug(error.to_string()))?;
    let relayed = relay(sources, &mut records, &mut worker, out.as_mut(), &context.books, &context.stop);
    worker.inner().close();
    relayed?;
    out.flush()?;
    Ok(Outcome::Done)
}
