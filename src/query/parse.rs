//! The text form: `event_type like "compute.%" and not (traits.vcpus < 4 or project_id in [a, b])`.
//!
//! `not` binds tightest, then `and`, then `or`, as in Gnocchi and SQL.

use super::error::shortened;
use super::keyword::{Keyword, suggestion};
use super::lex::{Lexer, Token, TokenKind};
use super::like::BadPattern;
use super::{BadFilter, Filter, LIST_VALUES_MAX, LikePattern, Literal, NESTING_MAX, Path};

/// Reads the text form.
pub(super) fn parse(text: &str) -> Result<Filter, BadFilter> {
    let mut lexer = Lexer::new(text);
    let token = lexer.next()?;
    if token.kind == TokenKind::End {
        return Err(BadFilter::Empty);
    }
    let mut parser = Parser { lexer, token, open: 0 };
    let Nested { filter, .. } = parser.either()?;
    if parser.token.kind != TokenKind::End {
        let joins = |keyword| matches!(keyword, Keyword::And | Keyword::Or);
        return Err(parser.unexpected("\"and\", \"or\" or the end", joins));
    }
    Ok(filter)
}

struct Parser<'a> {
    lexer: Lexer<'a>,
    /// The token in hand, not yet used.
    token: Token<'a>,
    /// Parentheses and `not`s around it: what bounds the recursion.
    open: usize,
}

/// A filter and how many levels of `and`, `or` and `not` it has: what bounds the tree.
struct Nested {
    filter: Filter,
    levels: usize,
}

impl<'a> Parser<'a> {
    fn either(&mut self) -> Result<Nested, BadFilter> {
        self.joined(Keyword::Or, Parser::both, Filter::Or)
    }

    fn both(&mut self) -> Result<Nested, BadFilter> {
        self.joined(Keyword::And, Parser::negated, Filter::And)
    }

    fn joined(
        &mut self,
        word: Keyword,
        operand: fn(&mut Parser<'a>) -> Result<Nested, BadFilter>,
        join: fn(Vec<Filter>) -> Filter,
    ) -> Result<Nested, BadFilter> {
        let start = self.token.start;
        let first = operand(self)?;
        if self.token.kind != TokenKind::Keyword(word) {
            return Ok(first);
        }
        let (mut filters, mut levels) = (vec![first.filter], first.levels);
        while self.token.kind == TokenKind::Keyword(word) {
            self.advance()?;
            let next = operand(self)?;
            filters.push(next.filter);
            levels = levels.max(next.levels);
        }
        self.one_level_more(join(filters), levels, start)
    }

    fn negated(&mut self) -> Result<Nested, BadFilter> {
        if self.token.kind != TokenKind::Keyword(Keyword::Not) {
            return self.primary();
        }
        let start = self.token.start;
        self.enter()?;
        let inner = self.negated()?;
        self.open -= 1;
        self.one_level_more(Filter::Not(Box::new(inner.filter)), inner.levels, start)
    }

    fn primary(&mut self) -> Result<Nested, BadFilter> {
        match self.token.kind {
            TokenKind::Open => {
                let place = self.lexer.place(self.token.start);
                self.enter()?;
                let inner = self.either()?;
                self.open -= 1;
                if self.token.kind != TokenKind::Close {
                    let expected = format!("\"and\", \"or\" or a \")\" for the \"(\" in {place}");
                    return Err(
                        self.unexpected(&expected, |keyword| matches!(keyword, Keyword::And | Keyword::Or))
                    );
                }
                self.advance()?;
                Ok(inner)
            }
            TokenKind::Everything => {
                self.advance()?;
                Ok(Nested { filter: Filter::Everything, levels: 0 })
            }
            _ => Ok(Nested { filter: self.condition()?, levels: 0 }),
        }
    }

    fn condition(&mut self) -> Result<Filter, BadFilter> {
        let path = match &self.token.kind {
            TokenKind::Word => Path::new(self.token.source),
            TokenKind::Quoted(text) => Path::new(text),
            _ => None,
        };
        let Some(path) = path else {
            return Err(self.unexpected("the name of a field", |keyword| keyword == Keyword::Not));
        };
        let field = self.advance()?;
        let TokenKind::Keyword(keyword) = self.token.kind else {
            return Err(self.expected_operator(&field));
        };
        match keyword {
            Keyword::Compare(comparison) => {
                let operator = self.advance()?;
                Ok(Filter::Compare { path, comparison, value: self.value(&operator)? })
            }
            Keyword::Like => {
                let operator = self.advance()?;
                Ok(Filter::Like { path, pattern: self.pattern(&operator)? })
            }
            Keyword::In => {
                let operator = self.advance()?;
                Ok(Filter::In { path, values: self.list(&operator)? })
            }
            _ => Err(self.expected_operator(&field)),
        }
    }

    fn value(&mut self, after: &Token<'_>) -> Result<Literal, BadFilter> {
        let value = match &mut self.token.kind {
            TokenKind::Keyword(Keyword::Null) => Literal::Null,
            TokenKind::Keyword(Keyword::True) => Literal::Bool(true),
            TokenKind::Keyword(Keyword::False) => Literal::Bool(false),
            TokenKind::Number(number) => Literal::Number(*number),
            TokenKind::Word => Literal::text(self.token.source),
            TokenKind::Quoted(text) => Literal::text(std::mem::take(text)),
            TokenKind::ListOpen => {
                let expected = format!("one value after {} (a list goes with \"in\")", quoted(after));
                return Err(self.unexpected(&expected, |_| false));
            }
            _ => {
                let expected = format!("a value after {}", quoted(after));
                return Err(self.unexpected(&expected, |keyword| {
                    matches!(keyword, Keyword::Null | Keyword::True | Keyword::False)
                }));
            }
        };
        self.advance()?;
        Ok(value)
    }

    fn pattern(&mut self, after: &Token<'_>) -> Result<LikePattern, BadFilter> {
        let pattern = match &self.token.kind {
            TokenKind::Word => LikePattern::new(self.token.source),
            TokenKind::Quoted(text) => LikePattern::new(text),
            _ => {
                let expected = format!("a pattern in quotes after {}", quoted(after));
                return Err(self.unexpected(&expected, |_| false));
            }
        };
        match pattern {
            Ok(pattern) => {
                self.advance()?;
                Ok(pattern)
            }
            Err(BadPattern::TooLong) => {
                Err(BadFilter::PatternTooLong { place: self.lexer.place(self.token.start) })
            }
            Err(BadPattern::LoneBackslash) => {
                Err(self.unexpected("a pattern that does not end in a lone backslash", |_| false))
            }
        }
    }

    fn list(&mut self, after: &Token<'_>) -> Result<Vec<Literal>, BadFilter> {
        let start = self.token.start;
        if self.token.kind != TokenKind::ListOpen {
            let expected = format!("a list in brackets after {}", quoted(after));
            return Err(self.unexpected(&expected, |_| false));
        }
        let mut values = Vec::new();
        loop {
            // The bracket or the comma.
            let before = self.advance()?;
            if values.len() == LIST_VALUES_MAX {
                return Err(BadFilter::ListTooLong { place: self.lexer.place(start) });
            }
            values.push(self.value(&before)?);
            match self.token.kind {
                TokenKind::Comma => {}
                TokenKind::ListClose => break,
                _ => return Err(self.unexpected("\",\" or \"]\" in the list", |_| false)),
            }
        }
        self.advance()?;
        Ok(values)
    }

    /// Gives the token in hand and takes the next one.
    fn advance(&mut self) -> Result<Token<'a>, BadFilter> {
        let next = self.lexer.next()?;
        Ok(std::mem::replace(&mut self.token, next))
    }

    /// Steps over the `(` or `not` in hand.
    fn enter(&mut self) -> Result<(), BadFilter> {
        if self.open == NESTING_MAX {
            return Err(BadFilter::TooDeep { place: self.lexer.place(self.token.start) });
        }
        self.open += 1;
        self.advance()?;
        Ok(())
    }

    fn one_level_more(&self, filter: Filter, levels: usize, start: usize) -> Result<Nested, BadFilter> {
        if levels == NESTING_MAX {
            return Err(BadFilter::TooDeep { place: self.lexer.place(start) });
        }
        Ok(Nested { filter, levels: levels + 1 })
    }

    fn expected_operator(&self, field: &Token<'_>) -> BadFilter {
        let compares = |keyword| matches!(keyword, Keyword::Compare(_) | Keyword::Like | Keyword::In);
        self.unexpected(&format!("an operator after {}", quoted(field)), compares)
    }

    /// What is wrong with the token in hand; `fits` are the keywords that may stand there.
    fn unexpected(&self, expected: &str, fits: fn(Keyword) -> bool) -> BadFilter {
        let token = &self.token;
        let (found, suggestion) = match token.kind {
            TokenKind::End => (None, None),
            TokenKind::Word | TokenKind::Stray => (Some(quoted(token)), suggestion(token.source, fits)),
            TokenKind::Keyword(_) if token.source.starts_with(char::is_alphabetic) => {
                let found = format!("{0} (as a name or text it is written in quotes)", quoted(token));
                (Some(found), None)
            }
            _ => (Some(quoted(token)), None),
        };
        let place = self.lexer.place(token.start);
        BadFilter::Unexpected { place, expected: expected.to_owned(), found, suggestion }
    }
}

/// The token as an error message shows it.
fn quoted(token: &Token<'_>) -> String {
    match token.kind {
        TokenKind::Quoted(_) => shortened(token.source),
        _ => format!("\"{}\"", shortened(token.source)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str) -> String {
        Filter::parse(text).unwrap_err().to_string()
    }

    #[test]
    fn errors_say_where_and_what_was_expected() {
        for (text, message) in [
            ("", "the filter is empty; {} stands for every record"),
            (" \n", "the filter is empty; {} stands for every record"),
            ("volume >= ", r#"column 11: expected a value after ">=""#),
            ("volume >= )", r#"column 11: expected a value after ">=", found ")""#),
            ("volume", r#"column 7: expected an operator after "volume""#),
            (
                "event_type lik 'x'",
                r#"column 12: expected an operator after "event_type", found "lik"; did you mean "like"?"#,
            ),
            ("a => 1", r#"column 3: expected an operator after "a", found "=>"; did you mean ">="?"#),
            ("a is null", r#"column 3: expected an operator after "a", found "is"; did you mean "="?"#),
            ("a % 1", r#"column 3: expected an operator after "a", found "%""#),
            (
                "é = 1 adn b = 2",
                r#"column 7: expected "and", "or" or the end, found "adn"; did you mean "and"?"#,
            ),
            (
                "a = 1 && b = 2",
                r#"column 7: expected "and", "or" or the end, found "&&"; did you mean "and"?"#,
            ),
            ("(a = 1", r#"column 7: expected "and", "or" or a ")" for the "(" in column 1"#),
            ("a = 1)", r#"column 6: expected "and", "or" or the end, found ")""#),
            ("a = nul l", r#"column 9: expected "and", "or" or the end, found "l""#),
            ("a = $", r#"column 5: expected a value after "=", found "$""#),
            (
                "a = and",
                r#"column 5: expected a value after "=", found "and" (as a name or text it is written in quotes)"#,
            ),
            (
                "in = 1",
                r#"column 1: expected the name of a field, found "in" (as a name or text it is written in quotes)"#,
            ),
            ("5 = a", r#"column 1: expected the name of a field, found "5""#),
            ("'' = a", "column 1: expected the name of a field, found ''"),
            ("!a = 1", r#"column 1: expected the name of a field, found "!"; did you mean "not"?"#),
            ("a = [1]", r#"column 5: expected one value after "=" (a list goes with "in"), found "[""#),
            ("a in 1", r#"column 6: expected a list in brackets after "in", found "1""#),
            ("a in []", r#"column 7: expected a value after "[", found "]""#),
            ("a in [1,]", r#"column 9: expected a value after ",", found "]""#),
            ("a in [1 2]", r#"column 9: expected "," or "]" in the list, found "2""#),
            ("a in [1", r#"column 8: expected "," or "]" in the list"#),
            ("a like 5", r#"column 8: expected a pattern in quotes after "like", found "5""#),
            (
                r"a like '5\'",
                r"column 8: expected a pattern that does not end in a lone backslash, found '5\'",
            ),
            ("a = 1e400", "column 5: the number 1e400 is out of range"),
        ] {
            assert_eq!(error(text), message, "{text}");
        }
    }

    #[test]
    fn and_binds_tighter_than_or_and_not_tightest() {
        let same = |left: &str, right: &str| assert_eq!(Filter::parse(left), Filter::parse(right), "{left}");
        same("a=1 or b=2 and c=3", "a=1 or (b=2 and c=3)");
        same("a=1 and b=2 or c=3", "(a=1 and b=2) or c=3");
        same("not a=1 and b=2", "(not a=1) and b=2");
        same("not not a=1", "not (not (a=1))");
        assert_ne!(Filter::parse("not a=1 and b=2"), Filter::parse("not (a=1 and b=2)"));
        assert_ne!(Filter::parse("a=1 and (b=2 and c=3)"), Filter::parse("a=1 and b=2 and c=3"));
    }

    #[test]
    fn nesting_ends_at_the_limit_not_with_the_stack() {
        let parentheses = |depth| format!("{}a = 1{}", "(".repeat(depth), ")".repeat(depth));
        assert!(Filter::parse(&parentheses(NESTING_MAX)).is_ok());
        assert_eq!(error(&parentheses(NESTING_MAX + 1)), "column 61: nested deeper than 60 levels");
        assert_eq!(error(&"(".repeat(60_000)), "column 61: nested deeper than 60 levels");
        assert_eq!(error(&"not ".repeat(15_000)), "column 241: nested deeper than 60 levels");
        // One pair of parentheses, two levels of the tree.
        let mixed = |pairs| format!("{}c = 1{}", "a = 1 or b = 1 and (".repeat(pairs), ")".repeat(pairs));
        assert!(Filter::parse(&mixed(NESTING_MAX / 2)).is_ok());
        assert_eq!(error(&mixed(NESTING_MAX / 2 + 1)), "column 10: nested deeper than 60 levels");
    }

    #[test]
    fn lists_end_at_the_limit() {
        let list = |count| format!("a in [{}1]", "1,".repeat(count - 1));
        assert!(Filter::parse(&list(LIST_VALUES_MAX)).is_ok());
        assert_eq!(error(&list(LIST_VALUES_MAX + 1)), "column 6: a list of more than 10000 values");
    }

    #[test]
    fn patterns_end_at_the_limit() {
        let long = "a".repeat(super::super::PATTERN_CHARACTERS_MAX + 1);
        assert_eq!(error(&format!("a like '{long}'")), "column 8: a pattern of more than 1024 characters");
    }
}
