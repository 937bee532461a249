//! One aggregated series: what a query works on.

use std::ops::Range;

use super::Method;
use crate::model::{Granularity, Timestamp};

/// The values of one method, one row a span.
#[derive(Clone, Debug, PartialEq)]
pub struct Column {
    /// What was computed.
    pub method: Method,
    /// A value for each span; 0.0 where there is none.
    pub values: Vec<f64>,
    /// Which spans have a value; none when all have (`std` has none of a single point).
    pub present: Option<Vec<bool>>,
}

impl Column {
    /// Whether span `row` has a value.
    pub fn is_present(&self, row: usize) -> bool {
        self.present.as_ref().is_none_or(|present| present[row])
    }

    /// The value of span `row`, if it has one.
    pub fn get(&self, row: usize) -> Option<f64> {
        self.is_present(row).then(|| self.values[row])
    }

    /// Puts rows of another column of the same method behind its own.
    pub fn append(&mut self, more: &Column, rows: Range<usize>) {
        self.append_presence(more.present.as_ref().map(|present| &present[rows.clone()]), rows.len());
        self.values.extend_from_slice(&more.values[rows]);
    }

    /// Says which of `rows` rows, whose values are appended next, have one; none: all.
    pub fn append_presence(&mut self, present: Option<&[bool]>, rows: usize) {
        if present.is_none() && self.present.is_none() {
            return;
        }
        // All were present so far, and are not any more.
        let before = self.values.len();
        let all = self.present.get_or_insert_with(|| vec![true; before]);
        match present {
            Some(present) => all.extend_from_slice(present),
            None => all.extend(std::iter::repeat_n(true, rows)),
        }
    }
}

/// The aggregates of one method and granularity: a value for each span that has one.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    /// The length of the spans.
    pub granularity: Granularity,
    /// The starts of the spans, ascending.
    pub timestamps: Vec<Timestamp>,
    /// A value for each.
    pub values: Vec<f64>,
}

impl Series {
    /// Without any point.
    pub fn empty(granularity: Granularity) -> Series {
        Series { granularity, timestamps: Vec::new(), values: Vec::new() }
    }

    /// How many points there are.
    pub fn len(&self) -> usize {
        debug_assert_eq!(self.timestamps.len(), self.values.len());
        self.timestamps.len()
    }

    /// Whether there is no point.
    pub fn is_empty(&self) -> bool {
        self.timestamps.is_empty()
    }
}
