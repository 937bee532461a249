//! `/v1/search/resource/{type}`: the resources that satisfy a filter.

use hyper::StatusCode;
use hyper::header::{ALLOW, HeaderValue};

use super::resource_list::{Wanted, visible};
use super::{Desk, search_filter};
use crate::query::Filter;
use crate::serve::http::{Answer, Call, Problem, Route};

/// What is answered here.
pub(super) fn routes() -> Vec<Route<Desk>> {
    vec![Route::get("/v1/search/resource/{type}", none), Route::post("/v1/search/resource/{type}", search)]
}

/// A type that is not there is 404 whatever is asked of it.
fn none(desk: &Desk, call: &Call) -> Result<Answer, Problem> {
    desk.store.index().resource_type(call.part(0))?;
    let allowed = HeaderValue::from_static("POST, OPTIONS");
    Err(Problem::new(StatusCode::METHOD_NOT_ALLOWED, "").with(ALLOW, allowed))
}

fn search(desk: &Desk, call: &Call) -> Result<Answer, Problem> {
    let resource_type = call.part(0);
    desk.store.index().resource_type(resource_type)?;
    let said = !call.body.is_empty() || call.query.get("filter").is_some_and(|text| !text.is_empty());
    // What the caller calls a resource only matters where a filter may name one; a search for all needs no name here.
    let (filter, creator) = if said {
        let creator = desk.identify(call)?.creator;
        (search_filter::of_call(call, &creator)?.unwrap_or(Filter::Everything), Some(creator))
    } else {
        (Filter::Everything, None)
    };
    let known = Filter::Everything;
    let wanted = Wanted { resource_type, filter, known, creator, history: call.query.flag("history")? };
    visible(desk, call, "search resource", wanted)
}
