//! The words of an expression.

use super::{BadPath, Wrong};

/// One word.
#[derive(Clone, Debug, PartialEq)]
pub enum Token {
    /// `.`
    Dot,
    /// `..`
    DoubleDot,
    /// `*`, which is a field, every item, or a multiplication.
    Star,
    /// `[`
    Open,
    /// `]`
    Close,
    /// `(`
    OpenParen,
    /// `)`
    CloseParen,
    /// `$`
    Dollar,
    /// `,`
    Comma,
    /// `:`
    Colon,
    /// `|`
    Pipe,
    /// `&`
    Ampersand,
    /// `?`
    Question,
    /// `@`
    At,
    /// `+`
    Plus,
    /// `-` that is not the sign of a number nor inside a name.
    Minus,
    /// `where`
    Where,
    /// `/` (false) or `\` (true: descending), with the comma before it.
    Sort(bool),
    /// One of `= == != < <= > >=`.
    Comparison(Comparison),
    /// `true` or `false`
    Truth(bool),
    /// Digits, with or without a minus.
    Integer(i64),
    /// Digits, a point, digits.
    Float(f64),
    /// A name, bare or in quotes.
    Name(String),
    /// What stands between backquotes.
    Operator(String),
}

/// How a filter compares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "each is the comparison of its name")]
pub enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// The words of `text`, each with the column where it starts, from 1.
///
/// # Errors
/// The first character that begins no word, a quote without its end, a number over the range.
pub fn words(text: &str) -> Result<Vec<(usize, Token)>, BadPath> {
    let characters: Vec<char> = text.chars().collect();
    let (mut words, mut at) = (Vec::new(), 0);
    while let Some(&character) = characters.get(at) {
        if matches!(character, ' ' | '\t' | '\n' | '\r') {
            at += 1;
            continue;
        }
        let (token, next) = word(&characters, at).map_err(|wrong| BadPath { column: at + 1, wrong })?;
        words.push((at + 1, token));
        at = next;
    }
    Ok(words)
}

fn word(characters: &[char], at: usize) -> Result<(Token, usize), Wrong> {
    let next = characters.get(at + 1).copied();
    let one = |token| Ok((token, at + 1));
    let two = |token| Ok((token, at + 2));
    match characters[at] {
        '.' if next == Some('.') => two(Token::DoubleDot),
        '.' => one(Token::Dot),
        '*' => one(Token::Star),
        '[' => one(Token::Open),
        ']' => one(Token::Close),
        '(' => one(Token::OpenParen),
        ')' => one(Token::CloseParen),
        '$' => one(Token::Dollar),
        ':' => one(Token::Colon),
        '|' => one(Token::Pipe),
        '&' => one(Token::Ampersand),
        '?' => one(Token::Question),
        '+' => one(Token::Plus),
        '/' => one(Token::Sort(false)),
        '\\' => one(Token::Sort(true)),
        ',' => {
            // A comma belongs to the direction behind it.
            let ahead = characters[at + 1..].iter().take_while(|c| c.is_whitespace()).count() + at + 1;
            match characters.get(ahead) {
                Some('/') => Ok((Token::Sort(false), ahead + 1)),
                Some('\\') => Ok((Token::Sort(true), ahead + 1)),
                _ => one(Token::Comma),
            }
        }
        '=' if next == Some('=') => two(Token::Comparison(Comparison::Equal)),
        '=' => one(Token::Comparison(Comparison::Equal)),
        '!' if next == Some('=') => two(Token::Comparison(Comparison::NotEqual)),
        '<' if next == Some('=') => two(Token::Comparison(Comparison::LessOrEqual)),
        '<' => one(Token::Comparison(Comparison::Less)),
        '>' if next == Some('=') => two(Token::Comparison(Comparison::GreaterOrEqual)),
        '>' => one(Token::Comparison(Comparison::Greater)),
        '-' if !next.is_some_and(|c| c.is_ascii_digit()) => one(Token::Minus),
        '@' if !next.is_some_and(starts_name) => one(Token::At),
        quote @ ('\'' | '"' | '`') => quoted(characters, at + 1, quote),
        '-' | '0'..='9' => number(characters, at),
        '@' => Ok(name(characters, at)),
        letter if starts_name(letter) => Ok(name(characters, at)),
        other => Err(Wrong::Character(other)),
    }
}

fn starts_name(character: char) -> bool {
    character.is_ascii_alphabetic() || character == '_'
}

/// A bare name. `true` and `false` are told by how a name begins, so that no bare name begins with them.
fn name(characters: &[char], at: usize) -> (Token, usize) {
    for (word, truth) in [("true", true), ("false", false)] {
        if word.chars().eq(characters[at..].iter().copied().take(word.len())) {
            return (Token::Truth(truth), at + word.len());
        }
    }
    let more = |c: &&char| c.is_ascii_alphanumeric() || matches!(c, '_' | '@' | '-');
    let length = 1 + characters[at + 1..].iter().take_while(more).count();
    let name: String = characters[at..at + length].iter().collect();
    (if name == "where" { Token::Where } else { Token::Name(name) }, at + length)
}

/// What stands between two quotes; a backslash stands for the character behind it.
fn quoted(characters: &[char], start: usize, quote: char) -> Result<(Token, usize), Wrong> {
    let (mut text, mut at) = (String::new(), start);
    loop {
        match (characters.get(at), characters.get(at + 1)) {
            (Some('\\'), Some(&escaped)) => {
                text.push(escaped);
                at += 2;
            }
            (Some(&character), _) if character == quote => break,
            (Some(&character), _) => {
                text.push(character);
                at += 1;
            }
            (None, _) => return Err(Wrong::Unclosed(quote)),
        }
    }
    Ok((if quote == '`' { Token::Operator(text) } else { Token::Name(text) }, at + 1))
}

fn number(characters: &[char], at: usize) -> Result<(Token, usize), Wrong> {
    let digits = |from: usize| characters[from..].iter().take_while(|c| c.is_ascii_digit()).count();
    let whole = at + 1 + digits(at + 1);
    let fraction = if characters.get(whole) == Some(&'.') { digits(whole + 1) } else { 0 };
    let end = if fraction > 0 { whole + 1 + fraction } else { whole };
    let text: String = characters[at..end].iter().collect();
    let token = if fraction > 0 {
        text.parse().ok().map(Token::Float)
    } else {
        text.parse().ok().map(Token::Integer)
    };
    token.map(|token| (token, end)).ok_or(Wrong::Number)
}
