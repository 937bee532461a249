//! Where a service is, as its callers see it: what links in answers begin with.

use hyper::header::{HOST, HeaderMap, HeaderName};

use crate::base::percent::encoded;

/// Whether the headers of a proxy are believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Forwarding {
    /// No: whoever calls could say anything.
    Ignored,
    /// Yes: a proxy stands before us, and sets or removes all of them.
    Trusted,
}

/// Where a service is.
#[derive(Clone, Debug)]
pub struct Place {
    /// `http` or `https`
    pub scheme: &'static str,
    /// Host and port, for requests that do not say to which they went.
    pub origin: String,
    /// The path of its root, without a slash at its end.
    pub prefix: String,
    /// Whether the headers of a proxy are believed.
    pub forwarding: Forwarding,
}

/// The start of the service's URLs, and the path that was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Site {
    /// `scheme://host`
    origin: String,
    /// The path to the service's root, without a slash at its end.
    prefix: String,
    /// The path that was asked for, below the root, as it was written.
    path: String,
    /// Who calls: an address.
    client: String,
}

impl Site {
    /// What a request says of where it went.
    ///
    /// - `path`: what stood behind the path of the service's root
    /// - `peer`: the address it came from
    pub fn of(headers: &HeaderMap, place: &Place, path: &str, peer: String) -> Site {
        let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
        let mut site = Forwarded { scheme: None, host: None, prefix: None, client: None };
        if place.forwarding == Forwarding::Trusted {
            // RFC 7239 before the older ones, as oslo.middleware has it.
            site = match text(hyper::header::FORWARDED) {
                Some(forwarded) => Forwarded::parse(forwarded),
                None => Forwarded {
                    scheme: text(HeaderName::from_static("x-forwarded-proto")).and_then(first),
                    host: text(HeaderName::from_static("x-forwarded-host")).and_then(first),
                    client: text(HeaderName::from_static("x-forwarded-for")).and_then(first),
                    prefix: None,
                },
            };
            site.prefix = text(HeaderName::from_static("x-forwarded-prefix"));
        }
        let host = site.host.or_else(|| text(HOST)).filter(|host| is_host(host)).unwrap_or(&place.origin);
        let scheme = site.scheme.filter(|scheme| matches!(*scheme, "http" | "https")).unwrap_or(place.scheme);
        let before = site.prefix.map_or(String::new(), |prefix| encoded(prefix.trim_end_matches('/'), b"/"));
        Site {
            origin: format!("{scheme}://{host}"),
            prefix: before + &place.prefix,
            path: path.to_owned(),
            client: site.client.map_or(peer, ToOwned::to_owned),
        }
    }

    /// The URL of a path below the root.
    pub fn url(&self, path: &str) -> String {
        format!("{}{}{}", self.origin, self.prefix, encoded(path, b"/"))
    }

    /// The URL that was asked for, without its query.
    pub fn own_url(&self) -> String {
        format!("{}{}{}", self.origin, self.prefix, self.path)
    }

    /// Who calls: an address, or what a proxy said of it.
    pub fn client(&self) -> &str {
        &self.client
    }
}

/// What a proxy says.
struct Forwarded<'a> {
    scheme: Option<&'a str>,
    host: Option<&'a str>,
    prefix: Option<&'a str>,
    client: Option<&'a str>,
}

impl Forwarded<'_> {
    /// The first proxy's word (RFC 7239, 4).
    fn parse(header: &str) -> Forwarded<'_> {
        let mut found = Forwarded { scheme: None, host: None, prefix: None, client: None };
        for pair in header.split(',').next().unwrap_or_default().split(';') {
            let Some((name, value)) = pair.split_once('=') else { continue };
            let value = Some(value.trim().trim_matches('"'));
            match name.trim().to_ascii_lowercase().as_str() {
                "proto" => found.scheme = value,
                "host" => found.host = value,
                "for" => found.client = value,
                _ => {}
            }
        }
        found
    }
}

fn first(list: &str) -> Option<&str> {
    list.split(',').next().map(str::trim).filter(|value| !value.is_empty())
}

/// Whether it can be a host and a port: what a caller writes here stands in links that others may read.
fn is_host(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= 300
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_:[]".contains(&byte))
}

#[cfg(test)]
mod tests {
    use hyper::header::HeaderValue;

    use super::*;

    fn site(headers: &[(&'static str, &'static str)], forwarding: Forwarding) -> Site {
        let pairs = headers
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)));
        let place = Place {
            scheme: "http",
            origin: "localhost:8041".to_owned(),
            prefix: "/gnocchi".to_owned(),
            forwarding,
        };
        Site::of(&pairs.collect(), &place, "/v1/metric", "::1".to_owned())
    }

    #[test]
    fn links_begin_with_the_host_that_was_asked() {
        let site = site(&[("host", "a.example:80"), ("x-forwarded-host", "evil")], Forwarding::Ignored);
        assert_eq!(site.url("/v1/metric/é"), "http://a.example:80/gnocchi/v1/metric/%C3%A9");
        assert_eq!(site.own_url(), "http://a.example:80/gnocchi/v1/metric");
        assert_eq!(site.client(), "::1");
    }

    #[test]
    fn a_trusted_proxy_says_where_it_was_asked() {
        let forwarded =
            [("host", "inside"), ("forwarded", "for=192.0.2.1;proto=https;host=\"out:1\", for=x")];
        let said = site(&forwarded, Forwarding::Trusted);
        assert_eq!((said.url("/"), said.client()), ("https://out:1/gnocchi/".to_owned(), "192.0.2.1"));
        let old =
            [("x-forwarded-proto", "https"), ("x-forwarded-host", "out"), ("x-forwarded-prefix", "/below/")];
        assert_eq!(site(&old, Forwarding::Trusted).url("/v1"), "https://out/below/gnocchi/v1");
    }

    #[test]
    fn what_is_no_host_stands_in_no_link() {
        for wrong in ["a b", "a\"><script>", "a/b", "a?b", ""] {
            let site = site(&[("host", wrong)], Forwarding::Ignored);
            assert_eq!(site.url("/"), "http://localhost:8041/gnocchi/", "{wrong}");
        }
    }
}
