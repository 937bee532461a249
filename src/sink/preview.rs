//! What a sink would send, without a receiver: for rehearsals.
//!
//! A sink with an encoder of its own has its arm in [`preview`], with the encoder that it sends with.

use crate::base::{Address, Failure};

use super::{Options, SCHEMES};

/// Makes of records what would leave.
pub trait Preview {
    /// Appends to `out` the datagrams, frames, requests or bytes of a file that `record`, a line without its line
    /// feed, alone would become.
    fn messages(&mut self, record: &[u8], out: &mut Vec<Vec<u8>>);
}

/// What [`super::open`] with the same arguments would send. Nothing is opened, resolved or created.
///
/// # Errors
/// [`Failure::Usage`] when the address makes no sense.
pub fn preview(text: &str, _options: &Options) -> Result<Box<dyn Preview>, Failure> {
    let Address::Url(url) = Address::parse(text)? else { return Ok(Box::new(Lines)) };
    match url.scheme() {
        "file" | "unix" => drop(url.path()?),
        "udp" | "tcp" | "tls" => drop(url.host_port()?),
        _ => return Err(url.unknown_scheme(SCHEMES)),
    }
    Ok(Box::new(Lines))
}

/// JSON lines, as files and sockets get them.
struct Lines;

impl Preview for Lines {
    fn messages(&mut self, record: &[u8], out: &mut Vec<Vec<u8>>) {
        out.push([record, b"\n"].concat());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_preview_shows_a_line_and_opens_nothing() {
        for address in ["-", "/no/such/directory/x", "file:/no/such/directory/x", "udp://nobody.invalid:1"] {
            let mut shown = Vec::new();
            let mut preview = preview(address, &Options::default()).unwrap();
            preview.messages(b"{}", &mut shown);
            assert_eq!(shown, [b"{}\n".to_vec()], "{address}");
        }
        assert!(preview("upd://h", &Options::default()).is_err());
        assert!(preview("udp://h:x", &Options::default()).is_err());
    }
}
