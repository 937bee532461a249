//! The requests that Ceilometer 27.0.0's publishers made of recorded samples and events, and those that we make.

use std::time::Duration;

use serde_json::Value;

use crate::golden::rows;
use crate::http_server::{Asked, Server, reply};
use crate::run::{Ended, run, tool};

fn lines(records: &Value) -> String {
    records.as_array().unwrap().iter().map(|record| format!("{record}\n")).collect()
}

/// Publishes a row's input to `server`, at the row's URL.
fn publish(row: &Value, server: &Server) -> Ended {
    let url = row["url"].as_str().unwrap().replace("127.0.0.1:4954", &server.place());
    let publish = tool("publish", &[&url, "--stats", "-"]);
    run(publish, lines(&row["input"]).as_bytes())
}

/// The same method and path, and the headers that a receiver looks at.
fn assert_same_request(asked: &Asked, recorded: &Value) {
    assert_eq!((&asked.method[..], &asked.path[..]), (text(&recorded["method"]), text(&recorded["path"])));
    assert_eq!(asked.header("content-type"), Some(text(&recorded["headers"]["Content-type"])));
    assert_eq!(asked.header("user-agent"), Some(concat!("telemetry/", env!("CARGO_PKG_VERSION"))));
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

#[test]
fn records_are_posted_as_ceilometer_posts_them() {
    let Some(rows) = rows("wire_http.jsonl") else { return };
    assert!(rows.len() >= 10);
    for row in &rows {
        let status = row["server"]["code"].as_u64().unwrap_or(200) as u16;
        let delay = Duration::from_secs(row["server"]["sleep"].as_u64().unwrap_or(0));
        // Ceilometer loses what a 500 answers; we try again, and the second answer is a 200.
        let server = Server::start(move |_, before| {
            let mut reply = reply(if before == 0 { status } else { 200 });
            reply.delay = delay;
            reply
        });
        let ended = publish(row, &server);
        let mut asked = server.asked();
        let note = &row["note"];
        let given_up = !row["raised"].is_null();
        assert_eq!(ended.code(), Some(if given_up { 69 } else { 0 }), "{note} {}", ended.stderr);
        if status == 500 {
            assert_eq!(asked.len(), 2, "{note}");
            assert_eq!(asked[0].body, asked[1].body);
            asked.pop();
        }
        let recorded = row["requests"].as_array().unwrap();
        assert_eq!(asked.len(), recorded.len(), "{note}");
        for (asked, recorded) in asked.iter().zip(recorded) {
            assert_same_request(asked, recorded);
            let expected: Value = serde_json::from_str(text(&recorded["body_text"])).unwrap();
            assert_eq!(asked.json(), expected, "{note}");
        }
        let records = row["input"].as_array().unwrap().len();
        let books = ended.books();
        let written = books["written"].as_u64().unwrap() as usize;
        let skipped = books["skipped"]["no raw payload"].as_u64().unwrap_or(0) as usize;
        let dropped: u64 = books["dropped"].as_object().unwrap().values().filter_map(Value::as_u64).sum();
        assert_eq!(written + skipped + dropped as usize, records, "{note} {books}");
        assert_eq!(dropped > 0, given_up, "{note} {books}");
    }
}

#[test]
fn a_pushgateway_gets_what_ceilometer_pushes_one_value_a_series() {
    let Some(rows) = rows("wire_prometheus.jsonl") else { return };
    assert!(rows.len() >= 4);
    for row in &rows {
        let server = Server::start(|_, _| reply(200));
        let ended = publish(row, &server);
        assert_eq!(ended.code(), Some(0), "{}", ended.stderr);
        let (asked, recorded) = (server.asked(), row["requests"].as_array().unwrap());
        assert_eq!(asked.len(), recorded.len());
        for (asked, recorded) in asked.iter().zip(recorded) {
            assert_same_request(asked, recorded);
            // Wrong in Ceilometer: it pushes a series twice, and a Pushgateway then refuses the whole push.
            let mut expected: Vec<&str> = Vec::new();
            for line in text(&recorded["body_text"]).lines() {
                if !expected.contains(&line) {
                    expected.push(line);
                }
            }
            assert_eq!(asked.text().lines().collect::<Vec<_>>(), expected);
        }
        assert_eq!(ended.books()["written"], row["input"].as_array().unwrap().len());
    }
}

#[test]
fn a_collector_gets_the_points_of_ceilometer_in_the_protocols_words() {
    let Some(rows) = rows("wire_opentelemetry_http.jsonl") else { return };
    assert!(rows.len() >= 2);
    for row in &rows {
        let server = Server::start(|_, _| reply(200));
        let ended = publish(row, &server);
        assert_eq!(ended.code(), Some(0), "{}", ended.stderr);
        let asked = server.asked();
        // One request, where Ceilometer makes one a sample.
        assert_eq!(asked.len(), 1);
        assert_same_request(&asked[0], &row["requests"][0]);
        let body = asked[0].json();
        let scope = &body["resourceMetrics"][0]["scopeMetrics"][0];
        let ours = scope["metrics"].as_array().unwrap();
        for (index, recorded) in row["requests"].as_array().unwrap().iter().enumerate() {
            let theirs: Value = serde_json::from_str(text(&recorded["body_text"])).unwrap();
            let their_scope = &theirs["resource_metrics"][0]["scope_metrics"][0];
            assert_eq!(scope["scope"], their_scope["scope"]);
            let (their, our) = (&their_scope["metrics"][0], &ours[index]);
            for key in ["name", "description", "unit"] {
                assert_eq!(our[key], their[key]);
            }
            let input = &row["input"][index];
            // Wrong in Ceilometer: `counter` is no field of the protocol, and a delta is no gauge.
            let (our_data, their_data) = match text(&input["type"]) {
                "cumulative" => (&our["sum"], &their["counter"]),
                "delta" => (&our["sum"], &their["gauge"]),
                _ => (&our["gauge"], &their["gauge"]),
            };
            match text(&input["type"]) {
                "cumulative" => assert_eq!(
                    (&our_data["aggregationTemporality"], &our_data["isMonotonic"]),
                    (&2.into(), &true.into())
                ),
                "delta" => assert_eq!(
                    (&our_data["aggregationTemporality"], &our_data["isMonotonic"]),
                    (&1.into(), &false.into())
                ),
                _ => assert!(our_data["aggregationTemporality"].is_null()),
            }
            let (our_point, their_point) = (&our_data["dataPoints"][0], &their_data["data_points"][0]);
            assert_eq!(our_point["asDouble"].as_f64(), their_point["as_double"].as_f64());
            // Wrong in Ceilometer: seconds of the local zone. 2026-03-01T10:20:30.123456Z:
            assert_eq!(our_point["timeUnixNano"], "1772360430123456000");
            let local =
                if text(&row["note"]).contains("Paris") { 1_772_360_430 - 3600 } else { 1_772_360_430 };
            assert_eq!(their_point["time_unix_nano"], local);
            // Wrong in Ceilometer: an attribute that is not known has a text of null.
            let known = their_point["attributes"]
                .as_array()
                .unwrap()
                .iter()
                .filter(|one| one["value"]["string_value"].is_string());
            let known: Vec<(&Value, &Value)> =
                known.map(|one| (&one["key"], &one["value"]["string_value"])).collect();
            let ours = our_point["attributes"].as_array().unwrap().iter();
            let ours: Vec<(&Value, &Value)> =
                ours.map(|one| (&one["key"], &one["value"]["stringValue"])).collect();
            assert_eq!(ours, known);
        }
        assert_eq!(ours.len(), row["requests"].as_array().unwrap().len());
    }
}
