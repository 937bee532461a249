//! The name of a field, as a filter writes it.

/// Longest name of a field, in bytes: each dot is one more key to look up in every record.
pub const PATH_BYTES_MAX: usize = 1_024;

/// The name of a field: parts joined by dots, `resource_metadata.host`, `traits.vcpus`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Path(Box<str>);

impl Path {
    /// The path that `text` names; none when it is empty or longer than [`PATH_BYTES_MAX`].
    pub fn new(text: &str) -> Option<Path> {
        (1..=PATH_BYTES_MAX).contains(&text.len()).then(|| Path(text.into()))
    }

    /// The path as it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// `a`, `a.b`, `a.b.c`: every key under which a record may hold the field, shortest first.
    pub fn prefixes(&self) -> impl Iterator<Item = &str> {
        prefixes(&self.0).map(|(key, _)| key)
    }
}

/// The ways to split `text` into a key and what follows its dot, shortest key first; the last has nothing after it.
pub(super) fn prefixes(text: &str) -> impl Iterator<Item = (&str, Option<&str>)> {
    text.match_indices('.').map(move |(dot, _)| (&text[..dot], Some(&text[dot + 1..]))).chain([(text, None)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes_are_the_splits_at_each_dot() {
        let splits: Vec<_> = prefixes("a.b.c").collect();
        assert_eq!(splits, [("a", Some("b.c")), ("a.b", Some("c")), ("a.b.c", None)]);
    }

    #[test]
    fn empty_and_endless_names_are_no_paths() {
        assert_eq!(Path::new(""), None);
        assert!(Path::new(&"a".repeat(PATH_BYTES_MAX)).is_some());
        assert_eq!(Path::new(&"a".repeat(PATH_BYTES_MAX + 1)), None);
    }
}
