//! The requests that Ceilometer 27.0.0's gnocchi publisher made, and those that we make.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use serde_json::{Value, json};

use crate::fake_gnocchi::fake_gnocchi;
use crate::http_server::Asked;
use crate::run::{Directory, Running, run, skipped, tool};

/// Without the variables of a cloud that the tests may run beside.
fn publish(url: &str) -> Command {
    let mut publish = tool("publish", &[url, "--stats", "-"]);
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("OS_")) {
        publish.env_remove(name);
    }
    publish
}

fn lines(records: &Value) -> String {
    records.as_array().into_iter().flatten().map(|record| format!("{record}\n")).collect()
}

fn sample(name: &str, resource: &str, volume: u32, metadata: &str) -> String {
    format!(
        "{{\"name\":\"{name}\",\"type\":\"gauge\",\"unit\":\"u\",\"volume\":{volume},\"user_id\":\"u\",\"project_id\":\"p\",\"resource_id\":\"{resource}\",\"timestamp\":\"2026-03-01T10:20:30Z\",\"resource_metadata\":{{{metadata}}}}}\n"
    )
}

fn told(asked: &[Asked]) -> Vec<String> {
    asked.iter().map(|asked| format!("{} {}", asked.method, asked.path)).collect()
}

#[test]
fn gnocchi_gets_what_ceilometer_sends() {
    let Some(shared) = std::env::var_os("TELEMETRY_SHARED") else {
        return skipped("wire_gnocchi.jsonl: TELEMETRY_SHARED is not set");
    };
    let text = fs::read_to_string(PathBuf::from(shared).join("golden/wire_gnocchi.jsonl")).unwrap();
    let rows: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(rows.len() >= 17);
    // One publisher made all rows but those that name a URL of their own.
    let own = |row: &&Value| row["note"].as_str().unwrap().starts_with("archive_policy=");
    let shared_rows: Vec<&Value> = rows.iter().filter(|row| !own(row)).collect();
    let server = fake_gnocchi(&[], None);
    let mut running = Running::start(publish(&format!("gnocchi://{}", server.place())));
    let mut seen = 0;
    for row in shared_rows {
        running.write(format!("{}{}", lines(&row["samples"]), lines(&row["events"])).as_bytes());
        let expected = expected(row);
        let asked = server.until_asked(seen + expected.len());
        compare(&asked[seen..], &expected, row);
        seen += expected.len();
    }
    let ended = running.wait();
    // Nothing was asked behind the rows that ask for nothing.
    assert_eq!(server.asked().len(), seen);
    assert_eq!(ended.books()["skipped"]["event"], 8, "{}", ended.stderr);
    assert!(ended.stderr.contains("no resource type has metric no.such.metric"), "{}", ended.stderr);

    for row in rows.iter().filter(own) {
        let server = fake_gnocchi(&["inst-1"], None);
        let ended = run(
            publish(&format!("gnocchi://{}/?archive_policy=high", server.place())),
            lines(&row["samples"]).as_bytes(),
        );
        assert_eq!(ended.code(), Some(0), "{}", ended.stderr);
        let expected = expected(row);
        assert_eq!(server.asked().len(), expected.len());
        compare(&server.asked(), &expected, row);
    }
}

/// The row's requests, with what Ceilometer does otherwise than we.
fn expected(row: &Value) -> Vec<Value> {
    let mut requests = row["requests"].as_array().unwrap().clone();
    // Ceilometer posts a batch even when nothing is in it.
    requests.retain(|request| request["body"] != json!({}));
    for request in &mut requests {
        // Ceilometer's resources end when their event is published; here when it was generated.
        if request["body"]["ended_at"].is_string() {
            request["body"]["ended_at"] = row["events"][0]["generated"].clone();
        }
    }
    requests
}

fn compare(asked: &[Asked], expected: &[Value], row: &Value) {
    for (asked, expected) in asked.iter().zip(expected) {
        assert_eq!(
            (&asked.method[..], &asked.path[..]),
            (expected["method"].as_str().unwrap(), expected["path"].as_str().unwrap())
        );
        for name in ["accept", "content-type"] {
            assert_eq!(asked.header(name), Some("application/json"));
        }
        assert_eq!(asked.json(), expected["body"], "{}", row["note"]);
    }
}

#[test]
fn a_token_is_asked_for_where_the_environment_says_and_again_when_it_has_ended() {
    let server = fake_gnocchi(&["r"], Some(6));
    let mut command = publish("gnocchi://");
    command
        .env("OS_AUTH_URL", format!("http://{}/v3", server.place()))
        .env("OS_USERNAME", "ceilometer")
        .env("OS_PASSWORD", "secret")
        .env("OS_PROJECT_NAME", "service");
    let mut running = Running::start(command);
    // Four policies, a batch and a change use the first token up.
    running.write(sample("cpu", "r", 1, "").as_bytes());
    server.until_asked(7);
    running.write(sample("cpu", "r", 2, "").as_bytes());
    let asked = server.until_asked(10);
    let ended = running.wait();
    assert_eq!((ended.code(), &ended.books()["written"]), (Some(0), &2.into()), "{}", ended.stderr);
    assert!(!ended.stderr.contains("secret"));
    let told = told(&asked);
    assert_eq!((&told[0][..], &told[1][..]), ("POST /v3/auth/tokens", "POST /metric/v1/archive_policy/"));
    assert_eq!(
        &told[7..],
        [
            "POST /metric/v1/batch/resources/metrics/measures?create_metrics=True",
            "POST /v3/auth/tokens",
            "POST /metric/v1/batch/resources/metrics/measures?create_metrics=True"
        ]
    );
    assert_eq!(
        (asked[7].header("x-auth-token"), asked[9].header("x-auth-token")),
        (Some("token-1"), Some("token-2"))
    );
    assert_eq!(asked[0].json()["auth"]["identity"]["password"]["user"]["domain"]["id"], "default");
}

#[test]
fn what_gnocchi_refuses_is_lost_alone() {
    let directory = Directory::new();
    let definitions = directory.write(
        "resources.yaml",
        b"archive_policies: []\nresources:\n- resource_type: thing\n  metrics: [a]\n- resource_type: unknown_type\n  metrics: {b: }\n",
    );
    let server = fake_gnocchi(&[], None);
    let url = format!("gnocchi://u:p@{}/?resources_definition_file={definitions}", server.place());
    let input: String = (0..8)
        .map(|number| {
            sample(
                if number == 3 { "b" } else { "a" },
                &format!("r{number}"),
                if number == 5 { 666 } else { 1 },
                "",
            )
        })
        .collect();
    let ended = run(publish(&url), input.as_bytes());
    assert_eq!(ended.code(), Some(69), "{}", ended.stderr);
    let books = ended.books();
    let name = url.replace("u:p@", "u:***@");
    assert_eq!(books["written"], 6, "{books}");
    assert_eq!(books["dropped"][format!("{name} refused with 400")], 1, "{books}");
    assert_eq!(books["dropped"][format!("{name} resource not created")], 1, "{books}");
    assert!(
        ended.stderr.contains("cannot create unknown_type r3: answered 404: No such type"),
        "{}",
        ended.stderr
    );
    assert_eq!(server.asked()[0].header("authorization"), Some("Basic dTpw"));

    // A resource that somebody else made may differ, and is told what we know.
    let server = fake_gnocchi(&[], None);
    let url = format!("gnocchi://{}", server.place());
    let ended = run(publish(&url), sample("cpu", "taken", 1, "\"host\":\"h\"").as_bytes());
    assert_eq!(ended.code(), Some(0), "{}", ended.stderr);
    assert_eq!(
        told(&server.asked())[5..],
        [
            "POST /v1/resource/instance",
            told(&server.asked())[4].as_str(),
            "PATCH /v1/resource/instance/taken"
        ]
    );
}

#[test]
fn an_instance_that_is_deleted_takes_its_disks_and_interfaces_along() {
    let server = fake_gnocchi(&["i\"1"], None);
    let event = json!({"event_type": "compute.instance.delete.start", "generated": "2026-03-01T10:20:30",
        "traits": [["instance_id", 1, "i\"1"]], "message_id": "m", "raw": {}});
    let ended = run(publish(&format!("gnocchi://{}", server.place())), format!("{event}\n").as_bytes());
    assert_eq!((ended.code(), &ended.books()["written"]), (Some(0), &1.into()), "{}", ended.stderr);
    let asked = server.asked();
    assert_eq!(
        told(&asked)[4..],
        [
            "PATCH /v1/resource/instance/i%221",
            "POST /v1/search/resource/instance_disk",
            "PATCH /v1/resource/instance_disk/a%20instance_disk",
            "POST /v1/search/resource/instance_network_interface",
            "PATCH /v1/resource/instance_network_interface/a%20instance_network_interface",
        ]
    );
    assert_eq!(asked[5].json(), json!({"=": {"instance_id": "i\"1"}}));
    assert_eq!(asked[6].json(), json!({"ended_at": "2026-03-01T10:20:30"}));
}

#[test]
fn attributes_that_change_are_patched_and_a_filtered_project_is_left_out() {
    let server = fake_gnocchi(&[], None);
    let url = format!("gnocchi://{}/?filter_project=gnocchis&auth=none", server.place());
    let mut running = Running::start(publish(&url));
    let image = |name: &str| sample("image.size", "i", 1, &format!("\"name\":\"{name}\""));
    running.write(image("one").as_bytes());
    server.until_asked(7);
    running.write(image("two").as_bytes());
    let asked = server.until_asked(9);
    running.write(image("two").replace("\"p\"", "\"gnocchis\"").as_bytes());
    let ended = running.wait();
    assert_eq!(server.asked().len(), 9);
    assert_eq!(told(&asked)[8], "PATCH /v1/resource/image/i");
    assert_eq!(asked[8].json(), json!({"project_id": "p", "name": "two"}));
    assert_eq!(asked[8].header("x-roles"), Some("admin"));
    assert_eq!(ended.books()["skipped"]["filtered project"], 1);

    let ended = run(publish("gnocchi://"), b"");
    assert_eq!(ended.code(), Some(2));
    assert!(ended.stderr.contains("OS_AUTH_URL is not set"), "{}", ended.stderr);
    let ended = run(publish("gnocchi://h/?resources_definition_file=/no/such"), b"");
    assert_eq!(ended.code(), Some(78));
}
