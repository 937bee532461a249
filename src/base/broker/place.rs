//! Where a broker is: `amqp[s]://[USER[:PASSWORD]@]HOST[:PORT][,HOST[:PORT]…][/VIRTUAL-HOST]`.
//!
//! The form of the AMQP URI specification; several hosts are those of one cluster, as in oslo.messaging's
//! `transport_url`, tried in turn.

use std::path::Path;

use crate::base::tls::ClientFiles;
use crate::base::{Failure, Secret, Url};

/// The options of an address that say how the broker is reached.
pub const OPTIONS: [&str; 6] = ["password_file", "heartbeat", "ca", "cert", "key", "verify"];

/// The port of AMQP, and of AMQP over TLS (IANA).
const PORTS: (u16, u16) = (5672, 5671);
/// A cluster has a handful of nodes.
const HOSTS_MAX: usize = 32;
/// AMQP's short strings: names of users, virtual hosts, exchanges, queues and topics.
pub(super) const NAME_BYTES_MAX: usize = 255;
/// Seconds between two signs of life; RabbitMQ's own default, and a range in which they are of use.
const HEARTBEAT_SECONDS: u16 = 60;
const HEARTBEAT_RANGE: std::ops::RangeInclusive<u64> = 2..=3600;
/// Where the password is looked for when neither the address nor a file has it.
const PASSWORD_VARIABLE: &str = "TELEMETRY_AMQP_PASSWORD";

/// A broker, who we are there, and how we speak to it.
#[derive(Clone, Debug)]
pub struct Place {
    hosts: Vec<(String, u16)>,
    virtual_host: String,
    user: String,
    password: String,
    tls: Option<ClientFiles>,
    heartbeat_seconds: u16,
    connection_name: String,
}

impl Place {
    /// The place that `url` and its [`OPTIONS`] name. TLS when its scheme ends in `s`.
    ///
    /// The password is the one in the URL, else the line in `password_file`, else that of the environment's
    /// `TELEMETRY_AMQP_PASSWORD`, else `guest`, as the user is.
    ///
    /// # Errors
    /// [`Failure::Usage`] for what is no such address; [`Failure::Configuration`] for a file that cannot be read.
    pub fn of_url(url: &Url, role: &str) -> Result<Place, Failure> {
        let secure = url.scheme().ends_with('s');
        let form = format!("is not {}://[USER[:PASSWORD]@]HOST[:PORT][/VIRTUAL-HOST]", url.scheme());
        let place = url.place().strip_prefix("//").ok_or_else(|| url.usage(&form))?;
        let (authority, path) = place.split_once('/').unwrap_or((place, ""));
        let mut user = None;
        let mut hosts = Vec::new();
        for part in authority.split(',') {
            // oslo.messaging repeats the user before every host; the first one counts.
            let (who, host) = match part.rsplit_once('@') {
                Some((who, host)) => (Some(who), host),
                None => (None, part),
            };
            user = user.or(who);
            hosts.push(host_port(url, host, if secure { PORTS.1 } else { PORTS.0 }, &form)?);
        }
        if hosts.len() > HOSTS_MAX {
            return Err(url.usage(&format_args!("names more than {HOSTS_MAX} hosts")));
        }
        let (user, password) = user.map_or((None, None), |user| match user.split_once(':') {
            Some((user, password)) => (Some(user), Some(password)),
            None => (Some(user), None),
        });
        let user = user.filter(|user| !user.is_empty()).map(|user| url.decoded(user)).transpose()?;
        let password = password.map(|password| url.decoded(password)).transpose()?;
        let virtual_host = match url.decoded(path)? {
            empty if empty.is_empty() => "/".to_owned(),
            named => named,
        };
        let user = user.unwrap_or_else(|| "guest".to_owned());
        let password = match (password, url.value("password_file")?) {
            (Some(_), Some(_)) => return Err(url.usage(&"has a password and a password_file: give one")),
            (Some(password), None) => password,
            (None, Some(path)) => text(url, &Secret::from_file(Path::new(path))?)?,
            (None, None) => std::env::var(PASSWORD_VARIABLE).unwrap_or_else(|_| "guest".to_owned()),
        };
        if virtual_host.len() > NAME_BYTES_MAX || user.len() > NAME_BYTES_MAX {
            return Err(url.usage(&format_args!("names are {NAME_BYTES_MAX} bytes at most")));
        }
        let heartbeat = url.number("heartbeat", HEARTBEAT_RANGE)?;
        Ok(Place {
            hosts,
            virtual_host,
            user,
            password,
            tls: tls(url, secure)?,
            heartbeat_seconds: heartbeat.map_or(HEARTBEAT_SECONDS, |seconds| seconds as u16),
            connection_name: format!("{role}:{}", std::process::id()),
        })
    }

    /// Hosts and ports, at least one, in the order in which they are tried.
    pub fn hosts(&self) -> &[(String, u16)] {
        &self.hosts
    }

    /// The virtual host; `/` unless another is named.
    pub fn virtual_host(&self) -> &str {
        &self.virtual_host
    }

    /// Who we are.
    pub fn user(&self) -> &str {
        &self.user
    }

    /// Our password.
    pub fn password(&self) -> &str {
        &self.password
    }

    /// How TLS is spoken, if it is.
    pub fn tls(&self) -> Option<&ClientFiles> {
        self.tls.as_ref()
    }

    /// Seconds between two signs of life; the broker may ask for more of them.
    pub fn heartbeat_seconds(&self) -> u16 {
        self.heartbeat_seconds
    }

    /// What the broker's list of connections shows.
    pub fn connection_name(&self) -> &str {
        &self.connection_name
    }

    /// A name for the broker, as of a queue or a topic.
    ///
    /// # Errors
    /// [`Failure::Usage`] when it is longer than AMQP allows.
    pub fn name(url: &Url, name: &str) -> Result<String, Failure> {
        if name.len() > NAME_BYTES_MAX {
            return Err(url.usage(&format_args!("names are {NAME_BYTES_MAX} bytes at most: {name}")));
        }
        Ok(name.to_owned())
    }
}

fn host_port(url: &Url, text: &str, port: u16, form: &str) -> Result<(String, u16), Failure> {
    let (host, behind) = match text.strip_prefix('[') {
        Some(bracketed) => bracketed.split_once(']').ok_or_else(|| url.usage(&form))?,
        None => text.split_at(text.find(':').unwrap_or(text.len())),
    };
    let port = match behind.strip_prefix(':') {
        Some(port) => port.parse().map_err(|_| url.usage(&form))?,
        None if behind.is_empty() => port,
        None => return Err(url.usage(&form)),
    };
    // As everywhere here, a host that is left out is this one.
    let host = if host.is_empty() { "127.0.0.1".to_owned() } else { host.to_owned() };
    Ok((host, port))
}

fn text(url: &Url, secret: &Secret) -> Result<String, Failure> {
    let text = String::from_utf8(secret.bytes().to_vec());
    text.map_err(|_| Failure::Configuration(vec![format!("{}: the password is not UTF-8", url.name())]))
}

fn tls(url: &Url, secure: bool) -> Result<Option<ClientFiles>, Failure> {
    let files = ClientFiles::of_url(url)?;
    if !secure && files != ClientFiles::default() {
        let scheme = url.scheme();
        return Err(url.usage(&format_args!("ca, cert, key and verify are for TLS: write {scheme}s:")));
    }
    Ok(secure.then_some(files))
}

#[cfg(test)]
mod tests {
    use super::super::adaptor;
    use super::*;
    use crate::base::Address;
    use crate::base::testing::Directory;

    fn place(text: &str) -> Result<Place, Failure> {
        match Address::parse(text)? {
            Address::Url(url) => Place::of_url(&url, "test"),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_parts_of_an_address_are_found() {
        let full = place("amqp://me:p%40ss@one,two:5673,[::1]:80/my%2Fhost?heartbeat=5").unwrap();
        let hosts = [("one".to_owned(), 5672), ("two".to_owned(), 5673), ("::1".to_owned(), 80)];
        assert_eq!(full.hosts(), hosts);
        assert_eq!((full.user(), full.password(), full.virtual_host()), ("me", "p@ss", "my/host"));
        assert_eq!((full.heartbeat_seconds(), full.tls()), (5, None));
        let least = place("amqps://bus").unwrap();
        assert_eq!(least.hosts(), [("bus".to_owned(), 5671)]);
        assert_eq!(
            (least.user(), least.virtual_host(), least.tls()),
            ("guest", "/", Some(&ClientFiles::default()))
        );
        for root in ["amqp://bus/", "amqp://bus/%2F", "amqp://bus"] {
            assert_eq!(place(root).unwrap().virtual_host(), "/", "{root}");
        }
        let oslo = place("amqp://me:x@one:1,me:x@two:2/v").unwrap();
        assert_eq!((oslo.hosts().len(), oslo.user(), oslo.password()), (2, "me", "x"));
        assert_eq!(place("amqp:///v").unwrap().hosts(), [("127.0.0.1".to_owned(), 5672)]);
    }

    #[test]
    fn a_password_may_come_from_a_file() {
        let directory = Directory::new("amqp-password");
        let path = directory.0.join("p");
        std::fs::write(&path, "from the file\n").unwrap();
        let path = path.display();
        assert_eq!(place(&format!("amqp://me@h?password_file={path}")).unwrap().password(), "from the file");
        assert_eq!(place("amqp://me@h?password_file=/no/such").unwrap_err().status(), 78);
        assert_eq!(place(&format!("amqp://me:x@h?password_file={path}")).unwrap_err().status(), 2);
    }

    #[test]
    fn what_makes_no_sense_is_said() {
        for (text, why) in [
            ("amqp:bus", "is not amqp://"),
            ("amqp://bus:x/", "is not amqp://"),
            ("amqp://bus?heartbeat=0", "heartbeat=0 is not a number from 2 to 3600"),
            ("amqp://bus?ca=x", "write amqps:"),
            ("amqps://bus?cert=x", "give both or none"),
            ("amqps://bus?verify=maybe", "known: yes, no"),
        ] {
            let said = place(text).unwrap_err().to_string();
            assert!(said.contains(why), "{text}: {said}");
        }
    }

    #[test]
    fn a_file_for_tls_that_cannot_be_used_is_named() {
        let place = place("amqps://bus?ca=/no/such/ca.pem").unwrap();
        let failure = adaptor(place.tls().unwrap(), "bus").err().map(Failure::from).unwrap();
        assert_eq!(failure.status(), 78);
        assert!(failure.to_string().starts_with("cannot read /no/such/ca.pem: "), "{failure}");
        let anybody = ClientFiles { unverified: true, ..ClientFiles::default() };
        assert!(adaptor(&anybody, "bus").is_ok());
    }
}
