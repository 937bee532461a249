//! What text and JSON have in common: words, numbers and lists of them.

use std::fmt;

/// A word, a number or a list, not yet understood.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Term {
    /// A word, of a text perhaps one that is a number.
    Word(String),
    /// A number of JSON.
    Number(f64),
    /// A list.
    List(Vec<Term>),
    /// What JSON has besides: true, null, an object; its text.
    Other(String),
}

impl Term {
    /// The number that it is or that its word writes.
    pub(super) fn number(&self) -> Option<f64> {
        match self {
            Term::Number(number) => Some(*number),
            Term::Word(word) => word.trim().parse().ok(),
            Term::List(_) | Term::Other(_) => None,
        }
    }

    /// The word that it is.
    pub(super) fn word(&self) -> Option<&str> {
        if let Term::Word(word) = self { Some(word) } else { None }
    }
}

/// As much of an expression as an error message quotes.
const QUOTED_CHARS_MAX: usize = 80;

/// As it would be written in a text, shortened.
impl fmt::Display for Term {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = String::new();
        self.write_some(&mut text);
        match text.char_indices().nth(QUOTED_CHARS_MAX) {
            Some((end, _)) => write!(f, "{}…", &text[..end]),
            None => f.write_str(&text),
        }
    }
}

impl Term {
    /// Stops when more is there than will be shown: a list may be long.
    fn write_some(&self, text: &mut String) {
        match self {
            Term::Word(word) | Term::Other(word) => text.push_str(word),
            Term::Number(number) => text.push_str(&number.to_string()),
            Term::List(terms) => {
                text.push('(');
                for (index, term) in terms.iter().enumerate() {
                    if text.len() > QUOTED_CHARS_MAX * 4 {
                        return;
                    }
                    if index > 0 {
                        text.push(' ');
                    }
                    term.write_some(text);
                }
                text.push(')');
            }
        }
    }
}
