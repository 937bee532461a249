//! JSON texts as [`Node`]s and back.

use super::number::write_f64;
use super::text::write_text;
use crate::model::Node;

/// Reads one value; nothing but white space may follow it. Nested at most 128 deep.
///
/// # Errors
/// What is wrong, with its line and column.
pub fn read_node(text: &[u8]) -> Result<Node<'_>, serde_json::Error> {
    serde_json::from_slice(text)
}

/// Appends `node` as JSON without white space. A number that JSON cannot write is `null`.
pub fn write_node(node: &Node<'_>, out: &mut Vec<u8>) {
    match node {
        Node::Null => out.extend(b"null"),
        Node::Bool(value) => out.extend(if *value { &b"true"[..] } else { b"false" }),
        Node::Integer(number) => out.extend(itoa::Buffer::new().format(*number).as_bytes()),
        Node::Unsigned(number) => out.extend(itoa::Buffer::new().format(*number).as_bytes()),
        Node::Float(number) => write_f64(*number, out),
        Node::Text(text) => write_text(text.as_bytes(), out),
        Node::List(items) => {
            out.push(b'[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                write_node(item, out);
            }
            out.push(b']');
        }
        Node::Map(entries) => {
            out.push(b'{');
            for (index, (key, value)) in entries.iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                write_text(key.as_bytes(), out);
                out.push(b':');
                write_node(value, out);
            }
            out.push(b'}');
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_what_serde_json_reads() {
        let text =
            r#"{"a":[null,true,false,-1,18446744073709551615,1.5,1e-7],"b":{"é\n":"\"\\"},"c":[],"d":{}}"#;
        let node = read_node(text.as_bytes()).unwrap();
        let mut out = Vec::new();
        write_node(&node, &mut out);
        let ours: serde_json::Value = serde_json::from_slice(&out).unwrap();
        assert_eq!(ours, serde_json::from_str::<serde_json::Value>(text).unwrap());
        assert_eq!(read_node(&out).unwrap(), node);
        out.clear();
        write_node(&Node::Float(f64::INFINITY), &mut out);
        assert_eq!(out, b"null");
    }
}
