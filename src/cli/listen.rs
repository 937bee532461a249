//! telemetry-listen: takes the records that others send.

use std::process::ExitCode;

use clap::{CommandFactory, Parser, ValueEnum};

use super::format;
use super::shared::{self, Context, OutputArgs, OutputFormat, RunArgs, SignatureArgs};
use crate::base::{Failure, Outcome};
use crate::source::{self, Format};
use crate::wire::signature::LineCheck;
use crate::work::relay::{Relay, relay};

/// Take the records that others send and print them
#[derive(Parser, Debug)]
#[command(name = "telemetry-listen", version, max_term_width = 100)]
pub struct Args {
    /// Where they come from: -, a path or a URL [default: -]
    ///
    /// URLs are file:PATH?follow, udp://HOST:PORT, tcp://HOST:PORT, unix:PATH, http://HOST:PORT/PREFIX and https://, and
    /// statsd://HOST:PORT, influx://HOST:PORT and collectd://HOST:PORT for what these systems send. A host that is left
    /// out, as in udp://:4952, is 127.0.0.1: to be heard from outside write udp://0.0.0.0:4952 or udp://[::]:4952. A
    /// followed file is read from its start (&from=end: only what is new) through rotation and truncation. https needs
    /// ?cert=FILE&key=FILE. See telemetry(7), ADDRESSES, HTTP and WIRES.
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
    let signatures = LineCheck::new(&options.verification);
    relay(sources, Relay { trees, signatures }, out.as_mut(), &context.books, &context.stop)?;
    out.flush()?;
    Ok(Outcome::Done)
}
