//! The points of all metrics: journal, segments, rollup.
