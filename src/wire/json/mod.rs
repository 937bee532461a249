//! JSON lines: a scanner that finds a few keys of a line without building a tree, and checks all of it on the way.
//!
//! This is one of the two engines the project exists for (docs/decisions/0001-own-json-scanner.md): a line of 500
//! bytes holds four values that a rollup needs, and building the rest costs more than all other work.

mod batch;
mod keys;
mod node;
mod number;
mod record;
mod scan;
mod shape;
mod text;

pub use batch::{Batch, Lines};
pub use keys::{KEYS_MAX, Keys, TooManyKeys};
pub use node::{read_node, write_node};
pub use number::{read_f64, write_f64};
pub use record::{Records, Reject, SampleParts};
pub use scan::{Found, NotJson, Scanner, Slot, ValueKind};
pub use text::{unescape, write_text};
