//! A connection to the first host of a place that answers, or why there is none.

use std::time::Duration;

use amqprs::connection::{Connection, OpenConnectionArguments};
use thiserror::Error;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::time::timeout;

use super::{Event, Place, Told};
use crate::base::Failure;

/// How long a broker may take to answer; a node that recovers its queues answers late, one that hangs never.
pub const ANSWER_TIMEOUT: Duration = Duration::from_secs(20);

/// Why there is no connection.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum LinkError {
    /// The broker does not let this user in: 77.
    #[error("{0}")]
    Refused(String),
    /// The broker has no such virtual host, or a file for TLS cannot be used: 78.
    #[error("{0}")]
    Configuration(String),
    /// Nobody answers, or the connection broke: it may be there again later.
    #[error("{0}")]
    Away(String),
}

impl LinkError {
    /// The failure that ends the run, when trying again cannot help.
    pub fn failure(&self, name: &str) -> Option<Failure> {
        match self {
            LinkError::Refused(why) => {
                let source = std::io::Error::new(std::io::ErrorKind::PermissionDenied, why.clone());
                Some(Failure::Io { doing: "cannot connect to", what: name.to_owned(), source })
            }
            LinkError::Configuration(why) => Some(Failure::Configuration(vec![format!("{name}: {why}")])),
            LinkError::Away(_) => None,
        }
    }

    /// What the library says of a connection that could not be opened: it gives a broker's answer as a text only.
    fn of_open(error: &amqprs::error::Error) -> LinkError {
        let text = error.to_string();
        let said = text.split_once(": '").and_then(|(_, said)| said.split_once("', (")).map(|(said, _)| said);
        let said = said.unwrap_or(&text).to_owned();
        if text.contains("vhost") && text.contains("not found") {
            LinkError::Configuration(said)
        } else if text.contains("ACCESS_REFUSED") || text.contains("NOT_ALLOWED") {
            LinkError::Refused(said)
        } else {
            LinkError::Away(said)
        }
    }
}

/// A connection, and what the broker says on it by itself.
pub struct Link {
    /// The connection; closed when it is dropped.
    pub connection: Connection,
    /// What was said, of the connection and of the channels for which `told` is registered.
    pub events: UnboundedReceiver<Event>,
    /// Where it is said.
    pub told: Told,
}

/// Connects to the first host of `place` that lets us in.
///
/// # Errors
/// What the last host said, or the first that refused.
pub async fn connect(place: &Place) -> Result<Link, LinkError> {
    let (sender, events) = unbounded_channel();
    let told = Told(sender);
    let mut failed = LinkError::Away("no host".to_owned());
    for (host, port) in place.hosts() {
        // The library puts a colon and the port behind it.
        let written = if host.contains(':') { format!("[{host}]") } else { host.clone() };
        let mut arguments = OpenConnectionArguments::new(&written, *port, place.user(), place.password());
        arguments.virtual_host(place.virtual_host()).heartbeat(place.heartbeat_seconds());
        arguments.connection_name(place.connection_name());
        if let Some(tls) = place.tls() {
            let adaptor =
                tls.adaptor(host).map_err(|failure| LinkError::Configuration(failure.to_string()))?;
            arguments.tls_adaptor(adaptor);
        }
        let opened = match timeout(ANSWER_TIMEOUT, Connection::open(&arguments)).await {
            Ok(opened) => opened.map_err(|error| LinkError::of_open(&error)),
            Err(_) => Err(LinkError::Away(format!("no answer in {} seconds", ANSWER_TIMEOUT.as_secs()))),
        };
        match opened {
            Ok(connection) => {
                let registered = connection.register_callback(told.clone()).await;
                return match registered {
                    Ok(()) => Ok(Link { connection, events, told }),
                    Err(error) => Err(LinkError::Away(error.to_string())),
                };
            }
            Err(error @ LinkError::Away(_)) => {
                failed = LinkError::Away(format!("{host}:{port}: {error}"));
            }
            Err(error) => return Err(error),
        }
    }
    Err(failed)
}
