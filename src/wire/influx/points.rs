//! Lines as they stand, for whoever has their own names for what is measured; one that is wrong spoils its whole text.

use std::borrow::Cow;

use thiserror::Error;

use super::{BadLine, Line, Precision, after_line};
use crate::model::Timestamp;
use crate::wire::sample::timestamp;

/// What one line says.
#[derive(Clone, Debug, PartialEq)]
pub struct Measured<'a> {
    /// What is measured.
    pub measurement: Cow<'a, str>,
    /// Keys and values, in their order.
    pub tags: Vec<(Cow<'a, str>, Cow<'a, str>)>,
    /// Fields that are numbers, or truths as 1 and 0; never NaN.
    pub fields: Vec<(Cow<'a, str>, f64)>,
    /// When; none: the line does not say it.
    pub at: Option<Timestamp>,
}

/// A text that is not in the line protocol.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("{reason}")]
pub struct BadText {
    /// The line's number, from 1.
    pub line: usize,
    /// What is wrong with it.
    pub reason: String,
}

/// Calls `take` with each line of `text` and its number.
///
/// # Errors
/// [`BadText`] for the first line that is none, and what `take` returns.
pub fn measured<'a, E: From<BadText>>(
    text: &'a str,
    precision: Precision,
    mut take: impl FnMut(usize, Measured<'a>) -> Result<(), E>,
) -> Result<(), E> {
    let (mut rest, mut line) = (text, 1);
    while !rest.is_empty() {
        let begin = rest;
        if let Some(behind) = rest.strip_prefix(['\n', '\r', ' ', '\t']) {
            rest = behind;
        } else if rest.starts_with('#') {
            rest = after_line(rest);
        } else {
            let read = read(&mut rest, precision);
            take(line, read.map_err(|reason| BadText { line, reason: reason.to_string() })?)?;
        }
        let taken = &begin.as_bytes()[..begin.len() - rest.len()];
        line += memchr::memchr_iter(b'\n', taken).count();
    }
    Ok(())
}

fn read<'a>(rest: &mut &'a str, precision: Precision) -> Result<Measured<'a>, BadLine> {
    let Line { measurement, tags, fields, time, .. } = Line::read(rest)?;
    let at = time.map(|count| timestamp(i128::from(count) * precision.ns()).ok_or(BadLine::TimeOutOfRange));
    let fields = fields.into_iter().map(|(field, volume)| (field, volume.as_f64())).collect();
    Ok(Measured { measurement, tags, fields, at: at.transpose()? })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read_all(text: &str) -> Result<Vec<(usize, String)>, BadText> {
        let mut found = Vec::new();
        measured(text, Precision::Seconds, |line, measured| {
            let Measured { measurement, tags, fields, at } = measured;
            found.push((line, format!("{measurement} {tags:?} {fields:?} {}", at.is_some())));
            Ok::<_, BadText>(())
        })?;
        Ok(found)
    }

    #[test]
    fn lines_are_handed_out_with_their_numbers() {
        let found = read_all("m,b=2,a=1 v=1i,t=\"x\ny\",on=t 5\n\n# c\nn v=0.5").unwrap();
        let expected = [
            (1, r#"m [("b", "2"), ("a", "1")] [("v", 1.0), ("on", 1.0)] true"#.to_owned()),
            (5, r#"n [] [("v", 0.5)] false"#.to_owned()),
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn the_first_line_that_is_none_is_named() {
        assert_eq!(read_all("m v=1\n\nm v=one").unwrap_err().line, 3);
        assert_eq!(read_all("m v=1 99999999999999").unwrap_err().line, 1);
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

        /// Whatever comes is read or refused; lines that are handed out are told apart by their number, and none is NaN.
        #[test]
        fn no_text_breaks_it(text in r#"([a-c,= \\"\n#]|[0-9]{1,3}[iu]?|t|nan|é|[mn],a=b v=[0-9]\.5 [0-9]{1,9}\n){0,40}"#) {
            let mut last = 0;
            let result = measured(&text, Precision::Nanoseconds, |line, measured| {
                assert!(line > last && line <= text.lines().count() + 1, "{line} behind {last} in {text:?}");
                assert!(measured.fields.iter().all(|(_, value)| !value.is_nan()), "{measured:?}");
                last = line;
                Ok::<_, BadText>(())
            });
            if let Err(error) = result {
                prop_assert!(error.line > last, "{error:?} in {text:?}");
            }
        }
    }
}
