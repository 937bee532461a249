//! Bodies on their way in, and the memory that all of them share.

use std::sync::Arc;
use std::time::Duration;

use hyper::StatusCode;
use hyper::body::{Body, Bytes};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout};

use super::Problem;
use crate::base::http::{Lost, Paced};

/// How long a body waits for memory before its sender is told to try again.
const ROOM_TIME: Duration = Duration::from_secs(10);
/// A body no longer than this is short, as most are: a batch of a thousand measures is.
const SHORT_BYTES_MAX: usize = 64 * 1024;

/// The memory for bodies. A part of it is for short ones alone, so that a few long ones whose senders are slow do not
/// keep out all others.
pub struct Room {
    short: Arc<Semaphore>,
    long: Arc<Semaphore>,
}

impl Room {
    /// Room for so many bytes; a quarter of them for short bodies.
    pub fn new(bytes: usize) -> Room {
        let short = bytes / 4;
        let semaphore = |bytes: usize| Arc::new(Semaphore::new(bytes.min(Semaphore::MAX_PERMITS)));
        Room { short: semaphore(short), long: semaphore(bytes - short) }
    }

    /// A whole body of at most `bytes_max`, and what it holds of the room.
    ///
    /// # Errors
    /// 413 when it is too long, 408 when it stalls, 503 when there is no room for it, 400 when its connection breaks.
    pub async fn receive<B>(
        &self,
        body: B,
        bytes_max: usize,
    ) -> Result<(Vec<u8>, Option<OwnedSemaphorePermit>), Problem>
    where
        B: Body<Data = Bytes> + Unpin,
        B::Error: std::fmt::Display,
    {
        let over =
            || Problem::new(StatusCode::PAYLOAD_TOO_LARGE, format!("a body has at most {bytes_max} bytes"));
        let said = body.size_hint();
        if said.lower() > bytes_max as u64 {
            return Err(over());
        }
        let (mut bytes, mut held): (Vec<u8>, Option<OwnedSemaphorePermit>) = (Vec::new(), None);
        let mut body = Paced::new(body);
        loop {
            let data = match body.next().await {
                Ok(Some(data)) => data,
                Ok(None) => return Ok((bytes, held)),
                Err(Lost::TooSlow) => {
                    return Err(Problem::new(StatusCode::REQUEST_TIMEOUT, "the body comes too slowly"));
                }
                Err(Lost::Broken(error)) => return Err(Problem::bad(error.to_string())),
            };
            if bytes.len() + data.len() > bytes_max {
                return Err(over());
            }
            let length = bytes.len() + data.len();
            if length > held.as_ref().map_or(0, OwnedSemaphorePermit::num_permits) {
                // All at once: two that hold a part and wait for the rest would wait for each other. And not before there is any
                // of it: to say how long a body will be costs nothing.
                drop(held.take());
                let begun = Instant::now();
                let unsaid =
                    if length <= SHORT_BYTES_MAX { SHORT_BYTES_MAX.min(bytes_max) } else { bytes_max };
                held = Some(self.hold(said.exact().map_or(unsaid, |exact| exact as usize)).await?);
                body.excuse(begun.elapsed());
            }
            bytes.extend_from_slice(&data);
        }
    }

    /// Room for a body of this length, when there is some.
    async fn hold(&self, bytes: usize) -> Result<OwnedSemaphorePermit, Problem> {
        let room = if bytes <= SHORT_BYTES_MAX { &self.short } else { &self.long };
        let wanted = u32::try_from(bytes).unwrap_or(u32::MAX);
        match timeout(ROOM_TIME, Arc::clone(room).acquire_many_owned(wanted)).await {
            Ok(Ok(held)) => Ok(held),
            _ => Err(Problem::busy("too many bodies are being worked at")),
        }
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::Full;
    use tokio::runtime::Builder;

    use super::*;

    #[test]
    fn long_bodies_that_take_all_their_room_leave_some_for_short_ones() {
        let runtime = Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        runtime.block_on(async {
            let room = Room::new(400_000);
            let body = |bytes: usize| Full::new(Bytes::from(vec![b'x'; bytes]));
            let (bytes, long) = room.receive(body(290_000), 300_000).await.unwrap();
            assert_eq!(bytes.len(), 290_000);
            let refused = room.receive(body(290_000), 300_000).await.err().unwrap();
            assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
            let short = room.receive(body(60_000), 300_000).await.unwrap();
            assert_eq!(short.0.len(), 60_000);
            drop(long);
            assert!(room.receive(body(290_000), 300_000).await.is_ok());
            let refused = room.receive(body(300_001), 300_000).await.err().unwrap();
            assert_eq!(refused.status(), StatusCode::PAYLOAD_TOO_LARGE);
        });
    }
}
