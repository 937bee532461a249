//! Which meters, or types of events, a source takes.

use thiserror::Error;

use crate::define::Glob;

/// The names of a source: globs, and globs behind `!` that are not taken. Not `define::Selection`, which takes lists
/// that Ceilometer refuses, and refuses some that it takes.
#[derive(Clone, Debug)]
pub struct Matching {
    wanted: Vec<Glob>,
    unwanted: Vec<Glob>,
}

/// A list that Ceilometer refuses, as in `pipeline/base.py` of 27.0.0.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum BadMatching {
    /// No list, or an empty one.
    #[error("names nothing")]
    Nothing,
    /// One of the names is empty.
    #[error("has an empty name")]
    Empty,
    /// Names beside `!names`.
    #[error("has names to take beside !names to leave out: either, or \"*\" beside !names")]
    Both,
    /// Names beside `*`.
    #[error("has names beside \"*\", which takes everything")]
    Wildcard,
}

impl Matching {
    /// Reads a list of names.
    ///
    /// # Errors
    /// [`BadMatching`]. What begins with `*` is no plain name: `["*.size", "!image.size"]` is taken.
    pub fn parse<S: AsRef<str>>(names: &[S]) -> Result<Matching, BadMatching> {
        let names: Vec<&str> = names.iter().map(AsRef::as_ref).collect();
        let plain = names.iter().any(|name| !name.starts_with(['!', '*']));
        if names.is_empty() {
            return Err(BadMatching::Nothing);
        } else if names.contains(&"") {
            return Err(BadMatching::Empty);
        } else if plain && names.iter().any(|name| name.starts_with('!')) {
            return Err(BadMatching::Both);
        } else if plain && names.contains(&"*") {
            return Err(BadMatching::Wildcard);
        }
        let (unwanted, wanted): (Vec<&str>, Vec<&str>) = names.iter().partition(|name| name.starts_with('!'));
        Ok(Matching {
            wanted: wanted.into_iter().map(Glob::new).collect(),
            unwanted: unwanted.into_iter().map(|name| Glob::new(&name[1..])).collect(),
        })
    }

    /// Whether `name` is taken. Only `!names`: everything else is.
    pub fn takes(&self, name: &str) -> bool {
        !self.unwanted.iter().any(|glob| glob.matches(name))
            && (self.wanted.is_empty() || self.wanted.iter().any(|glob| glob.matches(name)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_takes_what_ceilometer_takes() {
        let takes = |names: &[&str], name| Matching::parse(names).map(|matching| matching.takes(name));
        assert_eq!(takes(&["disk.*"], "disk.read"), Ok(true));
        assert_eq!(takes(&["*", "!cpu"], "cpu"), Ok(false));
        assert_eq!(takes(&["!cpu"], "memory"), Ok(true));
        assert_eq!(takes(&["*.size", "!image.*"], "disk.size"), Ok(true));
        assert_eq!(takes(&["!"], "cpu"), Ok(true));
        assert_eq!(takes(&["*", "!*"], "cpu"), Ok(false));
        assert_eq!(takes(&["a", "!b"], "a"), Err(BadMatching::Both));
        assert_eq!(takes(&["a", "*"], "a"), Err(BadMatching::Wildcard));
        assert_eq!(takes(&[""], "a"), Err(BadMatching::Empty));
        assert_eq!(takes(&[], "a"), Err(BadMatching::Nothing));
    }
}
