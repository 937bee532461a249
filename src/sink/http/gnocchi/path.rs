//! Where an attribute of a resource stands in a sample: the part of Ceilometer's JSONPath that its resource definitions
//! use.
//!
//! `a.b`, `a.(b|c)`, `a.(b|(c.d)|e)`, `'a.b'`; as in jsonpath-rw, `|` binds tighter than `.`: of the sides, the first
//! that finds something counts.

use std::str::Chars;

use crate::model::Node;

/// Parentheses in parentheses at most: each costs a frame of the stack.
const NESTING_MAX: usize = 32;

/// A path, parsed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Path {
    /// The value of a key.
    Key(String),
    /// One after the other.
    Steps(Vec<Path>),
    /// The first that finds something.
    Either(Vec<Path>),
}

impl Path {
    /// Parses a path.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str) -> Result<Path, String> {
        let mut rest = text.chars();
        let path = steps(&mut rest, 0)?;
        match rest.next() {
            None => Ok(path),
            Some(found) => Err(format!("\"{found}\" is not understood in \"{text}\"")),
        }
    }

    /// The value that it finds in `node`; nothing is no value.
    pub fn find<'n, 'a>(&self, node: &'n Node<'a>) -> Option<&'n Node<'a>> {
        match self {
            Path::Key(key) => node.get(key).filter(|value| !value.is_null()),
            Path::Steps(steps) => steps.iter().try_fold(node, |node, step| step.find(node)),
            Path::Either(sides) => sides.iter().find_map(|side| side.find(node)),
        }
    }
}

fn steps(rest: &mut Chars<'_>, depth: usize) -> Result<Path, String> {
    let mut steps = vec![either(rest, depth)?];
    while take(rest, '.') {
        steps.push(either(rest, depth)?);
    }
    Ok(if steps.len() == 1 { steps.remove(0) } else { Path::Steps(steps) })
}

fn either(rest: &mut Chars<'_>, depth: usize) -> Result<Path, String> {
    let mut sides = vec![step(rest, depth)?];
    while take(rest, '|') {
        sides.push(step(rest, depth)?);
    }
    Ok(if sides.len() == 1 { sides.remove(0) } else { Path::Either(sides) })
}

fn step(rest: &mut Chars<'_>, depth: usize) -> Result<Path, String> {
    if take(rest, '(') {
        if depth == NESTING_MAX {
            return Err(format!("more than {NESTING_MAX} parentheses in each other"));
        }
        let inner = steps(rest, depth + 1)?;
        return if take(rest, ')') { Ok(inner) } else { Err("a parenthesis is not closed".to_owned()) };
    }
    for quote in ['\'', '"'] {
        if take(rest, quote) {
            let text = rest.as_str();
            let end = text.find(quote).ok_or("a quote is not closed")?;
            *rest = text[end + 1..].chars();
            return Ok(Path::Key(text[..end].to_owned()));
        }
    }
    let text = rest.as_str().trim_start();
    let end = text.find(|c: char| !c.is_alphanumeric() && c != '_' && c != '-').unwrap_or(text.len());
    if end == 0 {
        return Err("a key is missing".to_owned());
    }
    *rest = text[end..].chars();
    Ok(Path::Key(text[..end].to_owned()))
}

fn take(rest: &mut Chars<'_>, wanted: char) -> bool {
    let text = rest.as_str().trim_start();
    match text.strip_prefix(wanted) {
        Some(behind) => {
            *rest = behind.chars();
            true
        }
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::json::read_node;
    use proptest::prelude::*;

    #[test]
    fn the_first_side_that_finds_something_counts() {
        let node = read_node(br#"{"m":{"a":null,"flavor":{"id":7},"b":"x","c.d":1}}"#).unwrap();
        let find = |path: &str| Path::parse(path).unwrap().find(&node).cloned();
        assert_eq!(find("m.(a|b)"), Some(Node::from("x")));
        assert_eq!(find("m.(instance_flavor_id|(flavor.id)|flavor_id)"), Some(Node::Integer(7)));
        // `|` binds tighter: flavor.(id|b).
        assert_eq!(find("m.flavor.name | id"), Some(Node::Integer(7)));
        assert_eq!(find("m.'c.d'"), Some(Node::Integer(1)));
        assert_eq!(find("m.a"), None);
        assert_eq!(find("m.b.c"), None);
    }

    #[test]
    fn what_is_no_path_is_refused() {
        for bad in ["", "a.", "a|", "(a", "a)", "'a", "a[0]", "$.a", &"(".repeat(100)] {
            assert!(Path::parse(bad).is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn no_text_breaks_the_parser(text in "[a-c.|()' ]{0,40}") {
            let node = read_node(br#"{"a":{"b":{"c":1}}}"#).unwrap();
            if let Ok(path) = Path::parse(&text) {
                let _ = path.find(&node);
            }
        }
    }
}
