//! A message's body as one line.

use std::io::Read;

use flate2::bufread::{MultiGzDecoder, ZlibDecoder};
use memchr::{memchr, memchr2_iter};
use serde::de::IgnoredAny;
use thiserror::Error;

/// Why a body is no line.
#[derive(Debug, Error)]
pub enum BadBody {
    /// Nothing is in it.
    #[error("the message is empty")]
    Empty,
    /// It is longer than a line may be.
    #[error("the message has more than {0} bytes")]
    TooLong(usize),
    /// It has several lines, and is not one JSON value either.
    #[error("no JSON: {0}")]
    NotJson(serde_json::Error),
    /// What it was compressed with is not read here.
    #[error("compressed with {0}, which is not read here: gzip is")]
    UnknownCompression(String),
    /// It cannot be expanded.
    #[error("cannot be expanded: {0}")]
    Compression(std::io::Error),
}

impl BadBody {
    /// What the books count it under.
    pub fn reason(&self) -> &'static str {
        match self {
            BadBody::Empty => "empty message",
            BadBody::TooLong(_) => "too long",
            BadBody::NotJson(_) => "not JSON",
            BadBody::UnknownCompression(_) | BadBody::Compression(_) => "compression",
        }
    }
}

/// Appends `body` and a line feed to `lines`; on failure nothing.
///
/// JSON over several lines becomes one: outside of texts, where line feeds are white space, and inside of them they
/// cannot stand. Everything else stays as it came: what it means is decided above. `compression` is what kombu's header
/// of that name says (oslo.messaging's option `kombu_compression`); its gzip is a zlib stream.
///
/// # Errors
/// Why it is rejected.
pub fn append_line(
    body: &[u8],
    compression: Option<&str>,
    line_max: usize,
    lines: &mut Vec<u8>,
) -> Result<(), BadBody> {
    match compression {
        None | Some("") => append_plain(body, line_max, lines),
        Some("gzip" | "zlib" | "application/x-gzip") => {
            append_plain(&expanded(body, line_max)?, line_max, lines)
        }
        Some(other) => Err(BadBody::UnknownCompression(other.to_owned())),
    }
}

fn append_plain(body: &[u8], line_max: usize, lines: &mut Vec<u8>) -> Result<(), BadBody> {
    let body = body.trim_ascii();
    if body.is_empty() {
        return Err(BadBody::Empty);
    }
    if body.len() > line_max {
        return Err(BadBody::TooLong(line_max));
    }
    if memchr(b'\n', body).is_some() {
        serde_json::from_slice::<IgnoredAny>(body).map_err(BadBody::NotJson)?;
        let start = lines.len();
        lines.extend_from_slice(body);
        for at in memchr2_iter(b'\n', b'\r', body) {
            lines[start + at] = b' ';
        }
    } else {
        lines.extend_from_slice(body);
    }
    lines.push(b'\n');
    Ok(())
}

/// No more than `line_max` bytes: a few compressed bytes can be any number of them.
fn expanded(body: &[u8], line_max: usize) -> Result<Vec<u8>, BadBody> {
    let mut bytes = Vec::new();
    let limit = line_max as u64 + 1;
    let read = if body.starts_with(&[0x1f, 0x8b]) {
        MultiGzDecoder::new(body).take(limit).read_to_end(&mut bytes)
    } else {
        ZlibDecoder::new(body).take(limit).read_to_end(&mut bytes)
    };
    match read {
        Ok(count) if count > line_max => Err(BadBody::TooLong(line_max)),
        Ok(_) => Ok(bytes),
        Err(error) => Err(BadBody::Compression(error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::Compression;
    use flate2::write::{GzEncoder, ZlibEncoder};
    use proptest::prelude::*;
    use std::io::Write;

    fn line(body: &[u8], compression: Option<&str>) -> Result<String, String> {
        let mut lines = Vec::new();
        match append_line(body, compression, 100, &mut lines) {
            Ok(()) => Ok(String::from_utf8(lines).unwrap()),
            Err(why) => {
                assert!(lines.is_empty());
                Err(format!("{}: {why}", why.reason()))
            }
        }
    }

    #[test]
    fn a_body_is_a_line_as_it_came() {
        assert_eq!(line(b"{\"a\" : 1}", None).unwrap(), "{\"a\" : 1}\n");
        assert_eq!(line(b" {\"a\":1}\r\n", Some("")).unwrap(), "{\"a\":1}\n");
        // What one line means is decided above.
        assert_eq!(line(b"nonsense", None).unwrap(), "nonsense\n");
    }

    #[test]
    fn json_over_several_lines_becomes_one() {
        assert_eq!(
            line(b"{\n  \"a\": \"x\\n\",\r\n  \"b\": 2\n}\n", None).unwrap(),
            "{   \"a\": \"x\\n\",    \"b\": 2 }\n"
        );
    }

    #[test]
    fn what_is_no_line_is_said() {
        assert_eq!(line(b" \n", None).unwrap_err(), "empty message: the message is empty");
        assert_eq!(line(&[b'x'; 101], None).unwrap_err(), "too long: the message has more than 100 bytes");
        assert!(
            line(b"{\"a\":\"x\ny\"}", None).unwrap_err().starts_with("not JSON: no JSON: control character")
        );
        assert!(line(b"one\ntwo", None).unwrap_err().starts_with("not JSON: "));
        let why = line(b"BZh", Some("application/x-bz2")).unwrap_err();
        assert_eq!(why, "compression: compressed with application/x-bz2, which is not read here: gzip is");
        assert!(line(b"nonsense", Some("application/x-gzip")).unwrap_err().starts_with("compression: "));
    }

    #[test]
    fn what_is_compressed_is_expanded_up_to_the_limit() {
        let zlib = |text: &[u8]| {
            let mut writer = ZlibEncoder::new(Vec::new(), Compression::default());
            writer.write_all(text).unwrap();
            writer.finish().unwrap()
        };
        let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
        gzip.write_all(b"{\"a\":1}").unwrap();
        assert_eq!(line(&gzip.finish().unwrap(), Some("gzip")).unwrap(), "{\"a\":1}\n");
        assert_eq!(line(&zlib(b"{\"a\":1}"), Some("application/x-gzip")).unwrap(), "{\"a\":1}\n");
        let bomb = line(&zlib(&vec![b' '; 1 << 20]), Some("zlib")).unwrap_err();
        assert_eq!(bomb, "too long: the message has more than 100 bytes");
    }

    proptest! {
        #[test]
        fn any_body_is_one_line_or_none(
            body in prop_oneof![
                proptest::collection::vec(any::<u8>(), 0..120),
                "[{}\\[\\]\":,0-9a\\\\\n\r ]{0,40}".prop_map(String::into_bytes),
            ],
            compression in proptest::option::of("gzip|bz2|")
        ) {
            let mut lines = b"before\n".to_vec();
            let taken = append_line(&body, compression.as_deref(), 100, &mut lines).is_ok();
            prop_assert!(lines.starts_with(b"before\n") && lines.ends_with(b"\n"));
            prop_assert_eq!(lines.iter().filter(|byte| **byte == b'\n').count(), 1 + usize::from(taken));
        }
    }
}
