//! `resource create` and `resource update`.

use clap::Args;

use super::names::{self, told};
use super::options::{Options, now};
use super::resource::whole;
use super::values::said;
use crate::base::{Failure, Outcome, nearest};
use crate::cli::shared::Context;
use crate::store::index::{GENERIC, MetricSource, NewResource, Resource, ResourceId, ResourcePatch};

/// Options of `create`.
#[derive(Args, Debug)]
pub struct CreateArgs {
    /// Its id: a uuid, or any other text of up to 289 characters without a slash
    #[arg(value_name = "ID")]
    id: String,

    /// Its type
    #[arg(short = 't', long = "type", value_name = "TYPE", default_value = GENERIC)]
    resource_type: String,

    #[command(flatten)]
    said: SaidArgs,

    /// Who makes it and its metrics, as user:project [default: nobody]
    ///
    /// An id that is no uuid is another resource for each creator.
    #[arg(long, value_name = "NAME")]
    creator: Option<String>,

    #[command(flatten)]
    pub(super) options: Options,
}

/// Options of `update`.
#[derive(Args, Debug)]
pub struct UpdateArgs {
    /// Which resource: its uuid, or the id it was given
    #[arg(value_name = "ID")]
    id: String,

    /// The type that it must be of; generic is any
    #[arg(short = 't', long = "type", value_name = "TYPE", default_value = GENERIC)]
    resource_type: String,

    #[command(flatten)]
    said: SaidArgs,

    /// A metric to take from it, by name; the metric itself stays
    #[arg(short, long, value_name = "NAME")]
    delete_metric: Vec<String>,

    #[command(flatten)]
    pub(super) options: Options,
}

/// What is said of a resource.
#[derive(Args, Debug)]
struct SaidArgs {
    /// An attribute and its value; without a colon the attribute has none
    ///
    /// Besides those of the type: user_id, project_id, started_at, ended_at; the times also as now or -1h.
    #[arg(short, long, value_name = "NAME:VALUE")]
    attribute: Vec<String>,

    /// A metric that is there and becomes one of the resource, under this name
    #[arg(short = 'm', long, value_name = "NAME:ID")]
    add_metric: Vec<String>,

    /// A metric to make; without a policy, with that of the rules
    #[arg(short = 'n', long, value_name = "NAME[:POLICY]")]
    create_metric: Vec<String>,
}

impl SaidArgs {
    fn metrics(&self) -> Result<Vec<(String, MetricSource)>, Failure> {
        let mut metrics = Vec::new();
        for metric in &self.add_metric {
            let (name, id) = metric.split_once(':').unwrap_or((metric, ""));
            metrics.push((name.to_owned(), MetricSource::Existing(names::uuid(id)?)));
        }
        for metric in &self.create_metric {
            let (name, policy) = metric.split_once(':').unwrap_or((metric, ""));
            let archive_policy = (!policy.is_empty()).then(|| policy.to_owned());
            metrics.push((name.to_owned(), MetricSource::New { archive_policy, unit: None }));
        }
        Ok(metrics)
    }
}

impl CreateArgs {
    /// Does `create`.
    ///
    /// # Errors
    /// When it is there, or cannot be.
    pub fn run(&self, context: &Context) -> Result<Outcome, Failure> {
        let store = self.options.store.open_or_create(true)?;
        let index = store.index();
        let resource_type = told(index, index.resource_type(&self.resource_type))?;
        let said = said(&resource_type, &self.said.attribute)?;
        let new = NewResource {
            creator: self.creator.clone(),
            user_id: said.user_id.flatten(),
            project_id: said.project_id.flatten(),
            started_at: said.started_at,
            ended_at: said.ended_at.flatten(),
            attributes: said
                .attributes
                .into_iter()
                .filter_map(|(name, value)| Some((name, value?)))
                .collect(),
            metrics: self.said.metrics()?,
            ..NewResource::new(ResourceId::of(&self.id, self.creator.as_deref())?, &self.resource_type)
        };
        let made = told(index, index.create_resource(&new, now()))?;
        self.options.print_one(whole(index, &made)?, context)
    }
}

impl UpdateArgs {
    /// Does `update`.
    ///
    /// # Errors
    /// When it is not there, or cannot be as it is to be.
    pub fn run(&self, context: &Context) -> Result<Outcome, Failure> {
        let store = self.options.store.open()?;
        // In one transaction: what stays of the metrics must be what there is.
        let row = store.index().transaction(|index| {
            let before = names::resource(index, Some(&self.resource_type), &self.id)?;
            let resource_type = index.resource_type(&before.resource_type)?;
            let mut metrics = self.kept(&before)?;
            metrics.extend(self.said.metrics()?);
            let patch = ResourcePatch {
                metrics,
                replace_metrics: !self.delete_metric.is_empty(),
                ..said(&resource_type, &self.said.attribute)?
            };
            let updated = index.update_resource(&before.resource_type, before.id, &patch, now());
            whole(index, &told(index, updated)?)
        })?;
        self.options.print_one(row, context)
    }

    /// The metrics that stay when others are taken away; none when none is, because then all stay by themselves.
    fn kept(&self, before: &Resource) -> Result<Vec<(String, MetricSource)>, Failure> {
        let known: Vec<&str> = before.metrics.iter().map(|(name, _)| name.as_str()).collect();
        if let Some(unknown) = self.delete_metric.iter().find(|name| !known.contains(&name.as_str())) {
            let near = nearest::did_you_mean(unknown, &known);
            let id = &before.original_id;
            return Err(Failure::Usage(format!("resource \"{id}\" has no metric \"{unknown}\"{near}")));
        }
        if self.delete_metric.is_empty() {
            return Ok(Vec::new());
        }
        let stays = before.metrics.iter().filter(|(name, _)| !self.delete_metric.contains(name));
        Ok(stays.map(|(name, id)| (name.clone(), MetricSource::Existing(*id))).collect())
    }
}
