//! The address of a receiver taken apart: where it is, how it is reached, how records wait for it.

use std::path::PathBuf;
use std::time::Duration;

use super::super::stream::{StreamOptions, queue_options};
use super::keystone::Keystone;
use crate::base::{Failure, Url};

/// What is read by [`Target::new`]; everything else is a dialect's own.
const OPTIONS: [&str; 12] = [
    "timeout",
    "max_retries",
    "verify_ssl",
    "clientcert",
    "clientkey",
    "token_file",
    "proxy",
    "ssl",
    "poolsize",
    "queue",
    "when_full",
    "linger",
];
/// For one attempt, from the look-up of the name to the end of the answer. Ceilometer has 5, and logs what is late;
/// here a late answer means that everything is sent once more.
const TIMEOUT: Duration = Duration::from_secs(10);
/// Longer, and a receiver that hangs is not noticed while anybody looks.
const TIMEOUT_SECONDS_MAX: f64 = 600.0;
/// More attempts than this mean "always".
const RETRIES_MAX: u64 = 1_000_000;

/// A receiver, and how it is dealt with.
pub struct Target {
    /// `http://HOST:PORT/PATH`, without user, query, and a slash at the end where a dialect adds paths.
    pub base: String,
    /// The query that stays in the URL.
    pub query: String,
    /// `USER:PASSWORD`, as written.
    pub user: Option<String>,
    /// Who gives tokens; then a base of `http://` alone means the endpoint that its catalogue names.
    pub keystone: Option<Keystone>,
    /// Headers that say who we are where nobody checks.
    pub words: &'static [(&'static str, &'static str)],
    /// Read for each request, sent as a bearer token.
    pub token_file: Option<PathBuf>,
    /// The longest that one attempt takes.
    pub timeout: Duration,
    /// How often a request that may go better is made again; none means until the end.
    pub retries_max: Option<u64>,
    /// What the receiver's certificate is checked against.
    pub verify: Verify,
    /// The file of our certificate, and that of its key when it is another.
    pub client_certificate: Option<(PathBuf, Option<PathBuf>)>,
    /// Whether `HTTP_PROXY` and its kin are followed.
    pub proxy: bool,
    /// How records wait.
    pub queue: StreamOptions,
}

/// What a receiver's certificate is checked against.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verify {
    /// The authorities that browsers trust.
    Public,
    /// The certificates in this file.
    Against(PathBuf),
    /// Nothing.
    Nothing,
}

/// What becomes of options that neither [`Target::new`] nor the dialect, whose options are given, knows.
pub enum Rest<'a> {
    /// They are the receiver's.
    StaysInTheUrl(&'a [&'a str]),
    /// They are mistakes.
    IsRefused(&'a [&'a str]),
}

/// Whether `HOST[:PORT]` has no port, or one that can be: what is none would be passed over further down.
fn has_good_port(host: &str) -> bool {
    // The colons of an IPv6 address stand in brackets.
    let behind = host.rsplit_once(']').map_or(host, |(_, behind)| behind);
    match behind.split_once(':') {
        None => behind.is_empty() || !host.starts_with('['),
        Some((_, port)) => {
            port.bytes().all(|byte| byte.is_ascii_digit()) && port.parse::<u16>().is_ok_and(|port| port > 0)
        }
    }
}

impl Target {
    /// Reads `url`. `https:` and `ssl=True` mean TLS.
    ///
    /// # Errors
    /// [`Failure::Usage`] names what makes no sense.
    pub fn new(url: &Url, rest: Rest<'_>) -> Result<Target, Failure> {
        let (Rest::StaysInTheUrl(own) | Rest::IsRefused(own)) = rest;
        let known = [&OPTIONS[..], own].concat();
        let query = match rest {
            Rest::StaysInTheUrl(_) => url.query_without(&known),
            Rest::IsRefused(_) => {
                url.only_options(&known)?;
                String::new()
            }
        };
        let form = || url.usage(&format_args!("is not {}://HOST[:PORT][/PATH]", url.scheme()));
        let place = url.place().strip_prefix("//").ok_or_else(form)?;
        let (authority, path) = place.split_at(place.find('/').unwrap_or(place.len()));
        let (user, host) = match authority.rsplit_once('@') {
            Some((user, host)) => (Some(user.to_owned()), host),
            None => (None, authority),
        };
        // Gnocchi's may be left to Keystone's catalogue.
        let is_left_out = url.scheme() == "gnocchi" && place.trim_matches('/').is_empty();
        if !is_left_out && host.is_empty()
            || host.starts_with(':')
            || path.contains('#')
            || host.contains(['#', ' ', '&', '='])
            || !has_good_port(host)
        {
            return Err(form());
        }
        let tls = url.scheme() == "https" || url.yes_or_no("ssl", false)?;
        let verify = match url.value("verify_ssl")? {
            // Ceilometer's word for a file of authorities is the same as for yes and no.
            Some(path) if path.contains('/') => Verify::Against(PathBuf::from(path)),
            _ if url.yes_or_no("verify_ssl", true)? => Verify::Public,
            _ => Verify::Nothing,
        };
        let file = |key: &str| Ok::<_, Failure>(url.value(key)?.map(PathBuf::from));
        let client_certificate = match (file("clientcert")?, file("clientkey")?) {
            (None, Some(_)) => return Err(url.usage(&"clientkey goes with clientcert")),
            (certificate, key) => certificate.map(|certificate| (certificate, key)),
        };
        let token_file = file("token_file")?;
        if token_file.is_some() && user.is_some() {
            return Err(url.usage(&"names both a user and a token_file"));
        }
        let retries_max = match url.value("max_retries")? {
            None => None,
            Some(text) => {
                Some(text.parse::<u64>().ok().filter(|count| *count <= RETRIES_MAX).ok_or_else(|| {
                    url.usage(&format_args!("max_retries={text} is not a number from 0 to {RETRIES_MAX}"))
                })?)
            }
        };
        Ok(Target {
            base: format!("{}://{host}{path}", if tls { "https" } else { "http" }),
            query,
            user,
            keystone: None,
            words: &[],
            token_file,
            timeout: match url.seconds("timeout", TIMEOUT_SECONDS_MAX)? {
                Some(timeout) if timeout.is_zero() => {
                    return Err(url.usage(&"timeout=0: no receiver answers in no time"));
                }
                timeout => timeout.unwrap_or(TIMEOUT),
            },
            retries_max,
            verify,
            client_certificate,
            proxy: url.yes_or_no("proxy", false)?,
            queue: queue_options(url)?,
        })
    }

    /// Where the address names no path, this is it.
    pub fn add_default_path(&mut self, path: &str) {
        let place = self.base.split_once("://").map_or("", |(_, place)| place);
        if matches!(place.split_once('/'), None | Some((_, ""))) {
            self.strip_slash();
            self.base.push_str(path);
        }
    }

    /// Takes a slash from the end of the path, where a dialect puts a path behind it.
    pub fn strip_slash(&mut self) {
        while self.base.ends_with('/') && !self.base.ends_with("://") {
            self.base.pop();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Address;

    fn target(text: &str) -> Result<Target, String> {
        let Address::Url(url) = Address::parse(text).unwrap() else { panic!("{text} is no URL") };
        Target::new(&url, Rest::StaysInTheUrl(&["batch"])).map_err(|failure| failure.to_string())
    }

    #[test]
    fn an_address_is_taken_apart_as_ceilometer_does() {
        let it =
            target("http://u:p%40:x@h:80/in?batch=False&q=a%20b&timeout=1&max_retries=0&q=c&verify_ssl=no")
                .unwrap();
        assert_eq!((it.base.as_str(), it.query.as_str()), ("http://h:80/in", "q=a%20b&q=c"));
        assert_eq!(it.user.as_deref(), Some("u:p%40:x"));
        assert_eq!((it.timeout, it.retries_max), (Duration::from_secs(1), Some(0)));
        assert_eq!(it.verify, Verify::Nothing);
        let it =
            target("prometheus://[::1]:9091/metrics?ssl=1&verify_ssl=/etc/ca.pem&clientcert=a&clientkey=b")
                .unwrap();
        assert_eq!((it.base.as_str(), it.timeout), ("https://[::1]:9091/metrics", TIMEOUT));
        assert_eq!(it.verify, Verify::Against("/etc/ca.pem".into()));
        assert_eq!(it.client_certificate, Some(("a".into(), Some("b".into()))));
        assert_eq!(target("https://h").unwrap().base, "https://h");
    }

    #[test]
    fn what_makes_no_sense_is_said() {
        for (text, said) in [
            ("http:h", "is not http://HOST[:PORT][/PATH]"),
            ("http://:80/", "is not http://HOST"),
            ("http://h:3920x/in", "is not http://HOST"),
            ("http://h:99999", "is not http://HOST"),
            ("http://h:", "is not http://HOST"),
            ("http://[::1]x", "is not http://HOST"),
            ("prometheus+write://h:abc", "is not prometheus+write://HOST"),
            ("gnocchi://h:39200&linger=1", "is not gnocchi://HOST"),
            ("http://h/?timeout=x", "timeout=x is not a number of seconds"),
            ("http://h/?timeout=0", "timeout=0: no receiver answers"),
            ("http://h/?max_retries=-1", "max_retries=-1 is not a number from 0"),
            ("http://h/?clientkey=k", "clientkey goes with clientcert"),
            ("http://u:secret@h/?token_file=t", "http://u:***@h/?token_file=t: names both"),
            ("http://h/?ssl=maybe", "say True or False"),
        ] {
            let failure = target(text).err().unwrap();
            assert!(failure.contains(said) && !failure.contains("secret"), "{failure}");
        }
    }
}
