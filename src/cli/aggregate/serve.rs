//! `serve`: a store over HTTP.

use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::net::{SocketAddr, TcpListener, ToSocketAddrs};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use clap::{Args, ValueEnum, ValueHint};
use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use rustix::process::{Resource, getrlimit};

use super::store::StoreArgs;
use crate::base::http::Listening;
use crate::base::nearest::nearest;
use crate::base::tls::{self, ServerFiles, ServerTls};
use crate::base::{Address, Books, Failure, LineSink, Outcome, Output, arenas, small_file};
use crate::cli::shared::{Context, RunArgs};
use crate::serve::auth::{Keystone, Mode, Policy};
use crate::serve::gnocchi::{self, DEFAULT_RULES, Desk, Keeper, Options, Statsd, StatsdRunning};
use crate::serve::http::{AccessLog, Cors, Event, Forwarding, Front, Limits, Place, Server};
use crate::store::Store;
use crate::store::index::ResourceId;

/// Descriptors left for everything but connections.
const DESCRIPTORS_KEPT: u64 = 128;
/// Journals are cut when they are longer: what is in them is held in memory, at some three bytes a byte.
const JOURNAL_BYTES_MAX: u64 = 8 * 1024 * 1024;
/// Longest file of rules.
const POLICY_BYTES_MAX: u64 = 1024 * 1024;
/// Threads where nothing is said: more than processors, since some of them wait for the disk.
const THREADS: usize = 4;
/// Threads where some wait for Keystone.
const THREADS_WITH_KEYSTONE: usize = 16;

/// Options of `serve`.
#[derive(Args, Debug)]
pub struct ServeArgs {
    /// Listen at ADDRESS, as 127.0.0.1:8041, [::1]:8041 or host:8041
    ///
    /// A socket that systemd hands over is taken instead.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8041")]
    listen: String,

    /// Serve below PATH, as /gnocchi
    #[arg(long, value_name = "PATH", default_value = "", hide_default_value = true)]
    prefix: String,

    /// How callers are known
    #[arg(long, value_name = "MODE", default_value = "basic")]
    auth: AuthMode,

    /// Rules of who may do what instead of the built-in ones: oslo.policy's YAML
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    policy: Option<PathBuf>,

    /// Begin a new store without archive policies and rules
    #[arg(long)]
    no_default_policies: bool,

    /// Give at most COUNT rows of a list at a time
    #[arg(long, value_name = "COUNT", default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    max_limit: u32,

    /// Give at most COUNT points in an answer
    #[arg(long, value_name = "COUNT", default_value_t = 2_000_000, value_parser = clap::value_parser!(u32).range(1..))]
    max_points: u32,

    /// Let pages of ORIGIN use the service, as https://grafana.example; * is every one
    #[arg(long, value_name = "ORIGIN")]
    cors_origin: Vec<String>,

    /// Believe Forwarded and X-Forwarded-*: a proxy before the service sets or removes all of them
    #[arg(long)]
    trust_forwarded: bool,

    /// Speak TLS and show the certificates in FILE
    #[arg(long, value_name = "FILE", requires = "tls_key", value_hint = ValueHint::FilePath)]
    tls_cert: Option<PathBuf>,

    /// The private key of the certificate
    #[arg(long, value_name = "FILE", requires = "tls_cert", value_hint = ValueHint::FilePath)]
    tls_key: Option<PathBuf>,

    /// Write a line for each request to FILE, in the combined form of web servers; - is standard output
    ///
    /// HUP opens it again, and reads the certificates and the rules again.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    access_log: Option<PathBuf>,

    /// Take COUNT connections at a time; the one that is idle for longest makes room
    #[arg(long, value_name = "COUNT", default_value_t = 4096, value_parser = clap::value_parser!(u32).range(1..))]
    connections: u32,

    /// Take bodies of at most BYTES, packed or unpacked
    #[arg(long, value_name = "BYTES", default_value_t = 16 * 1024 * 1024, value_parser = clap::value_parser!(u32).range(1024..))]
    max_body: u32,

    /// Answer within SECONDS of the last byte of a request, or say that it takes too long
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..))]
    timeout: u32,

    /// Store what statsd's clients send to ADDRESS, as udp://127.0.0.1:8125
    ///
    /// Every ten seconds, as metrics NAME|TYPE of the resource that --statsd-resource names.
    #[arg(long, value_name = "ADDRESS", requires = "statsd_resource")]
    statsd: Option<String>,

    /// The resource whose metrics statsd's are; made where it is not there
    #[arg(long, value_name = "ID", requires = "statsd")]
    statsd_resource: Option<String>,

    /// Who makes the resource and the metrics of statsd, as USER or USER:PROJECT
    #[arg(long, value_name = "CREATOR", requires = "statsd", default_value = "admin")]
    statsd_creator: String,

    /// Work at COUNT requests at a time
    ///
    /// [default: 4; 16 with --auth keystone]
    #[arg(long, value_name = "COUNT", value_parser = threads)]
    threads: Option<usize>,

    #[command(flatten)]
    store: StoreArgs,

    #[command(flatten)]
    pub(super) run: RunArgs,
}

/// How callers are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum AuthMode {
    /// By the user of basic authentication; no password is asked for, admin may do everything
    Basic,
    /// By X-User-Id, X-Project-Id and X-Roles, whoever sends them
    #[value(alias = "headers")]
    Noauth,
    /// By X-Remote-User, which a web server before the service sets
    Remoteuser,
    /// By a token of Keystone in X-Auth-Token, validated there as the user that OS_* names
    Keystone,
}

/// Serves the store, which is made where it is not there, until it is told to stop.
///
/// # Errors
/// When it cannot listen, or what it is told makes no sense.
pub fn run(args: &ServeArgs, context: &Context) -> Result<Outcome, Failure> {
    arenas::share();
    let books = &context.books;
    let options = Arc::new(Options {
        mode: args.mode()?,
        policy: RwLock::new(Arc::new(policy(args.policy.as_deref(), books)?)),
        page_max: args.max_limit,
        points_max: args.max_points as usize,
        threads: args.threads(),
    });
    let store = args.store.open_or_create(!args.no_default_policies)?.remembering();
    let store = store.with_journal_bytes_max(JOURNAL_BYTES_MAX);
    let listener = args.listener()?;
    let bound = listener.local_addr().map_err(|source| args.cannot_listen(source))?;
    args.warn_of_openness(bound, context);
    let tls = args.tls()?;
    let place = Place {
        scheme: if tls.is_some() { "https" } else { "http" },
        origin: bound.to_string(),
        prefix: args.prefix()?,
        forwarding: if args.trust_forwarded { Forwarding::Trusted } else { Forwarding::Ignored },
    };
    let name = format!("{}://{bound}{}", place.scheme, place.prefix);
    let listening = Arc::new(Listening::new(name.clone(), args.connections_max(), tls, books));
    let keeper = Keeper::start(store.another()?, books)?;
    let mut front = gnocchi::front(&store, Arc::clone(&options), place, args.limits(), &keeper, books)?;
    let _statsd = args.statsd(&store, &keeper, context)?;
    front.cors = Cors::new(args.cors_origin.clone());
    let log = args.access_log.as_deref().map(|path| open_log(path, books)).transpose()?;
    front.log = log.map(|log| AccessLog::start(log, books)).transpose()?;
    let front = Arc::new(front);
    let server = Server { listener, listening: Arc::clone(&listening), front: Arc::clone(&front) };
    let happens = |event| match event {
        Event::Ready => {
            books.note(&format_args!("{}: serving at {name}", store.folder().display()));
            // Nobody waits for it unless systemd started us.
            let _ = sd_notify::notify(&[sd_notify::NotifyState::Ready]);
        }
        Event::Reload => args.reload(&options, &listening, &front, context),
        Event::Stopping => _ = sd_notify::notify(&[sd_notify::NotifyState::Stopping]),
    };
    server.run(&context.stop, happens)?;
    Ok(Outcome::Done)
}

impl ServeArgs {
    /// Opens the log again, and reads the certificates and the rules again. What cannot be read stays as it was: a service
    /// does not end for a mistake in a file.
    fn reload(&self, options: &Options, listening: &Listening, front: &Front<Desk>, context: &Context) {
        let mut again = Vec::new();
        if let (Some(log), Some(path)) = (&front.log, self.access_log.clone()) {
            let books = Arc::clone(&context.books);
            // It says itself what came of it.
            log.turn_to(Box::new(move || open_log(&path, &books)));
        }
        let mut renew = |what, result: Result<(), Failure>| match result {
            Ok(()) => again.push(what),
            Err(failure) => context.books.complain(&format_args!("not read again: {failure}")),
        };
        if let Some(shown) = &listening.tls {
            renew(
                "the certificates are read again",
                self.tls().map(|tls| _ = tls.map(|tls| put(shown, tls))),
            );
        }
        if self.policy.is_some() {
            let policy = policy(self.policy.as_deref(), &context.books);
            renew("the rules are read again", policy.map(|policy| put(&options.policy, Arc::new(policy))));
        }
        if !again.is_empty() {
            context.books.note(&format_args!("HUP: {}", again.join(", ")));
        }
    }

    fn mode(&self) -> Result<Mode, Failure> {
        Ok(match self.auth {
            AuthMode::Basic => Mode::Basic,
            AuthMode::Noauth => Mode::Headers,
            AuthMode::Remoteuser => Mode::RemoteUser,
            AuthMode::Keystone => {
                let variable = |name: &str| std::env::var(name).ok();
                Mode::Keystone(Arc::new(Keystone::from_environment(variable, self.threads())?))
            }
        })
    }

    /// The socket that systemd hands over, or one of our own.
    fn listener(&self) -> Result<TcpListener, Failure> {
        let handed = listenfd::ListenFd::from_env().take_tcp_listener(0);
        if let Some(listener) = handed.map_err(|source| self.cannot_listen(source))? {
            return Ok(listener);
        }
        let addresses: Vec<SocketAddr> =
            self.listen.to_socket_addrs().map_err(|source| self.cannot_listen(source))?.collect();
        TcpListener::bind(&addresses[..]).map_err(|source| self.cannot_listen(source))
    }

    fn cannot_listen(&self, source: std::io::Error) -> Failure {
        Failure::io("cannot listen at", self.listen.clone(), source)
    }

    /// Says who is let in without a password, when that is more than this host.
    fn warn_of_openness(&self, bound: SocketAddr, context: &Context) {
        if bound.ip().is_loopback() {
            return;
        }
        let who = match self.auth {
            AuthMode::Keystone => return,
            AuthMode::Basic => "--auth basic asks for no password: whoever reaches this address may be admin",
            AuthMode::Noauth => {
                "--auth noauth believes what callers say they are: whoever reaches this address may be anybody"
            }
            AuthMode::Remoteuser => {
                "--auth remoteuser believes X-Remote-User: only the web server that sets it may reach this address"
            }
        };
        context.books.warn("openness", &format_args!("{bound}: {who}"));
    }

    fn tls(&self) -> Result<Option<ServerTls>, Failure> {
        let (Some(certificates), Some(key)) = (&self.tls_cert, &self.tls_key) else { return Ok(None) };
        let (certificates, key) = (certificates.clone(), key.clone());
        Ok(Some(tls::server(&ServerFiles { certificates, key, client_authorities: None })?))
    }

    fn prefix(&self) -> Result<String, Failure> {
        let prefix = self.prefix.trim_end_matches('/');
        if !prefix.is_empty() && !prefix.starts_with('/') {
            return Err(Failure::Usage(format!("--prefix {prefix}: a path begins with a slash")));
        }
        if prefix.split('/').any(|part| matches!(part, "." | "..")) {
            return Err(Failure::Usage(format!(
                "--prefix {prefix}: no client asks for a path with dots for a part"
            )));
        }
        let plain = |c: char| c.is_ascii_alphanumeric() || "/-._~".contains(c);
        if let Some(wrong) = prefix.chars().find(|c| !plain(*c)) {
            let why = format!(
                "--prefix {prefix}: {wrong:?} cannot stand in it (letters, digits, -._~ and slashes)"
            );
            return Err(Failure::Usage(why));
        }
        Ok(prefix.to_owned())
    }

    fn threads(&self) -> usize {
        let usual = if self.auth == AuthMode::Keystone { THREADS_WITH_KEYSTONE } else { THREADS };
        self.threads.unwrap_or(usual)
    }

    fn connections_max(&self) -> usize {
        let descriptors = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
        u64::from(self.connections).min(descriptors.saturating_sub(DESCRIPTORS_KEPT)).max(1) as usize
    }

    fn limits(&self) -> Limits {
        let body_bytes_max = self.max_body as usize;
        Limits {
            body_bytes_max,
            bodies_bytes_max: body_bytes_max.saturating_mul(4).max(64 << 20),
            answers_bytes_max: (self.max_points as usize).saturating_mul(32).max(128 << 20),
            answer_time: Duration::from_secs(u64::from(self.timeout)),
        }
    }

    /// The threads that store what statsd's clients send, if that is wanted.
    fn statsd(
        &self,
        store: &Store,
        keeper: &Keeper,
        context: &Context,
    ) -> Result<Option<StatsdRunning>, Failure> {
        let (Some(address), Some(resource)) = (&self.statsd, &self.statsd_resource) else { return Ok(None) };
        let usage = |why: &dyn std::fmt::Display| Failure::Usage(format!("--statsd: {why}"));
        let url = match Address::parse(address).map_err(|error| usage(&error))? {
            Address::Url(url) if matches!(url.scheme(), "udp" | "statsd") => url,
            _ => return Err(usage(&"the address is udp://HOST:PORT")),
        };
        let resource = ResourceId::of(resource, Some(&self.statsd_creator)).map_err(|error| usage(&error))?;
        let (place, name) = (url.host_port()?, url.name().to_owned());
        let statsd = Statsd { place, name, resource, creator: Some(self.statsd_creator.clone()) };
        let running = statsd.start(store.another()?, keeper.due(), &context.stop, &context.books)?;
        if let Some(bound) = running.bound() {
            context.books.note(&format_args!("statsd: listening at udp://{bound}"));
        }
        Ok(Some(running))
    }
}

fn open_log(path: &Path, books: &Arc<Books>) -> Result<Box<dyn LineSink + Send>, Failure> {
    if path == Path::new("-") {
        return Ok(Box::new(Output::stdout(books)?));
    }
    // A pipe that nobody reads is refused, and not waited for.
    let flags = OFlags::NONBLOCK.bits() as i32;
    let opened = OpenOptions::new().create(true).append(true).custom_flags(flags).open(path);
    let opened = opened.and_then(|file| {
        fcntl_setfl(&file, fcntl_getfl(&file)? - OFlags::NONBLOCK)?;
        Ok(file)
    });
    let file = opened.map_err(|source| Failure::CannotCreate { path: path.to_owned(), source })?;
    Ok(Box::new(Output::of_file(file, &path.display().to_string(), books)))
}

fn put<T>(place: &RwLock<T>, value: T) {
    // A value is as good as before whatever happened to the thread that held it.
    *place.write().unwrap_or_else(PoisonError::into_inner) = value;
}

/// The rules, with those of a file instead of ours.
fn policy(file: Option<&Path>, books: &Books) -> Result<Policy, Failure> {
    let own: BTreeMap<String, String> = match file {
        None => BTreeMap::new(),
        Some(path) => {
            let wrong = |why: &dyn std::fmt::Display| {
                Failure::Configuration(vec![format!("{}: {why}", path.display())])
            };
            let text = small_file::read_text(path, POLICY_BYTES_MAX).map_err(|error| wrong(&error))?;
            serde_saphyr::from_str(&text).map_err(|error| wrong(&error))?
        }
    };
    let place = file.map_or(String::new(), |path| format!("{}: ", path.display()));
    let asked: Vec<&str> = DEFAULT_RULES.iter().map(|(name, _)| *name).collect();
    for name in own.keys() {
        let call = format!("rule:{name}");
        let calls = |rule: &String| rule.split([' ', '(', ')']).any(|word| word == call);
        if asked.contains(&name.as_str()) || own.values().any(calls) {
            continue;
        }
        let meant = nearest(name, &asked).map_or(String::new(), |near| format!("; did you mean {near:?}?"));
        books.warn("rules", &format_args!("{place}nothing asks for the rule {name:?}{meant}"));
    }
    let own = own.iter().map(|(name, rule)| (name.as_str(), rule.as_str()));
    gnocchi::policy(own).map_err(|error| Failure::Configuration(vec![format!("{place}{error}")]))
}

fn threads(text: &str) -> Result<usize, String> {
    text.parse().ok().filter(|count| (1..=256).contains(count)).ok_or_else(|| "must be 1 to 256".to_owned())
}
