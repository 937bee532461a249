//! Lists in parts: what a request asks for, and where the next part is.

use std::str::FromStr;

use serde_json::json;

use crate::serve::http::{Answer, Call, Problem};
use crate::store::index::{Marker, Page, SortKey};

/// The part of a list that a request asks for: `limit`, `marker`, and `sort` any number of times.
///
/// - `rows_max`: the most that are given, and what is given where nothing is said
///
/// # Errors
/// 400 when one of them is not as it must be.
pub fn page(call: &Call, rows_max: u32) -> Result<Page, Problem> {
    let wrong = |reason: String| Problem::bad(json!({"cause": "Argument value error", "reason": reason}));
    let limit = match call.query.get("limit") {
        None => rows_max,
        Some(text) => match text.trim().parse::<i64>() {
            Err(_) => return Err(wrong("expected int for dictionary value @ data['limit']".to_owned())),
            Ok(rows) if rows < 1 => {
                return Err(wrong(
                    "value must be at least 1 for dictionary value @ data['limit']".to_owned(),
                ));
            }
            Ok(rows) => u32::try_from(rows).unwrap_or(rows_max).min(rows_max),
        },
    };
    let invalid = |reason: String| Problem::bad(format!("Invalid pagination: `{reason}`"));
    let marker = call.query.get("marker").map(Marker::from_str).transpose();
    let sort = call.query.all("sort").filter(|key| !key.is_empty()).map(SortKey::from_str);
    Ok(Page {
        sort: sort.collect::<Result<_, _>>().map_err(|error| invalid(error.to_string()))?,
        marker: marker.map_err(|error| invalid(error.to_string()))?,
        limit: Some(limit),
    })
}

/// The answer with a link to the part behind it, when the list is as long as it may be (RFC 8288).
///
/// - `last`: what the last row is called as a marker
/// - `usual`: the sort keys where the request says none
pub fn linked(
    answer: Answer,
    call: &Call,
    page: &Page,
    rows: usize,
    last: Option<String>,
    usual: &[&str],
) -> Answer {
    let limit = page.limit.unwrap_or(u32::MAX);
    let Some(last) = last.filter(|_| rows >= limit as usize) else { return answer };
    let asked: Vec<String> = call.query.all("sort").map(ToOwned::to_owned).collect();
    let sort = if asked.is_empty() { usual.iter().map(|key| (*key).to_owned()).collect() } else { asked };
    let query = call.query.with(&[("limit", &[limit.to_string()]), ("marker", &[last]), ("sort", &sort)]);
    answer.with(hyper::header::LINK, &format!("<{}?{query}>; rel=\"next\"", call.site.own_url()))
}
