//! What is posted where: method, path and content type to the decoder of a body and the manners of its protocol.

use hyper::Method;

use super::answer::Dialect;
use super::inflate::Coding;
use crate::wire::Decoder;
use crate::wire::json::{Batch, Lines};

/// Where a request goes, below the prefix of the address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Target<'a> {
    /// The path, with its first slash.
    pub path: &'a str,
    /// What stands behind the question mark; empty when nothing does.
    pub query: &'a str,
}

/// One kind of request whose body is taken.
pub struct Route {
    method: Method,
    /// A path; one that ends in a slash means all paths below it, and `*` every path that no other route has.
    path: &'static str,
    media: &'static [&'static str],
    /// How a body is packed whose header does not say it.
    pub coding: Coding,
    /// How its senders are answered.
    pub dialect: Dialect,
    /// Makes what reads the body of one request; says what is wrong with the target when that decides it.
    pub decoder: fn(Target<'_>) -> Result<Box<dyn Decoder>, String>,
}

const JSON: &[&str] = &["application/json"];
const JSON_LINES: &[&str] = &["application/x-ndjson", "application/jsonl", "application/json-lines"];

/// The first that fits is taken. A protocol is a decoder in `wire` and a line here.
#[rustfmt::skip]
pub const ROUTES: [Route; 2] = [
    Route { method: Method::POST, path: "*", media: JSON, coding: Coding::Identity, dialect: Dialect::Records, decoder: |_| Ok(Box::new(Batch::new())) },
    Route { method: Method::POST, path: "*", media: JSON_LINES, coding: Coding::Identity, dialect: Dialect::Records, decoder: |_| Ok(Box::new(Lines::new())) },
];

/// Paths that answer a GET with a word: for people and for balancers of load.
const HEALTH: [&str; 2] = ["/", "/healthz"];

/// What a request is.
#[derive(Debug, PartialEq, Eq)]
pub enum Found {
    /// Somebody asks whether we are there.
    Health,
    /// A body for the route of this number.
    Route(usize),
    /// Nothing is there.
    Nothing,
    /// Something is there for these methods.
    OtherMethods(String),
    /// Something is there for these content types.
    OtherMedia(String),
}

/// Which route takes a request. `media`: its `Content-Type`, empty when it has none.
pub fn find(method: &Method, path: &str, media: &str) -> Found {
    let media = media.split(';').next().unwrap_or_default().trim();
    let is_health = HEALTH.contains(&path);
    if is_health && matches!(*method, Method::GET | Method::HEAD) {
        return Found::Health;
    }
    let takes = |route: &Route| route.media.iter().any(|known| known.eq_ignore_ascii_case(media));
    let fits = |route: &Route| route.is_at(path) && route.method == *method && takes(route);
    if let Some(number) = ROUTES.iter().position(fits) {
        return Found::Route(number);
    }
    // A path that only the catch-all has is nothing to look for, and something to post to.
    let is_known = is_health || ROUTES.iter().any(|route| route.path != "*" && route.is_at(path));
    if !is_known && matches!(*method, Method::GET | Method::HEAD) {
        return Found::Nothing;
    }
    let there =
        ROUTES.iter().filter(|route| route.is_at(path) && (route.path == "*") != is_known || is_health);
    let (of_method, others): (Vec<&Route>, Vec<&Route>) = there.partition(|route| route.method == *method);
    if of_method.is_empty() {
        let mut methods: Vec<&str> = others.iter().map(|route| route.method.as_str()).collect();
        methods.extend(is_health.then_some(["GET", "HEAD"]).into_iter().flatten());
        methods.sort_unstable();
        methods.dedup();
        return Found::OtherMethods(methods.join(", "));
    }
    let media: Vec<&str> = of_method.iter().flat_map(|route| route.media).copied().collect();
    Found::OtherMedia(media.join(", "))
}

impl Route {
    fn is_at(&self, path: &str) -> bool {
        match self.path {
            "*" => true,
            below if below.ends_with('/') => path.starts_with(below),
            exactly => path == exactly,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_of_records_is_taken_at_any_path() {
        for path in ["/", "/in", "/a/b", "/healthz"] {
            for media in ["application/json", "Application/JSON; charset=utf-8", "application/x-ndjson"] {
                assert!(matches!(find(&Method::POST, path, media), Found::Route(_)), "{path} {media}");
            }
        }
        assert_eq!(find(&Method::HEAD, "/healthz", ""), Found::Health);
    }

    #[test]
    fn what_is_not_taken_says_what_is() {
        assert_eq!(find(&Method::GET, "/in", ""), Found::Nothing);
        assert_eq!(find(&Method::PUT, "/in", ""), Found::OtherMethods("POST".into()));
        assert_eq!(find(&Method::DELETE, "/", ""), Found::OtherMethods("GET, HEAD, POST".into()));
        let Found::OtherMedia(media) = find(&Method::POST, "/in", "text/plain") else { panic!() };
        assert!(media.starts_with("application/json, application/x-ndjson"), "{media}");
    }
}
