//! HTTP as the services need it.
//!
//! A request's way: `front` (limits, where it came from, which route), `incoming` (its body), `workers` (a thread that may block), the
//! route's function, and back: `problem` (errors in the words of WebOb), `front` (CORS, gzip, the access log).

mod answer;
mod body;
mod call;
mod cors;
mod front;
mod incoming;
mod log;
mod parameters;
mod problem;
mod route;
mod server;
mod site;
mod workers;

pub use answer::{Answer, Content};
pub use call::Call;
pub use cors::Cors;
pub use front::{Counters, Front, Limits};
pub use log::AccessLog;
pub use parameters::Parameters;
pub use problem::Problem;
pub use route::{Handler, Route};
pub use server::{Event, Server};
pub use site::{Forwarding, Place, Site};
pub use workers::Workers;
