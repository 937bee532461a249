//! What a sender hears: what became of its body, in the manner of its protocol.

use std::borrow::Cow;

use http_body_util::Full;
use hyper::body::Bytes;
use hyper::header::{HeaderName, HeaderValue, RETRY_AFTER};
use hyper::{Response, StatusCode, header};
use serde_json::{Value, json};

/// Seconds after which a sender may try again whose body found no room.
const RETRY_AFTER_SECONDS: u64 = 5;

/// The manners of a protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// Records: 204; 200 with counts when some were rejected, 400 when all were.
    Records,
    /// Prometheus' remote write 1.0: 204, and 400 for what must not be sent again, even if some of it was taken.
    RemoteWrite,
    /// InfluxDB's interfaces 1 and 2: 204, and 400 with the word of both for a write that was partial.
    Influx,
    /// OTLP in JSON: 200, and what was rejected beside it; a `Status` with 400 when all was.
    OtlpJson,
    /// The same in Protocol Buffers.
    OtlpProtobuf,
    /// Prometheus' Pushgateway: 200, or 400 and why.
    Pushgateway,
}

/// `INVALID_ARGUMENT` of google.rpc.Code.
const INVALID_ARGUMENT: u64 = 3;
const JSON: &str = "application/json";
const PROTOBUF: &str = "application/x-protobuf";

/// What became of a body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It was read, and what could be used of it has left this process.
    Taken {
        /// Records that went on.
        accepted: u64,
        /// Records that did not.
        rejected: u64,
        /// The number and the fault of the first that was rejected.
        first: Option<(u64, String)>,
    },
    /// It was not.
    Refused(Refusal),
}

/// A response whose body is there.
pub type Reply = Response<Full<Bytes>>;

impl Dialect {
    /// The response that tells `verdict`.
    pub fn reply(self, verdict: Verdict) -> Reply {
        let (accepted, rejected, first) = match verdict {
            Verdict::Refused(refusal) => return refusal.reply(),
            Verdict::Taken { accepted, rejected, first } => (accepted, rejected, first),
        };
        let first = first.map_or(String::new(), |(number, why)| format!("{number}: {why}"));
        let status = match (accepted, rejected) {
            (_, 0) => StatusCode::NO_CONTENT,
            (0, _) => StatusCode::BAD_REQUEST,
            _ => StatusCode::OK,
        };
        if rejected == 0 {
            return match self {
                Dialect::OtlpJson => reply(StatusCode::OK, Some(JSON), b"{}".to_vec()),
                Dialect::OtlpProtobuf => reply(StatusCode::OK, Some(PROTOBUF), Vec::new()),
                Dialect::Pushgateway => reply(StatusCode::OK, None, Vec::new()),
                Dialect::Records | Dialect::RemoteWrite | Dialect::Influx => reply(status, None, Vec::new()),
            };
        }
        let count = format!("{rejected} of {} rejected: {first}", accepted + rejected);
        match self {
            Dialect::Records => {
                json_reply(status, &json!({"accepted": accepted, "rejected": rejected, "error": first}))
            }
            Dialect::RemoteWrite | Dialect::Pushgateway => text(StatusCode::BAD_REQUEST, &count),
            Dialect::Influx => {
                let why = format!("partial write: {first} dropped={rejected}");
                json_reply(StatusCode::BAD_REQUEST, &json!({"error": why, "code": "invalid", "message": why}))
            }
            Dialect::OtlpJson if accepted == 0 => {
                json_reply(status, &json!({"code": INVALID_ARGUMENT, "message": count}))
            }
            // 64-bit integers are texts in the JSON of Protocol Buffers.
            Dialect::OtlpJson => json_reply(
                status,
                &json!({"partialSuccess": {"rejectedDataPoints": rejected.to_string(), "errorMessage": count}}),
            ),
            Dialect::OtlpProtobuf if accepted == 0 => {
                reply(status, Some(PROTOBUF), number_and_text(INVALID_ARGUMENT, &count))
            }
            Dialect::OtlpProtobuf => {
                let partial_success = number_and_text(rejected, &count);
                let mut body = vec![0x0a];
                varint(partial_success.len() as u64, &mut body);
                body.extend(partial_success);
                reply(status, Some(PROTOBUF), body)
            }
        }
    }
}

/// A message whose field 1 is a number and whose field 2 is a text: OTLP's `ExportMetricsPartialSuccess`, and `Status`.
fn number_and_text(number: u64, text: &str) -> Vec<u8> {
    let mut message = vec![0x08];
    varint(number, &mut message);
    message.push(0x12);
    varint(text.len() as u64, &mut message);
    message.extend_from_slice(text.as_bytes());
    message
}

/// Seven bits a byte, the low ones first (Protocol Buffers, Encoding).
fn varint(mut number: u64, out: &mut Vec<u8>) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

/// Why a request is not taken, before its body says anything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The status of the response.
    pub status: StatusCode,
    /// A sentence for the sender and the books.
    pub why: Cow<'static, str>,
    /// A header that the status asks for.
    pub header: Option<(HeaderName, String)>,
}

impl Refusal {
    /// One without a header of its own.
    pub fn new(status: StatusCode, why: impl Into<Cow<'static, str>>) -> Refusal {
        Refusal { status, why: why.into(), header: None }
    }

    /// Not now, but perhaps a little later.
    pub fn busy(why: &'static str) -> Refusal {
        let refusal = Refusal::new(StatusCode::SERVICE_UNAVAILABLE, why);
        refusal.with(RETRY_AFTER, RETRY_AFTER_SECONDS.to_string())
    }

    /// The same with a header.
    pub fn with(self, name: HeaderName, value: impl Into<String>) -> Refusal {
        Refusal { header: Some((name, value.into())), ..self }
    }

    /// The response that tells it.
    pub fn reply(&self) -> Reply {
        let mut reply = text(self.status, &self.why);
        if let Some((name, value)) = &self.header
            && let Ok(value) = HeaderValue::from_str(value)
        {
            reply.headers_mut().insert(name, value);
        }
        reply
    }
}

/// A status and a sentence.
pub fn text(status: StatusCode, sentence: &str) -> Reply {
    reply(status, Some("text/plain; charset=utf-8"), format!("{sentence}\n").into_bytes())
}

fn json_reply(status: StatusCode, body: &Value) -> Reply {
    reply(status, Some(JSON), format!("{body}\n").into_bytes())
}

fn reply(status: StatusCode, media: Option<&'static str>, body: Vec<u8>) -> Reply {
    let mut reply = Response::new(Full::new(Bytes::from(body)));
    *reply.status_mut() = status;
    if let Some(media) = media {
        reply.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(media));
    }
    reply
}
