//! Prometheus' remote write 1.0.
//!
//! As in Gnocchi 4.7.1 the resource is `JOB@INSTANCE`, of the type `prometheus`, and the metric is `__name__` alone: of series
//! that differ in other labels the last of a request is stored. With `?labels=keep` these labels are part of the name,
//! `NAME@LABEL=VALUE,LABEL=VALUE`, and no series is lost.

use std::collections::BTreeMap;

use hyper::StatusCode;
use serde_json::json;

use super::Desk;
use super::arrivals::{self, Gathering};
use super::influxdb::described;
use crate::series::Point;
use crate::serve::auth::Identity;
use crate::serve::http::{Answer, Call, Problem, Route};
use crate::store::index::{
    Attribute, AttributeKind, Attributes, IndexError, NAME_CHARACTERS_MAX, ResourceType, TEXT_CHARACTERS_MAX,
};
use crate::wire::prometheus::{BadWrite, SentSeries, each_series, unpacked};

/// The type of the resources.
const TYPE: &str = "prometheus";
/// What stands for a job or an instance that is not said.
const NOBODY: &str = "none";

pub(super) fn routes() -> Vec<Route<Desk>> {
    vec![Route::post("/v1/prometheus/write", write).not_json()]
}

fn write(desk: &Desk, call: &Call) -> Result<Answer, Problem> {
    let who = desk.identify(call)?;
    let keeps_labels = match call.query.get("labels") {
        None | Some("drop") => false,
        Some("keep") => true,
        Some(_) => return Err(Problem::argument("labels", "it is keep or drop")),
    };
    let (request, of_type) = (unpacked(&call.body)?, of_type()?);
    let mut gathering = Gathering::default();
    each_series(&request, |series| gather(&mut gathering, &who, &of_type, series, keeps_labels))?;
    let arriving = gathering.into_arriving();
    if !arriving.is_empty() {
        arrivals::made_type(desk, &who, &of_type)?;
        arrivals::store(desk, &who, TYPE, arriving, call.now)?;
    }
    Ok(Answer::empty(StatusCode::ACCEPTED))
}

/// The type, as it is made.
fn of_type() -> Result<ResourceType, IndexError> {
    let text = || Attribute {
        kind: AttributeKind::Text { min_length: 1, max_length: TEXT_CHARACTERS_MAX },
        required: true,
    };
    ResourceType::new(TYPE, [("job".to_owned(), text()), ("instance".to_owned(), text())].into())
}

fn gather(
    gathering: &mut Gathering,
    who: &Identity,
    of_type: &ResourceType,
    series: SentSeries<'_>,
    keeps_labels: bool,
) -> Result<(), Problem> {
    let SentSeries { name, labels, points } = series;
    if points.is_empty() {
        return Ok(());
    }
    let mut labels: BTreeMap<&str, &str> = labels.into_iter().collect();
    let job = labels.remove("job").filter(|job| !job.is_empty()).unwrap_or(NOBODY);
    let instance = labels.remove("instance").filter(|instance| !instance.is_empty()).unwrap_or(NOBODY);
    let length: usize = labels.iter().map(|(key, value)| key.len() + value.len() + 2).sum();
    let described = match keeps_labels {
        true if name.len() + length > 4 * NAME_CHARACTERS_MAX => {
            let why = format!(
                "{name}: a metric is named by all its labels, and a name has at most {NAME_CHARACTERS_MAX} characters"
            );
            return Err(Problem::bad(why));
        }
        true => described(labels.into_iter()),
        false => String::new(),
    };
    let name = format!("{name}{described}").replace('/', "_");
    let attributes = || -> Result<Attributes, Problem> {
        let said = json!({"job": job, "instance": instance});
        Ok(of_type.read(said.as_object().unwrap_or(&serde_json::Map::new()))?)
    };
    let known = gathering.metric(who, &format!("{job}@{instance}"), attributes, &name, points.len())?;
    if !keeps_labels {
        known.clear();
    }
    known.extend(points.into_iter().map(|(timestamp, value)| Point { timestamp, value }));
    Ok(())
}

impl From<BadWrite> for Problem {
    fn from(error: BadWrite) -> Problem {
        Problem::bad(error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Timestamp;

    fn stored(keeps_labels: bool) -> Vec<String> {
        let who = Identity { creator: "me".to_owned(), ..Identity::default() };
        let (of_type, mut gathering) = (of_type().unwrap(), Gathering::default());
        for (path, value) in [("/a", 1.0), ("/b", 2.0)] {
            let labels = vec![("path", path), ("job", "j/k"), ("code", "200")];
            let series = SentSeries { name: "hits", labels, points: vec![(Timestamp::from_ns(0), value)] };
            gather(&mut gathering, &who, &of_type, series, keeps_labels).unwrap();
        }
        let arriving = gathering.into_arriving();
        let shown = arriving.iter().flat_map(|resource| {
            resource.metrics.iter().map(|(name, points)| {
                format!("{} {name} {}", resource.id.original(), points.iter().map(|p| p.value).sum::<f64>())
            })
        });
        shown.collect()
    }

    #[test]
    fn series_that_differ_in_other_labels_are_one_unless_these_are_kept() {
        assert_eq!(stored(false), ["j_k@none hits 2"]);
        assert_eq!(stored(true), ["j_k@none hits@code=200,path=_a 1", "j_k@none hits@code=200,path=_b 2"]);
    }
}
