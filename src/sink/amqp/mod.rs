//! RabbitMQ: records in the messages that Ceilometer's notifier publisher sends, confirmed by the broker.
//!
//! `options` is what the address asks for, `batch` makes messages of records, `queue` holds them until the broker has
//! confirmed them, and `delivery` is the thread with the connection: the only place here with an async runtime.

#[cfg(feature = "amqp")]
mod batch;
#[cfg(feature = "amqp")]
mod delivery;
#[cfg(feature = "amqp")]
mod options;
#[cfg(feature = "amqp")]
mod preview;
#[cfg(feature = "amqp")]
mod queue;
#[cfg(not(feature = "amqp"))]
mod without;

#[cfg(feature = "amqp")]
pub use preview::preview;
#[cfg(feature = "amqp")]
pub use queue::open;
#[cfg(not(feature = "amqp"))]
pub use without::{open, preview};
