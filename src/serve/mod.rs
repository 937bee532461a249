//! Floor 5 · REST services over the stores, which answer as the originals do.
//!
//! `http` is what all of them share: a request becomes a [`Call`](http::Call), a row of a table of
//! [`Route`](http::Route)s answers it on a thread that has the store to itself. `auth` says who calls and what that allows.
//! `gnocchi` is the API of Gnocchi 4.7.1. Never here: what an answer is computed from (`work`), command lines (`cli`).

pub mod auth;
pub mod gnocchi;
pub mod http;
