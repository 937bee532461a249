//! `aggregates`: operations over the series of many metrics.

use clap::Args;
use serde_json::{Map, Value};

use super::drawing::{DrawArgs, Named, label};
use super::measures::RangeArgs;
use super::options::Options;
use super::rows;
use crate::base::{Failure, LineSink, Outcome};
use crate::cli::format;
use crate::cli::shared::Context;
use crate::model::Granularity;
use crate::operations::{Answer, BadOperations, Node, parse_json, parse_text};
use crate::query::Filter;
use crate::series::{Fill, Series, Step};
use crate::store::index::GENERIC;
use crate::work::aggregates::{Among, Group, Query, Refusal, Search, Subject, answer};

/// Characters of a caption: one line of a terminal.
const CAPTION_CHARACTERS_MAX: usize = 76;

/// Options of `aggregates`.
#[derive(Args, Debug)]
pub struct AggregatesArgs {
    /// What is computed: (aggregate sum (metric ID mean)), or the same as JSON lists
    ///
    /// metric names series by the ids of metrics, or, with --search or --resource-type, by globs over names:
    /// (metric cpu.* mean), (metric (ID mean) (ID max)). Around it: aggregate METHOD, resample METHOD SECONDS,
    /// rolling METHOD COUNT, rateofchange, abs, floor, clip and others, + - * / % ** and comparisons with numbers or
    /// other series. See telemetry-aggregate(1), OPERATIONS.
    #[arg(value_name = "OPERATIONS")]
    operations: String,

    /// Metrics of the resources that FILTER finds, by their names
    #[arg(short = 'q', long, visible_alias = "query", value_name = "FILTER")]
    search: Option<Filter>,

    /// Metrics of resources of TYPE, by their names [default with --search: generic, which is any]
    #[arg(long, value_name = "TYPE")]
    resource_type: Option<String>,

    /// One answer for each combination of values of these attributes of resources
    #[arg(long, value_name = "ATTRIBUTE", value_delimiter = ',')]
    groupby: Vec<String>,

    /// Let a resource count in each group for the time that it had the group's values
    ///
    /// Values are weighed by how much of their span that was, and those of all resources are added up. Without it a
    /// resource counts where it belongs now.
    #[arg(long, requires = "groupby")]
    use_history: bool,

    #[command(flatten)]
    range: RangeArgs,

    /// Only this granularity [default: all that the series have in common]
    #[arg(short, long, value_name = "GRANULARITY")]
    granularity: Option<Granularity>,

    /// What stands where a series has no value: a number, null, dropna, ffill, bfill, full_ffill, full_bfill
    ///
    /// null shows results that are no number, the words leave them out; ffill takes the value before, bfill the one
    /// after, full_ffill and full_bfill both. Without it and without --needed-overlap it is dropna.
    #[arg(long, value_name = "FILL", allow_hyphen_values = true)]
    fill: Option<Fill>,

    /// Percentage of the times that all series must have, where nothing is filled
    #[arg(long, value_name = "PERCENT", conflicts_with = "fill")]
    needed_overlap: Option<f64>,

    #[command(flatten)]
    draw: DrawArgs,

    #[command(flatten)]
    pub(super) options: Options,
}

/// Computes.
///
/// # Errors
/// When the operations mean nothing, or the store has not what they ask for.
pub fn run(args: &AggregatesArgs, context: &Context) -> Result<Outcome, Failure> {
    let query = Query {
        operations: operations(&args.operations).map_err(|error| Failure::Usage(error.to_string()))?,
        among: among(args)?,
        range: args.range.range()?,
        granularity: args.granularity,
        fill: args.fill,
        needed_overlap: args.needed_overlap,
    };
    let answers = answer(&args.options.store.open()?, &query).map_err(failure)?;
    answers.damage.into_iter().for_each(|damage| context.books.trouble(&damage.into()));
    if args.draw.wanted() {
        let unit = common_unit(&answers.groups);
        let series = answers.groups.into_iter().flat_map(|group| named(group, &query.operations));
        let title = shortened(&query.operations);
        args.draw.draw(&title, unit, series.collect(), context)?;
        return Ok(Outcome::Done);
    }
    let each = answers.groups.iter().any(|group| matches!(group.answer, Answer::Each(_)));
    let mut out = format::open_with(&args.options.output, &columns(args, each), &context.books)?;
    for group in &answers.groups {
        print(group, out.as_mut())?;
    }
    out.flush()?;
    Ok(Outcome::Done)
}

fn operations(text: &str) -> Result<Node, BadOperations> {
    match serde_json::from_str::<Value>(text) {
        Ok(lists @ Value::Array(_)) => parse_json(&lists),
        _ => parse_text(text),
    }
}

fn among(args: &AggregatesArgs) -> Result<Among, Failure> {
    if args.search.is_none() && args.resource_type.is_none() {
        if !args.groupby.is_empty() {
            let why = "--groupby groups resources: say which with --resource-type or --search";
            return Err(Failure::Usage(why.to_owned()));
        }
        return Ok(Among::Metrics);
    }
    // As in Gnocchi, the groups are sorted by the names of the attributes, whatever their order.
    let mut group_by = args.groupby.clone();
    group_by.sort();
    group_by.dedup();
    Ok(Among::Resources(Search {
        resource_type: args.resource_type.clone().unwrap_or_else(|| GENERIC.to_owned()),
        filter: args.search.clone().unwrap_or(Filter::Everything),
        creator: None,
        group_by,
        use_history: args.use_history,
    }))
}

fn failure(refusal: Refusal) -> Failure {
    match refusal {
        Refusal::Store(error) => error.into(),
        other => Failure::Usage(other.to_string()),
    }
}

/// The columns of tables.
fn columns(args: &AggregatesArgs, each: bool) -> Vec<String> {
    let mut names: Vec<String> = args.groupby.iter().map(|name| format!("group.{name}")).collect();
    if each && (args.search.is_some() || args.resource_type.is_some()) {
        names.extend(["resource", "name", "aggregation"].map(str::to_owned));
    } else if each {
        names.extend(["metric", "aggregation"].map(str::to_owned));
    }
    names.extend(["timestamp", "granularity", "value"].map(str::to_owned));
    names
}

fn print(group: &Group, out: &mut dyn LineSink) -> Result<(), Failure> {
    let mut about = Map::new();
    if !group.key.is_empty() {
        about.insert("group".to_owned(), Value::Object(group.key.iter().cloned().collect()));
    }
    match &group.answer {
        Answer::Aggregated(levels) => print_levels(&about, levels, out),
        Answer::Each(each) => group.subjects.iter().zip(each).try_for_each(|(subject, levels)| {
            let mut about = about.clone();
            about.extend(of_subject(subject));
            print_levels(&about, levels, out)
        }),
    }
}

/// What a row says of the series it is of.
fn of_subject(subject: &Subject) -> Map<String, Value> {
    let mut about = Map::new();
    let mut put = |name: &str, value: String| about.insert(name.to_owned(), Value::String(value));
    match (&subject.resource, &subject.metric.name) {
        (Some(resource), Some(name)) => {
            put("resource", resource.original_id.clone());
            put("name", name.clone());
        }
        _ => {
            put("metric", subject.metric.id.to_string());
        }
    }
    put("aggregation", subject.method.to_string());
    about
}

fn print_levels(
    about: &Map<String, Value>,
    levels: &[Series],
    out: &mut dyn LineSink,
) -> Result<(), Failure> {
    let text = serde_json::to_string(about).map_err(|error| Failure::Bug(error.to_string()))?;
    // Without the braces, and a comma where something follows.
    let mut prefix = text.as_bytes()[1..text.len() - 1].to_vec();
    if !prefix.is_empty() {
        prefix.push(b',');
    }
    let mut lines = Vec::new();
    for level in levels {
        lines.clear();
        rows::write(&prefix, Step::Span(level.granularity), level, &mut lines);
        out.lines(&lines, level.len() as u64)?;
    }
    Ok(())
}

/// The unit of series that are shown as they are stored, where all have the same.
fn common_unit(groups: &[Group]) -> Option<String> {
    let each = groups.iter().all(|group| matches!(group.answer, Answer::Each(_)));
    let mut units = groups.iter().flat_map(|group| &group.subjects).map(|subject| &subject.metric.unit);
    let first = units.next().filter(|_| each)?;
    first.clone().filter(|_| units.all(|unit| unit == first))
}

/// The series of a group and what they are called: by the values it is grouped by, or by the metrics they are of.
fn named(group: Group, operations: &Node) -> Vec<Named> {
    let values = group.key.iter().map(|(name, value)| match value {
        Value::String(text) => format!("{name} {text}"),
        other => format!("{name} {other}"),
    });
    let key = values.collect::<Vec<_>>().join(", ");
    let of = |label: &str, levels: Vec<Series>| {
        let label = label.to_owned();
        let levels = levels.into_iter();
        levels.map(move |series| Named { label: label.clone(), step: Step::Span(series.granularity), series })
    };
    match group.answer {
        Answer::Aggregated(levels) => {
            let label = if key.is_empty() { shortened(operations) } else { key };
            of(&label, levels).collect()
        }
        Answer::Each(each) => {
            let key = if key.is_empty() { key } else { format!("{key}: ") };
            let labels = group
                .subjects
                .iter()
                .map(|subject| format!("{key}{}", label(&subject.method.to_string(), &subject.metric)));
            labels.zip(each).flat_map(|(label, levels)| of(&label, levels).collect::<Vec<_>>()).collect()
        }
    }
}

/// As much of the operations as a caption has; they may name a thousand metrics.
fn shortened(operations: &Node) -> String {
    let text = operations.to_string();
    match text.char_indices().nth(CAPTION_CHARACTERS_MAX) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}
