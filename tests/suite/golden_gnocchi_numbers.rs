//! Our numbers are those of the real Gnocchi 4.7.1, bit for bit.
//!
//! The answers were recorded by tests/conformance/gnocchi_numbers.py, which calls Gnocchi's own functions. With
//! `GNOCCHI_NUMBERS=FILE` the suite asks the questions of another recording, not compressed.

use std::fs;
use std::io::Read;

use serde_json::Value;
use telemetry::model::{Granularity, Timestamp};
use telemetry::operations::{Answer, Input, Reference, apply, parse_text};
use telemetry::series::{Alignment, Fill, Form, Method, Point, Series, Spans, Statistic, Step, resample};

/// A time and a value.
type Row = (i64, f64);

fn recorded(kind: &str) -> Vec<Value> {
    let text = match std::env::var("GNOCCHI_NUMBERS") {
        Ok(path) => fs::read_to_string(path).unwrap(),
        Err(_) => {
            let packed = include_bytes!("../fixtures/gnocchi_numbers.jsonl.gz");
            let mut text = String::new();
            flate2::read::GzDecoder::new(&packed[..]).read_to_string(&mut text).unwrap();
            text
        }
    };
    let records = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let found: Vec<Value> = records.filter(|record| record["kind"] == kind).collect();
    assert!(!found.is_empty(), "nothing recorded of {kind}");
    found
}

fn number(value: &Value) -> f64 {
    match value {
        Value::String(infinite) => infinite.parse().unwrap(),
        _ => value.as_f64().unwrap_or(f64::NAN),
    }
}

/// `[[ns, …, value], …]`, the last of each being the value.
fn rows(list: &Value) -> Vec<Row> {
    let row = |row: &Value| (row[0].as_i64().unwrap(), number(row.as_array().unwrap().last().unwrap()));
    list.as_array().unwrap().iter().map(row).collect()
}

fn granularity(ns: &Value) -> Granularity {
    Granularity::from_ns(ns.as_i64().unwrap()).unwrap()
}

fn series(granularity: Granularity, rows: &[Row]) -> Series {
    Series {
        granularity,
        timestamps: rows.iter().map(|(ns, _)| Timestamp::from_ns(*ns)).collect(),
        values: rows.iter().map(|(_, value)| *value).collect(),
    }
}

fn rows_of(series: &Series) -> Vec<Row> {
    series.timestamps.iter().map(|at| at.ns()).zip(series.values.iter().copied()).collect()
}

fn same_bits(a: f64, b: f64) -> bool {
    a.to_bits() == b.to_bits() || a.is_nan() && b.is_nan()
}

/// `ours` and `theirs` differ in no more than rounding.
fn close(ours: f64, theirs: f64) -> bool {
    same_bits(ours, theirs) || (ours - theirs).abs() <= 1e-9 * theirs.abs().max(1e-6)
}

fn assert_rows(ours: &[Row], theirs: &[Row], same: impl Fn(usize, f64, f64) -> bool, question: &str) {
    let times = |rows: &[Row]| rows.iter().map(|(ns, _)| *ns).collect::<Vec<_>>();
    assert_eq!(times(ours), times(theirs), "{question}");
    for (index, (our, their)) in ours.iter().zip(theirs).enumerate() {
        assert!(same(index, our.1, their.1), "row {index}: {:e} is not {:e} in {question}", our.1, their.1);
    }
}

/// Whether two values of a method are the same. Gnocchi finds a percentile's place among all points of a batch, which
/// rounds the place in any span but the first, and so the weights of the two neighbours; ours counts in its own span.
fn same_by(method: Method, of: &[Row]) -> impl Fn(usize, f64, f64) -> bool {
    let percentile = matches!(method.statistic, Statistic::Percentile(_));
    // Differences may be twice as large as what they are taken of.
    let largest = of.iter().map(|(_, value)| 2.0 * value.abs()).fold(0.0, f64::max);
    move |row, ours, theirs| {
        same_bits(ours, theirs) || percentile && row > 0 && (ours - theirs).abs() <= 1e-13 * largest
    }
}

#[test]
fn spans_of_raw_points_are_gnocchis() {
    for question in recorded("spans") {
        let raw = rows(&question["points"]);
        let point = |&(ns, value): &Row| Point { timestamp: Timestamp::from_ns(ns), value };
        let points: Vec<Point> = raw.iter().map(point).collect();
        for (name, answer) in question["answers"].as_object().unwrap() {
            let method: Method = name.parse().unwrap();
            let spans = Spans::of(&points, None, granularity(&question["granularity"]), &[method]);
            let ours = rows_of(&spans.series(method).unwrap());
            // The first span of rates may be the second one of points, whose place is no longer exact.
            let same = same_by(method, &raw);
            let first = usize::from(method.form == Form::Rate);
            let same = |row: usize, a: f64, b: f64| same(row + first, a, b);
            assert_rows(&ours, &rows(answer), same, &format!("{name} of {question}"));
        }
    }
}

#[test]
fn resampled_series_are_gnocchis() {
    for question in recorded("resample") {
        let stored = rows(&question["points"]);
        let fine = series(granularity(&question["granularity"]), &stored);
        let step: Step = question["step"].as_str().unwrap().parse().unwrap();
        for (name, answer) in question["answers"].as_object().unwrap() {
            let method: Method = name.parse().unwrap();
            let (starts, columns) =
                resample(&fine.timestamps, vec![fine.values.clone()], step, method).unwrap();
            let ours: Vec<Row> = starts.iter().map(|at| at.ns()).zip(columns.into_iter().flatten()).collect();
            assert_rows(&ours, &rows(answer), same_by(method, &stored), &format!("{name} of {question}"));
        }
    }
}

/// What we answer to a recorded question about operations.
fn answer(question: &Value) -> Result<Answer, String> {
    let inputs = question["inputs"].as_array().unwrap().iter().map(|input| Input {
        reference: Reference {
            metric: input["metric"].as_str().unwrap().to_owned(),
            aggregation: input["aggregation"].as_str().unwrap().to_owned(),
        },
        series: input["series"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| series(granularity(&one["granularity"]), &rows(&one["points"])))
            .collect(),
    });
    let fill = match &question["fill"] {
        Value::Null => None,
        Value::String(word) => Some(word.parse::<Fill>().unwrap()),
        number => Some(Fill::Number(number.as_f64().unwrap())),
    };
    let alignment = Alignment {
        fill,
        needed_overlap: question["overlap"].as_f64().unwrap(),
        has_start: question["has_start"].as_bool().unwrap(),
        has_stop: question["has_stop"].as_bool().unwrap(),
    };
    let tree = parse_text(question["operations"].as_str().unwrap()).unwrap();
    apply(&tree, inputs.collect(), &alignment).map_err(|fault| fault.to_string())
}

/// The rows of all granularities, one after the other, with the granularity of each.
fn flat(levels: &[Series]) -> (Vec<Row>, Vec<i64>) {
    let granularities = levels.iter().flat_map(|level| vec![level.granularity.ns(); level.len()]);
    (levels.iter().flat_map(rows_of).collect(), granularities.collect())
}

fn granularities(list: &Value) -> Vec<i64> {
    list.as_array().unwrap().iter().map(|row| row[1].as_i64().unwrap()).collect()
}

#[test]
fn operations_give_gnocchis_answers() {
    for question in recorded("operations") {
        let text = question["operations"].as_str().unwrap();
        // The processor's sine is not the library's: numpy has its own, and the last bit may differ.
        let rounded = ["(sin ", "(cos ", "(tan "].iter().any(|word| text.contains(word));
        let same = |_, ours: f64, theirs: f64| {
            // Numpy's counts are integers, and its medians sums from zero: neither is ever minus zero.
            same_bits(ours, theirs) || ours == 0.0 && theirs == 0.0 || rounded && close(ours, theirs)
        };
        let compare = |levels: &[Series], theirs: &Value| {
            let (ours, steps) = flat(levels);
            assert_rows(&ours, &rows(theirs), same, &question.to_string());
            assert_eq!(steps, granularities(theirs), "{question}");
        };
        match answer(&question) {
            Ok(Answer::Aggregated(levels)) => {
                assert!(question["aggregated"].is_array(), "{question}");
                compare(&levels, &question["aggregated"]);
            }
            Ok(Answer::Each(each)) => {
                assert!(question["each"].is_object(), "{question}");
                for (levels, input) in each.iter().zip(question["inputs"].as_array().unwrap()) {
                    compare(levels, &question["each"][input["metric"].as_str().unwrap()]);
                }
            }
            Err(fault) => {
                let theirs = question["error"].as_str().unwrap_or_else(|| panic!("{fault}: {question}"));
                // Both end with the operands, which Gnocchi writes as Python lists.
                let operands = " different granularity ";
                let start = |text: &str| text.split(operands).next().map(str::to_owned);
                assert_eq!(start(&fault), start(theirs), "{question}");
            }
        }
    }
}

#[test]
fn truths_are_counted_where_gnocchi_only_knows_whether_there_is_one() {
    // A deliberate difference: numpy's True + True is True.
    for question in recorded("truths") {
        let Ok(Answer::Aggregated(levels)) = answer(&question) else { panic!("{question}") };
        let theirs = rows(&question["aggregated"]);
        assert!(theirs.iter().all(|(_, value)| *value <= 1.0));
        assert!(theirs.iter().any(|(_, value)| *value == 1.0));
        assert!(flat(&levels).0.iter().any(|(_, value)| *value == 2.0), "{question}");
    }
}
