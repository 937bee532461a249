//! Names on the command line: what they mean in the index, and what they may have been meant as.

use uuid::Uuid;

use crate::base::{Failure, nearest};
use crate::query::{Comparison, Filter, Literal, Path};
use crate::store::StoreError;
use crate::store::index::{
    GENERIC, Index, IndexError, Metric, MetricQuery, Page, Resource, ResourceId, ResourceQuery, Thing,
    parse_uuid,
};

/// The answer of the index; where it knows no such name, with the one that is nearest.
///
/// # Errors
/// That of the index.
pub fn told<T, E>(index: &Index, answer: Result<T, E>) -> Result<T, Failure>
where
    Failure: From<E>,
    E: NotFound,
{
    answer.map_err(|error| {
        let near = error.missing().map_or_else(String::new, |(what, name)| {
            let known = known(index, what);
            let known: Vec<&str> = known.iter().map(String::as_str).collect();
            nearest::did_you_mean(name, &known)
        });
        match Failure::from(error) {
            Failure::Usage(said) => Failure::Usage(said + &near),
            other => other,
        }
    })
}

/// An error that may say that a name is not known.
pub trait NotFound {
    /// Of what, and which.
    fn missing(&self) -> Option<(Thing, &str)>;
}

impl NotFound for IndexError {
    fn missing(&self) -> Option<(Thing, &str)> {
        match self {
            IndexError::NotFound { what, name } => Some((*what, name)),
            _ => None,
        }
    }
}

impl NotFound for StoreError {
    fn missing(&self) -> Option<(Thing, &str)> {
        match self {
            StoreError::Index(error) => error.missing(),
            _ => None,
        }
    }
}

/// All names of a kind of which there are few; an error here is no reason to say less of the other one.
fn known(index: &Index, what: Thing) -> Vec<String> {
    match what {
        Thing::ArchivePolicy => {
            index.archive_policies().unwrap_or_default().iter().map(|of| of.name().to_owned()).collect()
        }
        Thing::ArchivePolicyRule => {
            index.archive_policy_rules().unwrap_or_default().into_iter().map(|of| of.name).collect()
        }
        Thing::ResourceType => {
            index.resource_types().unwrap_or_default().iter().map(|of| of.name().to_owned()).collect()
        }
        _ => Vec::new(),
    }
}

/// The resource that `text` means: a uuid, or the text that its id was given as. That of nobody comes first; one that
/// somebody made counts where no other has the text.
///
/// # Errors
/// When there is none of that type, or several creators have one.
pub fn resource(index: &Index, resource_type: Option<&str>, text: &str) -> Result<Resource, Failure> {
    let resource_type = resource_type.unwrap_or(GENERIC);
    match index.resource(resource_type, ResourceId::of(text, None)?.uuid()) {
        Err(IndexError::NotFound { what: Thing::Resource, .. }) => {}
        other => return told(index, other),
    }
    let same = ResourceQuery {
        resource_type: resource_type.to_owned(),
        filter: equal("original_resource_id", text),
        metrics: true,
        page: Page { limit: Some(2), ..Page::default() },
        ..ResourceQuery::default()
    };
    let mut found =
        if parse_uuid(text).is_some() { Vec::new() } else { told(index, index.resources(&same))? };
    match (found.pop(), found.pop()) {
        (Some(resource), None) => Ok(resource),
        (Some(one), Some(other)) => Err(Failure::Usage(format!(
            "resource \"{text}\" is {} of {} and {} of {}: name the one by its uuid",
            other.id,
            other.creator.as_deref().unwrap_or("nobody"),
            one.id,
            one.creator.as_deref().unwrap_or("nobody"),
        ))),
        _ => Err(IndexError::NotFound { what: Thing::Resource, name: text.to_owned() }.into()),
    }
}

/// The metric that `text` means: a uuid, or its name; with a resource only one of that.
///
/// # Errors
/// When there is none, or several have the name.
pub fn metric(index: &Index, resource_named: Option<&str>, text: &str) -> Result<Metric, Failure> {
    if let Some(named) = resource_named {
        let resource = resource(index, None, named)?;
        return of_resource(index, &resource, text);
    }
    if let Some(id) = parse_uuid(text) {
        return Ok(index.metric(id)?);
    }
    let same = MetricQuery {
        filter: equal("name", text),
        page: Page { limit: Some(2), ..Page::default() },
        ..MetricQuery::default()
    };
    let mut found = index.metrics(&same)?;
    match (found.pop(), found.is_empty()) {
        (Some(metric), true) => Ok(metric),
        (Some(_), false) => Err(Failure::Usage(format!(
            "there is more than one metric \"{text}\": say of which resource (--resource-id), or name it by its uuid"
        ))),
        (None, _) => Err(IndexError::NotFound { what: Thing::Metric, name: text.to_owned() }.into()),
    }
}

fn of_resource(index: &Index, resource: &Resource, text: &str) -> Result<Metric, Failure> {
    let by_name = resource.metrics.iter().find(|(name, _)| name == text);
    let by_id = || parse_uuid(text).filter(|id| resource.metrics.iter().any(|(_, of)| of == id));
    if let Some(id) = by_name.map(|(_, id)| *id).or_else(by_id) {
        return Ok(index.metric(id)?);
    }
    let known: Vec<&str> = resource.metrics.iter().map(|(name, _)| name.as_str()).collect();
    let near = nearest::did_you_mean(text, &known);
    Err(Failure::Usage(format!("resource \"{}\" has no metric \"{text}\"{near}", resource.original_id)))
}

/// The uuid that `text` is.
///
/// # Errors
/// When it is none.
pub fn uuid(text: &str) -> Result<Uuid, Failure> {
    parse_uuid(text).ok_or_else(|| Failure::Usage(format!("\"{text}\" is no uuid")))
}

/// `path = "text"`, whatever the text.
pub fn equal(path: &str, text: &str) -> Filter {
    match Path::new(path) {
        Some(path) => Filter::Compare { path, comparison: Comparison::Equal, value: Literal::text(text) },
        None => Filter::Everything,
    }
}
