//! What a sender hears: what became of its body, in the manner of its protocol.

use std::borrow::Cow;

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

fn reply(status: StatusCode, media: Option<&'static str>, body: Vec<u8>) -> Reply {
    let mut reply = Response::new(Full::new(Bytes::from(body)));
    *reply.status_mut() = status;
    if let Some(media) = media {
        reply.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(media));
    }
    reply
}
