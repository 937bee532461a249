//! Floor 0 · What every filter stands on: exit status, messages, books, the line loop, output, signals.
//!
//! Knows no telemetry: a line here is bytes up to a line feed. The only floor below 3 that may touch
//! descriptors, threads and the clock.

pub mod address;
pub mod arenas;
pub mod backoff;
pub mod books;
#[cfg(feature = "amqp")]
pub mod broker;
pub mod clock;
pub mod exit;
pub mod http;
pub mod lines;
pub mod nearest;
pub mod output;
pub mod percent;
pub mod secret;
pub mod signals;
pub mod small_file;
#[cfg(test)]
pub(crate) mod testing;
pub mod threads;
pub mod tls;

pub use address::{Address, Url};
pub use backoff::Backoff;
pub use books::Books;
pub use exit::{Failure, Outcome};
pub use lines::{Block, Chunk, LineBuffer, LineReader};
pub use output::{LineSink, Output};
pub use secret::Secret;
pub use signals::Stop;
