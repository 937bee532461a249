//! A body as it comes in, no slower than it may: a sender that stalls holds memory that others wait for.

use std::time::Duration;

use http_body_util::BodyExt;
use hyper::body::{Body, Bytes};
use tokio::time::{Instant, timeout_at};

/// How long any body may take, and how often a long one is looked at ...
const SPAN: Duration = Duration::from_secs(30);
/// ... to see whether so much came of it meanwhile: a sender that is slow and not stuck is waited for.
const SPAN_BYTES: u64 = 64 * 1024 * SPAN.as_secs();

/// Why a body is not there.
#[derive(Debug)]
pub enum Lost<E> {
    /// Its sender stalls.
    TooSlow,
    /// The connection, or its coding, broke.
    Broken(E),
}

/// A body whose parts are waited for.
pub struct Paced<B> {
    body: B,
    since: Instant,
    bytes: u64,
}

impl<B: Body<Data = Bytes> + Unpin> Paced<B> {
    /// A body that begins to come.
    pub fn new(body: B) -> Paced<B> {
        Paced { body, since: Instant::now(), bytes: 0 }
    }

    /// The next part; none behind the last.
    ///
    /// # Errors
    /// See [`Lost`].
    pub async fn next(&mut self) -> Result<Option<Bytes>, Lost<B::Error>> {
        loop {
            match timeout_at(self.since + SPAN, self.body.frame()).await {
                Err(_) if self.bytes < SPAN_BYTES => return Err(Lost::TooSlow),
                Err(_) => (self.since, self.bytes) = (Instant::now(), 0),
                Ok(None) => return Ok(None),
                Ok(Some(Err(error))) => return Err(Lost::Broken(error)),
                Ok(Some(Ok(frame))) => {
                    let data = frame.into_data().unwrap_or_default();
                    self.bytes += data.len() as u64;
                    return Ok(Some(data));
                }
            }
        }
    }

    /// Time that passed while its sender was not waited for.
    pub fn excuse(&mut self, time: Duration) {
        self.since += time;
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::pin::Pin;
    use std::task::{Context, Poll};

    use hyper::body::Frame;
    use tokio::runtime::Builder;
    use tokio::sync::mpsc::{Receiver, channel};
    use tokio::time::sleep;

    use super::*;

    struct Fed(Receiver<Vec<u8>>);

    impl Body for Fed {
        type Data = Bytes;
        type Error = Infallible;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            context: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
            self.0.poll_recv(context).map(|part| part.map(|part| Ok(Frame::data(part.into()))))
        }
    }

    /// How many bytes come of parts that each come so many seconds behind the one before; the clock is the test's.
    fn received(parts: Vec<(usize, u64)>) -> Result<usize, Lost<Infallible>> {
        let runtime = Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        runtime.block_on(async {
            let (sender, receiver) = channel(1);
            tokio::spawn(async move {
                for (bytes, seconds) in parts {
                    sleep(Duration::from_secs(seconds)).await;
                    let _ = sender.send(vec![b'x'; bytes]).await;
                }
            });
            let mut body = Paced::new(Fed(receiver));
            let mut sum = 0;
            while let Some(data) = body.next().await? {
                sum += data.len();
            }
            Ok(sum)
        })
    }

    #[test]
    fn a_slow_sender_is_waited_for_and_one_that_stalls_is_not() {
        // 100 kB a second for two minutes.
        assert_eq!(received(vec![(100_000, 1); 120]).unwrap(), 12_000_000);
        // A few bytes, in half a minute.
        assert_eq!(received(vec![(1, 1); 29]).unwrap(), 29);
        assert!(matches!(received(vec![(1, 1); 31]), Err(Lost::TooSlow)));
        // Much at once buys no time to hold it.
        assert_eq!(received(vec![(16 << 20, 0), (1, 50)]).unwrap(), (16 << 20) + 1);
        assert!(matches!(received(vec![(16 << 20, 0), (1, 50), (1, 20)]), Err(Lost::TooSlow)));
    }
}
