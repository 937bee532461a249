//! Floor 2 · Ceilometer's pipelines: sources take meters, sinks transform them, publishers send them.
//!
//! Pure: no file, clock or socket; the time is told. `file` reads pipeline.yaml and event_pipeline.yaml, `polling`
//! the sources of polling.yaml, `matching` says which names a source takes, `transform` has the transformers of
//! Ceilometer's Ocata release, which later ones lost. Who sends what comes out is decided above.

mod expression;
mod file;
mod matching;
mod number;
mod polling;
mod publisher;
mod sample;
pub mod transform;
mod values;

pub use expression::{BadExpression, Expression, NoValue};
pub use file::{Checks, Kind, Pipelines, Sink, Source, read};
pub use matching::{BadMatching, Matching};
pub use number::{BadArithmetic, Number};
pub use polling::{PollingSource, read_polling};
pub use publisher::Publisher;
pub use sample::{BadSample, Sample};
pub use values::Faults;
