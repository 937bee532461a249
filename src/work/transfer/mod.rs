//! A whole store as lines of text and back: to another machine, another release, another program.
//!
//! `line` is the form, `number` that of its values, `export` writes it, `import` reads it, and `measures` puts what lines
//! say of one metric's points together. What is deleted and waits to be removed is left behind.

mod export;
mod import;
#[cfg(test)]
mod laws;
mod line;
mod measures;
mod number;
mod reader;

pub use export::{Extent, export};
pub use import::{Imported, import};

/// What the first line of an export says; a greater number is refused.
const FORMAT: u32 = 1;
