//! Floor 1 · Points in time and what is computed of them: methods, accumulators, rates, spans, archive
//! policies, resampling, and series side by side.
//!
//! Pure: no file, no clock, no network, no record format.

mod accumulator;
mod across;
mod column;
mod fill;
mod grid;
mod groups;
mod method;
mod percentile;
mod policy;
mod policy_defaults;
mod policy_methods;
mod rate;
mod resample;
mod spans;
mod step;
mod sum;

pub use accumulator::{Accumulator, Needs};
pub use across::{Across, AcrossStatistic, BadAcross, across, rolling};
pub use column::{Column, Series};
pub use fill::{BadFill, Fill};
pub use grid::{Alignment, CELLS_MAX, Grid, Misaligned};
pub use method::{BadMethod, Form, Method, Statistic};
pub use percentile::percentile;
pub use policy::{ArchivePolicy, BadPolicy, Definition};
pub use policy_defaults::{DEFAULT_POLICY, ceilometer_policies, gnocchi_policies};
pub use policy_methods::{DEFAULT_METHODS, canonical_methods, gnocchi_methods, methods_of_words};
pub use rate::{Point, Rates, rates};
pub use resample::{NoRatesByCalendar, resample};
pub use spans::Spans;
pub use step::{Calendar, Step};
pub use sum::ExactSum;
