//! Floor 3 · Ways in, one file each. Every source hands out blocks of whole lines; what a line means is decided above.

mod amqp;
mod decoded;
mod files;
mod follow;
mod frames;
mod http;
mod stream;
#[cfg(test)]
mod testing;
mod udp;
mod wires;

use std::fmt::Display;
use std::net::SocketAddr;
use std::sync::Arc;

pub use decoded::Decoded;
pub use files::Files;
pub use follow::{Begin, Follow};
pub use http::HttpSource;
pub use stream::StreamSource;
pub use udp::{SOCKET_BUFFER_BYTES, UdpSource};
pub use wires::Format;

use crate::base::lines::LINE_MAX;
use crate::base::tls::{self, SERVER_OPTIONS, ServerFiles};
use crate::base::{Address, Books, Chunk, Failure, Secret, Stop, Url};
use crate::wire::Faults;
use crate::wire::meter::{Form, MeterReader};
use crate::wire::signature::{DEFAULT_SECRET, Unverified, Verification};

/// The schemes that [`open`] knows.
pub const SCHEMES: &[&str] =
    &["file", "udp", "tcp", "tls", "unix", "http", "https", "amqp", "amqps", "statsd", "influx", "collectd"];

/// A way in.
///
/// Pulled by one thread: [`Source::next`] waits for input, and calls `pause` before it does so.
pub trait Source: Send {
    /// What messages and books call it: the URL or path as the user wrote it.
    fn name(&self) -> &str;

    /// Where it listens, for those who asked for port 0; none for a source that does not listen on a port.
    fn bound(&self) -> Option<SocketAddr> {
        None
    }

    /// Whether it is all there already, and reading never waits for anybody: a regular file.
    fn is_complete(&self) -> bool {
        false
    }

    /// Whether senders are told that what they sent has left this process.
    ///
    /// Such a source calls `pause` behind a block, or behind several, and acknowledges what it handed out when `pause`
    /// has returned: by then all of it was written, or is in the books.
    fn acknowledges(&self) -> bool {
        false
    }

    /// The next lines; none at the end of the input or when a stop was requested.
    ///
    /// `pause` is called before a wait that may block, so that the output can be flushed.
    ///
    /// # Errors
    /// When the source is broken for good, or what `pause` returns.
    fn next(
        &mut self,
        stop: &Stop,
        pause: &mut dyn FnMut() -> Result<(), Failure>,
    ) -> Result<Option<Chunk<'_>>, Failure>;

    /// Enters in the books what only the source knows, as datagrams that the kernel dropped. Called once, at the end.
    fn close(&mut self, books: &Books);
}

/// What all sources of a run are opened with.
#[derive(Clone, Debug)]
pub struct Options {
    /// Longer lines, frames and bodies are reported, not handed out; bytes.
    pub line_max: usize,
    /// How signed records are checked.
    pub verification: Verification,
    /// What files and standard input hold, unless their URL says it; none are records.
    pub format: Option<Format>,
}

impl Default for Options {
    fn default() -> Options {
        let secret = Secret::new(DEFAULT_SECRET);
        Options {
            line_max: LINE_MAX,
            verification: Verification { secret, unverified: Unverified::default() },
            format: None,
        }
    }
}

/// Enters in the books what a decoder cannot use of one message.
struct Told<'a> {
    source: &'a str,
    /// The number of the line that the message would have been.
    line: u64,
    /// The message's length; entered once.
    bytes: u64,
    books: &'a Books,
}

impl Faults for Told<'_> {
    fn fault(&mut self, reason: &'static str, why: &dyn Display) {
        self.books.read(1, std::mem::take(&mut self.bytes));
        self.books.reject(self.source, self.line, reason, why);
    }

    fn skip(&mut self, kind: &'static str, records: u64) {
        if records > 0 {
            self.books.read(records, std::mem::take(&mut self.bytes));
            self.books.skip(kind, records);
        }
    }
}

/// Opens `-`, a path, `file:PATH`, `file:PATH?follow[&from=end]`, `udp://HOST:PORT`, `tcp://HOST:PORT`, `unix:PATH`,
/// `tls://HOST:PORT?cert=FILE&key=FILE[&client_ca=FILE]` (tcp encrypted),
/// `http://HOST:PORT`, `https://HOST:PORT?cert=FILE&key=FILE`,
/// `amqp[s]://[USER[:PASSWORD]@]HOST[:PORT][/VIRTUAL-HOST][?OPTIONS]`.
///
/// Over udp: and tcp: come lines or what Ceilometer's publishers of that name send; `?format=json` or `=msgpack` says
/// that it is the one.
///
/// `statsd://`, `influx://` and `collectd://` are datagrams of those systems, and a file may hold one of the formats that
/// `options.format` or its own `?format=` names.
///
/// A host that is left out is loopback: nothing listens beyond it unless `0.0.0.0` or `[::]` is written out.
/// A source that lives long enters what it loses in
/// `books` while it runs.
///
/// # Errors
/// [`Failure::Usage`] when the address makes no sense, else what the system said.
pub fn open(text: &str, options: &Options, books: &Arc<Books>) -> Result<Box<dyn Source>, Failure> {
    let line_max = options.line_max;
    let url = match Address::parse(text)? {
        Address::Standard => return Ok(decoded(Box::new(Files::stdin(line_max)?), options.format, books)),
        Address::Path(path) => {
            return Ok(decoded(Box::new(Files::open(&path, text, line_max)?), options.format, books));
        }
        Address::Url(url) => url,
    };
    match url.scheme() {
        "file" => {
            url.only_options(&["follow", "from", "format"])?;
            let path = url.path()?;
            let format = file_format(&url, options)?;
            if url.flag("follow")? {
                let from = match url.choice("from", &["start", "end"])? {
                    "end" => Begin::End,
                    _ => Begin::Start,
                };
                if format == Some(Format::Prometheus) {
                    return Err(url.usage(&"an exposition is read whole, and a followed file has no end"));
                }
                let follow = Follow::open(&path, url.name(), from, line_max, books)?;
                return Ok(decoded(Box::new(follow), format, books));
            }
            if url.value("from")?.is_some() {
                return Err(url.usage(&"from says where to begin to follow: it needs follow"));
            }
            Ok(decoded(Box::new(Files::open(&path, url.name(), line_max)?), format, books))
        }
        "udp" => {
            url.only_options(&["buffer", "format"])?;
            let decoder = Box::new(MeterReader::new(form(&url)?, &options.verification));
            Ok(Box::new(UdpSource::bind(&url.host_port()?, url.name(), buffer(&url)?, decoder, books)?))
        }
        "statsd" | "influx" | "collectd" => {
            let decoder = wires::of_datagrams(&url)?;
            Ok(Box::new(UdpSource::bind(&url.host_port()?, url.name(), buffer(&url)?, decoder, books)?))
        }
        "tcp" => {
            url.only_options(&["format"])?;
            let reader = MeterReader::new(form(&url)?, &options.verification);
            Ok(Box::new(StreamSource::tcp(&url.host_port()?, url.name(), reader, None, line_max, books)?))
        }
        "tls" => {
            url.only_options(&[&["format"], &SERVER_OPTIONS[..]].concat())?;
            let reader = MeterReader::new(form(&url)?, &options.verification);
            let tls = Some(tls::server(&ServerFiles::of_url(&url)?)?);
            Ok(Box::new(StreamSource::tcp(&url.host_port()?, url.name(), reader, tls, line_max, books)?))
        }
        "unix" => {
            url.only_options(&[])?;
            Ok(Box::new(StreamSource::unix(&url.path()?, url.name(), line_max, books)?))
        }
        "http" | "https" => Ok(Box::new(HttpSource::open(&url, options, books)?)),
        "amqp" | "amqps" => amqp::open(&url, options, books),
        _ => Err(url.unknown_scheme(SCHEMES)),
    }
}

/// `source`, read as `format` when there is one.
fn decoded(source: Box<dyn Source>, format: Option<Format>, books: &Arc<Books>) -> Box<dyn Source> {
    match format {
        Some(format) => Box::new(Decoded::new(source, format, books)),
        None => source,
    }
}

/// What a file holds: what its URL says, else what the run's options say.
fn file_format(url: &Url, options: &Options) -> Result<Option<Format>, Failure> {
    if url.value("format")?.is_none() {
        return Ok(options.format);
    }
    let mut known = vec!["jsonl"];
    known.extend(Format::ALL.iter().map(|(name, _)| *name));
    let word = url.choice("format", &known)?;
    Ok(Format::ALL.iter().find(|(name, _)| *name == word).map(|(_, format)| *format))
}

/// The socket buffer that a URL asks for, in bytes.
fn buffer(url: &Url) -> Result<usize, Failure> {
    let bytes = url.bytes("buffer", 4096..=1 << 30)?;
    Ok(bytes.map_or(SOCKET_BUFFER_BYTES, |bytes| bytes as usize))
}

/// What the messages of a URL are: what they look like, unless it says.
fn form(url: &Url) -> Result<Form, Failure> {
    Ok(match url.choice("format", &["auto", "json", "msgpack"])? {
        "json" => Form::Json,
        "msgpack" => Form::Msgpack,
        _ => Form::Either,
    })
}

#[cfg(test)]
mod tests {
    use super::testing::lines_until_wait;
    use super::*;
    use crate::base::testing::{Directory, books};

    fn refused(text: &str) -> String {
        open(text, &Options::default(), &books())
            .err()
            .map(|failure| format!("{} {failure}", failure.status()))
            .unwrap_or_default()
    }

    #[test]
    fn a_path_and_a_file_url_are_read_alike() {
        let directory = Directory::new("source-open");
        let path = directory.0.join("a b.jsonl");
        std::fs::write(&path, "one\ntwo").unwrap();
        let path = path.to_str().unwrap();
        for address in [path.to_owned(), format!("file:{}", path.replace(' ', "%20"))] {
            let mut source = open(&address, &Options::default(), &books()).unwrap();
            assert_eq!(source.name(), address);
            assert_eq!(lines_until_wait(&mut *source), ["one", "two"]);
        }
    }

    #[test]
    fn what_makes_no_sense_is_a_usage_error_that_names_what_does() {
        assert!(
            refused("upd://:1")
                .starts_with("2 upd://:1: unknown scheme \"upd\" (did you mean \"udp\"?); known: ")
        );
        assert!(
            refused("file:x?folow")
                .contains("unknown option \"folow\" (did you mean \"follow\"?); known: follow")
        );
        assert!(refused("tcp://:1?follow").contains("unknown option \"follow\"; known: format"));
        assert!(refused("file:x?from=end").contains("it needs follow"));
        assert!(refused("file:x?follow&from=edn").contains("did you mean \"end\""));
        assert!(refused("udp://:1?buffer=big").contains("buffer=big is not a size"));
        assert!(refused("/no/such/file").starts_with("74 cannot read /no/such/file: "));
        assert!(refused("statsd://:1?interval=0.01").contains("is 0, for values at once, or at least 0.1 s"));
        assert!(refused("statsd://:1?percentiles=50,100").contains("percentiles=50,100 is not a list"));
        assert!(refused("statsd://:1?precision=s").contains("unknown option \"precision\""));
        assert!(refused("influx://:1?precision=d").contains("unknown precision \"d\"; known: ns, us, ms"));
        assert!(refused("collectd://:1?auth_file=/no/such/file").starts_with("78 "));
        assert!(refused("file:x?format=influxdb").contains("did you mean \"influx\"?"));
        assert!(refused("file:x?follow&format=prometheus").contains("has no end"));
    }
}
