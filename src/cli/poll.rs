//! telemetry-poll: asks this host and libvirt for samples.

use std::process::ExitCode;
use std::time::Duration;

use clap::{CommandFactory, Parser};
use serde_json::json;

use super::format;
use super::shared::{self, Context, OutputArgs, RunArgs};
use crate::base::{Failure, LineSink, Outcome};
use crate::define::Selection;
use crate::model::Granularity;
use crate::poll::{Meter, Pollster, host::Host, libvirt::Libvirt};
use crate::work::poll::{self, Pace};

/// Ask this host and its virtual machines for samples
#[derive(Parser, Debug)]
#[command(name = "telemetry-poll", version, max_term_width = 100)]
pub struct Args {
    /// Whom to ask: host, libvirt, libvirt:URI; or list, to see meters [default: host]
    ///
    /// list asks nobody: it prints the meters of the sources named after it, or of all.
    #[arg(value_name = "SOURCE")]
    sources: Vec<String>,

    /// Only these meters: globs, and !globs that are not wanted
    #[arg(short, long, value_name = "METER", value_delimiter = ',')]
    meters: Vec<String>,

    /// Time from round to round: seconds, 5m, 1h30m or H:MM:SS
    #[arg(short, long, value_name = "LENGTH", default_value = "10s")]
    interval: Granularity,

    /// Ask once and exit, as from cron
    #[arg(long, conflicts_with = "rounds")]
    once: bool,

    /// Exit after N rounds
    #[arg(short = 'n', long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    rounds: Option<u64>,

    #[command(flatten)]
    output: OutputArgs,

    #[command(flatten)]
    run: RunArgs,
}

/// The sources that `list` shows.
const SOURCES: [&str; 2] = ["host", "libvirt"];

/// The program.
pub fn main() -> ExitCode {
    shared::main("telemetry-poll", |_| false, |args: &Args| &args.run, run)
}

/// The command line, for man pages and completions.
pub fn command() -> clap::Command {
    Args::command()
}

fn run(args: &Args, context: &Context) -> Result<Outcome, Failure> {
    let selection = Selection::parse(&args.meters).map_err(|error| Failure::Usage(format!("-m: {error}")))?;
    let mut out = format::open(&args.output, &context.books)?;
    if let Some(("list", sources)) = args.sources.split_first().map(|(first, rest)| (first.as_str(), rest)) {
        list(sources, &selection, out.as_mut())?;
        return Ok(Outcome::Done);
    }
    let mut pollsters = pollsters(&args.sources)?;
    let meters: Vec<&Meter> = pollsters.iter().flat_map(|pollster| pollster.meters()).collect();
    check_selection(&selection, &meters)?;
    let pace = Pace {
        interval: Duration::from_nanos(args.interval.ns().unsigned_abs()),
        rounds: if args.once { Some(1) } else { args.rounds },
    };
    poll::run(&mut pollsters, &selection, pace, out.as_mut(), &context.books, &context.stop)?;
    Ok(Outcome::Done)
}

/// One pollster a source.
fn pollsters(names: &[String]) -> Result<Vec<Box<dyn Pollster>>, Failure> {
    let default = ["host".to_owned()];
    let mut pollsters: Vec<Box<dyn Pollster>> = Vec::new();
    let names = if names.is_empty() { &default[..] } else { names };
    for (index, name) in names.iter().enumerate() {
        if names[..index].contains(name) {
            return Err(Failure::Usage(format!("source {name} is named twice")));
        }
        match name.split_once(':').map_or((&name[..], None), |(kind, rest)| (kind, Some(rest))) {
            ("host", None) => pollsters.push(Box::new(Host::new())),
            ("libvirt", uri) => pollsters.push(Box::new(Libvirt::open(uri)?)),
            _ => {
                let message = format!("unknown source \"{name}\" (host, libvirt or libvirt:URI)");
                return Err(Failure::Usage(message));
            }
        }
    }
    Ok(pollsters)
}

/// A glob that takes no meter is a typing error, not a wish; so is a selection that leaves nothing.
fn check_selection(selection: &Selection, meters: &[&Meter]) -> Result<(), Failure> {
    for glob in selection.wanted() {
        if !meters.iter().any(|meter| glob.matches(meter.name)) {
            let message = format!("-m {}: no such meter; telemetry-poll list shows them all", glob.as_str());
            return Err(Failure::Usage(message));
        }
    }
    if !meters.iter().any(|meter| selection.takes(meter.name)) {
        return Err(Failure::Usage("-m: no meter is left".to_owned()));
    }
    Ok(())
}

fn list(sources: &[String], selection: &Selection, out: &mut dyn LineSink) -> Result<(), Failure> {
    let all = SOURCES.map(str::to_owned);
    let mut rows: Vec<(&String, &Meter)> = Vec::new();
    for source in if sources.is_empty() { &all[..] } else { sources } {
        let meters = match source.split(':').next() {
            Some("host") => &crate::poll::host::METERS[..],
            Some("libvirt") => &crate::poll::libvirt::METERS[..],
            _ => return Err(Failure::Usage(format!("unknown source \"{source}\" (host or libvirt)"))),
        };
        rows.extend(meters.iter().map(|meter| (source, meter)));
    }
    check_selection(selection, &rows.iter().map(|(_, meter)| *meter).collect::<Vec<_>>())?;
    for (source, meter) in rows.into_iter().filter(|(_, meter)| selection.takes(meter.name)) {
        let row = json!({
            "source": source,
            "name": meter.name,
            "type": meter.sample_type.name(),
            "unit": meter.unit,
            "meaning": meter.meaning,
        });
        out.line(row.to_string().as_bytes())?;
    }
    out.flush()
}
