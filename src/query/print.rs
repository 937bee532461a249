//! A filter written back in the text form.

use std::fmt;

use super::lex::is_bare_field;
use super::{Filter, Literal, Number};

/// The text form; parsing it gives the same tree, if that came from a parse and the text is within the limit.
impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Filter::Everything => f.write_str("{}"),
            Filter::Compare { path, comparison, value } => {
                write_field(f, path.as_str())?;
                write!(f, " {} {value}", comparison.as_str())
            }
            Filter::Like { path, pattern } => {
                write_field(f, path.as_str())?;
                f.write_str(" like ")?;
                write_quoted(f, pattern.as_str())
            }
            Filter::In { path, values } => {
                write_field(f, path.as_str())?;
                f.write_str(" in [")?;
                write_joined(f, values, ", ", |f, value| write!(f, "{value}"))?;
                f.write_str("]")
            }
            Filter::And(filters) if filters.is_empty() => f.write_str("{}"),
            Filter::Or(filters) if filters.is_empty() => f.write_str("not {}"),
            Filter::And(filters) => write_joined(f, filters, " and ", |f, filter| {
                write_operand(f, filter, matches!(filter, Filter::And(_) | Filter::Or(_)))
            }),
            Filter::Or(filters) => write_joined(f, filters, " or ", |f, filter| {
                write_operand(f, filter, matches!(filter, Filter::Or(_)))
            }),
            Filter::Not(filter) => {
                f.write_str("not ")?;
                write_operand(f, filter, matches!(**filter, Filter::And(_) | Filter::Or(_)))
            }
        }
    }
}

impl fmt::Display for Literal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Literal::Null => f.write_str("null"),
            Literal::Bool(value) => write!(f, "{value}"),
            Literal::Number(Number::Integer(value)) => write!(f, "{value}"),
            // Debug keeps the fraction: 1.0 is to be read as a float again.
            Literal::Number(Number::Float(value)) => write!(f, "{value:?}"),
            Literal::Text(text) => write_quoted(f, text.as_str()),
        }
    }
}

fn write_joined<T>(
    f: &mut fmt::Formatter<'_>,
    items: &[T],
    separator: &str,
    mut write: impl FnMut(&mut fmt::Formatter<'_>, &T) -> fmt::Result,
) -> fmt::Result {
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            f.write_str(separator)?;
        }
        write(f, item)?;
    }
    Ok(())
}

fn write_operand(f: &mut fmt::Formatter<'_>, filter: &Filter, in_parentheses: bool) -> fmt::Result {
    if in_parentheses { write!(f, "({filter})") } else { write!(f, "{filter}") }
}

fn write_field(f: &mut fmt::Formatter<'_>, name: &str) -> fmt::Result {
    if is_bare_field(name) { f.write_str(name) } else { write_quoted(f, name) }
}

fn write_quoted(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    write!(f, "\"{}\"", text.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_are_written_with_the_parentheses_they_need() {
        for (text, written) in [
            ("{ }", "{}"),
            ("a==b", r#"a = "b""#),
            ("a eq 1 AND b ne 2.0 ∧ c≥-1e3", "a = 1 and b != 2.0 and c >= -1000.0"),
            ("((a<1))", "a < 1"),
            ("a<1 or (b<2 and c<3)", "a < 1 or b < 2 and c < 3"),
            ("(a<1 or b<2) and (c<3 and d<4)", "(a < 1 or b < 2) and (c < 3 and d < 4)"),
            ("not (not a<1)", "not not a < 1"),
            ("not(a<1 or b<2)", "not (a < 1 or b < 2)"),
            ("'in' like 'it''s \"x\"%'", r#""in" like "it's ""x""%""#),
            ("'a b' in [None,TRUE,1,x]", r#""a b" in [null, true, 1, "x"]"#),
        ] {
            assert_eq!(Filter::parse(text).unwrap().to_string(), written, "{text}");
        }
    }
}
