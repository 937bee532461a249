//! `resource-type`: which attributes the resources of a type have.

use clap::{Args, Subcommand};
use serde_json::{Map, Value, json};

use super::names::told;
use super::options::{Options, names};
use super::values::value;
use crate::base::{Failure, Outcome};
use crate::cli::shared::Context;
use crate::store::index::{
    AddedAttribute, Attribute, AttributeKind, IndexError, ResourceType, TEXT_CHARACTERS_MAX,
};

/// What is done with resource types.
#[derive(Subcommand, Debug)]
pub enum Command {
    /// List the resource types
    List(ListArgs),
    /// Show a resource type
    Show(NameArgs),
    /// Make a resource type
    Create(CreateArgs),
    /// Take attributes from a resource type, and give it others
    Update(UpdateArgs),
    /// Remove resource types that have no resources
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
    /// Which resource type
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

    /// An attribute, as host:string:true:max_length=255
    ///
    /// Its name, its type (string, uuid, number, bool or datetime), whether every resource must have it [default: true],
    /// and limits: min_length and max_length of a string, min and max of a number.
    #[arg(short, long, value_name = "ATTRIBUTE", value_parser = attribute)]
    attribute: Vec<Said>,

    #[command(flatten)]
    options: Options,
}

/// Options of `update`.
#[derive(Args, Debug)]
pub struct UpdateArgs {
    /// Which resource type
    #[arg(value_name = "NAME")]
    name: String,

    /// An attribute to add, as zone:string:true:fill=here
    ///
    /// As those of create. The resources there are get the value behind fill=, which stands at the end; an attribute that
    /// every resource must have needs one.
    #[arg(short, long, value_name = "ATTRIBUTE", value_parser = attribute)]
    attribute: Vec<Said>,

    /// An attribute to take away first, with its values
    #[arg(short, long, value_name = "NAME")]
    remove_attribute: Vec<String>,

    #[command(flatten)]
    options: Options,
}

/// Options of `delete`.
#[derive(Args, Debug)]
pub struct DeleteArgs {
    /// Which resource types
    #[arg(value_name = "NAME", required = true)]
    names: Vec<String>,

    #[command(flatten)]
    options: Options,
}

/// An attribute as the command line says it.
#[derive(Clone, Debug, PartialEq)]
struct Said {
    name: String,
    attribute: Attribute,
    fill: Option<String>,
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
    let made = if let Command::Create(args) = command { Some(args.resource_type()?) } else { None };
    let store = options.open(made.is_some())?;
    let index = store.index();
    let shown = match command {
        Command::List(_) => {
            let types = index.resource_types()?;
            let rows = types.iter().map(|one| row(one, options.is_table()));
            return options.print(&names(&["name", "attributes"]), rows, context);
        }
        Command::Show(args) => &args.name,
        Command::Create(args) => {
            made.iter().try_for_each(|made| index.create_resource_type(made))?;
            &args.name
        }
        Command::Update(args) => {
            let added = args.attribute.iter().map(Said::added).collect::<Result<Vec<_>, _>>()?;
            let removed: Vec<&str> = args.remove_attribute.iter().map(String::as_str).collect();
            told(index, index.update_resource_type(&args.name, &added, &removed))?;
            &args.name
        }
        Command::Delete(args) => {
            let deleted = index
                .transaction(|index| args.names.iter().try_for_each(|name| index.delete_resource_type(name)));
            told::<_, IndexError>(index, deleted)?;
            return Ok(Outcome::Done);
        }
    };
    let resource_type = told(index, index.resource_type(shown))?;
    options.print_one(row(&resource_type, options.is_table()), context)
}

impl CreateArgs {
    fn resource_type(&self) -> Result<ResourceType, Failure> {
        if self.attribute.iter().any(|one| one.fill.is_some()) {
            return Err(Failure::Usage("fill= is for resources there are; a new type has none".to_owned()));
        }
        let attributes = self.attribute.iter().map(|one| (one.name.clone(), one.attribute)).collect();
        Ok(ResourceType::new(&self.name, attributes)?)
    }
}

impl Said {
    fn added(&self) -> Result<AddedAttribute, IndexError> {
        let kind = self.attribute.kind;
        let fill = self.fill.as_ref().map(|text| kind.read(&self.name, &value(kind, text))).transpose()?;
        Ok(AddedAttribute { name: self.name.clone(), attribute: self.attribute, fill })
    }
}

/// A resource type under Gnocchi's names; for people its attributes as options take them.
fn row(resource_type: &ResourceType, for_people: bool) -> Value {
    let mut row = resource_type.to_json();
    if for_people {
        let written = resource_type.attributes().iter().map(|(name, attribute)| written(name, attribute));
        row["attributes"] = json!(written.collect::<Vec<_>>().join(" "));
    }
    row
}

/// `host:string:true:max_length=255`, without the limits that are the usual ones.
fn written(name: &str, attribute: &Attribute) -> String {
    let mut text = format!("{name}:{}:{}", attribute.kind.as_str(), attribute.required);
    match attribute.kind {
        AttributeKind::Text { min_length, max_length } => {
            if min_length > 0 {
                text.push_str(&format!(":min_length={min_length}"));
            }
            if max_length < TEXT_CHARACTERS_MAX {
                text.push_str(&format!(":max_length={max_length}"));
            }
        }
        AttributeKind::Number { min, max } => {
            let limits = [("min", min), ("max", max)];
            let said = limits.iter().filter_map(|(name, limit)| Some(format!(":{name}={}", (*limit)?)));
            text.extend(said);
        }
        AttributeKind::Uuid | AttributeKind::Bool | AttributeKind::Time => {}
    }
    text
}

/// Reads `NAME:TYPE:REQUIRED:LIMIT=VALUE:…:fill=VALUE`; what is not said is as in Gnocchi.
fn attribute(text: &str) -> Result<Said, String> {
    let (text, fill) = match text.split_once(":fill=") {
        Some((text, fill)) => (text, Some(fill.to_owned())),
        None => (text, None),
    };
    let mut parts = text.split(':');
    let (name, mut form) = (parts.next().unwrap_or_default(), Map::new());
    form.insert("type".to_owned(), parts.next().unwrap_or_default().into());
    if let Some(required) = parts.next() {
        form.insert("required".to_owned(), value(AttributeKind::Bool, required));
    }
    for part in parts {
        let (limit, number) = part.split_once('=').ok_or_else(|| format!("\"{part}\" is no LIMIT=NUMBER"))?;
        form.insert(limit.to_owned(), value(AttributeKind::NUMBER, number));
    }
    let attribute = Attribute::from_json(name, &Value::Object(form)).map_err(|error| error.to_string())?;
    Ok(Said { name: name.to_owned(), attribute, fill })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_are_written_as_they_are_read() {
        for text in [
            "a:string:true",
            "a:string:false:min_length=1:max_length=255",
            "a:number:true:min=-1.5:max=2",
            "a:uuid:false",
            "a:bool:true",
            "a:datetime:true",
        ] {
            let said = attribute(text).unwrap();
            assert_eq!(written(&said.name, &said.attribute), text);
        }
        assert_eq!(attribute("a:string"), attribute("a:string:yes"));
        for text in ["a", "a:text", "a:string:perhaps", "a:string:true:min=1", "a:string:true:x", "id:string"]
        {
            assert!(attribute(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_fill_may_hold_colons() {
        let said = attribute("a:datetime:true:fill=2026-11-22T10:00:00Z").unwrap();
        assert_eq!(said.fill.as_deref(), Some("2026-11-22T10:00:00Z"));
    }
}
