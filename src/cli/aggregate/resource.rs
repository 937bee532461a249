//! `resource`: what metrics are of, as it is and as it was.

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::names::{self, told};
use super::options::{Options, PageArgs, names as columns};
use super::resource_change::{CreateArgs, UpdateArgs};
use super::search::SearchArgs;
use crate::base::{Failure, Outcome};
use crate::cli::shared::Context;
use crate::query::Filter;
use crate::store::index::{GENERIC, Index, Resource, ResourceQuery, Revision};

/// What is done with resources.
#[derive(Subcommand, Debug)]
pub enum Command {
    /// List resources
    List(Box<ListArgs>),
    /// Show a resource with its metrics
    Show(ShowArgs),
    /// Make a resource
    Create(Box<CreateArgs>),
    /// Change a resource; what it was is kept as its history
    Update(Box<UpdateArgs>),
    /// Remove resources with their history, their metrics and the points of those
    Delete(DeleteArgs),
    /// List what a resource is and was, the oldest first
    History(Box<HistoryArgs>),
    /// List the resources that satisfy a condition
    Search(Box<SearchArgs>),
    /// Remove all resources that satisfy a condition, as delete does, and print how many
    BatchDelete(BatchDeleteArgs),
    /// As Gnocchi's client writes batch-delete
    #[command(hide = true)]
    Batch {
        #[command(subcommand)]
        command: Batch,
    },
}

/// What is done with many resources at once.
#[derive(Subcommand, Debug)]
pub enum Batch {
    /// Remove all resources that satisfy a condition, and print how many
    Delete(BatchDeleteArgs),
}

/// Options of all lists.
#[derive(Args, Debug)]
pub struct ListedArgs {
    /// Only resources of this type; generic is any
    #[arg(short = 't', long = "type", value_name = "TYPE", default_value = GENERIC)]
    pub resource_type: String,

    /// Show all attributes of generic resources, and the metrics of each
    #[arg(long)]
    pub details: bool,

    #[command(flatten)]
    pub page: PageArgs,
}

/// Options of `list`.
#[derive(Args, Debug)]
pub struct ListArgs {
    /// Also what resources were
    #[arg(long)]
    history: bool,

    #[command(flatten)]
    listed: ListedArgs,

    #[command(flatten)]
    options: Options,
}

/// Options of `show`.
#[derive(Args, Debug)]
pub struct ShowArgs {
    /// Which resource: its uuid, or the id it was given
    #[arg(value_name = "ID")]
    id: String,

    /// The type that it must be of; generic is any
    #[arg(short = 't', long = "type", value_name = "TYPE", default_value = GENERIC)]
    resource_type: String,

    #[command(flatten)]
    options: Options,
}

/// Options of `delete`.
#[derive(Args, Debug)]
pub struct DeleteArgs {
    /// Which resources: uuids, or the ids they were given
    #[arg(value_name = "ID", required = true)]
    ids: Vec<String>,

    #[command(flatten)]
    options: Options,
}

/// Options of `history`.
#[derive(Args, Debug)]
pub struct HistoryArgs {
    /// Which resource: its uuid, or the id it was given
    #[arg(value_name = "ID")]
    id: String,

    #[command(flatten)]
    listed: ListedArgs,

    #[command(flatten)]
    options: Options,
}

/// Options of `batch-delete`.
#[derive(Args, Debug)]
pub struct BatchDeleteArgs {
    /// What they satisfy, as 'ended_at < "2026-01-01T00:00:00Z"'
    #[arg(value_name = "FILTER")]
    query: Filter,

    /// Only resources of this type; generic is any
    #[arg(short = 't', long = "type", value_name = "TYPE", default_value = GENERIC)]
    resource_type: String,

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
            Command::Update(args) => &args.options,
            Command::Delete(args) => &args.options,
            Command::History(args) => &args.options,
            Command::Search(args) => &args.options,
            Command::BatchDelete(args) | Command::Batch { command: Batch::Delete(args) } => &args.options,
        }
    }
}

/// Does it.
///
/// # Errors
/// When it cannot be, or the system refuses.
pub fn run(command: &Command, context: &Context) -> Result<Outcome, Failure> {
    match command {
        Command::List(args) => {
            let wanted = query(Filter::Everything, args.history, &args.listed);
            list(&args.options, &wanted, args.listed.details, context)
        }
        Command::Search(args) => search(args, context),
        Command::History(args) => {
            let store = args.options.store.open()?;
            let named = names::resource(store.index(), Some(&args.listed.resource_type), &args.id)?;
            let wanted = ResourceQuery {
                // What it has of attributes is known: it is one resource.
                resource_type: named.resource_type.clone(),
                ..query(names::equal("id", &named.id.to_string()), true, &args.listed)
            };
            list(&args.options, &ResourceQuery { metrics: true, ..wanted }, args.listed.details, context)
        }
        Command::Show(args) => {
            let store = args.options.store.open()?;
            let resource = names::resource(store.index(), Some(&args.resource_type), &args.id)?;
            args.options.print_one(whole(store.index(), &resource)?, context)
        }
        Command::Create(args) => args.run(context),
        Command::Update(args) => args.run(context),
        Command::Delete(args) => args.options.store.open()?.index().transaction(|index| {
            for id in &args.ids {
                index.delete_resource(names::resource(index, None, id)?.id)?;
            }
            Ok(Outcome::Done)
        }),
        Command::BatchDelete(args) | Command::Batch { command: Batch::Delete(args) } => {
            let wanted = ResourceQuery {
                resource_type: args.resource_type.clone(),
                filter: args.query.clone(),
                ..ResourceQuery::default()
            };
            let store = args.options.store.open()?;
            let deleted = told(store.index(), store.index().delete_resources(&wanted))?;
            args.options.print_one(json!({"deleted": deleted}), context)
        }
    }
}

/// Does `search`.
///
/// # Errors
/// When the filter names what the type has not, or the system refuses.
pub fn search(args: &SearchArgs, context: &Context) -> Result<Outcome, Failure> {
    let wanted = query(args.query.clone(), args.history, &args.listed);
    list(&args.options, &wanted, args.listed.details, context)
}

fn query(filter: Filter, history: bool, listed: &ListedArgs) -> ResourceQuery {
    ResourceQuery {
        resource_type: listed.resource_type.clone(),
        filter,
        history,
        metrics: listed.details,
        page: listed.page.page(),
        ..ResourceQuery::default()
    }
}

/// Prints a list: of resources of any type what all have, unless details are asked for.
fn list(
    options: &Options,
    wanted: &ResourceQuery,
    details: bool,
    context: &Context,
) -> Result<Outcome, Failure> {
    let store = options.store.open()?;
    let index = store.index();
    let found = told(index, index.resources(wanted))?;
    let mut shown = columns(&[
        "id",
        "type",
        "project_id",
        "user_id",
        "original_resource_id",
        "started_at",
        "ended_at",
        "revision_start",
        "revision_end",
    ]);
    let with_attributes = details || wanted.resource_type != GENERIC;
    let mut rows = Vec::with_capacity(found.len());
    for resource in &found {
        let mut row = if with_attributes {
            let resource_type = index.resource_type(&resource.resource_type)?;
            let others = resource_type.attributes().keys().filter(|name| !shown.contains(name));
            let others: Vec<String> = others.cloned().collect();
            shown.extend(others);
            resource.to_json(resource_type.attributes().keys())
        } else {
            resource.to_json([])
        };
        if wanted.history {
            row["revision"] =
                json!(Some(resource.revision.0).filter(|_| resource.revision != Revision::CURRENT));
        }
        if let (false, Value::Object(members)) = (wanted.metrics, &mut row) {
            members.shift_remove("metrics");
        }
        rows.push(row);
    }
    options.print(&shown, rows, context)
}

/// A resource with all attributes of its type.
///
/// # Errors
/// When the index cannot be read.
pub fn whole(index: &Index, resource: &Resource) -> Result<Value, Failure> {
    Ok(resource.to_json(index.resource_type(&resource.resource_type)?.attributes().keys()))
}
