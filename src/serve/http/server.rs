//! A service's life: it listens, answers, and ends when it is told to.

use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::UnixStream;
use tokio::runtime;

use super::Front;
use crate::base::http::{self, Listening, Stage};
use crate::base::{Failure, Stop};

/// How long answers that are in hand when a stop is asked for may take.
const LINGER: Duration = Duration::from_secs(30);

/// What happens to a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// Connections are taken.
    Ready,
    /// Files are to be read or opened again.
    Reload,
    /// No more connections are taken; what is in hand is finished.
    Stopping,
}

/// A service that listens.
pub struct Server<D> {
    /// Where connections come in.
    pub listener: TcpListener,
    /// The connections.
    pub listening: Arc<Listening>,
    /// What answers them.
    pub front: Arc<Front<D>>,
}

impl<D: Send + 'static> Server<D> {
    /// Answers until `stop` is requested, then finishes what is in hand.
    ///
    /// - `happens`: told of each event, by the thread that all connections wait for
    ///
    /// # Errors
    /// When the system refuses.
    pub fn run(self, stop: &Stop, mut happens: impl FnMut(Event)) -> Result<(), Failure> {
        let Server { listener, listening, front } = self;
        let cannot = |source| Failure::io("cannot serve", listening.name.clone(), source);
        listener.set_nonblocking(true).map_err(cannot)?;
        let runtime =
            runtime::Builder::new_current_thread().enable_io().enable_time().build().map_err(cannot)?;
        runtime.block_on(async {
            let asked_to_stop = stop.as_fd().try_clone_to_owned().map_err(cannot)?;
            let asked_to_stop = UnixStream::from_std(asked_to_stop.into()).map_err(cannot)?;
            let answered = Arc::clone(&front);
            let respond = move |request, peer| {
                let front = Arc::clone(&answered);
                async move { front.respond(request, peer).await }
            };
            let serving = http::serve(listener, &listening, respond);
            tokio::pin!(serving);
            // One that was asked for while the service began is no less of one.
            let mut reloaded = 0;
            happens(Event::Ready);
            loop {
                tokio::select! {
                    () = &mut serving => return Ok(()),
                    readable = asked_to_stop.readable() => {
                        readable.map_err(cannot)?;
                        if stop.requested() {
                            break;
                        }
                        stop.woken();
                        let reloads = stop.reloads();
                        if reloads != reloaded {
                            reloaded = reloads;
                            happens(Event::Reload);
                        }
                        // Whoever waits again must have found nothing to read.
                        let _ = asked_to_stop.try_read(&mut [0; 64]);
                    }
                }
            }
            happens(Event::Stopping);
            listening.stage.send_replace(Stage::Stopping);
            if tokio::time::timeout(LINGER, &mut serving).await.is_err() {
                front.close();
                listening.stage.send_replace(Stage::Closing);
                serving.await;
            }
            Ok(())
        })
    }
}
