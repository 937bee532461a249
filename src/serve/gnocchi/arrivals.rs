//! Measures that other systems send, of metrics that they name and of resources that they describe.
//!
//! What is not there is made: the type if its sender brings one, the resource, its metrics by the archive policy rules. All
//! of one request in one transaction of the index, and in one append behind it.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use hyper::StatusCode;
use serde_json::json;

use super::Desk;
use super::scope::target_of;
use crate::model::Timestamp;
use crate::series::Point;
use crate::serve::auth::{Identity, Target};
use crate::serve::http::Problem;
use crate::store::index::{
    ArrivingMetric, ArrivingResource, Attributes, GENERIC, IndexError, Metric, ResourceId, ResourceType,
};
use crate::store::measures::Arrival;
use crate::work::measures::one_call;

/// Points of one request: 10 times what a body of Prometheus has at most, and 40 MB where they wait to be appended.
const POINTS_MAX: usize = 1_000_000;
/// Bytes of the names in one request, which may be made of what stands in it once.
const NAMES_BYTES_MAX: usize = 32 * 1024 * 1024;

/// Measures of the metrics of one resource.
#[derive(Clone, Debug)]
pub(super) struct Arriving {
    /// Its id; a text means another resource to each creator.
    pub(super) id: ResourceId,
    /// What is known of its attributes.
    pub(super) attributes: Attributes,
    /// The measures, by the names of their metrics.
    pub(super) metrics: BTreeMap<String, Vec<Point>>,
}

/// The measures of one request, while it is read.
#[derive(Debug, Default)]
pub(super) struct Gathering {
    resources: BTreeMap<String, Arriving>,
    points: usize,
    names_bytes: usize,
}

impl Gathering {
    /// The points so far of a metric, to which one or more are added.
    ///
    /// - `resource`: its id as it was sent; a slash, which no id has, becomes `_`
    /// - `attributes`: those of the resource
    /// - `added`: how many points will be added
    ///
    /// # Errors
    /// 400 when the id or the name may not be used, 413 when there are too many.
    pub(super) fn metric(
        &mut self,
        who: &Identity,
        resource: &str,
        attributes: impl FnOnce() -> Result<Attributes, Problem>,
        name: &str,
        added: usize,
    ) -> Result<&mut Vec<Point>, Problem> {
        self.points += added;
        let known = match self.resources.entry(resource.replace('/', "_")) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(place) => {
                self.names_bytes += place.key().len();
                let id = ResourceId::of(place.key(), Some(&who.creator))?;
                place.insert(Arriving { id, attributes: attributes()?, metrics: BTreeMap::new() })
            }
        };
        if !known.metrics.contains_key(name) {
            self.names_bytes += name.len();
        }
        if self.points > POINTS_MAX || self.names_bytes > NAMES_BYTES_MAX {
            let why =
                format!("a request has at most {POINTS_MAX} points, and {NAMES_BYTES_MAX} bytes of names");
            return Err(Problem::new(StatusCode::PAYLOAD_TOO_LARGE, why));
        }
        Ok(known.metrics.entry(name.to_owned()).or_default())
    }

    /// All that was gathered.
    pub(super) fn into_arriving(self) -> Vec<Arriving> {
        self.resources.into_values().collect()
    }
}

/// Stores measures for `who`; on return they survive a power failure.
///
/// - `of_type`: the type of resources that are not there yet, and of those that are; `generic` is every one
///
/// # Errors
/// 400 when a point is older than 1970, a name may not be used, or no rule has an archive policy for it; 403; 404 when there is
/// no such type; 409 when a resource is of another type. Then nothing is stored.
pub(super) fn store(
    desk: &Desk,
    who: &Identity,
    of_type: &str,
    mut arriving: Vec<Arriving>,
    now: Timestamp,
) -> Result<(), Problem> {
    for points in arriving.iter_mut().flat_map(|resource| resource.metrics.values_mut()) {
        one_call(points).map_err(|error| Problem::bad(error.to_string()))?;
    }
    arriving.iter_mut().for_each(|resource| resource.metrics.retain(|_, points| !points.is_empty()));
    let mut arrivals: Vec<Arrival> = desk.store.index().transaction(|_| {
        let mut arrivals = Vec::new();
        for resource in arriving.iter().filter(|resource| !resource.metrics.is_empty()) {
            arrive(desk, who, of_type, resource, now, &mut arrivals)?;
        }
        Ok::<_, Problem>(arrivals)
    })?;
    desk.append(&mut arrivals)
}

/// Brings one resource and its metrics into the index, and its points into `arrivals`; to be called in a transaction.
fn arrive(
    desk: &Desk,
    who: &Identity,
    of_type: &str,
    arriving: &Arriving,
    now: Timestamp,
    arrivals: &mut Vec<Arrival>,
) -> Result<(), Problem> {
    let Arriving { id, attributes, metrics } = arriving;
    let index = desk.store.index();
    // A type that is not there is said before what depends on it.
    index.resource_type(of_type)?;
    let found = index.find_resource(GENERIC, id.uuid())?;
    match &found {
        Some(found) if of_type != GENERIC && found.resource_type != of_type => {
            return Err(Problem::conflict(
                json!({"cause": "Resource already exists", "detail": id.uuid().to_string()}),
            ));
        }
        Some(found) => desk.allow(who, "update resource", &target_of(found))?,
        None => {
            let target = Target::new()
                .with("id", Some(&id.uuid().to_string()))
                .with("original_resource_id", Some(id.original()))
                .with("resource_type", Some(of_type))
                .with("creator", Some(&who.creator))
                .with("created_by_project_id", who.project_id.as_deref());
            desk.allow(who, "create resource", &target)?;
        }
    }
    let newest = metrics.values().flatten().map(|point| point.timestamp).max();
    let resource = ArrivingResource {
        id,
        resource_type: found.as_ref().map_or(of_type, |found| &found.resource_type),
        creator: Some(&who.creator),
        user_id: None,
        project_id: None,
        started_at: None,
        attributes,
        newest,
    };
    let number = index.arrive(&resource, now)?.resource;
    let project_id = found.as_ref().and_then(|found| found.project_id.as_deref());
    for (name, points) in metrics {
        let new = ArrivingMetric { name, unit: None, archive_policy: None, creator: Some(&who.creator) };
        let key = match index.metric_key(number, name)? {
            Some(key) => {
                let metric = index.metric_numbered(key.metric)?;
                desk.allow(who, "post measures", &of_metric(&metric, project_id))?;
                key
            }
            None => {
                let target = Target::new()
                    .with("name", Some(name))
                    .with("creator", Some(&who.creator))
                    .with("created_by_project_id", who.project_id.as_deref())
                    .with("resource.project_id", project_id);
                desk.allow(who, "create metric", &target)?;
                desk.allow(who, "post measures", &target)?;
                index.arrive_metric(number, &new, now)?.0
            }
        };
        arrivals.extend(points.iter().map(|point| Arrival { metric: key.metric, point: *point }));
    }
    Ok(())
}

/// Makes the type that a sender brings, where it is not there.
///
/// # Errors
/// 403
pub(super) fn made_type(desk: &Desk, who: &Identity, made: &ResourceType) -> Result<(), Problem> {
    let index = desk.store.index();
    match index.resource_type(made.name()) {
        Err(IndexError::NotFound { .. }) => {}
        other => return Ok(other.map(|_| ())?),
    }
    desk.allow(who, "create resource type", &Target::new().with("name", Some(made.name())))?;
    match index.create_resource_type(made) {
        // Another request was faster.
        Err(IndexError::Exists { .. }) => Ok(()),
        other => Ok(other?),
    }
}

fn of_metric(metric: &Metric, project_id: Option<&str>) -> Target {
    Target::new()
        .with("id", Some(&metric.id.to_string()))
        .with("name", metric.name.as_deref())
        .with("creator", metric.creator.as_deref())
        .with("created_by_project_id", metric.created_by_project_id().filter(|id| !id.is_empty()))
        .with("resource.project_id", project_id)
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::sync::Arc;

    use super::*;
    use crate::base::testing::{Directory, books};
    use crate::serve::auth::Mode;
    use crate::serve::gnocchi::{Options, policy};
    use crate::store::Store;

    fn desk(folder: &Directory) -> Desk {
        let options = Options {
            mode: Mode::Headers,
            policy: std::sync::RwLock::new(Arc::new(policy([]).unwrap())),
            page_max: 10,
            points_max: 10,
            threads: 1,
        };
        Desk {
            store: Store::open_or_create(&folder.0, true).unwrap(),
            options: options.into(),
            counters: Arc::default(),
            books: books(),
            writer: RefCell::default(),
            due: None,
        }
    }

    fn who(user: &str) -> Identity {
        Identity::of_token(Some(user.to_owned()), Some(format!("of-{user}")), None, Vec::new())
    }

    fn sent(who: &Identity, resource: &str, seconds: i64) -> Vec<Arriving> {
        let mut gathering = Gathering::default();
        let none = || Ok(Attributes::new());
        let timestamp = Timestamp::from_ns(seconds * crate::model::NS_PER_SECOND);
        gathering.metric(who, resource, none, "cpu", 1).unwrap().push(Point { timestamp, value: 1.0 });
        gathering.into_arriving()
    }

    #[test]
    fn a_resource_takes_measures_of_its_makers_project_only() {
        let folder = Directory::new("serve-arrivals");
        let (desk, now) = (desk(&folder), Timestamp::from_ns(0));
        let (ann, bob) = (who("ann"), who("bob"));
        let id = "0a7a15ff-aa13-4ac2-897c-9bdf30ce175b";
        store(&desk, &ann, GENERIC, sent(&ann, id, 1), now).unwrap();
        let refused = store(&desk, &bob, GENERIC, sent(&bob, id, 2), now).unwrap_err();
        assert_eq!(refused.status(), StatusCode::FORBIDDEN);
        store(&desk, &ann, GENERIC, sent(&ann, id, 3), now).unwrap();
        // A text is another resource to each.
        store(&desk, &ann, GENERIC, sent(&ann, "a/b", 1), now).unwrap();
        store(&desk, &bob, GENERIC, sent(&bob, "a/b", 1), now).unwrap();
        assert_eq!(desk.store.index().metrics(&Default::default()).unwrap().len(), 3);
    }

    #[test]
    fn what_is_refused_leaves_nothing_behind() {
        let folder = Directory::new("serve-arrivals-refused");
        let (desk, now) = (desk(&folder), Timestamp::from_ns(0));
        let ann = who("ann");
        let status = |of_type: &str, sent| store(&desk, &ann, of_type, sent, now).unwrap_err().status();
        assert_eq!(status("nothing", sent(&ann, "a", 1)), StatusCode::NOT_FOUND);
        assert_eq!(status(GENERIC, sent(&ann, "a", -1)), StatusCode::BAD_REQUEST);
        desk.store
            .index()
            .create_resource_type(&ResourceType::new("host", BTreeMap::new()).unwrap())
            .unwrap();
        store(&desk, &ann, GENERIC, sent(&ann, "taken", 1), now).unwrap();
        let mut two = sent(&ann, "free", 1);
        two.extend(sent(&ann, "taken", 1));
        assert_eq!(status("host", two), StatusCode::CONFLICT);
        let free = ResourceId::of("free", Some(&ann.creator)).unwrap();
        assert_eq!(desk.store.index().find_resource(GENERIC, free.uuid()).unwrap(), None);
    }
}
