//! `serve`: a store over HTTP.

use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::net::{SocketAddr, TcpListener, ToSocketAddrs};
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use clap::{Args, ValueEnum, ValueHint};
use rustix::process::{Resource, getrlimit};

use super::store::StoreArgs;
use crate::base::http::Listening;
use crate::base::tls::{self, ServerFiles, ServerTls};
use crate::base::{Address, Failure, LineSink, Outcome, Output, arenas, small_file};
use crate::cli::shared::{Context, RunArgs};
use crate::serve::auth::{Keystone, Mode};
use crate::serve::gnocchi::{self, Desk, Keeper, Options, Statsd, StatsdRunning};
use crate::serve::http::{AccessLog, Cors, Forwarding, Front, Limits, Place, Server};
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

    /// Answer within SECONDS, or say that it takes too long
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
    #[arg(long, value_name = "COUNT", default_value_t = THREADS, value_parser = threads)]
    threads: usize,

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
        policy: RwLock::new(Arc::new(policy(args.policy.as_deref())?)),
        page_max: args.max_limit,
        points_max: args.max_points as usize,
        threads: args.threads,
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
    front.log = args.access_log(context)?.map(AccessLog::new);
    let front = Arc::new(front);
    let server = Server { listener, listening: Arc::clone(&listening), front: Arc::clone(&front) };
    let ready = || {
        books.note(&format_args!("{}: serving at {name}", store.folder().display()));
        // Nobody waits for it unless systemd started us.
        let _ = sd_notify::notify(&[sd_notify::NotifyState::Ready]);
    };
    let reload = || args.reload(&options, &listening, &front, context);
    server.run(&context.stop, ready, reload)?;
    let _ = sd_notify::notify(&[sd_notify::NotifyState::Stopping]);
    Ok(Outcome::Done)
}

impl ServeArgs {
    /// Opens the log again, and reads the certificates and the rules again. What cannot be read stays as it was: a service
    /// does not end for a mistake in a file.
    fn reload(&self, options: &Options, listening: &Listening, front: &Front<Desk>, context: &Context) {
        let log = self.access_log(context);
        let log = log.map(|file| front.log.iter().zip(file).for_each(|(log, file)| log.turn_to(file)));
        let tls =
            self.tls().map(|tls| listening.tls.iter().zip(tls).for_each(|(shown, tls)| put(shown, tls)));
        let rules = policy(self.policy.as_deref()).map(|policy| put(&options.policy, Arc::new(policy)));
        let failures: Vec<Failure> = [log, tls, rules].into_iter().filter_map(Result::err).collect();
        for failure in &failures {
            context.books.complain(&format_args!("not read again: {failure}"));
        }
        if failures.is_empty() {
            context.books.note(&"HUP: the log is opened again, certificates and rules are read again");
        }
    }

    fn mode(&self) -> Result<Mode, Failure> {
        Ok(match self.auth {
            AuthMode::Basic => Mode::Basic,
            AuthMode::Noauth => Mode::Headers,
            AuthMode::Remoteuser => Mode::RemoteUser,
            AuthMode::Keystone => {
                Mode::Keystone(Arc::new(Keystone::from_environment(|name| std::env::var(name).ok())?))
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
        Ok(prefix.to_owned())
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

    fn access_log(&self, context: &Context) -> Result<Option<Box<dyn LineSink + Send>>, Failure> {
        let Some(path) = &self.access_log else { return Ok(None) };
        let output = if path == Path::new("-") {
            Output::stdout(&context.books)?
        } else {
            let opened = OpenOptions::new().create(true).append(true).open(path);
            let file = opened.map_err(|source| Failure::CannotCreate { path: path.clone(), source })?;
            Output::of_file(file, &path.display().to_string(), &context.books)
        };
        Ok(Some(Box::new(output)))
    }
}

fn put<T>(place: &RwLock<T>, value: T) {
    // A value is as good as before whatever happened to the thread that held it.
    *place.write().unwrap_or_else(PoisonError::into_inner) = value;
}

/// The rules, with those of a file instead of ours.
fn policy(file: Option<&Path>) -> Result<crate::serve::auth::Policy, Failure> {
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
    let own = own.iter().map(|(name, rule)| (name.as_str(), rule.as_str()));
    let place = file.map_or(String::new(), |path| format!("{}: ", path.display()));
    gnocchi::policy(own).map_err(|error| Failure::Configuration(vec![format!("{place}{error}")]))
}

fn threads(text: &str) -> Result<usize, String> {
    text.parse().ok().filter(|count| (1..=256).contains(count)).ok_or_else(|| "must be 1 to 256".to_owned())
}
