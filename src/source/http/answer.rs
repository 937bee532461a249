//! What a sender hears: what became of its body, in the manner of its protocol.

use std::fmt::Write;

use http_body_util::Full;
use hyper::body::Bytes;
use hyper::header::{HeaderName, HeaderValue, RETRY_AFTER};
use hyper::{Response, StatusCode, header};
use serde_json::json;

/// Seconds after which a sender may try again whose body found no room.
const RETRY_AFTER_SECONDS: u64 = 5;

/// The manners of a protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// Records: 204; 200 with counts when some were rejected, 400 when all were.
    Records,
}

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
    /// It was not looked at; another try may do better.
    Busy(&'static str),
    /// It will never be taken: why.
    Refused(StatusCode, String),
}

/// A response whose body is there.
pub type Reply = Response<Full<Bytes>>;

impl Dialect {
    /// The response that tells `verdict`.
    pub fn reply(self, verdict: Verdict) -> Reply {
        let (accepted, rejected, first) = match verdict {
            Verdict::Busy(why) => return busy(why),
            Verdict::Refused(status, why) => return text(status, &why),
            Verdict::Taken { accepted, rejected, first } => (accepted, rejected, first),
        };
        match self {
            Dialect::Records if rejected == 0 => reply(StatusCode::NO_CONTENT, None, Vec::new()),
            Dialect::Records => {
                let status = if accepted == 0 { StatusCode::BAD_REQUEST } else { StatusCode::OK };
                let error = first.map(|(number, why)| format!("{number}: {why}"));
                let counts = json!({"accepted": accepted, "rejected": rejected, "error": error});
                reply(status, Some("application/json"), format!("{counts}\n").into_bytes())
            }
        }
    }
}

/// A status and a sentence.
pub fn text(status: StatusCode, why: &str) -> Reply {
    let mut body = String::with_capacity(why.len() + 1);
    // Writing to a string cannot fail.
    let _ = writeln!(body, "{why}");
    reply(status, Some("text/plain; charset=utf-8"), body.into_bytes())
}

/// Not now.
pub fn busy(why: &str) -> Reply {
    with(text(StatusCode::SERVICE_UNAVAILABLE, why), RETRY_AFTER, &RETRY_AFTER_SECONDS.to_string())
}

/// The same with one header more; a value that no header can have is left out.
pub fn with(mut reply: Reply, name: HeaderName, value: &str) -> Reply {
    if let Ok(value) = HeaderValue::from_str(value) {
        reply.headers_mut().insert(name, value);
    }
    reply
}

fn reply(status: StatusCode, media: Option<&'static str>, body: Vec<u8>) -> Reply {
    let mut reply = Response::new(Full::new(Bytes::from(body)));
    *reply.status_mut() = status;
    if let Some(media) = media {
        reply.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(media));
    }
    reply
}
