//! Notifications of real services and made ones, through our definition engine, against what the real Ceilometer
//! 27.0.0 made of them.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::golden::rows;
use crate::run::{Directory, Ended, run, tool};

/// The records that came out, identities of samples as the recording has them.
fn records(ended: &Ended) -> Vec<Value> {
    let all = ended.text().lines().map(|line| {
        let mut record: Value = serde_json::from_str(line).unwrap();
        if record.get("volume").is_some() {
            record["id"] = json!("*");
        }
        record
    });
    all.collect()
}

/// A notification in the form of the recording, with the priority that it was sent with.
fn with_priority(row: &Value) -> Value {
    let mut notification = row["notification"].clone();
    notification["priority"] = row.get("priority").cloned().unwrap_or(json!("info"));
    notification
}

/// A recorded sample as we give it: none where its volume is no number, which Ceilometer's pipeline drops, or which a
/// reader of ours could not take; a text that is a number is one.
fn as_ours(sample: &Value) -> Option<Value> {
    let mut sample = sample.clone();
    let volume = match &sample["volume"] {
        Value::String(text) => match text.parse::<i64>() {
            Ok(number) => json!(number),
            Err(_) => json!(text.parse::<f64>().ok().filter(|number| number.is_finite())?),
        },
        Value::Number(number) => json!(number),
        _ => return None,
    };
    sample["volume"] = volume;
    Some(sample)
}

/// Rows of `custom_definitions` where we do better on purpose, and what we give: docs/original-behaviour.md.
fn deliberate(note: &str) -> Option<fn(&Ended)> {
    match note {
        // The original loses the event with the trait.
        "unconvertible int raises" => Some(|ended| {
            let records = records(ended);
            assert_eq!(records.len(), 1, "{}", ended.stderr);
            let names: Vec<&Value> =
                records[0]["traits"].as_array().unwrap().iter().map(|one| &one[0]).collect();
            assert_eq!(names, ["service", "request_id", "project_id", "user_id", "tenant_id"]);
            assert_eq!(ended.books()["traits_unfit"], 1);
        }),
        _ => None,
    }
}

#[test]
fn definitions_of_our_own_give_what_ceilometer_gives() {
    let Some(rows) = rows("custom_definitions.jsonl") else { return };
    assert!(rows.len() >= 60, "{}", rows.len());
    let scratch = Directory::new();
    for (index, row) in rows.iter().enumerate() {
        let note = row["note"].as_str().unwrap();
        let is_event = row["kind"] == "event";
        let text = if is_event { row["definitions"].clone() } else { json!({"metric": [row["definition"]]}) };
        let definitions = scratch.write("definitions.yaml", text.to_string().as_bytes());
        let empty = scratch.write("empty.yaml", b"");
        let (meters, events) = if is_event { (&empty, &definitions) } else { (&definitions, &empty) };
        let mut arguments =
            vec!["--meter-definitions", meters, "--event-definitions", events, "--stats", "-"];
        arguments.extend(["--emit", if is_event { "events" } else { "samples" }]);
        if row["options"]["drop_unmatched_notifications"] == true {
            arguments.push("--drop-unmatched");
        }
        let store_raw: Vec<&str> =
            row["options"]["store_raw"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        let store_raw = store_raw.join(",");
        if !store_raw.is_empty() {
            arguments.extend(["--store-raw", &store_raw]);
        }
        let input = format!("{}\n", with_priority(row));
        let ended = run(tool("listen", &arguments), input.as_bytes());
        let where_ = format!("row {index}: {note}\n{}", ended.stderr);
        if let Some(check) = deliberate(note) {
            check(&ended);
            continue;
        }
        match &row["out"] {
            // The definition is refused, or the notification gives nothing.
            Value::Object(out) if out.contains_key("error") => {
                arguments.push("--check-config");
                let checked = run(tool("listen", &arguments), b"");
                assert_eq!(checked.code(), Some(78), "{where_}");
                assert!(checked.stderr.contains("definitions.yaml:1: "), "{where_}");
            }
            Value::Null => assert_eq!(ended.text(), "", "{where_}"),
            Value::Object(_) => assert_eq!(records(&ended), [row["out"].clone()], "{where_}"),
            Value::Array(samples) => {
                let expected: Vec<Value> = samples.iter().filter_map(as_ours).collect();
                assert_eq!(records(&ended), expected, "{where_}");
            }
            other => panic!("{where_}: {other}"),
        }
    }
}

/// Runs all notifications of a file at once, with what is built in.
fn converted(notifications: &[Value], emit: &str) -> Ended {
    let input: String = notifications.iter().map(|one| format!("{one}\n")).collect();
    run(tool("listen", &["--emit", emit, "--quiet"]), input.as_bytes())
}

/// Samples in an order that does not depend on the file they are defined in.
fn sorted(mut samples: Vec<Value>) -> Vec<Value> {
    samples
        .sort_by_key(|sample| (sample["name"].to_string(), sample["volume"].to_string(), sample.to_string()));
    samples
}

/// Compares one notification after the other, so that a difference names its row.
fn compare(rows: &[Value], notification: &dyn Fn(&Value) -> Value, samples: &dyn Fn(&Value) -> Vec<Value>) {
    let mut different = BTreeMap::new();
    for (index, row) in rows.iter().enumerate() {
        let ended = converted(&[notification(row)], "samples");
        let (ours, theirs) = (sorted(records(&ended)), sorted(samples(row)));
        if ours != theirs {
            different.insert(index, (ours, theirs));
        }
    }
    assert!(different.is_empty(), "{} rows differ: {different:#?}", different.len());
}

#[test]
fn made_notifications_give_the_samples_that_ceilometer_keeps() {
    let Some(rows) = rows("notification_samples.jsonl") else { return };
    assert!(rows.len() > 100, "{}", rows.len());
    let samples = |row: &Value| {
        let all = row["samples"].as_array().unwrap().iter();
        all.filter(|one| one["kept_by_pipeline"] == true).filter_map(|one| as_ours(&one["sample"])).collect()
    };
    compare(&rows, &with_priority, &samples);
}

#[test]
fn made_notifications_give_the_events_of_ceilometer() {
    let Some(rows) = rows("notification_events.jsonl") else { return };
    assert!(rows.len() > 100, "{}", rows.len());
    let notifications: Vec<Value> = rows.iter().map(with_priority).collect();
    let expected: Vec<Value> = rows.iter().map(|row| row["event"].clone()).filter(Value::is_object).collect();
    let ours = records(&converted(&notifications, "events"));
    assert_eq!(ours.len(), expected.len());
    for (ours, theirs) in ours.iter().zip(&expected) {
        assert_eq!(ours, theirs);
    }
}

#[test]
fn real_notifications_give_the_samples_and_events_of_ceilometer() {
    let Some(rows) = rows("real_notifications.jsonl") else { return };
    assert!(rows.len() > 300, "{}", rows.len());
    let message = |row: &Value| row["oslo_message"].clone();
    let notifications: Vec<Value> = rows.iter().map(message).collect();
    let expected: Vec<Value> = rows.iter().map(|row| row["event"].clone()).filter(Value::is_object).collect();
    let ours = records(&converted(&notifications, "events"));
    assert_eq!(ours.len(), expected.len());
    for (ours, theirs) in ours.iter().zip(&expected) {
        assert_eq!(ours, theirs);
    }
    let expected: Vec<Value> = rows
        .iter()
        .flat_map(|row| row["samples"].as_array().unwrap())
        .filter_map(|one| as_ours(&one["sample"]))
        .collect();
    let ours = records(&converted(&notifications, "samples"));
    assert_eq!(ours.len(), expected.len());
    assert_eq!(sorted(ours), sorted(expected));
}
