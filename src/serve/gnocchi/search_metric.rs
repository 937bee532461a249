//! `/v1/search/metric`: the measures of metrics whose values satisfy a condition.

use serde_json::{Value, json};

use super::body::Field;
use super::gate::Gate;
use super::rows::Body;
use super::{Desk, rows, timing};
use crate::model::Granularity;
use crate::series::{Method, Series};
use crate::serve::http::{Answer, Call, Problem, Route};
use crate::store::index::{IndexError, Metric, parse_uuid};
use crate::work::stored::{NotKept, Range, Stored, Want, granularities, read};

/// Most metrics of one search.
const METRICS_MAX: usize = 1_000;

/// What is answered here.
pub(super) fn routes() -> Vec<Route<Desk>> {
    vec![Route::post("/v1/search/metric", search)]
}

fn search(desk: &Desk, call: &Call) -> Result<Answer, Problem> {
    let metrics = found(desk, call)?;
    if call.body.is_empty() {
        return Err(Problem::bad("No query specified in body"));
    }
    let condition = condition(&Field::whole(&call.json()?))?;
    let time = |name: &str| match call.query.get(name) {
        None => Ok(None),
        Some(text) => timing::instant(text, call.now)
            .map(Some)
            .ok_or_else(|| Problem::bad(format!("Invalid value for {name}"))),
    };
    let range = Range { start: time("start")?, stop: time("stop")? };
    let asked = call
        .query
        .all("granularity")
        .map(|text| timing::length_or(text).map_err(|reason| Problem::argument("granularity", reason)));
    let asked = asked.collect::<Result<Vec<Granularity>, Problem>>()?;
    let name = call.query.get("aggregation").unwrap_or("mean");
    let mut body = Body::default();
    body.text("{");
    for (number, metric) in metrics.iter().enumerate() {
        let (method, wanted) = wanted(metric, name, &asked)?;
        let Stored { series, damage } = read(&desk.store, &[Want { metric, method }], &wanted, range)?;
        rows::tell(&desk.books, damage);
        body.text(&format!("{}\"{}\":", if number == 0 { "" } else { "," }, metric.id));
        body.series(series.into_iter().flatten().map(|series| kept(series, &condition)));
        body.check(desk)?;
    }
    body.text("}");
    body.answer(desk)
}

/// The metrics that the query names and that are there, each once; the caller may search them.
fn found(desk: &Desk, call: &Call) -> Result<Vec<Metric>, Problem> {
    let mut ids = Vec::new();
    for text in call.query.all("metric_id") {
        ids.push(
            parse_uuid(text).ok_or_else(|| Problem::bad(format!("Invalid input: \"{text}\" is no UUID")))?,
        );
    }
    ids.sort_unstable();
    ids.dedup();
    if ids.len() > METRICS_MAX {
        return Err(Problem::bad(format!(
            "{} metrics are more than the {METRICS_MAX} of one search",
            ids.len()
        )));
    }
    let gate = Gate::new(desk, call, "search metric")?;
    let mut metrics = Vec::with_capacity(ids.len());
    for id in ids {
        match desk.store.index().metric(id) {
            Ok(metric) => {
                gate.pass(&metric)?;
                metrics.push(metric);
            }
            Err(IndexError::NotFound { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(metrics)
}

/// What to read of a metric: a method, and granularities, all that there are where none is asked for.
fn wanted(
    metric: &Metric,
    method: &str,
    asked: &[Granularity],
) -> Result<(Method, Vec<Granularity>), Problem> {
    let unknown = |granularity: Granularity| {
        Problem::bad(json!({
            "cause": "Aggregation does not exist",
            "detail": {"granularity": granularity.seconds(), "aggregation_method": method},
        }))
    };
    let all: Vec<Granularity> = granularities(&metric.archive_policy).collect();
    let read =
        NotKept::method(metric, method).map_err(|_| unknown(asked.first().copied().unwrap_or(all[0])))?;
    if let Some(other) = asked.iter().find(|one| !all.contains(one)) {
        return Err(unknown(*other));
    }
    Ok((read, if asked.is_empty() { all } else { asked.to_vec() }))
}

fn kept(series: Series, condition: &Condition) -> Series {
    let mut kept = Series::empty(series.granularity);
    for (at, value) in series.timestamps.iter().zip(&series.values) {
        if is_true(condition.value(*value)) {
            kept.timestamps.push(*at);
            kept.values.push(*value);
        }
    }
    kept
}

/// A condition on a value.
#[derive(Debug)]
enum Condition {
    Number(f64),
    /// An operator, and what stands on both sides; where it has one side only, the value stands on the left.
    Two(Operator, Option<Box<Condition>>, Box<Condition>),
    All(Vec<Condition>),
    Any(Vec<Condition>),
}

/// What is computed of two numbers; comparisons give 1 or 0.
type Operator = fn(f64, f64) -> f64;

impl Condition {
    fn value(&self, of: f64) -> f64 {
        match self {
            Condition::Number(number) => *number,
            Condition::Two(operator, left, right) => {
                operator(left.as_ref().map_or(of, |left| left.value(of)), right.value(of))
            }
            Condition::All(all) => truth(all.iter().all(|one| is_true(one.value(of)))),
            Condition::Any(any) => truth(any.iter().any(|one| is_true(one.value(of)))),
        }
    }
}

fn truth(holds: bool) -> f64 {
    f64::from(u8::from(holds))
}

fn is_true(value: f64) -> bool {
    value != 0.0
}

/// serde_json has looked at the depth.
fn condition(field: &Field<'_>) -> Result<Condition, Problem> {
    let members = field.members()?;
    let Some((name, operand)) = members.iter().next().filter(|_| members.len() == 1) else {
        return Err(field.refused("one operator is expected"));
    };
    let several = || operand.list()?.iter().map(condition).collect::<Result<Vec<_>, Problem>>();
    match name {
        "and" | "∧" => return several().map(Condition::All),
        "or" | "∨" => return several().map(Condition::Any),
        _ => {}
    }
    let operator = operator(name).ok_or_else(|| members.key_refused(name, "extra keys not allowed"))?;
    if let Some(number) = operand.value.as_f64() {
        return Ok(Condition::Two(operator, None, Box::new(Condition::Number(number))));
    }
    let sides = operand.list()?;
    let [left, right] = &sides[..] else {
        return Err(operand.refused("a number or a list of two is expected"));
    };
    let side = |field: &Field<'_>| match field.value {
        Value::Number(number) => Ok(Condition::Number(number.as_f64().unwrap_or(f64::NAN))),
        _ => condition(field),
    };
    Ok(Condition::Two(operator, Some(Box::new(side(left)?)), Box::new(side(right)?)))
}

fn operator(name: &str) -> Option<Operator> {
    Some(match name {
        "=" | "==" | "eq" => |a, b| truth(a == b),
        "<" | "lt" => |a, b| truth(a < b),
        ">" | "gt" => |a, b| truth(a > b),
        "<=" | "≤" | "le" => |a, b| truth(a <= b),
        ">=" | "≥" | "ge" => |a, b| truth(a >= b),
        "!=" | "≠" | "ne" => |a, b| truth(a != b),
        // With the sign of the divisor, as in Python.
        "%" | "mod" => |a, b| a - b * (a / b).floor(),
        "+" | "add" => |a, b| a + b,
        "-" | "sub" => |a, b| a - b,
        "*" | "×" | "mul" => |a, b| a * b,
        "/" | "÷" | "div" => |a, b| a / b,
        "**" | "^" | "pow" => f64::powf,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holds(query: Value, value: f64) -> bool {
        is_true(condition(&Field::whole(&query)).unwrap().value(value))
    }

    #[test]
    fn a_condition_is_on_the_value() {
        assert!(holds(json!({"=": 12}), 12.0) && !holds(json!({"=": 12}), 13.0));
        assert!(holds(json!({"∧": [{"≥": 10}, {"<": 20}]}), 12.0));
        assert!(!holds(json!({"or": [{"<": 10}, {">": 20}]}), 12.0));
        assert!(holds(json!({"=": [{"%": 5}, 2]}), 12.0) && holds(json!({"=": [{"%": 5}, 3]}), -2.0));
        assert!(!holds(json!({"or": []}), 1.0) && holds(json!({"and": []}), 1.0));
    }

    #[test]
    fn what_is_no_condition_is_refused() {
        for wrong in [
            json!([]),
            json!({}),
            json!({"not": [{"=": 1}]}),
            json!({"=": 1, "<": 2}),
            json!({"=": "a"}),
            json!({"=": [1]}),
            json!({"=": [1, "a"]}),
            json!({"and": {"=": 1}}),
        ] {
            assert!(condition(&Field::whole(&wrong)).is_err(), "{wrong}");
        }
    }
}
