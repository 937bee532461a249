//! A RabbitMQ of one's own for a test, started by `scripts/rabbitmq`.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::run::{Directory, skipped};

/// A broker that runs as long as this lives.
pub struct Rabbit {
    process: Option<Child>,
    port: u16,
    /// The port of TLS, and where its certificates are.
    tls: Option<(u16, PathBuf)>,
    directory: Directory,
}

impl Rabbit {
    /// Starts one; none, and said, where RabbitMQ is not installed.
    pub fn start(what: &str) -> Option<Rabbit> {
        Rabbit::start_as(what, None)
    }

    /// The same with TLS too, with the certificates in `directory`.
    pub fn start_with_tls(what: &str, directory: &Directory) -> Option<Rabbit> {
        Rabbit::start_as(what, Some((0, directory.path().to_owned())))
    }

    fn start_as(what: &str, tls: Option<(u16, PathBuf)>) -> Option<Rabbit> {
        let paths = std::env::var_os("PATH").unwrap_or_default();
        let places = std::env::split_paths(&paths).chain([PathBuf::from("/usr/sbin")]);
        if !places.into_iter().any(|place| place.join("rabbitmq-server").exists()) {
            skipped(&format!("{what}: rabbitmq-server is not installed"));
            return None;
        }
        let mut rabbit = Rabbit { process: None, port: 0, tls, directory: Directory::new() };
        rabbit.start_again();
        Some(rabbit)
    }

    /// Starts it with what it has on disk.
    pub fn start_again(&mut self) {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/rabbitmq");
        let mut command = Command::new(script);
        if let Some((_, certificates)) = &self.tls {
            command.env("TLS_DIRECTORY", certificates);
        }
        let mut process =
            command.arg(self.directory.path()).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        self.process = Some(process);
        let port = line.strip_prefix("ready ").unwrap_or_else(|| panic!("RabbitMQ said {line:?}"));
        let mut ports = port.split_whitespace().map(|port| port.parse().unwrap());
        self.port = ports.next().unwrap();
        if let Some((port, _)) = &mut self.tls {
            *port = ports.next().unwrap();
        }
    }

    /// Ends it in good order: the end of its input is the sign.
    pub fn stop(&mut self) {
        if let Some(mut process) = self.process.take() {
            drop(process.stdin.take());
            process.wait().unwrap();
        }
    }

    /// `amqp://127.0.0.1:PORT/OPTIONS`.
    pub fn url(&self, options: &str) -> String {
        format!("amqp://127.0.0.1:{}/{options}", self.port)
    }

    /// `amqps://127.0.0.1:PORT/OPTIONS`.
    pub fn tls_url(&self, options: &str) -> String {
        let (port, _) = self.tls.as_ref().unwrap();
        format!("amqps://127.0.0.1:{port}/{options}")
    }

    /// Its port.
    pub fn port(&self) -> u16 {
        self.port
    }
}

impl Drop for Rabbit {
    fn drop(&mut self) {
        self.stop();
    }
}
