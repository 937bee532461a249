//! telemetry-publish: sends records on.

use std::process::ExitCode;

use clap::{CommandFactory, Parser};

use super::shared::{self, Context, RunArgs};
use crate::base::{Failure, LineSink, Outcome};
use crate::sink::{self, Sink, Tee};
use crate::work::relay::{Relay, Reopening, relay};

/// Send records on to files, hosts, sockets and services
#[derive(Parser, Debug)]
#[command(name = "telemetry-publish", version, max_term_width = 100)]
pub struct Args {
    /// Where they go: -, a path or a URL [default: -]
    ///
    /// URLs are file:PATH, udp://HOST:PORT, tcp://HOST:PORT and unix:PATH. file:PATH?max_bytes=BYTES&backup_count=N
    /// rotates, SIGHUP reopens, &sync waits for the disk. tcp: and unix: keep ?queue=BYTES while nobody answers, then
    /// drop the newest records (?when_full=wait: wait), and try for ?linger=SECONDS at the end. What is lost is in the
    /// books. http:, https:, gnocchi:, prometheus: (a Pushgateway), prometheus+write: (remote write), otlp+http: and
    /// opentelemetryhttp: post to services, and do the same. See telemetry(7), ADDRESSES.
    #[arg(value_name = "SINK-URL")]
    sinks: Vec<String>,

    /// Print the records too, so that the pipe can go on
    #[arg(long)]
    tee: bool,

    /// Read from here instead of standard input, as telemetry-listen would
    #[arg(long, value_name = "SOURCE-URL")]
    input: Vec<String>,

    #[command(flatten)]
    run: RunArgs,
}

/// The program.
pub fn main() -> ExitCode {
    shared::main("telemetry-publish", true, |args: &Args| &args.run, run)
}

/// The command line, for man pages and completions.
pub fn command() -> clap::Command {
    Args::command()
}

fn run(args: &Args, context: &Context) -> Result<Outcome, Failure> {
    let mut urls = args.sinks.clone();
    if (args.tee || urls.is_empty()) && !urls.iter().any(|url| url == "-") {
        urls.push("-".to_owned());
    }
    let open = |url: &String| sink::open(url, &sink::Options::default(), &context.books, &context.stop);
    let mut sinks = urls.iter().map(open).collect::<Result<Vec<_>, _>>()?;
    let sink: Box<dyn Sink> = match sinks.pop() {
        Some(only) if sinks.is_empty() => only,
        last => Box::new(Tee::new(sinks.into_iter().chain(last).collect(), &context.books)),
    };
    let mut sink = Reopening::new(sink, &context.stop, &context.books);
    if args.input.is_empty() {
        shared::hint_at_terminal(context);
    }
    let sources = shared::open_sources(&args.input, &args.run, context)?;
    let relay_all = Relay { trees: false };
    let relayed = relay(sources, relay_all, &mut sink, &context.books, &context.stop);
    let relayed = relayed.and_then(|()| sink.flush());
    // What was taken is delivered even when the input failed.
    let closed = sink.close();
    relayed.and(closed).map(|()| Outcome::Done)
}
