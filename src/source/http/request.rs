//! One request: who sends, what, how much, and what they are told.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use http_body_util::{BodyExt, Full};
use hyper::body::{Body as _, Incoming};
use hyper::header::{
    ACCEPT_ENCODING, ALLOW, AUTHORIZATION, CONNECTION, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE,
    EXPECT, HeaderMap, HeaderName, HeaderValue, TRANSFER_ENCODING, WWW_AUTHENTICATE,
};
use hyper::{Method, Request, StatusCode};
use tokio::sync::oneshot;
use tokio::time::{Instant, timeout};

use super::answer::{Refusal, Reply, text};
use super::memory::Memory;
use super::queue::{Body, Ticket};
use super::route::{self, Found, ROUTES};
use super::server::{Shared, Stage};
use crate::base::http::coding::{Coding, KNOWN};
use crate::base::http::{Lost, Paced};

/// Bytes of room made for a body before any of it is there: a promise that costs its sender nothing.
const EXPECTED_BYTES_MAX: u64 = 256 * 1024;
/// How long a body waits for memory, and then how long it waits for its turn, before its sender is told to try again:
/// less than most senders wait for an answer.
const ROOM_TIME: Duration = Duration::from_secs(10);
/// Bytes of a body that nobody wants and that are read all the same, so that its sender reads the answer.
const DISCARDED_BYTES_MAX: usize = 16 * 1024 * 1024;
/// How long that may take.
const DISCARD_TIME: Duration = Duration::from_secs(5);
/// Bytes of a path that messages show.
const SHOWN_PATH_BYTES_MAX: usize = 100;

const STOPPING: &str = "this server is stopping";
const FULL: &str = "too many bodies wait for the output";

/// The response to `request`, known when what it brought has left this process.
pub async fn respond(request: Request<Incoming>, peer: SocketAddr, shared: &Shared) -> Reply {
    // First the count, then the look: who stops looks the other way round.
    let _in_hand = InHand::new(shared);
    let is_head = request.method() == Method::HEAD;
    let name = name(&request, peer, shared);
    let (refusal, ends) = match accept(&request, shared) {
        Ok(None) => return health(is_head),
        Ok(Some(expected)) => match take(request, &name, expected, shared).await {
            Ok(reply) => return reply,
            // What is left of its body is in the way of the next request.
            Err(refusal) => (refusal, true),
        },
        Err(refusal) => {
            let ends = *shared.listening.stage.borrow() != Stage::Serving;
            let waits_for_leave = request.headers().contains_key(EXPECT);
            if !ends && !waits_for_leave {
                discard(request.into_body()).await;
            }
            (refusal, ends)
        }
    };
    shared.listening.books.count("requests_refused", 1);
    shared.listening.books.warn("refused request", &format_args!("{name}: {}", refusal.why));
    let mut reply = refusal.reply();
    if ends {
        reply.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    if is_head { reply.map(|_| Full::default()) } else { reply }
}

fn health(is_head: bool) -> Reply {
    let reply = text(StatusCode::OK, "ok");
    if is_head { reply.map(|_| Full::default()) } else { reply }
}

/// What messages and books call a request: our URL, the sender, what it asked for.
fn name(request: &Request<Incoming>, peer: SocketAddr, shared: &Shared) -> String {
    let path = request.uri().path();
    let mut shown = path.len().min(SHOWN_PATH_BYTES_MAX);
    while !path.is_char_boundary(shown) {
        shown -= 1;
    }
    format!("{} {peer} {} {}", shared.listening.name, request.method(), &path[..shown])
}

/// A request that is being answered.
struct InHand<'a>(&'a Shared);

impl<'a> InHand<'a> {
    fn new(shared: &'a Shared) -> InHand<'a> {
        shared.in_hand.fetch_add(1, Ordering::SeqCst);
        InHand(shared)
    }
}

impl Drop for InHand<'_> {
    fn drop(&mut self) {
        let left = self.0.in_hand.fetch_sub(1, Ordering::SeqCst) - 1;
        if left == 0 && *self.0.listening.stage.borrow() != Stage::Serving {
            self.0.queue.wake();
        }
    }
}

/// A body that is worth receiving.
struct Expected {
    route: usize,
    path: String,
    query: String,
    coding: Coding,
}

/// What the head of a request promises; none when somebody only asks whether we are there.
fn accept(request: &Request<Incoming>, shared: &Shared) -> Result<Option<Expected>, Refusal> {
    if *shared.listening.stage.borrow() != Stage::Serving {
        return Err(Refusal::busy(STOPPING));
    }
    let (headers, settings) = (request.headers(), &shared.settings);
    let (method, whole_path) = (request.method(), request.uri().path());
    let nothing = || Refusal::new(StatusCode::NOT_FOUND, "nothing is here");
    let path = whole_path.strip_prefix(&settings.prefix).ok_or_else(nothing)?;
    let path = match path {
        "" => "/",
        below if below.starts_with('/') => below,
        _ => return Err(nothing()),
    };
    let media = value(headers, CONTENT_TYPE);
    let found = route::find(method, path, media);
    // Whether we are there is no secret.
    if found == Found::Health {
        return Ok(None);
    }
    if !settings.guard.admits(headers.get(AUTHORIZATION).map(|value| value.as_bytes())) {
        let refusal = Refusal::new(StatusCode::UNAUTHORIZED, "no token, user or password that is known");
        return Err(refusal.with(WWW_AUTHENTICATE, settings.guard.challenge()));
    }
    let route = match found {
        Found::Route(number) => number,
        Found::OtherMethods(methods) => {
            let why = format!("{method} is not taken here, only {methods}");
            return Err(Refusal::new(StatusCode::METHOD_NOT_ALLOWED, why).with(ALLOW, methods));
        }
        Found::OtherMedia(known) => {
            let why = format!("content-type \"{media}\" is not taken here, only {known}");
            return Err(Refusal::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, why));
        }
        Found::Health | Found::Nothing => return Err(nothing()),
    };
    let coding = match value(headers, CONTENT_ENCODING) {
        "" => Some(None),
        header => Coding::of(header).map(Some),
    };
    let coding = coding.map(|coding| ROUTES[route].coding(coding)).ok_or_else(|| {
        let why = format!("this content-encoding is not known, only {KNOWN}");
        Refusal::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, why).with(ACCEPT_ENCODING, KNOWN)
    })?;
    if !headers.contains_key(CONTENT_LENGTH) && !headers.contains_key(TRANSFER_ENCODING) {
        return Err(Refusal::new(StatusCode::LENGTH_REQUIRED, "a content-length or chunks are needed"));
    }
    if request.body().size_hint().lower() > settings.body_bytes_max as u64 {
        return Err(too_large(settings.body_bytes_max));
    }
    let query = request.uri().query().unwrap_or_default();
    Ok(Some(Expected { route, path: path.to_owned(), query: query.to_owned(), coding }))
}

/// Receives the body, hands it to the source, and waits for what becomes of it.
async fn take(
    request: Request<Incoming>,
    name: &str,
    expected: Expected,
    shared: &Shared,
) -> Result<Reply, Refusal> {
    let Expected { route, path, query, coding } = expected;
    let mut stage = shared.listening.stage.subscribe();
    let closing = async { _ = stage.wait_for(|stage| *stage == Stage::Closing).await };
    let (bytes, memory) = tokio::select! {
        received = receive(request.into_body(), shared) => received?,
        () = closing => return Err(Refusal::busy(STOPPING)),
    };
    let (answer, mut answered) = oneshot::channel();
    let ticket = Arc::new(Ticket::default());
    // A sender that goes away takes its body with it, unless that was taken already.
    let _withdrawal = Withdrawal(Arc::clone(&ticket));
    let (name, sent) = (name.to_owned(), Arc::clone(&ticket));
    shared.queue.push(Body { name, route, path, query, coding, bytes, ticket: sent, answer, memory });
    let verdict = match timeout(ROOM_TIME, &mut answered).await {
        Ok(verdict) => verdict,
        Err(_) if ticket.withdraw() => return Err(Refusal::busy(FULL)),
        // It is on its way out: how that ends must be known before anything is said.
        Err(_) => answered.await,
    };
    let verdict = verdict.map_err(|_| Refusal::busy(STOPPING))?;
    Ok(ROUTES[route].dialect.reply(verdict))
}

struct Withdrawal(Arc<Ticket>);

impl Drop for Withdrawal {
    fn drop(&mut self) {
        self.0.withdraw();
    }
}

/// A whole body and its share of the memory.
async fn receive(body: Incoming, shared: &Shared) -> Result<(Vec<u8>, Memory), Refusal> {
    let bytes_max = shared.settings.body_bytes_max;
    let expected = body.size_hint().lower().min(EXPECTED_BYTES_MAX) as usize;
    let mut bytes = Vec::with_capacity(expected);
    let full = || Refusal::busy(FULL);
    let mut memory = Memory::new(shared).ok_or_else(full)?;
    let mut body = Paced::new(body);
    loop {
        let data = match body.next().await {
            Ok(Some(data)) => data,
            Ok(None) => return Ok((bytes, memory)),
            Err(Lost::TooSlow) => {
                return Err(Refusal::new(StatusCode::REQUEST_TIMEOUT, "the body comes too slowly"));
            }
            Err(Lost::Broken(error)) => return Err(Refusal::new(StatusCode::BAD_REQUEST, error.to_string())),
        };
        if bytes.len() + data.len() > bytes_max {
            return Err(too_large(bytes_max));
        }
        let asked = Instant::now();
        let has_room = timeout(ROOM_TIME, memory.grow(data.len(), shared)).await;
        if has_room != Ok(true) {
            return Err(full());
        }
        // The sender is not to blame for the time that we were full.
        body.excuse(asked.elapsed());
        bytes.extend_from_slice(&data);
    }
}

/// Reads on for a while: a sender that is still sending when the connection ends would not see the answer.
async fn discard(mut body: Incoming) {
    let read = async {
        let mut bytes = 0;
        while let Some(Ok(frame)) = body.frame().await {
            bytes += frame.into_data().map_or(0, |data| data.len());
            if bytes > DISCARDED_BYTES_MAX {
                return;
            }
        }
    };
    // What is not read by then will not be.
    let _ = timeout(DISCARD_TIME, read).await;
}

fn too_large(bytes_max: usize) -> Refusal {
    let why = format!("a body has at most {bytes_max} bytes, packed or unpacked");
    Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, why)
}

/// A header as text; empty when it is not there, or no text.
fn value(headers: &HeaderMap, name: HeaderName) -> &str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}
