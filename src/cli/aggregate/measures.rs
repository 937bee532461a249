//! `measures`: the measures of one metric, shown and added.

use clap::{Args, Subcommand};

use super::drawing::{DrawArgs, Named, label};
use super::options::{Options, now};
use super::store::StoreArgs;
use super::{given, instant, names, rows};
use crate::base::{Failure, Outcome};
use crate::cli::format;
use crate::cli::shared::{Context, RunArgs, hint_at_terminal};
use crate::model::Granularity;
use crate::series::{Point, Step};
use crate::store::index::Metric;
use crate::store::{Store, StoreError};
use crate::work::measures::{CannotShow, Level, Query, add, one_call, show};
use crate::work::stored::Range;

/// What is done with measures.
#[derive(Subcommand, Debug)]
pub enum MeasuresCommand {
    /// Show what is kept of a metric, the coarsest granularity first
    Show(ShowArgs),
    /// Add measures to a metric, in one call
    Add(AddArgs),
}

/// Which metric.
#[derive(Args, Debug)]
struct MetricArgs {
    /// Which metric: its uuid, or its name
    #[arg(value_name = "METRIC")]
    metric: String,

    /// Resource that the metric is of: its uuid, or the id it was given
    #[arg(short, long, value_name = "ID")]
    resource_id: Option<String>,
}

/// Which part of time.
#[derive(Args, Debug)]
pub struct RangeArgs {
    /// From the span that TIME falls in: RFC 3339, seconds since 1970, now, -1h
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    start: Option<String>,

    /// Up to the last span that begins before TIME
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    stop: Option<String>,
}

impl RangeArgs {
    /// The range, from and to times before or after now.
    ///
    /// # Errors
    /// When one is no time.
    pub fn range(&self) -> Result<Range, Failure> {
        let now = now();
        let read = |name: &str, text: &Option<String>| {
            let time = text.as_ref().map(|text| instant::parse(text, now)).transpose();
            time.map_err(|why| Failure::Usage(format!("--{name}: {why}")))
        };
        Ok(Range { start: read("start", &self.start)?, stop: read("stop", &self.stop)? })
    }
}

/// Options of `measures show`.
#[derive(Args, Debug)]
pub struct ShowArgs {
    #[command(flatten)]
    metric: MetricArgs,

    /// Aggregation method, one that the archive policy keeps: mean, max, 95pct, rate:mean
    #[arg(short, long, value_name = "METHOD", default_value = "mean")]
    aggregation: String,

    #[command(flatten)]
    range: RangeArgs,

    /// Only this granularity: seconds, 5m, 1h30m or H:MM:SS
    #[arg(short, long, value_name = "GRANULARITY")]
    granularity: Option<Granularity>,

    /// Aggregate once more, by the same method, to longer spans: a length, or Y, H, Q, M, W
    ///
    /// Years, half years, quarters, months and weeks are those of the calendar in UTC, and weeks begin on Sunday.
    /// Needs --granularity. A mean becomes the mean of means, a count the number of spans.
    #[arg(long, value_name = "LENGTH", requires = "granularity")]
    resample: Option<Step>,

    #[command(flatten)]
    draw: DrawArgs,

    #[command(flatten)]
    pub(super) options: Options,
}

/// Options of `measures add`.
#[derive(Args, Debug)]
pub struct AddArgs {
    #[command(flatten)]
    metric: MetricArgs,

    /// A measure; several may be given. Without it they are read from standard input
    ///
    /// There: a JSON list of objects with timestamp and value, or lines, each such an object or TIMESTAMP VALUE.
    /// Times are RFC 3339, seconds since 1970, now, -1h; values are numbers, NaN too. Of several measures at one time
    /// the smallest value is taken; what is older than the back window of the archive policy is dropped when it is read.
    #[arg(short, long, value_name = "TIMESTAMP@VALUE", allow_hyphen_values = true)]
    measure: Vec<String>,

    #[command(flatten)]
    store: StoreArgs,

    #[command(flatten)]
    pub(super) run: RunArgs,
}

impl MeasuresCommand {
    /// Options about the run.
    pub fn run_args(&self) -> &RunArgs {
        match self {
            MeasuresCommand::Show(args) => &args.options.run,
            MeasuresCommand::Add(args) => &args.run,
        }
    }
}

/// Shows or adds measures.
///
/// # Errors
/// When there is no such metric, or the store cannot be read or written.
pub fn run(command: &MeasuresCommand, context: &Context) -> Result<Outcome, Failure> {
    match command {
        MeasuresCommand::Show(args) => run_show(args, context),
        MeasuresCommand::Add(args) => run_add(args, context),
    }
}

fn run_show(args: &ShowArgs, context: &Context) -> Result<Outcome, Failure> {
    let query = Query {
        method: args.aggregation.clone(),
        range: args.range.range()?,
        granularity: args.granularity,
        resample: args.resample,
    };
    let store = args.options.store.open()?;
    let metric = names::metric(store.index(), args.metric.resource_id.as_deref(), &args.metric.metric)?;
    let (levels, damage) = show(&store, &metric, &query).map_err(failure)?;
    damage.into_iter().for_each(|damage| context.books.trouble(&damage.into()));
    if args.draw.wanted() {
        let label = label(&query.method, &metric);
        let named = |Level { step, series }| Named { label: label.clone(), step, series };
        args.draw.draw(&label, metric.unit.clone(), levels.into_iter().map(named).collect(), context)?;
        return Ok(Outcome::Done);
    }
    let columns = ["timestamp", "granularity", "value"].map(str::to_owned);
    let mut out = format::open_with(&args.options.output, &columns, &context.books)?;
    let mut lines = Vec::new();
    for Level { step, series } in levels {
        lines.clear();
        rows::write(b"", step, &series, &mut lines);
        out.lines(&lines, series.len() as u64)?;
    }
    out.flush()?;
    Ok(Outcome::Done)
}

fn failure(error: CannotShow) -> Failure {
    match error {
        CannotShow::Store(error) => error.into(),
        other => Failure::Usage(other.to_string()),
    }
}

fn run_add(args: &AddArgs, context: &Context) -> Result<Outcome, Failure> {
    let now = now();
    let given = args.measure.iter().map(|text| given::option(text, now));
    let given = given.collect::<Result<Vec<_>, String>>();
    let mut points = given.map_err(|why| Failure::Usage(format!("--measure: {why}")))?;
    let store = args.store.open()?;
    let metric = names::metric(store.index(), args.metric.resource_id.as_deref(), &args.metric.metric)?;
    if args.measure.is_empty() {
        hint_at_terminal(context);
        points = given::standard_input(now, &context.books)?;
    }
    one_call(&mut points).map_err(|error| Failure::Usage(error.to_string()))?;
    if !points.is_empty() {
        add_to(&store, &metric, &points, context)?;
    }
    Ok(Outcome::Done)
}

fn add_to(store: &Store, metric: &Metric, points: &[Point], context: &Context) -> Result<(), StoreError> {
    let (late, found) = add(store, metric, points)?;
    context.books.late(late);
    found.into_iter().for_each(|found| found.tell(&context.books));
    Ok(())
}
