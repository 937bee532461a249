//! The description of the service, for people and for programs that are made of it (OpenAPI 3.1).

use super::Desk;
use crate::serve::http::{Answer, Call, Content, Problem, Route};

/// The description; a test holds it to the table.
const DESCRIPTION: &str = include_str!("openapi.json");

pub(super) fn routes() -> Vec<Route<Desk>> {
    vec![Route::get("/openapi.json", show)]
}

fn show(_: &Desk, _: &Call) -> Result<Answer, Problem> {
    Ok(Answer::json_content(Content::Whole(DESCRIPTION.as_bytes().to_vec())))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::Value;

    use super::*;

    #[test]
    fn every_route_is_described_and_nothing_else() {
        let description: Value = serde_json::from_str(DESCRIPTION).unwrap();
        let described: BTreeSet<(String, String)> = description["paths"]
            .as_object()
            .unwrap()
            .iter()
            .flat_map(|(path, item)| {
                let methods = item.as_object().unwrap().keys().filter(|key| *key != "parameters");
                methods.map(|method| (path.clone(), method.to_uppercase())).collect::<Vec<_>>()
            })
            .collect();
        let routes = super::super::routes();
        let answered: BTreeSet<(String, String)> =
            routes.iter().map(|route| (route.path.to_owned(), route.method.to_string())).collect();
        assert_eq!(described, answered);
    }
}
