//! What real senders of other systems sent, and what is hostile in their place.
//!
//! The captures in `tests/captures/wires` are of Prometheus 2.42 (remote write of its own metrics: series, and later
//! their types), collectd 5.12 (network plugin: plain, signed by user `alice` with the password `s3cret: x`, encrypted;
//! write_http) and OpenTelemetry's Python SDK 1.45 (OTLP over HTTP).

use std::fmt::Display;
use std::fs;
use std::net::UdpSocket;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::{Value, json};
use telemetry::model::Timestamp;
use telemetry::wire::{Decoder, Faults, Origin, collectd, influx, otlp, prometheus, statsd};

use crate::run::{Directory, Running, run, skipped, tool};

const ARRIVAL: Timestamp = Timestamp::from_ns(1_800_000_000_000_000_000);

#[derive(Default)]
struct Told {
    faults: Vec<String>,
    skipped: Vec<(&'static str, u64)>,
}

impl Faults for Told {
    fn fault(&mut self, reason: &'static str, why: &dyn Display) {
        self.faults.push(format!("{reason}: {why}"));
    }

    fn skip(&mut self, kind: &'static str, records: u64) {
        if records > 0 {
            self.skipped.push((kind, records));
        }
    }
}

fn capture(name: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/captures/wires").join(name);
    fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn decode(decoder: &mut dyn Decoder, message: &[u8]) -> (Vec<Value>, Told) {
    let (mut lines, mut told) = (Vec::new(), Told::default());
    decoder.decode(message, ARRIVAL, &mut lines, &mut told);
    decoder.flush(ARRIVAL, &mut lines);
    (samples(&lines), told)
}

/// Lines as samples; panics at what is none.
fn samples(lines: &[u8]) -> Vec<Value> {
    let text = std::str::from_utf8(lines).unwrap();
    let samples = text.lines().map(|line| {
        let sample: telemetry::model::Sample =
            serde_json::from_str(line).unwrap_or_else(|error| panic!("{line}: {error}"));
        serde_json::to_value(sample).unwrap()
    });
    samples.collect()
}

fn named<'a>(samples: &'a [Value], name: &str) -> &'a Value {
    samples.iter().find(|sample| sample["name"] == name).unwrap_or_else(|| panic!("no {name}"))
}

#[test]
fn a_prometheus_writes_its_series_and_then_says_their_types() {
    let mut decoder = prometheus::RemoteWrite::default();
    let (series, told) = decode(&mut decoder, &capture("prometheus.bin"));
    assert!(told.faults.is_empty(), "{:?}", told.faults);
    assert_eq!(series.len() as u64 + told.skipped.iter().map(|(_, count)| count).sum::<u64>(), 60);
    let sample = &series[0];
    assert_eq!(sample["resource_id"], "prometheus@127.0.0.1:19090");
    assert_eq!(sample["source"], "prometheus");
    assert_eq!(sample["resource_metadata"]["job"], "prometheus");
    let (none, told) = decode(&mut decoder, &capture("prometheus_types.bin"));
    assert!(none.is_empty() && told.faults.is_empty(), "{:?}", told.faults);
    // A counter that is not named like one, once its type is known.
    let (again, _) = decode(&mut decoder, &capture("prometheus.bin"));
    assert_eq!(again.len(), series.len());
    let quantile = again.iter().find(|sample| !sample["resource_metadata"]["quantile"].is_null()).unwrap();
    assert_eq!((&quantile["type"], &quantile["unit"]), (&json!("gauge"), &json!("seconds")));
}

#[test]
fn an_exporter_of_opentelemetry_sends_every_kind_of_metric() {
    let (samples, told) = decode(&mut otlp::Protobuf::default(), &capture("otlp.bin"));
    assert!(told.faults.is_empty() && told.skipped.is_empty(), "{:?}", told.faults);
    let requests = named(&samples, "requests");
    assert_eq!(
        (&requests["type"], &requests["unit"], &requests["volume"], &requests["resource_id"]),
        (&json!("cumulative"), &json!("1"), &json!(5), &json!("shop-1"))
    );
    let metadata = &requests["resource_metadata"];
    assert_eq!(
        (&metadata["route"], &metadata["n"], &metadata["l"]),
        (&json!("/a"), &json!(7), &json!(["a", "b"]))
    );
    assert_eq!(metadata["otel.scope.name"], "shop.meter");
    let queue = named(&samples, "queue");
    assert_eq!(
        (&queue["type"], &queue["unit"], &queue["volume"]),
        (&json!("gauge"), &json!("{item}"), &json!(-3))
    );
    assert_eq!(named(&samples, "temp")["volume"], 21.5);
    assert_eq!(named(&samples, "temp")["resource_metadata"]["room"], "é");
    let of = |name: &str| named(&samples, name)["volume"].clone();
    assert_eq!((of("latency.count"), of("latency.sum")), (json!(4), json!(9038)));
    assert_eq!((of("latency.min"), of("latency.max")), (json!(1), json!(9000)));
    assert_eq!((of("expo.count"), of("expo.sum"), of("expo.max")), (json!(3), json!(2.6), json!(2)));
    let buckets: Vec<(&str, u64)> = samples
        .iter()
        .filter(|sample| sample["name"] == "latency.bucket")
        .map(|sample| {
            (sample["resource_metadata"]["le"].as_str().unwrap(), sample["volume"].as_u64().unwrap())
        })
        .collect();
    // 1, 7, 30 and 9000 in the SDK's bounds.
    assert_eq!(buckets[..5], [("0", 0), ("5", 1), ("10", 2), ("25", 2), ("50", 3)]);
    assert_eq!(buckets[buckets.len() - 2..], [("10000", 4), ("+Inf", 4)]);
}

#[test]
fn a_collectd_is_understood_and_its_json_says_the_same() {
    let (samples, told) = decode(&mut collectd::Network::default(), &capture("collectd.bin"));
    assert!(told.faults.is_empty(), "{:?}", told.faults);
    let received = named(&samples, "interface-eth0@if_octets-rx");
    assert_eq!((&received["type"], &received["resource_id"]), (&json!("cumulative"), &json!("web1")));
    assert_eq!(received["resource_metadata"]["interval"], 1);
    named(&samples, "load@load-midterm");
    named(&samples, "memory@memory-used");
    let (json, told) = decode(&mut collectd::Json::default(), &capture("collectd.json"));
    assert!(told.faults.is_empty(), "{:?}", told.faults);
    // The same values left the same process on both ways; JSON's times end at the millisecond.
    let mut compared = 0;
    for sample in &samples {
        let twin = json.iter().find(|other| {
            let same = |key: &str| other[key] == sample[key];
            same("name") && same("resource_metadata") && same("volume") && same("type")
        });
        compared += usize::from(twin.is_some());
    }
    assert!(compared > 10, "{compared} of {}", samples.len());
}

#[test]
fn a_signature_of_collectd_is_checked() {
    let signed = capture("collectd_signed.bin");
    let reader = |text: &str| {
        let users = Some(collectd::Users::parse(text).unwrap());
        collectd::Network::new(collectd::Options { users, ..collectd::Options::default() })
    };
    let right = "# senders\nbob: x\nalice: s3cret: x\n";
    let (samples, told) = decode(&mut reader(right), &signed);
    assert!(samples.len() > 10 && told.faults.is_empty(), "{:?}", told.faults);
    assert_eq!(decode(&mut collectd::Network::default(), &signed).0.len(), samples.len());
    for at in [10, 40, signed.len() - 1] {
        let mut changed = signed.clone();
        changed[at] ^= 1;
        let (none, told) = decode(&mut reader(right), &changed);
        assert!(
            none.is_empty() && told.faults[0].starts_with("wrong signature: "),
            "{at}: {:?}",
            told.faults
        );
    }
    assert!(decode(&mut reader("alice: other\n"), &signed).1.faults[0].starts_with("wrong signature: "));
    assert!(decode(&mut reader("bob: x\n"), &signed).1.faults[0].starts_with("wrong signature: "));
    let (none, told) = decode(&mut reader(right), &capture("collectd.bin"));
    assert!(none.is_empty() && told.faults[0].starts_with("not signed: "), "{:?}", told.faults);
    let (none, told) = decode(&mut collectd::Network::default(), &capture("collectd_encrypted.bin"));
    assert!(none.is_empty() && told.faults[0].starts_with("encrypted: "), "{:?}", told.faults);
    assert_eq!(collectd::Users::parse("alice\n"), Err(1));
}

fn shared() -> Option<PathBuf> {
    std::env::var_os("TELEMETRY_SHARED").map(PathBuf::from)
}

/// Samples that a publisher was given, and the bodies that it made of them.
type Posted = (Vec<Value>, Vec<Vec<u8>>);

/// What Ceilometer's publishers posted.
fn posted(file: &str) -> Option<Vec<Posted>> {
    use base64::Engine;
    let path = shared()?.join("golden").join(file);
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let rows = text.lines().map(|line| {
        let row: Value = serde_json::from_str(line).unwrap();
        let bodies = row["requests"].as_array().unwrap().iter().map(|request| {
            base64::engine::general_purpose::STANDARD.decode(request["body_b64"].as_str().unwrap()).unwrap()
        });
        (row["input"].as_array().unwrap().clone(), bodies.collect())
    });
    Some(rows.collect())
}

#[test]
fn what_ceilometer_posts_as_otlp_is_what_it_had() {
    let Some(rows) = posted("wire_opentelemetry_http.jsonl") else {
        return skipped("TELEMETRY_SHARED is not set");
    };
    // The rows behind the first were made in another time zone, in which Ceilometer writes other seconds.
    let (inputs, bodies) = &rows[0];
    assert_eq!(inputs.len(), bodies.len());
    for (input, body) in inputs.iter().zip(bodies) {
        let (samples, told) = decode(&mut otlp::Json::default(), body);
        assert!(told.faults.is_empty(), "{:?}", told.faults);
        let sample = &samples[0];
        for key in ["name", "unit", "volume", "resource_id", "user_id", "project_id"] {
            assert_eq!(sample[key], input[key], "{key}");
        }
        // Seconds are all that is left of the time, and a delta is called a gauge.
        assert_eq!(sample["timestamp"], "2026-03-01T10:20:30Z");
        let kind = if input["type"] == "delta" { &json!("gauge") } else { &input["type"] };
        assert_eq!(&sample["type"], kind);
        assert_eq!(sample["resource_metadata"], json!({}));
    }
}

#[test]
fn what_ceilometer_pushes_to_a_pushgateway_is_what_it_had() {
    let Some(rows) = posted("wire_prometheus.jsonl") else { return skipped("TELEMETRY_SHARED is not set") };
    for (inputs, bodies) in &rows {
        let mut decoder = prometheus::Exposition::default();
        let samples: Vec<Value> = bodies.iter().flat_map(|body| decode(&mut decoder, body).0).collect();
        assert_eq!(samples.len(), inputs.len());
        for input in inputs {
            let name = input["name"].as_str().unwrap().replace(['.', '-'], "_");
            let sample = named(&samples, &name);
            for key in ["type", "volume", "resource_id", "user_id", "project_id"] {
                assert_eq!(sample[key], input[key], "{key} of {name}");
            }
        }
    }
}

#[test]
fn grouping_labels_count_before_those_of_a_series() {
    let grouping = vec![("job".to_owned(), "j".to_owned()), ("instance".to_owned(), "i".to_owned())];
    let origin = Origin { source: Some("push".into()), ..Origin::default() };
    let text =
        b"# TYPE a gauge\na{job=\"x\",l=\"1\"} 2 1395066363000 # {t=\"x\"} 1\n{\"b.c\",\"d e\"=\"f\"} 3\n";
    let (samples, told) = decode(&mut prometheus::Exposition::new(grouping, &origin), text);
    assert_eq!((&samples[0]["resource_id"], &samples[0]["source"]), (&json!("j@i"), &json!("push")));
    assert_eq!(samples[0]["resource_metadata"], json!({"l": "1", "job": "j", "instance": "i"}));
    assert_eq!((&samples[1]["name"], &samples[1]["resource_metadata"]["d e"]), (&json!("b.c"), &json!("f")));
    assert_eq!(told.skipped, [("exemplar", 1)]);
}

#[test]
fn openmetrics_counts_seconds_and_says_its_units() {
    let text = b"# TYPE t_seconds counter\n# UNIT t_seconds seconds\nt_seconds_total 2 1520430000.123\n\
        t_seconds_created 1520430000.123\n# TYPE s summary\ns{quantile=\"0.5\"} NaN\ns_count 4\n# EOF\n";
    let (samples, told) = decode(&mut prometheus::Exposition::default(), text);
    let total = named(&samples, "t_seconds_total");
    assert_eq!((&total["type"], &total["unit"]), (&json!("cumulative"), &json!("seconds")));
    assert_eq!(total["timestamp"], "2018-03-07T13:40:00.123Z");
    assert_eq!(named(&samples, "t_seconds_created")["type"], "gauge");
    assert_eq!(named(&samples, "s_count")["type"], "cumulative");
    assert_eq!(told.skipped, [("not finite", 1)]);
    assert!(told.faults.is_empty());
}

#[test]
fn a_request_of_remote_write_is_limited_when_it_is_no_longer_compressed() {
    let bomb = snap::raw::Encoder::new().compress_vec(&vec![0; 64 * 1024 * 1024]).unwrap();
    assert!(bomb.len() < 4 * 1024 * 1024);
    let (none, told) = decode(&mut prometheus::RemoteWrite::default(), &bomb);
    assert!(none.is_empty() && told.faults[0].starts_with("too long: "), "{:?}", told.faults);
    // Field 4 is where remote write 2.0 has its symbols.
    let second = snap::raw::Encoder::new().compress_vec(b"\x22\x01a\x2a\x00").unwrap();
    let (_, told) = decode(&mut prometheus::RemoteWrite::default(), &second);
    assert!(told.faults[0].contains("remote write 2.0"), "{:?}", told.faults);
}

proptest! {
    #[test]
    fn every_point_that_prost_writes_is_read(
        points in vec((-1e300..1e300f64, 0..4_000_000_000_000i64), 1..20),
        value in "\\PC{0,20}",
    ) {
        use telemetry::wire::prometheus::message::{Label, MetricMetadata, Point, TimeSeries, WriteRequest};
        let label = |name: &str, value: &str| Label { name: name.to_owned(), value: value.to_owned() };
        let samples = points.iter().map(|(value, timestamp)| Point { value: *value, timestamp: *timestamp });
        let series = TimeSeries {
            labels: vec![label("__name__", "up_seconds"), label("l", &value)],
            samples: samples.collect(),
        };
        let metadata = MetricMetadata {
            metric_type: 1,
            metric_family_name: "up_seconds".to_owned(),
            help: "h".to_owned(),
            unit: "s".to_owned(),
        };
        let request = WriteRequest { timeseries: vec![series], metadata: vec![metadata] };
        let body = snap::raw::Encoder::new().compress_vec(&prost::Message::encode_to_vec(&request)).unwrap();
        let (samples, told) = decode(&mut prometheus::RemoteWrite::default(), &body);
        prop_assert!(told.faults.is_empty(), "{:?}", told.faults);
        prop_assert_eq!(samples.len(), points.len());
        for (sample, (volume, ms)) in samples.iter().zip(&points) {
            prop_assert_eq!(sample["volume"].as_f64(), Some(*volume));
            prop_assert_eq!(&sample["type"], "cumulative");
            prop_assert_eq!(&sample["unit"], "s");
            prop_assert_eq!(&sample["resource_metadata"], &json!({"l": value}));
            let time = Timestamp::from_ns(ms * 1_000_000).to_string();
            prop_assert_eq!(&sample["timestamp"], time.as_str());
        }
    }
}

/// A decoder, and messages of its wire to begin with.
type Wire = (fn() -> Box<dyn Decoder>, Vec<Vec<u8>>);

fn wires() -> Vec<Wire> {
    let texts = |all: &[&str]| all.iter().map(|text| text.as_bytes().to_vec()).collect::<Vec<_>>();
    let metrics = r#"{"resourceMetrics":[{"resource":{"attributes":[{"key":"host.name","value":{"stringValue":"h"}}]},"scopeMetrics":[{"scope":{"name":"s"},"metrics":[{"name":"a","unit":"1","sum":{"isMonotonic":true,"aggregationTemporality":2,"dataPoints":[{"asInt":"5","timeUnixNano":"1544712660300000000","attributes":[{"key":"k","value":{"arrayValue":{"values":[{"intValue":"1"}]}}}]}]}},{"name":"h","histogram":{"aggregationTemporality":1,"dataPoints":[{"count":"2","sum":3,"bucketCounts":["1","1"],"explicitBounds":[1],"min":1,"max":2}]}},{"name":"s","summary":{"dataPoints":[{"count":1,"sum":1,"quantileValues":[{"quantile":0.5,"value":1}]}]}}]}]}]}"#;
    vec![
        (
            || Box::new(statsd::Statsd::default()),
            texts(&[
                "a:1|c|@0.1\nb:+2|g\nc:1:2:3|ms|#k:v,t\nd:x|s\ne:1|c:2|ms",
                "a;x=1,y=2:1|h|T17|c:i\n_e{1,1}:a|b\n",
            ]),
        ),
        (
            || {
                let interval = Duration::ZERO;
                Box::new(statsd::Statsd::new(statsd::Options { interval, ..statsd::Options::default() }))
            },
            texts(&["a:1|c|@0.1\nb:+2|g\nc:1:2:3|ms|#k:v,t\nd:x|s\ne:1|c:2|ms"]),
        ),
        (
            || Box::new(influx::Influx::default()),
            texts(&["cpu,host=a\\ b,r=eu u=0.5,n=3i,t=\"x \\\" y\",b=T 1465839830100400200\n# c\nm v=1u\n"]),
        ),
        (|| Box::new(prometheus::RemoteWrite::default()), vec![capture("prometheus.bin")]),
        (
            || Box::new(prometheus::Exposition::default()),
            texts(&[
                "# TYPE a counter\n# HELP a b\na_total{l=\"x\\n\\\"\",m=\"\"} 1e3 1395066363000\n{\"b\"} NaN\nc 1 # {x=\"y\"} 1\n# EOF\n",
            ]),
        ),
        (|| Box::new(otlp::Json::default()), texts(&[metrics])),
        (|| Box::new(otlp::Protobuf::default()), vec![capture("otlp.bin")]),
        (
            || Box::new(collectd::Network::default()),
            vec![capture("collectd.bin"), capture("collectd_signed.bin")],
        ),
        (
            || Box::new(collectd::Json::default()),
            vec![capture("collectd.json")[..400].to_vec(), capture("collectd.json")],
        ),
    ]
}

/// Whatever came in: what comes out are samples, and no more than the limit allows.
fn hostile(decoder: &mut dyn Decoder, message: &[u8]) {
    let (mut lines, mut told) = (Vec::new(), Told::default());
    decoder.decode(message, ARRIVAL, &mut lines, &mut told);
    decoder.flush(ARRIVAL, &mut lines);
    samples(&lines);
}

proptest! {
    #[test]
    fn no_message_breaks_a_decoder(
        wire in any::<Index>(),
        seed in any::<Index>(),
        random in vec(any::<u8>(), 0..200),
        changes in vec((any::<Index>(), any::<u8>(), 0..4u8), 0..8),
    ) {
        let wires = wires();
        let (make, seeds) = &wires[wire.index(wires.len())];
        let mut decoder = make();
        hostile(decoder.as_mut(), &random);
        let mut message = seeds[seed.index(seeds.len())].clone();
        for (at, byte, change) in &changes {
            if message.is_empty() {
                break;
            }
            let at = at.index(message.len());
            match change {
                0 => message[at] = *byte,
                1 => message.truncate(at),
                2 => message.insert(at, *byte),
                _ => _ = message.drain(at..(at + usize::from(*byte)).min(message.len())),
            }
        }
        hostile(decoder.as_mut(), &message);
        // Remote write is looked into only when it is compressed.
        hostile(decoder.as_mut(), &snap::raw::Encoder::new().compress_vec(&random).unwrap());
        if let Ok(mut plain) = snap::raw::Decoder::new().decompress_vec(&seeds[0]) {
            for (at, byte, _) in &changes {
                let at = at.index(plain.len());
                plain[at] = *byte;
            }
            hostile(decoder.as_mut(), &snap::raw::Encoder::new().compress_vec(&plain).unwrap());
        }
    }
}

#[test]
fn deep_nesting_is_refused_and_not_followed() {
    let depth = 100_000;
    let deep = format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    assert!(!decode(&mut otlp::Json::default(), deep.as_bytes()).1.faults.is_empty());
    assert!(!decode(&mut collectd::Json::default(), deep.as_bytes()).1.faults.is_empty());
    // AnyValue{array_value{values{...}}}: each level is the message before it, with two more tags and lengths.
    let mut value = Vec::new();
    for _ in 0..200 {
        for tag in [0x0A, 0x2A] {
            let mut outer = vec![tag];
            prost::encoding::encode_varint(value.len() as u64, &mut outer);
            outer.append(&mut value);
            value = outer;
        }
    }
    for tag in [0x12, 0x0A, 0x0A, 0x0A] {
        let mut outer = vec![tag];
        prost::encoding::encode_varint(value.len() as u64, &mut outer);
        outer.append(&mut value);
        value = outer;
    }
    let (none, told) = decode(&mut otlp::Protobuf::default(), &value);
    assert!(none.is_empty() && told.faults[0].starts_with("limit reached: "), "{:?}", told.faults);
}

fn listen(url: &str) -> (Running, String) {
    let running = Running::start(tool("listen", &[url, "--stats", "-"]));
    let address = running.address();
    (running, address)
}

#[test]
fn what_an_interval_gathered_is_printed_when_the_program_is_stopped() {
    let (running, address) = listen("statsd://127.0.0.1:0?interval=3600&resource_id=web&percentiles=50");
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    for _ in 0..100 {
        socket.send_to(b"hits:1|c\nqueue:7|g\nbroken\nshop.time:320|ms|@0.1", &address).unwrap();
    }
    running.books_when("all datagrams", |books| books["datagrams"] == 100);
    let ended = running.stop();
    let samples = samples(&ended.stdout);
    assert_eq!(named(&samples, "hits")["volume"], 100);
    assert_eq!(named(&samples, "hits")["resource_id"], "web");
    assert_eq!(named(&samples, "queue")["volume"], 7);
    assert_eq!(named(&samples, "shop.time.count")["volume"], 1000);
    assert_eq!(named(&samples, "shop.time.50pct")["unit"], "ms");
    assert_eq!(ended.books()["rejected"], json!({"not readable": 100}));
}

#[test]
fn an_interval_that_ends_is_printed_without_another_datagram() {
    let (running, address) = listen("statsd://127.0.0.1:0?interval=0.1");
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.send_to(b"hits:1|c", &address).unwrap();
    running.until_lines(2);
    socket.send_to(b"hits:2|c", &address).unwrap();
    let samples = samples(&running.until_lines(4));
    assert_eq!((&samples[0]["volume"], &samples[2]["volume"]), (&json!(1), &json!(2)));
    running.stop();
}

#[test]
fn packets_of_collectd_and_lines_of_influx_arrive_over_udp() {
    let directory = Directory::new();
    let path = directory.write("auth", b"alice: s3cret: x\n");
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let (running, address) = listen(&format!("collectd://127.0.0.1:0?auth_file={path}"));
    socket.send_to(&capture("collectd.bin"), &address).unwrap();
    socket.send_to(&capture("collectd_signed.bin"), &address).unwrap();
    running.until_lines(10);
    let ended = running.stop();
    assert_eq!(ended.books()["rejected"], json!({"not signed": 1}));
    named(&samples(&ended.stdout), "load@load-shortterm");

    let (running, address) = listen("influx://127.0.0.1:0?precision=s&source=lab");
    socket.send_to(b"room,host=h t=21.5 1700000000", &address).unwrap();
    let sample = &samples(&running.until_lines(1))[0];
    assert_eq!((&sample["name"], &sample["timestamp"]), (&json!("room.t"), &json!("2023-11-14T22:13:20Z")));
    assert_eq!((&sample["source"], &sample["resource_id"]), (&json!("lab"), &json!("h")));
    running.stop();
}

#[test]
fn files_of_other_systems_are_read() {
    let read = |format: &str, text: &[u8]| run(tool("listen", &["--format", format, "--stats", "-"]), text);
    let ended = read("influx", b"m v=1\nbad\nm v=2");
    assert_eq!(samples(&ended.stdout).len(), 2);
    assert!(ended.stderr.contains("telemetry-listen: -:2: no line protocol"), "{}", ended.stderr);
    let requests =
        b"{\"resourceMetrics\":[]}\n{\n \"resourceMetrics\": [{\"scopeMetrics\": [{\"metrics\": [\n\
        {\"name\": \"a}\", \"gauge\": {\"dataPoints\": [{\"asDouble\": 1}]}}]}]}]\n}\n{\"x\":\n";
    let ended = read("otlp", requests);
    assert_eq!(named(&samples(&ended.stdout), "a}")["volume"], 1);
    assert!(ended.stderr.contains("telemetry-listen: -:6: "), "{}", ended.stderr);
    let ended = read("prometheus", b"a 1 1\n# TYPE a counter\n# EOF\n");
    assert_eq!(
        samples(&ended.stdout)[0]["timestamp"],
        "1970-01-01T00:00:01Z",
        "the end says how the start is read"
    );
    let ended = read("collectd", &capture("collectd.json"));
    assert!(samples(&ended.stdout).len() > 10);
    let ended = read("statsd", b"a:1|c\na:2|c\n");
    assert_eq!(samples(&ended.stdout).len(), 2);
}

/// The statsd client of PyPI, if there is one.
#[test]
fn a_real_statsd_client_is_understood() {
    let python = std::env::var("TELEMETRY_PEERS_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let known = Command::new(&python).args(["-c", "import statsd"]).output();
    if !known.is_ok_and(|known| known.status.success()) {
        return skipped("no Python with the statsd client (TELEMETRY_PEERS_PYTHON)");
    }
    let (running, address) = listen("statsd://127.0.0.1:0?interval=3600");
    let port = address.rsplit(':').next().unwrap();
    let script = format!(
        "import statsd\nc = statsd.StatsClient('127.0.0.1', {port}, prefix='p')\nwith c.pipeline() as q:\n  q.incr('a', 3)\n  \
         q.decr('a')\n  q.gauge('g', 5)\n  q.gauge('g', -2, delta=True)\n  q.gauge('n', -7)\n  q.timing('t', 12.5)\n  q.set('s', 'x')\n"
    );
    assert!(Command::new(&python).args(["-c", &script]).status().unwrap().success());
    running.books_when("a datagram", |books| books["datagrams"].as_u64() >= Some(1));
    let ended = running.stop();
    let samples = samples(&ended.stdout);
    let of = |name: &str| named(&samples, name)["volume"].clone();
    assert_eq!((of("p.a"), of("p.g"), of("p.n")), (json!(2), json!(3), json!(-7)));
    assert_eq!((of("p.t.mean"), of("p.s")), (json!(12.5), json!(1)));
}
