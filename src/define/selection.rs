//! A selection of names: what `-m` takes, and what a source of Ceilometer's pipeline.yaml takes.

use thiserror::Error;

use super::Glob;

/// Which names are wanted: globs, and globs behind a `!` that are not.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    wanted: Vec<Glob>,
    unwanted: Vec<Glob>,
}

/// A list that no selection can be made of.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum BadSelection {
    /// `!` with nothing behind it, or an empty glob.
    #[error("empty name in the list")]
    Empty,
}

impl Selection {
    /// Everything.
    pub fn all() -> Selection {
        Selection::default()
    }

    /// Reads a list of globs; those behind `!` exclude and win. Only exclusions, or no glob at all: all else is in.
    ///
    /// # Errors
    /// [`BadSelection::Empty`] for an empty glob.
    pub fn parse<S: AsRef<str>>(globs: &[S]) -> Result<Selection, BadSelection> {
        let mut selection = Selection::default();
        for glob in globs {
            let (list, text) = match glob.as_ref().strip_prefix('!') {
                Some(rest) => (&mut selection.unwanted, rest),
                None => (&mut selection.wanted, glob.as_ref()),
            };
            if text.is_empty() {
                return Err(BadSelection::Empty);
            }
            list.push(Glob::new(text));
        }
        Ok(selection)
    }

    /// Whether `name` is in.
    pub fn takes(&self, name: &str) -> bool {
        (self.wanted.is_empty() || self.wanted.iter().any(|glob| glob.matches(name)))
            && !self.unwanted.iter().any(|glob| glob.matches(name))
    }

    /// The globs that ask for something, as written.
    pub fn wanted(&self) -> impl Iterator<Item = &Glob> {
        self.wanted.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exclusions_win_and_alone_leave_the_rest() {
        let takes = |globs: &[&str], name| Selection::parse(globs).unwrap().takes(name);
        assert!(takes(&["disk.*", "!disk.root*"], "disk.device.read"));
        assert!(!takes(&["disk.*", "!disk.root*"], "disk.root.size"));
        assert!(!takes(&["disk.*"], "cpu"));
        assert!(takes(&["!disk.*"], "cpu"));
        assert!(takes(&[], "cpu"));
        assert_eq!(Selection::parse(&["!"]).unwrap_err(), BadSelection::Empty);
    }
}
