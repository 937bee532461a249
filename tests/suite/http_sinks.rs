//! Ways out over HTTP when the receiver fails: what is tried again, what is lost, and that the books say so.

use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::http_server::{Asked, Server, reply};
use crate::run::{Directory, Running, run, tool, until};

fn sample(number: usize) -> String {
    format!(
        "{{\"name\":\"m\",\"type\":\"gauge\",\"unit\":\"u\",\"volume\":{number},\"resource_id\":\"r\",\"timestamp\":\"2026-03-01T10:20:30Z\"}}\n"
    )
}

fn samples(count: usize) -> String {
    (0..count).map(sample).collect()
}

/// The volumes in requests of JSON lists.
fn volumes(asked: &[Asked]) -> Vec<u64> {
    let list = |asked: &Asked| asked.json().as_array().unwrap().clone();
    asked.iter().flat_map(list).map(|sample: Value| sample["volume"].as_u64().unwrap()).collect()
}

#[test]
fn what_a_receiver_could_not_take_yet_is_delivered_later_and_once() {
    // A port that was free a moment ago, and where somebody listens only after the first attempt.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let mut publish =
        Running::start(tool("publish", &[&format!("http://{address}/in?linger=60"), "--stats", "-"]));
    publish.write(samples(100).as_bytes());
    publish.until_said("cannot deliver");
    let server = Server::on(TcpListener::bind(address).unwrap(), |_, before| match before {
        0 => reply(503).header("retry-after", "0"),
        1 => {
            let mut broken = reply(200);
            broken.breaks = true;
            broken
        }
        2 => reply(429),
        _ => reply(204),
    });
    let asked = server.until_asked(4);
    assert!(asked.windows(2).all(|pair| pair[0].body == pair[1].body));
    assert_eq!(volumes(&asked[3..]), (0..100).collect::<Vec<_>>());
    publish.until_said("connected again");
    let ended = publish.wait();
    assert_eq!((ended.code(), &ended.books()["written"]), (Some(0), &Value::from(100)), "{}", ended.stderr);
}

#[test]
fn what_a_receiver_refuses_is_lost_and_said_and_the_rest_goes_on() {
    let server = Server::start(|asked, _| match asked.text().contains("\"volume\":3,") {
        true => reply(422).with("three is\nnot a number"),
        false => reply(200),
    });
    let url = format!("http://me:secret@{}/in?batch=no", server.place());
    let ended = run(tool("publish", &[&url, "--stats", "-"]), samples(5).as_bytes());
    assert_eq!(ended.code(), Some(69), "{}", ended.stderr);
    assert_eq!(server.asked().len(), 5);
    assert_eq!(server.asked()[0].header("authorization"), Some("Basic bWU6c2VjcmV0"));
    assert!(
        ended.stderr.contains("answered 422: three is not a number; records lost: 1"),
        "{}",
        ended.stderr
    );
    assert!(!ended.stderr.contains("secret"), "{}", ended.stderr);
    let books = ended.books();
    assert_eq!(books["written"], 4);
    let name = url.replace("secret", "***");
    assert_eq!(books["dropped"][format!("{name} refused with 422")], 1, "{books}");
}

#[test]
fn what_is_not_delivered_when_the_end_has_waited_is_counted() {
    let server = Server::start(|_, _| reply(500));
    let url = format!("http://{}/in?linger=0.3", server.place());
    let ended = run(tool("publish", &[&url, "--stats", "-"]), samples(10).as_bytes());
    assert_eq!(ended.code(), Some(69));
    assert_eq!(ended.books()["dropped"][format!("{url} not delivered")], 10, "{}", ended.stderr);
    assert!(ended.stderr.contains("10 records could not be delivered: cannot deliver: answered 500"));
}

#[test]
fn a_receiver_that_never_answers_costs_the_timeout_and_as_many_attempts_as_are_allowed() {
    // The system accepts the connection, nobody ever reads it.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/in?timeout=0.2&max_retries=1", listener.local_addr().unwrap());
    let began = Instant::now();
    let ended = run(tool("publish", &[&url, "--stats", "-"]), samples(3).as_bytes());
    assert_eq!(ended.code(), Some(69), "{}", ended.stderr);
    assert_eq!(ended.books()["dropped"][format!("{url} not delivered")], 3);
    assert!(ended.stderr.contains("timeout"), "{}", ended.stderr);
    assert!(began.elapsed() >= Duration::from_millis(400));
}

#[test]
fn a_full_queue_drops_the_newest_or_makes_the_input_wait() {
    let held = Arc::new(AtomicUsize::new(1));
    let gate = Arc::clone(&held);
    let server = Server::start(move |_, _| reply(if gate.load(Ordering::Acquire) > 0 { 503 } else { 200 }));
    let url = format!("http://{}/in?queue=64K&linger=60", server.place());
    let mut publish = Running::start(tool("publish", &[&url, "--stats", "-"]));
    publish.write(sample(0).as_bytes());
    publish.until_said("cannot deliver");
    let input = samples(5000);
    publish.write(input.as_bytes());
    let lost = format!("{url} queue full");
    let books = publish.books_when("dropped records", |books| books["dropped"][&lost].as_u64().is_some());
    assert!(books["dropped"][&lost].as_u64().unwrap() > 0);
    held.store(0, Ordering::Release);
    let books = publish.wait().books();
    assert_eq!(
        books["written"].as_u64().unwrap() + books["dropped"][&lost].as_u64().unwrap(),
        5001,
        "{books}"
    );

    held.store(1, Ordering::Release);
    let url = format!("{url}&when_full=wait");
    let mut publish = Running::start(tool("publish", &[&url, "--stats", "-"]));
    publish.write(sample(0).as_bytes());
    publish.until_said("cannot deliver");
    held.store(0, Ordering::Release);
    publish.write(input.as_bytes());
    assert_eq!(publish.wait().books()["written"], 5001);
}

#[test]
fn a_token_is_read_for_each_request_and_options_are_checked_before_the_run() {
    let directory = Directory::new();
    let token = directory.write("token", b"first\n");
    let server = Server::start(|_, _| reply(200));
    let url = format!("http://{}/in?token_file={token}", server.place());
    let mut publish = Running::start(tool("publish", &[&url]));
    publish.write(sample(0).as_bytes());
    server.until_asked(1);
    directory.write("token", b"second\n");
    publish.write(sample(1).as_bytes());
    let asked = server.until_asked(2);
    publish.wait();
    let sent: Vec<_> = asked.iter().filter_map(|asked| asked.header("authorization")).collect();
    assert_eq!(sent, ["Bearer first", "Bearer second"]);

    for (options, code, said) in [
        ("batch=maybe", 2, "batch=maybe: say True or False"),
        ("batch_size=0", 2, "batch_size=0 is not a number from 1"),
        ("verify_ssl=/no/such/ca.pem", 78, "/no/such/ca.pem: No such file"),
        (&format!("clientcert={token}"), 78, "neither a certificate nor a key in PEM"),
    ] {
        let ended = run(tool("publish", &[&format!("https://127.0.0.1:9/?{options}")]), b"");
        assert_eq!(ended.code(), Some(code), "{options} {}", ended.stderr);
        assert!(ended.stderr.contains(said), "{options} {}", ended.stderr);
    }
}

#[test]
fn a_receiver_killed_in_the_middle_loses_nothing_that_it_did_not_take() {
    // It takes three requests, then is gone until it is started again at the same place.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let first = Server::on(listener, |_, before| {
        let mut answer = reply(200);
        answer.breaks = before >= 3;
        answer
    });
    let url = format!("http://{address}/in?batch_size=10&linger=0.2");
    let mut publish = Running::start(tool("publish", &[&url, "--stats", "-"]));
    publish.write(samples(100).as_bytes());
    until("all but the taken ones to be refused", || (first.asked().len() > 5).then_some(()));
    let taken = volumes(&first.asked()[..3]);
    assert_eq!(taken, (0..30).collect::<Vec<_>>());
    assert!(
        first.asked()[3..]
            .iter()
            .all(|asked| volumes(std::slice::from_ref(asked)) == (30..40).collect::<Vec<_>>())
    );
    let books = publish.stop().books();
    assert_eq!(books["written"], 30, "{books}");
}

#[test]
fn remote_write_sends_snappy_protobuf_to_the_usual_place() {
    let server = Server::start(|_, _| reply(204));
    let url = format!("prometheus+write://{}", server.place());
    let event = "{\"event_type\":\"e\",\"traits\":[]}\n";
    let ended = run(tool("publish", &[&url, "--stats", "-"]), format!("{}{event}", samples(3)).as_bytes());
    assert_eq!(ended.code(), Some(0), "{}", ended.stderr);
    assert_eq!((&ended.books()["written"], &ended.books()["skipped"]["event"]), (&3.into(), &1.into()));
    let asked = server.asked();
    assert_eq!((asked.len(), &asked[0].path[..]), (1, "/api/v1/write"));
    for (name, value) in [
        ("content-type", "application/x-protobuf"),
        ("content-encoding", "snappy"),
        ("x-prometheus-remote-write-version", "0.1.0"),
    ] {
        assert_eq!(asked[0].header(name), Some(value));
    }
    // Three points of one time are one, and the last counts: 2.0 at 1772360430000 ms, as protobuf has them.
    let plain = snap::raw::Decoder::new().decompress_vec(&asked[0].body).unwrap();
    let mut point = vec![0x12, 0x10, 0x09];
    point.extend(2.0_f64.to_le_bytes());
    point.extend([0x10, 0xB0, 0xE3, 0xA7, 0xC7, 0xCA, 0x33]);
    assert!(plain.windows(point.len()).any(|window| window == point), "{plain:02x?}");
}

#[test]
fn points_that_a_collector_does_not_want_are_counted() {
    let server = Server::start(|_, before| match before {
        0 => reply(200)
            .with("{\"partialSuccess\":{\"rejectedDataPoints\":\"2\",\"errorMessage\":\"too old\"}}"),
        // 500 is final in this protocol.
        _ => reply(500),
    });
    let url = format!("otlp+http://{}?batch_size=5", server.place());
    let ended = run(tool("publish", &[&url, "--stats", "-"]), samples(10).as_bytes());
    assert_eq!(ended.code(), Some(69));
    assert_eq!(server.asked().iter().map(|asked| &asked.path[..]).collect::<Vec<_>>(), ["/v1/metrics"; 2]);
    let books = ended.books();
    assert_eq!(
        (&books["written"], &books["dropped"][format!("{url} refused with 200")]),
        (&3.into(), &2.into())
    );
    assert_eq!(books["dropped"][format!("{url} refused with 500")], 5);
    assert!(ended.stderr.contains("too old"), "{}", ended.stderr);
}

#[test]
fn one_sample_that_a_remote_write_refuses_takes_no_other_with_it() {
    let is_refused = |asked: &Asked| {
        let body = snap::raw::Decoder::new().decompress_vec(&asked.body).unwrap();
        memchr::memmem::find(&body, b"rotten").is_some()
    };
    let server = Server::start(move |asked, _| match is_refused(asked) {
        true => reply(400).with("out of bounds"),
        false => reply(200),
    });
    let url = format!("prometheus+write://{}", server.place());
    let input = samples(700) + &sample(0).replace("\"name\":\"m\"", "\"name\":\"rotten\"") + &samples(299);
    assert!(input.contains("rotten"), "{input}");
    let ended = run(tool("publish", &[&url, "--stats", "-"]), input.as_bytes());
    assert_eq!(ended.code(), Some(69), "{}", ended.stderr);
    assert!(ended.stderr.contains("answered 400: out of bounds; records lost: 1"), "{}", ended.stderr);
    let books = ended.books();
    assert_eq!(
        (&books["written"], &books["dropped"][format!("{url} refused with 400")]),
        (&999.into(), &1.into())
    );
    // 1,000 halved ten times, in two requests each; the input may have come in several batches.
    assert!(server.asked().len() <= 32, "{}", server.asked().len());
}

#[test]
fn a_remote_write_that_refuses_everything_is_not_asked_for_ever() {
    let server = Server::start(|_, _| reply(400).with("no"));
    let url = format!("prometheus+write://{}", server.place());
    let ended = run(tool("publish", &[&url, "--stats", "-"]), samples(1000).as_bytes());
    assert_eq!(ended.books()["dropped"][format!("{url} refused with 400")], 1000, "{}", ended.stderr);
    // The input may have come in several batches.
    assert!(server.asked().len() <= 3 * 128, "{}", server.asked().len());
}

#[test]
fn a_record_that_a_service_has_no_form_for_is_lost_and_costs_the_exit_status() {
    for scheme in ["prometheus+write", "otlp+http", "prometheus"] {
        let server = Server::start(|_, _| reply(200));
        let url = format!("{scheme}://{}/metrics/job/x", server.place());
        let input = sample(1) + "{\"name\":\"x\",\"volume\":1}\n";
        let ended = run(tool("publish", &[&url, "--stats", "-"]), input.as_bytes());
        let lost: u64 =
            ended.books()["dropped"].as_object().unwrap().values().map(|count| count.as_u64().unwrap()).sum();
        assert_eq!((ended.code(), lost), (Some(65), 1), "{scheme}: {}", ended.stderr);
        assert_eq!(ended.books()["written"], 1, "{scheme}");
    }
}

#[test]
fn what_can_be_known_to_be_wrong_is_said_at_the_start() {
    let ended = run(tool("publish", &["http://127.0.0.1:1/?token_file=/no/such/file"]), b"");
    assert_eq!(ended.code(), Some(78), "{}", ended.stderr);
    assert!(ended.stderr.contains("/no/such/file: No such file"), "{}", ended.stderr);
    let ended = run(tool("publish", &["http://127.0.0.1:1x/"]), b"");
    assert_eq!(ended.code(), Some(2), "{}", ended.stderr);
    let ended = run(tool("publish", &["prometheus://127.0.0.1:1/"]), b"");
    assert!(ended.stderr.contains("it is /metrics/job/NAME"), "{}", ended.stderr);
    assert_eq!(ended.code(), Some(0), "{}", ended.stderr);
}
