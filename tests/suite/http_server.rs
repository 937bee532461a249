//! An HTTP server of a test's own: answers as it is told, and remembers what it was asked.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use serde_json::Value;

use crate::run::until;

/// One request.
#[derive(Clone, Debug)]
pub struct Asked {
    pub method: String,
    pub path: String,
    /// Names in small letters.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Asked {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }
}

/// One answer.
#[derive(Clone, Debug)]
pub struct Reply {
    pub status: u16,
    pub headers: Vec<(&'static str, String)>,
    pub body: String,
    /// Before anything is said.
    pub delay: Duration,
    /// Whether the connection breaks in the middle of the answer's head.
    pub breaks: bool,
}

/// An answer of this status and no body.
pub fn reply(status: u16) -> Reply {
    Reply { status, headers: Vec::new(), body: String::new(), delay: Duration::ZERO, breaks: false }
}

impl Reply {
    pub fn with(mut self, body: impl Into<String>) -> Reply {
        self.body = body.into();
        self
    }

    pub fn header(mut self, name: &'static str, value: &str) -> Reply {
        self.headers.push((name, value.to_owned()));
        self
    }
}

/// The server; it ends with the test's process.
pub struct Server {
    address: SocketAddr,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Server {
    /// Answers what `answer` says to each request and the number of those before it.
    pub fn start(answer: impl Fn(&Asked, usize) -> Reply + Send + Sync + 'static) -> Server {
        Server::on(TcpListener::bind("127.0.0.1:0").unwrap(), answer)
    }

    /// The same behind a socket that is there already.
    pub fn on(
        listener: TcpListener,
        answer: impl Fn(&Asked, usize) -> Reply + Send + Sync + 'static,
    ) -> Server {
        let (address, asked) = (listener.local_addr().unwrap(), Arc::new(Mutex::new(Vec::new())));
        let (remembered, answer) = (Arc::clone(&asked), Arc::new(answer));
        thread::spawn(move || {
            for socket in listener.incoming() {
                let (remembered, answer) = (Arc::clone(&remembered), Arc::clone(&answer));
                thread::spawn(move || converse(socket.unwrap(), &remembered, &*answer));
            }
        });
        Server { address, asked }
    }

    /// `127.0.0.1:PORT`.
    pub fn place(&self) -> String {
        self.address.to_string()
    }

    /// What it was asked so far.
    pub fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }

    /// Waits for the `count`th request.
    pub fn until_asked(&self, count: usize) -> Vec<Asked> {
        until(&format!("{count} requests"), || Some(self.asked()).filter(|asked| asked.len() >= count))
    }
}

fn converse(
    socket: TcpStream,
    remembered: &Mutex<Vec<Asked>>,
    answer: &(dyn Fn(&Asked, usize) -> Reply + Send + Sync),
) {
    let mut reader = BufReader::new(socket.try_clone().unwrap());
    let mut socket = socket;
    while let Some(asked) = read(&mut reader) {
        let before = {
            let mut remembered = remembered.lock().unwrap();
            remembered.push(asked.clone());
            remembered.len() - 1
        };
        let reply = answer(&asked, before);
        thread::sleep(reply.delay);
        let mut text = format!("HTTP/1.1 {} X\r\ncontent-length: {}\r\n", reply.status, reply.body.len());
        for (name, value) in &reply.headers {
            text.push_str(&format!("{name}: {value}\r\n"));
        }
        text.push_str("\r\n");
        text.push_str(&reply.body);
        if reply.breaks {
            let _ = socket.write_all(&text.as_bytes()[..15]);
            return;
        }
        if socket.write_all(text.as_bytes()).is_err() {
            return;
        }
    }
}

fn read(reader: &mut BufReader<TcpStream>) -> Option<Asked> {
    let mut line = String::new();
    reader.read_line(&mut line).ok().filter(|count| *count > 0)?;
    let mut words = line.split_whitespace();
    let (method, path) = (words.next()?.to_owned(), words.next()?.to_owned());
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok().filter(|count| *count > 0)?;
        let Some((name, value)) = line.trim_end().split_once(": ") else { break };
        headers.push((name.to_ascii_lowercase(), value.to_owned()));
    }
    let mut asked = Asked { method, path, headers, body: Vec::new() };
    let length = asked.header("content-length").map_or(0, |length| length.parse().unwrap());
    asked.body = vec![0; length];
    reader.read_exact(&mut asked.body).ok()?;
    Some(asked)
}
