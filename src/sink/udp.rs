//! Floor 3 · UDP: one record a datagram. What is known to be lost is counted; more cannot be known.

use std::cell::Cell;
use std::io;
use std::net::UdpSocket;
use std::sync::Arc;

use super::Sink;
use crate::base::address::HostPort;
use crate::base::{Books, Failure, LineSink};
use crate::wire::meter::MeterWriter;

/// The largest payload of a datagram over IPv4: 65,535 bytes less the headers of IP and UDP.
pub const DATAGRAM_BYTES_MAX: usize = 65_507;

/// A receiver of datagrams. A record is sent when it is taken, without its line feed.
pub struct UdpSink {
    socket: UdpSocket,
    name: String,
    /// Makes messages of lines; none where lines are sent.
    writer: Option<MeterWriter>,
    message: Vec<u8>,
    /// Bytes of the last datagram that the kernel took: a refusal is of it, or of one that is not known any more.
    last_bytes: Cell<u64>,
    books: Arc<Books>,
}

impl UdpSink {
    /// Sends to the first address of `place` that the system has a route to; lines or, with a `writer`, messages as
    /// Ceilometer's udp publisher.
    ///
    /// # Errors
    /// When there is none.
    pub fn connect(
        place: &HostPort,
        name: &str,
        writer: Option<MeterWriter>,
        books: &Arc<Books>,
    ) -> Result<UdpSink, Failure> {
        let connect = || {
            let mut failed = io::Error::from(io::ErrorKind::AddrNotAvailable);
            for address in place.resolve()? {
                let any = if address.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
                match UdpSocket::bind(any).and_then(|socket| socket.connect(address).map(|()| socket)) {
                    Ok(socket) => return Ok(socket),
                    Err(error) => failed = error,
                }
            }
            Err(failed)
        };
        let socket =
            connect().map_err(|error| Failure::Unavailable(format!("cannot send to {name}: {error}")))?;
        Ok(UdpSink {
            socket,
            name: name.to_owned(),
            writer,
            message: Vec::new(),
            last_bytes: Cell::new(0),
            books: Arc::clone(books),
        })
    }

    /// Sends one record.
    fn take(&mut self, line: &[u8]) {
        let Some(writer) = &mut self.writer else {
            self.send(line);
            return;
        };
        self.message.clear();
        match writer.write(line, &mut self.message) {
            Ok(()) => _ = self.send(&self.message),
            Err(why) => self.unsendable("not sendable", &why),
        }
    }

    /// Sends one datagram; whether it was taken by the kernel.
    fn send(&self, record: &[u8]) -> bool {
        if record.len() > DATAGRAM_BYTES_MAX {
            let bytes = record.len();
            self.unsendable(
                "too long for a datagram",
                &format_args!("{bytes} bytes are more than {DATAGRAM_BYTES_MAX}"),
            );
            return false;
        }
        // A refusal tells of a datagram before this one, which is not sent then: once more.
        for _ in 0..2 {
            match self.socket.send(record) {
                Ok(_) => {
                    self.last_bytes.set(record.len() as u64);
                    self.books.wrote(1, record.len() as u64);
                    return true;
                }
                Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
                    self.refused(&error);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    self.lost("not sent", &error);
                    return false;
                }
            }
        }
        self.lost("not sent", &"the kernel would not take it");
        false
    }

    /// A datagram that the kernel had taken was refused: nobody is there.
    fn refused(&self, error: &io::Error) {
        self.books.unwrote(1, self.last_bytes.take());
        self.lost("refused", error);
    }

    /// A record has no form as a datagram.
    fn unsendable(&self, reason: &'static str, why: &dyn std::fmt::Display) {
        self.books.unsendable(&format!("{} {reason}", self.name), 1);
        self.books.warn(reason, &format_args!("{}: {reason}: {why}", self.name));
    }

    fn lost(&self, reason: &'static str, why: &dyn std::fmt::Display) {
        self.books.undelivered(&format!("{} {reason}", self.name), 1);
        self.books.warn(reason, &format_args!("{}: {reason}: {why}", self.name));
    }
}

impl LineSink for UdpSink {
    fn line(&mut self, record: &[u8]) -> Result<(), Failure> {
        self.take(record);
        Ok(())
    }

    fn lines(&mut self, bytes: &[u8], _records: u64) -> Result<(), Failure> {
        let lines = bytes.strip_suffix(b"\n").unwrap_or(bytes).split(|byte| *byte == b'\n');
        for record in lines.filter(|line| !line.is_empty()) {
            self.take(record);
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<(), Failure> {
        Ok(())
    }
}

impl Sink for UdpSink {
    fn name(&self) -> &str {
        &self.name
    }

    fn reopen(&mut self) -> Result<(), Failure> {
        Ok(())
    }

    /// Fails when the kernel says that the last datagram was refused: nobody is there.
    fn close(&mut self) -> Result<(), Failure> {
        match self.socket.take_error() {
            Ok(Some(error)) => {
                self.refused(&error);
                Err(Failure::Unavailable(format!("{}: nobody receives: {error}", self.name)))
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::testing::books;
    use crate::base::{Address, Url};
    use std::time::Duration;

    fn sink(port: u16) -> (UdpSink, Arc<Books>) {
        let Address::Url(url) = Address::parse(&format!("udp://:{port}")).unwrap() else {
            panic!("not a URL")
        };
        let books = books();
        (UdpSink::connect(&Url::host_port(&url).unwrap(), "udp://x", None, &books).unwrap(), books)
    }

    #[test]
    fn each_record_is_a_datagram_and_one_too_long_is_counted() {
        let receiver = UdpSocket::bind("127.0.0.1:0").unwrap();
        receiver.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        let (mut sink, books) = sink(receiver.local_addr().unwrap().port());
        let largest = vec![b'x'; DATAGRAM_BYTES_MAX];
        sink.line(b"one").unwrap();
        sink.lines(b"two\nthree\n", 2).unwrap();
        sink.line(&largest).unwrap();
        sink.line(&[&largest[..], b"x"].concat()).unwrap();
        sink.close().unwrap();
        let mut buffer = vec![0; 70_000];
        for expected in [&b"one"[..], b"two", b"three", &largest] {
            let length = receiver.recv(&mut buffer).unwrap();
            assert!(&buffer[..length] == expected);
        }
        assert_eq!(books.to_json()["written"], 4);
        assert_eq!(books.to_json()["dropped"]["udp://x too long for a datagram"], 1);
        assert_eq!((books.unsendable_total(), books.trouble_status()), (1, None));
    }

    #[test]
    fn a_receiver_that_is_not_there_is_noticed() {
        let port = UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let (mut sink, books) = sink(port);
        for _ in 0..5 {
            sink.line(b"x").unwrap();
        }
        assert_eq!(sink.close().unwrap_err().status(), 69);
        assert_eq!(books.to_json()["dropped"]["udp://x refused"], 5);
        // What is written and what is lost are together what was taken.
        assert_eq!((&books.to_json()["written"], &books.to_json()["written_bytes"]), (&0.into(), &0.into()));
    }
}
