//! telemetry-alarm: evaluates alarm rules over samples and aggregates.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{CommandFactory, Parser, ValueHint};

use super::format;
use super::shared::{self, Context, OutputArgs, RunArgs, for_each_input, length_or_zero};
use crate::base::small_file::{self, CONFIGURATION_BYTES_MAX};
use crate::base::{Failure, Outcome};
use crate::query::Filter;
use crate::rule::{self, Alarm, Checks};
use crate::series::Method;
use crate::wire::json::Records;
use crate::work::evaluate::Evaluation;
use crate::work::records;

/// Turn samples and aggregates into the state transitions of alarms
#[derive(Parser, Debug)]
#[command(name = "telemetry-alarm", version, max_term_width = 100)]
pub struct Args {
    /// Where the records are, one JSON object a line [default: -, standard input]
    ///
    /// Besides files, anything that telemetry-listen takes: a followed file, a socket. They are read one after the
    /// other, each to its end.
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    files: Vec<String>,

    /// The alarms, in YAML; may be given several times; see telemetry(7), RULES
    #[arg(short, long, value_name = "FILE", required = true, value_hint = ValueHint::FilePath)]
    rules: Vec<PathBuf>,

    /// Run the actions of the alarms: log:, exec: and http(s)://
    ///
    /// Without it nobody is told, and the transitions are only printed: a rehearsal on recorded samples.
    #[arg(long)]
    notify: bool,

    /// Exit with 3 when an alarm is in state alarm at the end
    #[arg(short, long)]
    exit_status: bool,

    /// Keep a period open until a timestamp this much after its end was seen
    #[arg(long, value_name = "LENGTH", default_value = "10s", value_parser = length_or_zero)]
    lateness: i64,

    /// Read the rules, say all that is wrong with them, and stop
    #[arg(long)]
    check_config: bool,

    #[command(flatten)]
    output: OutputArgs,

    #[command(flatten)]
    run: RunArgs,
}

/// The program.
pub fn main() -> ExitCode {
    shared::main("telemetry-alarm", |_| true, |args: &Args| &args.run, run)
}

/// The command line, for man pages and completions.
pub fn command() -> clap::Command {
    Args::command()
}

fn run(args: &Args, context: &Context) -> Result<Outcome, Failure> {
    let alarms = read_rules(&args.rules)?;
    if args.check_config {
        return Ok(Outcome::Done);
    }
    let mut keys = Vec::new();
    let mut evaluation = Evaluation::new(alarms, args.lateness, args.notify, &context.books, &mut keys)?;
    let rules = args.rules.clone();
    evaluation.reload_with(&context.stop, Box::new(move || read_rules(&rules)));
    let mut records =
        Records::new(&keys).map_err(|error| Failure::Configuration(vec![format!("group_by: {error}")]))?;
    let mut out = format::open(&args.output, &context.books)?;
    for_each_input(&args.files, &args.run, context, |source| {
        records::run(source, &mut records, &mut evaluation, out.as_mut(), &context.books, &context.stop)
    })?;
    evaluation.finish(context.stop.requested(), out.as_mut())?;
    out.flush()?;
    if args.exit_status && evaluation.active() > 0 {
        return Ok(Outcome::PredicateHolds);
    }
    if args.notify && context.books.dropped_total() > 0 {
        return Err(Failure::Unavailable("not everybody was told".to_owned()));
    }
    Ok(Outcome::Done)
}

/// All alarms of all files, or all that is wrong with them.
fn read_rules(paths: &[PathBuf]) -> Result<Vec<Alarm>, Failure> {
    let method = |text: &str| text.parse::<Method>().map(drop).map_err(|error| error.to_string());
    let query = |text: &str| Filter::parse(text).map(drop).map_err(|error| error.to_string());
    let checks = Checks { aggregation_method: &method, query: &query };
    let (mut alarms, mut faults) = (Vec::new(), Vec::new());
    for path in paths {
        let shown = path.display().to_string();
        let text = small_file::read_text(path, CONFIGURATION_BYTES_MAX)
            .map_err(|source| Failure::io("cannot read", &shown, source))?;
        match rule::read(&shown, &text, &checks) {
            Ok(read) => alarms.extend(read),
            Err(found) => faults.extend(found.iter().map(ToString::to_string)),
        }
    }
    for (index, alarm) in alarms.iter().enumerate() {
        if alarms[..index].iter().any(|other: &Alarm| other.name == alarm.name) {
            faults.push(format!("alarm \"{}\" is in two of the files", alarm.name));
        }
    }
    if faults.is_empty() { Ok(alarms) } else { Err(Failure::Configuration(faults)) }
}
