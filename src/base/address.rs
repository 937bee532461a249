//! Addresses of doors: `-`, a path, or a URL `scheme:place?key=value&flag`, as `udp://:4952`, `file:day.jsonl?follow`.
//!
//! A word before the first colon is a scheme when it is two or more of `a-z0-9+` and begins with a letter; a file
//! whose name looks like that is written `./name:with:colons`. A plain path is taken as it is; in a URL `%XX` stands
//! for one byte.

use std::ffi::OsString;
use std::fmt;
use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;
use std::time::Duration;

use super::Failure;
use super::nearest::did_you_mean;
use super::percent;

/// The port of an address that names none: the one Ceilometer's udp and tcp publishers send to.
pub const DEFAULT_PORT: u16 = 4952;

/// Where to read from or write to, as a user writes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// `-`: standard input or output.
    Standard,
    /// A plain path.
    Path(PathBuf),
    /// Anything with a scheme.
    Url(Url),
}

impl Address {
    /// Takes an operand apart.
    ///
    /// # Errors
    /// [`Failure::Usage`] when it is empty, or a URL with a broken `%XX`.
    pub fn parse(text: &str) -> Result<Address, Failure> {
        match text {
            "" => return Err(Failure::Usage("an address is empty".to_owned())),
            "-" => return Ok(Address::Standard),
            _ => {}
        }
        let Some((scheme, rest)) = text.split_once(':').filter(|(scheme, _)| is_scheme(scheme)) else {
            return Ok(Address::Path(PathBuf::from(text)));
        };
        let (place, query) = rest.split_once('?').unwrap_or((rest, ""));
        let options = query.split('&').filter(|option| !option.is_empty()).map(|option| {
            let (key, value) =
                option.split_once('=').map_or((option, None), |(key, value)| (key, Some(value)));
            let value = value.map(|value| decoded(text, value)).transpose()?;
            let value = value.map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
            Ok((key.to_owned(), value))
        });
        let options = options.collect::<Result<_, Failure>>()?;
        Ok(Address::Url(Url {
            name: without_secrets(text),
            scheme: scheme.to_owned(),
            place: place.to_owned(),
            query: query.to_owned(),
            options,
        }))
    }
}

impl Address {
    /// The address as the user wrote it, a password replaced by `***`.
    pub fn name(&self) -> String {
        match self {
            Address::Standard => "-".to_owned(),
            Address::Path(path) => path.display().to_string(),
            Address::Url(url) => url.name().to_owned(),
        }
    }
}

/// An address with a scheme, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Url {
    name: String,
    scheme: String,
    place: String,
    query: String,
    options: Vec<(String, Option<String>)>,
}

impl Url {
    /// The URL as the user wrote it, a password and the values of options that name a secret replaced by `***`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What stands before the first colon.
    pub fn scheme(&self) -> &str {
        &self.scheme
    }

    /// The path of `file:PATH`, `file:///PATH` and `unix:PATH`.
    ///
    /// # Errors
    /// When there is none, or `//HOST` stands before it.
    pub fn path(&self) -> Result<PathBuf, Failure> {
        let path = match self.place.strip_prefix("//") {
            Some(absolute) if absolute.starts_with('/') => absolute,
            Some(other) => {
                let scheme = &self.scheme;
                let hint = format!("write {scheme}:{other}, or {scheme}:///{other} from the root");
                return Err(self.usage(&format_args!("names a host, not a path: {hint}")));
            }
            None => &self.place,
        };
        if path.is_empty() {
            return Err(self.usage(&"names no path"));
        }
        Ok(PathBuf::from(OsString::from_vec(decoded(&self.name, path)?)))
    }

    /// The host and port of `scheme://HOST:PORT`; the port is the scheme's own, or 4952, when none is written.
    ///
    /// # Errors
    /// When it is not of that form.
    pub fn host_port(&self) -> Result<HostPort, Failure> {
        match self.host_port_path()? {
            (place, "" | "/") => Ok(place),
            _ => Err(self.usage(&format_args!("is not {}://HOST:PORT", self.scheme))),
        }
    }

    /// The host and port of `scheme://HOST:PORT/PATH`, and the path, empty or with its first slash.
    ///
    /// # Errors
    /// When it is not of that form.
    pub fn host_port_path(&self) -> Result<(HostPort, &str), Failure> {
        let form = format!("is not {}://HOST:PORT", self.scheme);
        let place = self.place.strip_prefix("//").ok_or_else(|| self.usage(&form))?;
        let (place, path) = place.split_at(place.find('/').unwrap_or(place.len()));
        let (host, port) = match place.strip_prefix('[') {
            Some(bracketed) => bracketed.split_once(']').ok_or_else(|| self.usage(&form))?,
            None => place.split_at(place.find(':').unwrap_or(place.len())),
        };
        let port = match port.strip_prefix(':') {
            Some(port) => port.parse().map_err(|_| self.usage(&form))?,
            None if port.is_empty() => default_port(&self.scheme),
            None => return Err(self.usage(&form)),
        };
        if host.contains('@') {
            return Err(self.usage(&form));
        }
        Ok((HostPort { host: host.to_owned(), port }, path))
    }

    /// What stands between `scheme:` and the options, as it was written: `%XX` is still there, and so is a password.
    pub fn place(&self) -> &str {
        &self.place
    }

    /// A part of [`Url::place`], with every `%XX` replaced by its byte.
    ///
    /// # Errors
    /// When a `%XX` is broken, or the bytes are not UTF-8.
    pub fn decoded(&self, part: &str) -> Result<String, Failure> {
        String::from_utf8(decoded(&self.name, part)?).map_err(|_| self.usage(&"is not UTF-8 behind its %XX"))
    }

    /// The query as it was written, without the options that are `known`.
    pub fn query_without(&self, known: &[&str]) -> String {
        let key = |option: &str| option.split('=').next().unwrap_or_default().to_owned();
        let rest = self.query.split('&').filter(|option| !known.contains(&key(option).as_str()));
        rest.collect::<Vec<_>>().join("&")
    }

    /// An option that says yes or no in any of Python's words (oslo.utils, `bool_from_string`); alone it says yes.
    ///
    /// # Errors
    /// When it says something else.
    pub fn yes_or_no(&self, key: &str, default: bool) -> Result<bool, Failure> {
        let Some((_, value)) = self.options.iter().find(|(name, _)| name == key) else { return Ok(default) };
        match value.as_deref().map(|value| value.trim().to_ascii_lowercase()).as_deref() {
            None | Some("1" | "t" | "true" | "on" | "y" | "yes") => Ok(true),
            Some("0" | "f" | "false" | "off" | "n" | "no") => Ok(false),
            Some(_) => {
                let value = value.as_deref().unwrap_or_default();
                Err(self.usage(&format_args!("{key}={value}: say True or False")))
            }
        }
    }

    /// Refuses options that are not `known`, and says which are.
    ///
    /// # Errors
    /// [`Failure::Usage`] with the nearest known option.
    pub fn only_options(&self, known: &[&str]) -> Result<(), Failure> {
        let Some((key, _)) = self.options.iter().find(|(key, _)| !known.contains(&key.as_str())) else {
            return Ok(());
        };
        let hint = did_you_mean(key, known);
        let list = if known.is_empty() { "it takes none".to_owned() } else { known.join(", ") };
        Err(self.usage(&format_args!("unknown option \"{key}\"{hint}; known: {list}")))
    }

    /// Whether an option stands there alone, or as `=true`, `=yes`, `=1`.
    ///
    /// # Errors
    /// When its value says neither yes nor no.
    pub fn flag(&self, key: &str) -> Result<bool, Failure> {
        match self.options.iter().find(|(name, _)| name == key).map(|(_, value)| value.as_deref()) {
            None | Some(Some("false" | "no" | "0")) => Ok(false),
            Some(None | Some("true" | "yes" | "1")) => Ok(true),
            Some(Some(other)) => Err(self.usage(&format_args!("{key}={other}: say {key} or leave it out"))),
        }
    }

    /// The value of an option; none when it is not there.
    ///
    /// # Errors
    /// When it stands there without a value.
    pub fn value(&self, key: &str) -> Result<Option<&str>, Failure> {
        match self.options.iter().find(|(name, _)| name == key) {
            None => Ok(None),
            Some((_, Some(value))) => Ok(Some(value)),
            Some((_, None)) => Err(self.usage(&format_args!("option {key} needs a value"))),
        }
    }

    /// A list: the values of all options of that name, each cut at commas; none when there is no such option.
    ///
    /// # Errors
    /// When one stands there without a value.
    pub fn list(&self, key: &str) -> Result<Option<Vec<&str>>, Failure> {
        let mut items = None;
        for (_, value) in self.options.iter().filter(|(name, _)| name == key) {
            let Some(value) = value else {
                return Err(self.usage(&format_args!("option {key} needs a value")));
            };
            let items: &mut Vec<&str> = items.get_or_insert_default();
            items.extend(value.split(',').filter(|item| !item.is_empty()));
        }
        Ok(items)
    }

    /// A whole number.
    ///
    /// # Errors
    /// When the value is something else, or outside of `range`.
    pub fn number(&self, key: &str, range: std::ops::RangeInclusive<u64>) -> Result<Option<u64>, Failure> {
        let Some(text) = self.value(key)? else { return Ok(None) };
        text.parse().ok().filter(|number| range.contains(number)).map(Some).ok_or_else(|| {
            let (least, most) = (range.start(), range.end());
            self.usage(&format_args!("{key}={text} is not a number from {least} to {most}"))
        })
    }

    /// A size in bytes: a number, with K, M or G (or KiB, MiB, GiB) for powers of 1024.
    ///
    /// # Errors
    /// When the value is something else, or outside of `range`.
    pub fn bytes(&self, key: &str, range: std::ops::RangeInclusive<u64>) -> Result<Option<u64>, Failure> {
        let Some(text) = self.value(key)? else { return Ok(None) };
        let digits = text.trim_end_matches(|c: char| !c.is_ascii_digit());
        let shift = match &text[digits.len()..] {
            "" => Some(0),
            "K" | "KiB" => Some(10),
            "M" | "MiB" => Some(20),
            "G" | "GiB" => Some(30),
            _ => None,
        };
        let number = digits.parse::<u64>().ok().zip(shift);
        let bytes = number.and_then(|(number, shift)| number.checked_mul(1 << shift));
        bytes.filter(|bytes| range.contains(bytes)).map(Some).ok_or_else(|| {
            let (least, most) = (range.start(), range.end());
            self.usage(&format_args!(
                "{key}={text} is not a size in bytes from {least} to {most}, as 65536 or 16M"
            ))
        })
    }

    /// A time in seconds, fractions allowed, at most `seconds_max`.
    ///
    /// # Errors
    /// When the value is something else.
    pub fn seconds(&self, key: &str, seconds_max: f64) -> Result<Option<Duration>, Failure> {
        let Some(text) = self.value(key)? else { return Ok(None) };
        let seconds = text.parse::<f64>().ok().filter(|seconds| (0.0..=seconds_max).contains(seconds));
        let seconds = seconds.ok_or_else(|| {
            self.usage(&format_args!("{key}={text} is not a number of seconds from 0 to {seconds_max}"))
        })?;
        Ok(Some(Duration::from_secs_f64(seconds)))
    }

    /// One of `choices`, the first when the option is not there.
    ///
    /// # Errors
    /// When the value is none of them.
    pub fn choice<'a>(&self, key: &str, choices: &[&'a str]) -> Result<&'a str, Failure> {
        let Some(value) = self.value(key)? else { return Ok(choices[0]) };
        choices.iter().find(|choice| **choice == value).copied().ok_or_else(|| {
            let hint = did_you_mean(value, choices);
            self.usage(&format_args!("{key}={value}{hint}; known: {}", choices.join(", ")))
        })
    }

    /// The failure for a scheme that is none of `known`.
    pub fn unknown_scheme(&self, known: &[&str]) -> Failure {
        let hint = did_you_mean(&self.scheme, known);
        let scheme = &self.scheme;
        self.usage(&format_args!(
            "unknown scheme \"{scheme}\"{hint}; known: -, a path, {} (a file of that name is written ./{scheme}:…)",
            known.iter().map(|known| format!("{known}:")).collect::<Vec<_>>().join(", ")
        ))
    }

    /// A usage failure about this URL.
    pub fn usage(&self, what: &dyn fmt::Display) -> Failure {
        Failure::Usage(format!("{}: {what}", self.name))
    }
}

/// A host and a port. An empty host is loopback (127.0.0.1): whoever means every address writes `0.0.0.0` or `[::]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostPort {
    host: String,
    port: u16,
}

impl HostPort {
    /// The addresses that the system knows for it, at least one.
    ///
    /// # Errors
    /// When the name cannot be resolved.
    pub fn resolve(&self) -> io::Result<Vec<SocketAddr>> {
        let host = self.host();
        let addresses: Vec<SocketAddr> = (host, self.port).to_socket_addrs()?.collect();
        if addresses.is_empty() {
            return Err(io::Error::new(io::ErrorKind::NotFound, format!("{host} has no address")));
        }
        Ok(addresses)
    }

    /// The host: a name, or an address without brackets.
    pub fn host(&self) -> &str {
        if self.host.is_empty() { "127.0.0.1" } else { &self.host }
    }
}

/// The port that the senders of a scheme send to unless they are told another.
fn default_port(scheme: &str) -> u16 {
    match scheme {
        "statsd" => 8125,
        "influx" => 8089,
        "collectd" => 25_826,
        _ => DEFAULT_PORT,
    }
}

fn is_scheme(word: &str) -> bool {
    let shape = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'+';
    word.len() >= 2 && word.as_bytes()[0].is_ascii_lowercase() && word.bytes().all(shape)
}

/// `%XX` replaced by its byte.
fn decoded(whole: &str, text: &str) -> Result<Vec<u8>, Failure> {
    let broken = || Failure::Usage(format!("{whole}: % must be followed by two hexadecimal digits"));
    percent::decoded(text).ok_or_else(broken)
}

/// What the names of options with a secret end in, in small letters; the path in `token_file` is none.
const SECRET_WORDS: [&str; 7] = ["password", "passwd", "token", "secret", "apikey", "api_key", "api-key"];

/// `scheme://user:password@host?token=x` with `***` for the password and the value.
fn without_secrets(text: &str) -> String {
    let shown = without_password(text);
    let Some((place, query)) = shown.split_once('?') else { return shown };
    let is_secret = |key: &str| {
        let key = key.to_ascii_lowercase();
        SECRET_WORDS.iter().any(|word| key.ends_with(word))
    };
    let options = query.split('&').map(|option| match option.split_once('=') {
        Some((key, _)) if is_secret(key) => format!("{key}=***"),
        _ => option.to_owned(),
    });
    format!("{place}?{}", options.collect::<Vec<_>>().join("&"))
}

/// `scheme://user:password@host` with `***` for the password.
fn without_password(text: &str) -> String {
    let Some((scheme, rest)) = text.split_once("://") else { return text.to_owned() };
    let authority = &rest[..rest.find(['/', '?']).unwrap_or(rest.len())];
    match authority.rfind('@').and_then(|at| Some((at, authority[..at].find(':')?))) {
        Some((at, colon)) => format!("{scheme}://{}:***{}", &rest[..colon], &rest[at..]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        match Address::parse(text).unwrap() {
            Address::Url(url) => url,
            other => panic!("{other:?}"),
        }
    }

    fn host_port(text: &str) -> Option<(String, u16)> {
        url(text).host_port().ok().map(|place| (place.host, place.port))
    }

    #[test]
    fn a_word_before_a_colon_is_a_scheme_and_everything_else_a_path() {
        assert_eq!(Address::parse("-").unwrap(), Address::Standard);
        for path in
            ["day.jsonl", "./udp:x", "/a:b", "2026-11-22T10:00.jsonl", "c:\\x", "what?.jsonl", "50%.jsonl"]
        {
            assert_eq!(Address::parse(path).unwrap(), Address::Path(PathBuf::from(path)), "{path}");
        }
        assert_eq!(url("udp://:4952").scheme(), "udp");
        assert_eq!(url("file:a%20b%3F.jsonl?follow").path().unwrap(), PathBuf::from("a b?.jsonl"));
        assert_eq!(url("file:///var/x").path().unwrap(), PathBuf::from("/var/x"));
        assert_eq!(url("unix:/run/x").path().unwrap(), PathBuf::from("/run/x"));
        assert!(url("file://var/x").path().is_err());
        assert!(url("file:").path().is_err());
        assert!(url("file:%zz").path().is_err());
    }

    #[test]
    fn a_place_is_a_host_and_a_port() {
        let place = |host: &str, port| Some((host.to_owned(), port));
        assert_eq!(host_port("udp://:4952"), place("", 4952));
        assert_eq!(host_port("udp://collector"), place("collector", 4952));
        assert_eq!(host_port("tcp://10.0.0.1:80/"), place("10.0.0.1", 80));
        assert_eq!(host_port("tcp://[::1]:80"), place("::1", 80));
        assert_eq!(host_port("tcp://[::]"), place("::", 4952));
        assert_eq!(host_port("statsd://"), place("", 8125));
        assert_eq!(host_port("influx://x"), place("x", 8089));
        assert_eq!(host_port("collectd://[::1]"), place("::1", 25_826));
        for bad in
            ["udp:4952", "udp://::1:80", "udp://host:", "udp://host:99999", "udp://[::1]80", "udp://a/b"]
        {
            assert_eq!(host_port(bad), None, "{bad}");
        }
        let with_path = url("http://[::1]:80/in/a:b@c?x");
        let (place, path) = with_path.host_port_path().unwrap();
        assert_eq!((place.host.as_str(), place.port, path), ("::1", 80, "/in/a:b@c"));
        assert_eq!(url("http://:80").host_port_path().unwrap().1, "");
        let loopback = url("udp://:7").host_port().unwrap().resolve().unwrap();
        assert_eq!(loopback, ["127.0.0.1:7".parse().unwrap()]);
    }

    #[test]
    fn options_are_named_when_they_are_wrong() {
        let url = url("tcp://h:1?queue=16M&linger=1.5&sync&when_full=wiat");
        assert_eq!(url.bytes("queue", 1..=1 << 30).unwrap(), Some(16 << 20));
        assert!(url.bytes("queue", 1..=1024).is_err());
        assert_eq!(url.seconds("linger", 60.0).unwrap(), Some(Duration::from_millis(1500)));
        assert!(url.flag("sync").unwrap());
        assert!(!url.flag("other").unwrap());
        let wrong = url.choice("when_full", &["drop", "wait"]).unwrap_err().to_string();
        assert!(wrong.contains("when_full=wiat (did you mean \"wait\"?); known: drop, wait"), "{wrong}");
        let unknown = url.only_options(&["queues", "linger", "sync", "when_full"]).unwrap_err().to_string();
        assert!(unknown.ends_with(
            "unknown option \"queue\" (did you mean \"queues\"?); known: queues, linger, sync, when_full"
        ));
        let scheme = url.unknown_scheme(&["udp", "tpc"]).to_string();
        assert!(
            scheme.contains("unknown scheme \"tcp\" (did you mean \"tpc\"?); known: -, a path, udp:, tpc:")
        );
    }

    #[test]
    fn lists_and_numbers_are_read() {
        let url = url("amqp://h/%2F?exchange=a,b&exchange=c&prefetch=10&topic&queue=");
        assert_eq!(url.list("exchange").unwrap().unwrap(), ["a", "b", "c"]);
        assert_eq!(url.list("queue").unwrap().unwrap(), [""; 0]);
        assert_eq!(url.list("other").unwrap(), None);
        assert!(url.list("topic").is_err());
        assert_eq!(url.number("prefetch", 1..=10).unwrap(), Some(10));
        assert!(url.number("prefetch", 1..=9).is_err());
        assert_eq!(url.decoded(url.place()).unwrap(), "//h//");
        assert!(url.decoded("%ff").is_err());
    }

    #[test]
    fn options_that_nobody_knows_stay_in_the_query_as_they_were_written() {
        let url = url("http://h/in?batch=no&q=a%20b&timeout=1&q=c&flag");
        assert_eq!(url.query_without(&["batch", "timeout"]), "q=a%20b&q=c&flag");
        assert_eq!(url.place(), "//h/in");
        assert!(!url.yes_or_no("batch", true).unwrap());
        assert!(url.yes_or_no("flag", false).unwrap());
        assert!(url.yes_or_no("absent", true).unwrap());
        assert!(url.yes_or_no("q", true).is_err());
    }

    #[test]
    fn a_password_is_not_in_the_name() {
        assert_eq!(url("amqp://me:secret@bus/?x=a@b:c").name(), "amqp://me:***@bus/?x=a@b:c");
        assert_eq!(url("amqp://me@bus/").name(), "amqp://me@bus/");
        assert_eq!(
            url("http://h/in?token=abc&batch=no&password=foo&X-Api-Key=k&flag").name(),
            "http://h/in?token=***&batch=no&password=***&X-Api-Key=***&flag"
        );
        assert_eq!(url("http://h/?token_file=/run/t").name(), "http://h/?token_file=/run/t");
        assert_eq!(url("http://me:a@h/?client_secret=b").name(), "http://me:***@h/?client_secret=***");
    }
}
