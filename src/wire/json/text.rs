//! JSON strings: their escapes read and written.

/// Appends the text of a JSON string to `out`; `raw` is what stands between the quotes, its escapes checked.
///
/// False when the escapes name no text (half a surrogate pair): then `out` holds a part.
#[must_use]
pub fn unescape(raw: &[u8], out: &mut Vec<u8>) -> bool {
    let mut rest = raw;
    while let Some(at) = memchr::memchr(b'\\', rest) {
        out.extend_from_slice(&rest[..at]);
        let Some(&kind) = rest.get(at + 1) else { return false };
        rest = &rest[at + 2..];
        match kind {
            b'n' => out.push(b'\n'),
            b't' => out.push(b'\t'),
            b'r' => out.push(b'\r'),
            b'b' => out.push(0x08),
            b'f' => out.push(0x0C),
            b'u' => {
                let Some((character, tail)) = unicode(rest) else { return false };
                out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
                rest = tail;
            }
            literal => out.push(literal),
        }
    }
    out.extend_from_slice(rest);
    true
}

/// The character behind `\u`, and what follows it; a pair of surrogates is one character.
fn unicode(rest: &[u8]) -> Option<(char, &[u8])> {
    let (high, rest) = (hex4(rest)?, rest.get(4..)?);
    if !(0xD800..0xDC00).contains(&high) {
        return Some((char::from_u32(high)?, rest));
    }
    let rest = rest.strip_prefix(b"\\u")?;
    let low = hex4(rest).filter(|low| (0xDC00..0xE000).contains(low))?;
    Some((char::from_u32(0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00))?, rest.get(4..)?))
}

/// Four hexadecimal digits.
pub(super) fn hex4(rest: &[u8]) -> Option<u32> {
    let digits: &[u8; 4] = rest.first_chunk()?;
    digits.iter().try_fold(0, |sum, &digit| Some(sum << 4 | (digit as char).to_digit(16)?))
}

/// Appends `text` as a JSON string with its quotes. Only what must be escaped is.
pub fn write_text(text: &[u8], out: &mut Vec<u8>) {
    out.push(b'"');
    let mut clean = 0;
    for (at, &byte) in text.iter().enumerate() {
        let short = match byte {
            b'"' => b'"',
            b'\\' => b'\\',
            b'\n' => b'n',
            b'\t' => b't',
            b'\r' => b'r',
            0..0x20 => b'u',
            _ => continue,
        };
        out.extend_from_slice(&text[clean..at]);
        out.extend([b'\\', short]);
        if short == b'u' {
            let digit = |value: u8| b"0123456789abcdef"[usize::from(value & 15)];
            out.extend([b'0', b'0', digit(byte >> 4), digit(byte)]);
        }
        clean = at + 1;
    }
    out.extend_from_slice(&text[clean..]);
    out.push(b'"');
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn text(raw: &str) -> Option<String> {
        let mut out = Vec::new();
        unescape(raw.as_bytes(), &mut out).then(|| String::from_utf8(out).unwrap())
    }

    #[test]
    fn escapes_are_read_as_rfc_8259_says() {
        assert_eq!(text(r#"a\"\\\/\b\f\n\r\tz"#).unwrap(), "a\"\\/\u{8}\u{c}\n\r\tz");
        assert_eq!(text(r"caf\u00e9 \ud83d\ude00").unwrap(), "café 😀");
        for half in [r"\ud83d", r"\ud83dx", r"\ude00", r"\ud83d\u0041"] {
            assert_eq!(text(half), None, "{half}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back_by_us_and_by_serde_json(original in any::<String>()) {
            let mut written = Vec::new();
            write_text(original.as_bytes(), &mut written);
            prop_assert_eq!(&serde_json::from_slice::<String>(&written).unwrap(), &original);
            let mut back = Vec::new();
            prop_assert!(unescape(&written[1..written.len() - 1], &mut back));
            prop_assert_eq!(back, original.into_bytes());
            let theirs = serde_json::to_string("\u{1}é\n").unwrap();
            let mut again = Vec::new();
            prop_assert!(unescape(&theirs.as_bytes()[1..theirs.len() - 1], &mut again));
        }
    }
}
