//! Series side by side: one row for each time that any of them has, one column for each series.

use thiserror::Error;

use super::{Fill, Series};
use crate::model::Timestamp;

/// Series that share their timestamps.
#[derive(Clone, Debug, PartialEq)]
pub struct Grid {
    /// Ascending.
    pub timestamps: Vec<Timestamp>,
    /// A value for each time; NaN where a series has none.
    pub columns: Vec<Vec<f64>>,
}

/// How series are brought together.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Alignment {
    /// How missing values are filled; none: enough of the times must be common to all.
    pub fill: Option<Fill>,
    /// Without `fill`: how many percent of the times all series must have.
    pub needed_overlap: f64,
    /// Whether the query names a start; if not, times before the first common one do not count.
    pub has_start: bool,
    /// Whether the query names a stop; if not, times after the last common one do not count.
    pub has_stop: bool,
}

/// Series that cannot be brought together; the texts are Gnocchi's.
#[derive(Clone, Debug, Error, PartialEq)]
pub enum Misaligned {
    /// No time is common to all.
    #[error("No overlap")]
    NoOverlap,
    /// Too few times are common to all.
    #[error("Less than {needed:.6}% of datapoints overlap in this timespan ({found:.2}%)")]
    LittleOverlap {
        /// What was asked for, in percent.
        needed: f64,
        /// What there is, in percent.
        found: f64,
    },
    /// The answer would not fit in memory.
    #[error(
        "{series} series at {times} times are more than {CELLS_MAX} values: ask for less time or a coarser granularity"
    )]
    TooMuch {
        /// How many series.
        series: usize,
        /// How many different times they have together.
        times: usize,
    },
}

/// How many values a grid may have: one gibibyte of them, room for a thousand series of 90 days at a minute's granularity.
pub const CELLS_MAX: usize = 1 << 27;

impl Grid {
    /// Brings series together as Gnocchi 4.7.1 does.
    ///
    /// O(values) when all have the same times, which costs no copy; otherwise O(rows · columns) and a merge.
    ///
    /// # Errors
    /// [`Misaligned`]
    pub fn align(series: Vec<Series>, alignment: &Alignment) -> Result<Grid, Misaligned> {
        let same = series.windows(2).all(|pair| pair[0].timestamps == pair[1].timestamps);
        let timestamps = if same {
            series.first().map(|first| first.timestamps.clone()).unwrap_or_default()
        } else {
            merged(&series)
        };
        let cells = timestamps.len().saturating_mul(series.len());
        if cells > CELLS_MAX {
            return Err(Misaligned::TooMuch { series: series.len(), times: timestamps.len() });
        }
        let filler = alignment.fill.map_or(f64::NAN, Fill::filler);
        let columns = series.into_iter().map(|one| spread_out(one, &timestamps, filler)).collect();
        let mut grid = Grid { timestamps, columns };
        match alignment.fill {
            Some(fill) => grid.columns.iter_mut().for_each(|column| fill.spread(column)),
            None => grid.trim(alignment)?,
        }
        Ok(grid)
    }

    /// Cuts what lies before and after the times common to all, and sees that enough is left in common.
    fn trim(&mut self, alignment: &Alignment) -> Result<(), Misaligned> {
        let mut common = vec![true; self.timestamps.len()];
        for column in &self.columns {
            common.iter_mut().zip(column).for_each(|(common, value)| *common &= !value.is_nan());
        }
        let overlap = common.iter().filter(|common| **common).count();
        let first = common.iter().position(|common| *common);
        let last = common.iter().rposition(|common| *common);
        let needed = alignment.needed_overlap;
        let (Some(first), Some(last)) = (first, last) else {
            return if needed > 0.0 { Err(Misaligned::NoOverlap) } else { Ok(()) };
        };
        let start = if alignment.has_start { 0 } else { first };
        let stop = if alignment.has_stop { self.timestamps.len() } else { last + 1 };
        if (start, stop) != (0, self.timestamps.len()) {
            cut(&mut self.timestamps, start, stop);
            self.columns.iter_mut().for_each(|column| cut(column, start, stop));
        }
        let found = overlap as f64 * 100.0 / self.timestamps.len() as f64;
        if found < needed { Err(Misaligned::LittleOverlap { needed, found }) } else { Ok(()) }
    }
}

fn cut<T>(rows: &mut Vec<T>, start: usize, stop: usize) {
    rows.truncate(stop);
    rows.drain(..start);
}

/// All times of all series, ascending, each once; only some when they are too many for a grid.
///
/// Each series is merged into what there is: no more steps than the grid will have values.
fn merged(series: &[Series]) -> Vec<Timestamp> {
    let (mut times, mut merging) = (Vec::new(), Vec::new());
    for one in series {
        if one.timestamps == times {
            continue;
        }
        merging.clear();
        merge(&times, &one.timestamps, &mut merging);
        std::mem::swap(&mut times, &mut merging);
        if times.len().saturating_mul(series.len()) > CELLS_MAX {
            break;
        }
    }
    times
}

/// Appends what is in either of two ascending lists.
fn merge(mut left: &[Timestamp], mut right: &[Timestamp], both: &mut Vec<Timestamp>) {
    while let ([a, left_rest @ ..], [b, right_rest @ ..]) = (left, right) {
        both.push(*a.min(b));
        if a <= b {
            left = left_rest;
        }
        if b <= a {
            right = right_rest;
        }
    }
    both.extend_from_slice(left);
    both.extend_from_slice(right);
}

/// The values of a series at `times`, of which its own are a part.
fn spread_out(series: Series, times: &[Timestamp], filler: f64) -> Vec<f64> {
    if series.len() == times.len() {
        return series.values;
    }
    let mut values = vec![filler; times.len()];
    let mut row = 0;
    for (time, value) in series.timestamps.iter().zip(series.values) {
        while times.get(row).is_some_and(|other| other < time) {
            row += 1;
        }
        if let Some(place) = values.get_mut(row) {
            *place = value;
        }
    }
    values
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Granularity;

    const NAN: f64 = f64::NAN;

    fn series(list: &[(i64, f64)]) -> Series {
        Series {
            granularity: Granularity::from_ns(1).unwrap(),
            timestamps: list.iter().map(|(at, _)| Timestamp::from_ns(*at)).collect(),
            values: list.iter().map(|(_, value)| *value).collect(),
        }
    }

    fn two() -> Vec<Series> {
        vec![series(&[(1, 1.0), (2, 2.0), (4, 4.0)]), series(&[(2, 20.0), (3, 30.0), (4, 40.0), (5, 50.0)])]
    }

    fn strict(needed_overlap: f64, has_start: bool, has_stop: bool) -> Alignment {
        Alignment { fill: None, needed_overlap, has_start, has_stop }
    }

    fn rows(grid: &Grid) -> Vec<(i64, String)> {
        let of = |row: usize| format!("{:?}", grid.columns.iter().map(|c| c[row]).collect::<Vec<f64>>());
        grid.timestamps.iter().enumerate().map(|(row, at)| (at.ns(), of(row))).collect()
    }

    #[test]
    fn series_are_put_side_by_side_at_all_their_times() {
        let fill = |fill| Alignment { fill: Some(fill), ..strict(100.0, false, false) };
        let grid = Grid::align(two(), &fill(Fill::Null)).unwrap();
        assert_eq!(grid.timestamps.iter().map(|t| t.ns()).collect::<Vec<_>>(), [1, 2, 3, 4, 5]);
        assert_eq!(format!("{:?}", grid.columns[0]), format!("{:?}", [1.0, 2.0, NAN, 4.0, NAN]));
        let grid = Grid::align(two(), &fill(Fill::Number(0.5))).unwrap();
        assert_eq!(grid.columns, [[1.0, 2.0, 0.5, 4.0, 0.5], [0.5, 20.0, 30.0, 40.0, 50.0]]);
        let grid = Grid::align(two(), &fill(Fill::FullForward)).unwrap();
        assert_eq!(grid.columns, [[1.0, 2.0, 2.0, 4.0, 4.0], [20.0, 20.0, 30.0, 40.0, 50.0]]);
    }

    #[test]
    fn without_a_start_or_stop_only_what_overlaps_counts() {
        let grid = Grid::align(two(), &strict(66.0, false, false)).unwrap();
        assert_eq!(
            rows(&grid),
            [(2, "[2.0, 20.0]".into()), (3, "[NaN, 30.0]".into()), (4, "[4.0, 40.0]".into())]
        );
        let found = 200.0 / 3.0;
        let refused = Grid::align(two(), &strict(100.0, false, false));
        assert_eq!(refused, Err(Misaligned::LittleOverlap { needed: 100.0, found }));
        let text = "Less than 100.000000% of datapoints overlap in this timespan (66.67%)";
        assert_eq!(refused.unwrap_err().to_string(), text);
        assert_eq!(Grid::align(two(), &strict(40.0, true, true)).unwrap().timestamps.len(), 5);
        let refused = Grid::align(two(), &strict(41.0, true, true));
        assert_eq!(refused, Err(Misaligned::LittleOverlap { needed: 41.0, found: 40.0 }));
    }

    #[test]
    fn nothing_in_common_is_an_error_unless_nothing_is_needed() {
        let apart = || vec![series(&[(1, 1.0)]), series(&[(2, 2.0)])];
        assert_eq!(Grid::align(apart(), &strict(1.0, false, false)), Err(Misaligned::NoOverlap));
        assert_eq!(Grid::align(apart(), &strict(0.0, false, false)).unwrap().timestamps.len(), 2);
        assert_eq!(Grid::align(vec![series(&[])], &strict(100.0, false, false)), Err(Misaligned::NoOverlap));
        // A stored NaN is not a value in common.
        assert_eq!(
            Grid::align(vec![series(&[(1, NAN)])], &strict(1.0, true, true)),
            Err(Misaligned::NoOverlap)
        );
    }
}
