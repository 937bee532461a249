//! How the index and the measures call the same metric.

/// A metric's number: given by the index, dense, never given twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MetricNumber(pub u32);
