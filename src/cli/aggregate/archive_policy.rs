//! `archive-policy`: which spans are kept of metrics, and for how long.

use std::num::NonZeroU64;

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::names::told;
use super::options::{Options, length, names};
use crate::base::{Failure, Outcome, nearest};
use crate::cli::shared::Context;
use crate::model::Granularity;
use crate::series::{ArchivePolicy, Definition, methods_of_words};
use crate::store::index::IndexError;

/// What is done with archive policies.
#[derive(Subcommand, Debug)]
pub enum Command {
    /// List the archive policies
    List(ListArgs),
    /// Show an archive policy
    Show(NameArgs),
    /// Make an archive policy
    Create(CreateArgs),
    /// Change how long an archive policy keeps spans, or how late points may come
    Update(UpdateArgs),
    /// Remove archive policies that neither metrics nor rules use
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
    /// Which archive policy
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

    /// A granularity, and how much is kept, as granularity:1m,points:60
    ///
    /// Two of granularity, points and timespan: granularity:1h,timespan:30d; a granularity alone keeps everything. May
    /// be given several times.
    #[arg(short, long, value_name = "DEFINITION", required = true, value_parser = definition)]
    definition: Vec<Definition>,

    /// How many spans of the coarsest granularity before the newest still take points
    #[arg(short, long, value_name = "SPANS", default_value_t = 0)]
    back_window: u32,

    /// What to compute; * is everything [default: mean, min, max, sum, std, count]
    ///
    /// Methods as mean, 95pct, rate:max; with + or - in front of each, the default with these added or left out.
    #[arg(short = 'm', long, value_name = "METHOD", value_delimiter = ',', allow_hyphen_values = true)]
    aggregation_method: Vec<String>,

    #[command(flatten)]
    options: Options,
}

/// Options of `update`.
#[derive(Args, Debug)]
pub struct UpdateArgs {
    /// Which archive policy
    #[arg(value_name = "NAME")]
    name: String,

    /// Each granularity that it has, and how much is kept from now on
    #[arg(short, long, value_name = "DEFINITION", required_unless_present = "back_window", value_parser = definition)]
    definition: Vec<Definition>,

    /// How many spans of the coarsest granularity before the newest still take points
    #[arg(short, long, value_name = "SPANS")]
    back_window: Option<u32>,

    #[command(flatten)]
    options: Options,
}

/// Options of `delete`.
#[derive(Args, Debug)]
pub struct DeleteArgs {
    /// Which archive policies
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
    match command {
        Command::List(_) => {
            let policies = options.store.open()?.index().archive_policies()?;
            let rows: Vec<Value> = policies.iter().map(|policy| row(policy, options.is_table())).collect();
            let columns = ["name", "back_window", "definition", "aggregation_methods"];
            options.print(&names(&columns), rows, context)
        }
        Command::Show(args) => {
            let store = options.store.open()?;
            let policy = told(store.index(), store.index().archive_policy(&args.name))?;
            options.print_one(row(&policy, options.is_table()), context)
        }
        Command::Create(args) => {
            let policy = args.policy()?;
            options.store.open_or_create(true)?.index().create_archive_policy(&policy)?;
            options.print_one(row(&policy, options.is_table()), context)
        }
        Command::Update(args) => {
            let store = options.store.open()?;
            let definition = match &args.definition[..] {
                [] => told(store.index(), store.index().archive_policy(&args.name))?.definition().to_vec(),
                definition => definition.to_vec(),
            };
            let updated = store.update_archive_policy(&args.name, definition, args.back_window);
            options.print_one(row(&*told(store.index(), updated)?, options.is_table()), context)
        }
        Command::Delete(args) => {
            let store = options.store.open()?;
            let deleted = store.index().transaction(|index| {
                args.names.iter().try_for_each(|name| index.delete_archive_policy(name))
            });
            told::<_, IndexError>(store.index(), deleted)?;
            Ok(Outcome::Done)
        }
    }
}

impl CreateArgs {
    fn policy(&self) -> Result<ArchivePolicy, Failure> {
        let methods = methods_of_words(self.aggregation_method.iter().map(String::as_str))
            .map_err(|error| Failure::Usage(format!("--aggregation-method: {error}")))?;
        ArchivePolicy::new(&self.name, self.back_window, methods, self.definition.clone())
            .map_err(|error| Failure::Usage(format!("archive policy \"{}\": {error}", self.name)))
    }
}

/// An archive policy under Gnocchi's names, lengths in seconds; for people lengths with units and short lists.
fn row(policy: &ArchivePolicy, for_people: bool) -> Value {
    let methods: Vec<String> = policy.methods().iter().map(ToString::to_string).collect();
    let (definition, methods) = if for_people {
        let short = |one: &Definition| match one.timespan() {
            Some(timespan) => format!("{} for {}", length(one.granularity), length(timespan)),
            None => format!("{} for ever", length(one.granularity)),
        };
        let definition: Vec<String> = policy.definition().iter().map(short).collect();
        (json!(definition.join(", ")), json!(methods.join(", ")))
    } else {
        let full = |one: &Definition| {
            json!({
                "granularity": seconds(one.granularity),
                "points": one.points,
                "timespan": one.timespan().map(seconds),
            })
        };
        (policy.definition().iter().map(full).collect::<Value>(), json!(methods))
    };
    json!({
        "name": policy.name(),
        "back_window": policy.back_window(),
        "definition": definition,
        "aggregation_methods": methods,
    })
}

/// Seconds as rows of spans write them: `60`, `0.5`.
fn seconds(of: Granularity) -> Value {
    serde_json::from_str(&of.to_string()).unwrap_or(Value::Null)
}

/// Reads `granularity:1m,points:60`.
fn definition(text: &str) -> Result<Definition, String> {
    let (mut granularity, mut points, mut timespan) = (None, None, None);
    for part in text.split(',') {
        let (name, value) = part.split_once(':').unwrap_or((part, ""));
        let length = || value.parse::<Granularity>().map(Some).map_err(|error| format!("{name}: {error}"));
        match name.trim() {
            "granularity" => granularity = length()?,
            "timespan" => timespan = length()?,
            "points" => {
                let number = value.trim().parse::<NonZeroU64>();
                points = Some(number.map_err(|_| format!("points: \"{value}\" is no number over 0"))?);
            }
            other => {
                let near = nearest::did_you_mean(other, &["granularity", "points", "timespan"]);
                return Err(format!("\"{other}\" is none of granularity, points and timespan{near}"));
            }
        }
    }
    Definition::of(granularity, points, timespan).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_definition_is_two_of_three_or_a_granularity() {
        let hour = definition("granularity:1m,points:60").unwrap();
        for text in
            ["granularity:60,timespan:1h", "points:60,timespan:1:00:00", "granularity:0:01:00,points:60"]
        {
            assert_eq!(definition(text), Ok(hour), "{text}");
        }
        assert_eq!(definition("granularity:1m").unwrap().points, None);
        for text in ["", "points:60", "points:0,timespan:1h", "granularity:x,points:1", "granularit:1m"] {
            assert!(definition(text).is_err(), "{text}");
        }
    }
}
