//! A RabbitMQ of one's own for a test, started by `scripts/rabbitmq`.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::run::{Directory, skipped};

/// A broker that runs as long as this lives.
pub struct Rabbit {
    process: Option<Child>,
    port: u16,
    directory: Directory,
}

impl Rabbit {
    /// Starts one; none, and said, where RabbitMQ is not installed.
    pub fn start(what: &str) -> Option<Rabbit> {
        let paths = std::env::var_os("PATH").unwrap_or_default();
        let places = std::env::split_paths(&paths).chain([PathBuf::from("/usr/sbin")]);
        if !places.into_iter().any(|place| place.join("rabbitmq-server").exists()) {
            skipped(&format!("{what}: rabbitmq-server is not installed"));
            return None;
        }
        let mut rabbit = Rabbit { process: None, port: 0, directory: Directory::new() };
        rabbit.start_again();
        Some(rabbit)
    }

    /// Starts it with what it has on disk.
    pub fn start_again(&mut self) {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/rabbitmq");
        let mut process = Command::new(script)
            .arg(self.directory.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        self.process = Some(process);
        let port = line.strip_prefix("ready ").unwrap_or_else(|| panic!("RabbitMQ said {line:?}"));
        self.port = port.trim().parse().unwrap();
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
