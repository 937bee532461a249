//! Gnocchi 4.7.1's REST API, over a store.
//!
//! One file for what the API has a word for; each begins with its rows of the table. A function here reads a request, asks
//! `rules` whether its caller may, has `store` or `work` do it, and writes the answer as the original does: its status, its
//! shapes, and its words where clients read them. `desk` is what a worker's thread has, `refusal` gives the store's errors
//! their status.

mod body;
mod desk;
mod json;
mod page;
mod refusal;
mod root;
mod rules;
mod scope;
mod service;

pub use desk::{Desk, Options};
pub use rules::{DEFAULT_RULES, policy};
pub use service::{Keeper, front};

use super::http::Route;

/// All that is answered.
pub fn routes() -> Vec<Route<Desk>> {
    let mut routes = Vec::new();
    routes.extend(root::routes());
    routes
}
