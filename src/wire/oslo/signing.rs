//! Ceilometer's `message_signature`: HMAC-SHA256 over names and values, without separators.
//!
//! Names are sorted by code point on every level, those of nested records joined with `:`, values as Python's `str`
//! prints them; an empty record within vanishes, and texts in a list are printed as Python prints their UTF-8 bytes.

use std::borrow::Cow;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::base::Secret;
use crate::model::{Node, python};

/// The key of a signature.
pub const SIGNATURE: &str = "message_signature";

type Entry<'a> = (Cow<'a, str>, Node<'a>);

/// Signs with one secret.
#[derive(Clone)]
pub struct Signer {
    /// None for an empty secret, with which Ceilometer signs nothing.
    keyed: Option<Hmac<Sha256>>,
    text: Vec<u8>,
}

impl Signer {
    /// One with this secret.
    pub fn new(secret: &Secret) -> Signer {
        let keyed = Hmac::<Sha256>::new_from_slice(secret.bytes()).ok();
        Signer { keyed: keyed.filter(|_| !secret.bytes().is_empty()), text: Vec::new() }
    }

    /// The signature of `record`: 64 hexadecimal digits, or nothing without a secret.
    pub fn sign(&mut self, record: &[Entry<'_>]) -> String {
        let Some(mut mac) = self.keyed.clone() else { return String::new() };
        self.text.clear();
        write_pairs(record, &mut Vec::new(), &mut self.text);
        mac.update(&self.text);
        mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

fn write_pairs(entries: &[Entry<'_>], path: &mut Vec<u8>, out: &mut Vec<u8>) {
    for (key, value) in sorted(entries) {
        let parent = path.len();
        match value {
            Node::Map(inner) => {
                path.extend_from_slice(key.as_bytes());
                path.push(b':');
                write_pairs(inner, path, out);
                path.truncate(parent);
                continue;
            }
            _ if parent == 0 && key == SIGNATURE => continue,
            _ => {}
        }
        out.extend_from_slice(path);
        out.extend_from_slice(key.as_bytes());
        match value {
            Node::List(_) => write_in_list(value, out),
            other => python::write_str(other, out),
        }
    }
}

fn write_in_list(value: &Node<'_>, out: &mut Vec<u8>) {
    match value {
        Node::Text(text) => python::write_bytes_repr(text.as_bytes(), out),
        Node::List(items) => {
            out.push(b'[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.extend(b", ");
                }
                write_in_list(item, out);
            }
            out.push(b']');
        }
        Node::Map(entries) => {
            out.push(b'{');
            for (index, (key, value)) in sorted(entries).into_iter().enumerate() {
                if index > 0 {
                    out.extend(b", ");
                }
                python::write_bytes_repr(key.as_bytes(), out);
                out.extend(b": ");
                write_in_list(value, out);
            }
            out.push(b'}');
        }
        other => python::write_repr(other, out),
    }
}

/// The entries in the order of their names; of a name that stands several times, the last.
fn sorted<'n, 'a>(entries: &'n [Entry<'a>]) -> Vec<(&'n str, &'n Node<'a>)> {
    let mut order: Vec<_> = entries.iter().map(|(key, value)| (&**key, value)).rev().collect();
    order.sort_by_key(|(key, _)| *key);
    order.dedup_by_key(|(key, _)| *key);
    order
}
