//! Every source file opens by saying what it is, keeps to one idea, and leaves nothing undone.

use std::fs;
use std::path::{Path, PathBuf};

/// Past this a file has two ideas.
const LINES_MAX: usize = 700;

/// All Rust files below `folder`, by path from the root of the repository.
pub fn rust_files(folder: &str) -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    let mut folders = vec![root.join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path: PathBuf = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let name = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
                found.push((name, fs::read_to_string(path).unwrap()));
            }
        }
    }
    found.sort();
    found
}

/// What is wrong with a file; empty when nothing is.
fn faults(path: &str, text: &str) -> Vec<String> {
    let mut faults = Vec::new();
    if !text.starts_with("//!") {
        faults.push("does not open with //!".to_owned());
    }
    let lines = text.lines().count();
    if lines > LINES_MAX {
        faults.push(format!("has {lines} lines, more than {LINES_MAX}"));
    }
    let stem = Path::new(path).file_stem().unwrap().to_str().unwrap();
    if ["utils", "util", "helpers", "helper", "common", "manager", "misc"].contains(&stem) {
        faults.push(format!("is called {stem}, which says nothing"));
    }
    // Spelled in two halves, so that this file may be looked at too.
    let never = [
        concat!("TO", "DO"),
        concat!("FIX", "ME"),
        concat!("XX", "X"),
        concat!("#[ig", "nore"),
        concat!("/ho", "me/"),
        concat!("/ro", "ot/"),
        concat!("/wo", "rk/"),
        concat!("/Us", "ers/"),
    ];
    for word in never {
        for (number, line) in text.lines().enumerate().filter(|(_, line)| stands_in(line, word)) {
            faults.push(format!("line {}: {word} in {:?}", number + 1, line.trim()));
        }
    }
    faults
}

/// Whether `word` is in `line`; a path only where it begins, not as a part of `src/…`.
fn stands_in(line: &str, word: &str) -> bool {
    let inside = |at: usize| line[..at].ends_with(|c: char| c.is_alphanumeric());
    line.match_indices(word).any(|(at, _)| !(word.starts_with('/') && inside(at)))
}

#[test]
fn every_source_file_is_tidy() {
    let files = [rust_files("src"), rust_files("tests")].concat();
    assert!(files.len() > 50, "only {} files found", files.len());
    let all: Vec<String> = files
        .iter()
        .flat_map(|(path, text)| faults(path, text).into_iter().map(move |fault| format!("{path}: {fault}")))
        .collect();
    assert!(all.is_empty(), "\n{}", all.join("\n"));
}

#[test]
fn what_is_not_tidy_is_found() {
    assert_eq!(faults("src/a.rs", "//! A.\n"), [""; 0]);
    assert_eq!(faults("src/a.rs", "use b;\n").len(), 1);
    assert_eq!(faults("src/utils.rs", "//! A.\n").len(), 1);
    assert_eq!(faults("src/a.rs", &"//! A.\n".repeat(LINES_MAX + 1)).len(), 1);
    for word in [concat!("// TO", "DO later"), concat!("#[ig", "nore]"), concat!("\"/ho", "me/me/x\"")] {
        assert_eq!(faults("src/a.rs", &format!("//! A.\n{word}\n")).len(), 1, "{word}");
    }
}
