//! Content codings: bodies that were made smaller for the way, unpacked to a limit.

use std::borrow::Cow;
use std::io::{self, Read};

use flate2::read::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};
use thiserror::Error;

/// How a body was made smaller (RFC 9110, 8.4.1, and what Prometheus' remote write adds).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Coding {
    /// Not at all.
    Identity,
    /// A gzip file.
    Gzip,
    /// zlib, or deflate without its frame, which some senders mean by the same word.
    Deflate,
    /// One snappy block, without frames.
    Snappy,
}

/// What `Accept-Encoding` of a refusal lists.
pub const KNOWN: &str = "gzip, deflate, snappy, identity";

/// Why a body could not be unpacked.
#[derive(Debug, Error)]
pub enum BadCoding {
    /// It is longer than may be; whether by a little or by a thousand times is not found out.
    #[error("the body is over {0} bytes when unpacked")]
    TooLarge(usize),
    /// It is not of the form that its header says.
    #[error("the body cannot be unpacked: {0}")]
    Broken(io::Error),
}

impl Coding {
    /// The coding of a `Content-Encoding`; none for one that is not known, or several at once.
    pub fn of(header: &str) -> Option<Coding> {
        let is = |name: &str| header.trim().eq_ignore_ascii_case(name);
        match () {
            () if is("") || is("identity") => Some(Coding::Identity),
            () if is("gzip") || is("x-gzip") => Some(Coding::Gzip),
            () if is("deflate") => Some(Coding::Deflate),
            () if is("snappy") => Some(Coding::Snappy),
            () => None,
        }
    }

    /// The body as it was before, at most `bytes_max` long.
    ///
    /// # Errors
    /// [`BadCoding`]; nothing longer than `bytes_max` is ever held.
    pub fn unpack(self, body: &[u8], bytes_max: usize) -> Result<Cow<'_, [u8]>, BadCoding> {
        match self {
            Coding::Identity => Ok(Cow::Borrowed(body)),
            Coding::Gzip => read(MultiGzDecoder::new(body), bytes_max),
            Coding::Deflate if has_zlib_header(body) => read(ZlibDecoder::new(body), bytes_max),
            Coding::Deflate => read(DeflateDecoder::new(body), bytes_max),
            Coding::Snappy => {
                let broken = |error: snap::Error| BadCoding::Broken(io::Error::other(error));
                let length = snap::raw::decompress_len(body).map_err(broken)?;
                if length > bytes_max {
                    return Err(BadCoding::TooLarge(bytes_max));
                }
                snap::raw::Decoder::new().decompress_vec(body).map(Cow::Owned).map_err(broken)
            }
        }
    }
}

fn read(input: impl Read, bytes_max: usize) -> Result<Cow<'static, [u8]>, BadCoding> {
    let mut bytes = Vec::new();
    input.take(bytes_max as u64 + 1).read_to_end(&mut bytes).map_err(BadCoding::Broken)?;
    if bytes.len() > bytes_max {
        return Err(BadCoding::TooLarge(bytes_max));
    }
    Ok(Cow::Owned(bytes))
}

/// RFC 1950, 2.2: method 8, and a check that makes the first two bytes a multiple of 31.
fn has_zlib_header(body: &[u8]) -> bool {
    matches!(body, [first, second, ..]
        if first & 0x0f == 8 && (u16::from(*first) * 256 + u16::from(*second)).is_multiple_of(31))
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};
    use proptest::prelude::*;

    use super::*;

    fn packed(bytes: &[u8]) -> [(Coding, Vec<u8>); 5] {
        let level = Compression::default();
        let (mut gzip, mut zlib, mut raw) = (
            GzEncoder::new(Vec::new(), level),
            ZlibEncoder::new(Vec::new(), level),
            DeflateEncoder::new(Vec::new(), level),
        );
        gzip.write_all(bytes).unwrap();
        zlib.write_all(bytes).unwrap();
        raw.write_all(bytes).unwrap();
        [
            (Coding::Identity, bytes.to_vec()),
            (Coding::Gzip, gzip.finish().unwrap()),
            (Coding::Deflate, zlib.finish().unwrap()),
            (Coding::Deflate, raw.finish().unwrap()),
            (Coding::Snappy, snap::raw::Encoder::new().compress_vec(bytes).unwrap()),
        ]
    }

    #[test]
    fn what_was_packed_is_unpacked() {
        let text = b"[{\"name\": \"m\", \"volume\": 1}]".repeat(1000);
        for (coding, body) in packed(&text) {
            assert_eq!(coding.unpack(&body, text.len()).unwrap(), &text[..], "{coding:?}");
        }
        assert_eq!(Coding::of(" GZip "), Some(Coding::Gzip));
        assert_eq!((Coding::of(""), Coding::of("br")), (Some(Coding::Identity), None));
        assert_eq!(Coding::of("gzip, gzip"), None);
    }

    #[test]
    fn a_body_that_grows_over_the_limit_is_refused() {
        let bomb = vec![0; 10 << 20];
        for (coding, body) in &packed(&bomb)[1..] {
            assert!(body.len() < 1 << 20, "{coding:?}");
            let refused = coding.unpack(body, bomb.len() - 1);
            assert!(matches!(refused, Err(BadCoding::TooLarge(_))), "{coding:?}: {refused:?}");
        }
        // A snappy block that says it is 4 GiB is refused before a byte of it is looked for.
        let refused = Coding::Snappy.unpack(&[0xff, 0xff, 0xff, 0xff, 0x0f], 1 << 20);
        assert!(matches!(refused, Err(BadCoding::TooLarge(_))), "{refused:?}");
    }

    #[test]
    fn a_body_that_is_cut_short_is_broken() {
        for (coding, body) in &packed(b"0123456789 0123456789 0123456789")[1..] {
            let refused = coding.unpack(&body[..body.len() - 1], 1000);
            assert!(matches!(refused, Err(BadCoding::Broken(_))), "{coding:?}: {refused:?}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn no_body_breaks_it(body in proptest::collection::vec(any::<u8>(), 0..200)) {
            for coding in [Coding::Gzip, Coding::Deflate, Coding::Snappy] {
                let unpacked = coding.unpack(&body, 1000);
                prop_assert!(unpacked.map_or(0, |bytes| bytes.len()) <= 1000);
            }
        }
    }
}
