//! The server's thread, and what it shares with the source's own.

use std::io;
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{self, JoinHandle};

use tokio::runtime;
use tokio::sync::Semaphore;

use super::auth::Guard;
use super::queue::Queue;
use super::request;
use crate::base::http::{self, Listening};

pub use crate::base::http::Stage;

/// What a server does with its requests.
pub struct Settings {
    /// The path below which everything is, without its last slash.
    pub prefix: String,
    /// The longest body, packed or unpacked.
    pub body_bytes_max: usize,
    /// Who may post.
    pub guard: Guard,
}

/// What the two threads have in common.
pub struct Shared {
    /// What the server does.
    pub settings: Settings,
    /// The connections.
    pub listening: Arc<Listening>,
    /// Bodies for the source.
    pub queue: Queue,
    /// Bytes of memory for bodies that are being received or wait.
    pub memory: Arc<Semaphore>,
    /// Memory for one body more, when those bytes are taken.
    pub spare: Arc<Semaphore>,
    /// Requests that were accepted and are not answered.
    pub in_hand: AtomicUsize,
    /// Whether the thread has ended.
    pub gone: AtomicBool,
}

impl Shared {
    /// What a server with these settings and this much memory for bodies works with.
    ///
    /// # Errors
    /// When the system has no descriptors left.
    pub fn new(settings: Settings, listening: Listening, queue_bytes_max: usize) -> io::Result<Shared> {
        Ok(Shared {
            settings,
            listening: Arc::new(listening),
            queue: Queue::new()?,
            memory: Arc::new(Semaphore::new(queue_bytes_max)),
            spare: Arc::new(Semaphore::new(1)),
            in_hand: AtomicUsize::new(0),
            gone: AtomicBool::new(false),
        })
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
        let listening = Arc::clone(&shared.listening);
        runtime.block_on(http::serve(listener, &listening, move |request, peer| {
            let shared = Arc::clone(&shared);
            async move { request::respond(request, peer, &shared).await }
        }));
    })
}

struct Farewell(Arc<Shared>);

impl Drop for Farewell {
    fn drop(&mut self) {
        self.0.gone.store(true, Ordering::Release);
        self.0.queue.wake();
    }
}
