//! `/v1/batch`: measures of many metrics at once, by the ids of metrics, or by those of resources and names.
//!
//! All metrics are looked up together, and all points are appended at once: either all survive or none.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::json;

use super::body::resource_id;
use super::gate::Gate;
use super::measures::store;
use super::metric::make;
use super::points::{List, Reader, refused};
use super::{Desk, scope};
use crate::series::Point;
use crate::serve::http::{Answer, Call, Problem, Route};
use crate::store::index::{GENERIC, Index, IndexError, Metric, NewMetric, ResourceId, parse_uuid};

/// What is answered here.
pub(super) fn routes() -> Vec<Route<Desk>> {
    vec![
        Route::post("/v1/batch/metrics/measures", of_metrics),
        Route::post("/v1/batch/resources/metrics/measures", of_resources),
    ]
}

/// Measures by a name, in the order of the body.
type Named<T> = Vec<(String, T)>;

/// The measures of a metric of a resource, and what it is if it is made.
#[derive(Default)]
struct Series {
    archive_policy: Option<String>,
    unit: Option<String>,
    points: Vec<Point>,
}

fn of_metrics(desk: &Desk, call: &Call) -> Result<Answer, Problem> {
    let gate = Gate::new(desk, call, "post measures")?;
    let body: Named<Vec<Point>> = read(call)?;
    let mut found = Vec::with_capacity(body.len());
    let mut unknown = Vec::new();
    desk.store.index().snapshot(|index| {
        for (text, points) in body {
            let id = parse_uuid(&text)
                .ok_or_else(|| Problem::invalid("not a valid UUID: extra keys not allowed", &[&text]))?;
            match index.metric(id) {
                Ok(metric) => found.push((metric, points)),
                Err(IndexError::NotFound { .. }) => unknown.push(id.to_string()),
                Err(error) => return Err(error.into()),
            }
        }
        Ok::<_, Problem>(())
    })?;
    refuse_unknown(unknown)?;
    append(desk, call, &gate, found)
}

fn of_resources(desk: &Desk, call: &Call) -> Result<Answer, Problem> {
    let gate = Gate::new(desk, call, "post measures")?;
    let creator = desk.identify(call)?.creator;
    let body: Named<Named<Series>> = read(call)?;
    let creates = call.query.flag("create_metrics")?;
    let mut resources = Vec::with_capacity(body.len());
    for (text, named) in body {
        let id = resource_id(&text, &creator).map_err(|reason| Problem::invalid(reason, &[&text]))?;
        resources.push((id, named));
    }
    let is_known = |index: &Index| {
        let mut all = resources.iter().flat_map(|(id, named)| named.iter().map(move |(name, _)| (id, name)));
        all.try_fold(true, |known, (id, name)| Ok(known && index.metric_key_of(id.uuid(), name)?.is_some()))
    };
    let index = desk.store.index();
    // Only what is made takes the lock of writers.
    let found = if creates && !index.snapshot(|index| is_known(index).map_err(|error: IndexError| error))? {
        // Refused as a whole, or not at all: nothing is made for who may not post to all of it.
        index.transaction(|_| {
            let found = find(desk, call, resources, true)?;
            found.iter().try_for_each(|(metric, _)| gate.pass(metric))?;
            Ok::<_, Problem>(found)
        })?
    } else {
        index.snapshot(|_| find(desk, call, resources, false))?
    };
    append(desk, call, &gate, found)
}

/// The metrics that a body names; what is not there is made, if it is to be.
fn find(
    desk: &Desk,
    call: &Call,
    resources: Vec<(ResourceId, Named<Series>)>,
    creates: bool,
) -> Result<Vec<(Metric, Vec<Point>)>, Problem> {
    let index = desk.store.index();
    let mut found = Vec::new();
    let (mut unknown, mut unknown_resources) = (Vec::new(), Vec::new());
    'resources: for (id, named) in resources {
        for (name, series) in named {
            match index.metric_named(id.uuid(), &name) {
                Ok(metric) => found.push((metric, series.points)),
                Err(IndexError::NotFound { .. }) if creates => {
                    let Some(resource) = index.find_resource(GENERIC, id.uuid())? else {
                        let id = json!({"resource_id": id.uuid().to_string(), "original_resource_id": id.original()});
                        unknown_resources.push(id);
                        continue 'resources;
                    };
                    let who = desk.enforce(call, "update resource", &scope::target_of(&resource))?;
                    let new = NewMetric {
                        id: None,
                        name: Some(name),
                        unit: series.unit,
                        archive_policy: series.archive_policy,
                        creator: Some(who.creator.clone()),
                        resource: Some(id.uuid()),
                    };
                    found.push((make(desk, &who, &new, call.now)?, series.points));
                }
                Err(IndexError::NotFound { .. }) => unknown.push(format!("{}/{name}", id.uuid())),
                Err(error) => return Err(error.into()),
            }
        }
    }
    if !unknown_resources.is_empty() {
        return Err(Problem::bad(json!({"cause": "Unknown resources", "detail": unknown_resources})));
    }
    refuse_unknown(unknown)?;
    Ok(found)
}

fn refuse_unknown(mut unknown: Vec<String>) -> Result<(), Problem> {
    if unknown.is_empty() {
        return Ok(());
    }
    unknown.sort();
    unknown.dedup();
    Err(Problem::bad(format!("Unknown metrics: {}", unknown.join(", "))))
}

fn append(
    desk: &Desk,
    call: &Call,
    gate: &Gate<'_>,
    found: Vec<(Metric, Vec<Point>)>,
) -> Result<Answer, Problem> {
    found.iter().try_for_each(|(metric, _)| gate.pass(metric))?;
    let (metrics, points): (Vec<Metric>, Vec<Vec<Point>>) = found.into_iter().unzip();
    store(desk, call, metrics.iter().zip(points))
}

fn read<T: Part>(call: &Call) -> Result<Named<T>, Problem> {
    call.expect_media("application/json")?;
    let mut reader = Reader::new(call.now);
    let mut deserializer = serde_json::Deserializer::from_slice(&call.body);
    let names = Names { reader: &mut reader, part: PhantomData };
    let read = names.deserialize(&mut deserializer);
    read.and_then(|named| deserializer.end().map(|()| named)).map_err(|error| refused(&error, true))
}

/// What stands behind a name.
trait Part: Sized {
    fn read<'de, D: Deserializer<'de>>(reader: &mut Reader, deserializer: D) -> Result<Self, D::Error>;
}

impl Part for Vec<Point> {
    fn read<'de, D: Deserializer<'de>>(reader: &mut Reader, deserializer: D) -> Result<Self, D::Error> {
        let mut points = Vec::new();
        List { reader, points: &mut points }.deserialize(deserializer)?;
        Ok(points)
    }
}

impl Part for Series {
    fn read<'de, D: Deserializer<'de>>(reader: &mut Reader, deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(SeriesVisitor { reader })
    }
}

impl<T: Part> Part for Named<T> {
    fn read<'de, D: Deserializer<'de>>(reader: &mut Reader, deserializer: D) -> Result<Self, D::Error> {
        Names { reader, part: PhantomData }.deserialize(deserializer)
    }
}

/// The seed of a [`Part`].
struct Seed<'r, T> {
    reader: &'r mut Reader,
    part: PhantomData<T>,
}

impl<'de, T: Part> DeserializeSeed<'de> for Seed<'_, T> {
    type Value = T;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<T, D::Error> {
        T::read(self.reader, deserializer)
    }
}

struct Names<'r, T> {
    reader: &'r mut Reader,
    part: PhantomData<T>,
}

impl<'de, T: Part> DeserializeSeed<'de> for Names<'_, T> {
    type Value = Named<T>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Named<T>, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de, T: Part> Visitor<'de> for Names<'_, T> {
    type Value = Named<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a dictionary")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Named<T>, A::Error> {
        let mut named = Vec::new();
        while let Some(name) = members.next_key::<String>()? {
            named.push((
                name,
                members.next_value_seed(Seed { reader: &mut *self.reader, part: PhantomData })?,
            ));
        }
        Ok(named)
    }
}

/// A list of measures, or an object with it and with what the metric is.
struct SeriesVisitor<'r> {
    reader: &'r mut Reader,
}

impl<'de> Visitor<'de> for SeriesVisitor<'_> {
    type Value = Series;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of measures, or a dictionary with measures, archive_policy_name and unit")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Series, A::Error> {
        let mut series = Series::default();
        List { reader: self.reader, points: &mut series.points }.visit_seq(list)?;
        Ok(series)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Series, A::Error> {
        let mut series = Series::default();
        let mut has_measures = false;
        while let Some(name) = members.next_key::<String>()? {
            match name.as_str() {
                "archive_policy_name" => series.archive_policy = Some(members.next_value()?),
                "unit" => series.unit = Some(members.next_value()?),
                "measures" => {
                    series.points =
                        members.next_value_seed(Seed { reader: &mut *self.reader, part: PhantomData })?;
                    has_measures = true;
                }
                other => return Err(A::Error::custom(format_args!("extra keys not allowed: \"{other}\""))),
            }
        }
        if has_measures { Ok(series) } else { Err(A::Error::missing_field("measures")) }
    }
}
