//! Floor 3 · Where one record ends and the next begins in what a stream sink sends.

use memchr::{memchr_iter, memrchr};

use crate::wire::meter::{MeterWriter, NotSendable};

/// Bytes of a frame's length.
const LENGTH_BYTES: usize = 8;

/// How records follow each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// A line feed behind each.
    Lines,
    /// Its length before each: eight bytes, little-endian, as Ceilometer's tcp publisher.
    Frames,
}

impl Framing {
    /// How long the whole records are that `bytes` begin with, and how many.
    pub fn whole(self, bytes: &[u8]) -> (usize, u64) {
        match self {
            Framing::Lines => {
                let end = memrchr(b'\n', bytes).map_or(0, |at| at + 1);
                (end, memchr_iter(b'\n', &bytes[..end]).count() as u64)
            }
            Framing::Frames => {
                let (mut end, mut records) = (0, 0);
                while let Some(length) = bytes[end..].first_chunk::<LENGTH_BYTES>() {
                    let length = u64::from_le_bytes(*length) as usize;
                    let next = end + LENGTH_BYTES + length;
                    if next > bytes.len() {
                        break;
                    }
                    (end, records) = (next, records + 1);
                }
                (end, records)
            }
        }
    }

    /// Appends the frame of a line to `frames`.
    ///
    /// # Errors
    /// As [`MeterWriter::write`]; nothing was appended then.
    pub fn append_frame(
        writer: &mut MeterWriter,
        line: &[u8],
        frames: &mut Vec<u8>,
    ) -> Result<(), NotSendable> {
        let start = Framing::open_frame(frames);
        let written = writer.write(line, frames);
        match written {
            Ok(()) => Framing::close_frame(frames, start),
            Err(_) => frames.truncate(start),
        }
        written
    }

    /// The message in a frame.
    pub fn message(frame: &[u8]) -> &[u8] {
        frame.get(LENGTH_BYTES..).unwrap_or_default()
    }

    /// Puts the length before the message that begins at `start` and ends `frames`; eight bytes are left for it there.
    fn close_frame(frames: &mut [u8], start: usize) {
        let length = (frames.len() - start - LENGTH_BYTES) as u64;
        frames[start..start + LENGTH_BYTES].copy_from_slice(&length.to_le_bytes());
    }

    /// Leaves room for a length at the end of `frames`; where that is.
    fn open_frame(frames: &mut Vec<u8>) -> usize {
        frames.extend([0; LENGTH_BYTES]);
        frames.len() - LENGTH_BYTES
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_records_are_found_wherever_the_bytes_are_cut() {
        let mut frames = Vec::new();
        let mut ends = vec![0];
        for message in [&b"one"[..], b"", b"\n\n\n", b"four"] {
            let start = Framing::open_frame(&mut frames);
            frames.extend_from_slice(message);
            Framing::close_frame(&mut frames, start);
            ends.push(frames.len());
        }
        assert_eq!(frames[..11], *b"\x03\0\0\0\0\0\0\0one");
        for cut in 0..=frames.len() {
            let records = ends.iter().filter(|end| **end <= cut).count() - 1;
            assert_eq!(Framing::Frames.whole(&frames[..cut]), (ends[records], records as u64), "{cut}");
        }
        for (text, expected) in [("", (0, 0)), ("a", (0, 0)), ("a\n", (2, 1)), ("a\n\nbc", (3, 2))] {
            assert_eq!(Framing::Lines.whole(text.as_bytes()), expected, "{text:?}");
        }
    }
}
