//! RabbitMQ's side of a door: where the broker is, how it is reached, what it says by itself.
//!
//! Knows no telemetry: a message is bytes. Here belongs what a way in and a way out over AMQP 0-9-1 share; what is
//! declared, consumed and published is decided by them. The only place besides them that names `amqprs`.

mod events;
mod link;
mod place;
mod probe;
mod tls;

pub use events::{Event, Told};
pub use link::{Link, LinkError, NOT_ALLOWED, NOT_FOUND, Trouble, connect};
pub use place::{OPTIONS, Place};
pub use tls::adaptor;
