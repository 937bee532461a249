//! What other systems' agents post: told apart by path and content type, and answered in their manner.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::client::{Client, Response};
use super::{gzip, listen};
use crate::golden::rows;
use crate::run::Ended;

/// The name and volume of each sample that was printed.
fn samples(ended: &Ended) -> Vec<(String, f64)> {
    let record = |line: &str| serde_json::from_str::<Value>(line).unwrap();
    let parts =
        |record: Value| (record["name"].as_str().unwrap().to_owned(), record["volume"].as_f64().unwrap());
    ended.text().lines().map(|line| parts(record(line))).collect()
}

fn post(address: &str, path: &str, media: &str, more: &str, body: &[u8]) -> Response {
    let mut client = Client::connect(address);
    client.request("POST", path, &format!("Content-Type: {media}\n{more}"), body);
    client.response()
}

/// A field of Protocol Buffers that has a length.
fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
    assert!(bytes.len() < 128);
    [&[number << 3 | 2, bytes.len() as u8], bytes].concat()
}

/// A `WriteRequest` of one series with one sample at 1000 ms, packed.
fn write_request(name: &str, value: f64) -> Vec<u8> {
    let label = [field(1, b"__name__"), field(2, name.as_bytes())].concat();
    let sample = [&[0x09][..], &value.to_le_bytes(), &[0x10, 0xe8, 0x07]].concat();
    let series = [field(1, &label), field(2, &sample)].concat();
    snap::raw::Encoder::new().compress_vec(&field(1, &series)).unwrap()
}

#[test]
fn remote_write_is_taken_and_bad_data_is_not_asked_for_again() {
    let (running, address) = listen("/prom");
    let protobuf = "application/x-protobuf";
    let snappy = "Content-Encoding: snappy\nX-Prometheus-Remote-Write-Version: 0.1.0\n";
    for (number, path) in ["/api/v1/write", "/write", "/receive"].into_iter().enumerate() {
        let body = write_request("up", number as f64);
        assert_eq!(post(&address, &format!("/prom{path}"), protobuf, snappy, &body).status, 204, "{path}");
    }
    // Some senders leave the header out.
    assert_eq!(post(&address, "/prom/write", protobuf, "", &write_request("up", 3.0)).status, 204);
    let bad = post(&address, "/prom/api/v1/write", protobuf, snappy, b"\xff\xff\xff");
    assert_eq!(bad.status, 400);
    assert!(bad.body.starts_with("1 of 1 rejected: "), "{}", bad.body);
    let of_2 = "application/x-protobuf;proto=io.prometheus.write.v2.Request";
    assert_eq!(post(&address, "/prom/api/v1/write", of_2, snappy, b"").status, 415);
    let ended = running.stop();
    assert_eq!(samples(&ended), [0.0, 1.0, 2.0, 3.0].map(|value| ("up".to_owned(), value)));
    assert!(ended.stderr.contains("POST /prom/api/v1/write:1: "), "{}", ended.stderr);
}

#[test]
fn lines_of_influx_are_taken_with_the_precision_of_the_query() {
    let (running, address) = listen("");
    let text = "text/plain; charset=utf-8";
    let one = post(&address, "/write?db=x&precision=s", text, "", b"cpu,host=a usage=1.5 60\n");
    assert_eq!((one.status, &one.body[..]), (204, ""));
    let packed = gzip(b"cpu,host=a usage=2.5 60000\n");
    let two = "/api/v2/write?org=o&bucket=b&precision=ms";
    assert_eq!(post(&address, two, text, "Content-Encoding: gzip\n", &packed).status, 204);
    let partial = post(&address, "/write", text, "", b"cpu usage=3.5\nnonsense\n");
    assert_eq!(partial.status, 400);
    let told: Value = serde_json::from_str(&partial.body).unwrap();
    assert!(told["error"].as_str().unwrap().starts_with("partial write: "), "{told}");
    assert_eq!((&told["code"], &told["message"]), (&json!("invalid"), &told["error"]));
    assert_eq!(post(&address, "/write?precision=fortnight", text, "", b"cpu usage=3.5").status, 400);
    let ended = running.stop();
    assert_eq!(samples(&ended), [1.5, 2.5, 3.5].map(|value| ("cpu.usage".to_owned(), value)));
    let times = ended.text().lines().take(2).map(|line| line.contains("1970-01-01T00:01:00"));
    assert_eq!(times.collect::<Vec<_>>(), [true, true], "{}", ended.text());
}

#[test]
fn otlp_is_answered_in_its_own_encoding() {
    let (running, address) = listen("");
    let metric = |name: &str, data: &str| {
        format!(
            "{{\"name\":\"{name}\",\"gauge\":{{\"dataPoints\":[{{\"timeUnixNano\":\"1000000000\",{data}}}]}}}}"
        )
    };
    let body = |metrics: &[String]| {
        let metrics = metrics.join(",");
        format!("{{\"resourceMetrics\":[{{\"scopeMetrics\":[{{\"metrics\":[{metrics}]}}]}}]}}")
    };
    let json = "application/json";
    let good = metric("a", "\"asDouble\":1.5");
    let all = post(&address, "/v1/metrics", json, "", body(std::slice::from_ref(&good)).as_bytes());
    assert_eq!((all.status, &all.body[..], all.header("content-type")), (200, "{}", json));
    let none = post(&address, "/v1/metrics", json, "", b"[]");
    let told: Value = serde_json::from_str(&none.body).unwrap();
    assert_eq!((none.status, &told["code"]), (400, &json!(3)), "{told}");
    // resource_metrics { scope_metrics { metrics { name: "b" gauge { data_points { time, as_double } } } } }
    let point = [&[0x19][..], &1_000_000_000u64.to_le_bytes(), &[0x21], &2.5f64.to_le_bytes()].concat();
    let metric = [field(1, b"b"), field(5, &field(1, &point))].concat();
    let request = field(1, &field(2, &field(2, &metric)));
    let protobuf = "application/x-protobuf";
    let all = post(&address, "/v1/metrics", protobuf, "", &request);
    assert_eq!((all.status, &all.body[..], all.header("content-type")), (200, "", protobuf));
    let none = post(&address, "/v1/metrics", protobuf, "", b"\x0a\x05xx");
    assert_eq!((none.status, none.header("content-type")), (400, protobuf));
    // Field 1, a number: INVALID_ARGUMENT; field 2, a text.
    assert!(none.body.starts_with("\u{8}\u{3}\u{12}"), "{:?}", none.body);
    let ended = running.stop();
    assert_eq!(samples(&ended), [("a".to_owned(), 1.5), ("b".to_owned(), 2.5)]);
}

#[test]
fn what_is_pushed_has_the_labels_of_its_path() {
    let (running, address) = listen("");
    let mut client = Client::connect(&address);
    for method in ["PUT", "POST"] {
        client.request(
            method,
            "/metrics/job/some/path@base64/L3Zhci90bXA",
            "",
            "# TYPE x gauge\nx{job=\"y\"} 1\n",
        );
        assert_eq!(client.response().status, 200);
    }
    assert_eq!(post(&address, "/metrics/job/a/b", "text/plain", "", b"x 1\n").status, 400);
    let bad = post(&address, "/metrics/job/a", "text/plain", "", b"x 2\nnonsense\n");
    assert_eq!(bad.status, 400);
    assert!(bad.body.starts_with("1 of 2 rejected: "), "{}", bad.body);
    let ended = running.stop();
    assert_eq!(samples(&ended), [("x".to_owned(), 1.0), ("x".to_owned(), 1.0), ("x".to_owned(), 2.0)]);
    let first: Value = serde_json::from_str(ended.text().lines().next().unwrap()).unwrap();
    assert_eq!(first["resource_metadata"], json!({"job": "some", "path": "/var/tmp"}));
}

#[test]
fn what_collectd_writes_is_taken() {
    let (running, address) = listen("");
    let body =
        br#"[{"values":[197141504,175136768],"dstypes":["counter","counter"],"dsnames":["read","write"],
        "time":1251533299,"interval":10,"host":"leeloo","plugin":"disk","plugin_instance":"sda",
        "type":"disk_octets","type_instance":""}]"#;
    assert_eq!(post(&address, "/collectd", "application/json", "", body).status, 204);
    let ended = running.stop();
    let values: Vec<f64> = samples(&ended).into_iter().map(|(_, value)| value).collect();
    assert_eq!(values, [197_141_504.0, 175_136_768.0]);
}

#[test]
fn the_other_publishers_of_the_real_ceilometer_are_understood() {
    let mut tried = 0;
    for name in ["wire_prometheus.jsonl", "wire_opentelemetry_http.jsonl"] {
        let Some(rows) = rows(name) else { return };
        for row in &rows {
            let (running, address) = listen("");
            let mut posted = 0;
            for request in row["requests"].as_array().unwrap() {
                let path = request["path"].as_str().unwrap();
                let media = request["headers"]["Content-type"].as_str().unwrap();
                let body = STANDARD.decode(request["body_b64"].as_str().unwrap()).unwrap();
                // The publisher takes any path; only that of a Pushgateway says what it is.
                let known = path.starts_with("/metrics/job/") || path == "/v1/metrics";
                let status = post(&address, path, media, "", &body).status;
                assert_eq!(status, if known { 200 } else { 415 }, "{path}");
                posted += usize::from(known);
            }
            let ended = running.stop();
            assert!(posted == 0 || !ended.stdout.is_empty(), "{}", ended.stderr);
            tried += posted;
        }
    }
    assert!(tried > 5, "{tried}");
}
