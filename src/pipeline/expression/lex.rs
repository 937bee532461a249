//! An expression as tokens.

use super::super::number::Number;

/// One token.
#[derive(Clone, Debug, PartialEq)]
pub enum Token {
    /// A number.
    Number(Number),
    /// A text in quotes.
    Text(String),
    /// A name or a word of the language.
    Name(String),
    /// `$(name)`: a meter, and whether a `.` follows at once.
    Meter { name: String, looked_into: bool },
    /// An operator or a bracket.
    Sign(&'static str),
    /// The end.
    End,
}

/// Longer ones first, so that `**` is not two `*`.
const SIGNS: [&str; 21] = [
    "**", "//", "<=", ">=", "==", "!=", "+", "-", "*", "/", "%", "<", ">", "(", ")", "[", "]", ",", ".", "=",
    ":",
];

/// The tokens of `text`, each with its place, counted in characters from 1; the last is [`Token::End`].
///
/// # Errors
/// What stands where no token can be, and where.
pub fn tokens(text: &str, meters: bool) -> Result<Vec<(Token, usize)>, (String, usize)> {
    let mut tokens = Vec::new();
    let mut at = 0;
    let place = |at: usize| text[..at].chars().count() + 1;
    while let Some(first) = text[at..].chars().next() {
        let rest = &text[at..];
        let (token, length) = if first.is_whitespace() {
            at += first.len_utf8();
            continue;
        } else if first.is_ascii_digit()
            || first == '.' && rest[1..].starts_with(|c: char| c.is_ascii_digit())
        {
            number(rest).map_err(|what| (what, place(at)))?
        } else if is_word(first) {
            let length = rest.find(|c: char| !is_word(c)).unwrap_or(rest.len());
            (Token::Name(rest[..length].to_owned()), length)
        } else if first == '\'' || first == '"' {
            quoted(rest, first).map_err(|what| (what, place(at)))?
        } else if let Some(meter) = meter(rest).filter(|_| meters) {
            meter
        } else if let Some(sign) = SIGNS.iter().find(|sign| rest.starts_with(**sign)) {
            (Token::Sign(sign), sign.len())
        } else {
            return Err((format!("unexpected {first}"), place(at)));
        };
        tokens.push((token, place(at)));
        at += length;
    }
    tokens.push((Token::End, place(at)));
    Ok(tokens)
}

fn is_word(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}

/// Python's literals: 12, 1_000, 0x1f, 1.5, .5, 5., 1e-3.
fn number(text: &str) -> Result<(Token, usize), String> {
    let mut length = 0;
    let bytes = text.as_bytes();
    while let Some(&byte) = bytes.get(length) {
        let exponent_sign = (byte == b'+' || byte == b'-')
            && bytes[length - 1].eq_ignore_ascii_case(&b'e')
            && !text.starts_with("0x")
            && !text.starts_with("0X");
        if !(byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'.' || exponent_sign) {
            break;
        }
        length += 1;
    }
    let word = &text[..length];
    let bad = || format!("{} is no number", word.chars().take(40).collect::<String>());
    let whole = |digits: &str, radix| {
        // A `_` may stand between digits and, of these, behind the prefix.
        let digits = digits.strip_prefix('_').unwrap_or(digits);
        let in_place = !digits.starts_with('_') && !digits.ends_with('_') && !digits.contains("__");
        i128::from_str_radix(&digits.replace('_', ""), radix).ok().filter(|_| in_place).map(Number::Int)
    };
    let lower = word.to_ascii_lowercase();
    let found = match lower.get(..2) {
        Some("0x") => whole(&lower[2..], 16),
        Some("0o") => whole(&lower[2..], 8),
        Some("0b") => whole(&lower[2..], 2),
        _ if word.bytes().all(|byte| byte.is_ascii_digit() || byte == b'_') => {
            let zeros = word.starts_with('0') && word.bytes().any(|byte| matches!(byte, b'1'..=b'9'));
            match Number::of_text(word) {
                Some(_) if zeros => None,
                // Over 128 bits: a float, as in all arithmetic here.
                Some(rounded) => Some(whole(word, 10).unwrap_or(rounded)),
                None => None,
            }
        }
        _ => Number::of_text(word),
    };
    found.map(|number| (Token::Number(number), length)).ok_or_else(bad)
}

fn quoted(text: &str, quote: char) -> Result<(Token, usize), String> {
    let mut content = String::new();
    let mut characters = text.char_indices().skip(1);
    while let Some((at, character)) = characters.next() {
        match character {
            '\\' => match characters.next() {
                Some((_, escaped @ ('\\' | '\'' | '"'))) => content.push(escaped),
                _ => return Err("a \\ may only stand before a quote or another \\".to_owned()),
            },
            end if end == quote => return Ok((Token::Text(content), at + 1)),
            other => content.push(other),
        }
    }
    Err("a quote is not closed".to_owned())
}

fn meter(text: &str) -> Option<(Token, usize)> {
    let name = text.strip_prefix("$(")?;
    let length = name.find(')')?;
    let (name, rest) = (&name[..length], &name[length + 1..]);
    let fits = |c: char| is_word(c) || c == '.' || c == '-';
    if name.is_empty() || !name.chars().all(fits) {
        return None;
    }
    Some((Token::Meter { name: name.to_owned(), looked_into: rest.starts_with('.') }, length + 3))
}
