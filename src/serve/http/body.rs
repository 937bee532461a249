//! A body on its way out: parts are made when the connection takes them, and packed if the caller takes that.

use std::convert::Infallible;
use std::io::Write;
use std::pin::Pin;
use std::task::{Context, Poll};

use flate2::Compression;
use flate2::write::GzEncoder;
use hyper::body::{Body, Bytes, Frame, SizeHint};
use tokio::sync::OwnedSemaphorePermit;

use super::Content;

/// A body shorter than this is sent as it is: one packet holds it.
const PACKED_BYTES_MIN: usize = 1400;

/// Bytes of a whole body that are handed over at a time.
const SLICE_BYTES: usize = 64 * 1024;

/// A body that hyper sends.
pub struct Outgoing {
    state: State,
    /// Its share of the memory for answers, until all of it is handed over.
    _held: Option<OwnedSemaphorePermit>,
}

enum State {
    Whole(Bytes),
    Parts(Box<dyn Iterator<Item = Vec<u8>> + Send>),
    Packed { parts: Box<dyn Iterator<Item = Vec<u8>> + Send>, packer: Option<GzEncoder<Vec<u8>>> },
}

impl Outgoing {
    /// The body of an answer, and whether it is packed with gzip: when the caller takes that and it is worth it.
    pub fn new(content: Content, takes_gzip: bool, held: Option<OwnedSemaphorePermit>) -> (Outgoing, bool) {
        let (state, is_packed) = match content {
            Content::Empty => (State::Whole(Bytes::new()), false),
            Content::Whole(bytes) if takes_gzip && bytes.len() >= PACKED_BYTES_MIN => {
                (State::Whole(packed(&bytes).into()), true)
            }
            Content::Whole(bytes) => (State::Whole(bytes.into()), false),
            Content::Parts { parts, .. } if takes_gzip => {
                let packer = Some(GzEncoder::new(Vec::new(), Compression::fast()));
                (State::Packed { parts, packer }, true)
            }
            Content::Parts { parts, .. } => (State::Parts(parts), false),
        };
        (Outgoing { state, _held: held }, is_packed)
    }
}

fn packed(bytes: &[u8]) -> Vec<u8> {
    let mut packer = GzEncoder::new(Vec::with_capacity(bytes.len() / 4), Compression::fast());
    // Writing to memory cannot fail.
    let _ = packer.write_all(bytes);
    packer.finish().unwrap_or_default()
}

impl Body for Outgoing {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let bytes = match &mut self.state {
            State::Whole(bytes) => {
                let slice = bytes.split_to(bytes.len().min(SLICE_BYTES));
                Some(slice).filter(|slice| !slice.is_empty())
            }
            State::Parts(parts) => parts.next().map(Bytes::from),
            State::Packed { parts, packer } => next_packed(parts, packer).map(Bytes::from),
        };
        Poll::Ready(bytes.map(|bytes| Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        match &self.state {
            State::Whole(bytes) => bytes.is_empty(),
            State::Parts(_) => false,
            State::Packed { packer, .. } => packer.is_none(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.state {
            State::Whole(bytes) => SizeHint::with_exact(bytes.len() as u64),
            _ => SizeHint::default(),
        }
    }
}

/// What the next parts become; none when there are no more.
fn next_packed(
    parts: &mut dyn Iterator<Item = Vec<u8>>,
    packer: &mut Option<GzEncoder<Vec<u8>>>,
) -> Option<Vec<u8>> {
    let open = packer.as_mut()?;
    for part in parts {
        let _ = open.write_all(&part);
        // gzip keeps back what it may still shorten: a part need not give anything yet.
        if !open.get_ref().is_empty() {
            return Some(std::mem::take(open.get_mut()));
        }
    }
    packer.take().and_then(|packer| packer.finish().ok())
}

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::task::Waker;

    use flate2::read::GzDecoder;

    use super::*;

    fn all(mut body: Outgoing) -> Vec<u8> {
        let mut bytes = Vec::new();
        while let Poll::Ready(Some(Ok(frame))) =
            Pin::new(&mut body).poll_frame(&mut Context::from_waker(Waker::noop()))
        {
            bytes.extend_from_slice(&frame.into_data().unwrap());
        }
        bytes
    }

    #[test]
    fn a_packed_body_is_what_was_written() {
        let part = |number: usize| format!("[{number}, 1.5], ").repeat(1000).into_bytes();
        let whole: Vec<u8> = (0..50).flat_map(part).collect();
        let (body, _) = Outgoing::new(Content::Whole(whole.clone()), false, None);
        assert_eq!(body.size_hint().exact(), Some(whole.len() as u64));
        assert_eq!(all(body), whole);
        for content in
            [Content::Whole(whole.clone()), Content::Parts { parts: Box::new((0..50).map(part)), held: 0 }]
        {
            let (body, is_packed) = Outgoing::new(content, true, None);
            assert!(is_packed);
            let sent = all(body);
            assert!(sent.len() < whole.len() / 5);
            let mut unpacked = Vec::new();
            GzDecoder::new(&sent[..]).read_to_end(&mut unpacked).unwrap();
            assert_eq!(unpacked, whole);
        }
    }

    #[test]
    fn what_is_short_or_not_to_be_packed_is_sent_as_it_is() {
        let (body, is_packed) = Outgoing::new(Content::Whole(b"[]".to_vec()), true, None);
        assert!(!is_packed && body.size_hint().exact() == Some(2));
        assert_eq!(all(body), b"[]");
        let (body, is_packed) = Outgoing::new(
            Content::Parts { parts: Box::new([vec![b'a'], vec![b'b']].into_iter()), held: 0 },
            false,
            None,
        );
        assert!(!is_packed);
        assert_eq!(all(body), b"ab");
        assert!(Outgoing::new(Content::Empty, true, None).0.is_end_stream());
    }
}
