//! Runs the programs: to their end with an input, or side by side with the test.
//!
//! Nothing here sleeps for a fixed time: whoever waits polls for what it waits for, up to [`DEADLINE`].

use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

/// How long anything may take: far more than a loaded machine needs, so that only a hang reaches it.
pub const DEADLINE: Duration = Duration::from_secs(60);

/// The six programs.
pub const TOOLS: [&str; 6] = ["poll", "listen", "publish", "aggregate", "events", "alarm"];

/// The path of `telemetry-NAME`.
pub fn path(name: &str) -> &'static Path {
    Path::new(match name {
        "poll" => env!("CARGO_BIN_EXE_telemetry-poll"),
        "listen" => env!("CARGO_BIN_EXE_telemetry-listen"),
        "publish" => env!("CARGO_BIN_EXE_telemetry-publish"),
        "aggregate" => env!("CARGO_BIN_EXE_telemetry-aggregate"),
        "events" => env!("CARGO_BIN_EXE_telemetry-events"),
        "alarm" => env!("CARGO_BIN_EXE_telemetry-alarm"),
        other => panic!("there is no telemetry-{other}"),
    })
}

/// `telemetry-NAME` with arguments.
pub fn tool(name: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(path(name));
    command.args(arguments);
    command
}

/// `sh -c SCRIPT` with the six programs in its PATH.
pub fn shell(script: &str) -> Command {
    let mut command = Command::new("sh");
    let ours = path("poll").parent().unwrap().display().to_string();
    let others = std::env::var("PATH").unwrap_or_default();
    command.args(["-c", script]).env("PATH", format!("{ours}:{others}")).env("LC_ALL", "C");
    command
}

/// How a program ended, and all that it said.
#[derive(Debug)]
pub struct Ended {
    pub status: ExitStatus,
    pub stdout: Vec<u8>,
    pub stderr: String,
}

impl Ended {
    /// The exit status; none when a signal ended it.
    pub fn code(&self) -> Option<i32> {
        self.status.code()
    }

    /// Standard output as text.
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.stdout).unwrap()
    }

    /// The last line of standard error that is a JSON object: the books of `--stats -`.
    pub fn books(&self) -> Value {
        last_books(&self.stderr).unwrap_or_else(|| panic!("no books in {:?}", self.stderr))
    }
}

/// The last of the books in what a program said.
pub fn last_books(stderr: &str) -> Option<Value> {
    stderr.lines().rev().filter(|line| line.starts_with('{')).find_map(|line| serde_json::from_str(line).ok())
}

/// Runs `command` to its end with `input` on standard input.
pub fn run(command: Command, input: &[u8]) -> Ended {
    let mut running = Running::start(command);
    let mut stdin = running.stdin.take().unwrap();
    let input = input.to_vec();
    // A program that ends early closes its input: that is its right.
    let writer = thread::spawn(move || _ = stdin.write_all(&input));
    let ended = running.wait();
    writer.join().unwrap();
    ended
}

/// A program that runs beside the test; killed when the test ends before it does.
pub struct Running {
    child: Child,
    pub stdin: Option<ChildStdin>,
    stdout: Arc<Mutex<Vec<u8>>>,
    /// Line feeds in `stdout`.
    lines: Arc<AtomicUsize>,
    stderr: Arc<Mutex<Vec<u8>>>,
    readers: Vec<JoinHandle<()>>,
}

impl Running {
    /// Starts `command` with pipes for its three streams; what it says is gathered.
    pub fn start(mut command: Command) -> Running {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let (stdout, lines, first) = gather(child.stdout.take().unwrap());
        let (stderr, _, second) = gather(child.stderr.take().unwrap());
        let stdin = child.stdin.take();
        Running { child, stdin, stdout, lines, stderr, readers: vec![first, second] }
    }

    /// The same with the standard output that `command` has; what it says there is not gathered.
    pub fn start_with_stdout(mut command: Command) -> Running {
        let mut child = command
            .stdin(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let (stderr, _, reader) = gather(child.stderr.take().unwrap());
        let stdin = child.stdin.take();
        Running { child, stdin, stdout: Arc::default(), lines: Arc::default(), stderr, readers: vec![reader] }
    }

    /// The pipe that [`Running::start_with_stdout`] left alone.
    pub fn take_stdout(&mut self) -> ChildStdout {
        self.child.stdout.take().unwrap()
    }

    /// Writes to its standard input.
    pub fn write(&mut self, bytes: &[u8]) {
        self.stdin.as_mut().unwrap().write_all(bytes).unwrap();
    }

    /// Standard output so far.
    pub fn stdout(&self) -> Vec<u8> {
        self.stdout.lock().unwrap().clone()
    }

    /// Standard error so far.
    pub fn stderr(&self) -> String {
        String::from_utf8_lossy(&self.stderr.lock().unwrap()).into_owned()
    }

    /// Waits until standard output has `count` lines.
    pub fn until_lines(&self, count: usize) -> Vec<u8> {
        until(&format!("{count} lines"), || (self.lines.load(Ordering::Acquire) >= count).then_some(()));
        self.stdout()
    }

    /// Waits for `text` on standard error.
    pub fn until_said(&self, text: &str) -> String {
        until(text, || Some(self.stderr()).filter(|said| said.contains(text)))
    }

    /// The address that it says it listens on.
    pub fn address(&self) -> String {
        let marker = "listening on ";
        until("an address", || {
            let said = self.stderr();
            let line =
                said.split_inclusive('\n').find(|line| line.contains(marker) && line.ends_with('\n'))?;
            Some(line.split(marker).nth(1)?.trim().to_owned())
        })
    }

    /// The books that SIGUSR1 prints on standard error once they satisfy `enough`; asked again until they do.
    pub fn books_when(&self, what: &str, enough: impl Fn(&Value) -> bool) -> Value {
        until(what, || {
            let seen = self.stderr().matches("\"read_bytes\"").count();
            self.signal(Signal::USR1);
            let books = until("books", || {
                let said = self.stderr();
                let whole = said.ends_with('\n') && said.matches("\"read_bytes\"").count() > seen;
                whole.then(|| last_books(&said)).flatten()
            });
            enough(&books).then_some(books)
        })
    }

    /// Sends a signal.
    pub fn signal(&self, signal: Signal) {
        kill_process(self.pid(), signal).unwrap();
    }

    /// The process.
    pub fn pid(&self) -> Pid {
        Pid::from_raw(self.child.id() as i32).unwrap()
    }

    /// Asks it to stop, and waits for the end.
    pub fn stop(self) -> Ended {
        self.signal(Signal::TERM);
        self.wait()
    }

    /// Closes its standard input, and waits for the end.
    pub fn wait(mut self) -> Ended {
        drop(self.stdin.take());
        let end = Instant::now() + DEADLINE;
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            assert!(Instant::now() < end, "did not end; it said: {}", self.stderr());
            thread::sleep(Duration::from_millis(2));
        };
        self.readers.drain(..).for_each(|reader| reader.join().unwrap());
        let stdout = std::mem::take(&mut *self.stdout.lock().unwrap());
        Ended { status, stdout, stderr: self.stderr() }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What `stream` brings, how many lines of it there are, and the thread that reads it.
fn gather(mut stream: impl Read + Send + 'static) -> (Arc<Mutex<Vec<u8>>>, Arc<AtomicUsize>, JoinHandle<()>) {
    let (gathered, lines) = (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicUsize::new(0)));
    let (into, counted) = (Arc::clone(&gathered), Arc::clone(&lines));
    let reader = thread::spawn(move || {
        let mut buffer = vec![0; 64 * 1024];
        while let Ok(count) = stream.read(&mut buffer) {
            if count == 0 {
                break;
            }
            into.lock().unwrap().extend_from_slice(&buffer[..count]);
            counted.fetch_add(memchr::memchr_iter(b'\n', &buffer[..count]).count(), Ordering::AcqRel);
        }
    });
    (gathered, lines, reader)
}

/// Polls `found` until it gives something.
pub fn until<T>(what: &str, mut found: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + DEADLINE;
    loop {
        if let Some(value) = found() {
            return value;
        }
        assert!(Instant::now() < end, "waited in vain for {what}");
        thread::sleep(Duration::from_millis(1));
    }
}

/// A directory of one test's own, empty, gone with the value.
pub struct Directory(PathBuf);

impl Directory {
    /// Makes it under the system's directory for such.
    pub fn new() -> Directory {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("telemetry-suite-{}-{number}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(&path).unwrap();
        Directory(path)
    }

    /// Its path.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// The path of a file in it, as text.
    pub fn file(&self, name: &str) -> String {
        self.0.join(name).to_str().unwrap().to_owned()
    }

    /// Writes a file in it, and gives its path.
    pub fn write(&self, name: &str, bytes: &[u8]) -> String {
        std::fs::write(self.0.join(name), bytes).unwrap();
        self.file(name)
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Says past the test harness, which swallows what a passing test prints, that something was not tried.
pub fn skipped(what: &str) {
    let _ = std::io::stderr().write_all(format!("\n*** NOT TESTED: {what} ***\n").as_bytes());
}

/// Xorshift64*: the same numbers in every run (Vigna 2016).
pub struct Random(u64);

impl Random {
    /// Any seed but zero.
    pub fn new(seed: u64) -> Random {
        Random(seed)
    }

    /// The next 64 bits.
    pub fn bits(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    /// 0 .. `end`.
    pub fn below(&mut self, end: usize) -> usize {
        ((u128::from(self.bits()) * end as u128) >> 64) as usize
    }

    /// One of `choices`.
    pub fn choice<'a, T: ?Sized>(&mut self, choices: &[&'a T]) -> &'a T {
        choices[self.below(choices.len())]
    }

    /// Any order (Fisher and Yates).
    pub fn shuffle<T>(&mut self, list: &mut [T]) {
        for end in (1..list.len()).rev() {
            list.swap(end, self.below(end + 1));
        }
    }
}
