//! oslo.messaging's notifications: the messages in which OpenStack's services and Ceilometer's notifier publisher speak.
//!
//! A message is a JSON text in a JSON text (the *envelope*, version 2.0), as Python's `json.dumps` writes it. `batch`
//! reads lists of samples and events out of one, `message` writes them; `wire::meter` has their
//! form. `notification` reads those of services.

mod batch;
mod message;
mod notification;
mod python_json;
mod soften;

pub use batch::{NoList, batch};
pub use message::{Identity, Message, timestamp};
pub use notification::{BadNotification, open, read};
pub use python_json::{write_ascii_text, write_python_json};
pub use soften::soften;
