//! A request, all of it.

use std::sync::{Arc, OnceLock};

use hyper::header::{HeaderMap, HeaderName};
use hyper::{Method, body::Bytes};
use serde_json::Value;

use super::{Parameters, Problem, Site};
use crate::model::Timestamp;

/// The media type of JSON.
const JSON: &str = "application/json";

/// A request with its body, as the function of a route sees it.
#[derive(Debug)]
pub struct Call {
    /// Its method; GET for HEAD too.
    pub method: Method,
    /// The parts of the path that the route leaves open, decoded, in their order.
    pub parts: Vec<String>,
    /// What stands behind the question mark.
    pub query: Parameters,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body, unpacked.
    pub body: Bytes,
    /// Where the service is, as the caller sees it.
    pub site: Site,
    /// When it came.
    pub now: Timestamp,
    /// Who makes it, for the log; said by whoever finds it out.
    pub caller: Arc<OnceLock<String>>,
}

impl Call {
    /// The open part of the path with that number; the route has it.
    pub fn part(&self, number: usize) -> &str {
        self.parts.get(number).map_or("", String::as_str)
    }

    /// A header as text; none when it is not there or no text.
    pub fn header(&self, name: impl Into<HeaderName>) -> Option<&str> {
        self.headers.get(name.into()).and_then(|value| value.to_str().ok())
    }

    /// The body, which must say that it is JSON.
    ///
    /// # Errors
    /// 415 when it says otherwise, 400 when it is none.
    pub fn json(&self) -> Result<Value, Problem> {
        self.json_of(JSON)
    }

    /// The body, which must say that it is of that media type, a kind of JSON.
    ///
    /// # Errors
    /// As [`Call::json`].
    pub fn json_of(&self, media: &str) -> Result<Value, Problem> {
        self.expect_media(media)?;
        serde_json::from_slice(&self.body).map_err(|error| Problem::no_json(&error))
    }

    /// Whether the body says that it is of that media type.
    ///
    /// # Errors
    /// 415 when it does not.
    pub fn expect_media(&self, media: &str) -> Result<(), Problem> {
        let found = self.header(hyper::header::CONTENT_TYPE).unwrap_or_default();
        let found = found.split(';').next().unwrap_or_default().trim();
        if found.eq_ignore_ascii_case(media) { Ok(()) } else { Err(Problem::other_media()) }
    }
}
