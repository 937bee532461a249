//! What the service says of itself: its versions, its parts, whether it is well, how much there is.

use serde_json::json;

use super::Desk;
use crate::serve::auth::Target;
use crate::serve::http::{Answer, Call, Problem, Route};

/// The release whose API this is: clients choose what they send by it.
const BUILD: &str = "4.7.1";
/// The parts of the API that its root lists.
const PARTS: [&str; 12] = [
    "aggregates",
    "aggregation",
    "archive_policy",
    "archive_policy_rule",
    "batch",
    "capabilities",
    "influxdb",
    "metric",
    "resource",
    "resource_type",
    "search",
    "status",
];

pub(super) fn routes() -> Vec<Route<Desk>> {
    vec![
        Route::get("/", versions),
        Route::get("/healthcheck", health).not_json(),
        Route::get("/v1", parts),
        Route::get("/v1/status", status),
    ]
}

fn versions(_: &Desk, call: &Call) -> Result<Answer, Problem> {
    let links = json!([{"rel": "self", "href": call.site.url("/v1/")}]);
    let version = json!({"status": "CURRENT", "links": links, "id": "v1.0", "updated": "2015-03-19"});
    Answer::json(&json!({"build": BUILD, "versions": [version]}))
}

/// Whether the store can be read: a load balancer takes a server out that answers 503.
fn health(desk: &Desk, _: &Call) -> Result<Answer, Problem> {
    match desk.store.status() {
        Ok(_) => Ok(Answer::text("text/plain; charset=UTF-8", "OK")),
        Err(error) => Err(Problem::busy(error.to_string())),
    }
}

fn parts(_: &Desk, call: &Call) -> Result<Answer, Problem> {
    let link = |rel: &str, path: &str| json!({"rel": rel, "href": call.site.url(path)});
    let mut links = vec![link("self", "/v1")];
    links.extend(PARTS.iter().map(|part| link(part, &format!("/v1/{part}"))));
    Answer::json(&json!({"version": "1.0", "links": links}))
}

/// What waits to be processed, in Gnocchi's words: here never anything, since a reader sees what was acknowledged.
fn status(desk: &Desk, call: &Call) -> Result<Answer, Problem> {
    desk.enforce(call, "get status", &Target::new())?;
    let details = call.query.get("details").is_none() || call.query.flag("details")?;
    let mut storage = json!({"summary": {"metrics": 0, "measures": 0}});
    if let (true, Some(members)) = (details, storage.as_object_mut()) {
        members.insert("measures_to_process".to_owned(), json!({}));
    }
    Answer::json(&json!({"storage": storage, "metricd": {"processors": [], "statistics": {}}}))
}
