//! Cross-origin requests: which pages of other hosts may use the service (Fetch standard; as oslo.middleware answers).

use hyper::Method;
use hyper::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE,
    ACCESS_CONTROL_REQUEST_HEADERS, ACCESS_CONTROL_REQUEST_METHOD, HeaderMap, HeaderValue, ORIGIN, VARY,
};

/// Methods that a page may use.
const METHODS: [&str; 6] = ["OPTIONS", "GET", "HEAD", "POST", "DELETE", "PATCH"];
/// Headers that a page may send, beside those that it always may.
const HEADERS: [&str; 13] = [
    "accept",
    "accept-language",
    "authorization",
    "cache-control",
    "content-type",
    "if-match",
    "if-none-match",
    "x-auth-token",
    "x-domain-id",
    "x-project-id",
    "x-roles",
    "x-subject-token",
    "x-user-id",
];
/// Headers of answers that a page may read.
const EXPOSED: &str = "ETag, Last-Modified, Link, Location, X-Subject-Token";
/// Seconds for which a browser may remember that.
const AGE_MAX: &str = "3600";

/// The origins whose pages may use the service.
#[derive(Clone, Debug, Default)]
pub struct Cors {
    origins: Vec<String>,
}

impl Cors {
    /// Those origins, as `https://grafana.example`; `*` is every one.
    pub fn new(origins: Vec<String>) -> Cors {
        Cors { origins }
    }

    /// Adds to an answer's headers what a browser needs to hand it on.
    ///
    /// - `method`: of the request, whose headers are `asked`
    pub fn apply(&self, method: &Method, asked: &HeaderMap, answer: &mut HeaderMap) {
        if self.origins.is_empty() {
            return;
        }
        answer.append(VARY, HeaderValue::from_static("Origin"));
        let Some(origin) = asked.get(ORIGIN) else { return };
        let known = self.origins.iter().any(|known| known == "*" || known.as_bytes() == origin.as_bytes());
        if !known {
            return;
        }
        if method == Method::OPTIONS {
            let wanted = asked.get(ACCESS_CONTROL_REQUEST_METHOD).and_then(|method| method.to_str().ok());
            let Some(wanted) = wanted.filter(|wanted| METHODS.contains(wanted)) else { return };
            let headers = asked.get(ACCESS_CONTROL_REQUEST_HEADERS).and_then(|names| names.to_str().ok());
            let mut headers =
                headers.unwrap_or_default().split(',').map(|name| name.trim().to_ascii_lowercase());
            if !headers.all(|name| name.is_empty() || HEADERS.contains(&name.as_str())) {
                return;
            }
            if let Ok(wanted) = HeaderValue::from_str(wanted) {
                answer.insert(ACCESS_CONTROL_ALLOW_METHODS, wanted);
            }
            if let Some(headers) = asked.get(ACCESS_CONTROL_REQUEST_HEADERS) {
                answer.insert(ACCESS_CONTROL_ALLOW_HEADERS, headers.clone());
            }
            answer.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static(AGE_MAX));
        } else {
            answer.insert(ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static(EXPOSED));
        }
        answer.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
        // Every page of every host with the credentials of its visitor: nobody means that by a star.
        if !self.origins.iter().any(|known| known == "*") {
            answer.insert(ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(method: Method, asked: &[(&'static str, &'static str)]) -> HeaderMap {
        let cors = Cors::new(vec!["http://foobar.com".to_owned()]);
        let pairs = asked.iter().map(|(name, value)| {
            (hyper::header::HeaderName::from_static(name), HeaderValue::from_static(value))
        });
        let mut answer = HeaderMap::new();
        cors.apply(&method, &pairs.collect(), &mut answer);
        answer
    }

    #[test]
    fn a_known_origin_may_ask_and_read() {
        let asked = [
            ("origin", "http://foobar.com"),
            ("access-control-request-method", "POST"),
            ("access-control-request-headers", "X-Auth-Token, content-type"),
        ];
        let answer = answered(Method::OPTIONS, &asked);
        assert_eq!(answer[ACCESS_CONTROL_ALLOW_ORIGIN], "http://foobar.com");
        assert_eq!(answer[ACCESS_CONTROL_ALLOW_METHODS], "POST");
        assert_eq!(answer[ACCESS_CONTROL_ALLOW_HEADERS], "X-Auth-Token, content-type");
        let answer = answered(Method::GET, &asked[..1]);
        assert_eq!(answer[ACCESS_CONTROL_ALLOW_ORIGIN], "http://foobar.com");
        assert!(answer.contains_key(ACCESS_CONTROL_EXPOSE_HEADERS));
    }

    #[test]
    fn other_origins_methods_and_headers_are_not_allowed() {
        let other = [("origin", "http://foobar.com.evil"), ("access-control-request-method", "GET")];
        assert!(!answered(Method::OPTIONS, &other).contains_key(ACCESS_CONTROL_ALLOW_ORIGIN));
        let trace = [("origin", "http://foobar.com"), ("access-control-request-method", "TRACE")];
        assert!(!answered(Method::OPTIONS, &trace).contains_key(ACCESS_CONTROL_ALLOW_ORIGIN));
        let header = [
            ("origin", "http://foobar.com"),
            ("access-control-request-method", "GET"),
            ("access-control-request-headers", "x-other"),
        ];
        assert!(!answered(Method::OPTIONS, &header).contains_key(ACCESS_CONTROL_ALLOW_ORIGIN));
    }
}
