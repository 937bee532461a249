//! RabbitMQ: messages of queues as lines, acknowledged when they have left this process.
//!
//! `plan` is what the address asks for. A thread of its own runs `worker`, the only place with an async runtime: it
//! keeps the connection, makes the queues (`topology`) and puts messages as lines (`body`) into what it shares with
//! `queue`, which hands them out in blocks and says what may be acknowledged.

#[cfg_attr(not(feature = "amqp"), allow(dead_code, reason = "pure, and tested without a broker's library"))]
mod body;
#[cfg(feature = "amqp")]
mod plan;
#[cfg(feature = "amqp")]
mod queue;
#[cfg(feature = "amqp")]
mod topology;
#[cfg(not(feature = "amqp"))]
mod without;
#[cfg(feature = "amqp")]
mod worker;

#[cfg(feature = "amqp")]
pub use queue::open;
#[cfg(not(feature = "amqp"))]
pub use without::open;
