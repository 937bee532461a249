//! The top-level keys that a scan is asked for, laid out so that a key of the line is told in a few instructions.

use thiserror::Error;

/// Keys that one scan can look for: slots are told apart by small integers and a row of them is cleared a line.
pub const KEYS_MAX: usize = 32;

/// More than [`KEYS_MAX`] keys were asked for.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("more than {KEYS_MAX} keys wanted of one record")]
pub struct TooManyKeys;

/// A set of keys, numbered in the order in which they were given.
#[derive(Clone, Debug)]
pub struct Keys {
    names: Vec<String>,
    /// Sorted by length, so that only keys of the right length are compared.
    entries: Vec<Entry>,
    /// `first_of_len[n]`: index in `entries` of the first key of `n` bytes; [`NONE`] where there is none.
    /// The last cell stands for all longer keys.
    first_of_len: [u8; LENGTHS],
}

#[derive(Clone, Debug)]
struct Entry {
    head: u64,
    tail: u64,
    len: usize,
    number: usize,
}

const LENGTHS: usize = 64;
const NONE: u8 = u8::MAX;

impl Keys {
    /// Keys without duplicates.
    ///
    /// # Errors
    /// [`TooManyKeys`] for more than [`KEYS_MAX`].
    pub fn new<S: AsRef<str>>(names: &[S]) -> Result<Keys, TooManyKeys> {
        let names: Vec<String> = names.iter().map(|name| name.as_ref().to_owned()).collect();
        if names.len() > KEYS_MAX { Err(TooManyKeys) } else { Ok(Keys::of(names)) }
    }

    fn of(names: Vec<String>) -> Keys {
        let mut entries: Vec<Entry> = names
            .iter()
            .enumerate()
            .map(|(number, name)| Entry {
                head: head(name.as_bytes()),
                tail: tail(name.as_bytes()),
                len: name.len(),
                number,
            })
            .collect();
        entries.sort_by_key(|entry| entry.len);
        let mut first_of_len = [NONE; LENGTHS];
        for (index, entry) in entries.iter().enumerate().rev() {
            first_of_len[entry.len.min(LENGTHS - 1)] = index as u8;
        }
        Keys { names, entries, first_of_len }
    }

    /// One key.
    pub fn one(name: &str) -> Keys {
        Keys::of(vec![name.to_owned()])
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// The names, by number.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// The number of the key that is written `raw` (no escapes); `head`: what [`head`] gives for it.
    #[inline(always)]
    pub(super) fn find(&self, raw: &[u8], head: u64) -> Option<usize> {
        let first = self.first_of_len[raw.len().min(LENGTHS - 1)];
        if first == NONE { None } else { self.find_from(usize::from(first), raw, head) }
    }

    #[inline(always)]
    fn find_from(&self, first: usize, raw: &[u8], head: u64) -> Option<usize> {
        for entry in &self.entries[first..] {
            if entry.len != raw.len() && raw.len() < LENGTHS - 1 {
                return None;
            }
            if entry.head == head && (raw.len() <= 8 || self.same_tail(entry, raw)) {
                return Some(entry.number);
            }
        }
        None
    }

    /// Whether two keys of the same length and head are the same all through.
    #[inline(always)]
    fn same_tail(&self, entry: &Entry, raw: &[u8]) -> bool {
        match raw.last_chunk::<8>() {
            Some(tail) if raw.len() <= 16 => entry.tail == u64::from_le_bytes(*tail),
            _ => self.names[entry.number].as_bytes() == raw,
        }
    }
}

/// The first eight bytes as a number, absent ones as zero.
#[inline]
pub(super) fn head(raw: &[u8]) -> u64 {
    match raw.first_chunk::<8>() {
        Some(chunk) => u64::from_le_bytes(*chunk),
        None => raw.iter().rev().fold(0, |sum, &byte| sum << 8 | u64::from(byte)),
    }
}

/// The last eight bytes as a number; only meant for keys that have them.
fn tail(raw: &[u8]) -> u64 {
    raw.last_chunk::<8>().map_or(0, |chunk| u64::from_le_bytes(*chunk))
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Keys {
        fn find_named(&self, name: &str) -> Option<usize> {
            self.find(name.as_bytes(), head(name.as_bytes()))
        }
    }

    #[test]
    fn every_key_is_found_by_its_number_and_nothing_else() {
        let long = "k".repeat(70);
        let names = ["name", "type", "volume", "resource_id", "resource_ix", "", "sixteen_bytes_xy", &long];
        let keys = Keys::new(&names).unwrap();
        for (number, name) in names.iter().enumerate() {
            assert_eq!(keys.find_named(name), Some(number), "{name}");
        }
        for other in
            ["nam", "names", "resource_ie", "sixteen_bytes_xz", "k", &"k".repeat(69), &"k".repeat(71)]
        {
            assert_eq!(keys.find_named(other), None, "{other}");
        }
        assert_eq!(Keys::new(&vec!["x"; KEYS_MAX + 1]).unwrap_err(), TooManyKeys);
    }
}
