//! Floor 3 · HTTP and HTTPS: what Ceilometer's publishers and other systems' agents post.
//!
//! Two threads: `server` has the connections, on a runtime of its own because hyper asks for one; the source's own
//! reads the bodies (`source`), so that a flood of them costs the network nothing and a slow output makes senders
//! wait. Between them `queue`. A request's way: `request` (head, limits, body), `route` (which decoder), unpacking,
//! the decoder, the output, `answer` (what its protocol's senders expect to hear).

mod answer;
mod auth;
mod grouping;
mod memory;
mod queue;
mod request;
mod route;
mod server;
mod source;

pub use source::HttpSource;
