//! Numbers that Python's `json` writes and reads, and JSON does not have.

/// Writes `message` into `out`, with `null` for each NaN, Infinity, -Infinity and number over the range of a double;
/// gives how many there were. All else stays as it is, valid or not.
pub fn soften(message: &[u8], out: &mut Vec<u8>) -> u64 {
    out.clear();
    let (mut softened, mut at) = (0, 0);
    while at < message.len() {
        let rest = &message[at..];
        let length = match rest[0] {
            b'"' => text_length(rest),
            b'+' | b'-' | b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' => token_length(rest),
            _ => 1,
        };
        let token = &rest[..length];
        if is_unfit(token) {
            out.extend(b"null");
            softened += 1;
        } else {
            out.extend_from_slice(token);
        }
        at += length;
    }
    softened
}

/// The bytes of a text with its quotes; all there are when it does not end.
fn text_length(rest: &[u8]) -> usize {
    let mut at = 1;
    while let Some(found) = memchr::memchr2(b'"', b'\\', rest.get(at..).unwrap_or_default()) {
        at += found;
        if rest[at] == b'"' {
            return at + 1;
        }
        at += 2;
    }
    rest.len()
}

fn token_length(rest: &[u8]) -> usize {
    let ends = |byte: &u8| !(byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.'));
    rest.iter().position(ends).unwrap_or(rest.len())
}

fn is_unfit(token: &[u8]) -> bool {
    match token {
        b"NaN" | b"Infinity" | b"-Infinity" => true,
        [b'-' | b'0'..=b'9', .., b'0'..=b'9'] => {
            let number = std::str::from_utf8(token).ok().and_then(|token| token.parse::<f64>().ok());
            number.is_some_and(f64::is_infinite)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn softened(text: &str) -> (String, u64) {
        let mut out = b"old".to_vec();
        let count = soften(text.as_bytes(), &mut out);
        (String::from_utf8(out).unwrap(), count)
    }

    #[test]
    fn numbers_that_json_does_not_have_are_null_and_texts_stay() {
        let text = r#"{"NaN":NaN,"a":[Infinity,-Infinity,1e400,-1e400,1e308,-0.5],"b":"\"NaN, 1e400\\"}"#;
        let expected = r#"{"NaN":null,"a":[null,null,null,null,1e308,-0.5],"b":"\"NaN, 1e400\\"}"#;
        assert_eq!(softened(text), (expected.to_owned(), 5));
        assert_eq!(softened(&"9".repeat(400)), ("null".to_owned(), 1));
        for same in ["", "\"", "\"\\", "-", "nan", "NaNs", "-NaN", "+Infinity", "1e", "infinity"] {
            assert_eq!(softened(same), (same.to_owned(), 0));
        }
    }

    proptest! {
        #[test]
        fn what_is_json_stays(text in "[-+.eE0-9NaInfity\\\\\", \\[\\]{}:]{0,40}") {
            let (out, count) = softened(&text);
            if count == 0 {
                prop_assert_eq!(&out, &text);
            }
            if serde_json::from_str::<serde_json::Value>(&text).is_ok() {
                prop_assert_eq!(count, 0);
            }
            prop_assert_eq!(softened(&out).1, 0);
        }
    }
}
