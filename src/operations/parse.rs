//! Terms to a tree: which word means what, and what it must be followed by.

use std::num::NonZeroUsize;

use serde_json::Value;
use thiserror::Error;

use super::operator::words;
use super::term::Term;
use super::text;
use super::{Binary, Node, Reference, Unary};
use crate::base::nearest::did_you_mean;
use crate::model::{Granularity, NS_PER_SECOND};
use crate::series::{Across, AcrossStatistic, Form, Method};

/// Expressions within expressions; real ones have fewer than ten levels, and each takes some of the stack.
pub(super) const DEPTH_MAX: usize = 64;
/// A text: room for 20,000 references by uuid, as much as fits into a request.
const TEXT_BYTES_MAX: usize = 1 << 20;
/// Operators of one tree: each may copy all its series once.
const OPERATORS_MAX: usize = 1_000;
/// References of one tree: more metrics than one answer can take.
const REFERENCES_MAX: usize = 100_000;

/// Operations that mean nothing.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum BadOperations {
    /// The text is no s-expression.
    #[error("the operations cannot be read at character {character}, \"{near}\": {expected}")]
    Text {
        /// Counted from one.
        character: usize,
        /// What stands there.
        near: String,
        /// What was expected.
        expected: &'static str,
    },
    /// An expression has no meaning.
    #[error("in \"{expression}\": {reason}")]
    Meaning {
        /// The innermost expression that is wrong, shortened.
        expression: String,
        /// What was expected of it.
        reason: String,
    },
    /// There is nothing to be computed of.
    #[error("At least one 'metric' is required")]
    NoMetric,
    /// Expressions within expressions without end.
    #[error("the operations are nested more than {DEPTH_MAX} deep")]
    TooDeep,
    /// More than anyone means.
    #[error(
        "the operations are too long: {TEXT_BYTES_MAX} bytes, {OPERATORS_MAX} operators and {REFERENCES_MAX} references \
         are the limit"
    )]
    TooLong,
}

/// Reads operations written as an s-expression: `(aggregate mean (metric cpu.* mean))`.
///
/// # Errors
/// [`BadOperations`] says what is wrong and where.
pub fn parse_text(text: &str) -> Result<Node, BadOperations> {
    if text.len() > TEXT_BYTES_MAX {
        return Err(BadOperations::TooLong);
    }
    tree(&text::read(text)?)
}

/// Reads operations as a request has them: lists, `["aggregate", "mean", ["metric", "cpu.*", "mean"]]`, or a text.
///
/// # Errors
/// [`BadOperations`] says what is wrong and where.
pub fn parse_json(value: &Value) -> Result<Node, BadOperations> {
    match value {
        Value::String(text) => parse_text(text),
        _ => tree(&term(value, 0)?),
    }
}

fn term(value: &Value, depth: usize) -> Result<Term, BadOperations> {
    Ok(match value {
        _ if depth > DEPTH_MAX => return Err(BadOperations::TooDeep),
        Value::String(word) => Term::Word(word.clone()),
        Value::Number(number) => Term::Number(number.as_f64().unwrap_or(f64::NAN)),
        Value::Array(values) => {
            Term::List(values.iter().map(|value| term(value, depth + 1)).collect::<Result<_, _>>()?)
        }
        Value::Null | Value::Bool(_) | Value::Object(_) => Term::Other(value.to_string()),
    })
}

fn tree(term: &Term) -> Result<Node, BadOperations> {
    if !matches!(term, Term::List(_)) {
        return Err(meaning(term, "operations are a list that begins with an operator"));
    }
    let node = node(term)?;
    let (mut operators, mut references) = (0, 0);
    node.visit(&mut |node| match node {
        Node::Metric(of) => references += of.len(),
        Node::Number(_) => {}
        _ => operators += 1,
    });
    if operators > OPERATORS_MAX || references > REFERENCES_MAX {
        return Err(BadOperations::TooLong);
    }
    if references == 0 { Err(BadOperations::NoMetric) } else { Ok(node) }
}

fn node(term: &Term) -> Result<Node, BadOperations> {
    let Term::List(terms) = term else {
        return term.number().map(Node::Number).ok_or_else(|| {
            meaning(term, "a number or an expression in parentheses was expected, as (metric ID mean)")
        });
    };
    let Some((first, arguments)) = terms.split_first() else {
        return Err(meaning(term, "Operation must not be empty"));
    };
    let Some(word) = first.word() else {
        return Err(meaning(term, "an expression begins with the name of an operator"));
    };
    let fault = |reason: &str| Err(meaning(term, reason));
    match (word, arguments) {
        ("metric", arguments) => metric(term, arguments),
        ("aggregate", [how, of]) => Ok(Node::Aggregate { how: across(term, how)?, of: series(term, of)? }),
        ("aggregate", _) => fault("expected is (aggregate METHOD EXPRESSION)"),
        ("resample", [how, step, of]) => {
            Ok(Node::Resample { how: method(term, how)?, step: length(term, step)?, of: series(term, of)? })
        }
        ("resample", _) => fault("expected is (resample METHOD SECONDS EXPRESSION)"),
        ("rolling", [how, window, of]) => {
            Ok(Node::Rolling { how: across(term, how)?, window: count(term, window)?, of: series(term, of)? })
        }
        ("rolling", _) => fault("expected is (rolling METHOD WINDOW EXPRESSION)"),
        ("clip", [of, low]) => Ok(Node::Clip(Box::new(node(of)?), Box::new(node(low)?), None)),
        ("clip", [of, low, high]) => {
            Ok(Node::Clip(Box::new(node(of)?), Box::new(node(low)?), Some(Box::new(node(high)?))))
        }
        ("clip", _) => fault("expected is (clip EXPRESSION LOW HIGH) or (clip EXPRESSION LOW)"),
        (word, arguments) => operator(term, word, arguments),
    }
}

fn operator(term: &Term, word: &str, arguments: &[Term]) -> Result<Node, BadOperations> {
    match (Unary::named(word), Binary::named(word), arguments) {
        (Some(operator), _, [of]) if operator.needs_series() => Ok(Node::Unary(operator, series(term, of)?)),
        (Some(operator), _, [of]) => Ok(Node::Unary(operator, Box::new(node(of)?))),
        (Some(_), ..) => Err(meaning(term, &format!("expected is ({word} EXPRESSION)"))),
        (_, Some(operator), [left, right]) => {
            Ok(Node::Binary(operator, Box::new(node(left)?), Box::new(node(right)?)))
        }
        (_, Some(_), _) => Err(meaning(term, &format!("expected is ({word} EXPRESSION EXPRESSION)"))),
        (None, None, _) => {
            Err(meaning(term, &format!("'{word}' operation invalid{}", did_you_mean(word, &words()))))
        }
    }
}

/// `metric ID METHOD`, or `metric (ID METHOD) (ID METHOD) …`.
fn metric(term: &Term, arguments: &[Term]) -> Result<Node, BadOperations> {
    let expected = "expected is (metric ID METHOD) or (metric (ID METHOD) (ID METHOD) …)";
    let reference = |terms: &[Term]| match terms {
        [Term::Word(metric), Term::Word(aggregation)] => {
            Some(Reference { metric: metric.clone(), aggregation: aggregation.clone() })
        }
        _ => None,
    };
    if let Some(one) = reference(arguments) {
        return Ok(Node::Metric(vec![one]));
    }
    let many = arguments.iter().map(|one| if let Term::List(terms) = one { reference(terms) } else { None });
    match many.collect::<Option<Vec<Reference>>>() {
        Some(many) if !many.is_empty() => Ok(Node::Metric(many)),
        _ => Err(meaning(term, expected)),
    }
}

/// An expression that gives series, not a number.
fn series(term: &Term, of: &Term) -> Result<Box<Node>, BadOperations> {
    let node = node(of)?;
    if node.is_series() { Ok(Box::new(node)) } else { Err(meaning(term, &format!("\"{of}\" is no series"))) }
}

fn across(term: &Term, how: &Term) -> Result<Across, BadOperations> {
    let word = how.to_string();
    word.parse().map_err(|fault| meaning(term, &format!("{fault}{}", did_you_mean(&word, &METHODS))))
}

/// The methods for series side by side, for suggestions.
const METHODS: [&str; 8] = ["mean", "median", "std", "min", "max", "sum", "var", "count"];

/// What a series can be resampled by: all that points can be aggregated by.
fn method(term: &Term, how: &Term) -> Result<Method, BadOperations> {
    let word = how.to_string();
    match word.parse::<Method>() {
        Ok(method) if method.form != Form::PerSecond => Ok(method),
        // Gnocchi lets it pass and then fails.
        _ if word.parse().is_ok_and(|how: Across| how.statistic == AcrossStatistic::Var) => {
            Err(meaning(term, "a series cannot be resampled by var: take std"))
        }
        _ => {
            let reason = format!("\"{word}\" is no method to resample by{}", did_you_mean(&word, &METHODS));
            Err(meaning(term, &reason))
        }
    }
}

/// Seconds as a number, or a length of time with a unit.
fn length(term: &Term, length: &Term) -> Result<Granularity, BadOperations> {
    let granularity = match length.number() {
        // To the nanosecond, cut; Gnocchi's arithmetic. The cast saturates.
        Some(seconds) => Granularity::from_ns((seconds * NS_PER_SECOND as f64) as i64),
        None => length.word().and_then(|word| word.parse().ok()),
    };
    granularity.ok_or_else(|| {
        meaning(term, &format!("a length of time was expected, as 300 or 5m, not \"{length}\""))
    })
}

/// A whole number over zero.
fn count(term: &Term, count: &Term) -> Result<NonZeroUsize, BadOperations> {
    let whole = match count {
        Term::Word(word) => word.trim().parse().ok(),
        // A fraction is cut, as Gnocchi does. The cast saturates.
        _ => count.number().and_then(|number| NonZeroUsize::new(number as usize)),
    };
    whole.ok_or_else(|| meaning(term, &format!("a whole number over zero was expected, not \"{count}\"")))
}

fn meaning(term: &Term, reason: &str) -> BadOperations {
    BadOperations::Meaning { expression: term.to_string(), reason: reason.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn shown(text: &str) -> String {
        parse_text(text).map_or_else(|fault| fault.to_string(), |node| node.to_string())
    }

    #[test]
    fn lists_and_text_are_the_same_tree() {
        let lists = json!(["/", ["*", 100, ["aggregate", "rate:mean", ["metric", "cpu*", "mean"]]], "2.5"]);
        let text = "(/ (* 100 (aggregate rate:mean (metric cpu* mean))) 2.5)";
        assert_eq!(parse_json(&lists), parse_text(text));
        assert_eq!(shown(text), text);
        let many = json!(["metric", ["a", "mean"], ["b", "95pct"]]);
        assert_eq!(parse_json(&many).unwrap().to_string(), "(metric (a mean) (b 95pct))");
        assert_eq!(parse_json(&json!("(metric a mean)")).unwrap().to_string(), "(metric a mean)");
    }

    #[test]
    fn every_operator_has_its_arguments() {
        for text in [
            "(resample last 300 (metric a mean))",
            "(resample 95pct 0.5 (metric a mean))",
            "(rolling rate:std 4 (metric a mean))",
            "(clip (metric a mean) 0 10)",
            "(clip (metric a mean) -1.5)",
            "(max (metric a mean) NaN)",
            "(rateofchangesec (negative (metric \"a (b)\" mean)))",
            "(!= (metric a mean) (metric a mean))",
        ] {
            assert_eq!(shown(text), text);
        }
        assert_eq!(shown("(≠ (abs (metric a mean)) 1e3)"), "(!= (absolute (metric a mean)) 1000)");
        assert_eq!(shown("(resample mean 5m (metric a mean))"), "(resample mean 300 (metric a mean))");
    }

    #[test]
    fn what_has_no_meaning_is_told_with_its_place() {
        let metric = "(metric a mean)";
        let cases = [
            ("()".into(), "in \"()\": Operation must not be empty".into()),
            (
                format!("(absolut {metric})"),
                format!(
                    "in \"(absolut {metric})\": 'absolut' operation invalid (did you mean \"absolute\"?)"
                ),
            ),
            ("(+ 1 2)".into(), "At least one 'metric' is required".into()),
            (
                format!("(* (rolling mean x {metric}) 2)"),
                format!("in \"(rolling mean x {metric})\": a whole number over zero was expected, not \"x\""),
            ),
            (
                format!("(resample mean soon {metric})"),
                format!(
                    "in \"(resample mean soon {metric})\": a length of time was expected, as 300 or 5m, not \"soon\""
                ),
            ),
            (
                "(metric a)".into(),
                "in \"(metric a)\": expected is (metric ID METHOD) or (metric (ID METHOD) (ID METHOD) …)"
                    .into(),
            ),
            ("(aggregate mean 5)".into(), "in \"(aggregate mean 5)\": \"5\" is no series".into()),
            (format!("(+ {metric})"), format!("in \"(+ {metric})\": expected is (+ EXPRESSION EXPRESSION)")),
            (
                format!("(+ {metric} two)"),
                "in \"two\": a number or an expression in parentheses was expected, as (metric ID mean)"
                    .into(),
            ),
            (
                format!("(aggregate maen {metric})"),
                format!(
                    "in \"(aggregate maen {metric})\": \"maen\" is none of mean, median, std, min, max, sum, var and \
                     count, nor one of them behind rate: (did you mean \"mean\"?)"
                ),
            ),
            (
                format!("(resample var 60 {metric})"),
                format!("in \"(resample var 60 {metric})\": a series cannot be resampled by var: take std"),
            ),
        ];
        for (text, message) in cases {
            assert_eq!(shown(&text), message, "{text}");
        }
        for value in
            [json!([]), json!({}), json!(1), json!([["metric"]]), json!(["+", true, 1]), json!(["metric"])]
        {
            assert!(parse_json(&value).is_err(), "{value}");
        }
    }

    #[test]
    fn limits_hold() {
        let deep = format!("{}(metric a mean){}", "(abs ".repeat(DEPTH_MAX - 1), ")".repeat(DEPTH_MAX - 1));
        assert!(parse_text(&deep).is_ok());
        assert_eq!(parse_text(&format!("(abs {deep})")), Err(BadOperations::TooDeep));
        let mut lists = json!(["metric", "a", "mean"]);
        for _ in 0..DEPTH_MAX + 1 {
            lists = json!(["abs", lists]);
        }
        assert_eq!(parse_json(&lists), Err(BadOperations::TooDeep));
        let long = format!("(metric {} mean)", "a".repeat(TEXT_BYTES_MAX));
        assert_eq!(parse_text(&long), Err(BadOperations::TooLong));
        let two = |one: &str| format!("(+ {one} {one})");
        let wide = (0..10).fold("(metric a mean)".to_owned(), |one, _| two(&one));
        assert_eq!(parse_text(&wide), Err(BadOperations::TooLong));
    }

    #[test]
    fn references_are_listed_once_and_in_order() {
        let node =
            parse_text("(+ (metric (b mean) (a max) (b mean)) (* (metric a max) (metric a mean)))").unwrap();
        let listed: Vec<String> = node.references().iter().map(ToString::to_string).collect();
        assert_eq!(listed, ["b mean", "a max", "a mean"]);
    }

    fn leaf() -> impl Strategy<Value = Node> {
        let reference = ("\\PC{0,8}", "[a-z:0-9]{1,6}")
            .prop_map(|(metric, aggregation)| Reference { metric, aggregation });
        proptest::collection::vec(reference, 1..4).prop_map(Node::Metric)
    }

    fn any_node() -> impl Strategy<Value = Node> {
        leaf().prop_recursive(5, 24, 3, |inner| {
            let across = proptest::sample::select(vec!["mean", "rate:var", "count"])
                .prop_map(|word| word.parse::<Across>().unwrap());
            let method = proptest::sample::select(vec!["last", "rate:mean", "99pct"])
                .prop_map(|word| word.parse::<Method>().unwrap());
            let boxed = inner.clone().prop_map(Box::new);
            let operand = prop_oneof![
                boxed.clone(),
                any::<f64>()
                    .prop_filter("equal to itself", |n| !n.is_nan())
                    .prop_map(|n| Box::new(Node::Number(n)))
            ];
            prop_oneof![
                (across.clone(), boxed.clone()).prop_map(|(how, of)| Node::Aggregate { how, of }),
                (method, 1..i64::MAX / 2, boxed.clone()).prop_map(|(how, ns, of)| {
                    Node::Resample {
                        how,
                        step: Granularity::from_ns(ns / 1_000_000_000 * 1_000_000_000 + 1_000_000_000)
                            .unwrap(),
                        of,
                    }
                }),
                (across, 1..usize::MAX, boxed.clone()).prop_map(|(how, window, of)| {
                    Node::Rolling { how, window: NonZeroUsize::new(window).unwrap(), of }
                }),
                boxed.clone().prop_map(|of| Node::Unary(Unary::RateOfChange, of)),
                (boxed.clone(), operand.clone()).prop_map(|(of, by)| Node::Binary(Binary::Modulo, of, by)),
                (boxed, operand.clone(), proptest::option::of(operand))
                    .prop_map(|(of, low, high)| Node::Clip(of, low, high)),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back(node in any_node()) {
            prop_assert_eq!(parse_text(&node.to_string()), Ok(node));
        }

        #[test]
        fn no_text_is_too_strange(text in "[()a-z\"' \\\\0-9]{0,60}") {
            let _ = parse_text(&text);
        }
    }
}
