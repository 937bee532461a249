//! Transcripts in documents: commands behind a `$`, and under each what it prints.
//!
//! In roff, a comment before an example says what it is:
//! - `.\" run` a transcript, compared line by line; `$? STATUS` is said by the transcript itself, as `$ echo $?`
//! - `.\" run some output` a transcript whose output differs from machine to machine: it must run and print something
//! - `.\" run status N` a transcript whose last command exits with N instead of 0
//! - `.\" file NAME` a file that all transcripts find in their directory
//! - `.\" show` nothing of these
//!
//! An example without such a comment is an error: nothing in a manual is unchecked by accident. In Markdown the same
//! words stand behind the fence's ```` ```console ````.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Seconds that a transcript may take.
const SECONDS_MAX: &str = "60";
/// What is printed between the output of two commands; no program prints it.
const MARK: &str = "\u{1e}";

/// The examples of one document.
#[derive(Default)]
pub struct Document {
    /// Names and contents.
    pub files: Vec<(String, String)>,
    /// In the document's order.
    pub transcripts: Vec<Transcript>,
}

/// Commands and what they print.
pub struct Transcript {
    line: usize,
    steps: Vec<Step>,
    compared: bool,
    status: i32,
}

struct Step {
    command: String,
    output: String,
}

impl Document {
    /// The examples of a man page: what stands between `.EX` and `.EE`.
    pub fn roff(text: &str) -> Document {
        let mut document = Document::default();
        let mut lines = text.lines().enumerate();
        let mut kind = None;
        while let Some((number, line)) = lines.next() {
            if let Some(comment) = line.strip_prefix(".\\\" ") {
                kind = Some(comment.to_owned());
            } else if line == ".EX" {
                let body = lines.by_ref().map(|(_, line)| line).take_while(|line| *line != ".EE");
                let body: String = body.map(|line| unescape(line) + "\n").collect();
                let kind = kind.take();
                let kind = kind.unwrap_or_else(|| panic!("line {}: say what the example is", number + 1));
                document.example(number + 1, &kind, &body);
            }
        }
        document
    }

    /// The examples of a Markdown file: its `console` blocks.
    pub fn markdown(text: &str) -> Document {
        let mut document = Document::default();
        let mut lines = text.lines().enumerate();
        while let Some((number, line)) = lines.next() {
            let Some(words) = line.strip_prefix("```console") else { continue };
            let body: String = lines
                .by_ref()
                .map(|(_, line)| line)
                .take_while(|line| *line != "```")
                .flat_map(|line| [line, "\n"])
                .collect();
            let kind = if words.trim().is_empty() { "run" } else { words.trim() };
            document.example(number + 1, kind, &body);
        }
        document
    }

    fn example(&mut self, line: usize, kind: &str, body: &str) {
        let (word, rest) = kind.split_once(' ').unwrap_or((kind, ""));
        match (word, rest) {
            ("show", _) => {}
            ("file", name) => self.files.push((name.to_owned(), body.to_owned())),
            ("run", how) => {
                let status = how.strip_prefix("status ").map_or(0, |status| status.parse().unwrap());
                let compared = how != "some output";
                self.transcripts.push(Transcript { line, steps: steps(body), compared, status });
            }
            _ => panic!("line {line}: \"{kind}\" is not a kind of example"),
        }
    }
}

/// `$ command`, continued behind `> `, and its output.
fn steps(body: &str) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    for line in body.lines() {
        match (line.strip_prefix("$ "), line.strip_prefix("> "), steps.last_mut()) {
            (Some(command), ..) => steps.push(Step { command: command.to_owned(), output: String::new() }),
            (_, Some(more), Some(step)) if step.output.is_empty() => {
                step.command.push('\n');
                step.command.push_str(more);
            }
            (.., Some(step)) => {
                step.output.push_str(line);
                step.output.push('\n');
            }
            _ => panic!("a transcript begins with a command: {line}"),
        }
    }
    steps
}

impl Transcript {
    /// Runs the commands in one shell, in a new directory with `files`.
    pub fn run(&self, files: &[(String, String)]) -> Result<(), String> {
        let directory = directory();
        for (name, content) in files {
            fs::write(directory.join(name), content).unwrap();
        }
        let mut script = "exec 2>&1\n".to_owned();
        for step in &self.steps {
            // What a command leaves in $? is there for the next one.
            script.push_str(&format!("{}\n_status=$?; printf '{MARK}'; (exit $_status)\n", step.command));
        }
        script.push_str("exit $_status\n");
        let programs = PathBuf::from(env!("CARGO_BIN_EXE_telemetry-poll"));
        let path =
            format!("{}:{}", programs.parent().unwrap().display(), std::env::var("PATH").unwrap_or_default());
        let output = Command::new("timeout")
            .args([SECONDS_MAX, "sh", "-c", &script])
            .current_dir(&directory)
            .env("PATH", path)
            .env("TZ", "UTC")
            .output()
            .unwrap();
        fs::remove_dir_all(&directory).unwrap();
        let printed = String::from_utf8_lossy(&output.stdout).into_owned();
        let mut outputs = printed.split(MARK);
        for step in &self.steps {
            let found = outputs.next().unwrap_or("(nothing: the shell ended before)\n");
            let as_shown = if self.compared {
                found == step.output
            } else {
                !found.is_empty() || step.output.is_empty()
            };
            if !as_shown {
                let Step { command, output } = step;
                return Err(format!(
                    "line {}: $ {command}\n--- shown\n{output}--- found\n{found}",
                    self.line
                ));
            }
        }
        match output.status.code() {
            Some(status) if status == self.status => Ok(()),
            other => {
                Err(format!("line {}: exit status {other:?}, not {}:\n{printed}", self.line, self.status))
            }
        }
    }
}

/// A new directory.
fn directory() -> PathBuf {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    let next = NEXT.fetch_add(1, Ordering::Relaxed);
    let path = std::env::temp_dir().join(format!("telemetry-documents-{}-{next}", std::process::id()));
    fs::create_dir_all(&path).unwrap();
    path
}

/// The characters that roff wants escaped, as people see them.
fn unescape(line: &str) -> String {
    let line = line.strip_prefix("\\&").unwrap_or(line);
    [
        ("\\(aq", "'"),
        ("\\(dq", "\""),
        ("\\(ha", "^"),
        ("\\(ti", "~"),
        ("\\(ga", "`"),
        ("\\-", "-"),
        ("\\e", "\\"),
    ]
    .iter()
    .fold(line.to_owned(), |text, (escape, character)| text.replace(escape, character))
}
