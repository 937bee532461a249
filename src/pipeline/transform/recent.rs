//! What was seen last of each meter of each resource, of the most recent ones.

use std::collections::HashMap;

use foldhash::fast::RandomState;

use super::STATES_MAX;

/// A bounded map. When half of it is full it becomes the old half, and the old half before it is forgotten, but for
/// what was used since: O(1) a look-up, and what is used at least every `max / 2` new keys is never forgotten.
pub struct Recent<V> {
    young: HashMap<Box<[u8]>, V, RandomState>,
    old: HashMap<Box<[u8]>, V, RandomState>,
    half_max: usize,
    key: Vec<u8>,
}

impl<V> Default for Recent<V> {
    fn default() -> Recent<V> {
        Recent::new(STATES_MAX)
    }
}

impl<V> Recent<V> {
    /// An empty one of at most `max` entries.
    pub fn new(max: usize) -> Recent<V> {
        Recent { young: HashMap::default(), old: HashMap::default(), half_max: max / 2, key: Vec::new() }
    }

    /// The value of meter `name` of `resource`, to be looked at and changed; `new` makes one that is not there.
    ///
    /// The names stay apart: Ceilometer's key puts them together, so that "ab" of "c" is "a" of "bc".
    pub fn entry(&mut self, name: &str, resource: &str, new: impl FnOnce() -> V) -> &mut V {
        self.key.clear();
        self.key.extend((name.len() as u64).to_le_bytes());
        self.key.extend(name.as_bytes());
        self.key.extend(resource.as_bytes());
        if !self.young.contains_key(&self.key[..]) {
            let value = self.old.remove(&self.key[..]).unwrap_or_else(new);
            if self.young.len() >= self.half_max {
                self.old = std::mem::take(&mut self.young);
            }
            return self.young.entry(self.key.clone().into_boxed_slice()).or_insert(value);
        }
        match self.young.get_mut(&self.key[..]) {
            Some(value) => value,
            None => unreachable!("the key was found a moment ago"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_do_not_run_together_and_old_entries_are_forgotten() {
        let mut recent: Recent<i32> = Recent::new(4);
        *recent.entry("ab", "c", || 0) = 1;
        assert_eq!(*recent.entry("a", "bc", || 2), 2);
        assert_eq!(*recent.entry("ab", "c", || 9), 1);
        for other in 0..10 {
            recent.entry("x", &other.to_string(), || other);
            // What is used stays.
            assert_eq!(*recent.entry("ab", "c", || 9), 1, "{other}");
        }
        assert_eq!(*recent.entry("a", "bc", || 9), 9);
        assert!(recent.young.len() + recent.old.len() <= 5);
    }
}
