//! Floor 3 · Ways out, one file each. Every sink takes whole lines; what they mean was decided above.

mod amqp;
mod courier;
mod delivery;
mod file;
mod framing;
mod http;
mod preview;
mod standard;
mod stream;
mod tee;
mod udp;

use std::path::PathBuf;
use std::sync::Arc;

use delivery::TlsTarget;
pub use file::{FileSink, Rotation};
pub use http::{
    Definitions as ResourceDefinitions, Keystone as KeystoneUser, Resource as ResourceDefinition,
};
pub use preview::{Message, Preview, preview};
pub use standard::StandardSink;
pub use stream::{StreamOptions, StreamSink, WhenFull};
pub use tee::Tee;
pub use udp::UdpSink;

use crate::base::address::HostPort;
use crate::base::tls::CLIENT_OPTIONS;
use crate::base::{Address, Books, Failure, LineSink, Secret, Stop, Url};
use crate::wire::meter::MeterWriter;
use crate::wire::signature::DEFAULT_SECRET;

/// The schemes that [`open`] knows.
pub const SCHEMES: &[&str] = &[
    "file",
    "udp",
    "tcp",
    "tls",
    "unix",
    "http",
    "https",
    "gnocchi",
    "prometheus",
    "prometheus+write",
    "opentelemetryhttp",
    "otlp+http",
    "amqp",
    "amqps",
    "notifier",
];

/// A way out that can be reopened and has an end.
pub trait Sink: LineSink + Send {
    /// What messages and books call it: the URL or path as the user wrote it, without secrets.
    fn name(&self) -> &str;

    /// Opens the file anew (HUP, after somebody renamed it); nothing for a sink without a file.
    ///
    /// # Errors
    /// When that is not possible.
    fn reopen(&mut self) -> Result<(), Failure>;

    /// Hands on and syncs all that was taken; what could not be delivered is in the books afterwards.
    ///
    /// # Errors
    /// When the sink failed for good.
    fn close(&mut self) -> Result<(), Failure>;
}

/// What all sinks of a run are opened with.
#[derive(Clone, Debug)]
pub struct Options {
    /// What signed records are signed with.
    pub secret: Secret,
}

impl Default for Options {
    fn default() -> Options {
        Options { secret: Secret::new(DEFAULT_SECRET) }
    }
}

/// Opens `-`, a path, `file:PATH[?max_bytes=&backup_count=][&sync]`, `udp://HOST:PORT`, or
/// `tcp://HOST:PORT` and `unix:PATH` with `[?queue=BYTES][&when_full=drop|wait][&linger=SECONDS]`,
/// `tls://HOST:PORT` with those and `[&ca=FILE][&cert=FILE&key=FILE][&verify=no][&server_name=NAME]`,
/// `amqp[s]://[USER[:PASSWORD]@]HOST[:PORT][/VIRTUAL-HOST][?OPTIONS]`, `notifier://…` of the same form, or
/// `SCHEME://[USER:PASSWORD@]HOST[:PORT][/PATH][?OPTIONS]` with `http`, `https`, `gnocchi`, `prometheus` (a Pushgateway),
/// `prometheus+write`, `otlp+http` or `opentelemetryhttp`, whose options are those of a queue, of the connection
/// (`timeout`, `max_retries`, `verify_ssl`, `clientcert`, `clientkey`, `token_file`, `proxy`) and their own.
///
/// udp:, tcp: and tls: send what Ceilometer's publishers of that name send, and lines with `?format=json`.
///
/// After `stop` was requested, no sink makes its caller wait longer than it lingers at its end.
///
/// # Errors
/// [`Failure::Usage`] when the address makes no sense, [`Failure::Configuration`] for a file that it names and that
/// cannot be used, else what the system said. A receiver that is not there is no error, but for udp: the sink tries until
/// its end.
pub fn open(
    text: &str,
    options: &Options,
    books: &Arc<Books>,
    stop: &Arc<Stop>,
) -> Result<Box<dyn Sink>, Failure> {
    Ok(match way(text, options)? {
        Way::Standard => Box::new(StandardSink::open(books)?),
        Way::File { path, name, rotation, sync } => {
            Box::new(FileSink::open(&path, &name, rotation, sync, books)?)
        }
        Way::Udp { place, name, writer } => Box::new(UdpSink::connect(&place, &name, writer, books)?),
        Way::Tcp { place, name, writer, queue } => {
            Box::new(StreamSink::tcp(place, &name, writer, queue, books, stop)?)
        }
        Way::Tls { url, writer, queue } => {
            let target = TlsTarget::of_url(&url)?;
            let name = url.name();
            if target.takes_anybody {
                let what = "whoever answers gets the records, and reads them";
                books.warn("verify=no", &format_args!("{name}: verify=no: {what}"));
            }
            Box::new(StreamSink::tls(target, name, writer, queue, books, stop)?)
        }
        Way::Unix { path, name, queue } => Box::new(StreamSink::unix(path, &name, queue, books, stop)?),
        Way::Amqp(url) => amqp::open(&url, options, books, stop)?,
        Way::Http(url) => http::open(&url, books, stop)?,
    })
}

/// An address that makes sense, as far as this file can tell; nothing of it is opened. `name` is for messages.
enum Way {
    Standard,
    File {
        path: PathBuf,
        name: String,
        rotation: Option<Rotation>,
        sync: bool,
    },
    Udp {
        place: HostPort,
        name: String,
        writer: Option<MeterWriter>,
    },
    Tcp {
        place: HostPort,
        name: String,
        writer: Option<MeterWriter>,
        queue: StreamOptions,
    },
    /// The files that it names are read when it is opened.
    Tls {
        url: Url,
        writer: Option<MeterWriter>,
        queue: StreamOptions,
    },
    Unix {
        path: PathBuf,
        name: String,
        queue: StreamOptions,
    },
    Amqp(Url),
    Http(Url),
}

/// Reads an address.
fn way(text: &str, options: &Options) -> Result<Way, Failure> {
    let url = match Address::parse(text)? {
        Address::Standard => return Ok(Way::Standard),
        Address::Path(path) => {
            return Ok(Way::File { path, name: text.to_owned(), rotation: None, sync: false });
        }
        Address::Url(url) => url,
    };
    let name = url.name().to_owned();
    match url.scheme() {
        "file" => {
            // Ceilometer's file publisher takes `json` for the format that is our only one.
            url.only_options(&["max_bytes", "backup_count", "sync", "json"])?;
            let rotation = rotation(&url)?;
            Ok(Way::File { path: url.path()?, name, rotation, sync: url.flag("sync")? })
        }
        "udp" => {
            url.only_options(&["format"])?;
            let writer = writer(&url, options, None)?;
            Ok(Way::Udp { place: url.host_port()?, name, writer })
        }
        "tcp" => {
            let queue = stream_options(&url, &["format"])?;
            let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
            let writer = writer(&url, options, Some(host))?;
            Ok(Way::Tcp { place: url.host_port()?, name, writer, queue })
        }
        "tls" => {
            let queue = stream_options(&url, &[&["format", "server_name"], &CLIENT_OPTIONS[..]].concat())?;
            let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
            let writer = writer(&url, options, Some(host))?;
            url.host_port()?;
            Ok(Way::Tls { url, writer, queue })
        }
        "unix" => {
            let queue = stream_options(&url, &[])?;
            Ok(Way::Unix { path: url.path()?, name, queue })
        }
        "amqp" | "amqps" | "notifier" => Ok(Way::Amqp(url)),
        scheme if http::SCHEMES.contains(&scheme) => Ok(Way::Http(url)),
        _ => Err(url.unknown_scheme(SCHEMES)),
    }
}

fn rotation(url: &Url) -> Result<Option<Rotation>, Failure> {
    let max_bytes = url.bytes("max_bytes", 1..=u64::MAX >> 1)?;
    let backup_count = url.bytes("backup_count", 1..=file::BACKUP_COUNT_MAX)?;
    match (max_bytes, backup_count) {
        (None, None) => Ok(None),
        (Some(max_bytes), Some(backup_count)) => {
            Ok(Some(Rotation { max_bytes, backup_count: backup_count as u32 }))
        }
        _ => Err(url.usage(&"max_bytes and backup_count rotate the file together: give both or none")),
    }
}

/// What makes Ceilometer's messages of lines; none when the URL asks for lines.
fn writer(
    url: &Url,
    options: &Options,
    publisher_id: Option<String>,
) -> Result<Option<MeterWriter>, Failure> {
    let format = url.choice("format", &["msgpack", "json"])?;
    Ok((format == "msgpack").then(|| MeterWriter::new(&options.secret, publisher_id)))
}

/// How the queue of a URL is, which takes no options but those and `more`.
fn stream_options(url: &Url, more: &[&str]) -> Result<StreamOptions, Failure> {
    url.only_options(&[&["queue", "when_full", "linger"], more].concat())?;
    stream::queue_options(url)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::testing::{Directory, books};

    fn refused(text: &str) -> String {
        let stop = Arc::new(Stop::new().unwrap());
        open(text, &Options::default(), &books(), &stop)
            .err()
            .map(|failure| format!("{} {failure}", failure.status()))
            .unwrap_or_default()
    }

    #[test]
    fn what_makes_no_sense_is_a_usage_error_that_names_what_does() {
        assert!(refused("tpc://h:1").contains("2 tpc://h:1: unknown scheme \"tpc\" (did you mean \"tcp\"?)"));
        assert!(refused("file:x?max_bytes=10").contains("give both or none"));
        assert!(refused("file:x?backup_count=10").contains("give both or none"));
        assert!(refused("file:x?max_bytes=0&backup_count=1").contains("max_bytes=0 is not a size"));
        assert!(refused("tcp://h:1?when_full=block").contains("known: drop, wait"));
        assert!(refused("tcp://h:1?lingre=1").contains("did you mean \"linger\"?"));
        assert!(refused("udp://h:1?queue=1").contains("unknown option \"queue\""));
        assert!(refused("/no/such/directory/file").starts_with("73 cannot create /no/such/directory/file: "));
    }

    #[test]
    fn every_scheme_that_is_named_is_opened_and_shown() {
        for scheme in SCHEMES {
            // An option that no sink has: refused by the scheme's own arm, or by its builder without the part for it.
            let said = refused(&format!("{scheme}://:x/?no_such_option=1"));
            assert!(!said.is_empty() && !said.contains("unknown scheme"), "{scheme}: {said}");
            let shown = preview(&format!("{scheme}://:x/?no_such_option=1"), &Options::default());
            let said = shown.err().map(|failure| failure.to_string()).unwrap_or_default();
            assert!(!said.contains("unknown scheme"), "{scheme}: {said}");
        }
        let known = http::SCHEMES.iter().all(|scheme| SCHEMES.contains(scheme));
        assert!(known, "a scheme of http is not in SCHEMES");
    }

    #[test]
    fn a_path_and_a_file_url_are_written_alike() {
        let directory = Directory::new("sink-open");
        let path = directory.0.join("out");
        let (books, stop) = (books(), Arc::new(Stop::new().unwrap()));
        for address in [path.to_str().unwrap().to_owned(), format!("file:{}?json", path.display())] {
            let mut sink = open(&address, &Options::default(), &books, &stop).unwrap();
            sink.line(b"one").unwrap();
            sink.lines(b"two\nthree\n", 2).unwrap();
            sink.close().unwrap();
        }
        assert_eq!(std::fs::read_to_string(path).unwrap(), "one\ntwo\nthree\none\ntwo\nthree\n");
        assert_eq!(books.to_json()["written"], 6);
    }
}
