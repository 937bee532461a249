//! `/v1/resource/{type}/{id}/history`: what a resource is and was.

use super::resource::found;
use super::resource_list::{Wanted, answer};
use super::{Desk, scope};
use crate::query::{Comparison, Filter, Literal, Path};
use crate::serve::http::{Answer, Call, Problem, Route};

/// What is answered here.
pub(super) fn routes() -> Vec<Route<Desk>> {
    vec![Route::get("/v1/resource/{type}/{id}/history", history)]
}

fn history(desk: &Desk, call: &Call) -> Result<Answer, Problem> {
    let (who, resource) = found(desk, call)?;
    desk.allow(&who, "get resource", &scope::target_of(&resource))?;
    let path = Path::new("id").ok_or_else(|| Problem::ours("\"id\" is no path"))?;
    let value = Literal::text(resource.id.to_string());
    // A marker is one of its revisions, too.
    let known = Filter::Compare { path, comparison: Comparison::Equal, value };
    let filter = Filter::Everything;
    let wanted = Wanted { resource_type: call.part(0), filter, known, creator: None, history: true };
    answer(desk, call, wanted)
}
