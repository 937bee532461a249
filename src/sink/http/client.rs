//! One request and its answer. Bodies of answers are bounded; no redirect is followed.

use std::cell::RefCell;
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::DateTime;
use ureq::http::header::{AUTHORIZATION, RETRY_AFTER};
use ureq::http::{self, HeaderValue, Method};
use ureq::tls::{Certificate, ClientCert, PemItem, PrivateKey, RootCerts, TlsConfig, parse_pem};
use ureq::{Agent, Proxy};

use super::keystone::{Keystone, Session};
use super::target::{Target, Verify};
use crate::base::{Failure, Secret};

/// Bytes of an answer that are read: a refusal of Gnocchi names every unknown resource of a request, at 150 bytes each.
const ANSWER_BYTES_MAX: u64 = 4 * 1024 * 1024;
/// Bytes of an answer's head: those of a proxy and some cookies.
const ANSWER_HEAD_BYTES_MAX: usize = 64 * 1024;
/// The longest pause that a receiver may ask for: its clock may be wrong, and records wait meanwhile.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(300);
/// Characters of an answer that a message shows.
const SHOWN_MAX: usize = 200;

/// What is asked.
#[derive(Clone, Debug)]
pub struct Request {
    /// POST or PATCH.
    pub method: Method,
    /// What follows the address of the receiver: a path, or nothing.
    pub path: String,
    /// Names in small letters, and values.
    pub headers: Vec<(&'static str, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Request {
    /// A POST to the address itself.
    pub fn post(content_type: &str, body: Vec<u8>) -> Request {
        Request {
            method: Method::POST,
            path: String::new(),
            headers: vec![(CONTENT_TYPE_NAME, content_type.to_owned())],
            body,
        }
    }
}

const CONTENT_TYPE_NAME: &str = "content-type";

/// What was answered.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// How long the receiver asks us to wait.
    pub retry_after: Option<Duration>,
    /// A token of Keystone's.
    pub token: Option<Secret>,
    /// The body, as far as it is read.
    pub body: Vec<u8>,
}

impl Answer {
    /// Whether what was sent is taken.
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }
}

/// `answered 400: what the receiver says of it`.
impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "answered {}", self.status)?;
        let text = String::from_utf8_lossy(&self.body);
        let words: Vec<&str> = text.split_whitespace().collect();
        if !words.is_empty() {
            let said: String = words.join(" ").chars().take(SHOWN_MAX).collect();
            write!(f, ": {said}")?;
        }
        Ok(())
    }
}

/// Who answers requests.
pub trait Receiver {
    /// Makes `request`, once.
    ///
    /// # Errors
    /// Why there is no answer.
    fn exchange(&self, request: &Request) -> Result<Answer, ExchangeError>;
}

/// Where `request` goes: the receiver's address, the request's path and the receiver's query.
pub fn uri(base: &str, query: &str, request: &Request) -> String {
    match (query, request.path.contains('?')) {
        ("", _) => format!("{base}{}", request.path),
        (query, false) => format!("{base}{}?{query}", request.path),
        (query, true) => format!("{base}{}&{query}", request.path),
    }
}

/// Makes requests, one at a time, over a connection that is kept.
pub struct Client {
    agent: Agent,
    base: String,
    query: String,
    authorization: Option<Authorization>,
}

enum Authorization {
    Basic(HeaderValue),
    /// The file is read for each request: tokens are renewed in place.
    TokenFile(PathBuf),
    /// A token that Keystone gives, and the session that it is of.
    Keystone(Keystone, RefCell<Option<Session>>),
    /// Words that a receiver without authentication believes.
    Words(&'static [(&'static str, &'static str)]),
}

impl Client {
    /// A client of `target`'s receiver.
    ///
    /// # Errors
    /// When a file of certificates, keys or a token cannot be used. A token that goes away later is waited for.
    pub fn new(target: &Target) -> Result<Client, Failure> {
        if let Some(path) = &target.token_file {
            Secret::from_file(path)?;
        }
        let proxy = if target.proxy { Proxy::try_from_env() } else { None };
        let config = Agent::config_builder()
            .timeout_global(Some(target.timeout))
            .max_redirects(0)
            .http_status_as_error(false)
            .max_response_header_size(ANSWER_HEAD_BYTES_MAX)
            .user_agent(concat!("telemetry/", env!("CARGO_PKG_VERSION")))
            .proxy(proxy)
            .tls_config(tls(target)?)
            .build();
        let authorization = match (&target.token_file, &target.user, &target.keystone) {
            (Some(path), ..) => Some(Authorization::TokenFile(path.clone())),
            (None, Some(user), _) => Some(Authorization::Basic(basic(user)?)),
            (None, None, Some(keystone)) => {
                Some(Authorization::Keystone(keystone.clone(), RefCell::default()))
            }
            (None, None, None) if target.words.is_empty() => None,
            (None, None, None) => Some(Authorization::Words(target.words)),
        };
        Ok(Client {
            agent: Agent::new_with_config(config),
            base: target.base.clone(),
            query: target.query.clone(),
            authorization,
        })
    }

    fn exchange_at(
        &self,
        base: &str,
        request: &Request,
        token: Option<&Secret>,
    ) -> Result<Answer, ExchangeError> {
        let uri = uri(base, &self.query, request);
        let mut builder = http::Request::builder().method(request.method.clone()).uri(uri);
        match &self.authorization {
            Some(Authorization::Basic(value)) => builder = builder.header(AUTHORIZATION, value),
            Some(Authorization::TokenFile(path)) => {
                let token =
                    Secret::from_file(path).map_err(|failure| ExchangeError::Token(failure.to_string()))?;
                let value = [b"Bearer ", token.bytes()].concat();
                builder = builder.header(AUTHORIZATION, value);
            }
            Some(Authorization::Words(words)) => {
                for (name, value) in *words {
                    builder = builder.header(*name, *value);
                }
            }
            Some(Authorization::Keystone(..)) | None => {}
        }
        if let Some(token) = token {
            builder = builder.header("x-auth-token", token.bytes());
        }
        for (name, value) in &request.headers {
            builder = builder.header(*name, value);
        }
        let request =
            builder.body(&request.body[..]).map_err(|error| ExchangeError::Http(Box::new(error.into())))?;
        let response = self.agent.run(request).map_err(|error| ExchangeError::Http(Box::new(error)))?;
        let (head, body) = response.into_parts();
        let retry_after = head.headers.get(RETRY_AFTER).and_then(retry_after);
        let token = head.headers.get("x-subject-token").map(|value| Secret::new(value.as_bytes()));
        // The status decides. A body that breaks off or is too long is shown as far as it goes: not at all.
        let body = body.into_with_config().limit(ANSWER_BYTES_MAX).read_to_vec().unwrap_or_default();
        Ok(Answer { status: head.status.as_u16(), retry_after, token, body })
    }
}

impl Receiver for Client {
    fn exchange(&self, request: &Request) -> Result<Answer, ExchangeError> {
        let Some(Authorization::Keystone(keystone, session)) = &self.authorization else {
            return self.exchange_at(&self.base, request, None);
        };
        // A token that has ended is renewed once; what is refused with a new one is refused.
        for is_last in [false, true] {
            let is_new = session.borrow().is_none();
            if is_new {
                let asked = self.exchange_at(&keystone.tokens_url(), &keystone.request(), None)?;
                *session.borrow_mut() = Some(keystone.session(&asked).map_err(ExchangeError::Keystone)?);
            }
            let held = session.borrow();
            let Some(open) = held.as_ref() else { break };
            let base = match &open.endpoint {
                _ if !self.base.ends_with("://") => &self.base,
                Some(endpoint) => endpoint,
                None => return Err(ExchangeError::Keystone(keystone.no_endpoint())),
            };
            let answer = self.exchange_at(base, request, Some(&open.token))?;
            if answer.status != 401 || is_new || is_last {
                return Ok(answer);
            }
            drop(held);
            *session.borrow_mut() = None;
        }
        Err(ExchangeError::Keystone("no token".to_owned()))
    }
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum ExchangeError {
    /// The receiver could not be reached, or broke off.
    #[error("{0}")]
    Http(Box<ureq::Error>),
    /// The file of the token cannot be read.
    #[error("{0}")]
    Token(String),
    /// Keystone gives no token, or names no endpoint.
    #[error("keystone: {0}")]
    Keystone(String),
}

/// `Basic` of RFC 7617, of `user:password` as it is written.
fn basic(user: &str) -> Result<HeaderValue, Failure> {
    let text = format!("Basic {}", STANDARD.encode(user));
    let mut value = HeaderValue::from_str(&text).map_err(|error| Failure::Bug(error.to_string()))?;
    value.set_sensitive(true);
    Ok(value)
}

/// Seconds, or a date (RFC 9110, 10.2.3).
fn retry_after(value: &HeaderValue) -> Option<Duration> {
    let text = value.to_str().ok()?.trim();
    let pause = match text.parse::<u64>() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => {
            let then = SystemTime::from(DateTime::parse_from_rfc2822(text).ok()?);
            then.duration_since(SystemTime::now()).unwrap_or_default()
        }
    };
    Some(pause.min(RETRY_AFTER_MAX))
}

fn tls(target: &Target) -> Result<TlsConfig, Failure> {
    let mut config = TlsConfig::builder();
    match &target.verify {
        Verify::Public => {}
        Verify::Nothing => config = config.disable_verification(true),
        Verify::Against(path) => {
            let (certificates, _) = pem(path)?;
            config = config.root_certs(RootCerts::new_with_certs(&certificates));
        }
    }
    if let Some((certificate, key)) = &target.client_certificate {
        let (chain, in_same) = pem(certificate)?;
        let key = match key {
            Some(path) => pem(path)?.1,
            None => in_same,
        };
        let key = key.ok_or_else(|| {
            Failure::Configuration(vec![format!("{}: no private key for it", certificate.display())])
        })?;
        config = config.client_cert(Some(ClientCert::new_with_certs(&chain, key)));
    }
    Ok(config.build())
}

/// The certificates of a PEM file, and its first private key.
fn pem(path: &Path) -> Result<(Vec<Certificate<'static>>, Option<PrivateKey<'static>>), Failure> {
    let refuse = |why: &dyn fmt::Display| Failure::Configuration(vec![format!("{}: {why}", path.display())]);
    let text = std::fs::read(path).map_err(|error| refuse(&error))?;
    let (mut certificates, mut key) = (Vec::new(), None);
    for item in parse_pem(&text) {
        match item.map_err(|error| refuse(&error))? {
            PemItem::Certificate(certificate) => certificates.push(certificate),
            PemItem::PrivateKey(found) if key.is_none() => key = Some(found),
            _ => {}
        }
    }
    if certificates.is_empty() && key.is_none() {
        return Err(refuse(&"neither a certificate nor a key in PEM"));
    }
    Ok((certificates, key))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_receiver_may_ask_for_a_pause_in_seconds_or_until_a_date() {
        let read = |text: &'static str| retry_after(&HeaderValue::from_static(text));
        assert_eq!(read("7"), Some(Duration::from_secs(7)));
        assert_eq!(read("999999"), Some(RETRY_AFTER_MAX));
        assert_eq!(read("Sun, 06 Nov 1994 08:49:37 GMT"), Some(Duration::ZERO));
        assert_eq!(read("Sat, 06 Nov 2393 08:49:37 GMT"), Some(RETRY_AFTER_MAX));
        assert_eq!(read("soon"), None);
    }

    #[test]
    fn a_refusal_is_shown_on_one_line_and_cut() {
        let answer = |body: &str| {
            Answer { status: 400, retry_after: None, token: None, body: body.into() }.to_string()
        };
        assert_eq!(answer(""), "answered 400");
        assert_eq!(answer("out of\n  order\n"), "answered 400: out of order");
        assert_eq!(answer(&"é".repeat(1000)).chars().count(), "answered 400: ".len() + SHOWN_MAX);
    }

    #[test]
    fn a_user_and_password_are_sent_as_they_are_written() {
        assert_eq!(basic("Aladdin:open sesame").unwrap(), "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
        assert!(basic("a:p%40ss").unwrap().is_sensitive());
    }
}
