//! telemetry-publish: sends records on.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{ArgGroup, CommandFactory, Parser, ValueHint};

use super::shared::{self, Context, RunArgs, SignatureArgs};
use crate::base::small_file::{self, CONFIGURATION_BYTES_MAX};
use crate::base::{Address, Books, Failure, LineSink, Outcome, Output};
use crate::pipeline::{self, Checks, Kind};
use crate::sink::{self, Sink, Tee};
use crate::source;
use crate::wire::json::Records;
use crate::wire::signature::{LineCheck, SIGNATURE};
use crate::work::checked::Checked;
use crate::work::pipeline::{KEYS, Outlets, Plans, Publishing, Rehearsal, Showing, Way};
use crate::work::relay::{Relay, Reopening, relay};

/// Send records on to files, hosts, sockets and services
#[derive(Parser, Debug)]
#[command(name = "telemetry-publish", version, max_term_width = 100)]
#[command(group = ArgGroup::new("pipelines").multiple(true))]
pub struct Args {
    /// Where they go: -, a path or a URL [default: -]
    ///
    /// URLs are file:PATH, unix:PATH, udp:// and tcp://HOST:PORT (the signed MessagePack of Ceilometer's publishers, or
    /// lines with ?format=json), tls://HOST:PORT, http://, https://, gnocchi://, prometheus:// (a Pushgateway),
    /// prometheus+write:// and otlp+http://HOST/PATH, amqp:// and notifier://BROKER.
    /// file:PATH?max_bytes=BYTES&backup_count=N rotates, SIGHUP reopens, &sync waits for the disk. Receivers that may go away have a queue of
    /// ?queue=BYTES; when it is full, the newest records are dropped (?when_full=wait: the input waits, as it does for a
    /// broker), and at the end delivery is tried for ?linger=SECONDS. What is lost is in the books. See telemetry(7),
    /// ADDRESSES.
    #[arg(value_name = "SINK-URL")]
    sinks: Vec<String>,

    /// Print the records too, so that the pipe can go on
    #[arg(long)]
    tee: bool,

    /// Read from here instead of standard input, as telemetry-listen would
    #[arg(long, value_name = "SOURCE-URL")]
    input: Vec<String>,

    /// Publish samples as the sources and sinks of Ceilometer's pipeline.yaml say
    ///
    /// The file is used as it is, transformers of the Ocata release included. It takes the place of SINK-URL. Without
    /// this option no file is read, not even /etc/ceilometer/pipeline.yaml. SIGHUP reads it again. See PIPELINES.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, group = "pipelines", conflicts_with = "sinks")]
    pipeline: Option<PathBuf>,

    /// The same for events and Ceilometer's event_pipeline.yaml
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, group = "pipelines", conflicts_with = "sinks")]
    event_pipeline: Option<PathBuf>,

    /// Read the pipelines, say all that is wrong with them, and stop
    ///
    /// Words that mean nothing there, as a misspelt parameter, count here; a run says them and goes on.
    #[arg(long, requires = "pipelines")]
    check_config: bool,

    /// Send nothing: print where each record would go, and what would leave
    ///
    /// For each record the sources that take it, what transformers make of it, and for each publisher or SINK-URL the
    /// line, the datagram or frame (in hexadecimal and as JSON), the request or the message that it alone would become.
    /// Nobody is connected to, and no file is made. Passwords and tokens are shown as ***. See REHEARSALS.
    #[arg(long, conflicts_with = "tee")]
    dry_run: bool,

    #[command(flatten)]
    signatures: SignatureArgs,

    #[command(flatten)]
    run: RunArgs,
}

/// The program.
pub fn main() -> ExitCode {
    shared::main("telemetry-publish", |_| true, |args: &Args| &args.run, run)
}

/// The command line, for man pages and completions.
pub fn command() -> clap::Command {
    Args::command()
}

fn run(args: &Args, context: &Context) -> Result<Outcome, Failure> {
    if args.pipeline.is_some() || args.event_pipeline.is_some() {
        return run_pipelines(args, context);
    }
    if args.dry_run {
        return rehearse(args, context);
    }
    let mut urls = args.sinks.clone();
    if (args.tee || urls.is_empty()) && !urls.iter().any(|url| url == "-") {
        urls.push("-".to_owned());
    }
    let verification = args.signatures.verification()?;
    let signatures = LineCheck::new(&verification);
    let sink_options = sink::Options { secret: verification.secret.clone() };
    let open = |url: &String| sink::open(url, &sink_options, &context.books, &context.stop);
    let mut sinks = urls.iter().map(open).collect::<Result<Vec<_>, _>>()?;
    let sink: Box<dyn Sink> = match sinks.pop() {
        Some(only) if sinks.is_empty() => only,
        last => Box::new(Tee::new(sinks.into_iter().chain(last).collect(), &context.books)),
    };
    let mut sink = Reopening::new(sink, &context.stop, &context.books);
    if args.input.is_empty() {
        shared::hint_at_terminal(context);
    }
    let source_options = source::Options { line_max: args.run.max_line, verification, format: None };
    let sources = shared::open_sources(&args.input, &source_options, context)?;
    let mut worker = Checked::new(signatures, 0, Relay { trees: false });
    let mut records = Records::new(&[SIGNATURE]).map_err(|error| Failure::Bug(error.to_string()))?;
    let relayed = relay(sources, &mut records, &mut worker, &mut sink, &context.books, &context.stop);
    let relayed = relayed.and_then(|()| sink.flush());
    // What was taken is delivered even when the input failed.
    let closed = sink.close();
    relayed.and(closed).map(|()| Outcome::Done)
}

/// Shows what would leave for each address.
fn rehearse(args: &Args, context: &Context) -> Result<Outcome, Failure> {
    let verification = args.signatures.verification()?;
    let signatures = LineCheck::new(&verification);
    let options = sink::Options { secret: verification.secret.clone() };
    let standard = ["-".to_owned()];
    let urls = if args.sinks.is_empty() { &standard[..] } else { &args.sinks };
    let addresses = urls.iter().map(|url| Ok((Address::parse(url)?.name(), sink::preview(url, &options)?)));
    let showing = Showing::new(addresses.collect::<Result<Vec<_>, Failure>>()?);
    let mut worker = Checked::new(signatures, 0, showing);
    let mut out = Output::stdout(&context.books)?;
    if args.input.is_empty() {
        shared::hint_at_terminal(context);
    }
    let source_options = source::Options { line_max: args.run.max_line, verification, format: None };
    let sources = shared::open_sources(&args.input, &source_options, context)?;
    let mut records = Records::new(&[SIGNATURE]).map_err(|error| Failure::Bug(error.to_string()))?;
    relay(sources, &mut records, &mut worker, &mut out, &context.books, &context.stop)?;
    out.flush().map(|()| Outcome::Done)
}

fn run_pipelines(args: &Args, context: &Context) -> Result<Outcome, Failure> {
    let books = &context.books;
    let (samples, events) = (args.pipeline.as_deref(), args.event_pipeline.as_deref());
    if args.check_config {
        let oddities = oddities(&read_plans(samples, events)?);
        return if oddities.is_empty() { Ok(Outcome::Done) } else { Err(Failure::Configuration(oddities)) };
    }
    let plans = read_plans_saying(samples, events, books)?;
    let verification = args.signatures.verification()?;
    let signatures = LineCheck::new(&verification);
    let sink_options = sink::Options { secret: verification.secret.clone() };
    let outlets = outlets(args.dry_run, sink_options, context);
    let mut publishing = Publishing::new(plans, outlets, args.tee, books)?;
    let (samples, events, for_reload) = (args.pipeline.clone(), args.event_pipeline.clone(), books.clone());
    let read = move || read_plans_saying(samples.as_deref(), events.as_deref(), &for_reload);
    publishing.reload_with(&context.stop, Box::new(read));
    let mut out = Output::stdout(books)?;
    if args.input.is_empty() {
        shared::hint_at_terminal(context);
    }
    let source_options = source::Options { line_max: args.run.max_line, verification, format: None };
    let sources = shared::open_sources(&args.input, &source_options, context)?;
    let mut records = Records::new(&KEYS).map_err(|error| Failure::Bug(error.to_string()))?;
    let mut worker = Checked::new(signatures, KEYS.len() - 1, publishing);
    let worked = relay(sources, &mut records, &mut worker, &mut out, books, &context.stop);
    // What was taken is delivered even when the input failed.
    let finished = worker.inner().finish(&mut out);
    worked.and(finished).map(|()| Outcome::Done)
}

/// What opens the publishers of a run, or only shows what they would send.
fn outlets(dry_run: bool, options: sink::Options, context: &Context) -> Outlets {
    if dry_run {
        let open = move |url: &str| Ok(Way::Shown(sink::preview(url, &options)?));
        return Outlets::new(Box::new(open), &context.books).watched_by(Box::new(Rehearsal::default()));
    }
    let (books, stop) = (context.books.clone(), context.stop.clone());
    let open = move |url: &str| Ok(Way::Out(sink::open(url, &options, &books, &stop)?));
    Outlets::new(Box::new(open), &context.books)
}

/// The plans of all files, or all that is wrong with them.
fn read_plans(samples: Option<&Path>, events: Option<&Path>) -> Result<Plans, Failure> {
    let address = |url: &str| match sink::preview(url, &sink::Options::default()) {
        Ok(_) => Ok(()),
        Err(failure) => Err(failure.to_string()),
    };
    let checks = Checks { schemes: sink::SCHEMES, address: &address };
    let mut faults = Vec::new();
    let mut read = |path: Option<&Path>, kind| {
        let Some(path) = path else { return Ok(None) };
        let shown = path.display().to_string();
        let unreadable = |error| Failure::Configuration(vec![format!("cannot read {shown}: {error}")]);
        let text = small_file::read_text(path, CONFIGURATION_BYTES_MAX).map_err(unreadable)?;
        let pipelines = match pipeline::read(&shown, &text, kind, &checks) {
            Ok(pipelines) => pipelines,
            Err(found) => {
                faults.extend(found.iter().map(ToString::to_string));
                return Ok(None);
            }
        };
        Ok::<_, Failure>(Some(pipelines))
    };
    let plans = Plans { samples: read(samples, Kind::Samples)?, events: read(events, Kind::Events)? };
    if faults.is_empty() { Ok(plans) } else { Err(Failure::Configuration(faults)) }
}

/// What is odd in the plans' files, and does not keep them from being used: misspelt words, as a rule.
fn oddities(plans: &Plans) -> Vec<String> {
    let all = [&plans.samples, &plans.events].into_iter().flatten();
    all.flat_map(|pipelines| &pipelines.warnings).map(ToString::to_string).collect()
}

/// As [`read_plans`]; what is odd is said.
fn read_plans_saying(samples: Option<&Path>, events: Option<&Path>, books: &Books) -> Result<Plans, Failure> {
    let plans = read_plans(samples, events)?;
    oddities(&plans).iter().for_each(|oddity| books.note(oddity));
    Ok(plans)
}
