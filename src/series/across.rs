//! Aggregation across series: many values at one time become one, and windows of one series become points.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

/// What is computed of the values that several series have at one time (Gnocchi's reaggregation), and of windows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Across {
    /// The statistic.
    pub statistic: AcrossStatistic,
    /// Whether differences of consecutive results are taken (Gnocchi's `rate:`).
    pub rate: bool,
}

/// The statistics of [`Across`]. What is no number is passed over; of nothing else, all but sum and count are no number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AcrossStatistic {
    /// Sum divided by count.
    Mean,
    /// Between the middle two.
    Median,
    /// The standard deviation of a whole population (ddof 0), unlike that of an archive policy.
    Std,
    /// The smallest.
    Min,
    /// The largest.
    Max,
    /// All added up; 0.0 of none.
    Sum,
    /// The square of the standard deviation.
    Var,
    /// How many there are; 0.0 of none.
    Count,
}

/// The names, in the order in which they are told.
const NAMES: [(&str, AcrossStatistic); 8] = [
    ("mean", AcrossStatistic::Mean),
    ("median", AcrossStatistic::Median),
    ("std", AcrossStatistic::Std),
    ("min", AcrossStatistic::Min),
    ("max", AcrossStatistic::Max),
    ("sum", AcrossStatistic::Sum),
    ("var", AcrossStatistic::Var),
    ("count", AcrossStatistic::Count),
];

/// A word that names no aggregation across series.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("\"{0}\" is none of mean, median, std, min, max, sum, var and count, nor one of them behind rate:")]
pub struct BadAcross(pub String);

impl FromStr for Across {
    type Err = BadAcross;

    fn from_str(text: &str) -> Result<Self, BadAcross> {
        let word = text.strip_prefix("rate:");
        let known = NAMES.iter().find(|(name, _)| *name == word.unwrap_or(text));
        let (_, statistic) = known.ok_or_else(|| BadAcross(text.to_owned()))?;
        Ok(Across { statistic: *statistic, rate: word.is_some() })
    }
}

impl fmt::Display for Across {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name =
            NAMES.iter().find(|(_, statistic)| *statistic == self.statistic).map_or("", |(name, _)| name);
        write!(f, "{}{name}", if self.rate { "rate:" } else { "" })
    }
}

/// How many rows are worked on at a time: sums of so many stay in the nearest cache (8 KiB).
const BLOCK_ROWS: usize = 1024;

/// Aggregates across columns, row by row; bit for bit what numpy's functions for arrays with NaN give Gnocchi 4.7.1.
///
/// - `columns`: at least one, all of one length; NaN where a series has no value
///
/// With `rate:` the result is one shorter. O(values), the median O(values · log columns).
pub fn across(columns: &[Vec<f64>], how: Across) -> Vec<f64> {
    let rows = columns.first().map_or(0, Vec::len);
    debug_assert!(columns.iter().all(|column| column.len() == rows));
    let mut results = Vec::with_capacity(rows);
    // numpy adds up a single row in another order than many.
    if rows == 1 || how.statistic == AcrossStatistic::Median {
        let mut row = Vec::with_capacity(columns.len());
        for index in 0..rows {
            row.clear();
            row.extend(columns.iter().map(|column| column[index]));
            results.push(of_row(&mut row, how.statistic));
        }
    } else {
        let mut start = 0;
        while start < rows {
            let stop = rows.min(start + BLOCK_ROWS);
            results.extend(of_block(
                columns.iter().map(|column| &column[start..stop]),
                stop - start,
                how.statistic,
            ));
            start = stop;
        }
    }
    if how.rate { differences(&results) } else { results }
}

/// Aggregates windows of `window` consecutive values; a result for each window, the first for the first whole one.
///
/// With `rate:` the result is one shorter. O(values · window), the median with its logarithm.
pub fn rolling(values: &[f64], window: usize, how: Across) -> Vec<f64> {
    let mut row = Vec::with_capacity(window);
    let results: Vec<f64> = values
        .windows(window.max(1))
        .map(|values| {
            row.clear();
            row.extend_from_slice(values);
            of_row(&mut row, how.statistic)
        })
        .collect();
    if how.rate { differences(&results) } else { results }
}

/// Each value minus the one before it.
fn differences(values: &[f64]) -> Vec<f64> {
    values.windows(2).map(|pair| pair[1] - pair[0]).collect()
}

/// Columns are added one after the other.
fn of_block<'a>(
    columns: impl Iterator<Item = &'a [f64]> + Clone,
    rows: usize,
    statistic: AcrossStatistic,
) -> Vec<f64> {
    let each = |start: f64, take: fn(f64, f64) -> f64| {
        let mut results = vec![start; rows];
        for column in columns.clone() {
            results.iter_mut().zip(column).for_each(|(result, value)| *result = take(*result, *value));
        }
        results
    };
    // Minus zero, so that a sum of minus zeros stays one, as in numpy.
    let sums = || each(-0.0, |sum, value| sum + if value.is_nan() { 0.0 } else { value });
    let counts = || each(0.0, |count, value| if value.is_nan() { count } else { count + 1.0 });
    let divided = |mut sums: Vec<f64>, counts: &[f64]| {
        sums.iter_mut().zip(counts).for_each(|(sum, count)| *sum /= count);
        sums
    };
    match statistic {
        AcrossStatistic::Sum => sums(),
        AcrossStatistic::Count => counts(),
        AcrossStatistic::Min => each(f64::NAN, smaller),
        AcrossStatistic::Max => each(f64::NAN, larger),
        AcrossStatistic::Mean | AcrossStatistic::Median => divided(sums(), &counts()),
        AcrossStatistic::Var | AcrossStatistic::Std => {
            let counts = counts();
            let means = divided(sums(), &counts);
            let mut squares = vec![0.0; rows];
            for column in columns {
                for ((square, value), mean) in squares.iter_mut().zip(column).zip(&means) {
                    let distance = if value.is_nan() { 0.0 } else { value - mean };
                    *square += distance * distance;
                }
            }
            let mut results = divided(squares, &counts);
            if statistic == AcrossStatistic::Std {
                results.iter_mut().for_each(|result| *result = result.sqrt());
            }
            results
        }
    }
}

/// The statistic of values that stand side by side; they may be reordered.
fn of_row(row: &mut Vec<f64>, statistic: AcrossStatistic) -> f64 {
    let zero_for_nan = |value: f64| if value.is_nan() { 0.0 } else { value };
    let count = row.iter().filter(|value| !value.is_nan()).count() as f64;
    match statistic {
        AcrossStatistic::Count => count,
        AcrossStatistic::Min => row.iter().copied().fold(f64::NAN, smaller),
        AcrossStatistic::Max => row.iter().copied().fold(f64::NAN, larger),
        AcrossStatistic::Sum => pairwise_sum(row, &zero_for_nan),
        AcrossStatistic::Mean => pairwise_sum(row, &zero_for_nan) / count,
        AcrossStatistic::Var | AcrossStatistic::Std => {
            let mean = pairwise_sum(row, &zero_for_nan) / count;
            let square = |value: f64| if value.is_nan() { 0.0 } else { (value - mean) * (value - mean) };
            let variance = pairwise_sum(row, &square) / count;
            if statistic == AcrossStatistic::Std { variance.sqrt() } else { variance }
        }
        AcrossStatistic::Median => {
            row.retain(|value| !value.is_nan());
            if row.is_empty() {
                return f64::NAN;
            }
            let high = row.len() / 2;
            let odd = row.len() % 2 == 1;
            let (below, &mut middle, _) = row.select_nth_unstable_by(high, f64::total_cmp);
            let low = if odd { None } else { below.iter().copied().max_by(f64::total_cmp) };
            low.map_or(middle, |low| (low + middle) / 2.0)
        }
    }
}

/// `value`, or the smaller number of the two.
fn smaller(best: f64, value: f64) -> f64 {
    if value < best || best.is_nan() { value } else { best }
}

/// `value`, or the larger number of the two.
fn larger(best: f64, value: f64) -> f64 {
    if value > best || best.is_nan() { value } else { best }
}

/// Up to so many values numpy adds in eight sums side by side; more it halves.
const PAIRWISE_BLOCK: usize = 128;

/// The sum of `of` each value in the order in which numpy adds neighbours in memory.
fn pairwise_sum(values: &[f64], of: &impl Fn(f64) -> f64) -> f64 {
    if values.len() < 8 {
        return values.iter().fold(-0.0, |sum, value| sum + of(*value));
    }
    if values.len() > PAIRWISE_BLOCK {
        let half = values.len() / 2 / 8 * 8;
        return pairwise_sum(&values[..half], of) + pairwise_sum(&values[half..], of);
    }
    let mut sums = [0.0; 8];
    sums.iter_mut().zip(values).for_each(|(sum, value)| *sum = of(*value));
    let mut eights = values[8..].chunks_exact(8);
    for eight in &mut eights {
        sums.iter_mut().zip(eight).for_each(|(sum, value)| *sum += of(*value));
    }
    let sum = ((sums[0] + sums[1]) + (sums[2] + sums[3])) + ((sums[4] + sums[5]) + (sums[6] + sums[7]));
    eights.remainder().iter().fold(sum, |sum, value| sum + of(*value))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const NAN: f64 = f64::NAN;

    fn how(word: &str) -> Across {
        word.parse().unwrap()
    }

    #[test]
    fn what_is_no_number_is_passed_over() {
        let columns = [vec![1.0, 2.0, NAN], vec![NAN, 4.0, NAN], vec![4.0, 9.0, NAN]];
        let cases: [(&str, [f64; 3]); 8] = [
            ("mean", [2.5, 5.0, NAN]),
            ("median", [2.5, 4.0, NAN]),
            ("std", [1.5, (26.0f64 / 3.0).sqrt(), NAN]),
            ("var", [2.25, 26.0 / 3.0, NAN]),
            ("min", [1.0, 2.0, NAN]),
            ("max", [4.0, 9.0, NAN]),
            ("sum", [5.0, 15.0, 0.0]),
            ("count", [2.0, 3.0, 0.0]),
        ];
        for (word, expected) in cases {
            assert_eq!(how(word).to_string(), word);
            let found = across(&columns, how(word));
            assert!(
                found.iter().zip(expected).all(|(a, b)| *a == b || a.is_nan() && b.is_nan()),
                "{word} {found:?}"
            );
        }
        assert_eq!(across(&columns, how("rate:sum")), [10.0, -15.0]);
        assert!("last".parse::<Across>().is_err());
    }

    #[test]
    fn a_window_has_a_result_when_it_is_whole() {
        let values = [1.0, 2.0, 6.0, NAN];
        assert_eq!(rolling(&values, 2, how("mean")), [1.5, 4.0, 6.0]);
        assert_eq!(rolling(&values, 2, how("rate:mean")), [2.5, 2.0]);
        assert_eq!(rolling(&values, 5, how("mean")), [0.0; 0]);
        assert_eq!(rolling(&values, 1, how("count")), [1.0, 1.0, 1.0, 0.0]);
    }

    proptest! {
        #[test]
        fn columns_and_rows_give_the_same_but_for_rounding(
            rows in proptest::collection::vec(proptest::collection::vec(-1e6f64..1e6, 20), 2..8),
        ) {
            let columns: Vec<Vec<f64>> = (0..20).map(|c| rows.iter().map(|row| row[c]).collect()).collect();
            for (word, statistic) in NAMES {
                let found = across(&columns, how(word));
                for (row, found) in rows.iter().zip(found) {
                    let alone = of_row(&mut row.clone(), statistic);
                    prop_assert!((alone - found).abs() <= 1e-9 * alone.abs().max(1.0), "{} {} {}", word, alone, found);
                }
            }
        }
    }
}
