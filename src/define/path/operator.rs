//! The operators in backquotes.

use super::Wrong;
use super::tree::Expression;
use crate::define::pattern::{Pattern, Replacement};

/// The operator that is written `text` between backquotes.
///
/// # Errors
/// For an unknown one, or arguments it does not take.
pub fn operator(text: &str) -> Result<Expression, Wrong> {
    match text {
        "this" => return Ok(Expression::This),
        "parent" => return Ok(Expression::Parent),
        "len" => return Ok(Expression::Length),
        "sorted" => return Ok(Expression::Sort(Vec::new())),
        _ => {}
    }
    if let Some(arguments) = text.strip_prefix("split(") {
        return split(arguments).ok_or_else(|| Wrong::Arguments(text.to_owned()));
    }
    if let Some(arguments) = text.strip_prefix("sub(") {
        return substitute(text, arguments);
    }
    Err(Wrong::Operator(text.to_owned()))
}

/// `c, n, m)`: one character, a segment, a limit or -1 for none; each behind a comma and blanks.
fn split(arguments: &str) -> Option<Expression> {
    let separator = arguments.chars().next()?;
    let rest = arguments[separator.len_utf8()..].strip_prefix(',')?;
    let rest = after_blanks(rest)?;
    let (segment, rest) = rest.split_once(',')?;
    let rest = after_blanks(rest)?;
    let (most, _) = rest.split_once(')')?;
    if !segment.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let most = match most {
        "-1" => None,
        digits if digits.bytes().all(|byte| byte.is_ascii_digit()) => Some(digits.parse().ok()?),
        _ => return None,
    };
    Some(Expression::Split { separator, segment: segment.parse().ok()?, most })
}

/// What follows at least one blank.
fn after_blanks(text: &str) -> Option<&str> {
    let rest = text.trim_start();
    (rest.len() < text.len()).then_some(rest)
}

/// `/pattern/, replacement)`: the last slash with a comma and blanks behind it ends the pattern.
fn substitute(text: &str, arguments: &str) -> Result<Expression, Wrong> {
    let bad = || Wrong::Arguments(text.to_owned());
    let body = arguments.strip_prefix('/').ok_or_else(bad)?;
    let end = body.rfind(')').ok_or_else(bad)?;
    let body = &body[..end];
    let ends = body.match_indices("/,").filter(|(at, _)| after_blanks(&body[at + 2..]).is_some());
    let (at, _) = ends.last().ok_or_else(bad)?;
    let pattern = Pattern::new(&body[..at]).map_err(|error| Wrong::Pattern(error.to_string()))?;
    let replacement = after_blanks(&body[at + 2..]).unwrap_or_default();
    // Python finds out what is wrong with a replacement when it replaces; then there is no value.
    let replacement = Replacement::new(&pattern, replacement).ok();
    Ok(Expression::Substitute(pattern, replacement))
}
