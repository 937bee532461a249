//! `%XX` in the parts of a URL (RFC 3986, 2.1).

use std::fmt::Write;

/// The bytes of `text`, every `%XX` replaced by its byte; none when something else stands behind a `%`.
pub fn decoded(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        let mut digit = || char::from(rest.next()?).to_digit(16);
        bytes.push(if byte == b'%' { (digit()? * 16 + digit()?) as u8 } else { byte });
    }
    Some(bytes)
}

/// `text` as one segment of a path: everything but letters, digits, `_.-~` and what is in `kept` as `%XX`.
pub fn encoded(text: &str, kept: &[u8]) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"_.-~".contains(&byte) || kept.contains(&byte) {
            out.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_encoded_is_decoded() {
        assert_eq!(encoded("a/b é~:", b":"), "a%2Fb%20%C3%A9~:");
        assert_eq!(decoded("a%2Fb%20%c3%A9~:").as_deref(), Some("a/b é~:".as_bytes()));
        for bad in ["%", "%2", "%zz", "%+1"] {
            assert_eq!(decoded(bad), None, "{bad}");
        }
    }
}
