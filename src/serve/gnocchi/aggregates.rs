//! `/v1/aggregates`: operations over the series of many metrics, by their ids or by a search for resources.

use serde_json::{Value, json};

use super::body::Field;
use super::gate::Gate;
use super::group_by::group_by;
use super::metric::told_in_full;
use super::resource_told::Teller;
use super::rows::Body;
use super::{Desk, rows, scope, search_filter, timing};
use crate::operations::{BadGranularities, BadOperations, Node, Reference, parse_json, parse_text};
use crate::series::Fill;
use crate::serve::http::{Answer, Call, Problem, Route};
use crate::store::index::{IndexError, Metric, Thing, parse_uuid};
use crate::work::aggregates::{Among, Group, Query, Refusal, Search, Subject, answer};
use crate::work::stored::{NotKept, granularities};

/// What is answered here.
pub(super) fn routes() -> Vec<Route<Desk>> {
    vec![Route::post("/v1/aggregates", aggregate)]
}

fn aggregate(desk: &Desk, call: &Call) -> Result<Answer, Problem> {
    let (uses_history, details) = (call.query.flag("use_history")?, call.query.flag("details")?);
    let (fill, needed_overlap) = (fill(call)?, needed_overlap(call)?);
    let (range, granularity) = (timing::range(call)?, timing::granularity(call)?);
    let body = call.json()?;
    let members = Field::whole(&body).members_of(&["operations", "resource_type", "search"])?;
    let said = members.required("operations")?;
    let operations = operations(said.value)?;
    let query = |among| Query { operations, among, range, granularity, fill, needed_overlap };
    if members.len() == 1 {
        let query = query(Among::Metrics);
        let metrics = of_ids(desk, call, &query)?;
        let answers = answer(&desk.store, &query).map_err(|refusal| refused(refusal, &query))?;
        rows::tell(&desk.books, answers.damage);
        let mut body = Body::default();
        for group in answers.groups {
            let told =
                || metrics.iter().map(|metric| told_in_full(desk, metric)).collect::<Result<Vec<_>, _>>();
            let references = if details { Some(told()?) } else { None };
            measures(&mut body, group, references);
        }
        return body.answer(desk);
    }
    let resource_type = members.required("resource_type")?.text()?.to_owned();
    let kind = desk.store.index().resource_type(&resource_type).map_err(|error| match error {
        IndexError::NotFound { what: Thing::ResourceType, name } => {
            Problem::bad(json!({"cause": "Resource type does not exist", "detail": name}))
        }
        other => other.into(),
    })?;
    let who = desk.identify(call)?;
    let filter = search_filter::of_field(&members.required("search")?, &who.creator)?;
    let seen = scope::of_resources(desk, call, "search resource", &resource_type)?;
    let group_by = group_by(call, &kind).map_err(|name| {
        Problem::bad(format!("Invalid pagination: `Sort key supplied is invalid: {name}'"))
    })?;
    let is_grouped = !group_by.is_empty();
    let query = query(Among::Resources(Search {
        resource_type: resource_type.clone(),
        filter: scope::both(seen, filter),
        creator: Some(who.creator.clone()),
        group_by,
        use_history: uses_history,
    }));
    let answers = answer(&desk.store, &query).map_err(|refusal| refused(refusal, &query))?;
    rows::tell(&desk.books, answers.damage);
    if !who.is_local {
        // Whoever sees a resource need not see all metrics that others have given it.
        let gate = Gate::new(desk, call, "get metric")?;
        let mut subjects = answers.groups.iter().flat_map(|group| &group.subjects);
        subjects.try_for_each(|subject| gate.pass(&subject.metric))?;
    }
    let teller = Teller::new(desk.store.index(), &resource_type, false, Vec::new());
    let mut body = Body::default();
    body.text(if is_grouped { "[" } else { "" });
    for (number, group) in answers.groups.into_iter().enumerate() {
        let references = if details { Some(resources(&teller, &group.subjects)?) } else { None };
        if is_grouped {
            let key: serde_json::Map<String, Value> = group.key.iter().cloned().collect();
            let comma = if number == 0 { "" } else { "," };
            body.text(&format!("{comma}{{\"group\":{},\"measures\":", Value::Object(key)));
        }
        measures(&mut body, group, references);
        body.text(if is_grouped { "}" } else { "" });
    }
    body.text(if is_grouped { "]" } else { "" });
    body.answer(desk)
}

/// The metrics that the operations name, each once; the caller may read them, and they have what is asked for.
fn of_ids(desk: &Desk, call: &Call, query: &Query) -> Result<Vec<Metric>, Problem> {
    let references = query.operations.references();
    let (mut metrics, mut unknown): (Vec<Metric>, Vec<String>) = (Vec::new(), Vec::new());
    let mut of_reference: Vec<(Metric, &Reference)> = Vec::new();
    for reference in &references {
        let id = parse_uuid(&reference.metric).ok_or_else(|| {
            Problem::bad(json!({
                "cause": "Invalid metric references",
                "reason": "badly formed hexadecimal UUID string",
                "detail": references.iter().map(|one| [&one.metric, &one.aggregation]).collect::<Vec<_>>(),
            }))
        })?;
        match desk.store.index().metric(id) {
            Ok(metric) => of_reference.push((metric, reference)),
            Err(IndexError::NotFound { .. }) => unknown.push(id.to_string()),
            Err(error) => return Err(error.into()),
        }
    }
    if !unknown.is_empty() {
        unknown.sort();
        unknown.dedup();
        return Err(unknown_metrics(&unknown));
    }
    let gate = Gate::new(desk, call, "get metric")?;
    of_reference.iter().try_for_each(|(metric, _)| gate.pass(metric))?;
    for (metric, reference) in &of_reference {
        if NotKept::method(metric, &reference.aggregation).is_err() {
            return Err(unknown_method(&metric.id.to_string(), &reference.aggregation));
        }
    }
    if let Some(asked) = query.granularity {
        let lacks = |metric: &Metric| !granularities(&metric.archive_policy).any(|has| has == asked);
        let without = of_reference.iter().filter(|(metric, _)| lacks(metric));
        let without: Vec<Value> = without
            .map(|(metric, reference)| json!([metric.id.to_string(), reference.aggregation, asked.seconds()]))
            .collect();
        if !without.is_empty() {
            return Err(cannot("Granularities are missing", without));
        }
    }
    for (metric, _) in of_reference {
        if metrics.iter().all(|known| known.id != metric.id) {
            metrics.push(metric);
        }
    }
    Ok(metrics)
}

/// The resources of series, each once.
fn resources(teller: &Teller<'_>, subjects: &[Subject]) -> Result<Vec<Value>, Problem> {
    let mut told: Vec<(uuid::Uuid, crate::store::index::Revision)> = Vec::new();
    let mut values = Vec::new();
    for resource in subjects.iter().filter_map(|subject| subject.resource.as_deref()) {
        let key = (resource.id, resource.revision);
        // Series of one resource stand together.
        if told.last() != Some(&key) {
            told.push(key);
            values.push(teller.told(resource)?);
        }
    }
    Ok(values)
}

/// Writes the answer about one group: `{"measures": …, "references": …}`.
fn measures(body: &mut Body, group: Group, references: Option<Vec<Value>>) {
    body.text("{\"measures\":");
    match group.answer {
        crate::operations::Answer::Aggregated(levels) => {
            body.text("{\"aggregated\":");
            body.series(levels);
            body.text("}");
        }
        crate::operations::Answer::Each(each) => write_each(body, &group.subjects, each),
    }
    if let Some(references) = references {
        body.text(&format!(",\"references\":{}", Value::Array(references)));
    }
    body.text("}");
}

/// Series by the metric's id and the method, or by the resource's id, the metric's name and the method.
fn write_each(body: &mut Body, subjects: &[Subject], each: Vec<Vec<crate::series::Series>>) {
    let keys = subjects.iter().map(|subject| match (&subject.resource, &subject.metric.name) {
        (Some(resource), Some(name)) => {
            vec![resource.id.to_string(), name.clone(), subject.method.to_string()]
        }
        _ => vec![subject.metric.id.to_string(), subject.method.to_string()],
    });
    let mut sorted: Vec<_> = keys.zip(each).collect();
    sorted.sort_by(|(a, _), (b, _)| a.cmp(b));
    sorted.dedup_by(|(a, _), (b, _)| a == b);
    let mut before: Vec<String> = Vec::new();
    body.text("{");
    for (number, (key, series)) in sorted.into_iter().enumerate() {
        let common = key.iter().zip(&before).take_while(|(a, b)| a == b).count();
        if number > 0 {
            body.text(&"}".repeat(before.len().saturating_sub(common + 1)));
            body.text(",");
        }
        for (depth, part) in key.iter().enumerate().skip(common) {
            let open = if depth + 1 < key.len() { "{" } else { "" };
            body.text(&format!("{}:{open}", Value::from(part.as_str())));
        }
        body.series(series);
        before = key;
    }
    body.text(&"}".repeat(before.len().max(1)));
}

/// Reads operations in either form.
fn operations(said: &Value) -> Result<Node, Problem> {
    let parsed = match said {
        Value::String(text) => parse_text(text),
        other => parse_json(other),
    };
    parsed.map_err(|error| match (&error, said) {
        (BadOperations::NoMetric, _) => Problem::bad(json!({
            "cause": "Operations is invalid",
            "reason": "At least one 'metric' is required",
            "detail": said,
        })),
        (BadOperations::Text { .. }, Value::String(_)) => Problem::bad(json!({
            "cause": "Invalid operations",
            "reason": "Fail to parse the operations string",
            "detail": error.to_string(),
        })),
        _ => {
            let begin = wrong_words(said);
            let reason = format!("{begin} for dictionary value @ data['operations']: {error}");
            Problem::bad(json!({"cause": "Invalid input", "reason": reason, "detail": ["operations"]}))
        }
    })
}

/// What Gnocchi says of operations that mean nothing.
fn wrong_words(said: &Value) -> String {
    let name = match said {
        Value::String(text) => text
            .trim_start_matches(|c: char| c == '(' || c.is_whitespace())
            .split(|c: char| c == '(' || c == ')' || c.is_whitespace())
            .next()
            .unwrap_or_default()
            .to_owned(),
        Value::Array(parts) => match &parts[..] {
            [] => return "Operation must not be empty".to_owned(),
            [_] => return "Operation need at least one argument".to_owned(),
            [Value::String(name), ..] => name.clone(),
            [other, ..] => other.to_string(),
        },
        _ => return "Expected a tuple/list, got a value of another kind".to_owned(),
    };
    format!("'{name}' operation invalid")
}

/// The `fill` of a query.
///
/// # Errors
/// 400
pub(super) fn fill(call: &Call) -> Result<Option<Fill>, Problem> {
    let read = |text: &str| {
        text.parse().map_err(|error: crate::series::BadFill| Problem::argument("fill", error.to_string()))
    };
    call.query.get("fill").map(read).transpose()
}

/// The `needed_overlap` of a query, in percent.
///
/// # Errors
/// 400
pub(super) fn needed_overlap(call: &Call) -> Result<Option<f64>, Problem> {
    let read = |text: &str| {
        let number = text.trim().parse().ok().filter(|number: &f64| !number.is_nan());
        number.ok_or_else(|| Problem::argument("needed_overlap", "Must be a number"))
    };
    call.query.get("needed_overlap").map(read).transpose()
}

/// Why there is no answer, in Gnocchi's words.
pub(super) fn refused(refusal: Refusal, query: &Query) -> Problem {
    match refusal {
        Refusal::Store(error) => error.into(),
        Refusal::UnknownMetrics(ids) => unknown_metrics(&ids),
        Refusal::NothingNamed(names) => {
            let names: Vec<String> = names.iter().map(|name| format!("'{name}'")).collect();
            Problem::not_found(format!("Metric [{}] does not exist", names.join(", ")))
        }
        Refusal::NotKept(NotKept::Method { metric, method, .. }) => unknown_method(&metric, &method),
        Refusal::NotKept(NotKept::Granularity { metric, granularity, .. }) => {
            cannot("Granularities are missing", vec![json!([metric, granularity.seconds()])])
        }
        Refusal::NoGranularityMatch(series) => {
            let series = series.into_iter().map(|(name, method)| json!([name, method])).collect();
            cannot("No granularity match", series)
        }
        Refusal::Granularities(error @ (BadGranularities::NoMatch | BadGranularities::Missing { .. })) => {
            cannot(&error.to_string(), named(query))
        }
        Refusal::CannotApply(error) => cannot(&error.to_string(), named(query)),
        other @ (Refusal::NotAnId(_) | Refusal::NotAggregated) => Problem::bad(other.to_string()),
    }
}

fn named(query: &Query) -> Vec<Value> {
    query.operations.references().iter().map(|one| json!([one.metric, one.aggregation])).collect()
}

fn cannot(reason: &str, series: Vec<Value>) -> Problem {
    Problem::bad(json!({"cause": "Metrics cannot be aggregated", "reason": reason, "detail": series}))
}

fn unknown_metrics(ids: &[String]) -> Problem {
    Problem::not_found(
        json!({"cause": "Unknown metrics", "reason": "Provided metrics don't exists", "detail": ids}),
    )
}

fn unknown_method(metric: &str, method: &str) -> Problem {
    Problem::not_found(json!({"cause": "Metrics with unknown aggregation", "detail": [[metric, method]]}))
}
