//! An HTTP client of raw sockets: what is sent is exactly what the test wrote.

use std::io::{Read, Write};
use std::net::TcpStream;

use crate::run::DEADLINE;

/// One connection.
pub struct Client {
    stream: TcpStream,
    /// What came and was not read as a response yet.
    bytes: Vec<u8>,
}

/// What a server said.
#[derive(Clone, Debug)]
pub struct Response {
    pub status: u16,
    /// Names in small letters.
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Response {
    /// The value of a header; empty when it is not there.
    pub fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
    }
}

impl Client {
    pub fn connect(address: &str) -> Client {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        stream.set_write_timeout(Some(DEADLINE)).unwrap();
        Client { stream, bytes: Vec::new() }
    }

    /// Sends these bytes as they are; a server that has hung up is seen when its answer is read.
    pub fn send(&mut self, bytes: impl AsRef<[u8]>) {
        let _ = self.stream.write_all(bytes.as_ref());
    }

    /// Sends a request with the headers that every request needs, and `headers`, each with its line feed.
    pub fn request(&mut self, method: &str, path: &str, headers: &str, body: impl AsRef<[u8]>) {
        let body = body.as_ref();
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: h\r\n{}Content-Length: {}\r\n\r\n",
            headers.replace('\n', "\r\n"),
            body.len()
        );
        self.send([head.as_bytes(), body].concat());
    }

    /// Posts JSON, and reads the answer.
    pub fn post(&mut self, path: &str, body: impl AsRef<[u8]>) -> Response {
        self.request("POST", path, "Content-Type: application/json\n", body);
        self.response()
    }

    /// The next response; panics when there is none.
    pub fn response(&mut self) -> Response {
        self.try_response().expect("the connection ended without an answer")
    }

    /// The head of the next response; its body is still to be read.
    pub fn head(&mut self) -> Response {
        let (response, end) = self.try_head().expect("the connection ended without an answer");
        self.bytes.drain(..end);
        response
    }

    /// The body that comes in chunks (RFC 9112, 7.1).
    pub fn chunks(&mut self) -> Vec<u8> {
        let mut body = Vec::new();
        loop {
            let end = self.until_found(b"\r\n").expect("the connection ended inside of a body");
            let size = std::str::from_utf8(&self.bytes[..end - 2]).unwrap();
            let size = usize::from_str_radix(size, 16).unwrap();
            while self.bytes.len() < end + size + 2 {
                self.read_more().expect("the connection ended inside of a body");
            }
            body.extend_from_slice(&self.bytes[end..end + size]);
            self.bytes.drain(..end + size + 2);
            if size == 0 {
                return body;
            }
        }
    }

    /// The next response; none when the connection ends before.
    pub fn try_response(&mut self) -> Option<Response> {
        let (mut response, end) = self.try_head()?;
        let length = response.header("content-length").parse().unwrap_or(0);
        while self.bytes.len() < end + length {
            self.read_more()?;
        }
        response.body = String::from_utf8(self.bytes[end..end + length].to_vec()).unwrap();
        self.bytes.drain(..end + length);
        Some(response)
    }

    fn try_head(&mut self) -> Option<(Response, usize)> {
        let end = self.until_found(b"\r\n\r\n")?;
        let head = String::from_utf8(self.bytes[..end].to_vec()).unwrap();
        let mut lines = head.trim_end().split("\r\n");
        let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
        let headers: Vec<(String, String)> = lines
            .map(|line| line.split_once(':').unwrap())
            .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
            .collect();
        Some((Response { status, headers, body: String::new() }, end))
    }

    /// Waits for the end of the connection, which says nothing more.
    pub fn until_ended(&mut self) {
        while self.read_more().is_some() {}
        assert_eq!(String::from_utf8_lossy(&self.bytes), "");
    }

    fn until_found(&mut self, what: &[u8]) -> Option<usize> {
        loop {
            if let Some(at) = memchr::memmem::find(&self.bytes, what) {
                return Some(at + what.len());
            }
            self.read_more()?;
        }
    }

    fn read_more(&mut self) -> Option<()> {
        let mut buffer = [0; 16 * 1024];
        match self.stream.read(&mut buffer) {
            Ok(0) => None,
            Ok(count) => {
                self.bytes.extend_from_slice(&buffer[..count]);
                Some(())
            }
            Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => None,
            Err(error) => panic!("no answer: {error}"),
        }
    }
}
