//! Floor 3 · The wires of other systems: from the options of a URL, or the name of a format, to their decoders.

use std::path::Path;
use std::time::Duration;

use crate::base::{Failure, Url, small_file};
use crate::wire::{Decoder, Origin, collectd, influx, otlp, prometheus, statsd};

/// What every foreign wire takes: the socket's buffer, and what its samples say where it does not.
const COMMON: [&str; 5] = ["buffer", "source", "resource_id", "user_id", "project_id"];
/// An interval is seconds, minutes, or for those who want totals a day.
const INTERVAL_SECONDS_MAX: f64 = 86_400.0;
/// Percentiles of each timer: each is a sample an interval.
const PERCENTILES_MAX: usize = 32;
/// A file of passwords or types is some lines; collectd's own types.db has 20 KiB.
const FILE_BYTES_MAX: u64 = 1024 * 1024;

/// The decoder of the datagrams of `statsd:`, `influx:` and `collectd:`.
///
/// # Errors
/// When an option makes no sense, or a file that one names cannot be read.
pub(super) fn of_datagrams(url: &Url) -> Result<Box<dyn Decoder>, Failure> {
    match url.scheme() {
        "statsd" => {
            only(url, &["interval", "percentiles", "resource_tag"])?;
            Ok(Box::new(statsd::Statsd::new(statsd_options(url)?)))
        }
        "influx" => {
            only(url, &["precision", "resource_tag"])?;
            Ok(Box::new(influx::Influx::new(influx_options(url)?)))
        }
        _ => {
            only(url, &["auth_file", "types"])?;
            Ok(Box::new(collectd::Network::new(collectd_options(url)?)))
        }
    }
}

fn only(url: &Url, own: &[&str]) -> Result<(), Failure> {
    url.only_options(&[own, &COMMON].concat())
}

fn origin(url: &Url) -> Result<Origin, Failure> {
    let text = |key: &str| Ok::<_, Failure>(url.value(key)?.map(str::to_owned));
    Ok(Origin {
        source: text("source")?,
        resource_id: text("resource_id")?,
        user_id: text("user_id")?,
        project_id: text("project_id")?,
    })
}

fn statsd_options(url: &Url) -> Result<statsd::Options, Failure> {
    let mut options = statsd::Options { origin: origin(url)?, ..statsd::Options::default() };
    if let Some(interval) = url.seconds("interval", INTERVAL_SECONDS_MAX)? {
        // Shorter ones would cost more than values at once, and the rate of a nanosecond is no rate.
        if !interval.is_zero() && interval < Duration::from_millis(100) {
            return Err(url.usage(&"interval= is 0, for values at once, or at least 0.1 s"));
        }
        options.interval = interval;
    }
    if let Some(tag) = url.value("resource_tag")? {
        options.resource_tag = tag.to_owned();
    }
    if let Some(text) = url.value("percentiles")? {
        let percent =
            |text: &str| text.parse().ok().filter(|percent: &f64| *percent > 0.0 && *percent < 100.0);
        let words = text.split(',').filter(|word| !word.is_empty());
        let percentiles: Option<Vec<f64>> = words.map(percent).collect();
        let percentiles = percentiles.filter(|all| all.len() <= PERCENTILES_MAX);
        options.percentiles = percentiles.ok_or_else(|| {
            url.usage(&format_args!(
                "percentiles={text} is not a list of at most {PERCENTILES_MAX} numbers above 0 and below 100, as 90,99.9"
            ))
        })?;
    }
    Ok(options)
}

fn influx_options(url: &Url) -> Result<influx::Options, Failure> {
    let mut options = influx::Options { origin: origin(url)?, ..influx::Options::default() };
    if let Some(word) = url.value("precision")? {
        options.precision = word.parse().map_err(|error: influx::UnknownPrecision| url.usage(&error))?;
    }
    if let Some(tag) = url.value("resource_tag")? {
        options.resource_tag = tag.to_owned();
    }
    Ok(options)
}

fn collectd_options(url: &Url) -> Result<collectd::Options, Failure> {
    let mut options = collectd::Options { origin: origin(url)?, ..collectd::Options::default() };
    if let Some(path) = url.value("auth_file")? {
        options.users = Some(read(path, "USER: PASSWORD", collectd::Users::parse)?);
    }
    if let Some(path) = url.value("types")? {
        options.types = read(path, "TYPE NAME:KIND:MIN:MAX, ...", collectd::Types::parse)?;
    }
    Ok(options)
}

/// What `parse` makes of the file at `path`, whose lines are of the given form.
fn read<T>(path: &str, form: &str, parse: impl Fn(&str) -> Result<T, usize>) -> Result<T, Failure> {
    let refuse = |why: String| Failure::Configuration(vec![format!("{path}{why}")]);
    let text = small_file::read_text(Path::new(path), FILE_BYTES_MAX)
        .map_err(|error| refuse(format!(": {error}")))?;
    parse(&text).map_err(|line| refuse(format!(":{line}: not of the form {form}")))
}

/// What files and standard input hold that are not records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Lines of statsd; each value is a sample at once.
    Statsd,
    /// InfluxDB's line protocol, times in nanoseconds.
    Influx,
    /// An exposition of Prometheus or OpenMetrics.
    Prometheus,
    /// OTLP metrics in JSON, one request behind the other.
    Otlp,
    /// The JSON of collectd's write_http, one body behind the other.
    Collectd,
}

impl Format {
    /// The formats and their names.
    pub const ALL: [(&str, Format); 5] = [
        ("statsd", Format::Statsd),
        ("influx", Format::Influx),
        ("prometheus", Format::Prometheus),
        ("otlp", Format::Otlp),
        ("collectd", Format::Collectd),
    ];

    /// Its decoder.
    pub(super) fn decoder(self) -> Box<dyn Decoder> {
        match self {
            Format::Statsd => {
                let interval = Duration::ZERO;
                Box::new(statsd::Statsd::new(statsd::Options { interval, ..statsd::Options::default() }))
            }
            Format::Influx => Box::new(influx::Influx::default()),
            Format::Prometheus => Box::new(prometheus::Exposition::default()),
            Format::Otlp => Box::new(otlp::Json::default()),
            Format::Collectd => Box::new(collectd::Json::default()),
        }
    }

    /// What one message of it is in a file.
    pub(super) fn message(self) -> Message {
        match self {
            Format::Statsd | Format::Influx => Message::Lines,
            Format::Prometheus => Message::File,
            Format::Otlp | Format::Collectd => Message::Value,
        }
    }
}

/// How much of a file belongs together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Message {
    /// One line: of the line protocol too, where a text may hold line feeds that a file then cannot.
    Lines,
    /// One JSON value.
    Value,
    /// All of it: what stands at its end may say how to read its start.
    File,
}
