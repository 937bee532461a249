//! collectd: its binary network protocol and the JSON of its write_http plugin.
//!
//! A value is called `PLUGIN[-INSTANCE]@TYPE[-INSTANCE][-SOURCE]`, as by Gnocchi's amqp1d; the data source stands there
//! when its type has more than one. `resource_id` is the host. GAUGE is a gauge, COUNTER and DERIVE are cumulative,
//! ABSOLUTE is a delta. The parts of the name, and the interval in seconds, are the metadata.

mod json;
mod network;
mod types;
mod value;

pub use json::Json;
pub use network::{Network, Options, Users};
pub use types::Types;
