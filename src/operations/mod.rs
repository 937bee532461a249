//! Floor 2 · The language of dynamic aggregates (Gnocchi's `/v1/aggregates`): parse, plan, apply.
//!
//! `(aggregate mean (metric cpu.* mean))`, or the same as JSON lists, becomes a [`Node`]; [`Node::references`] says
//! which series it needs, and [`apply`] computes the answer from them. Pure: fetching the series is for others.

mod apply;
mod arithmetic;
mod evaluate;
mod granularities;
mod operator;
mod parse;
mod term;
mod text;
mod tree;

pub use apply::{Answer, CannotApply, Input, apply};
pub use granularities::{BadGranularities, common_granularities};
pub use operator::{Binary, Unary};
pub use parse::{BadOperations, parse_json, parse_text};
pub use tree::{Node, Reference};
