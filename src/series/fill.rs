//! What takes the place of values that some series have at a time and others have not.

use std::str::FromStr;

use thiserror::Error;

/// How missing values are filled (Gnocchi's `fill`).
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Fill {
    /// With this value.
    Number(f64),
    /// Not at all: they stay no number, and so they are given out.
    Null,
    /// Not at all: results that are no number or infinite are left out.
    DropNa,
    /// With the value before; then as `DropNa`.
    Forward,
    /// With the value after; then as `DropNa`.
    Backward,
    /// With the value before, at the beginning with the one after; then as `DropNa`.
    FullForward,
    /// With the value after, at the end with the one before; then as `DropNa`.
    FullBackward,
}

/// A word that says nothing about filling; the text is Gnocchi's.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("Must be a float, 'dropna', 'null', 'ffill', 'bfill', 'full_ffill' or 'full_bfill'")]
pub struct BadFill;

impl FromStr for Fill {
    type Err = BadFill;

    fn from_str(text: &str) -> Result<Self, BadFill> {
        Ok(match text {
            "null" => Fill::Null,
            "dropna" => Fill::DropNa,
            "ffill" => Fill::Forward,
            "bfill" => Fill::Backward,
            "full_ffill" => Fill::FullForward,
            "full_bfill" => Fill::FullBackward,
            _ => Fill::Number(text.trim().parse().map_err(|_| BadFill)?),
        })
    }
}

impl Fill {
    /// What stands in a place without a value before anything is computed.
    pub(super) fn filler(self) -> f64 {
        if let Fill::Number(number) = self { number } else { f64::NAN }
    }

    /// Whether results that are no number or infinite are left out.
    pub fn drops(self) -> bool {
        !matches!(self, Fill::Number(_) | Fill::Null)
    }

    /// Fills one column from its neighbours; a stored NaN is filled like a missing value.
    pub(super) fn spread(self, values: &mut [f64]) {
        let forward = |values: &mut [f64]| carry(values.iter_mut());
        let backward = |values: &mut [f64]| carry(values.iter_mut().rev());
        match self {
            Fill::Number(_) | Fill::Null | Fill::DropNa => {}
            Fill::Forward => forward(values),
            Fill::Backward => backward(values),
            Fill::FullForward => {
                forward(values);
                backward(values);
            }
            Fill::FullBackward => {
                backward(values);
                forward(values);
            }
        }
    }
}

fn carry<'a>(values: impl Iterator<Item = &'a mut f64>) {
    let mut carried = f64::NAN;
    for value in values {
        if value.is_nan() {
            *value = carried;
        }
        carried = *value;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gaps_take_the_value_before_or_after() {
        let nan = f64::NAN;
        let cases: [(&str, [f64; 5]); 5] = [
            ("dropna", [nan, 1.0, nan, 3.0, nan]),
            ("ffill", [nan, 1.0, 1.0, 3.0, 3.0]),
            ("bfill", [1.0, 1.0, 3.0, 3.0, nan]),
            ("full_ffill", [1.0, 1.0, 1.0, 3.0, 3.0]),
            ("full_bfill", [1.0, 1.0, 3.0, 3.0, 3.0]),
        ];
        for (word, expected) in cases {
            let mut values = [nan, 1.0, nan, 3.0, nan];
            word.parse::<Fill>().unwrap().spread(&mut values);
            assert_eq!(format!("{values:?}"), format!("{expected:?}"), "{word}");
        }
    }

    #[test]
    fn a_number_or_one_of_six_words_is_a_fill() {
        assert_eq!("-1.5".parse(), Ok(Fill::Number(-1.5)));
        assert_eq!("null".parse(), Ok(Fill::Null));
        assert_eq!("zero".parse::<Fill>(), Err(BadFill));
        assert!(Fill::Forward.drops() && !Fill::Null.drops() && !Fill::Number(0.0).drops());
    }
}
