//! Requests about a resource as their maker knows it: entity tags and times of the last change (RFC 9110, 13).

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use hyper::header::{
    ETAG, HeaderValue, IF_MATCH, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_UNMODIFIED_SINCE, LAST_MODIFIED,
};
use hyper::{Method, StatusCode};
use uuid::Uuid;

use crate::serve::http::{Answer, Call, Problem};
use crate::store::index::Resource;

/// The state of a resource: its entity tag, and the second of its last change.
pub(super) struct State {
    tag: String,
    changed: SystemTime,
}

impl State {
    /// That of a resource; another after every change but of its metrics.
    pub(super) fn of(resource: &Resource) -> State {
        let since_ns = resource.revision_start.ns();
        let tag = Uuid::new_v5(&resource.id, &since_ns.to_be_bytes()).simple().to_string();
        let seconds = u64::try_from(since_ns / crate::model::NS_PER_SECOND).unwrap_or(0);
        State { tag, changed: UNIX_EPOCH + Duration::from_secs(seconds) }
    }

    /// Whether the request holds in this state.
    ///
    /// # Errors
    /// 412 when it does not; 304 when it asks for another state than this.
    pub(super) fn check(&self, call: &Call) -> Result<(), Problem> {
        let failed = || Problem::new(StatusCode::PRECONDITION_FAILED, "");
        let reads = call.method == Method::GET;
        match call.header(IF_MATCH) {
            Some(tags) if !self.is_among(tags) => return Err(failed()),
            None if date(call, IF_UNMODIFIED_SINCE).is_some_and(|since| since < self.changed) => {
                return Err(failed());
            }
            _ => {}
        }
        match call.header(IF_NONE_MATCH) {
            Some(tags) if self.is_among(tags) => Err(if reads { self.unchanged() } else { failed() }),
            None if reads && date(call, IF_MODIFIED_SINCE).is_some_and(|since| since >= self.changed) => {
                Err(self.unchanged())
            }
            _ => Ok(()),
        }
    }

    /// An answer that says which state it is.
    pub(super) fn told(&self, answer: Answer) -> Answer {
        answer
            .with(ETAG, &format!("\"{}\"", self.tag))
            .with(LAST_MODIFIED, &httpdate::fmt_http_date(self.changed))
    }

    fn unchanged(&self) -> Problem {
        let problem = Problem::new(StatusCode::NOT_MODIFIED, "");
        match HeaderValue::from_str(&format!("\"{}\"", self.tag)) {
            Ok(tag) => problem.with(ETAG, tag),
            Err(_) => problem,
        }
    }

    /// Clients of the original write tags with quotes and without.
    fn is_among(&self, tags: &str) -> bool {
        tags.split(',')
            .map(|tag| tag.trim().trim_start_matches("W/").trim_matches('"'))
            .any(|tag| tag == "*" || tag == self.tag)
    }
}

/// A time in a header; one that is none is as good as absent (RFC 9110, 13.1.3).
fn date(call: &Call, name: hyper::header::HeaderName) -> Option<SystemTime> {
    httpdate::parse_http_date(call.header(name)?).ok()
}

#[cfg(test)]
mod tests {
    use hyper::header::{HeaderMap, HeaderName};

    use std::sync::Arc;

    use super::*;
    use crate::model::Timestamp;
    use crate::serve::http::{Forwarding, Parameters, Place, Site};

    /// The status of a request with these headers about a resource that changed at second 100.
    fn status(method: Method, headers: &[(HeaderName, &str)]) -> Option<u16> {
        let state = State { tag: "t1".to_owned(), changed: UNIX_EPOCH + Duration::from_secs(100) };
        let headers: HeaderMap = headers
            .iter()
            .map(|(name, value)| (name.clone(), HeaderValue::from_str(value).unwrap()))
            .collect();
        let (origin, prefix) = ("here".to_owned(), String::new());
        let place = Place { scheme: "http", origin, prefix, forwarding: Forwarding::Ignored };
        let site = Site::of(&headers, &place, "/", String::new());
        let call = Call {
            method,
            parts: Vec::new(),
            query: Parameters::default(),
            headers,
            body: Vec::new().into(),
            site,
            now: Timestamp::from_ns(0),
            caller: Arc::default(),
        };
        state.check(&call).err().map(|problem| problem.status().as_u16())
    }

    const BEFORE: &str = "Thu, 01 Jan 1970 00:01:39 GMT";
    const THEN: &str = "Thu, 01 Jan 1970 00:01:40 GMT";

    #[test]
    fn a_request_about_another_state_is_refused() {
        for (name, value, reading, writing) in [
            (IF_MATCH, "\"t1\"", None, None),
            (IF_MATCH, "t0, t1", None, None),
            (IF_MATCH, "*", None, None),
            (IF_MATCH, "\"t0\"", Some(412), Some(412)),
            (IF_NONE_MATCH, "W/\"t1\"", Some(304), Some(412)),
            (IF_NONE_MATCH, "\"t0\"", None, None),
            (IF_UNMODIFIED_SINCE, THEN, None, None),
            (IF_UNMODIFIED_SINCE, BEFORE, Some(412), Some(412)),
            (IF_MODIFIED_SINCE, THEN, Some(304), None),
            (IF_MODIFIED_SINCE, BEFORE, None, None),
            (IF_MODIFIED_SINCE, "yesterday", None, None),
        ] {
            assert_eq!(status(Method::GET, &[(name.clone(), value)]), reading, "GET {name}: {value}");
            assert_eq!(status(Method::PATCH, &[(name.clone(), value)]), writing, "PATCH {name}: {value}");
        }
    }

    #[test]
    fn a_tag_counts_more_than_a_time() {
        assert_eq!(status(Method::GET, &[(IF_MATCH, "t1"), (IF_UNMODIFIED_SINCE, BEFORE)]), None);
        assert_eq!(status(Method::GET, &[(IF_NONE_MATCH, "t0"), (IF_MODIFIED_SINCE, THEN)]), None);
    }
}
