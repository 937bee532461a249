//! Words to a tree.
//!
//! Operators bind as in jsonpath-rw-ext, from loose to tight: `+ - *` (all alike, grouped to the right), `..`, `.`,
//! `|`, `&`, `where` (each grouped to the left). A bracket takes all to its left up to the last arithmetic operator.

use super::lex::{Token, words};
use super::operator::operator;
use super::tree::{Arithmetic, Condition, Constant, Expression, Operand};
use super::{BadPath, LENGTH_MAX, Wrong};

/// Expressions inside each other: no frame of the evaluation may run out of stack.
const DEPTH_MAX: usize = 64;

/// Steps, names and operators of one expression; evaluation descends as deep as there are.
const NODES_MAX: usize = 256;

/// Reads an expression.
///
/// # Errors
/// What is wrong, and in which column.
pub fn parse(text: &str) -> Result<Expression, BadPath> {
    if text.len() > LENGTH_MAX {
        return Err(BadPath { column: LENGTH_MAX, wrong: Wrong::TooLong });
    }
    let words = words(text)?;
    let mut parser =
        Parser { words: &words, at: 0, end: text.chars().count() + 1, depth: 0, nodes: words.len() };
    if parser.nodes > NODES_MAX {
        return Err(BadPath { column: words[NODES_MAX].0, wrong: Wrong::TooLong });
    }
    let expression = parser.expression(Level::Arithmetic)?;
    match parser.peek() {
        None => Ok(expression),
        Some(_) => Err(parser.wrong(Wrong::Unexpected)),
    }
}

/// How tight an operator binds.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Level {
    Arithmetic,
    Descendants,
    Child,
    Union,
    Intersection,
    Where,
    /// Tighter than all.
    Single,
}

struct Parser<'a> {
    words: &'a [(usize, Token)],
    at: usize,
    /// The column behind the text.
    end: usize,
    depth: usize,
    nodes: usize,
}

impl Parser<'_> {
    fn peek(&self) -> Option<&Token> {
        self.words.get(self.at).map(|(_, token)| token)
    }

    fn takes(&mut self, token: &Token) -> bool {
        let found = self.peek() == Some(token);
        self.at += usize::from(found);
        found
    }

    fn expect(&mut self, token: &Token) -> Result<(), BadPath> {
        if self.takes(token) { Ok(()) } else { Err(self.wrong(Wrong::Unexpected)) }
    }

    fn wrong(&self, wrong: Wrong) -> BadPath {
        let column = self.words.get(self.at).map_or(self.end, |(column, _)| *column);
        let ended = wrong == Wrong::Unexpected && self.at >= self.words.len();
        BadPath { column, wrong: if ended { Wrong::Ended } else { wrong } }
    }

    fn deeper<T>(&mut self, parse: impl FnOnce(&mut Self) -> Result<T, BadPath>) -> Result<T, BadPath> {
        if self.depth == DEPTH_MAX {
            return Err(self.wrong(Wrong::TooDeep));
        }
        self.depth += 1;
        let parsed = parse(self);
        self.depth -= 1;
        parsed
    }

    /// An expression of operators that bind at least as tight as `least`.
    fn expression(&mut self, least: Level) -> Result<Expression, BadPath> {
        let first = self.deeper(Parser::operand)?;
        self.operators(first, least)
    }

    /// What follows a first operand.
    fn operators(&mut self, first: Operand, least: Level) -> Result<Expression, BadPath> {
        let mut left = match (first, self.peek()) {
            (Operand::Path(path), _) => path,
            // A number is only good to be reckoned with.
            (constant, Some(Token::Plus | Token::Minus | Token::Star)) => self.arithmetic(constant)?,
            _ => return Err(self.wrong(Wrong::Unexpected)),
        };
        loop {
            let (level, tighter) = match self.peek() {
                Some(Token::Plus | Token::Minus | Token::Star) => (Level::Arithmetic, Level::Arithmetic),
                Some(Token::DoubleDot) => (Level::Descendants, Level::Child),
                Some(Token::Dot) => (Level::Child, Level::Union),
                Some(Token::Pipe) => (Level::Union, Level::Intersection),
                Some(Token::Ampersand) => (Level::Intersection, Level::Where),
                Some(Token::Where) => (Level::Where, Level::Single),
                Some(Token::Open) if least == Level::Arithmetic => {
                    let column = self.at;
                    let step = self.deeper(Parser::bracket)?;
                    self.nodes += self.at - column;
                    left = left.then(step);
                    continue;
                }
                _ => return Ok(left),
            };
            if level < least {
                return Ok(left);
            }
            if level == Level::Arithmetic {
                left = self.arithmetic(Operand::of(left))?;
                continue;
            }
            self.at += 1;
            let right = self.expression(tighter)?;
            left = match level {
                Level::Descendants => Expression::Descendants(Box::new(left), Box::new(right)),
                Level::Child => left.then(right),
                Level::Union => Expression::Union(Box::new(left), Box::new(right)),
                Level::Intersection => Expression::Intersection,
                _ => Expression::Where(Box::new(left), Box::new(right)),
            };
        }
    }

    /// An operator at hand and its right side. Two numbers must be of one kind, as in the original's grammar.
    fn arithmetic(&mut self, left: Operand) -> Result<Expression, BadPath> {
        let operator = match self.peek() {
            Some(Token::Plus) => Arithmetic::Add,
            Some(Token::Minus) => Arithmetic::Subtract,
            _ => Arithmetic::Multiply,
        };
        self.at += 1;
        let right = self.deeper(|parser| {
            let first = parser.operand()?;
            let goes_on = matches!(parser.peek(), Some(Token::Plus | Token::Minus | Token::Star));
            match first {
                constant @ Operand::Constant(_) if !goes_on => Ok(constant),
                first => parser.operators(first, Level::Arithmetic).map(Operand::of),
            }
        })?;
        let mixed = |left: &Operand, right: &Operand| {
            matches!(
                (left, right),
                (Operand::Constant(Constant::Integer(_)), Operand::Constant(Constant::Float(_)))
                    | (Operand::Constant(Constant::Float(_)), Operand::Constant(Constant::Integer(_)))
            )
        };
        if mixed(&left, &right) {
            return Err(self.wrong(Wrong::MixedNumbers));
        }
        Ok(Expression::Operation(Box::new(left), operator, Box::new(right)))
    }

    /// A path without operators, or a number.
    fn operand(&mut self) -> Result<Operand, BadPath> {
        let Some((_, token)) = self.words.get(self.at) else { return Err(self.wrong(Wrong::Unexpected)) };
        let path = match token {
            Token::Integer(number) => {
                self.at += 1;
                return Ok(Operand::Constant(Constant::Integer(*number)));
            }
            Token::Float(number) => {
                self.at += 1;
                return Ok(Operand::Constant(Constant::Float(*number)));
            }
            Token::OpenParen => {
                self.at += 1;
                let inner = self.expression(Level::Arithmetic)?;
                self.expect(&Token::CloseParen)?;
                inner
            }
            Token::Open => {
                let sorts = |token: Option<&(usize, Token)>| {
                    matches!(token, Some((_, Token::Question | Token::Sort(_))))
                };
                if sorts(self.words.get(self.at + 1)) {
                    self.at += 1;
                    return Err(self.wrong(Wrong::Unexpected));
                }
                self.bracket()?
            }
            Token::Dollar => self.single(Expression::Root),
            Token::At => self.single(Expression::This),
            Token::Star => self.single(Expression::Every),
            Token::Operator(text) => {
                let found = operator(text).map_err(|wrong| self.wrong(wrong))?;
                self.single(found)
            }
            Token::Name(_) => self.names()?,
            _ => return Err(self.wrong(Wrong::Unexpected)),
        };
        Ok(Operand::Path(path))
    }

    fn single(&mut self, expression: Expression) -> Expression {
        self.at += 1;
        expression
    }

    /// `name`, `name,name`.
    fn names(&mut self) -> Result<Expression, BadPath> {
        let mut names = Vec::new();
        loop {
            let Some(Token::Name(name)) = self.peek() else { return Err(self.wrong(Wrong::Unexpected)) };
            names.push(name.clone());
            self.at += 1;
            if !self.takes(&Token::Comma) {
                break;
            }
        }
        let every = names.iter().any(|name| name == "*");
        Ok(if every { Expression::Every } else { Expression::Fields(names) })
    }

    /// `[…]`: names, an index, a slice, a filter, an order.
    fn bracket(&mut self) -> Result<Expression, BadPath> {
        self.expect(&Token::Open)?;
        let inner = match self.peek() {
            Some(Token::Name(_)) => self.names()?,
            Some(Token::Star) => self.single(Expression::Slice(None, None)),
            Some(Token::Question) => {
                self.at += 1;
                Expression::Filter(self.conditions()?)
            }
            Some(Token::Sort(_)) => {
                let mut keys = Vec::new();
                while let Some(&Token::Sort(descending)) = self.peek() {
                    self.at += 1;
                    keys.push((self.expression(Level::Arithmetic)?, descending));
                }
                Expression::Sort(keys)
            }
            _ => self.index_or_slice()?,
        };
        self.expect(&Token::Close)?;
        Ok(inner)
    }

    fn index_or_slice(&mut self) -> Result<Expression, BadPath> {
        let start = self.integer();
        if self.takes(&Token::Colon) {
            return Ok(Expression::Slice(start, self.integer()));
        }
        start.map(Expression::Index).ok_or_else(|| self.wrong(Wrong::Unexpected))
    }

    fn integer(&mut self) -> Option<i64> {
        let Some(&Token::Integer(number)) = self.peek() else { return None };
        self.at += 1;
        Some(number)
    }

    /// Conditions with `&` between them; parentheses may stand round any of them.
    fn conditions(&mut self) -> Result<Vec<Condition>, BadPath> {
        let mut all = self.deeper(Parser::condition)?;
        while self.takes(&Token::Ampersand) {
            all.extend(self.deeper(Parser::condition)?);
        }
        Ok(all)
    }

    fn condition(&mut self) -> Result<Vec<Condition>, BadPath> {
        let path = if self.takes(&Token::OpenParen) {
            let mut inner = self.conditions()?;
            self.expect(&Token::CloseParen)?;
            match inner.pop() {
                // Parentheses round a mere path are the path's own.
                Some(Condition { path, test: None }) if inner.is_empty() => {
                    self.operators(Operand::Path(path), Level::Arithmetic)?
                }
                last => {
                    inner.extend(last);
                    return Ok(inner);
                }
            }
        } else {
            self.expression(Level::Arithmetic)?
        };
        let Some(&Token::Comparison(comparison)) = self.peek() else {
            return Ok(vec![Condition { path, test: None }]);
        };
        self.at += 1;
        let constant = self.constant()?;
        Ok(vec![Condition { path, test: Some((comparison, constant)) }])
    }

    fn constant(&mut self) -> Result<Constant, BadPath> {
        let constant = match self.peek() {
            Some(Token::Name(text)) => Constant::Text(text.clone()),
            Some(Token::Integer(number)) => Constant::Integer(*number),
            Some(Token::Float(number)) => Constant::Float(*number),
            Some(Token::Truth(truth)) => Constant::Truth(*truth),
            _ => return Err(self.wrong(Wrong::Unexpected)),
        };
        self.at += 1;
        Ok(constant)
    }
}
