//! A chart of series as an SVG document: curves over time, axes, a legend.
//!
//! `axis` says where the marks of an axis stand and what they are called, `thin` leaves out points that nobody could
//! see. Nothing here knows where series come from.

mod axis;
mod draw;
mod thin;

use crate::model::{Granularity, Timestamp};

pub use draw::svg;

/// Curves of one chart: more cannot be told apart by their colours.
pub const CURVES_MAX: usize = 12;

/// What is drawn.
#[derive(Clone, Debug, Default)]
pub struct Chart {
    /// What stands above it.
    pub title: String,
    /// What stands at the axis of values: their unit.
    pub unit: Option<String>,
    /// The curves; those behind [`CURVES_MAX`] are not drawn.
    pub curves: Vec<Curve>,
}

/// One series.
#[derive(Clone, Debug)]
pub struct Curve {
    /// What it is called in the legend.
    pub label: String,
    /// How far apart its points are: where they are further apart, the line breaks. None: it never does.
    pub granularity: Option<Granularity>,
    /// Its points, ascending; those that are no finite number are gaps.
    pub points: Vec<(Timestamp, f64)>,
}
