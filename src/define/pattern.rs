//! Regular expressions as Python's `re` reads them, with a bound on what a match may cost.

use fancy_regex::{Regex, RegexBuilder};
use thiserror::Error;

/// Bytes of a pattern: the longest of the stock definitions has 130.
const LENGTH_MAX: usize = 4096;

/// Steps of a match before it is given up: event types and names are short, and a pattern must not hang the run.
const BACKTRACK_MAX: usize = 100_000;

/// Bytes that a compiled pattern may take.
const COMPILED_MAX: usize = 1 << 20;

/// Bytes of a text that a replacement may grow to.
const TEXT_MAX: usize = 1 << 16;

/// A compiled pattern.
#[derive(Clone, Debug)]
pub struct Pattern {
    text: String,
    regex: Regex,
}

/// Why a text is no pattern.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum BadPattern {
    /// Over the limit.
    #[error("a pattern of more than {LENGTH_MAX} bytes")]
    TooLong,
    /// A backslash before a letter that means nothing, or at the end.
    #[error("unknown escape \"\\{0}\" in the pattern")]
    Escape(String),
    /// What the compiler said.
    #[error("the pattern \"{pattern}\" cannot be read: {why}")]
    Syntax {
        /// As written.
        pattern: String,
        /// The reason.
        why: String,
    },
}

impl Pattern {
    /// Compiles `text`.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn new(text: &str) -> Result<Pattern, BadPattern> {
        if text.len() > LENGTH_MAX {
            return Err(BadPattern::TooLong);
        }
        let compiled = RegexBuilder::new(&translated(text)?)
            .backtrack_limit(BACKTRACK_MAX)
            .delegate_size_limit(COMPILED_MAX)
            .delegate_dfa_size_limit(COMPILED_MAX)
            .build();
        match compiled {
            Ok(regex) => Ok(Pattern { text: text.to_owned(), regex }),
            Err(error) => {
                let why = error.to_string().lines().last().unwrap_or_default().trim().to_owned();
                Err(BadPattern::Syntax { pattern: text.to_owned(), why })
            }
        }
    }

    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether `text` begins with a match: Python's `match`. One that costs too much is none.
    pub fn begins(&self, text: &str) -> bool {
        // The leftmost match is at the start if any match is.
        matches!(self.regex.find(text), Ok(Some(found)) if found.start() == 0)
    }

    /// `text` with each match replaced, Python's `sub`. None without a match, where the search takes too long, and where
    /// what comes out is too long.
    pub fn replaced(&self, text: &str, replacement: &Replacement) -> Option<String> {
        let (mut out, mut copied, mut from, mut found_any) = (String::new(), 0, 0, false);
        while let Some(groups) = self.regex.captures_from_pos(text, from).ok()? {
            let whole = groups.get(0)?;
            found_any = true;
            out.push_str(&text[copied..whole.start()]);
            for piece in &replacement.pieces {
                match piece {
                    Piece::Literal(literal) => out.push_str(literal),
                    // A group that took no part is empty, as since Python 3.5.
                    Piece::Group(number) => out.push_str(groups.get(*number).map_or("", |m| m.as_str())),
                }
            }
            copied = whole.end();
            // Behind an empty match the search goes on one character later, behind another at its end.
            from = match text[copied..].chars().next() {
                Some(next) if whole.start() == whole.end() => copied + next.len_utf8(),
                None if whole.start() == whole.end() => break,
                _ => copied,
            };
            if out.len() > TEXT_MAX {
                return None;
            }
        }
        out.push_str(&text[copied..]);
        (found_any && out.len() <= TEXT_MAX).then_some(out)
    }
}

/// What stands for the matches of one pattern: a template of Python's `sub`.
#[derive(Clone, Debug)]
pub struct Replacement {
    pieces: Vec<Piece>,
}

#[derive(Clone, Debug)]
enum Piece {
    Literal(String),
    Group(usize),
}

/// Why a text is no template.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum BadReplacement {
    /// A backslash at the end.
    #[error("ends in a \\")]
    Ends,
    /// A backslash before a letter that means nothing, or before a number of no character.
    #[error("\\{0} means nothing")]
    Escape(char),
    /// A name without its end.
    #[error("\\g without its <NAME>")]
    Name,
    /// A group that is not there.
    #[error("names a group that the pattern does not have (it has {0})")]
    Group(usize),
}

impl Replacement {
    /// Reads a template for the matches of `pattern`: `\1`, `\g<1>` and `\g<name>` stand for groups, `\n` and the like for
    /// what they are in Python.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn new(pattern: &Pattern, template: &str) -> Result<Replacement, BadReplacement> {
        let groups = pattern.regex.captures_len() - 1;
        let known = |number: usize| {
            if number > groups { Err(BadReplacement::Group(groups)) } else { Ok(Piece::Group(number)) }
        };
        let (mut pieces, mut literal, mut rest) = (Vec::new(), String::new(), template);
        while let Some(at) = rest.find('\\') {
            literal.push_str(&rest[..at]);
            rest = &rest[at + 1..];
            let kind = rest.chars().next().ok_or(BadReplacement::Ends)?;
            rest = &rest[kind.len_utf8()..];
            let group = match kind {
                'g' => {
                    let named = rest.strip_prefix('<').and_then(|rest| rest.split_once('>'));
                    let (name, tail) = named.ok_or(BadReplacement::Name)?;
                    rest = tail;
                    let by_name = || pattern.regex.capture_names().position(|known| known == Some(name));
                    Some(known(name.parse().ok().or_else(by_name).unwrap_or(usize::MAX))?)
                }
                // Digits behind a zero, and three octal digits, name a character.
                '0' => {
                    let digits = rest.bytes().take(2).take_while(|byte| (b'0'..b'8').contains(byte)).count();
                    let code = u32::from_str_radix(&rest[..digits], 8).unwrap_or(0);
                    literal.push(char::from_u32(code).ok_or(BadReplacement::Escape('0'))?);
                    rest = &rest[digits..];
                    None
                }
                '1'..='9' => {
                    let mut digits = kind.to_string();
                    digits.extend(rest.chars().next().filter(char::is_ascii_digit));
                    rest = &rest[digits.len() - 1..];
                    Some(known(digits.parse().unwrap_or(usize::MAX))?)
                }
                letter if letter.is_ascii_alphabetic() => {
                    let meant = ESCAPES.iter().find(|(known, _)| *known == letter);
                    literal.push(meant.ok_or(BadReplacement::Escape(letter))?.1);
                    None
                }
                // As Python keeps an escape that it does not know.
                other => {
                    literal.extend((other != '\\').then_some('\\').into_iter().chain([other]));
                    None
                }
            };
            if let Some(group) = group {
                if !literal.is_empty() {
                    pieces.push(Piece::Literal(std::mem::take(&mut literal)));
                }
                pieces.push(group);
            }
        }
        literal.push_str(rest);
        if !literal.is_empty() {
            pieces.push(Piece::Literal(literal));
        }
        Ok(Replacement { pieces })
    }
}

/// Letters behind a backslash, and what they mean to Python.
const ESCAPES: [(char, char); 7] =
    [('a', '\x07'), ('b', '\x08'), ('f', '\x0c'), ('n', '\n'), ('r', '\r'), ('t', '\t'), ('v', '\x0b')];

/// The pattern in the words of the engine: `\Z` is the end, `{,n}` starts at 0, and a set has no sets in it.
fn translated(text: &str) -> Result<String, BadPattern> {
    let mut out = String::with_capacity(text.len());
    let (mut rest, mut set_at) = (text.chars().peekable(), None);
    let mut at = 0;
    while let Some(character) = rest.next() {
        at += 1;
        match (character, set_at) {
            ('\\', _) => {
                let Some(escaped) = rest.next() else { return Err(BadPattern::Escape(String::new())) };
                at += 1;
                match escaped {
                    'Z' => out.push_str("\\z"),
                    '<' | '>' => out.push(escaped),
                    letter if letter.is_ascii_alphabetic() && !"AbBdDsSwWafnrtvxuUN".contains(letter) => {
                        return Err(BadPattern::Escape(letter.to_string()));
                    }
                    other => out.extend(['\\', other]),
                }
            }
            ('[', None) => {
                out.push('[');
                if rest.next_if_eq(&'^').is_some() {
                    out.push('^');
                    at += 1;
                }
                set_at = Some(at);
                // A bracket right behind the opening one is a member.
                if rest.next_if_eq(&']').is_some() {
                    out.push_str("\\]");
                    at += 1;
                }
            }
            (']', Some(_)) => {
                out.push(']');
                set_at = None;
            }
            ('[' | '&' | '~', Some(_)) => out.extend(['\\', character]),
            ('-', Some(start)) if at == start + 1 || rest.peek() == Some(&']') => out.push_str("\\-"),
            ('{', None) if rest.peek() == Some(&',') => out.push_str("{0"),
            (other, _) => out.push(other),
        }
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_at_the_start_as_pythons_match_does() {
        // Each row was answered by Python 3.11's re.match(pattern, text).
        for (pattern, text, matched) in [
            ("image.upload", "image.upload.activate", true),
            ("thing", "test.thing", false),
            ("compute.instance.(?!create.start|update).*", "compute.instance.create.end", true),
            ("compute.instance.(?!create.start|update).*", "compute.instance.create.start", false),
            ("a|ab$", "abc", true),
            ("^b|a", "ba", true),
            ("[]a]+$", "]a", true),
            ("[a&&b]$", "&", true),
            ("[a-]$", "-", true),
            ("[[a]", "[", true),
            ("a{,2}$", "aa", true),
            ("a\\Z", "a", true),
            ("(?i)ABC", "abc", true),
            ("(a)\\1", "aa", true),
            ("", "x", true),
        ] {
            assert_eq!(Pattern::new(pattern).unwrap().begins(text), matched, "{pattern} {text}");
        }
    }

    #[test]
    fn matches_are_replaced_as_pythons_sub_does() {
        // Each row was answered by Python 3.11's re.sub; none where it raises or nothing matches.
        for (pattern, replacement, text, expected) in [
            ("a", "-", "aab", Some("--b")),
            ("a*", "-", "aab", Some("--b-")),
            ("x*", "-", "aab", Some("-a-a-b-")),
            ("^", "p", "x", Some("px")),
            ("(.)\\.(.)", "\\2\\1", "x.y.z", Some("yx.z")),
            ("(?P<n>a)", "[\\g<n>]", "ab", Some("[a]b")),
            ("(a)(x)?", "\\2", "aab", Some("b")),
            ("a", "\\0", "ab", Some("\0b")),
            ("a", "\\n", "ab", Some("\nb")),
            ("a", "\\\\", "ab", Some("\\b")),
            ("(a)", "\\10", "ab", None),
            ("a", "\\q", "ab", None),
            ("q", "x", "ab", None),
        ] {
            let pattern = Pattern::new(pattern).unwrap();
            let replaced = Replacement::new(&pattern, replacement).ok();
            let replaced = replaced.and_then(|replacement| pattern.replaced(text, &replacement));
            assert_eq!(replaced.as_deref(), expected, "{} {replacement} {text}", pattern.as_str());
        }
    }

    #[test]
    fn a_pattern_that_would_hang_is_given_up() {
        assert!(!Pattern::new("(a|a)*(?=b)c").unwrap().begins(&"a".repeat(200)));
        assert!(matches!(Pattern::new("(").unwrap_err(), BadPattern::Syntax { .. }));
        assert_eq!(Pattern::new("\\q").unwrap_err(), BadPattern::Escape("q".into()));
        assert_eq!(Pattern::new(&"a".repeat(5000)).unwrap_err(), BadPattern::TooLong);
    }
}
