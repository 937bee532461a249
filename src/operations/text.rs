//! S-expressions: text to terms.

use super::BadOperations;
use super::parse::DEPTH_MAX;
use super::term::Term;

/// The first expression of a text.
///
/// Words are parted by white space and parentheses; a word in `"` or `'` may have any of these in it, and a backslash
/// takes the next character as it is. Closing parentheses after the expression are passed over: Gnocchi reads one
/// expression and forgets the rest, and queries with one parenthesis too many are in use.
pub(super) fn read(text: &str) -> Result<Term, BadOperations> {
    let mut reader = Reader { text, at: 0 };
    reader.skip_space();
    if !reader.rest().starts_with('(') {
        return Err(reader.fault("an expression begins with a parenthesis"));
    }
    let term = reader.list(1)?;
    reader.skip_space();
    while reader.rest().starts_with(')') {
        reader.at += 1;
        reader.skip_space();
    }
    if reader.rest().is_empty() { Ok(term) } else { Err(reader.fault("one expression is enough")) }
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl Reader<'_> {
    fn rest(&self) -> &str {
        &self.text[self.at..]
    }

    fn skip_space(&mut self) {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start().len();
    }

    /// From an opening parenthesis to its closing one.
    fn list(&mut self, depth: usize) -> Result<Term, BadOperations> {
        if depth > DEPTH_MAX {
            return Err(BadOperations::TooDeep);
        }
        let start = self.at;
        self.at += 1;
        let mut terms = Vec::new();
        loop {
            self.skip_space();
            match self.rest().chars().next() {
                None => {
                    self.at = start;
                    return Err(self.fault("the parenthesis is never closed"));
                }
                Some(')') => {
                    self.at += 1;
                    return Ok(Term::List(terms));
                }
                Some('(') => terms.push(self.list(depth + 1)?),
                Some(quote @ ('"' | '\'')) => terms.push(self.quoted(quote)?),
                Some(_) => {
                    let rest = self.rest();
                    let length = rest
                        .find(|c: char| c.is_whitespace() || matches!(c, '(' | ')' | '"' | '\''))
                        .unwrap_or(rest.len());
                    terms.push(Term::Word(rest[..length].to_owned()));
                    self.at += length;
                }
            }
        }
    }

    fn quoted(&mut self, quote: char) -> Result<Term, BadOperations> {
        let mut word = String::new();
        let mut chars = self.rest().char_indices().skip(1);
        while let Some((at, c)) = chars.next() {
            match c {
                '\\' => word.extend(chars.next().map(|(_, c)| c)),
                c if c == quote => {
                    self.at += at + 1;
                    return Ok(Term::Word(word));
                }
                c => word.push(c),
            }
        }
        Err(self.fault("the quotation is never closed"))
    }

    fn fault(&self, expected: &'static str) -> BadOperations {
        let character = self.text[..self.at].chars().count() + 1;
        let near = self.rest().chars().take(20).collect();
        BadOperations::Text { character, near, expected }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        read(text).map_or_else(|fault| fault.to_string(), |term| term.to_string())
    }

    #[test]
    fn words_are_parted_by_space_and_parentheses() {
        assert_eq!(shown(" (a(b c)\n1.5\t\"d e\" 'f\\'(')"), "(a (b c) 1.5 d e f'()");
        assert_eq!(shown("()"), "()");
        assert_eq!(shown("(a b)) )"), "(a b)");
    }

    #[test]
    fn a_fault_in_the_text_is_told_with_its_place() {
        let start = "the operations cannot be read at character ";
        assert_eq!(
            shown("metric a"),
            format!("{start}1, \"metric a\": an expression begins with a parenthesis")
        );
        assert_eq!(shown("(≤ (a b)"), format!("{start}1, \"(≤ (a b)\": the parenthesis is never closed"));
        assert_eq!(shown("(≤ (a b"), format!("{start}4, \"(a b\": the parenthesis is never closed"));
        assert_eq!(shown("(≤ \"a b)"), format!("{start}4, \"\"a b)\": the quotation is never closed"));
        assert_eq!(shown("(a) (b)"), format!("{start}5, \"(b)\": one expression is enough"));
        let deep = "(".repeat(100_000);
        assert_eq!(read(&deep), Err(BadOperations::TooDeep));
    }
}
