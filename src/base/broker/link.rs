//! A connection to the first host of a place that answers, or why there is none.

use std::collections::VecDeque;
use std::future::Future;
use std::time::Duration;

use amqprs::channel::Channel;
use amqprs::connection::{Connection, OpenConnectionArguments};
use thiserror::Error;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::time::timeout;

use super::{Event, Place, Told, adaptor, probe};
use crate::base::Failure;

/// How long a broker may take to answer; a node that recovers its queues answers late, one that hangs never.
pub const ANSWER_TIMEOUT: Duration = Duration::from_secs(20);
/// How long the reason of a no is waited for: it comes before the no does, unless the connection broke.
const REASON_TIMEOUT: Duration = Duration::from_secs(1);

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
        let said = said(&text).to_owned();
        if text.contains("vhost") && text.contains("not found") {
            LinkError::Configuration(said)
        } else if text.contains("ACCESS_REFUSED") || text.contains("NOT_ALLOWED") {
            LinkError::Refused(said)
        } else {
            LinkError::Away(said)
        }
    }
}

/// Why something could not be asked for.
#[derive(Clone, Debug, Error)]
pub enum Trouble {
    /// The broker says no.
    #[error("{why}")]
    Refused {
        /// 403 not allowed, 404 not found, 405 locked, 406 of another kind.
        code: u16,
        /// In the broker's words.
        why: String,
    },
    /// The connection is of no use any more.
    #[error("{0}")]
    Lost(String),
}

/// AMQP's "you may not".
pub const NOT_ALLOWED: u16 = 403;
/// AMQP's "no such thing".
pub const NOT_FOUND: u16 = 404;

/// A connection, and what the broker says on it by itself.
pub struct Link {
    /// The connection; closed when it is dropped.
    pub connection: Connection,
    /// What is said of the connection and its channels.
    events: UnboundedReceiver<Event>,
    /// What was said while something else was waited for.
    earlier: VecDeque<Event>,
    told: Told,
}

impl Link {
    /// What the broker says next by itself. May be given up and called again: nothing is lost.
    pub async fn event(&mut self) -> Option<Event> {
        match self.earlier.pop_front() {
            Some(event) => Some(event),
            None => self.events.recv().await,
        }
    }

    /// A new channel.
    ///
    /// # Errors
    /// When the connection is of no use any more.
    pub async fn channel(&self) -> Result<Channel, Trouble> {
        let open = async {
            let channel = self.connection.open_channel(None).await?;
            channel.register_callback(self.told.clone()).await?;
            Ok::<_, amqprs::error::Error>(channel)
        };
        match timeout(ANSWER_TIMEOUT, open).await {
            Ok(opened) => opened.map_err(|error| Trouble::Lost(error.to_string())),
            Err(_) => Err(Trouble::Lost("the broker does not answer".to_owned())),
        }
    }

    /// Waits for the answer to what was asked on `channel`. A no closes the channel, and its reason comes by itself.
    ///
    /// # Errors
    /// The reason.
    pub async fn ask<T>(
        &mut self,
        channel: &Channel,
        question: impl Future<Output = Result<T, amqprs::error::Error>>,
    ) -> Result<T, Trouble> {
        let error = match timeout(ANSWER_TIMEOUT, question).await {
            Ok(Ok(answer)) => return Ok(answer),
            Ok(Err(error)) => error.to_string(),
            Err(_) => return Err(Trouble::Lost("the broker does not answer".to_owned())),
        };
        let reason = async {
            while let Some(event) = self.events.recv().await {
                match event {
                    Event::ChannelClosed { channel: id, code, why } if id == channel.channel_id() => {
                        return Trouble::Refused { code, why };
                    }
                    Event::ConnectionClosed(why) => return Trouble::Lost(why),
                    other => self.earlier.push_back(other),
                }
            }
            Trouble::Lost(error.clone())
        };
        let reason = timeout(REASON_TIMEOUT, reason).await;
        Err(reason.unwrap_or_else(|_| Trouble::Lost(error.clone())))
    }
}

/// The broker's words, or the system's, without what the library wraps them in.
fn said(text: &str) -> &str {
    let quoted = |begin: &str, end: &str| {
        let (_, behind) = text.split_once(begin)?;
        behind.split_once(end).map(|(said, _)| said)
    };
    let answer =
        quoted("reply_text: ShortStr(", "\"),").and_then(|said| said.split_once('"')).map(|(_, said)| said);
    let answer =
        answer.or_else(|| quoted(": '", "', (").and_then(|said| said.split_once(": ")).map(|(_, said)| said));
    answer.or_else(|| text.rsplit_once("network io error: ").map(|(_, said)| said)).unwrap_or(text)
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
            let adaptor = adaptor(tls, host).map_err(|error| LinkError::Configuration(error.to_string()))?;
            arguments.tls_adaptor(adaptor);
        }
        let opened = match timeout(ANSWER_TIMEOUT, Connection::open(&arguments)).await {
            Ok(Ok(connection)) => Ok(connection),
            Ok(Err(error)) => match hangs_up(&error) {
                true => Err(why_hung_up(place, host, *port, &error).await),
                false => Err(LinkError::of_open(&error)),
            },
            Err(_) => Err(LinkError::Away(format!("no answer in {} seconds", ANSWER_TIMEOUT.as_secs()))),
        };
        match opened {
            Ok(connection) => {
                let registered = connection.register_callback(told.clone()).await;
                return match registered {
                    Ok(()) => Ok(Link { connection, events, earlier: VecDeque::new(), told }),
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

/// Whether the broker was there, and closed the connection without a word.
fn hangs_up(error: &amqprs::error::Error) -> bool {
    let text = error.to_string();
    ["reset by peer", "peer shutdown", "interrupted", "Broken pipe"].iter().any(|end| text.contains(end))
}

async fn why_hung_up(place: &Place, host: &str, port: u16, error: &amqprs::error::Error) -> LinkError {
    match timeout(ANSWER_TIMEOUT, probe::refusal(place, host, port)).await {
        Ok(Some(why)) => LinkError::Refused(why),
        _ => LinkError::of_open(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use amqprs::error::Error;

    #[test]
    fn what_cannot_be_helped_is_told_apart_from_what_can() {
        let vhost = "failed to open connection, reason: Close(MethodHeader { class_id: 10, method_id: 50 }, Close { \
                     reply_code: 530, reply_text: ShortStr(37, \"NOT_ALLOWED - vhost nowhere not found\"), class_id: 10, \
                     method_id: 40 })";
        let login = "failed to tune connection params, reason: '403: ACCESS_REFUSED - Login was refused', (class_id = 0, method_id = 0)";
        let network = "network io error: Connection refused (os error 111)";
        for (error, expected, status) in [
            (
                Error::ConnectionOpenError(vhost.to_owned()),
                LinkError::Configuration("NOT_ALLOWED - vhost nowhere not found".to_owned()),
                Some(78),
            ),
            (
                Error::ConnectionOpenError(login.to_owned()),
                LinkError::Refused("ACCESS_REFUSED - Login was refused".to_owned()),
                Some(77),
            ),
            (
                Error::NetworkError(network.to_owned()),
                LinkError::Away("Connection refused (os error 111)".to_owned()),
                None,
            ),
        ] {
            let found = LinkError::of_open(&error);
            assert_eq!(found, expected);
            assert_eq!(found.failure("amqp://bus/").map(|failure| failure.status()), status);
        }
    }
}
