//! What every HTTP server of ours stands on: connections that are accepted, watched and ended, and bodies unpacked.
//!
//! hyper speaks the protocol. What a request means is the business of whoever serves: `source/http`, `serve`.

pub mod coding;
mod connection;
mod paced;
mod server;

pub use paced::{Lost, Paced};
pub use server::{Listening, Stage, serve};
