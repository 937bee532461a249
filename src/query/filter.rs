//! The tree that both forms of a filter become.

use std::str::FromStr;

use crate::model::Timestamp;

use super::{BadFilter, LikePattern, Number, Path, json, parse};

/// Longest filter text, in bytes: half of what Linux allows one argument of a command, and more than a person writes.
pub const TEXT_BYTES_MAX: usize = 64 * 1024;
/// Deepest nesting of `and`, `or`, `not` and parentheses: serde_json reads 127 levels, and an `and` takes two of them.
pub const NESTING_MAX: usize = 60;
/// Longest list after `in`: every value is compared with the field of every record.
pub const LIST_VALUES_MAX: usize = 10_000;

/// A condition on a record.
///
/// `And` and `Or` hold at least two conditions when they come from a text or JSON form; one alone is put in their
/// place. Built by hand, `And` of none holds and `Or` of none does not.
#[derive(Clone, Debug, PartialEq)]
pub enum Filter {
    /// `{}`: every record.
    Everything,
    /// `path = value` and the other five comparisons.
    Compare {
        /// The field.
        path: Path,
        /// How it is compared.
        comparison: Comparison,
        /// With what.
        value: Literal,
    },
    /// `path like "pattern"`.
    Like {
        /// The field.
        path: Path,
        /// What all of its text must match.
        pattern: LikePattern,
    },
    /// `path in [value, ...]`: equal to at least one of the values.
    In {
        /// The field.
        path: Path,
        /// At least one value, at most [`LIST_VALUES_MAX`].
        values: Vec<Literal>,
    },
    /// All hold.
    And(Vec<Filter>),
    /// At least one holds.
    Or(Vec<Filter>),
    /// It does not hold.
    Not(Box<Filter>),
}

/// How a field is compared with a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// `=`, `==`, `eq`
    Equal,
    /// `!=`, `≠`, `ne`
    NotEqual,
    /// `<`, `lt`
    Less,
    /// `<=`, `≤`, `le`
    LessOrEqual,
    /// `>`, `gt`
    Greater,
    /// `>=`, `≥`, `ge`
    GreaterOrEqual,
}

/// A value as it stands in a filter.
#[derive(Clone, Debug, PartialEq)]
pub enum Literal {
    /// `null`: the field is absent or null.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// `4`, `-1.5e3`; finite when it comes from a text or JSON form.
    Number(Number),
    /// `"text"`, `'text'` or a bare word.
    Text(TextLiteral),
}

/// A text in a filter, and the time it says when it is a timestamp.
#[derive(Clone, Debug, PartialEq)]
pub struct TextLiteral {
    text: Box<str>,
    time: Option<Timestamp>,
}

impl Filter {
    /// Reads a filter in either form: JSON when it starts with a `{` that is not `{}`, the text form otherwise.
    ///
    /// # Errors
    /// [`BadFilter`] says where, what was expected, and what may have been meant.
    pub fn parse(text: &str) -> Result<Filter, BadFilter> {
        if text.len() > TEXT_BYTES_MAX {
            return Err(BadFilter::TooLong { bytes: text.len() });
        }
        let object = text.trim_start().strip_prefix('{');
        if object.is_some_and(|members| !members.trim_start().starts_with('}')) {
            json::parse(text)
        } else {
            parse::parse(text)
        }
    }

    /// Every field the filter asks for, in the order of its text; a field asked for twice stands twice.
    pub fn paths(&self) -> Vec<&Path> {
        let mut paths = Vec::new();
        self.collect_paths(&mut paths);
        paths
    }

    /// The keys of a record without which the filter cannot be answered, sorted; all others may be left unread.
    ///
    /// A dotted field may stand under its first part or, flat, under a key with dots: `a.b` asks for `a` and `a.b`.
    pub fn top_level_keys(&self) -> Vec<&str> {
        let mut keys: Vec<&str> = self.paths().into_iter().flat_map(Path::prefixes).collect();
        keys.sort_unstable();
        keys.dedup();
        keys
    }

    fn collect_paths<'a>(&'a self, paths: &mut Vec<&'a Path>) {
        match self {
            Filter::Everything => {}
            Filter::Compare { path, .. } | Filter::Like { path, .. } | Filter::In { path, .. } => {
                paths.push(path)
            }
            Filter::And(filters) | Filter::Or(filters) => {
                filters.iter().for_each(|filter| filter.collect_paths(paths));
            }
            Filter::Not(filter) => filter.collect_paths(paths),
        }
    }
}

impl FromStr for Filter {
    type Err = BadFilter;

    fn from_str(text: &str) -> Result<Filter, BadFilter> {
        Filter::parse(text)
    }
}

impl Literal {
    /// A text; whether it is a timestamp is found out here, once.
    pub fn text(text: impl Into<Box<str>>) -> Literal {
        let text = text.into();
        let time = Timestamp::parse(text.as_bytes()).ok();
        Literal::Text(TextLiteral { text, time })
    }
}

impl TextLiteral {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The time, when the text is a timestamp.
    pub fn time(&self) -> Option<Timestamp> {
        self.time
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn form_is_chosen_by_the_first_brace() {
        assert!(Filter::parse(r#" {"=": {"a": 1}}"#) == Filter::parse("a = 1"));
        assert_eq!(Filter::parse("{}"), Ok(Filter::Everything));
        assert_eq!(Filter::parse(" { } "), Ok(Filter::Everything));
        assert!(matches!(Filter::parse("{} and a = 1"), Ok(Filter::And(_))));
    }

    #[test]
    fn text_over_the_limit_is_refused() {
        let at_limit = format!("a = 1{}", " ".repeat(TEXT_BYTES_MAX - 5));
        assert!(Filter::parse(&at_limit).is_ok());
        assert_eq!(
            Filter::parse(&format!("{at_limit} ")),
            Err(BadFilter::TooLong { bytes: TEXT_BYTES_MAX + 1 })
        );
    }

    #[test]
    fn top_level_keys_are_what_a_caller_must_extract() {
        let filter = Filter::parse(
            "name = cpu and (resource_metadata.host.zone like 'a%' or not volume > 1) and name != x",
        )
        .unwrap();
        assert_eq!(
            filter.top_level_keys(),
            ["name", "resource_metadata", "resource_metadata.host", "resource_metadata.host.zone", "volume"]
        );
        assert!(Filter::Everything.top_level_keys().is_empty());
    }
}
