//! Tokens of Keystone: validated there, and believed for a while (Identity API v3).

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde_json::Value;
use sha2::{Digest, Sha256};
use ureq::Agent;
use ureq::http::Response;
use ureq::http::header::{HeaderName, HeaderValue};

use super::Identity;
use crate::base::{Failure, Secret, clock};
use crate::model::Timestamp;
use crate::serve::http::Problem;
use crate::sink::KeystoneUser;

/// How long a token is believed at most: as long as one that was revoked still opens the door.
const BELIEVED: Duration = Duration::from_secs(300);
/// How long a token is not asked for again that Keystone did not know.
const REFUSED: Duration = Duration::from_secs(30);
/// Tokens that are remembered.
const TOKENS_MAX: usize = 10_000;
/// How long Keystone may take.
const ANSWER_TIME: Duration = Duration::from_secs(5);
/// Bytes of its answer: a catalogue of a hundred services.
const ANSWER_BYTES_MAX: u64 = 1024 * 1024;
/// Longest token; those of Fernet and JWS have a few hundred bytes.
const TOKEN_BYTES_MAX: usize = 8 * 1024;

/// A token's digest, not the token itself: whoever reads our memory learns no token from it.
type Key = [u8; 32];
/// Whose a token is, none when nobody's, and until when that is believed.
type Known = (Option<Identity>, Instant);

/// A Keystone that knows who calls.
#[derive(Debug)]
pub struct Keystone {
    /// Whom we are there.
    user: KeystoneUser,
    /// Where a token is to be had, for whoever has none, as Keystone's own middleware says it.
    challenge: HeaderValue,
    agent: Agent,
    own: Mutex<Option<Secret>>,
    known: Mutex<Tokens>,
    /// Told when an answer has come.
    answered: Condvar,
    /// Questions at a time: a Keystone that does not answer must not take every thread.
    asked_max: usize,
}

/// What is known of tokens.
#[derive(Debug, Default)]
struct Tokens {
    known: HashMap<Key, Known>,
    /// Those that somebody asks Keystone about, and whether it did not answer.
    asked: HashMap<Key, Arc<AtomicBool>>,
}

impl Keystone {
    /// The Keystone that `OS_AUTH_URL` and the other variables name, asked for at most half of `threads` at a time.
    ///
    /// # Errors
    /// What is missing.
    pub fn from_environment(
        variable: impl Fn(&str) -> Option<String>,
        threads: usize,
    ) -> Result<Keystone, Failure> {
        let missing = || {
            Failure::Usage(
                "--auth keystone needs OS_AUTH_URL and the other OS_* of a service user".to_owned(),
            )
        };
        let user = KeystoneUser::from_environment(variable)?.ok_or_else(missing)?;
        let challenge = format!("Keystone uri=\"{}\"", user.address());
        let challenge = HeaderValue::try_from(challenge)
            .map_err(|_| Failure::Usage("OS_AUTH_URL has a character that no URL has".to_owned()))?;
        let config = Agent::config_builder()
            .timeout_global(Some(ANSWER_TIME))
            .max_redirects(0)
            .http_status_as_error(false)
            .build();
        Ok(Keystone {
            user,
            challenge,
            agent: config.into(),
            own: Mutex::default(),
            known: Mutex::default(),
            answered: Condvar::new(),
            asked_max: (threads / 2).max(1),
        })
    }

    /// Whose token it is.
    ///
    /// # Errors
    /// 401 when it is nobody's, 503 when Keystone does not say.
    pub fn identify(&self, token: Option<&str>) -> Result<Identity, Problem> {
        let nobody = || Problem::unauthorized(Some(self.challenge.clone()));
        let usable = |token: &&str| {
            (1..=TOKEN_BYTES_MAX).contains(&token.len()) && token.bytes().all(|b| b.is_ascii_graphic())
        };
        let token = token.filter(usable).ok_or_else(nobody)?;
        let key: Key = Sha256::digest(token.as_bytes()).into();
        let mut tokens = lock(&self.known);
        loop {
            if let Some(identity) = tokens.remembered(&key) {
                return identity.ok_or_else(nobody);
            }
            // Who asks about a token that is asked about waits for that answer.
            let Some(question) = tokens.asked.get(&key).map(Arc::clone) else { break };
            tokens = self.answered.wait(tokens).unwrap_or_else(PoisonError::into_inner);
            if question.load(Ordering::Acquire) && tokens.remembered(&key).is_none() {
                // Not one behind the other, each for as long as it takes to give up.
                return Err(Problem::busy("Keystone does not answer"));
            }
        }
        if tokens.asked.len() >= self.asked_max {
            return Err(Problem::busy("Keystone is slow"));
        }
        let failed = Arc::new(AtomicBool::new(false));
        tokens.asked.insert(key, Arc::clone(&failed));
        drop(tokens);
        let _asking = Asking { keystone: self, key };
        let (identity, believed) = self.ask(token).inspect_err(|_| failed.store(true, Ordering::Release))?;
        lock(&self.known).remember(key, identity.clone(), believed);
        identity.ok_or_else(nobody)
    }

    /// Whose token it is, none when nobody's, and how long that is believed.
    fn ask(&self, token: &str) -> Result<(Option<Identity>, Duration), Problem> {
        let fault =
            |why: String| Problem::busy("Keystone does not answer").with_trouble(format!("Keystone: {why}"));
        for attempt in 0..2 {
            let own = self.own_token(attempt > 0).map_err(fault)?;
            let own = String::from_utf8_lossy(own.bytes()).into_owned();
            let request = self.agent.get(self.user.tokens_url()).header("x-auth-token", own);
            let mut answer =
                request.header("x-subject-token", token).call().map_err(|e| fault(e.to_string()))?;
            match answer.status().as_u16() {
                200 => return read(&body(&mut answer).map_err(fault)?).map_err(fault),
                // It says so of the token that is asked for, and in whatever way of one that is none ...
                400 | 404 => return Ok((None, REFUSED)),
                // ... and so of our own.
                401 if attempt == 0 => {}
                status => return Err(fault(format!("answered {status}"))),
            }
        }
        Err(fault("does not take its own token".to_owned()))
    }

    /// The token that lets us ask; a new one when that is wanted or there is none.
    fn own_token(&self, renew: bool) -> Result<Secret, String> {
        let mut own = lock(&self.own);
        if let (false, Some(token)) = (renew, &*own) {
            return Ok(token.clone());
        }
        let request = self.agent.post(self.user.tokens_url()).header("content-type", "application/json");
        let answer = request.send(self.user.body()).map_err(|error| error.to_string())?;
        let name = HeaderName::from_static("x-subject-token");
        let token = answer.headers().get(name).ok_or(format!("gives us no token: {}", answer.status()))?;
        let token = Secret::new(token.as_bytes());
        *own = Some(token.clone());
        Ok(token)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What is remembered is as good as before whatever happened to the thread that held it.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn body(answer: &mut Response<ureq::Body>) -> Result<Vec<u8>, String> {
    answer.body_mut().with_config().limit(ANSWER_BYTES_MAX).read_to_vec().map_err(|error| error.to_string())
}

/// Whose token it is, and how long it lasts.
fn read(body: &[u8]) -> Result<(Option<Identity>, Duration), String> {
    let body: Value = serde_json::from_slice(body).map_err(|error| error.to_string())?;
    let token = &body["token"];
    let id = |thing: &Value| thing["id"].as_str().map(ToOwned::to_owned);
    let user = id(&token["user"]).ok_or("a token has no user")?;
    let roles = token["roles"].as_array().into_iter().flatten();
    let roles = roles.filter_map(|role| role["name"].as_str().map(ToOwned::to_owned)).collect();
    let identity = Identity::of_token(Some(user), id(&token["project"]), id(&token["domain"]), roles);
    let left = match token["expires_at"].as_str() {
        None => BELIEVED,
        Some(text) => {
            let end = Timestamp::parse(text.as_bytes()).map_err(|error| error.to_string())?;
            Duration::from_nanos(end.ns().saturating_sub(clock::now_ns()).max(0) as u64)
        }
    };
    if left.is_zero() { Ok((None, REFUSED)) } else { Ok((Some(identity), left.min(BELIEVED))) }
}

impl Tokens {
    fn remembered(&self, key: &Key) -> Option<Option<Identity>> {
        let (identity, until) = self.known.get(key)?;
        (*until > Instant::now()).then(|| identity.clone())
    }

    fn remember(&mut self, key: Key, identity: Option<Identity>, believed: Duration) {
        if self.known.len() >= TOKENS_MAX {
            let now = Instant::now();
            self.known.retain(|_, (_, until)| *until > now);
            if self.known.len() >= TOKENS_MAX {
                self.known.clear();
            }
        }
        self.known.insert(key, (identity, Instant::now() + believed));
    }
}

/// A question to Keystone, over when dropped, whatever came of it.
struct Asking<'a> {
    keystone: &'a Keystone,
    key: Key,
}

impl Drop for Asking<'_> {
    fn drop(&mut self) {
        let mut tokens = lock(&self.keystone.known);
        tokens.asked.remove(&self.key);
        self.keystone.answered.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead, BufReader, Write};
    use std::net::TcpListener;
    use std::sync::atomic::AtomicUsize;
    use std::thread;

    use super::*;

    /// A Keystone that gives the tokens `own0`, `own1` ..., forgets the first, and knows `good`; and how often it was asked.
    fn fake() -> (String, Arc<AtomicUsize>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&asked);
        thread::spawn(move || {
            let mut given = 0;
            for stream in listener.incoming().map_while(Result::ok) {
                let mut lines = BufReader::new(&stream).lines().map_while(Result::ok);
                let head: Vec<String> = lines.by_ref().take_while(|line| !line.is_empty()).collect();
                let has = |header: &str| head.iter().any(|line| line.eq_ignore_ascii_case(header));
                let (status, token, body) = if head[0].starts_with("POST /v3/auth/tokens ") {
                    given += 1;
                    ("201 Created", format!("own{}", given - 1), String::new())
                } else {
                    count.fetch_add(1, Ordering::SeqCst);
                    if has("x-auth-token: own0") {
                        ("401 Unauthorized", String::new(), String::new())
                    } else if has("x-subject-token: good") {
                        let body = r#"{"token": {"user": {"id": "u1"}, "project": {"id": "p1"}, "roles": [{"name": "member"}], "expires_at": "2199-01-01T00:00:00.000000Z"}}"#;
                        ("200 OK", String::new(), body.to_owned())
                    } else if has("x-subject-token: broken") {
                        ("500 Internal Server Error", String::new(), String::new())
                    } else {
                        ("404 Not Found", String::new(), String::new())
                    }
                };
                let head = format!(
                    "HTTP/1.1 {status}\r\nx-subject-token: {token}\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
                    body.len()
                );
                let _ = (&stream).write_all((head + &body).as_bytes());
            }
        });
        (url, asked)
    }

    fn keystone(url: &str) -> Keystone {
        let of = |name: &str| match name {
            "OS_AUTH_URL" => Some(url.to_owned()),
            "OS_USERNAME" | "OS_PASSWORD" | "OS_PROJECT_NAME" => Some("gnocchi".to_owned()),
            _ => None,
        };
        Keystone::from_environment(of, 16).unwrap()
    }

    #[test]
    fn a_token_is_asked_for_once_and_our_own_is_renewed() {
        let (url, asked) = fake();
        let keystone = keystone(&url);
        for _ in 0..3 {
            let who = keystone.identify(Some("good")).unwrap();
            assert_eq!((who.creator.as_str(), who.project_id.as_deref()), ("u1:p1", Some("p1")));
            assert_eq!((who.roles, who.is_local), (vec!["member".to_owned()], false));
        }
        // Once with a token of ours that it has forgotten, once with another.
        assert_eq!(asked.load(Ordering::SeqCst), 2);
        for _ in 0..3 {
            assert_eq!(keystone.identify(Some("bad")).unwrap_err().status().as_u16(), 401);
        }
        assert_eq!(asked.load(Ordering::SeqCst), 3);
    }

    #[test]
    fn many_who_ask_about_one_token_wait_for_one_answer() {
        let (url, asked) = fake();
        let keystone = keystone(&url);
        thread::scope(|scope| {
            let all: Vec<_> = (0..8).map(|_| scope.spawn(|| keystone.identify(Some("good")))).collect();
            for one in all {
                assert_eq!(one.join().unwrap().unwrap().user_id.as_deref(), Some("u1"));
            }
        });
        // Once with a token of ours that it has forgotten, once with another.
        assert_eq!(asked.load(Ordering::SeqCst), 2);
        assert!(lock(&keystone.known).asked.is_empty());
    }

    #[test]
    fn a_few_threads_stay_free_of_a_keystone_that_is_slow() {
        let (url, asked) = fake();
        let keystone = keystone(&url);
        for number in 0..8 {
            lock(&keystone.known).asked.insert([number; 32], Arc::default());
        }
        assert_eq!(keystone.identify(Some("good")).unwrap_err().status().as_u16(), 503);
        assert_eq!(asked.load(Ordering::SeqCst), 0);
    }

    #[test]
    fn what_is_no_token_is_not_asked_for() {
        let (url, asked) = fake();
        let keystone = keystone(&url);
        let long = "x".repeat(TOKEN_BYTES_MAX + 1);
        for wrong in
            [None, Some(""), Some("a b"), Some("é"), Some("a\r\nx-auth-token: b"), Some(long.as_str())]
        {
            assert_eq!(keystone.identify(wrong).unwrap_err().status().as_u16(), 401, "{wrong:?}");
        }
        assert_eq!(asked.load(Ordering::SeqCst), 0);
    }

    #[test]
    fn a_keystone_that_cannot_say_is_no_refusal() {
        let (url, _) = fake();
        let problem = keystone(&url).identify(Some("broken")).unwrap_err();
        assert_eq!(problem.status().as_u16(), 503);
        let problem = keystone("http://127.0.0.1:1").identify(Some("good")).unwrap_err();
        assert_eq!(problem.status().as_u16(), 503);
        assert!(problem.trouble.is_some());
    }

    #[test]
    fn a_token_that_has_ended_is_nobodys() {
        let ended = br#"{"token": {"user": {"id": "u"}, "expires_at": "2001-01-01T00:00:00Z"}}"#;
        assert_eq!(read(ended).unwrap().0, None);
        assert!(read(b"{}").is_err());
    }
}
