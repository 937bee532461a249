//! The server's thread: accepts connections, lets hyper speak HTTP with them, and ends those that are in the way.

use std::convert::Infallible;
use std::future::Future;
use std::io::{self, ErrorKind};
use std::net::{SocketAddr, TcpListener};
use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::runtime;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};
use tokio_rustls::TlsAcceptor;

use super::auth::Guard;
use super::connection::{Connection, HEAD_TIME, Watched};
use super::queue::Queue;
use super::request;
use crate::base::Books;

/// Bytes of one connection's read buffer: two frames of a large body at a time.
const BUFFER_BYTES_MAX: usize = 64 * 1024;
/// Bytes of the head of a request: four times what Apache allows for one field, and less than a buffer.
const HEAD_BYTES_MAX: usize = 32 * 1024;
/// Fields of the head of a request, as Apache.
const FIELDS_MAX: usize = 100;
/// How often quiet and slow connections are looked for.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How long no connection is accepted after the system had no descriptor or memory for one.
const ACCEPT_PAUSE: Duration = Duration::from_secs(1);
/// How long answers that were given may take to leave at the end.
const FAREWELL: Duration = Duration::from_secs(1);

/// How far the end has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// All is as it should be.
    Serving,
    /// Nothing new is taken; what is in hand is finished.
    Stopping,
    /// What is in hand now is given up.
    Closing,
}

/// What a server does with its requests.
pub struct Settings {
    /// The URL, for messages.
    pub name: String,
    /// The path below which everything is, without its last slash.
    pub prefix: String,
    /// The longest body, packed or unpacked.
    pub body_bytes_max: usize,
    /// Connections at a time.
    pub connections_max: usize,
    /// Who may post.
    pub guard: Guard,
    /// What an https server shows.
    pub tls: Option<Arc<ServerConfig>>,
}

/// What the two threads have in common.
pub struct Shared {
    /// What the server does.
    pub settings: Settings,
    /// Bodies for the source.
    pub queue: Queue,
    /// Bytes of memory for bodies that are being received or wait.
    pub memory: Arc<Semaphore>,
    /// Memory for one body more, when those bytes are taken.
    pub spare: Arc<Semaphore>,
    /// How far the end has come.
    pub stage: watch::Sender<Stage>,
    /// Requests that were accepted and are not answered.
    pub in_hand: AtomicUsize,
    /// Whether the thread has ended.
    pub gone: AtomicBool,
    /// Where trouble is said.
    pub books: Arc<Books>,
    connections: Mutex<Vec<Arc<Connection>>>,
}

impl Shared {
    /// What a server with these settings and this much memory for bodies works with.
    ///
    /// # Errors
    /// When the system has no descriptors left.
    pub fn new(settings: Settings, queue_bytes_max: usize, books: &Arc<Books>) -> io::Result<Shared> {
        Ok(Shared {
            settings,
            queue: Queue::new()?,
            memory: Arc::new(Semaphore::new(queue_bytes_max)),
            spare: Arc::new(Semaphore::new(1)),
            stage: watch::Sender::new(Stage::Serving),
            in_hand: AtomicUsize::new(0),
            gone: AtomicBool::new(false),
            books: Arc::clone(books),
            connections: Mutex::default(),
        })
    }

    fn connections(&self) -> MutexGuard<'_, Vec<Arc<Connection>>> {
        // A list of connections is as good as before whatever happened to the thread that held it.
        self.connections.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Starts the thread, which ends some time after [`Stage::Stopping`], and soon after [`Stage::Closing`].
///
/// # Errors
/// When there can be no runtime or thread.
pub fn start(listener: TcpListener, shared: &Arc<Shared>) -> io::Result<JoinHandle<()>> {
    listener.set_nonblocking(true)?;
    let runtime = runtime::Builder::new_current_thread().enable_io().enable_time().build()?;
    let shared = Arc::clone(shared);
    thread::Builder::new().name("http".into()).spawn(move || {
        // Also when this thread panics: the source must not wait for somebody who never comes.
        let _farewell = Farewell(Arc::clone(&shared));
        runtime.block_on(serve(listener, &shared));
    })
}

struct Farewell(Arc<Shared>);

impl Drop for Farewell {
    fn drop(&mut self) {
        self.0.gone.store(true, Ordering::Release);
        self.0.queue.wake();
    }
}

async fn serve(listener: TcpListener, shared: &Arc<Shared>) {
    let listener = match tokio::net::TcpListener::from_std(listener) {
        Ok(listener) => listener,
        Err(error) => {
            return shared.books.complain(&format_args!("{}: cannot listen: {error}", shared.settings.name));
        }
    };
    let mut stage = shared.stage.subscribe();
    let mut connections = JoinSet::new();
    let mut look = interval(LOOK_EVERY);
    look.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => {
                    if let Some(connection) = admit(&stream, peer, shared) {
                        connections.spawn(converse(stream, connection, Arc::clone(shared)));
                    }
                }
                // A connection that ended before it was accepted is nobody's loss; anything else needs time.
                Err(error) if error.kind() == ErrorKind::ConnectionAborted => {}
                Err(error) => {
                    let name = &shared.settings.name;
                    shared.books.warn("accept", &format_args!("{name}: cannot accept: {error}"));
                    sleep(ACCEPT_PAUSE).await;
                }
            },
            _ = stage.wait_for(|stage| *stage >= Stage::Stopping) => break,
            Some(_) = connections.join_next() => {}
            _ = look.tick(), if !connections.is_empty() => end_overdue(shared),
        }
    }
    drop(listener);
    let all_gone = async { while connections.join_next().await.is_some() {} };
    let closing = async {
        let _ = stage.wait_for(|stage| *stage == Stage::Closing).await;
        sleep(FAREWELL).await;
    };
    tokio::select! {
        () = all_gone => {}
        () = closing => {}
    }
}

/// Enters a new connection in the list; the one that is idle for longest makes room. None when all are busy.
fn admit(stream: &TcpStream, peer: SocketAddr, shared: &Shared) -> Option<Arc<Connection>> {
    // An answer is one small segment, and nobody gains by its waiting for another.
    let _ = stream.set_nodelay(true);
    let most = shared.settings.connections_max;
    let mut connections = shared.connections();
    if connections.len() >= most {
        let idle = connections.iter().enumerate();
        let idle = idle.filter_map(|(index, one)| Some((one.idle_since()?, index))).min();
        let Some((_, index)) = idle else {
            shared.books.count("connections_refused", 1);
            let name = &shared.settings.name;
            shared.books.warn("refused", &format_args!("{name}: refused one sender more than {most}"));
            // Under TLS nobody could read it; a sender whose buffer takes nothing would not read it either.
            if shared.settings.tls.is_none() {
                let _ = stream.try_write(b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 5\r\nconnection: close\r\ncontent-length: 0\r\n\r\n");
            }
            return None;
        };
        connections.swap_remove(index).cancel.notify_one();
    }
    let connection = Arc::new(Connection::new(peer));
    connections.push(Arc::clone(&connection));
    Some(connection)
}

fn end_overdue(shared: &Shared) {
    let now = Instant::now();
    shared.connections().iter().filter(|one| one.is_overdue(now)).for_each(|one| one.cancel.notify_one());
}

/// Serves one connection to its end.
async fn converse(stream: TcpStream, connection: Arc<Connection>, shared: Arc<Shared>) {
    match shared.settings.tls.clone() {
        None => speak(stream, &connection, &shared).await,
        Some(config) => match timeout(HEAD_TIME, TlsAcceptor::from(config).accept(stream)).await {
            Ok(Ok(stream)) => speak(stream, &connection, &shared).await,
            Ok(Err(error)) => {
                let (name, peer) = (&shared.settings.name, connection.peer);
                shared.books.count("tls_failed", 1);
                shared.books.warn("TLS", &format_args!("{name} {peer}: no TLS: {error}"));
            }
            Err(_) => shared.books.count("tls_failed", 1),
        },
    }
    shared.connections().retain(|one| !Arc::ptr_eq(one, &connection));
}

async fn speak(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    connection: &Arc<Connection>,
    shared: &Arc<Shared>,
) {
    let stream = TokioIo::new(Watched::new(stream, Arc::clone(connection)));
    let service = service_fn(|request| {
        let (connection, shared) = (Arc::clone(connection), Arc::clone(shared));
        async move {
            connection.begin();
            let reply = request::respond(request, connection.peer, &shared).await;
            connection.end();
            Ok::<_, Infallible>(reply)
        }
    });
    let mut builder = http1::Builder::new();
    builder.max_buf_size(BUFFER_BYTES_MAX).max_header_size(HEAD_BYTES_MAX).max_headers(FIELDS_MAX);
    let mut served = pin!(builder.serve_connection(stream, service));
    let mut stage = shared.stage.subscribe();
    let stopping = async { _ = stage.wait_for(|stage| *stage >= Stage::Stopping).await };
    // A sender that broke the connection, or the protocol, has heard of it from hyper.
    if !first_of(served.as_mut(), connection, stopping).await {
        served.as_mut().graceful_shutdown();
        first_of(served, connection, std::future::pending::<()>()).await;
    }
}

/// Waits for the end of a connection, by itself or because it is in the way; false when `stopping` came first.
async fn first_of(served: impl Future, connection: &Connection, stopping: impl Future) -> bool {
    tokio::select! {
        _ = served => true,
        () = connection.cancel.notified() => true,
        _ = stopping => false,
    }
}
