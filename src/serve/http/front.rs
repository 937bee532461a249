//! The side of a service that faces the network: from a request's head to its answer.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use hyper::body::{Body as _, Incoming};
use hyper::header::{
    ACCEPT, ACCEPT_ENCODING, ALLOW, CONNECTION, CONTENT_ENCODING, HeaderMap, HeaderName, HeaderValue,
    USER_AGENT, VARY,
};
use hyper::{Method, Request, Response, StatusCode};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use super::body::Outgoing;
use super::incoming::Room;
use super::log::{AccessLog, Entry};
use super::site::Place;
use super::{Answer, Call, Content, Cors, Handler, Parameters, Problem, Route, Site, Workers};
use super::{problem, workers};
use crate::base::http::coding::Coding;
use crate::base::percent::decoded;
use crate::base::{Books, clock};
use crate::model::Timestamp;

/// An answer no longer than this is not counted: as much lies in the buffers of its connection.
const SHORT_BYTES_MAX: usize = 64 * 1024;
/// Bytes of a path and its query: what curl and gnocchiclient send of a hundred metrics is a quarter of it.
const TARGET_BYTES_MAX: usize = 16 * 1024;

/// What a service takes at a time.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// The longest body, packed or unpacked.
    pub body_bytes_max: usize,
    /// All bodies that are being received or worked at, together.
    pub bodies_bytes_max: usize,
    /// All answers that are on their way out, together.
    pub answers_bytes_max: usize,
    /// The longest time that a request waits for its answer.
    pub answer_time: Duration,
}

/// What a service has done.
#[derive(Debug, Default)]
pub struct Counters {
    /// Requests by the first digit of their status.
    pub answered: [AtomicU64; 6],
    /// Microseconds that they took, all together.
    pub took_us: AtomicU64,
    /// Bytes of bodies received.
    pub received_bytes: AtomicU64,
}

/// A service: where it is, what it answers, and with what.
pub struct Front<D> {
    routes: matchit::Router<BTreeMap<&'static str, (Handler<D>, bool)>>,
    workers: Workers<D>,
    limits: Limits,
    room: Room,
    answers: Arc<Semaphore>,
    books: Arc<Books>,
    counters: Arc<Counters>,
    /// Where it is.
    pub place: Place,
    /// Pages of other hosts.
    pub cors: Cors,
    /// Where requests are written down.
    pub log: Option<AccessLog>,
}

impl<D: Send + 'static> Front<D> {
    /// A service with these routes.
    ///
    /// # Panics
    /// When two routes are for the same requests: they stand in one table.
    pub fn new(
        routes: &[Route<D>],
        workers: Workers<D>,
        place: Place,
        limits: Limits,
        counters: Arc<Counters>,
        books: &Arc<Books>,
    ) -> Front<D> {
        let mut by_path: BTreeMap<&'static str, BTreeMap<&'static str, (Handler<D>, bool)>> = BTreeMap::new();
        for route in routes {
            let method = if route.method == Method::GET { "GET" } else { known(&route.method) };
            let before = by_path.entry(route.path).or_default().insert(method, (route.answer, route.is_json));
            assert!(before.is_none(), "two routes for {method} {}", route.path);
        }
        let mut router = matchit::Router::new();
        for (path, methods) in by_path {
            router.insert(path, methods).expect("the paths of a table do not contradict each other");
        }
        let room = Room::new(limits.bodies_bytes_max);
        let answers = Arc::new(Semaphore::new(limits.answers_bytes_max.min(Semaphore::MAX_PERMITS)));
        let (books, cors) = (Arc::clone(books), Cors::default());
        Front { routes: router, workers, limits, room, answers, books, counters, place, cors, log: None }
    }

    /// The response to a request.
    pub async fn respond(&self, request: Request<Incoming>, peer: SocketAddr) -> Response<Outgoing> {
        let begun = Instant::now();
        let now = Timestamp::from_ns(clock::now_ns());
        let (head, body) = request.into_parts();
        let target = head.uri.path_and_query().map_or("/", |target| target.as_str()).to_owned();
        let asked = Asked {
            method: head.method,
            headers: head.headers,
            target: &target,
            now,
            caller: Arc::default(),
        };
        let site = self.site(&asked, peer);
        let client = site.client().to_owned();
        let mut ends = false;
        let answer = self.answer(&asked, site, body, &mut ends).await;
        let answer = answer.and_then(|answer| Ok((self.hold(&answer)?, answer)));
        let (held, answer) = answer.unwrap_or_else(|mut problem| {
            if let Some(trouble) = problem.trouble.take() {
                self.books.warn("trouble", &format_args!("{} {target}: {trouble}", asked.method));
            }
            let accept = asked.headers.get(ACCEPT).map(|accept| accept.to_str().unwrap_or_default());
            (None, problem.answer(accept))
        });
        let mut response = self.finish(&asked, answer, held);
        if ends {
            response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
        self.note(&asked, &client, &response, begun);
        response
    }

    /// From now on only what is in hand is done.
    pub fn close(&self) {
        self.workers.close();
    }

    fn site(&self, asked: &Asked<'_>, peer: SocketAddr) -> Site {
        let place = &self.place;
        let path = asked.path();
        let below = path.strip_prefix(place.prefix.as_str()).unwrap_or(path);
        let peer = peer.ip().to_string();
        Site::of(&asked.headers, place, below, peer)
    }

    /// - `ends`: set when what is left of the body is in the way of a next request
    async fn answer(
        &self,
        asked: &Asked<'_>,
        site: Site,
        body: Incoming,
        ends: &mut bool,
    ) -> Result<Answer, Problem> {
        // Nobody has read the body yet.
        *ends = !body.is_end_stream();
        if asked.target.len() > TARGET_BYTES_MAX {
            return Err(Problem::new(StatusCode::URI_TOO_LONG, "the path and the query are too long"));
        }
        let nothing = || Problem::not_found("");
        let path = asked.path().strip_prefix(self.place.prefix.as_str()).ok_or_else(nothing)?;
        if !path.is_empty() && !path.starts_with('/') {
            return Err(nothing());
        }
        let path = plain(path);
        let path = path.as_str();
        let found = self.routes.at(path).map_err(|_| nothing())?;
        if asked.method == Method::OPTIONS {
            return Ok(Answer::empty(StatusCode::OK).with(ALLOW, &allowed(found.value)));
        }
        let is_head = asked.method == Method::HEAD && !found.value.contains_key("HEAD");
        let method = if is_head { "GET" } else { known(&asked.method) };
        let Some((handler, is_json)) = found.value.get(method).copied() else {
            let allowed = HeaderValue::from_str(&allowed(found.value)).ok();
            let problem = Problem::new(StatusCode::METHOD_NOT_ALLOWED, "");
            return Err(match allowed {
                Some(allowed) => problem.with(ALLOW, allowed),
                None => problem,
            });
        };
        let accept = asked.headers.get(ACCEPT).and_then(|accept| accept.to_str().ok());
        if is_json && accept.is_some_and(|accept| !problem::accepts(accept, "application/json")) {
            return Err(Problem::new(StatusCode::NOT_ACCEPTABLE, "answers here are application/json"));
        }
        let part = |text: &str| decoded(text).and_then(|bytes| String::from_utf8(bytes).ok());
        let parts = found.params.iter().map(|(_, value)| part(value)).collect::<Option<Vec<_>>>();
        let parts = parts.ok_or_else(nothing)?;
        let coding = asked
            .headers
            .get(CONTENT_ENCODING)
            .map_or(Some(Coding::Identity), |coding| coding.to_str().ok().and_then(Coding::of));
        let coding = coding.ok_or_else(Problem::other_media)?;
        let (bytes, room) = self.room.receive(body, self.limits.body_bytes_max).await?;
        *ends = false;
        self.counters.received_bytes.fetch_add(bytes.len() as u64, Ordering::Relaxed);
        let call = Call {
            method: if asked.method == Method::HEAD { Method::GET } else { asked.method.clone() },
            parts,
            query: Parameters::parse(asked.query()),
            headers: asked.headers.clone(),
            body: bytes.into(),
            site,
            now: asked.now,
            caller: Arc::clone(&asked.caller),
        };
        let (body_bytes_max, given_up) = (self.limits.body_bytes_max, Arc::new(AtomicBool::new(false)));
        let work =
            workers::Asked { handler, call, coding, body_bytes_max, given_up: Arc::clone(&given_up), room };
        match timeout(self.limits.answer_time, self.workers.answer(work)).await {
            Ok(answer) => answer,
            Err(_) => {
                given_up.store(true, Ordering::Release);
                Err(Problem::busy("the answer takes too long"))
            }
        }
    }

    /// An answer's share of the memory for those that are on their way; a short one needs none.
    fn hold(&self, answer: &Answer) -> Result<Option<OwnedSemaphorePermit>, Problem> {
        let bytes = answer.content.held();
        if bytes <= SHORT_BYTES_MAX {
            return Ok(None);
        }
        // One that is longer than all may be together is sent alone.
        let wanted = u32::try_from(bytes.min(self.limits.answers_bytes_max)).unwrap_or(u32::MAX);
        // Not waited for: meanwhile it would take the memory all the same.
        let held = Arc::clone(&self.answers).try_acquire_many_owned(wanted);
        held.map(Some).map_err(|_| Problem::busy("too many long answers are being sent"))
    }

    fn finish(
        &self,
        asked: &Asked<'_>,
        answer: Answer,
        held: Option<OwnedSemaphorePermit>,
    ) -> Response<Outgoing> {
        let Answer { status, headers, content } = answer;
        let takes = asked.headers.get(ACCEPT_ENCODING).and_then(|codings| codings.to_str().ok());
        let takes_gzip = takes.is_some_and(takes_gzip);
        let content = if asked.method == Method::HEAD { Content::Empty } else { content };
        let (body, is_packed) = Outgoing::new(content, takes_gzip, held);
        let mut response = Response::new(body);
        *response.status_mut() = status;
        let map = response.headers_mut();
        headers.into_iter().for_each(|(name, value)| _ = map.append(name, value));
        if is_packed {
            map.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        map.append(VARY, HeaderValue::from_static("Accept-Encoding"));
        map.insert(HeaderName::from_static("x-content-type-options"), HeaderValue::from_static("nosniff"));
        self.cors.apply(&asked.method, &asked.headers, map);
        response
    }

    fn note(&self, asked: &Asked<'_>, client: &str, response: &Response<Outgoing>, begun: Instant) {
        let status = response.status().as_u16();
        let took_us = begun.elapsed().as_micros();
        if let Some(counter) = self.counters.answered.get(usize::from(status / 100)) {
            counter.fetch_add(1, Ordering::Relaxed);
        }
        self.counters.took_us.fetch_add(took_us as u64, Ordering::Relaxed);
        let Some(log) = &self.log else { return };
        let text = |name| asked.headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
        log.write(&Entry {
            client,
            user: asked.caller.get().map(String::as_str),
            at: asked.now,
            method: asked.method.as_str(),
            target: asked.target,
            status,
            bytes: response.body().size_hint().exact(),
            agent: text(USER_AGENT),
            took_us,
        });
    }
}

/// The head of a request.
struct Asked<'a> {
    method: Method,
    headers: HeaderMap,
    target: &'a str,
    now: Timestamp,
    /// Who makes it, once that is known.
    caller: Arc<OnceLock<String>>,
}

impl Asked<'_> {
    fn path(&self) -> &str {
        self.target.split_once('?').map_or(self.target, |(path, _)| path)
    }

    fn query(&self) -> &str {
        self.target.split_once('?').map_or("", |(_, query)| query)
    }
}

/// A path without slashes at its end, and one where several stand: they mean nothing to Pecan, and gnocchiclient writes them.
fn plain(path: &str) -> String {
    let parts: String =
        path.split('/').filter(|part| !part.is_empty()).map(|part| format!("/{part}")).collect();
    if parts.is_empty() { "/".to_owned() } else { parts }
}

/// The methods that routes know; any other is none of them.
fn known(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PATCH => "PATCH",
        Method::PUT => "PUT",
        Method::DELETE => "DELETE",
        _ => "",
    }
}

fn allowed<D>(methods: &BTreeMap<&'static str, (Handler<D>, bool)>) -> String {
    let mut names: Vec<&str> = methods.keys().copied().collect();
    if names.contains(&"HEAD") {
        // A row of its own is there to refuse it.
        names.retain(|name| *name != "HEAD");
    } else if names.contains(&"GET") {
        names.push("HEAD");
    }
    names.push("OPTIONS");
    names.join(", ")
}

/// Whether an `Accept-Encoding` lets gzip in.
fn takes_gzip(header: &str) -> bool {
    header.split(',').any(|coding| {
        let mut parts = coding.split(';').map(str::trim);
        let is_gzip = parts.next().is_some_and(|name| name.eq_ignore_ascii_case("gzip"));
        is_gzip && !parts.any(|part| matches!(part, "q=0" | "q=0.0" | "q=0.00" | "q=0.000"))
    })
}
