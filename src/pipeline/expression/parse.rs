//! Tokens as a tree, with Python's precedences.

use super::lex::{Token, tokens};
use super::{BadExpression, DEPTH_MAX, Expression, PARTS_MAX, TEXT_MAX};
use crate::pipeline::number::Number;

/// A part of an expression, and what it is made of.
#[derive(Clone, Debug, PartialEq)]
pub enum Part {
    None,
    Truth(bool),
    Number(Number),
    Text(String),
    /// A key of the sample.
    Name(String),
    /// The sample of a meter, by its place in the list of meters.
    Meter(usize),
    Key(Box<Part>, String),
    Index(Box<Part>, Box<Part>),
    Call(Function, Vec<Part>),
    List(Vec<Part>),
    Negated(Box<Part>),
    /// A `+` in front: nothing, of a number.
    Unchanged(Box<Part>),
    Not(Box<Part>),
    And(Box<Part>, Box<Part>),
    Or(Box<Part>, Box<Part>),
    Binary(Operator, Box<Part>, Box<Part>),
    /// `a < b <= c`: each with the next.
    Compared(Box<Part>, Vec<(Comparison, Part)>),
    If {
        condition: Box<Part>,
        then: Box<Part>,
        otherwise: Box<Part>,
    },
}

/// What two numbers are put together with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    Plus,
    Minus,
    Times,
    Divided,
    FloorDivided,
    Modulo,
    Power,
}

/// What two values are compared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Equal,
    NotEqual,
}

/// What can be called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Function {
    Min,
    Max,
    Abs,
    Round,
    Int,
    Float,
    Len,
    Sum,
    Pow,
}

/// Name, function, and the least and most arguments.
const FUNCTIONS: [(&str, Function, usize, usize); 9] = [
    ("min", Function::Min, 1, PARTS_MAX),
    ("max", Function::Max, 1, PARTS_MAX),
    ("abs", Function::Abs, 1, 1),
    ("round", Function::Round, 1, 2),
    ("int", Function::Int, 1, 1),
    ("float", Function::Float, 1, 1),
    ("len", Function::Len, 1, 1),
    ("sum", Function::Sum, 1, 2),
    ("pow", Function::Pow, 2, 2),
];

/// Python's words that are no names: those that mean something here, and those that cannot.
const WORDS: [&str; 32] = [
    "and", "or", "not", "if", "else", "as", "assert", "async", "await", "break", "class", "continue", "def",
    "del", "elif", "except", "finally", "for", "from", "global", "import", "in", "is", "lambda", "nonlocal",
    "pass", "raise", "return", "try", "while", "with", "yield",
];

/// Reads an expression; with `meters` one that names meters as `$(name)`.
///
/// # Errors
/// [`BadExpression`]
pub fn parse(text: &str, meters: bool) -> Result<Expression, BadExpression> {
    let bad = |(what, at): (String, usize)| BadExpression {
        what,
        at,
        text: text.chars().take(80).collect::<String>().trim().to_owned(),
    };
    if text.len() > TEXT_MAX {
        return Err(bad((format!("longer than {TEXT_MAX} bytes"), TEXT_MAX)));
    }
    let tokens = tokens(text, meters).map_err(bad)?;
    let mut parser = Parser { tokens, at: 0, depth: 0, parts: 0, meters: Vec::new() };
    let root = parser.whole().map_err(bad)?;
    Ok(Expression { text: text.to_owned(), root, meters: parser.meters })
}

/// What is wrong, and the place.
type Wrong = (String, usize);

struct Parser {
    tokens: Vec<(Token, usize)>,
    at: usize,
    /// How many parts are open around the one that is being read.
    depth: usize,
    parts: usize,
    meters: Vec<String>,
}

impl Parser {
    fn whole(&mut self) -> Result<Part, Wrong> {
        let root = self.conditional()?;
        match self.peek() {
            Token::End => Ok(root),
            _ => Err(self.unexpected()),
        }
    }

    /// `a if c else b`
    fn conditional(&mut self) -> Result<Part, Wrong> {
        self.inside(|parser| {
            let then = parser.or()?;
            if !parser.takes_word("if") {
                return Ok(then);
            }
            let condition = Box::new(parser.or()?);
            if !parser.takes_word("else") {
                return Err(parser.missing("else"));
            }
            let otherwise = Box::new(parser.conditional()?);
            parser.part(Part::If { condition, then: Box::new(then), otherwise })
        })
    }

    fn or(&mut self) -> Result<Part, Wrong> {
        let mut left = self.and()?;
        while self.takes_word("or") {
            let right = self.and()?;
            left = self.part(Part::Or(Box::new(left), Box::new(right)))?;
        }
        Ok(left)
    }

    fn and(&mut self) -> Result<Part, Wrong> {
        let mut left = self.not()?;
        while self.takes_word("and") {
            let right = self.not()?;
            left = self.part(Part::And(Box::new(left), Box::new(right)))?;
        }
        Ok(left)
    }

    fn not(&mut self) -> Result<Part, Wrong> {
        if !self.takes_word("not") {
            return self.comparison();
        }
        self.inside(|parser| {
            let inner = parser.not()?;
            parser.part(Part::Not(Box::new(inner)))
        })
    }

    fn comparison(&mut self) -> Result<Part, Wrong> {
        let first = self.sum()?;
        let mut others = Vec::new();
        loop {
            let comparison = match self.peek() {
                Token::Sign("<") => Comparison::Less,
                Token::Sign("<=") => Comparison::LessOrEqual,
                Token::Sign(">") => Comparison::Greater,
                Token::Sign(">=") => Comparison::GreaterOrEqual,
                Token::Sign("==") => Comparison::Equal,
                Token::Sign("!=") => Comparison::NotEqual,
                _ => break,
            };
            self.at += 1;
            let other = self.sum()?;
            self.count()?;
            others.push((comparison, other));
        }
        if others.is_empty() { Ok(first) } else { self.part(Part::Compared(Box::new(first), others)) }
    }

    fn sum(&mut self) -> Result<Part, Wrong> {
        let mut left = self.product()?;
        loop {
            let operator = match self.peek() {
                Token::Sign("+") => Operator::Plus,
                Token::Sign("-") => Operator::Minus,
                _ => return Ok(left),
            };
            self.at += 1;
            let right = self.product()?;
            left = self.part(Part::Binary(operator, Box::new(left), Box::new(right)))?;
        }
    }

    fn product(&mut self) -> Result<Part, Wrong> {
        let mut left = self.factor()?;
        loop {
            let operator = match self.peek() {
                Token::Sign("*") => Operator::Times,
                Token::Sign("/") => Operator::Divided,
                Token::Sign("//") => Operator::FloorDivided,
                Token::Sign("%") => Operator::Modulo,
                _ => return Ok(left),
            };
            self.at += 1;
            let right = self.factor()?;
            left = self.part(Part::Binary(operator, Box::new(left), Box::new(right)))?;
        }
    }

    /// A sign in front binds less than `**` behind: `-2 ** 2` is -4.
    fn factor(&mut self) -> Result<Part, Wrong> {
        let wrap = match self.peek() {
            Token::Sign("-") => Part::Negated,
            Token::Sign("+") => Part::Unchanged,
            _ => return self.power(),
        };
        self.at += 1;
        self.inside(|parser| {
            let inner = parser.factor()?;
            parser.part(wrap(Box::new(inner)))
        })
    }

    fn power(&mut self) -> Result<Part, Wrong> {
        let base = self.primary()?;
        if !self.takes("**") {
            return Ok(base);
        }
        self.inside(|parser| {
            let exponent = parser.factor()?;
            parser.part(Part::Binary(Operator::Power, Box::new(base), Box::new(exponent)))
        })
    }

    fn primary(&mut self) -> Result<Part, Wrong> {
        let mut part = self.atom()?;
        loop {
            if self.takes(".") {
                let Token::Name(key) = self.peek().clone() else { return Err(self.unexpected()) };
                self.at += 1;
                part = self.part(Part::Key(Box::new(part), key))?;
            } else if self.takes("[") {
                let index = self.conditional()?;
                self.close("]")?;
                part = self.part(Part::Index(Box::new(part), Box::new(index)))?;
            } else {
                return Ok(part);
            }
        }
    }

    fn atom(&mut self) -> Result<Part, Wrong> {
        let (token, place) = self.tokens[self.at].clone();
        let unexpected = self.unexpected();
        self.at += 1;
        let part = match token {
            Token::Number(number) => Part::Number(number),
            Token::Text(text) => Part::Text(text),
            Token::Name(word) => match word.as_str() {
                "None" => Part::None,
                "True" => Part::Truth(true),
                "False" => Part::Truth(false),
                word if WORDS.contains(&word) => return Err(unexpected),
                _ if self.takes("(") => self.call(&word, place)?,
                _ => Part::Name(word),
            },
            Token::Meter { name, looked_into } => {
                let known = self.meters.iter().position(|known| *known == name);
                let number = known.unwrap_or(self.meters.len());
                if known.is_none() {
                    self.meters.push(name);
                }
                let meter = Part::Meter(number);
                if looked_into { meter } else { Part::Key(Box::new(meter), "volume".to_owned()) }
            }
            Token::Sign("(") => {
                let inner = self.conditional()?;
                self.close(")")?;
                inner
            }
            Token::Sign("[") => Part::List(self.items("]")?),
            _ => return Err(unexpected),
        };
        self.part(part)
    }

    fn call(&mut self, name: &str, place: usize) -> Result<Part, Wrong> {
        let Some((_, function, least, most)) = FUNCTIONS.iter().find(|(known, ..)| *known == name) else {
            let known = FUNCTIONS.map(|(known, ..)| known).join(", ");
            return Err((format!("unknown function {name} (known: {known})"), place));
        };
        let arguments = self.items(")")?;
        if !(*least..=*most).contains(&arguments.len()) {
            let number = if least == most { least.to_string() } else { format!("{least} or more") };
            return Err((format!("{name} takes {number}"), place));
        }
        Ok(Part::Call(*function, arguments))
    }

    /// Parts with commas between them, up to `end`.
    fn items(&mut self, end: &'static str) -> Result<Vec<Part>, Wrong> {
        let mut items = Vec::new();
        while !self.takes(end) {
            items.push(self.conditional()?);
            if !self.takes(",") {
                self.close(end)?;
                break;
            }
        }
        Ok(items)
    }

    fn part(&mut self, part: Part) -> Result<Part, Wrong> {
        self.count()?;
        Ok(part)
    }

    fn count(&mut self) -> Result<(), Wrong> {
        self.parts += 1;
        if self.parts > PARTS_MAX {
            return Err((format!("more than {PARTS_MAX} parts"), self.place()));
        }
        Ok(())
    }

    fn inside<T>(&mut self, read: impl FnOnce(&mut Parser) -> Result<T, Wrong>) -> Result<T, Wrong> {
        if self.depth == DEPTH_MAX {
            return Err((format!("nested over {DEPTH_MAX} deep"), self.place()));
        }
        self.depth += 1;
        let result = read(self);
        self.depth -= 1;
        result
    }

    fn peek(&self) -> &Token {
        &self.tokens[self.at].0
    }

    fn place(&self) -> usize {
        self.tokens[self.at].1
    }

    fn takes(&mut self, sign: &'static str) -> bool {
        let found = *self.peek() == Token::Sign(sign);
        self.at += usize::from(found);
        found
    }

    fn takes_word(&mut self, word: &str) -> bool {
        let found = matches!(self.peek(), Token::Name(name) if name == word);
        self.at += usize::from(found);
        found
    }

    fn close(&mut self, sign: &'static str) -> Result<(), Wrong> {
        match self.peek() {
            Token::Sign(found) if *found == sign => {
                self.at += 1;
                Ok(())
            }
            Token::End => Err(self.missing(sign)),
            _ => Err(self.unexpected()),
        }
    }

    fn missing(&self, what: &str) -> Wrong {
        (format!("a {what} is missing"), self.place())
    }

    fn unexpected(&self) -> Wrong {
        let shown = match self.peek() {
            Token::End => return ("something is missing".to_owned(), self.place()),
            Token::Number(number) => match number {
                Number::Int(number) => number.to_string(),
                Number::Float(number) => number.to_string(),
            },
            Token::Text(_) => "text".to_owned(),
            Token::Name(name) => name.clone(),
            Token::Meter { name, .. } => format!("$({name})"),
            Token::Sign(sign) => (*sign).to_owned(),
        };
        (format!("unexpected {shown}"), self.place())
    }
}
