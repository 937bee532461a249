//! Patterns of `like`, with the meaning of SQL's LIKE.

/// Longest pattern, in characters: in the worst case each costs one step for every character of the field.
pub const PATTERN_CHARACTERS_MAX: usize = 1_024;

/// A pattern: `%` any run, `_` any one character, `\` makes the next character ordinary; the whole text must match.
///
/// Case-sensitive, as in PostgreSQL; SQLite and MySQL ignore the case of letters unless told otherwise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LikePattern {
    text: Box<str>,
    parts: Box<[Part]>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Literal(char),
    One,
    Run,
}

/// Why a text is no pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BadPattern {
    /// Its last character is a backslash that escapes nothing; PostgreSQL refuses it too.
    LoneBackslash,
    /// Over [`PATTERN_CHARACTERS_MAX`].
    TooLong,
}

impl LikePattern {
    /// Compiles `text`.
    pub(super) fn new(text: &str) -> Result<LikePattern, BadPattern> {
        let mut parts = Vec::new();
        let mut characters = text.chars();
        while let Some(character) = characters.next() {
            parts.push(match character {
                // Neighbouring runs mean the same as one.
                '%' if parts.last() == Some(&Part::Run) => continue,
                '%' => Part::Run,
                '_' => Part::One,
                '\\' => Part::Literal(characters.next().ok_or(BadPattern::LoneBackslash)?),
                literal => Part::Literal(literal),
            });
        }
        if text.chars().count() > PATTERN_CHARACTERS_MAX {
            return Err(BadPattern::TooLong);
        }
        Ok(LikePattern { text: text.into(), parts: parts.into() })
    }

    /// The pattern as it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether all of `text` matches. O(text × pattern) at worst, as only the last run is ever tried again; no
    /// allocation.
    pub fn matches(&self, text: &str) -> bool {
        let mut rest = text.chars();
        let mut part = 0;
        let mut retry = None;
        loop {
            let here = rest.clone();
            match (self.parts.get(part), rest.next()) {
                (Some(Part::Run), _) => {
                    rest = here;
                    part += 1;
                    if part == self.parts.len() {
                        return true;
                    }
                    retry = Some((part, rest.clone()));
                    continue;
                }
                (Some(Part::Literal(literal)), Some(character)) if *literal == character => {
                    part += 1;
                    continue;
                }
                (Some(Part::One), Some(_)) => {
                    part += 1;
                    continue;
                }
                (None, None) => return true,
                // The text is used up and the pattern is not: a longer run would not help.
                (Some(_), None) => return false,
                _ => {}
            }
            let Some((after_run, from)) = &mut retry else { return false };
            if from.next().is_none() {
                return false;
            }
            (part, rest) = (*after_run, from.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn like(text: &str, pattern: &str) -> bool {
        LikePattern::new(pattern).unwrap().matches(text)
    }

    #[test]
    fn answers_are_those_of_sqlite() {
        // Each row was answered by SQLite 3.40.1 (Python 3.11's sqlite3), after PRAGMA case_sensitive_like=ON, to
        // SELECT text LIKE pattern ESCAPE '\'.
        for (text, pattern, matched) in [
            ("", "%", true),
            ("", "", true),
            ("", "_", false),
            ("a", "", false),
            ("compute.instance.create.end", "compute.%", true),
            ("compute", "compute.%", false),
            ("Compute.x", "compute.%", false),
            ("compute.instance.create.end", "%.end", true),
            ("end.ending", "%.end", false),
            ("a.end.end", "%.end", true),
            ("abc", "a_c", true),
            ("ac", "a_c", false),
            ("aéc", "a_c", true),
            ("a😀c", "a_c", true),
            ("50%", "50\\%", true),
            ("50x", "50\\%", false),
            ("a_b", "a\\_b", true),
            ("axb", "a\\_b", false),
            ("a\\b", "a\\\\b", true),
            ("a\\b", "a\\b", false),
            ("ab", "a\\b", true),
            ("abbcbc", "a%bc", true),
            ("abcx", "a%bc", false),
            ("abc", "%%%", true),
            ("abc", "%b%", true),
            ("abc", "_%_", true),
            ("a", "_%_", false),
            ("ab", "%_b", true),
            ("aab", "%aab", true),
            ("aaab", "%aab", true),
            ("a\nb", "a%b", true),
            ("a*b?", "a*b?", true),
            ("axbx", "a*b?", false),
            ("[a]", "[a]", true),
            ("É", "é", false),
            ("mississippi", "m%iss%ppi", true),
            ("mississippi", "m%issip%i_", false),
        ] {
            assert_eq!(like(text, pattern), matched, "{text:?} {pattern:?}");
        }
    }

    #[test]
    fn pattern_must_be_whole_and_of_bounded_length() {
        assert_eq!(LikePattern::new("50\\"), Err(BadPattern::LoneBackslash));
        assert!(LikePattern::new("50\\\\").is_ok());
        assert!(LikePattern::new(&"a".repeat(PATTERN_CHARACTERS_MAX)).is_ok());
        assert_eq!(LikePattern::new(&"%".repeat(PATTERN_CHARACTERS_MAX + 1)), Err(BadPattern::TooLong));
    }

    #[test]
    fn many_runs_do_not_take_exponential_time() {
        assert!(!like(&format!("{}b", "a".repeat(10_000)), &"%a".repeat(500)));
    }

    /// The definition, read literally.
    fn naive(text: &[char], pattern: &[char]) -> bool {
        match pattern {
            [] => text.is_empty(),
            ['%', pattern @ ..] => (0..=text.len()).any(|skip| naive(&text[skip..], pattern)),
            ['_', pattern @ ..] => !text.is_empty() && naive(&text[1..], pattern),
            ['\\', literal, pattern @ ..] | [literal, pattern @ ..] => {
                text.first() == Some(literal) && naive(&text[1..], pattern)
            }
        }
    }

    proptest! {
        #[test]
        fn answers_are_those_of_the_literal_definition(text in "[ab%_é\\\\]{0,8}", pattern in "([ab%_é]|\\\\[ab%_\\\\]){0,8}") {
            let characters = |text: &str| text.chars().collect::<Vec<_>>();
            prop_assert_eq!(like(&text, &pattern), naive(&characters(&text), &characters(&pattern)));
        }
    }
}
