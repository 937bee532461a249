//! telemetry-aggregate: rolls samples up as they pass, or keeps them in a store and answers questions about them.
//!
//! One file a command, or a group of commands about one thing; `rollup` is what there is without a command.

mod aggregates;
mod archive_policy;
mod archive_policy_rule;
mod check;
mod compact;
mod drawing;
mod given;
mod ingest;
mod instant;
mod measures;
mod metric;
mod names;
mod options;
mod repair;
mod resource;
mod resource_change;
mod resource_type;
mod rollup;
mod rows;
mod search;
mod serve;
mod status;
mod store;
mod transfer;
mod values;

use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};

use super::shared::{self, Context, RunArgs};
use crate::base::{Failure, Outcome};

/// Roll samples up: one row for each group and span of time; or keep them in a store
///
/// Without a command, records are rolled up as they pass. With one, they are kept in a store or asked for there.
#[derive(Parser, Debug)]
#[command(name = "telemetry-aggregate", version, max_term_width = 100)]
#[command(args_conflicts_with_subcommands = true, subcommand_help_heading = "Commands of the store")]
pub struct Args {
    #[command(subcommand)]
    command: Option<Command>,

    #[command(flatten)]
    rollup: rollup::RollupArgs,
}

/// What is done with a store.
#[derive(Subcommand, Debug)]
enum Command {
    /// Take samples and aggregates into a store, which is made where it is not there
    Ingest(ingest::IngestArgs),
    /// Show or add the measures of one metric
    #[command(subcommand)]
    Measures(measures::MeasuresCommand),
    /// Compute over the series of many metrics
    Aggregates(aggregates::AggregatesArgs),
    /// List, show, make and remove metrics
    #[command(subcommand)]
    Metric(metric::Command),
    /// List, show, make, change and remove resources
    #[command(subcommand)]
    Resource(resource::Command),
    /// List the resources that satisfy a condition
    Search(Box<search::SearchArgs>),
    /// List, show, make, change and remove resource types
    #[command(subcommand)]
    ResourceType(resource_type::Command),
    /// List, show, make, change and remove archive policies
    #[command(subcommand)]
    ArchivePolicy(archive_policy::Command),
    /// List, show, make, rename and remove archive policy rules
    #[command(subcommand)]
    ArchivePolicyRule(archive_policy_rule::Command),
    /// Show how much is in the store
    Status(status::StatusArgs),
    /// Read every byte of the store and say what is not as it was written
    Check(check::CheckArgs),
    /// Set aside what is damaged and keep what is sound of it, while nobody else uses the store
    Repair(repair::RepairArgs),
    /// Put the store in order now: what can change no more is packed densely, what was deleted goes
    Compact(compact::CompactArgs),
    /// Write the whole store as JSON lines: to keep, or for import
    Export(transfer::ExportArgs),
    /// Make a store of what export wrote
    Import(transfer::ImportArgs),
    /// Serve the store over HTTP, with Gnocchi's API
    Serve(Box<serve::ServeArgs>),
}

/// The program.
pub fn main() -> ExitCode {
    // A closed terminal ends all but the service, which has nothing to do with one.
    let takes_hup = |args: &Args| matches!(args.command, Some(Command::Serve(_)));
    shared::main("telemetry-aggregate", takes_hup, run_args, run)
}

/// The command line, for man pages and completions.
pub fn command() -> clap::Command {
    Args::command()
}

fn run_args(args: &Args) -> &RunArgs {
    match &args.command {
        None => &args.rollup.run,
        Some(Command::Ingest(args)) => &args.run,
        Some(Command::Measures(command)) => command.run_args(),
        Some(Command::Aggregates(args)) => &args.options.run,
        Some(Command::Compact(args)) => &args.options.run,
        Some(Command::Metric(command)) => &command.options().run,
        Some(Command::Resource(command)) => &command.options().run,
        Some(Command::Search(args)) => &args.options.run,
        Some(Command::ResourceType(command)) => &command.options().run,
        Some(Command::ArchivePolicy(command)) => &command.options().run,
        Some(Command::ArchivePolicyRule(command)) => &command.options().run,
        Some(Command::Status(args)) => &args.options.run,
        Some(Command::Check(args)) => &args.options.run,
        Some(Command::Repair(args)) => &args.options.run,
        Some(Command::Export(args)) => &args.run,
        Some(Command::Import(args)) => &args.options.run,
        Some(Command::Serve(args)) => &args.run,
    }
}

fn run(args: &Args, context: &Context) -> Result<Outcome, Failure> {
    match &args.command {
        None => rollup::run(&args.rollup, context),
        Some(Command::Ingest(args)) => ingest::run(args, context),
        Some(Command::Measures(command)) => measures::run(command, context),
        Some(Command::Aggregates(args)) => aggregates::run(args, context),
        Some(Command::Compact(args)) => compact::run(args, context),
        Some(Command::Metric(command)) => metric::run(command, context),
        Some(Command::Resource(command)) => resource::run(command, context),
        Some(Command::Search(args)) => resource::search(args, context),
        Some(Command::ResourceType(command)) => resource_type::run(command, context),
        Some(Command::ArchivePolicy(command)) => archive_policy::run(command, context),
        Some(Command::ArchivePolicyRule(command)) => archive_policy_rule::run(command, context),
        Some(Command::Status(args)) => status::run(args, context),
        Some(Command::Check(args)) => check::run(args, context),
        Some(Command::Repair(args)) => repair::run(args, context),
        Some(Command::Export(args)) => transfer::export(args, context),
        Some(Command::Import(args)) => transfer::import(args, context),
        Some(Command::Serve(args)) => serve::run(args, context),
    }
}
