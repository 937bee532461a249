//! Floor 3 · Ways out over HTTP: what they share, and one file a dialect.
//!
//! `target` reads the address, `client` makes one request, `delivery` is the thread that makes requests until they
//! are answered, `dialect` says what a dialect is. A dialect knows what its receiver wants to be posted, and nothing
//! of connections, retries and queues.

mod client;
mod delivery;
mod dialect;
mod gnocchi;
mod keystone;
mod metrics;
mod preview;
mod pushgateway;
mod records;
mod target;

use std::sync::Arc;

pub use gnocchi::{Definitions, Resource};
pub use keystone::Keystone;

use super::{Preview, Sink, StreamSink};
use crate::base::{Books, Failure, Stop, Url};
use delivery::Delivery;
use dialect::Dialect;
use gnocchi::Gnocchi;
use metrics::{Otlp, RemoteWrite};
use pushgateway::Pushgateway;
use records::Records;
use target::{Rest, Target};

/// The schemes of this folder.
pub const SCHEMES: [&str; 7] =
    ["http", "https", "gnocchi", "prometheus", "prometheus+write", "opentelemetryhttp", "otlp+http"];

/// Opens a URL of one of [`SCHEMES`].
///
/// # Errors
/// [`Failure::Usage`] for options that make no sense, [`Failure::Configuration`] for files that they name and that
/// cannot be used. A receiver that is not there is no error.
pub fn open(url: &Url, books: &Arc<Books>, stop: &Arc<Stop>) -> Result<Box<dyn Sink>, Failure> {
    if url.scheme() == "prometheus" && !url.place().contains("/metrics/job") {
        let why = "a Pushgateway takes nothing at this path: it is /metrics/job/NAME";
        books.warn("path", &format_args!("{}: {why}", url.name()));
    }
    let (target, dialect) = destination(url)?;
    let queue = target.queue;
    let delivery = Delivery::new(&target, dialect)?;
    Ok(Box::new(StreamSink::start(url.name(), queue, books, stop, |courier| delivery.run(courier))?))
}

/// Shows the requests that [`open`] would make, were all of them taken. No file of certificates, keys or tokens is read.
///
/// # Errors
/// As [`open`].
pub fn preview(url: &Url) -> Result<Box<dyn Preview>, Failure> {
    let (target, dialect) = destination(url)?;
    Ok(Box::new(preview::Requests::new(url.name(), target, dialect)))
}

/// Who receives, and how it wants to be spoken to.
fn destination(url: &Url) -> Result<(Target, Box<dyn Dialect>), Failure> {
    let (mut target, dialect): (Target, Box<dyn Dialect>) = match url.scheme() {
        // Ceilometer's two leave what they do not know to the receiver.
        "prometheus" => (Target::new(url, Rest::StaysInTheUrl(&[]))?, Box::new(Pushgateway::new(url))),
        "opentelemetryhttp" => {
            (Target::new(url, Rest::StaysInTheUrl(&metrics::OPTIONS))?, Box::new(Otlp::new(url)?))
        }
        "gnocchi" => {
            let mut target = Target::new(url, Rest::IsRefused(&gnocchi::OPTIONS))?;
            gnocchi::authenticate(url, &mut target)?;
            (target, Box::new(Gnocchi::new(url)?))
        }
        "otlp+http" => (Target::new(url, Rest::IsRefused(&metrics::OPTIONS))?, Box::new(Otlp::new(url)?)),
        "prometheus+write" => {
            (Target::new(url, Rest::IsRefused(&metrics::OPTIONS))?, Box::new(RemoteWrite::new(url)?))
        }
        _ => (Target::new(url, Rest::StaysInTheUrl(&records::OPTIONS))?, Box::new(Records::new(url)?)),
    };
    target.add_default_path(match url.scheme() {
        "prometheus+write" => "/api/v1/write",
        "otlp+http" => "/v1/metrics",
        _ => "",
    });
    if matches!(url.scheme(), "prometheus" | "gnocchi") {
        target.strip_slash();
    }
    Ok((target, dialect))
}
