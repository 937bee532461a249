//! What is posted where: method, path and content type to the decoder of a body and the manners of its protocol.

use hyper::Method;

use super::answer::Dialect;
use super::grouping;
use crate::base::http::coding::Coding;
use crate::wire::influx::{self, Influx, UnknownPrecision};
use crate::wire::json::{Batch, Lines};
use crate::wire::prometheus::{Exposition, RemoteWrite};
use crate::wire::{Decoder, Origin, collectd, otlp};

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
    methods: &'static [Method],
    /// A path; one that ends in a slash means all paths below it, and `*` every path that no other route has.
    path: &'static str,
    /// Content types; none for any.
    media: &'static [&'static str],
    /// How its senders are answered.
    pub dialect: Dialect,
    /// What reads its bodies.
    pub reader: Reader,
}

/// Where the decoder of a route comes from.
pub enum Reader {
    /// One for all bodies of a run: it may remember what an earlier body said.
    Kept(fn() -> Box<dyn Decoder>),
    /// As above; it undoes this coding itself.
    Unpacking(Coding, fn() -> Box<dyn Decoder>),
    /// One for each body, as its path or query say; or what is wrong with these.
    Each(fn(Target<'_>) -> Result<Box<dyn Decoder>, String>),
}

const POST: &[Method] = &[Method::POST];
const POST_OR_PUT: &[Method] = &[Method::POST, Method::PUT];
const JSON: &[&str] = &["application/json"];
const JSON_LINES: &[&str] = &["application/x-ndjson", "application/jsonl", "application/json-lines"];
const PROTOBUF: &[&str] = &["application/x-protobuf"];
/// What is pushed by client libraries, by Ceilometer's prometheus publisher (its word), and by curl.
const EXPOSITION: &[&str] =
    &["text/plain", "application/openmetrics-text", "plain/text", "application/x-www-form-urlencoded", ""];
/// The interface of InfluxDB looks at no content type.
const ANY: &[&str] = &[];

const REMOTE_WRITE: Reader = Reader::Unpacking(Coding::Snappy, || Box::new(RemoteWrite::default()));
const INFLUX: Reader = Reader::Each(influx);

/// The first that fits is taken. A protocol is a decoder in `wire` and a line here.
#[rustfmt::skip]
pub const ROUTES: [Route; 13] = [
    Route { methods: POST, path: "/api/v1/write", media: PROTOBUF, dialect: Dialect::RemoteWrite, reader: REMOTE_WRITE },
    Route { methods: POST, path: "/api/v1/receive", media: PROTOBUF, dialect: Dialect::RemoteWrite, reader: REMOTE_WRITE },
    Route { methods: POST, path: "/api/v1/push", media: PROTOBUF, dialect: Dialect::RemoteWrite, reader: REMOTE_WRITE },
    Route { methods: POST, path: "/receive", media: PROTOBUF, dialect: Dialect::RemoteWrite, reader: REMOTE_WRITE },
    Route { methods: POST, path: "/write", media: PROTOBUF, dialect: Dialect::RemoteWrite, reader: REMOTE_WRITE },
    Route { methods: POST, path: "/write", media: ANY, dialect: Dialect::Influx, reader: INFLUX },
    Route { methods: POST, path: "/api/v2/write", media: ANY, dialect: Dialect::Influx, reader: INFLUX },
    Route { methods: POST, path: "/v1/metrics", media: JSON, dialect: Dialect::OtlpJson, reader: Reader::Kept(|| Box::new(otlp::Json::default())) },
    Route { methods: POST, path: "/v1/metrics", media: PROTOBUF, dialect: Dialect::OtlpProtobuf, reader: Reader::Kept(|| Box::new(otlp::Protobuf::default())) },
    Route { methods: POST_OR_PUT, path: "/metrics/", media: EXPOSITION, dialect: Dialect::Pushgateway, reader: Reader::Each(exposition) },
    Route { methods: POST, path: "/collectd", media: JSON, dialect: Dialect::Records, reader: Reader::Kept(|| Box::new(collectd::Json::default())) },
    Route { methods: POST, path: "*", media: JSON, dialect: Dialect::Records, reader: Reader::Kept(|| Box::new(Batch::new())) },
    Route { methods: POST, path: "*", media: JSON_LINES, dialect: Dialect::Records, reader: Reader::Kept(|| Box::new(Lines::new())) },
];

fn influx(target: Target<'_>) -> Result<Box<dyn Decoder>, String> {
    let word = target.query.split('&').find_map(|option| option.strip_prefix("precision="));
    let precision = word.unwrap_or_default().parse().map_err(|error: UnknownPrecision| error.to_string())?;
    Ok(Box::new(Influx::new(influx::Options { precision, ..influx::Options::default() })))
}

fn exposition(target: Target<'_>) -> Result<Box<dyn Decoder>, String> {
    let labels = grouping::labels(target.path).map_err(|error| error.to_string())?;
    Ok(Box::new(Exposition::new(labels, &Origin::default())))
}

/// Paths that answer a GET with a word: for people and for balancers of load.
const HEALTH: [&str; 4] = ["/", "/healthz", "/health", "/ping"];

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
    // Remote write 2.0 has the content type of 1.0 with another message: its senders fall back when told so.
    let is_of_2 = media.contains("io.prometheus.write.v2");
    let media = media.split(';').next().unwrap_or_default().trim();
    let is_health = HEALTH.contains(&path);
    if is_health && matches!(*method, Method::GET | Method::HEAD) {
        return Found::Health;
    }
    let fits =
        |route: &Route| route.is_at(path) && route.methods.contains(method) && route.takes(media) && !is_of_2;
    if let Some(number) = ROUTES.iter().position(fits) {
        return Found::Route(number);
    }
    // A path that only the catch-all has is nothing to look for, and something to post to.
    let is_known = is_health || ROUTES.iter().any(|route| route.path != "*" && route.is_at(path));
    if !is_known && matches!(*method, Method::GET | Method::HEAD) {
        return Found::Nothing;
    }
    let there =
        ROUTES.iter().filter(|route| route.is_at(path) && (is_health || (route.path == "*") != is_known));
    let (of_method, others): (Vec<&Route>, Vec<&Route>) =
        there.partition(|route| route.methods.contains(method));
    if of_method.is_empty() {
        let mut methods: Vec<&str> =
            others.iter().flat_map(|route| route.methods).map(Method::as_str).collect();
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

    fn takes(&self, media: &str) -> bool {
        // Protocol Buffers are no lines, wherever they are posted.
        let is_text = !media.eq_ignore_ascii_case(PROTOBUF[0]);
        (self.media.is_empty() && is_text) || self.media.iter().any(|known| known.eq_ignore_ascii_case(media))
    }

    /// How a body with the content coding `coding`, none when its head has none, is packed for the decoder.
    pub fn coding(&self, coding: Option<Coding>) -> Coding {
        match (&self.reader, coding) {
            (Reader::Unpacking(own, _), Some(coding)) if coding == *own => Coding::Identity,
            (_, coding) => coding.unwrap_or(Coding::Identity),
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
    fn protocols_are_told_apart_by_path_and_content_type() {
        let dialect = |method: &Method, path: &str, media: &str| match find(method, path, media) {
            Found::Route(number) => Some(ROUTES[number].dialect),
            _ => None,
        };
        let post = |path: &str, media: &str| dialect(&Method::POST, path, media);
        let protobuf = "application/x-protobuf";
        for path in ["/api/v1/write", "/api/v1/receive", "/api/v1/push", "/receive", "/write"] {
            assert_eq!(post(path, protobuf), Some(Dialect::RemoteWrite), "{path}");
            let of_1 = "application/x-protobuf;proto=prometheus.WriteRequest";
            assert_eq!(post(path, of_1), Some(Dialect::RemoteWrite), "{path}");
            assert_eq!(
                post(path, "application/x-protobuf;proto=io.prometheus.write.v2.Request"),
                None,
                "{path}"
            );
        }
        for media in ["", "text/plain; charset=utf-8", "application/x-www-form-urlencoded"] {
            assert_eq!(post("/write", media), Some(Dialect::Influx));
            assert_eq!(post("/api/v2/write", media), Some(Dialect::Influx));
        }
        assert_eq!(post("/v1/metrics", protobuf), Some(Dialect::OtlpProtobuf));
        assert_eq!(post("/v1/metrics", "application/json"), Some(Dialect::OtlpJson));
        for media in
            ["plain/text", "text/plain; version=0.0.4", "application/openmetrics-text; version=1.0.0", ""]
        {
            assert_eq!(post("/metrics/job/x", media), Some(Dialect::Pushgateway));
            assert_eq!(dialect(&Method::PUT, "/metrics/job/x/a/b", media), Some(Dialect::Pushgateway));
        }
        assert_eq!(post("/metrics/job/x", "application/vnd.google.protobuf"), None);
        assert_eq!(post("/collectd", "application/json"), Some(Dialect::Records));
    }

    #[test]
    fn what_is_not_taken_says_what_is() {
        assert_eq!(find(&Method::GET, "/in", ""), Found::Nothing);
        assert_eq!(find(&Method::PUT, "/in", ""), Found::OtherMethods("POST".into()));
        assert_eq!(find(&Method::DELETE, "/", ""), Found::OtherMethods("GET, HEAD, POST".into()));
        let Found::OtherMedia(media) = find(&Method::POST, "/in", "text/plain") else { panic!() };
        assert!(media.starts_with("application/json, application/x-ndjson"), "{media}");
        assert_eq!(find(&Method::GET, "/api/v1/write", ""), Found::OtherMethods("POST".into()));
        assert_eq!(find(&Method::DELETE, "/metrics/job/x", ""), Found::OtherMethods("POST, PUT".into()));
        assert_eq!(
            find(&Method::POST, "/v1/metrics", "text/plain"),
            Found::OtherMedia("application/json, application/x-protobuf".into())
        );
    }
}
