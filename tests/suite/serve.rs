//! telemetry-aggregate serve: what callers that are slow, greedy or gone may cost the others, and what a refusal leaves behind.

use std::io::Write as _;
use std::net::TcpStream;
use std::process::Stdio;
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;
use rusqlite::Connection;
use rustix::process::Signal;
use serde_json::{Value, json};

use crate::http::client::{Client, Response};
use crate::run::{Directory, Running, tool, until};

/// Who may do everything.
const ADMIN: &str = "Authorization: Basic YWRtaW46\nContent-Type: application/json\n";

/// A server with a store of its own, and where it listens.
fn serve(folder: &Directory, options: &[&str]) -> (Running, String) {
    let store = folder.path().join("store");
    let mut arguments = vec!["serve", "--store", store.to_str().unwrap(), "--listen", "127.0.0.1:0"];
    arguments.extend_from_slice(options);
    let running = Running::start(tool("aggregate", &arguments));
    let said = running.until_said("serving at http://");
    let address = said.split("serving at http://").nth(1).unwrap().split_whitespace().next().unwrap();
    (running, address.to_owned())
}

fn ask(address: &str, method: &str, path: &str, body: &Value) -> Response {
    let mut client = Client::connect(address);
    let body = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
    client.request(method, path, ADMIN, body);
    client.response()
}

/// The answer of a request that is not refused.
fn must(address: &str, method: &str, path: &str, body: &Value) -> Value {
    let answer = ask(address, method, path, body);
    assert!(answer.status < 300, "{method} {path}: {} {}", answer.status, answer.body);
    serde_json::from_str(&answer.body).unwrap_or_default()
}

fn list(address: &str, path: &str) -> Vec<Value> {
    must(address, "GET", path, &Value::Null).as_array().unwrap().clone()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packer = GzEncoder::new(Vec::new(), Compression::default());
    packer.write_all(bytes).unwrap();
    packer.finish().unwrap()
}

/// A metric of its own with `count` points a minute apart; its path.
fn metric(address: &str, count: usize) -> String {
    let policy = json!({"name": "minutes", "definition": [{"granularity": 60, "points": 1_000_000}]});
    ask(address, "POST", "/v1/archive_policy", &policy);
    let made = must(address, "POST", "/v1/metric", &json!({"archive_policy_name": "minutes"}));
    let path = format!("/v1/metric/{}/measures", made["id"].as_str().unwrap());
    let measures: Vec<Value> =
        (0..count).map(|minute| json!({"timestamp": minute * 60 + 60, "value": minute})).collect();
    must(address, "POST", &path, &Value::Array(measures));
    path
}

#[test]
fn a_batch_that_is_refused_makes_no_metric() {
    let folder = Directory::new();
    let (running, address) = serve(&folder, &[]);
    let resource = "5a1d9f6e-1111-5111-8111-000000000001";
    must(&address, "POST", "/v1/resource/generic", &json!({"id": resource}));
    let points = json!([{"timestamp": "2026-01-01T00:00:00", "value": 1}]);
    for broken in [json!([{"timestamp": "yesterday's", "value": 1}]), json!([{"timestamp": 1}])] {
        let batch = json!({resource: {"a": points, "b": {"archive_policy_name": "low", "measures": points}, "c": broken}});
        let answer =
            ask(&address, "POST", "/v1/batch/resources/metrics/measures?create_metrics=true", &batch);
        assert_eq!(answer.status, 400, "{}", answer.body);
        assert_eq!(list(&address, "/v1/metric"), Vec::<Value>::new());
    }
    assert_eq!(running.stop().code(), Some(0));
}

#[test]
fn a_packed_body_is_what_it_was_and_one_that_grows_without_end_is_refused() {
    let folder = Directory::new();
    let (running, address) = serve(&folder, &["--max-body", "1000000"]);
    let path = metric(&address, 1);
    let mut client = Client::connect(&address);
    let headers = format!("{ADMIN}Content-Encoding: gzip\n");
    client.request("POST", &path, &headers, gzip(br#"[{"timestamp": 600, "value": 7}]"#));
    assert_eq!(client.response().status, 202);
    let found = list(&address, &format!("{path}?refresh=true&aggregation=max"));
    assert_eq!(found.last().unwrap()[2], 7.0);
    let bomb = gzip(&vec![b' '; 200 << 20]);
    assert!(bomb.len() < 1_000_000);
    client.request("POST", &path, &headers, &bomb);
    assert_eq!(client.response().status, 413);
    let packed = gzip(br#"[{"timestamp": 660, "value": 8}]"#);
    client.request("POST", &path, &headers, &packed[..packed.len() - 9]);
    assert_eq!(client.response().status, 400);
    assert_eq!(running.stop().code(), Some(0));
}

#[test]
fn an_answer_that_is_read_slowly_is_not_cut_for_somebody_else() {
    let folder = Directory::new();
    let (running, address) = serve(&folder, &["--connections", "1"]);
    let path = metric(&address, 200_000);
    let mut slow = Client::connect(&address);
    // Once it is answered the one connection that there may be is its own.
    slow.request("GET", &path, ADMIN, "");
    let head = slow.head();
    assert_eq!(head.status, 200);
    for _ in 0..3 {
        assert_eq!(Client::connect(&address).response().status, 503);
    }
    let whole: Value = serde_json::from_slice(&slow.chunks()).unwrap();
    assert_eq!(whole.as_array().unwrap().len(), 200_000);
    // Now it is idle, and makes room.
    assert_eq!(list(&address, "/v1/metric").len(), 1);
    slow.until_ended();
    assert_eq!(running.stop().code(), Some(0));
}

#[test]
fn a_list_has_no_more_rows_than_may_be_and_says_where_it_goes_on() {
    let folder = Directory::new();
    let (running, address) = serve(&folder, &["--max-limit", "3"]);
    for _ in 0..7 {
        must(&address, "POST", "/v1/metric", &json!({"archive_policy_name": "low"}));
    }
    for (asked, given) in [("", 3), ("?limit=2", 2), ("?limit=1000000", 3)] {
        assert_eq!(list(&address, &format!("/v1/metric{asked}")).len(), given, "{asked}");
    }
    let mut pages = vec![];
    let mut next = Some("/v1/metric".to_owned());
    while let Some(path) = next {
        let answer = ask(&address, "GET", &path, &Value::Null);
        let rows: Vec<Value> = serde_json::from_str(&answer.body).unwrap();
        pages.push(rows.len());
        let link = answer.header("link");
        next = link.split_once("http://h").map(|(_, rest)| rest.split('>').next().unwrap().to_owned());
    }
    assert_eq!(pages, [3, 3, 1]);
    assert_eq!(running.stop().code(), Some(0));
}

#[test]
fn what_was_not_begun_when_its_caller_was_told_to_try_again_is_not_done() {
    let folder = Directory::new();
    let (running, address) = serve(&folder, &["--timeout", "1", "--threads", "1"]);
    let index = Connection::open(folder.path().join("store/index.sqlite")).unwrap();
    // The one thread waits for the index with the first; the second waits for the thread.
    index.execute_batch("BEGIN IMMEDIATE").unwrap();
    let mut callers: Vec<Client> = (0..2).map(|_| Client::connect(&address)).collect();
    for (caller, name) in callers.iter_mut().zip(["first", "second"]) {
        caller.request("POST", "/v1/resource/generic", ADMIN, json!({"id": name}).to_string());
    }
    for caller in &mut callers {
        let answer = caller.response();
        assert_eq!((answer.status, answer.header("retry-after").is_empty()), (503, false));
    }
    index.execute_batch("COMMIT").unwrap();
    must(&address, "POST", "/v1/resource/generic", &json!({"id": "third"}));
    let found = list(&address, "/v1/resource/generic");
    let names: Vec<&str> = found.iter().map(|one| one["original_resource_id"].as_str().unwrap()).collect();
    assert!(names.contains(&"third") && !names.contains(&"second"), "{names:?}");
    assert_eq!(running.stop().code(), Some(0));
}

#[test]
fn bodies_that_stall_leave_room_for_others() {
    let folder = Directory::new();
    let (running, address) = serve(&folder, &["--max-body", "16777216"]);
    let path = metric(&address, 1);
    // Each holds as much as it may, and then says no more.
    let stalled: Vec<TcpStream> = (0..5)
        .map(|_| {
            let mut stream = TcpStream::connect(&address).unwrap();
            let head = format!("POST {path} HTTP/1.1\r\nHost: h\r\nAuthorization: Basic YWRtaW46\r\nContent-Type: application/json\r\nContent-Length: 16000000\r\n\r\n");
            stream.write_all(head.as_bytes()).unwrap();
            stream.set_write_timeout(Some(Duration::from_millis(300))).unwrap();
            // What finds no room stays in the socket's buffers.
            let _ = stream.write_all(&vec![b' '; 15_900_000]);
            stream
        })
        .collect();
    for value in 0..3 {
        must(&address, "POST", &path, &json!([{"timestamp": 60, "value": value}]));
    }
    drop(stalled);
    assert_eq!(running.stop().code(), Some(0));
}

#[test]
fn a_stop_finishes_what_is_in_hand() {
    let folder = Directory::new();
    let (running, address) = serve(&folder, &[]);
    let index = Connection::open(folder.path().join("store/index.sqlite")).unwrap();
    index.execute_batch("BEGIN IMMEDIATE").unwrap();
    let mut caller = Client::connect(&address);
    caller.request("POST", "/v1/resource/generic", ADMIN, r#"{"id": "in hand"}"#);
    // It is being worked at: its server has read all of it.
    until("the request is read", || {
        metrics(&address).contains("telemetry_http_received_bytes_total 17").then_some(())
    });
    running.signal(Signal::TERM);
    until("nobody new is let in", || TcpStream::connect(&address).is_err().then_some(()));
    index.execute_batch("COMMIT").unwrap();
    assert_eq!(caller.response().status, 201);
    assert_eq!(running.wait().code(), Some(0));
}

fn metrics(address: &str) -> String {
    let mut client = Client::connect(address);
    client.request("GET", "/metrics", "", "");
    client.response().body
}

#[test]
fn a_hup_opens_the_log_and_reads_the_rules_again() {
    let folder = Directory::new();
    let rules = folder.write("rules.yaml", b"\"create archive policy\": \"role:admin\"\n");
    let log = folder.file("access.log");
    let (running, address) = serve(&folder, &["--policy", &rules, "--access-log", &log]);
    let policy = |name: &str| json!({"name": name, "definition": [{"granularity": 60, "points": 60}]});
    assert_eq!(ask(&address, "POST", "/v1/archive_policy", &policy("a")).status, 201);
    std::fs::rename(&log, folder.file("access.log.1")).unwrap();
    folder.write("rules.yaml", b"\"create archive policy\": \"role:nobody\"\n");
    running.signal(Signal::HUP);
    running.until_said("HUP: ");
    assert_eq!(ask(&address, "POST", "/v1/archive_policy", &policy("b")).status, 403);
    // A mistake is said, and what was read before goes on.
    folder.write("rules.yaml", b"\"create archive policy\": \"role:admin or\"\n");
    running.signal(Signal::HUP);
    let said = running.until_said("not read again: ");
    assert!(said.contains("rules.yaml"), "{said}");
    assert_eq!(ask(&address, "POST", "/v1/archive_policy", &policy("b")).status, 403);
    assert_eq!(running.stop().code(), Some(0));
    let lines = |name| std::fs::read_to_string(folder.file(name)).unwrap();
    assert!(
        lines("access.log.1").contains("\"POST /v1/archive_policy HTTP/1.1\" 201"),
        "{}",
        lines("access.log.1")
    );
    assert_eq!(lines("access.log").matches("\" 403 ").count(), 2, "{}", lines("access.log"));
}

#[test]
fn who_does_not_read_the_log_holds_up_nobody() {
    let folder = Directory::new();
    let store = folder.file("store");
    let mut command =
        tool("aggregate", &["serve", "--store", &store, "--listen", "127.0.0.1:0", "--access-log", "-"]);
    command.stdout(Stdio::piped());
    // Its standard output is a pipe of 64 KiB that nobody reads.
    let running = Running::start_with_stdout(command);
    let said = running.until_said("serving at http://");
    let address = said.split("serving at http://").nth(1).unwrap().split_whitespace().next().unwrap();
    let mut client = Client::connect(address);
    let long = "x".repeat(1000);
    for _ in 0..300 {
        client.request("GET", &format!("/v1/capabilities?{long}"), "", "");
        assert_eq!(client.response().status, 200);
    }
    assert_eq!(running.stop().code(), Some(0));
}

#[test]
fn below_its_prefix_is_not_beside_it() {
    let folder = Directory::new();
    let (running, address) = serve(&folder, &["--prefix", "/gnocchi"]);
    let address = address.split('/').next().unwrap();
    for (path, status) in [
        ("/gnocchi/v1/capabilities", 200),
        ("/gnocchi", 200),
        ("/gnocchiv1/capabilities", 404),
        ("/gnocchimetrics", 404),
        ("/v1/capabilities", 404),
    ] {
        assert_eq!(ask(address, "GET", path, &Value::Null).status, status, "{path}");
    }
    assert_eq!(running.stop().code(), Some(0));
}

#[test]
fn what_the_service_has_done_is_for_everybody_unless_a_rule_says_otherwise() {
    let folder = Directory::new();
    let rules = folder.write("rules.yaml", b"\"get self-metrics\": \"role:admin\"\n\"get metrics\": \"\"\n");
    let (running, address) = serve(&folder, &["--policy", &rules]);
    assert!(
        running.stderr().contains("nothing asks for the rule \"get metrics\"; did you mean \"get metric\"?")
    );
    let mut nobody = Client::connect(&address);
    nobody.request("GET", "/metrics", "", "");
    assert_eq!(nobody.response().status, 401);
    assert_eq!(ask(&address, "GET", "/metrics", &Value::Null).status, 200);
    assert_eq!(running.stop().code(), Some(0));
    let (running, address) = serve(&folder, &[]);
    assert!(metrics(&address).contains("telemetry_store_metrics 0"));
    assert_eq!(running.stop().code(), Some(0));
}
