//! Floor 5 · Words for people: arguments, help, wiring, tables, plots, progress.
//!
//! A tool's file has four things in this order: its arguments, `main`, `run` (wiring, one screen), and the mapping
//! of options to library types.

pub mod aggregate;
pub mod alarm;
pub mod chart;
mod definitions;
pub mod events;
mod format;
pub mod listen;
mod plot;
pub mod poll;
mod progress;
pub mod publish;
mod rows;
mod shared;
mod table;

use clap::Command;

/// The six programs as clap knows them: man pages, completions and tests are made of these.
pub fn commands() -> Vec<Command> {
    vec![
        poll::command(),
        listen::command(),
        publish::command(),
        aggregate::command(),
        events::command(),
        alarm::command(),
    ]
}
