//! Transcripts: each file of `tests/cases/TOOL` is a shell session in a directory of its own, read like a document.
//!
//! ```text
//! # What this shows.
//! $ telemetry-aggregate -g 1m
//! < {"name":"cpu","volume":1,"timestamp":"2026-11-22T10:00:00Z","resource_id":"r"}
//! {"name":"cpu","resource_id":"r",...}
//! ! telemetry-aggregate: what standard error says
//! ? 65
//! ```
//!
//! `$` is a command for `sh`, with the six programs in its PATH; a backslash at the end continues it. `<` lines are its
//! input, or all lines between `<<WORD` and `WORD`. What follows is standard output as it is (a line that could be
//! taken for something else has a backslash before it), standard error behind `!`, and the status behind `?` when it
//! is not 0. With BLESS=1 in the environment what is expected is written anew, to be read like code before it is
//! committed.

use std::fmt::Write;
use std::fs;
use std::path::Path;

use crate::run::{Directory, Ended, TOOLS, run, shell};

/// One command with what it takes and what it should say.
struct Step {
    /// The lines from the comment to the end of the input, as they stand in the file.
    head: String,
    command: String,
    input: String,
    expected: String,
}

fn steps(text: &str) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    let mut comment = String::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if line.is_empty() {
            continue;
        }
        if let Some(rest) = line.strip_prefix('#') {
            let _ = writeln!(comment, "#{rest}");
        } else if let Some(command) = line.strip_prefix("$ ") {
            let mut head = format!("{}{line}\n", std::mem::take(&mut comment));
            let mut command = command.to_owned();
            while command.ends_with('\\') {
                let next = lines.next().unwrap_or_default();
                let _ = writeln!(head, "{next}");
                command.push('\n');
                command.push_str(next);
            }
            steps.push(Step { head, command, input: String::new(), expected: String::new() });
        } else {
            let step = steps.last_mut().unwrap_or_else(|| panic!("{line:?} stands before the first command"));
            assert!(comment.is_empty(), "a comment stands before a command, not before {line:?}");
            if let Some(word) = line.strip_prefix("<<") {
                let _ = writeln!(step.head, "{line}");
                for line in lines.by_ref() {
                    let _ = writeln!(step.head, "{line}");
                    if line == word {
                        break;
                    }
                    let _ = writeln!(step.input, "{line}");
                }
            } else if let Some(input) = line.strip_prefix("< ") {
                let _ = writeln!(step.head, "{line}");
                let _ = writeln!(step.input, "{input}");
            } else {
                let _ = writeln!(step.expected, "{line}");
            }
        }
    }
    assert!(comment.is_empty(), "a comment without a command");
    steps
}

/// What a command did, as a case writes it.
fn shown(ended: &Ended) -> String {
    let mut text = String::new();
    let stdout = String::from_utf8_lossy(&ended.stdout);
    for line in stdout.lines() {
        let special = line.is_empty() || line.starts_with(['#', '$', '<', '!', '?', '\\']);
        let _ = writeln!(text, "{}{line}", if special { "\\" } else { "" });
    }
    if !stdout.is_empty() && !stdout.ends_with('\n') {
        text.push_str("\\ no line feed at the end\n");
    }
    for line in ended.stderr.lines() {
        let _ = writeln!(text, "{}", format!("! {line}").trim_end());
    }
    match ended.code() {
        Some(0) => {}
        Some(code) => _ = writeln!(text, "? {code}"),
        None => text.push_str("? signal\n"),
    }
    text
}

/// Runs one file; what it should have been where it was not as written.
fn play(path: &Path) -> Result<(), String> {
    let text = fs::read_to_string(path).unwrap();
    let directory = Directory::new();
    let (mut blessed, mut faults) = (Vec::new(), String::new());
    for step in steps(&text) {
        let mut command = shell(&step.command);
        command.current_dir(directory.path()).env_remove("NO_COLOR").env("HOME", directory.path());
        let found = shown(&run(command, step.input.as_bytes()));
        if found != step.expected {
            let _ = write!(faults, "{}\n--- expected\n{}--- found\n{found}", step.head, step.expected);
        }
        blessed.push(format!("{}{found}", step.head));
    }
    assert!(!blessed.is_empty(), "{} has no command", path.display());
    if std::env::var_os("BLESS").is_some() {
        fs::write(path, blessed.join("\n")).unwrap();
        return Ok(());
    }
    if faults.is_empty() { Ok(()) } else { Err(format!("{}:\n{faults}", path.display())) }
}

fn play_all(tool: &str) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases").join(tool);
    let mut paths: Vec<_> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    assert!(!paths.is_empty(), "{} is empty", folder.display());
    let faults: Vec<String> = paths.iter().filter_map(|path| play(path).err()).collect();
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

#[test]
fn aggregate_does_as_its_cases_say() {
    play_all("aggregate");
}

#[test]
fn a_store_does_as_its_cases_say() {
    play_all("store");
}

#[test]
fn events_does_as_its_cases_say() {
    play_all("events");
}

#[test]
fn alarm_does_as_its_cases_say() {
    play_all("alarm");
}

#[test]
fn listen_does_as_its_cases_say() {
    play_all("listen");
}

#[test]
fn publish_does_as_its_cases_say() {
    play_all("publish");
}

#[test]
fn poll_does_as_its_cases_say() {
    play_all("poll");
}

#[test]
fn every_folder_of_cases_is_that_of_a_tool_or_of_the_store() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    for entry in fs::read_dir(folder).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(TOOLS.contains(&name.as_str()) || name == "store", "nothing runs the cases in {name}");
    }
}

#[test]
fn a_case_that_is_not_so_fails() {
    let directory = Directory::new();
    let path = directory.path().join("x.case");
    let outcome = |text: &str| {
        fs::write(&path, text).unwrap();
        play(&path)
    };
    if std::env::var_os("BLESS").is_some() {
        return;
    }
    outcome("# Says what it is told.\n$ cat\n< a\n< b\na\nb\n").unwrap();
    outcome("$ cat\n<<END\n$ a\n\nEND\n\\$ a\n\\\n").unwrap();
    outcome("$ printf x; echo no >&2; exit 3\nx\n\\ no line feed at the end\n! no\n? 3\n").unwrap();
    for wrong in ["$ echo a\nb\n", "$ echo a >&2\na\n", "$ exit 1\n", "$ true\n? 1\n", "$ echo a\n"] {
        assert!(outcome(wrong).is_err(), "{wrong}");
    }
}
