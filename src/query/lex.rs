//! The text form cut into words, signs and quoted texts.

use uuid::Uuid;

use super::keyword::Keyword;
use super::{BadFilter, Number, Place};

/// One piece of the text form.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Token<'a> {
    pub(super) kind: TokenKind,
    /// As it was written; empty at the end.
    pub(super) source: &'a str,
    /// Bytes before it.
    pub(super) start: usize,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum TokenKind {
    /// A word or sign of the language, outside quotes.
    Keyword(Keyword),
    /// Any other bare word: a field or a text.
    Word,
    /// A bare word that is a number.
    Number(Number),
    /// A text in quotes, without them.
    Quoted(String),
    /// `(`
    Open,
    /// `)`
    Close,
    /// `[`
    ListOpen,
    /// `]`
    ListClose,
    /// `,`
    Comma,
    /// `{}`
    Everything,
    /// What the language does not use.
    Stray,
    /// Nothing more.
    End,
}

/// Reads tokens one after the other.
pub(super) struct Lexer<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Lexer<'a> {
    pub(super) fn new(text: &'a str) -> Lexer<'a> {
        Lexer { text, at: 0 }
    }

    /// The place `bytes` into the text.
    pub(super) fn place(&self, bytes: usize) -> Place {
        Place::in_text(self.text, bytes)
    }

    /// The next token; [`TokenKind::End`] again and again at the end.
    pub(super) fn next(&mut self) -> Result<Token<'a>, BadFilter> {
        let rest = self.text[self.at..].trim_start();
        let start = self.text.len() - rest.len();
        let Some(first) = rest.chars().next() else {
            self.at = start;
            return Ok(Token { kind: TokenKind::End, source: "", start });
        };
        let run = |belongs: fn(char) -> bool| rest.find(|c| !belongs(c)).unwrap_or(rest.len());
        let (kind, length) = match first {
            '(' => (TokenKind::Open, 1),
            ')' => (TokenKind::Close, 1),
            '[' => (TokenKind::ListOpen, 1),
            ']' => (TokenKind::ListClose, 1),
            ',' => (TokenKind::Comma, 1),
            '{' => match rest[1..].trim_start() {
                after if after.starts_with('}') => (TokenKind::Everything, rest.len() - after.len() + 1),
                _ => (TokenKind::Stray, 1),
            },
            '"' | '\'' => self.quoted(rest, first, start)?,
            '≠' | '≤' | '≥' | '∧' | '∨' => (sign(&rest[..first.len_utf8()]), first.len_utf8()),
            _ if is_of_sign(first) => {
                let length = run(is_of_sign);
                (sign(&rest[..length]), length)
            }
            _ if is_of_word(first) => {
                let length = run(is_of_word);
                (self.word(&rest[..length], start)?, length)
            }
            _ => (TokenKind::Stray, first.len_utf8()),
        };
        self.at = start + length;
        Ok(Token { kind, source: &rest[..length], start })
    }

    /// A text up to the next quote of its kind; two quotes together stand for one, and nothing else is special.
    fn quoted(&self, rest: &str, quote: char, start: usize) -> Result<(TokenKind, usize), BadFilter> {
        let (mut text, mut at) = (String::new(), 1);
        while let Some(length) = rest[at..].find(quote) {
            text.push_str(&rest[at..at + length]);
            at += length + 1;
            if !rest[at..].starts_with(quote) {
                return Ok((TokenKind::Quoted(text), at));
            }
            text.push(quote);
            at += 1;
        }
        Err(BadFilter::Unexpected {
            place: self.place(self.text.len()),
            expected: format!("a closing {quote} for the text that starts in {}", self.place(start)),
            found: None,
            suggestion: None,
        })
    }

    fn word(&self, word: &str, start: usize) -> Result<TokenKind, BadFilter> {
        if let Some(keyword) = Keyword::of(word) {
            return Ok(TokenKind::Keyword(keyword));
        }
        match Number::parse(word) {
            // A project id of 32 digits is a uuid, as for Gnocchi.
            Some(_) if Uuid::try_parse(word).is_ok() => Ok(TokenKind::Word),
            Some(Number::Float(float)) if !float.is_finite() => Err(BadFilter::NumberOutOfRange {
                place: self.place(start),
                number: super::error::shortened(word),
            }),
            Some(number) => Ok(TokenKind::Number(number)),
            None => Ok(TokenKind::Word),
        }
    }
}

/// Whether `text` may stand for a field without quotes.
pub(super) fn is_bare_field(text: &str) -> bool {
    let kind = Lexer::new(text).next().map(|token| (token.kind, token.source.len()));
    kind == Ok((TokenKind::Word, text.len()))
}

fn sign(text: &str) -> TokenKind {
    Keyword::of(text).map_or(TokenKind::Stray, TokenKind::Keyword)
}

fn is_of_sign(character: char) -> bool {
    matches!(character, '=' | '!' | '<' | '>' | '~' | '&' | '|')
}

/// Enough for uuids, timestamps, meter names, and the metadata keys of Nova, without quotes.
fn is_of_word(character: char) -> bool {
    character.is_alphanumeric() || matches!(character, '_' | '-' | '.' | ':' | '+' | '@' | '/')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(text: &str) -> Vec<TokenKind> {
        let mut lexer = Lexer::new(text);
        std::iter::from_fn(|| {
            lexer.next().ok().map(|token| token.kind).filter(|kind| *kind != TokenKind::End)
        })
        .collect()
    }

    #[test]
    fn signs_need_no_blanks_around_them() {
        let equal = TokenKind::Keyword(Keyword::of("=").unwrap());
        let less = TokenKind::Keyword(Keyword::of("<=").unwrap());
        let five = TokenKind::Number(Number::Integer(-5));
        assert_eq!(kinds("a=b"), [TokenKind::Word, equal, TokenKind::Word]);
        assert_eq!(kinds("a<=-5"), [TokenKind::Word, less.clone(), five.clone()]);
        assert_eq!(kinds("a≤-5∧"), [TokenKind::Word, less, five, TokenKind::Keyword(Keyword::And)]);
    }

    #[test]
    fn quotes_are_doubled_and_backslashes_are_ordinary() {
        for (source, text) in [
            (r#""""#, ""),
            (r#""say ""hi""""#, r#"say "hi""#),
            ("'it''s'", "it's"),
            (r#"'a "b"'"#, r#"a "b""#),
            (r#""50\%\""#, r"50\%\"),
            ("'ü\n'", "ü\n"),
        ] {
            assert_eq!(kinds(source), [TokenKind::Quoted(text.into())], "{source}");
        }
        assert_eq!(
            Lexer::new(r#"  "a"" "#).next().unwrap_err().to_string(),
            r#"column 8: expected a closing " for the text that starts in column 3"#
        );
    }

    #[test]
    fn uuids_and_timestamps_are_words_even_when_they_look_like_numbers() {
        for word in [
            "7EED6CC3-EDC8-48C9-8EF6-8A36B9ACC91C",
            "7EED6CC3EDC848C98EF68A36B9ACC91C",
            "12345678901234567890123456789012",
            "000000000000000000000000000000e1",
            "2026-11-22T10:00:00.5+01:00",
            "disk.device.read",
            "5-3",
            "１",
        ] {
            assert_eq!(kinds(word), [TokenKind::Word], "{word}");
        }
        assert_eq!(
            kinds("1234567890123456789012345678901"),
            [TokenKind::Number(Number::Float(1.234_567_890_123_456_8e30))]
        );
    }

    #[test]
    fn only_plain_words_are_bare_fields() {
        assert!(is_bare_field("resource_metadata.nova:zone"));
        for text in ["", "like", "NULL", "5", "a b", " a", "a ", "a\"", "{}"] {
            assert!(!is_bare_field(text), "{text}");
        }
    }

    #[test]
    fn number_beyond_every_float_is_refused() {
        let error = Lexer::new("a > 1e999".split_at(4).1).next().unwrap_err();
        assert_eq!(error.to_string(), "column 1: the number 1e999 is out of range");
    }
}
