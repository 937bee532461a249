//! Floor 1 · Points in time and what is computed of them: methods, accumulators, rates.
//!
//! Pure: no file, no clock, no network, no record format.

mod accumulator;
mod method;
mod percentile;
mod rate;
mod sum;

pub use accumulator::{Accumulator, Needs};
pub use method::{BadMethod, Form, Method, Statistic};
pub use percentile::percentile;
pub use rate::{Point, Rates, rates};
pub use sum::ExactSum;
