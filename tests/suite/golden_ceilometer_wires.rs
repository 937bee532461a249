//! What the real Ceilometer 27.0.0 and 8.1.5 signed and sent over udp, tcp and into files, through our wires and tools.

use std::borrow::Cow;
use std::io::Write;
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::thread;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use telemetry::base::Secret;
use telemetry::model::Node;
use telemetry::wire::msgpack;
use telemetry::wire::signature::{NotVerified, SIGNATURE, Signer};

use crate::golden::rows;
use crate::run::{Directory, Ended, Running, run, tool};

type Entries = Vec<(Cow<'static, str>, Node<'static>)>;

/// The entries of a JSON object.
fn entries(value: &Value) -> Entries {
    match serde_json::from_str::<Node<'_>>(&value.to_string()).unwrap().into_owned() {
        Node::Map(entries) => entries,
        other => panic!("{other:?}"),
    }
}

fn bytes(row: &Value, key: &str) -> Vec<u8> {
    STANDARD.decode(row[key].as_str().unwrap()).unwrap()
}

/// Rows of signatures, with the infinity that 1e308 stands for.
fn signatures() -> Option<Vec<(Value, Entries)>> {
    let rows = rows("models_signatures.jsonl")?;
    let with_entries = |row: Value| {
        let mut message = entries(&row["message"]);
        for (_, value) in &mut message {
            if *value == Node::Float(1e308) {
                *value = Node::Float(f64::INFINITY);
            }
        }
        (row, message)
    };
    Some(rows.into_iter().map(with_entries).collect())
}

#[test]
fn every_recorded_signature_is_ours_and_no_other_fits() {
    let Some(rows) = signatures() else { return };
    assert!(rows.len() >= 25);
    for (row, mut message) in rows {
        let secret = row["secret"].as_str().unwrap();
        let mut signer = Signer::new(&Secret::new(secret));
        let note = &row["note"];
        assert_eq!(signer.sign(&message).as_str(), row["message"][SIGNATURE], "{note}");
        assert_eq!(signer.verify(&message), Ok(()), "{note}");
        // The order of keys does not matter, a value does.
        message.reverse();
        assert_eq!(signer.verify(&message), Ok(()), "{note}");
        let (_, value) = message.iter_mut().find(|(key, _)| key == "message_id").unwrap();
        *value = Node::from("another");
        let expected = if secret.is_empty() { Ok(()) } else { Err(NotVerified::Wrong) };
        assert_eq!(signer.verify(&message), expected, "{note}");
    }
}

/// Sends each of `samples` as a datagram with telemetry-publish, and gives the datagrams.
fn datagrams(samples: &str, count: usize, arguments: &[&str]) -> Vec<Vec<u8>> {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let url = format!("udp://{}", socket.local_addr().unwrap());
    let ended = run(tool("publish", &[&[&*url], arguments].concat()), samples.as_bytes());
    assert_eq!((ended.code(), &*ended.stderr), (Some(0), ""));
    let mut buffer = vec![0; 70_000];
    (0..count)
        .map(|_| {
            let length = socket.recv(&mut buffer).unwrap();
            buffer[..length].to_vec()
        })
        .collect()
}

/// Sends datagrams to telemetry-listen, and gives how it ended when as many lines had come.
fn listened(datagrams: &[Vec<u8>], lines: usize, arguments: &[&str]) -> Ended {
    let running = Running::start(tool("listen", &[&["udp://127.0.0.1:0"], arguments].concat()));
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.connect(running.address()).unwrap();
    datagrams.iter().for_each(|datagram| _ = socket.send(datagram).unwrap());
    running.until_lines(lines);
    running.stop()
}

fn values(ended: &Ended) -> Vec<Value> {
    ended.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn lines(records: &[Value]) -> String {
    records.iter().map(|record| format!("{record}\n")).collect()
}

#[test]
fn our_datagrams_are_those_of_the_udp_publisher_byte_for_byte() {
    let Some(rows) = rows("wire_udp.jsonl") else { return };
    let samples: Vec<Value> = rows.iter().map(|row| row["sample"].clone()).collect();
    let ours = datagrams(&lines(&samples), rows.len(), &[]);
    for (row, ours) in rows.iter().zip(ours) {
        assert!(ours == bytes(row, "datagram_b64"), "{:?}\n{:?}", msgpack::read(&ours), row["sample"]);
    }
}

#[test]
fn datagrams_of_the_udp_publisher_become_the_samples_that_it_was_given() {
    let Some(rows) = rows("wire_udp.jsonl") else { return };
    let directory = Directory::new();
    let secret = directory.write("secret", b"change this for valid signing\n");
    let messages: Vec<_> = rows.iter().map(|row| bytes(row, "datagram_b64")).collect();
    let ended = listened(&messages, rows.len(), &["--secret-file", &secret]);
    assert_eq!(ended.code(), Some(0), "{}", ended.stderr);
    let samples: Vec<Value> = rows.iter().map(|row| row["sample"].clone()).collect();
    // Text for text: the order of the keys is that of the recorded samples too.
    assert_eq!(ended.text(), lines(&samples));
}

#[test]
fn our_stream_is_that_of_the_tcp_publisher_but_for_the_host() {
    let Some(rows) = rows("wire_tcp.jsonl") else { return };
    for row in rows {
        let samples = row["samples"].as_array().cloned().unwrap_or_else(|| vec![row["sample"].clone()]);
        // The recording host's name as a key of the sample is kept, and the frame is theirs byte for byte.
        let named: Vec<Value> = samples
            .iter()
            .map(|sample| {
                let mut sample = sample.clone();
                sample["publisher_id"] = json!("golden-host");
                sample
            })
            .collect();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("tcp://{}", listener.local_addr().unwrap());
        let receiver = thread::spawn(move || {
            let mut all = Vec::new();
            std::io::Read::read_to_end(&mut listener.accept().unwrap().0, &mut all).unwrap();
            all
        });
        let ended = run(tool("publish", &[&url]), lines(&named).as_bytes());
        assert_eq!(ended.code(), Some(0), "{}", ended.stderr);
        let theirs = bytes(&row, "stream_b64");
        assert!(receiver.join().unwrap() == theirs);
        // And what they sent is read, however the stream is cut.
        for cut in [1, 4, 7, 8, 9, 300, theirs.len()] {
            let running = Running::start(tool("listen", &["tcp://127.0.0.1:0", "--unverified", "reject"]));
            let mut socket = TcpStream::connect(running.address()).unwrap();
            socket.set_nodelay(true).unwrap();
            theirs.chunks(cut).for_each(|piece| socket.write_all(piece).unwrap());
            running.until_lines(samples.len());
            let ended = running.stop();
            assert_eq!((ended.code(), values(&ended)), (Some(0), named.clone()), "{}", ended.stderr);
        }
    }
}

#[test]
fn ocatas_datagrams_are_read_and_what_was_tampered_with_is_told_as_its_collector_told_it() {
    let Some(rows) = rows("wire_ocata_udp.jsonl") else { return };
    for row in rows {
        assert_eq!(row["collector_accepts"], true);
        let whole = bytes(&row, "datagram_b64");
        let mut tampered = whole.clone();
        let at = tampered
            .windows(3)
            .position(|three| three == b"r-1")
            .or_else(|| tampered.windows(3).position(|three| three == b"r/2"));
        tampered[at.unwrap()] = b'q';
        let messages = [tampered, whole];
        let ended = listened(&messages, 1, &["--unverified", "reject"]);
        assert_eq!(ended.code(), Some(65));
        assert!(
            ended.stderr.contains("udp://127.0.0.1:0:1: the signature does not fit the secret"),
            "{}",
            ended.stderr
        );
        let decoded = &row["decoded"];
        let sample = &values(&ended)[0];
        for (key, value) in decoded.as_object().unwrap() {
            let key = key.strip_prefix("counter_").unwrap_or(if key == "message_id" { "id" } else { key });
            if key != SIGNATURE {
                assert_eq!(&sample[key], value, "{key}");
            }
        }
        assert_eq!(sample.as_object().unwrap().len() + 1, decoded.as_object().unwrap().len());
        if row["sample"].is_object() {
            assert_eq!(ended.text(), format!("{}\n", row["sample"]));
        }
        let marked = values(&listened(&messages, 2, &["--unverified", "mark"]));
        assert_eq!((&marked[0]["signature"], &marked[1]["signature"]), (&json!("unverified"), &Value::Null));
    }
}

#[test]
fn what_is_sent_over_udp_comes_back_as_it_was() {
    let Some(rows) = rows("models_signatures.jsonl") else { return };
    let records: Vec<Value> = rows
        .iter()
        .filter(|row| row["note"] != "inf")
        .filter_map(|row| {
            row.get("as_dict").filter(|_| row["kind"] == "sample").or(row.get("serialize")).cloned()
        })
        .collect();
    assert!(records.len() >= 22);
    let directory = Directory::new();
    let secret = directory.write("secret", "sekrit-ü".as_bytes());
    let messages = datagrams(&lines(&records), records.len(), &["--secret-file", &secret]);
    let ended = listened(&messages, records.len(), &["--secret-file", &secret]);
    assert_eq!((ended.code(), values(&ended)), (Some(0), records), "{}", ended.stderr);
}

#[test]
fn our_file_holds_the_values_of_the_file_publishers_json() {
    let Some(rows) = rows("wire_file.jsonl") else { return };
    for row in rows.iter().filter(|row| row["samples"].is_array()) {
        let samples = row["samples"].as_array().unwrap();
        let directory = Directory::new();
        let url = format!("file:{}?json", directory.file("out"));
        let ended = run(tool("publish", &[&url]), lines(samples).as_bytes());
        assert_eq!(ended.code(), Some(0), "{}", ended.stderr);
        let text = std::fs::read_to_string(directory.file("out")).unwrap();
        let ours: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(&ours, samples);
    }
}
