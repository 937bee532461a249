//! The documents: man pages and completions say what the programs say of themselves, and every example in them runs.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on says where")]

mod pages;
mod transcript;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use clap_complete::Shell;
use telemetry::cli;

use transcript::{Document, Transcript};

/// Columns of a terminal, less one: no line that people read in a help text is longer.
const COLUMNS_MAX: usize = 79;

#[test]
fn man_pages_are_what_the_programs_say() {
    for command in cli::commands() {
        let path = root().join(format!("man/{}.1", command.get_name()));
        let part = root().join(format!("man/parts/{}.roff", command.get_name()));
        compare(&path, pages::render(command, &read(&part)).as_bytes());
    }
}

#[test]
fn completions_are_what_the_programs_say() {
    for mut command in cli::commands() {
        let name = command.get_name().to_owned();
        for (shell, path) in [
            (Shell::Bash, format!("bash/{name}")),
            (Shell::Zsh, format!("zsh/_{name}")),
            (Shell::Fish, format!("fish/{name}.fish")),
        ] {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut command, &name, &mut script);
            compare(&root().join("completions").join(path), &script);
        }
    }
}

#[test]
fn every_option_is_in_the_page_of_its_program() {
    for mut command in cli::commands() {
        command.build();
        let page = read(&root().join(format!("man/{}.1", command.get_name()))).replace("\\-", "-");
        for argument in command.get_arguments() {
            let name = match argument.get_long() {
                Some(long) => format!("--{long}"),
                None => argument.get_value_names().map_or_else(String::new, |names| names[0].to_string()),
            };
            assert!(page.contains(&name), "man/{}.1 does not mention {name}", command.get_name());
        }
    }
}

#[test]
fn the_first_line_of_every_help_text_fits_a_terminal() {
    for command in cli::commands() {
        for argument in command.get_arguments() {
            let line = argument.get_help().map_or_else(String::new, ToString::to_string);
            let name = command.get_name();
            assert!(!line.is_empty(), "{name}: {} has no help", argument.get_id());
            assert!(line.chars().count() <= COLUMNS_MAX, "{name}: {line}");
            assert!(!line.ends_with('.'), "{name}: {line}");
        }
    }
}

#[test]
fn a_section_that_a_help_text_refers_to_is_in_the_manual() {
    let manual = read(&root().join("man/telemetry.7"));
    let sections: Vec<&str> = manual.lines().filter_map(|line| line.strip_prefix(".SH ")).collect();
    let mut seen = 0;
    for command in cli::commands() {
        let help =
            command.clone().render_long_help().to_string().split_whitespace().collect::<Vec<_>>().join(" ");
        for reference in help.split("telemetry(7), ").skip(1) {
            let name = reference.split(|c: char| !c.is_ascii_uppercase()).next().unwrap_or_default();
            assert!(sections.contains(&name), "{}: telemetry(7) has no section {name}", command.get_name());
            seen += 1;
        }
    }
    assert!(seen >= 6, "every program refers to BOOKS at least");
}

#[test]
fn man_pages_pass_mandocs_lint() {
    let pages = files("man", &["1", "7"]);
    assert_eq!(pages.len(), 7, "{pages:?}");
    let lint = Command::new("mandoc").args(["-Tlint", "-W", "warning"]).args(&pages).output();
    match lint {
        Ok(lint) => {
            let said = String::from_utf8_lossy(&lint.stdout);
            assert!(lint.status.success(), "mandoc -Tlint -W warning:\n{said}");
        }
        Err(error) => {
            complain(&format!("MAN PAGES NOT CHECKED: mandoc: {error} (Debian: apt install mandoc)"))
        }
    }
}

#[test]
fn every_example_of_the_manual_runs() {
    let manual = manual();
    assert!(manual.transcripts.len() >= 10, "telemetry(7) promises ten pipelines");
    let mut wrong = run_all("man/telemetry.7", &manual, &manual.transcripts);
    for path in files("man/parts", &["roff"]) {
        let mut part = Document::roff(&read(&path));
        assert!(!part.transcripts.is_empty(), "{}: no example", path.display());
        // Its own files, besides those of the manual.
        part.files.extend(manual.files.iter().cloned());
        wrong.extend(run_all(&path.display().to_string(), &part, &part.transcripts));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_example_of_the_readme_runs() {
    let readme = Document::markdown(&read(&root().join("README.md")));
    assert!(readme.transcripts.len() >= 3, "README.md promises three pipelines");
    let wrong = run_all("README.md", &manual(), &readme.transcripts);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn manual() -> Document {
    Document::roff(&read(&root().join("man/telemetry.7")))
}

/// Runs each transcript in a directory of its own with the files that telemetry(7) shows; what went wrong.
fn run_all(document: &str, manual: &Document, transcripts: &[Transcript]) -> Vec<String> {
    let results = transcripts.iter().map(|transcript| transcript.run(&manual.files));
    results.filter_map(Result::err).map(|why| format!("{document}: {why}")).collect()
}

/// `content` is what the file holds; with BLESS in the environment it is made so.
fn compare(path: &Path, content: &[u8]) {
    if std::env::var_os("BLESS").is_some() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
    let current = fs::read(path).unwrap_or_default() == content;
    assert!(current, "{} is not what the program says: run scripts/bless and read the diff", path.display());
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The files in `folder` with one of `extensions`, by name.
fn files(folder: &str, extensions: &[&str]) -> Vec<PathBuf> {
    let entries = fs::read_dir(root().join(folder)).unwrap().map(|entry| entry.unwrap().path());
    let wanted =
        |path: &PathBuf| path.extension().is_some_and(|e| extensions.iter().any(|wanted| e == *wanted));
    let mut files: Vec<PathBuf> = entries.filter(wanted).collect();
    files.sort();
    files
}

/// Says what the test harness would keep for itself when a test passes.
fn complain(message: &str) {
    use std::io::Write;
    let _ = writeln!(std::io::stderr().lock(), "{message}");
}
