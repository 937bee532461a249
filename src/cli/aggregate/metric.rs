//! `metric`: time series by themselves; their points are read and written by `measures`.

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::names::{self, told};
use super::options::{Options, PageArgs, names as columns, now};
use crate::base::{Failure, Outcome};
use crate::cli::shared::Context;
use crate::query::Filter;
use crate::store::Store;
use crate::store::index::{Metric, MetricQuery, NewMetric};
use crate::store::measures::Wanted;

/// What is done with metrics.
#[derive(Subcommand, Debug)]
pub enum Command {
    /// List metrics
    List(Box<ListArgs>),
    /// Show a metric, and how many points came
    Show(ShowArgs),
    /// Make a metric
    Create(CreateArgs),
    /// Remove metrics with their points
    Delete(DeleteArgs),
}

/// Options of `list`.
#[derive(Args, Debug)]
pub struct ListArgs {
    /// Only the metrics of this resource: its uuid, or the id it was given
    #[arg(short, long, value_name = "ID")]
    resource_id: Option<String>,

    /// Only those that FILTER takes, as 'name like disk.% and unit = B'
    ///
    /// It may name id, name, unit, archive_policy_name, creator, created_by_user_id, created_by_project_id, resource_id,
    /// and of the resource resource.creator, resource.user_id, resource.project_id, resource.original_resource_id,
    /// resource.started_at and resource.ended_at.
    #[arg(short, long, value_name = "FILTER")]
    query: Option<Filter>,

    #[command(flatten)]
    page: PageArgs,

    #[command(flatten)]
    options: Options,
}

/// Options of `show`.
#[derive(Args, Debug)]
pub struct ShowArgs {
    /// Which metric: its uuid, or its name
    #[arg(value_name = "METRIC")]
    metric: String,

    /// The resource whose metric it is; without it the name must be that of one metric only
    #[arg(short, long, value_name = "ID")]
    resource_id: Option<String>,

    #[command(flatten)]
    options: Options,
}

/// Options of `create`.
#[derive(Args, Debug)]
pub struct CreateArgs {
    /// Its name; a metric of a resource needs one
    #[arg(value_name = "NAME")]
    name: Option<String>,

    /// The archive policy that says what is kept [default: what the rules say]
    #[arg(short, long, value_name = "POLICY")]
    archive_policy_name: Option<String>,

    /// The resource whose metric it is
    #[arg(short, long, value_name = "ID")]
    resource_id: Option<String>,

    /// The unit of its values
    #[arg(short, long, value_name = "UNIT")]
    unit: Option<String>,

    /// Who makes it, as user:project [default: nobody]
    #[arg(long, value_name = "NAME")]
    creator: Option<String>,

    #[command(flatten)]
    options: Options,
}

/// Options of `delete`.
#[derive(Args, Debug)]
pub struct DeleteArgs {
    /// Which metrics: uuids, or names
    #[arg(value_name = "METRIC", required = true)]
    metrics: Vec<String>,

    /// The resource whose metrics they are; without it each name must be that of one metric only
    #[arg(short, long, value_name = "ID")]
    resource_id: Option<String>,

    #[command(flatten)]
    options: Options,
}

impl Command {
    /// The options that all of them have.
    pub fn options(&self) -> &Options {
        match self {
            Command::List(args) => &args.options,
            Command::Show(args) => &args.options,
            Command::Create(args) => &args.options,
            Command::Delete(args) => &args.options,
        }
    }
}

/// Does it.
///
/// # Errors
/// When it cannot be, or the system refuses.
pub fn run(command: &Command, context: &Context) -> Result<Outcome, Failure> {
    let options = command.options();
    let makes = matches!(command, Command::Create(_));
    let store = options.open(makes)?;
    let index = store.index();
    match command {
        Command::List(args) => {
            let metrics = index.metrics(&args.query(&store)?)?;
            let shown = columns(&["id", "archive_policy_name", "name", "unit", "resource_id"]);
            options.print(&shown, metrics.iter().map(Metric::to_json), context)
        }
        Command::Show(args) => {
            let metric = names::metric(index, args.resource_id.as_deref(), &args.metric)?;
            let row = with_activity(&store, &metric, context)?;
            options.print_one(row, context)
        }
        Command::Create(args) => {
            let resource =
                args.resource_id.as_ref().map(|id| names::resource(index, None, id)).transpose()?;
            let new = NewMetric {
                id: None,
                name: args.name.clone(),
                unit: args.unit.clone(),
                archive_policy: args.archive_policy_name.clone(),
                creator: args.creator.clone(),
                resource: resource.map(|resource| resource.id),
            };
            let metric = told(index, index.create_metric(&new, now()))?;
            options.print_one(metric.to_json(), context)
        }
        Command::Delete(args) => index.transaction(|index| {
            for name in &args.metrics {
                let metric = names::metric(index, args.resource_id.as_deref(), name)?;
                index.delete_metric(metric.id)?;
            }
            Ok(Outcome::Done)
        }),
    }
}

impl ListArgs {
    fn query(&self, store: &Store) -> Result<MetricQuery, Failure> {
        let mut filter = self.query.clone().unwrap_or(Filter::Everything);
        if let Some(named) = &self.resource_id {
            let resource = names::resource(store.index(), None, named)?;
            filter = Filter::And(vec![names::equal("resource_id", &resource.id.to_string()), filter]);
        }
        Ok(MetricQuery { filter, page: self.page.page(), ..MetricQuery::default() })
    }
}

/// A metric, and what is known of its points.
fn with_activity(store: &Store, metric: &Metric, context: &Context) -> Result<Value, Failure> {
    let mut row = metric.to_json();
    let mut snapshot = store.snapshot()?;
    let wanted = [Wanted { metric: metric.number, policy: &metric.archive_policy }];
    snapshot.activity(&wanted, |_, activity| {
        row["newest"] = json!(activity.horizon.newest().map(|time| time.to_string()));
        row["taken"] = json!(activity.taken);
        row["replaced"] = json!(activity.replaced);
        row["late"] = json!(activity.late);
    })?;
    snapshot.damage().into_iter().for_each(|damage| context.books.trouble(&damage.into()));
    Ok(row)
}
