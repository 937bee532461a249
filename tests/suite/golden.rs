//! Records that nobody here wrote: notifications of a real cloud, and the samples and events that the real
//! Ceilometer 27.0.0 made of them, through our tools.

use std::fs;
use std::path::PathBuf;

use serde_json::Value;

use crate::run::{Ended, run, skipped, tool};

/// The rows of a file of recorded answers; none, and said, without them.
pub fn rows(name: &str) -> Option<Vec<Value>> {
    let Some(shared) = std::env::var_os("TELEMETRY_SHARED") else {
        skipped(&format!("{name}: TELEMETRY_SHARED is not set"));
        return None;
    };
    let path = PathBuf::from(shared).join("golden").join(name);
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    // Python writes bare what JSON has not: an infinity becomes 1e308, which nothing else in the files is, a NaN a text.
    let text = text.replace(": Infinity", ": 1e308").replace(": NaN", ": \"NaN\"");
    Some(text.lines().map(|line| serde_json::from_str(line).unwrap()).collect())
}

/// Whether an event is to pass, told without our filter.
type Matches<'a> = &'a dyn Fn(&Value) -> bool;

fn lines<'a>(records: impl IntoIterator<Item = &'a Value>) -> String {
    records.into_iter().map(|record| format!("{record}\n")).collect()
}

/// Runs a tool, which must have nothing to complain of.
fn clean(name: &str, arguments: &[&str], input: &str) -> Ended {
    let ended = run(tool(name, arguments), input.as_bytes());
    assert_eq!((ended.code(), ended.stderr.as_str()), (Some(0), ""), "{name} {arguments:?}");
    ended
}

/// The samples with a volume, and those without: Ceilometer makes them, and its pipeline drops them unseen.
fn samples(rows: &[Value]) -> (Vec<&Value>, Vec<&Value>) {
    let all = rows.iter().flat_map(|row| row["samples"].as_array().into_iter().flatten());
    all.map(|row| &row["sample"]).partition(|sample| sample["volume"].is_number())
}

#[test]
fn real_notifications_samples_and_events_pass_byte_for_byte() {
    let Some(rows) = rows("real_notifications.jsonl") else { return };
    let bodies = rows.iter().map(|row| row["oslo_message"].clone());
    let events = rows.iter().map(|row| row["event"].clone()).filter(Value::is_object);
    let all: Vec<Value> = bodies.chain(events).chain(samples(&rows).0.into_iter().cloned()).collect();
    assert!(all.len() > 900, "{}", all.len());
    let text = lines(&all);
    assert!(clean("listen", &["--emit", "notifications"], &text).text() == text);
}

#[test]
fn real_events_are_filtered_as_their_traits_say() {
    let Some(rows) = rows("real_notifications.jsonl") else { return };
    let events: Vec<&Value> =
        rows.iter().map(|row| &row["event"]).filter(|event| event.is_object()).collect();
    let has = |event: &Value, name: &str, test: &dyn Fn(&Value) -> bool| {
        event["traits"].as_array().unwrap().iter().any(|one| one[0] == name && test(&one[2]))
    };
    let compute = |event: &Value| event["event_type"].as_str().unwrap().starts_with("compute.");
    let one_cpu = |event: &Value| has(event, "vcpus", &|value| value.as_i64() == Some(1));
    let has_project = |event: &Value| has(event, "project_id", &|_| true);
    let cases: [(&str, Matches<'_>); 4] = [
        ("event_type like \"compute.%\"", &compute),
        ("event_type like 'compute.%' and traits.vcpus <= 1 and traits.vcpus >= 1", &|e| {
            compute(e) && one_cpu(e)
        }),
        ("traits.project_id != null", &has_project),
        ("{\"not\": {\"like\": {\"event_type\": \"compute.%\"}}}", &|e| !compute(e)),
    ];
    for (query, expected) in cases {
        let expected: Vec<&Value> = events.iter().copied().filter(|event| expected(event)).collect();
        assert!(!expected.is_empty() && expected.len() < events.len(), "{query} tells nothing apart");
        let ended = clean("events", &["-q", query], &lines(events.iter().copied()));
        assert!(ended.text() == lines(expected), "{query}");
    }
}

#[test]
fn samples_of_the_real_ceilometer_are_counted_and_added_up() {
    let Some(rows) = rows("real_notifications.jsonl") else { return };
    let (samples, empty) = samples(&rows);
    let numbers: Vec<f64> = samples.iter().filter_map(|sample| sample["volume"].as_f64()).collect();
    let text = lines(samples.iter().copied());
    let ended = clean("aggregate", &["-g", "1d", "-a", "count,sum", "--late", "emit"], &text);
    let (mut count, mut sum) = (0, 0.0);
    for line in ended.text().lines() {
        let row: Value = serde_json::from_str(line).unwrap();
        count += row["aggregates"]["count"].as_u64().unwrap();
        sum += row["aggregates"]["sum"].as_f64().unwrap();
    }
    assert_eq!(count as usize, samples.len());
    assert!((sum - numbers.iter().sum::<f64>()).abs() <= 1e-9 * sum.abs(), "{sum}");
    let refused = run(tool("listen", &["--stats", "-"]), lines(empty.iter().copied()).as_bytes());
    assert_eq!((refused.code(), refused.text()), (Some(65), ""));
    assert_eq!(refused.books()["rejected"]["missing key"], empty.len());
}
