//! The tree that both forms of the language are read into, and how it is written.

use std::collections::HashSet;
use std::fmt;
use std::num::NonZeroUsize;

use crate::model::Granularity;
use crate::series::{Across, Method};

use super::{Binary, Unary};

/// An expression.
#[derive(Clone, Debug, PartialEq)]
pub enum Node {
    /// A number, the same at all times.
    Number(f64),
    /// Series as they are stored; at least one reference.
    Metric(Vec<Reference>),
    /// All series at one time become one.
    Aggregate {
        /// What is computed of them.
        how: Across,
        /// The series.
        of: Box<Node>,
    },
    /// Each series is aggregated to longer spans.
    Resample {
        /// What is computed of the values of a span.
        how: Method,
        /// The length of the new spans.
        step: Granularity,
        /// The series.
        of: Box<Node>,
    },
    /// Each series is aggregated over a moving window.
    Rolling {
        /// What is computed of the values of a window.
        how: Across,
        /// How many values a window has.
        window: NonZeroUsize,
        /// The series.
        of: Box<Node>,
    },
    /// An operator on one expression.
    Unary(Unary, Box<Node>),
    /// An operator on two expressions.
    Binary(Binary, Box<Node>, Box<Node>),
    /// The first one, but no less than the second and, if there is one, no more than the third.
    Clip(Box<Node>, Box<Node>, Option<Box<Node>>),
}

/// Which stored series: a metric's uuid, or a pattern for names with a search, and an aggregation method.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Reference {
    /// The uuid or the pattern, as it was written.
    pub metric: String,
    /// The method, as it was written; whether there is such a one is for the store to say.
    pub aggregation: String,
}

impl Node {
    /// All references, each once, in the order in which they are written.
    pub fn references(&self) -> Vec<Reference> {
        let mut seen = HashSet::new();
        let mut found = Vec::new();
        self.visit(&mut |node| {
            if let Node::Metric(references) = node {
                found
                    .extend(references.iter().filter(|reference| seen.insert((*reference).clone())).cloned());
            }
        });
        found
    }

    /// Whether it gives series; if not, a number.
    pub(super) fn is_series(&self) -> bool {
        match self {
            Node::Number(_) => false,
            Node::Metric(_) | Node::Aggregate { .. } | Node::Resample { .. } | Node::Rolling { .. } => true,
            Node::Unary(_, of) => of.is_series(),
            Node::Binary(_, left, right) => left.is_series() || right.is_series(),
            Node::Clip(of, low, high) => {
                of.is_series() || low.is_series() || high.as_ref().is_some_and(|high| high.is_series())
            }
        }
    }

    /// Calls `see` with each node, a parent before its children, in the order in which they are written.
    pub(super) fn visit<'a>(&'a self, see: &mut impl FnMut(&'a Node)) {
        see(self);
        match self {
            Node::Number(_) | Node::Metric(_) => {}
            Node::Aggregate { of, .. }
            | Node::Resample { of, .. }
            | Node::Rolling { of, .. }
            | Node::Unary(_, of) => of.visit(see),
            Node::Binary(_, left, right) => {
                left.visit(see);
                right.visit(see);
            }
            Node::Clip(of, low, high) => {
                of.visit(see);
                low.visit(see);
                if let Some(high) = high {
                    high.visit(see);
                }
            }
        }
    }
}

/// As an s-expression that reads back as the same tree.
impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Node::Number(number) => write!(f, "{number}"),
            Node::Metric(references) => match references.as_slice() {
                [one] => write!(f, "(metric {one})"),
                many => {
                    f.write_str("(metric")?;
                    many.iter().try_for_each(|one| write!(f, " ({one})"))?;
                    f.write_str(")")
                }
            },
            Node::Aggregate { how, of } => write!(f, "(aggregate {how} {of})"),
            Node::Resample { how, step, of } => write!(f, "(resample {how} {step} {of})"),
            Node::Rolling { how, window, of } => write!(f, "(rolling {how} {window} {of})"),
            Node::Unary(operator, of) => write!(f, "({operator} {of})"),
            Node::Binary(operator, left, right) => write!(f, "({operator} {left} {right})"),
            Node::Clip(of, low, None) => write!(f, "(clip {of} {low})"),
            Node::Clip(of, low, Some(high)) => write!(f, "(clip {of} {low} {high})"),
        }
    }
}

/// `METRIC AGGREGATION`, each in quotes where it would not be read as one word.
impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_word(f, &self.metric)?;
        f.write_str(" ")?;
        write_word(f, &self.aggregation)
    }
}

fn write_word(f: &mut fmt::Formatter<'_>, word: &str) -> fmt::Result {
    let plain = |c: char| !c.is_whitespace() && !matches!(c, '(' | ')' | '"' | '\'');
    if !word.is_empty() && word.chars().all(plain) {
        return f.write_str(word);
    }
    f.write_str("\"")?;
    for c in word.chars() {
        if matches!(c, '"' | '\\') {
            f.write_str("\\")?;
        }
        write!(f, "{c}")?;
    }
    f.write_str("\"")
}
