//! Accepts connections, lets hyper speak HTTP with them, and ends those that are in the way.

use std::convert::Infallible;
use std::future::Future;
use std::io::ErrorKind;
use std::net::{SocketAddr, TcpListener};
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::{Duration, Instant};

use hyper::body::{Body, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval, sleep};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::connection::{Connection, HEAD_TIME, Leaving, Watched};
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

/// A place where connections are taken, and those that there are.
pub struct Listening {
    /// The URL, for messages.
    pub name: String,
    /// Connections at a time.
    pub connections_max: usize,
    /// What an https server shows; may be changed, for connections that are still to come.
    pub tls: Option<RwLock<Arc<ServerConfig>>>,
    /// How far the end has come.
    pub stage: watch::Sender<Stage>,
    /// Where trouble is said.
    pub books: Arc<Books>,
    connections: Mutex<Vec<Arc<Connection>>>,
}

impl Listening {
    /// A place without connections.
    pub fn new(
        name: String,
        connections_max: usize,
        tls: Option<Arc<ServerConfig>>,
        books: &Arc<Books>,
    ) -> Listening {
        Listening {
            name,
            connections_max,
            tls: tls.map(RwLock::new),
            stage: watch::Sender::new(Stage::Serving),
            books: Arc::clone(books),
            connections: Mutex::default(),
        }
    }

    fn connections(&self) -> MutexGuard<'_, Vec<Arc<Connection>>> {
        // A list of connections is as good as before whatever happened to the thread that held it.
        self.connections.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Serves the connections that come to `listener`, which does not block, until [`Stage::Stopping`] and all have ended, or soon after
/// [`Stage::Closing`]. `respond` answers one request.
pub async fn serve<R, F, B>(listener: TcpListener, listening: &Arc<Listening>, respond: R)
where
    R: Fn(Request<Incoming>, SocketAddr) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Response<B>> + Send + 'static,
    B: Body + Send + Unpin + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let listener = match tokio::net::TcpListener::from_std(listener) {
        Ok(listener) => listener,
        Err(error) => {
            return listening.books.complain(&format_args!("{}: cannot listen: {error}", listening.name));
        }
    };
    let mut stage = listening.stage.subscribe();
    let mut connections = JoinSet::new();
    let mut look = interval(LOOK_EVERY);
    look.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => {
                    if let Some(connection) = admit(&stream, peer, listening) {
                        connections.spawn(converse(stream, connection, Arc::clone(listening), respond.clone()));
                    }
                }
                // A connection that ended before it was accepted is nobody's loss; anything else needs time.
                Err(error) if error.kind() == ErrorKind::ConnectionAborted => {}
                Err(error) => {
                    let name = &listening.name;
                    listening.books.warn("accept", &format_args!("{name}: cannot accept: {error}"));
                    sleep(ACCEPT_PAUSE).await;
                }
            },
            _ = stage.wait_for(|stage| *stage >= Stage::Stopping) => break,
            Some(_) = connections.join_next() => {}
            _ = look.tick(), if !connections.is_empty() => end_overdue(listening),
        }
    }
    drop(listener);
    let all_gone = async {
        loop {
            tokio::select! {
                ended = connections.join_next() => if ended.is_none() { break },
                _ = look.tick() => end_overdue(listening),
            }
        }
    };
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
fn admit(stream: &TcpStream, peer: SocketAddr, listening: &Listening) -> Option<Arc<Connection>> {
    // An answer is one small segment, and nobody gains by its waiting for another.
    let _ = stream.set_nodelay(true);
    let most = listening.connections_max;
    let mut connections = listening.connections();
    if connections.len() >= most {
        let idle = connections.iter().enumerate();
        let idle = idle.filter_map(|(index, one)| Some((one.idle_since()?, index))).min();
        let Some((_, index)) = idle else {
            listening.books.count("connections_refused", 1);
            let name = &listening.name;
            listening.books.warn("refused", &format_args!("{name}: refused one sender more than {most}"));
            // Under TLS nobody could read it; a sender whose buffer takes nothing would not read it either.
            if listening.tls.is_none() {
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

fn end_overdue(listening: &Listening) {
    let now = Instant::now();
    listening.connections().iter().filter(|one| one.is_overdue(now)).for_each(|one| one.cancel.notify_one());
}

/// Serves one connection to its end.
async fn converse<R, F, B>(
    stream: TcpStream,
    connection: Arc<Connection>,
    listening: Arc<Listening>,
    respond: R,
) where
    R: Fn(Request<Incoming>, SocketAddr) -> F,
    F: Future<Output = Response<B>>,
    B: Body + Unpin + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let tls =
        listening.tls.as_ref().map(|tls| Arc::clone(&tls.read().unwrap_or_else(PoisonError::into_inner)));
    match tls {
        None => speak(stream, &connection, &listening, respond).await,
        Some(config) => match shaken(config, stream, &connection).await {
            Some(Ok(stream)) => speak(stream, &connection, &listening, respond).await,
            Some(Err(error)) => {
                let (name, peer) = (&listening.name, connection.peer);
                listening.books.count("tls_failed", 1);
                listening.books.warn("TLS", &format_args!("{name} {peer}: no TLS: {error}"));
            }
            None => listening.books.count("tls_failed", 1),
        },
    }
    listening.connections().retain(|one| !Arc::ptr_eq(one, &connection));
}

/// A TLS handshake; none when it takes longer than the head of a request may, or somebody else needs the place.
async fn shaken(
    config: Arc<ServerConfig>,
    stream: TcpStream,
    connection: &Connection,
) -> Option<std::io::Result<TlsStream<TcpStream>>> {
    tokio::select! {
        shaken = TlsAcceptor::from(config).accept(stream) => Some(shaken),
        () = sleep(HEAD_TIME) => None,
        () = connection.cancel.notified() => None,
    }
}

async fn speak<R, F, B>(
    stream: impl AsyncRead + AsyncWrite + Unpin + 'static,
    connection: &Arc<Connection>,
    listening: &Arc<Listening>,
    respond: R,
) where
    R: Fn(Request<Incoming>, SocketAddr) -> F,
    F: Future<Output = Response<B>>,
    B: Body + Unpin + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let stream = TokioIo::new(Watched::new(stream, Arc::clone(connection)));
    let service = service_fn(|request| {
        connection.begin();
        let response = respond(request, connection.peer);
        async {
            let response = response.await;
            Ok::<_, Infallible>(response.map(|body| Leaving::new(body, Arc::clone(connection))))
        }
    });
    let mut builder = http1::Builder::new();
    builder.max_buf_size(BUFFER_BYTES_MAX).max_header_size(HEAD_BYTES_MAX).max_headers(FIELDS_MAX);
    let mut served = pin!(builder.serve_connection(stream, service));
    let mut stage = listening.stage.subscribe();
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
