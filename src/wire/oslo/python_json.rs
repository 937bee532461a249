//! JSON as Python's `json.dumps` writes it by default: a space behind commas and colons, nothing but ASCII.

use crate::model::{Node, python};

/// Appends `json.dumps(node)`.
///
/// Numbers that JSON does not have are `NaN`, `Infinity` and `-Infinity`, as Python writes them.
pub fn write_python_json(node: &Node<'_>, out: &mut Vec<u8>) {
    match node {
        Node::Null => out.extend(b"null"),
        Node::Bool(value) => out.extend(if *value { &b"true"[..] } else { b"false" }),
        Node::Float(number) if number.is_nan() => out.extend(b"NaN"),
        Node::Float(number) if number.is_infinite() => {
            out.extend(if *number > 0.0 { &b"Infinity"[..] } else { b"-Infinity" });
        }
        Node::Integer(_) | Node::Unsigned(_) | Node::Float(_) => python::write_repr(node, out),
        Node::Text(text) => write_ascii_text(text, out),
        Node::List(items) => {
            out.push(b'[');
            for (index, item) in items.iter().enumerate() {
                separate(index, out);
                write_python_json(item, out);
            }
            out.push(b']');
        }
        Node::Map(entries) => {
            out.push(b'{');
            for (index, (key, value)) in entries.iter().enumerate() {
                separate(index, out);
                write_ascii_text(key, out);
                out.extend(b": ");
                write_python_json(value, out);
            }
            out.push(b'}');
        }
    }
}

fn separate(index: usize, out: &mut Vec<u8>) {
    if index > 0 {
        out.extend(b", ");
    }
}

/// Appends `json.dumps(text)`: with its quotes, everything outside of ASCII escaped by its UTF-16 units.
pub fn write_ascii_text(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    let mut clean = 0;
    for (at, character) in text.char_indices() {
        let short = match character {
            '"' => b'"',
            '\\' => b'\\',
            '\n' => b'n',
            '\r' => b'r',
            '\t' => b't',
            '\u{8}' => b'b',
            '\u{c}' => b'f',
            ' '..='\u{7f}' => continue,
            _ => b'u',
        };
        out.extend_from_slice(&text.as_bytes()[clean..at]);
        clean = at + character.len_utf8();
        out.extend([b'\\', short]);
        if short == b'u' {
            let mut units = [0; 2];
            for (index, unit) in character.encode_utf16(&mut units).iter().enumerate() {
                if index > 0 {
                    out.extend(b"\\u");
                }
                let digit = |shift: u16| b"0123456789abcdef"[usize::from(*unit >> shift & 15)];
                out.extend([digit(12), digit(8), digit(4), digit(0)]);
            }
        }
    }
    out.extend_from_slice(&text.as_bytes()[clean..]);
    out.push(b'"');
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::json::read_node;
    use proptest::prelude::*;

    fn dumps(text: &str) -> String {
        let mut out = Vec::new();
        write_python_json(&read_node(text.as_bytes()).unwrap(), &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn it_is_what_python_writes() {
        // Python 3.11: json.dumps of the same value.
        let text = r#"{"a":[1,-2.5,1e16,1e-7,100.0,null,true,{}],"é":"\u20ac\ud83d\ude00\"\\\/\b\f\n\r\t\u0000\u007f"}"#;
        assert_eq!(
            dumps(text),
            r#"{"a": [1, -2.5, 1e+16, 1e-07, 100.0, null, true, {}], "\u00e9": "\u20ac\ud83d\ude00\"\\/\b\f\n\r\t\u0000"#
                .to_owned()
                + "\u{7f}\"}"
        );
        let mut out = Vec::new();
        write_python_json(&Node::List([f64::NAN, f64::NEG_INFINITY].map(Node::Float).to_vec()), &mut out);
        assert_eq!(out, b"[NaN, -Infinity]");
    }

    proptest! {
        #[test]
        fn every_text_is_read_back(text in any::<String>()) {
            let mut out = Vec::new();
            write_ascii_text(&text, &mut out);
            prop_assert!(out.is_ascii());
            prop_assert_eq!(serde_json::from_slice::<String>(&out).unwrap(), text);
        }
    }
}
