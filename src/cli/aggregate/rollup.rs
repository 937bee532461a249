//! telemetry-aggregate without a command: rolls samples up.

use clap::{Args, ValueEnum, ValueHint};

use crate::base::{Failure, LineSink, Outcome, Output, nearest};
use crate::cli::format;
use crate::cli::plot::Plot;
use crate::cli::shared::{Context, OutputArgs, RunArgs, for_each_input, length_or_zero};
use crate::model::Granularity;
use crate::series::Method;
use crate::wire::json::Records;
use crate::work::records;
use crate::work::rollup::{By, Late, Plan, Rollup};

/// Options of the rollup.
#[derive(Args, Debug)]
pub struct RollupArgs {
    /// Where the records are, one JSON object a line [default: -, standard input]
    ///
    /// Besides files, anything that telemetry-listen takes: a followed file, a socket. They are read one after the
    /// other, each to its end.
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    files: Vec<String>,

    /// Lengths of the spans: seconds, 5m, 1h30m or H:MM:SS; several in one pass
    #[arg(short, long, value_name = "GRANULARITY", value_delimiter = ',', default_value = "1m")]
    granularity: Vec<Granularity>,

    /// What to compute: mean, sum, min, max, count, std, median, first, last, Npct
    ///
    /// N percent is over 0 and under 100, as 95pct. Behind rate: a method works on the differences between
    /// consecutive points, behind persec: on those divided by the seconds between the points. A cumulative counter
    /// that falls was reset: what it counted since is the difference.
    #[arg(short, long, value_name = "METHOD", value_delimiter = ',', default_value = "mean,min,max,count")]
    aggregation: Vec<Method>,

    /// Group by these keys: top-level, or dotted as resource_metadata.flavor.name
    ///
    /// The meter's name and unit are always part of the group.
    #[arg(long, value_name = "KEY", value_delimiter = ',', default_value = "resource_id")]
    by: Vec<String>,

    /// Keep a span open until a timestamp this much after its end was seen
    #[arg(long, value_name = "LENGTH", default_value = "5m", value_parser = length_or_zero)]
    lateness: i64,

    /// What to do with samples that come after their span was closed
    #[arg(long, value_name = "WHAT", default_value = "drop")]
    late: LateArg,

    /// Draw a METHOD of each series in the terminal instead of printing rows
    #[arg(long, value_name = "METHOD", num_args = 0..=1, require_equals = true, default_missing_value = "", conflicts_with = "output")]
    plot: Option<String>,

    #[command(flatten)]
    output: OutputArgs,

    #[command(flatten)]
    pub(super) run: RunArgs,
}

/// What becomes of late samples.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum LateArg {
    /// Count and drop them
    Drop,
    /// Count them and print rows of them alone, marked "correction"
    Emit,
}

/// Rolls up.
///
/// # Errors
/// What the inputs or the output cannot recover from.
pub fn run(args: &RollupArgs, context: &Context) -> Result<Outcome, Failure> {
    // A command that is misspelt looks like a file that is not there.
    if let Some(word) = args.files.first().filter(|word| !std::path::Path::new(word).exists()) {
        let commands = super::command();
        let commands: Vec<&str> = commands.get_subcommands().map(clap::Command::get_name).collect();
        let near = nearest::did_you_mean(word, &commands);
        if !near.is_empty() {
            return Err(Failure::Usage(format!("neither a file nor a command: {word}{near}")));
        }
    }
    let mut keys = Vec::new();
    let plan = plan(args)?;
    let columns = columns(&plan);
    let mut rollup = Rollup::new(plan, &context.books, &mut keys);
    let mut records = Records::new(&keys).map_err(|error| Failure::Usage(format!("--by: {error}")))?;
    if let Some(method) = &args.plot {
        let mut plot = plot(args, method, context)?;
        roll_up(args, context, &mut rollup, &mut records, &mut plot)?;
        plot.finish()?;
    } else {
        let mut out = format::open_with(&args.output, &columns, &context.books)?;
        roll_up(args, context, &mut rollup, &mut records, out.as_mut())?;
    }
    Ok(Outcome::Done)
}

fn roll_up(
    args: &RollupArgs,
    context: &Context,
    rollup: &mut Rollup,
    records: &mut Records,
    out: &mut dyn LineSink,
) -> Result<(), Failure> {
    for_each_input(&args.files, &args.run, context, |source| {
        records::run(source, records, rollup, out, &context.books, &context.stop)
    })?;
    rollup.finish(out)?;
    out.flush()
}

fn plan(args: &RollupArgs) -> Result<Plan, Failure> {
    let mut granularities = args.granularity.clone();
    granularities.sort();
    granularities.dedup();
    let mut methods: Vec<Method> = Vec::new();
    for method in &args.aggregation {
        if !methods.contains(method) {
            methods.push(*method);
        }
    }
    Ok(Plan {
        granularities,
        methods,
        by: By::new(&args.by).map_err(|error| Failure::Usage(error.to_string()))?,
        lateness_ns: args.lateness,
        late: match args.late {
            LateArg::Drop => Late::Drop,
            LateArg::Emit => Late::Emit,
        },
        keeps_books: true,
    })
}

/// The columns of all rows: a row need not have each method, so the first one does not show them all.
fn columns(plan: &Plan) -> Vec<String> {
    let mut names: Vec<String> = ["timestamp", "granularity", "name"].map(str::to_owned).to_vec();
    names.extend_from_slice(plan.by.keys());
    names.push("unit".to_owned());
    names.extend(plan.methods.iter().map(|method| format!("aggregates.{method}")));
    if plan.late == Late::Emit {
        names.push("correction".to_owned());
    }
    names
}

fn plot(args: &RollupArgs, method: &str, context: &Context) -> Result<Plot, Failure> {
    let known: Vec<String> = args.aggregation.iter().map(Method::to_string).collect();
    let method =
        if method.is_empty() { known.first().cloned().unwrap_or_default() } else { method.to_owned() };
    if !known.contains(&method) {
        return Err(Failure::Usage(format!(
            "--plot={method} is none of the methods computed ({})",
            known.join(", ")
        )));
    }
    let width = rustix::termios::tcgetwinsize(rustix::stdio::stdout()).map_or(80, |size| size.ws_col);
    Ok(Plot::new(Output::stdout(&context.books)?, method, u32::from(width.max(40))))
}
