//! `archive-policy-rule`: which archive policy a new metric gets that names none.

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::names::told;
use super::options::{Options, names};
use crate::base::{Failure, Outcome};
use crate::cli::shared::Context;
use crate::store::index::{ArchivePolicyRule, IndexError};

/// What is done with archive policy rules.
#[derive(Subcommand, Debug)]
pub enum Command {
    /// List the rules in the order in which they are tried
    List(ListArgs),
    /// Show a rule
    Show(NameArgs),
    /// Make a rule
    Create(CreateArgs),
    /// Give a rule another name
    Update(UpdateArgs),
    /// Remove rules; metrics keep the policies that they gave
    Delete(DeleteArgs),
}

/// Options of `list`.
#[derive(Args, Debug)]
pub struct ListArgs {
    #[command(flatten)]
    options: Options,
}

/// Options of `show`.
#[derive(Args, Debug)]
pub struct NameArgs {
    /// Which rule
    #[arg(value_name = "NAME")]
    name: String,

    #[command(flatten)]
    options: Options,
}

/// Options of `create`.
#[derive(Args, Debug)]
pub struct CreateArgs {
    /// Its name
    #[arg(value_name = "NAME")]
    name: String,

    /// The archive policy that it gives
    #[arg(short, long, value_name = "POLICY")]
    archive_policy_name: String,

    /// The names of the metrics it is for: a glob, as disk.*
    #[arg(short, long, value_name = "PATTERN")]
    metric_pattern: String,

    #[command(flatten)]
    options: Options,
}

/// Options of `update`.
#[derive(Args, Debug)]
pub struct UpdateArgs {
    /// Which rule
    #[arg(value_name = "NAME")]
    name: String,

    /// Its new name
    #[arg(short = 'n', long = "name", value_name = "NEW_NAME")]
    new_name: String,

    #[command(flatten)]
    options: Options,
}

/// Options of `delete`.
#[derive(Args, Debug)]
pub struct DeleteArgs {
    /// Which rules
    #[arg(value_name = "NAME", required = true)]
    names: Vec<String>,

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
    let shown = match command {
        Command::List(_) => {
            let columns = names(&["name", "archive_policy_name", "metric_pattern"]);
            return options.print(&columns, index.archive_policy_rules()?.iter().map(row), context);
        }
        Command::Show(args) => &args.name,
        Command::Create(args) => {
            let rule = ArchivePolicyRule {
                name: args.name.clone(),
                metric_pattern: args.metric_pattern.clone(),
                archive_policy: args.archive_policy_name.clone(),
            };
            told(index, index.create_archive_policy_rule(&rule))?;
            &args.name
        }
        Command::Update(args) => {
            told(index, index.rename_archive_policy_rule(&args.name, &args.new_name))?;
            &args.new_name
        }
        Command::Delete(args) => {
            let deleted = index.transaction(|index| {
                args.names.iter().try_for_each(|name| index.delete_archive_policy_rule(name))
            });
            told::<_, IndexError>(index, deleted)?;
            return Ok(Outcome::Done);
        }
    };
    options.print_one(row(&told(index, index.archive_policy_rule(shown))?), context)
}

/// A rule under Gnocchi's names.
fn row(rule: &ArchivePolicyRule) -> Value {
    json!({
        "name": rule.name,
        "archive_policy_name": rule.archive_policy,
        "metric_pattern": rule.metric_pattern,
    })
}
