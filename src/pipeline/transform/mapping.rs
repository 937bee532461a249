//! `map_from` and `map_to`: Python's `re.sub` over names and units.

use std::borrow::Cow;

use crate::define::pattern::{Pattern, Replacement};

/// A pattern and what stands for what it finds.
#[derive(Clone, Debug)]
pub struct Mapping {
    from: Pattern,
    to: Replacement,
}

impl Mapping {
    /// Reads `map_from` and `map_to` of one attribute.
    ///
    /// # Errors
    /// What is wrong with which of them. Ceilometer then quietly maps nothing.
    pub fn parse(from: &str, to: &str) -> Result<Mapping, String> {
        let pattern = Pattern::new(from).map_err(|why| format!("map_from: {why}"))?;
        let replacement = Replacement::new(&pattern, to).map_err(|why| format!("map_to \"{to}\": {why}"))?;
        Ok(Mapping { from: pattern, to: replacement })
    }

    /// `text` with everything that the pattern finds replaced; as it is, where a search takes too long.
    pub fn apply<'t>(&self, text: &'t str) -> Cow<'t, str> {
        self.from.replaced(text, &self.to).map_or(Cow::Borrowed(text), Cow::Owned)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mapping_replaces_as_pythons_re_sub_does() {
        // Each row was answered by Python 3.11's re.sub(from, to, text).
        for (from, to, text, mapped) in [
            (
                r"disk\.(read|write)\.(bytes|requests)",
                r"disk.\1.\2.rate",
                "disk.read.bytes",
                "disk.read.bytes.rate",
            ),
            (r"(B|request)", r"\1/s", "MB", "MB/s"),
            (r"(B|request)", r"\1/s", "ns", "ns"),
            (r"(?P<a>x)(y)?", r"\g<a>-\g<2>-\g<0>", "xxy", "x--xx-y-xy"),
            (r"a", r"\\\.\n", "a", "\\\\.\n"),
            (r"a\Z", "b", "aa", "ab"),
            (r"(a)", r"\11", "a", ""),
        ] {
            let found = Mapping::parse(from, to).map(|mapping| mapping.apply(text).into_owned());
            match found {
                Ok(found) => assert_eq!(found, mapped, "{from} {to}"),
                Err(why) => assert!(why.contains("does not have"), "{from} {to}: {why}"),
            }
        }
    }

    #[test]
    fn what_maps_nothing_is_refused() {
        for (from, to, why) in [
            ("(", "x", "parenthesis"),
            ("a", r"\1", "a group that the pattern does not have (it has 0)"),
            ("a", r"\q", "\\q means nothing"),
            ("a", r"\", "ends in a \\"),
            ("a", r"\g<x>", "does not have"),
        ] {
            let found = Mapping::parse(from, to).unwrap_err();
            assert!(found.contains(why), "{from} {to}: {found}");
        }
    }
}
