//! telemetry-listen as an HTTP server: what is posted is printed, and what is answered is true.

pub mod client;
mod limits;
mod protocols;
mod tls;

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::Write;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};

use crate::golden::rows;
use crate::run::{Directory, Running, tool, until};
use client::{Client, Response};

/// A server that prints to a pipe that is read, and where it listens.
fn listen(options: &str) -> (Running, String) {
    let running = Running::start(tool("listen", &[&format!("http://127.0.0.1:0{options}"), "--stats", "-"]));
    let address = running.address();
    (running, address)
}

fn record(number: usize) -> String {
    format!("{{\"name\":\"m\",\"volume\":{number}}}")
}

fn list(numbers: std::ops::Range<usize>) -> String {
    format!("[{}]", numbers.map(record).collect::<Vec<_>>().join(", "))
}

fn lines(numbers: std::ops::Range<usize>) -> String {
    numbers.map(|number| record(number) + "\n").collect()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn what_the_real_publisher_posted_is_printed_value_by_value() {
    let Some(rows) = rows("wire_http.jsonl") else { return };
    let (running, address) = listen("");
    let mut expected: Vec<Value> = Vec::new();
    let mut client = Client::connect(&address);
    for request in rows.iter().flat_map(|row| row["requests"].as_array().unwrap()) {
        let body = STANDARD.decode(request["body_b64"].as_str().unwrap()).unwrap();
        let mut head = format!(
            "{} {} HTTP/1.1\r\n",
            request["method"].as_str().unwrap(),
            request["path"].as_str().unwrap()
        );
        for (name, value) in request["headers"].as_object().unwrap() {
            head += &format!("{name}: {}\r\n", value.as_str().unwrap());
        }
        client.send([head.as_bytes(), b"\r\n", &body].concat());
        let parsed: Value = serde_json::from_slice(&body).unwrap();
        let records = parsed.as_array().cloned().unwrap_or_else(|| vec![parsed]);
        // With raw_only, payloads are posted that are records of no kind.
        let (good, bad): (Vec<Value>, Vec<Value>) =
            records.into_iter().partition(|record| record.get("name").or(record.get("event_type")).is_some());
        assert_eq!(client.response().status, if bad.is_empty() { 204 } else { 400 });
        expected.extend(good);
    }
    assert!(expected.len() > 10, "{}", expected.len());
    let ended = running.stop();
    let printed: Vec<Value> = ended.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(printed, expected);
    // serde_json compares numbers as doubles; the digits themselves are these.
    assert!(ended.text().contains("\"big\": 9223372036854775808, \"neg\": -5, \"bool\": true, \"f\": 1.0}"));
}

#[test]
fn one_connection_brings_lists_records_and_lines() {
    let (running, address) = listen("/some/where");
    let mut client = Client::connect(&address);
    assert_eq!(client.post("/some/where", list(0..3)).status, 204);
    assert_eq!(client.post("/some/where/else?a=b", record(3)).status, 204);
    assert_eq!(client.post("/some/where", "[]").status, 204);
    client.request("POST", "/some/where", "Content-Type: application/x-ndjson\n", lines(4..7));
    assert_eq!(client.response().status, 204);
    // Several requests at once, each answered in its turn.
    for number in 7..10 {
        client.request("POST", "/some/where", "Content-Type: application/json\n", record(number));
    }
    for _ in 7..10 {
        assert_eq!(client.response().status, 204);
    }
    let (first, second) = (&record(10)[..4], &record(10)[4..]);
    let chunks = format!("5\r\n[{first}\r\n{:x}\r\n{second}]\r\n0\r\n\r\n", second.len() + 1);
    client.send("POST /some/where HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\n");
    client.send(format!("Transfer-Encoding: chunked\r\n\r\n{chunks}"));
    assert_eq!(client.response().status, 204);
    let ended = running.stop();
    assert_eq!((ended.code(), ended.text()), (Some(0), &lines(0..11)[..]));
    assert_eq!(ended.books()["written"], 11);
}

#[test]
fn an_answer_comes_when_the_records_have_been_written() {
    let directory = Directory::new();
    let path = directory.file("out.jsonl");
    // Alone, and with another source, when a thread and a channel are between.
    for (round, others) in [&[][..], &["udp://127.0.0.1:0"]].into_iter().enumerate() {
        let arguments = [&["http://127.0.0.1:0"][..], others].concat();
        let mut command = tool("listen", &arguments);
        command.stdout(File::create(&path).unwrap());
        let running = Running::start_with_stdout(command);
        let mut client = Client::connect(&running.address());
        for number in 0..50 {
            assert_eq!(client.post("/", record(number)).status, 204);
            assert_eq!(fs::read_to_string(&path).unwrap(), lines(0..number + 1), "round {round}");
        }
        assert_eq!(running.stop().code(), Some(0));
    }
}

#[test]
fn rejected_records_are_named_counted_and_told_and_the_others_are_taken() {
    let (running, address) = listen("/in");
    let mut client = Client::connect(&address);
    let some = client.post("/in/x", format!("[{}, {{\"name\": 1}},\n{}, 5]", record(0), record(1)));
    assert_eq!((some.status, some.header("content-type")), (200, "application/json"));
    let told: Value = serde_json::from_str(&some.body).unwrap();
    assert_eq!((&told["accepted"], &told["rejected"]), (&json!(2), &json!(2)));
    assert!(told["error"].as_str().unwrap().starts_with("2: no record"), "{told}");
    let none = client.post("/in", "[{\"name\":\"m\",\"volume\":\"x\"}");
    assert_eq!(none.status, 400);
    assert!(none.body.contains("the list ends too early"), "{}", none.body);
    assert_eq!(client.post("/in", "nonsense").status, 400);
    let ended = running.stop();
    assert_eq!((ended.code(), ended.text()), (Some(65), &lines(0..2)[..]));
    let books = ended.books();
    assert_eq!((&books["read"], &books["written"]), (&json!(6), &json!(2)));
    assert_eq!(books["rejected"], json!({"no record": 1, "not JSON": 3}));
    let from = ended.stderr.lines().find(|line| line.contains("no record:")).unwrap();
    let words: Vec<&str> = from.split_whitespace().collect();
    assert_eq!((words[1], words[3], words[4]), ("http://127.0.0.1:0/in", "POST", "/in/x:2:"), "{from}");
    assert!(words[2].starts_with("127.0.0.1:"), "{from}");
}

#[test]
fn what_cannot_be_taken_is_refused_with_the_reason() {
    let (running, address) = listen("/in?body_max=2K");
    let mut client = Client::connect(&address);
    let mut status = |method: &str, path: &str, headers: &str, body: &[u8]| -> Response {
        client.request(method, path, headers, body);
        client.response()
    };
    let json = "Content-Type: application/json\n";
    for (method, path) in [("GET", "/in"), ("GET", "/in/"), ("GET", "/in/healthz"), ("HEAD", "/in")] {
        let health = status(method, path, "", b"");
        assert_eq!(health.status, 200, "{method} {path}");
        if method == "HEAD" {
            break;
        }
        assert_eq!(health.body, "ok\n");
    }
    let mut client = Client::connect(&address);
    let mut status = |method: &str, path: &str, headers: &str, body: &[u8]| -> Response {
        client.request(method, path, headers, body);
        client.response()
    };
    for path in ["/", "/inn", "/other"] {
        assert_eq!(status("POST", path, json, b"[]").status, 404, "{path}");
    }
    assert_eq!(status("GET", "/in/x", "", b"").status, 404);
    let other = status("PUT", "/in/x", json, b"[]");
    assert_eq!((other.status, other.header("allow")), (405, "POST"));
    assert_eq!(status("DELETE", "/in", "", b"").header("allow"), "GET, HEAD, POST");
    for media in ["", "Content-Type: text/plain\n", "Content-Type: application/x-www-form-urlencoded\n"] {
        assert_eq!(status("POST", "/in", media, b"[]").status, 415, "{media}");
    }
    let coded = |coding: &str| format!("{json}Content-Encoding: {coding}\n");
    let unknown = status("POST", "/in", &coded("br"), b"x");
    assert_eq!((unknown.status, unknown.header("accept-encoding")), (415, "gzip, deflate, snappy, identity"));
    assert_eq!(status("POST", "/in", &coded("gzip"), b"not gzip").status, 400);
    assert_eq!(status("POST", "/in", &coded("GZIP"), &gzip(record(0).as_bytes())).status, 204);
    let snappy = snap::raw::Encoder::new().compress_vec(list(1..3).as_bytes()).unwrap();
    assert_eq!(status("POST", "/in", &coded("snappy"), &snappy).status, 204);
    // As long as may be, and one byte more: packed, unpacked, and in chunks that do not say how many will come.
    let padded = |length: usize| format!("{}{}", record(3), " ".repeat(length - record(3).len()));
    assert_eq!(status("POST", "/in", json, padded(2048).as_bytes()).status, 204);
    assert_eq!(status("POST", "/in", json, padded(2049).as_bytes()).status, 413);
    assert_eq!(status("POST", "/in", &coded("gzip"), &gzip(padded(2049).as_bytes())).status, 413);
    let mut client = Client::connect(&address);
    client.send(format!(
        "POST /in HTTP/1.1\r\nHost: h\r\n{}Transfer-Encoding: chunked\r\n\r\n801\r\n{}\r\n0\r\n\r\n",
        json.replace('\n', "\r\n"),
        padded(2049)
    ));
    assert_eq!(client.response().status, 413);
    let mut client = Client::connect(&address);
    client.send("POST /in HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\n\r\n");
    assert_eq!(client.response().status, 411);
    client.send("NONSENSE\r\n\r\n");
    assert_eq!(client.response().status, 400);
    let mut client = Client::connect(&address);
    client.send(format!("GET /in HTTP/1.1\r\nHost: h\r\nX: {}\r\n\r\n", "x".repeat(40_000)));
    assert_eq!(client.response().status, 431);
    let mut client = Client::connect(&address);
    client.send(format!("GET /in HTTP/1.1\r\nHost: h\r\n{}\r\n", "X: x\r\n".repeat(101)));
    assert_eq!(client.response().status, 431);
    let ended = running.stop();
    assert_eq!((ended.code(), ended.text().lines().count()), (Some(65), 4));
    assert_eq!(ended.books()["rejected"], json!({"bad request": 2}));
}

#[test]
fn only_those_who_show_a_secret_may_post() {
    let directory = Directory::new();
    let token = directory.write("token", b"t0ken\n");
    let users = directory.write("users", "ann:pass:word\nbob:b\u{fc}\n".as_bytes());
    let (running, address) = listen(&format!("?token_file={token}&users_file={users}"));
    let mut client = Client::connect(&address);
    let mut status = |authorization: &str| -> Response {
        let headers = format!("Content-Type: application/json\n{authorization}");
        client.request("POST", "/", &headers, record(0));
        client.response()
    };
    let basic = |pair: &str| format!("Authorization: Basic {}\n", STANDARD.encode(pair));
    for wrong in ["".to_owned(), "Authorization: Bearer t0ke\n".into(), basic("ann:pass"), basic("eve:x")] {
        let refused = status(&wrong);
        assert_eq!(refused.status, 401, "{wrong}");
        assert_eq!(
            refused.header("www-authenticate"),
            "Bearer realm=\"telemetry\", Basic realm=\"telemetry\""
        );
    }
    for right in ["Authorization: Bearer t0ken\n".to_owned(), basic("ann:pass:word"), basic("bob:b\u{fc}")] {
        assert_eq!(status(&right).status, 204, "{right}");
    }
    // Whether it is there is no secret.
    client.request("GET", "/healthz", "", "");
    assert_eq!(client.response().status, 200);
    let ended = running.stop();
    assert_eq!((ended.text().lines().count(), &ended.books()["requests_refused"]), (3, &json!(4)));
    assert!(!ended.stderr.contains("in the clear"), "{}", ended.stderr);
    let running = Running::start(tool("listen", &[&format!("http://0.0.0.0:0?token_file={token}")]));
    running.until_said("secrets are sent to this address in the clear: use https");
}

#[test]
fn when_the_output_fails_nobody_is_told_that_all_is_well() {
    let mut command = tool("listen", &["http://127.0.0.1:0"]);
    command.stdout(Stdio::from(fs::OpenOptions::new().write(true).open("/dev/full").unwrap()));
    let running = Running::start_with_stdout(command);
    let mut client = Client::connect(&running.address());
    let refused = client.post("/", record(0));
    assert_eq!(refused.status, 503);
    assert!(!refused.header("retry-after").is_empty());
    assert_eq!(running.wait().code(), Some(75));
}

#[test]
fn a_stop_under_load_loses_nothing_that_was_answered() {
    const CLIENTS: usize = 8;
    let (running, address) = listen("?linger=30");
    let (stopped, answered) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let clients: Vec<_> = (0..CLIENTS)
        .map(|number| {
            let (address, stopped, answered) = (address.clone(), Arc::clone(&stopped), Arc::clone(&answered));
            thread::spawn(move || {
                let mut client = Client::connect(&address);
                let mut taken = Vec::new();
                for round in 0.. {
                    let first = (round * CLIENTS + number) * 10;
                    client.request("POST", "/", "Content-Type: application/json\n", list(first..first + 10));
                    match client.try_response() {
                        Some(response) if response.status == 204 => {
                            taken.extend(first..first + 10);
                            answered.fetch_add(1, Ordering::SeqCst);
                        }
                        Some(response) => assert_eq!(response.status, 503),
                        None => {
                            assert!(stopped.load(Ordering::SeqCst), "ended before the stop");
                            return taken;
                        }
                    }
                }
                taken
            })
        })
        .collect();
    until("some load", || (answered.load(Ordering::SeqCst) > 200).then_some(()));
    stopped.store(true, Ordering::SeqCst);
    let ended = running.stop();
    assert_eq!(ended.code(), Some(0), "{}", ended.stderr);
    let answered: BTreeSet<usize> = clients.into_iter().flat_map(|client| client.join().unwrap()).collect();
    let printed: Vec<usize> = ended
        .text()
        .lines()
        .map(|line| {
            let record: Value = serde_json::from_str(line).unwrap();
            record["volume"].as_u64().unwrap() as usize
        })
        .collect();
    let once: BTreeSet<usize> = printed.iter().copied().collect();
    assert_eq!(once.len(), printed.len(), "something was printed twice");
    assert!(answered.is_subset(&once), "{} answered, {} printed", answered.len(), once.len());
    assert_eq!(ended.books()["written"], printed.len());
}

#[test]
fn a_request_in_hand_is_finished_and_a_later_one_is_not_taken() {
    let (running, address) = listen("?linger=30");
    let mut slow = Client::connect(&address);
    let body = list(0..3);
    slow.send(format!("POST / HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\nContent-Length: {}\r\nExpect: 100-continue\r\n\r\n", body.len()));
    // It is in hand when it is asked to go on.
    assert_eq!(slow.response().status, 100);
    running.signal(rustix::process::Signal::TERM);
    until("the end of listening", || std::net::TcpStream::connect(&address).err());
    slow.send(body);
    assert_eq!(slow.response().status, 204);
    slow.until_ended();
    let ended = running.wait();
    assert_eq!((ended.code(), ended.text()), (Some(0), &lines(0..3)[..]));
}

#[test]
fn what_never_comes_is_given_up_after_the_linger() {
    let (running, address) = listen("?linger=0.2");
    let mut slow = Client::connect(&address);
    slow.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\nContent-Length: 10\r\nExpect: 100-continue\r\n\r\n");
    assert_eq!(slow.response().status, 100);
    running.signal(rustix::process::Signal::TERM);
    let given_up = slow.response();
    assert_eq!((given_up.status, given_up.header("connection")), (503, "close"));
    assert_eq!(running.wait().code(), Some(0));
}
