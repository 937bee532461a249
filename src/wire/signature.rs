//! Signatures of samples and events (Ceilometer's `message_signature`).
//!
//! HMAC-SHA256 over the names and values of a record, without separators: names sorted by code point on every level,
//! those of nested records joined with `:`, values as Python's `str` prints them. An empty record within vanishes. In
//! a list every text is printed as Python prints its UTF-8 bytes (`b'caf\xc3\xa9'`). Recorded from Ceilometer 27.0.0;
//! 8.1.5 signs the same under Python 3.

use std::borrow::Cow;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use thiserror::Error;

use crate::base::Secret;
use crate::model::{Node, python};
use crate::wire::json::read_node;

/// What is done with a record whose signature does not fit the secret, or that has none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Unverified {
    /// It is rejected.
    Reject,
    /// It is taken, and says so.
    Mark,
    /// It is taken as it is; no signature is looked at.
    #[default]
    Accept,
}

/// How signatures are checked.
#[derive(Clone, Debug)]
pub struct Verification {
    /// The secret that senders and receivers share.
    pub secret: Secret,
    /// What is done with what does not fit it.
    pub unverified: Unverified,
}

/// The secret of a Ceilometer that was not configured (`publisher.telemetry_secret`, 27.0.0).
pub const DEFAULT_SECRET: &str = "change this for valid signing";
/// The key of a signature.
pub const SIGNATURE: &str = "message_signature";
/// What a record says that was taken although its signature does not fit: no Ceilometer has this key.
const MARK: &[u8] = b"\"signature\":\"unverified\"}";

/// Why a record is not known to come from somebody who has the secret.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum NotVerified {
    /// There is no signature.
    #[error("not signed: no {SIGNATURE}")]
    Unsigned,
    /// The signature is another.
    #[error("the signature does not fit the secret")]
    Wrong,
    /// One of its names stands twice: readers might not agree on which value was signed.
    #[error("a key stands twice in a signed record")]
    Twice,
}

impl NotVerified {
    /// Under which name the books count it.
    pub fn reason(self) -> &'static str {
        match self {
            NotVerified::Unsigned => "not signed",
            NotVerified::Wrong | NotVerified::Twice => "wrong signature",
        }
    }
}

/// A signature in the form in which it travels: 64 hexadecimal digits, or nothing when there is no secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Signature {
    digits: [u8; 64],
    length: usize,
}

impl Signature {
    /// The digits.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.digits[..self.length]).unwrap_or_default()
    }
}

/// Signs and verifies with one secret. Keeps its buffers from record to record.
#[derive(Clone)]
pub struct Signer {
    /// HMAC with the secret taken in already; none for an empty secret, with which Ceilometer signs and checks nothing.
    keyed: Option<Hmac<Sha256>>,
    text: Vec<u8>,
    path: Vec<u8>,
}

impl Signer {
    /// One with this secret.
    pub fn new(secret: &Secret) -> Signer {
        let keyed = Hmac::<Sha256>::new_from_slice(secret.bytes()).ok();
        let keyed = keyed.filter(|_| !secret.bytes().is_empty());
        Signer { keyed, text: Vec::new(), path: Vec::new() }
    }

    /// The signature of `record`, a map; a signature that it has is no part of what is signed.
    pub fn sign(&mut self, record: &[(Cow<'_, str>, Node<'_>)]) -> Signature {
        let mut signature = Signature { digits: [0; 64], length: 0 };
        let Some(mut mac) = self.keyed.clone() else { return signature };
        self.signed_text(record);
        mac.update(&self.text);
        let digit = |value: u8| b"0123456789abcdef"[usize::from(value & 15)];
        for (pair, byte) in signature.digits.chunks_exact_mut(2).zip(mac.finalize().into_bytes()) {
            pair.copy_from_slice(&[digit(byte >> 4), digit(byte)]);
        }
        signature.length = signature.digits.len();
        signature
    }

    /// Checks the signature of `record`, a map, in a time that does not depend on it. Every record fits an empty secret.
    ///
    /// # Errors
    /// [`NotVerified`] says why it cannot be trusted.
    pub fn verify(&mut self, record: &[(Cow<'_, str>, Node<'_>)]) -> Result<(), NotVerified> {
        let Some(mut mac) = self.keyed.clone() else { return Ok(()) };
        let theirs = record.iter().rev().find(|(key, _)| key == SIGNATURE).map(|(_, value)| value);
        let theirs = match theirs {
            None | Some(Node::Null) => return Err(NotVerified::Unsigned),
            Some(value) => value.as_text().and_then(bytes_of_digits).ok_or(NotVerified::Wrong)?,
        };
        let unique = self.signed_text(record);
        mac.update(&self.text);
        mac.verify_slice(&theirs).map_err(|_| NotVerified::Wrong)?;
        if unique { Ok(()) } else { Err(NotVerified::Twice) }
    }

    /// Gathers the text to sign in `text`; whether no name stands twice.
    fn signed_text(&mut self, record: &[(Cow<'_, str>, Node<'_>)]) -> bool {
        self.text.clear();
        self.path.clear();
        write_pairs(record, &mut self.path, &mut self.text)
    }
}

/// What is done about the signatures that lines carry.
pub struct LineCheck {
    unverified: Unverified,
    signer: Signer,
    marked: Vec<u8>,
}

impl LineCheck {
    /// One that does as `verification` says; none when it says that no signature is looked at.
    pub fn new(verification: &Verification) -> Option<LineCheck> {
        let Verification { secret, unverified } = verification;
        (*unverified != Unverified::Accept).then(|| LineCheck {
            unverified: *unverified,
            signer: Signer::new(secret),
            marked: Vec::new(),
        })
    }

    /// The line to pass on for `line`, a record: the same, or one that says that it is not verified.
    ///
    /// # Errors
    /// [`NotVerified`] when it is to be rejected.
    pub fn check<'a>(&'a mut self, line: &'a [u8]) -> Result<&'a [u8], NotVerified> {
        let verified = match read_node(line) {
            Ok(Node::Map(entries)) => self.signer.verify(&entries),
            // Half a character, a number over the range: nobody can have signed that.
            _ => Err(NotVerified::Wrong),
        };
        match verified {
            Ok(()) => Ok(line),
            Err(why) if self.unverified == Unverified::Reject => Err(why),
            Err(_) => {
                self.marked.clear();
                self.marked.extend_from_slice(line);
                mark(&mut self.marked);
                Ok(&self.marked)
            }
        }
    }
}

/// Adds to the record that `lines` ends with that it is not verified; white space behind it goes.
pub fn mark(lines: &mut Vec<u8>) {
    let trimmed = |lines: &mut Vec<u8>| {
        while lines.last().is_some_and(u8::is_ascii_whitespace) {
            lines.pop();
        }
    };
    trimmed(lines);
    if lines.pop_if(|last| *last == b'}').is_some() {
        trimmed(lines);
        if lines.last() != Some(&b'{') {
            lines.push(b',');
        }
        lines.extend_from_slice(MARK);
    }
}

/// The 32 bytes that 64 small hexadecimal digits write.
fn bytes_of_digits(text: &str) -> Option<[u8; 32]> {
    let digits: &[u8; 64] = text.as_bytes().try_into().ok()?;
    let value = |digit: u8| match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    };
    let mut bytes = [0; 32];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = value(pair[0])? << 4 | value(pair[1])?;
    }
    Some(bytes)
}

/// Appends name and value of everything in `entries`; `path` stands before the names. Whether no name stands twice.
fn write_pairs(entries: &[(Cow<'_, str>, Node<'_>)], path: &mut Vec<u8>, out: &mut Vec<u8>) -> bool {
    sorted(entries, |key, value| {
        let parent = path.len();
        let unique = match value {
            Node::Map(inner) => {
                path.extend_from_slice(key.as_bytes());
                path.push(b':');
                let unique = write_pairs(inner, path, out);
                path.truncate(parent);
                return unique;
            }
            _ if parent == 0 && key == SIGNATURE => return true,
            Node::List(_) => {
                write_name(path, key, out);
                return write_in_list(value, out);
            }
            _ => true,
        };
        write_name(path, key, out);
        python::write_str(value, out);
        unique
    })
}

fn write_name(path: &[u8], key: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(path);
    out.extend_from_slice(key.as_bytes());
}

/// Appends a value as Python prints it in a list whose texts are bytes. Whether no name stands twice in it.
fn write_in_list(value: &Node<'_>, out: &mut Vec<u8>) -> bool {
    let mut unique = true;
    match value {
        Node::Text(text) => python::write_bytes_repr(text.as_bytes(), out),
        Node::List(items) => {
            out.push(b'[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.extend(b", ");
                }
                unique &= write_in_list(item, out);
            }
            out.push(b']');
        }
        Node::Map(entries) => {
            out.push(b'{');
            let mut first = true;
            unique = sorted(entries, |key, value| {
                if !std::mem::take(&mut first) {
                    out.extend(b", ");
                }
                python::write_bytes_repr(key.as_bytes(), out);
                out.extend(b": ");
                write_in_list(value, out)
            });
            out.push(b'}');
        }
        other => python::write_repr(other, out),
    }
    unique
}

/// Calls `each` for the entries in the order of their names, and for the last one of a name that stands several
/// times. Whether none did, and `each` said yes always.
fn sorted<'n>(
    entries: &'n [(Cow<'n, str>, Node<'n>)],
    mut each: impl FnMut(&'n str, &'n Node<'n>) -> bool,
) -> bool {
    const FEW: usize = 32;
    // Samples have fewer names than this: no allocation for them.
    let mut few = [0u32; FEW];
    let mut many = Vec::new();
    let order = match few.get_mut(..entries.len()) {
        Some(few) => few,
        None => {
            many.resize(entries.len(), 0);
            &mut many[..]
        }
    };
    order.iter_mut().zip(0..).for_each(|(place, index)| *place = index);
    let key = |index: u32| &*entries[index as usize].0;
    // Byte order of UTF-8 is code point order, Python's.
    order.sort_unstable_by(|a, b| key(*a).cmp(key(*b)).then(a.cmp(b)));
    let mut unique = true;
    for (place, &index) in order.iter().enumerate() {
        if order.get(place + 1).is_some_and(|next| key(*next) == key(index)) {
            unique = false;
            continue;
        }
        unique &= each(key(index), &entries[index as usize].1);
    }
    unique
}
