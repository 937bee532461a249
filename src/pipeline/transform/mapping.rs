//! `map_from` and `map_to`: Python's `re.sub` over names and units.

use std::borrow::Cow;

use fancy_regex::{Captures, Regex, RegexBuilder};

/// Bytes that a compiled pattern may take; a pattern of a line's length takes some thousand.
const PATTERN_BYTES_MAX: usize = 1 << 20;
/// Steps back that a search may take: a hundred times what a sensible pattern takes for a name.
const STEPS_MAX: usize = 10_000;

/// A pattern and what stands for what it finds.
#[derive(Clone, Debug)]
pub struct Mapping {
    from: Regex,
    to: Vec<Piece>,
}

#[derive(Clone, Debug)]
enum Piece {
    Literal(String),
    Group(usize),
}

impl Mapping {
    /// Reads `map_from` and `map_to` of one attribute.
    ///
    /// # Errors
    /// What is wrong with which of them. Ceilometer then quietly maps nothing.
    pub fn parse(from: &str, to: &str) -> Result<Mapping, String> {
        // \Z is Python's word for the end, and the only one of its words that differs.
        let compiled = RegexBuilder::new(&from.replace("\\Z", "\\z"))
            .delegate_size_limit(PATTERN_BYTES_MAX)
            .backtrack_limit(STEPS_MAX)
            .build();
        let from = compiled.map_err(|error| {
            let error = error.to_string();
            let reason = error.lines().last().unwrap_or_default().trim_start_matches("error: ");
            format!("map_from \"{from}\": {reason}")
        })?;
        let to = pieces(&from, to).map_err(|what| format!("map_to \"{to}\": {what}"))?;
        Ok(Mapping { from, to })
    }

    /// `text` with everything that the pattern finds replaced; as it is, where a search takes too long.
    pub fn apply<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let replaced = self.from.try_replacen(text, 0, |found: &Captures<'_, str>| {
            let mut new = String::new();
            for piece in &self.to {
                match piece {
                    Piece::Literal(literal) => new.push_str(literal),
                    // A group that took no part is empty, as since Python 3.5.
                    Piece::Group(number) => {
                        new.push_str(found.get(*number).map_or("", |group| group.as_str()))
                    }
                }
            }
            new
        });
        replaced.unwrap_or(Cow::Borrowed(text))
    }
}

/// The template's literals and groups: `\1`, `\g<1>`, `\g<name>`; `\n` and the like are what they are in Python.
fn pieces(from: &Regex, template: &str) -> Result<Vec<Piece>, String> {
    let (mut pieces, mut literal, mut rest) = (Vec::new(), String::new(), template);
    while let Some(at) = rest.find('\\') {
        literal.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        let Some(escaped) = rest.chars().next() else { return Err("ends in a \\".to_owned()) };
        let known = [
            ('a', '\x07'),
            ('b', '\x08'),
            ('f', '\x0c'),
            ('n', '\n'),
            ('r', '\r'),
            ('t', '\t'),
            ('v', '\x0b'),
        ];
        if escaped.is_ascii_digit() && escaped != '0' {
            let length = rest.bytes().take(2).take_while(u8::is_ascii_digit).count();
            let number = rest[..length].parse().unwrap_or(usize::MAX);
            group(from, number, &mut literal, &mut pieces)?;
            rest = &rest[length..];
        } else if let Some(named) = rest.strip_prefix("g<") {
            let Some((name, behind)) = named.split_once('>') else { return Err("\\g< without >".to_owned()) };
            let by_name = from.capture_names().position(|known| known == Some(name));
            let number = name.parse().ok().or(by_name).unwrap_or(usize::MAX);
            group(from, number, &mut literal, &mut pieces)?;
            rest = behind;
        } else {
            match known.iter().find(|(letter, _)| *letter == escaped) {
                Some((_, character)) => literal.push(*character),
                None if escaped == '\\' => literal.push('\\'),
                None if escaped.is_ascii_alphanumeric() => return Err(format!("\\{escaped} means nothing")),
                // Before anything else the \ stands for itself.
                None => literal.extend(['\\', escaped]),
            }
            rest = &rest[escaped.len_utf8()..];
        }
    }
    literal.push_str(rest);
    if !literal.is_empty() {
        pieces.push(Piece::Literal(literal));
    }
    Ok(pieces)
}

fn group(from: &Regex, number: usize, literal: &mut String, pieces: &mut Vec<Piece>) -> Result<(), String> {
    let groups = from.captures_len() - 1;
    if number > groups {
        return Err(format!("names a group that the pattern does not have (it has {groups})"));
    }
    if !literal.is_empty() {
        pieces.push(Piece::Literal(std::mem::take(literal)));
    }
    pieces.push(Piece::Group(number));
    Ok(())
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
