//! Folders are floors, and a module uses lower floors only (ARCHITECTURE.md): read from the paths in the sources.

use crate::tidy::rust_files;

/// The floor of every top-level module.
const FLOORS: [(&str, u8); 16] = [
    ("base", 0),
    ("model", 0),
    ("define", 1),
    ("query", 1),
    ("series", 1),
    ("wire", 1),
    ("rule", 2),
    ("operations", 2),
    ("pipeline", 2),
    ("poll", 3),
    ("source", 3),
    ("sink", 3),
    ("store", 3),
    ("notify", 3),
    ("work", 4),
    ("serve", 5),
];
const CLI: (&str, u8) = ("cli", 6);

/// Arrows that point down by number and still must not be: the bytes on disk are not the bytes in the pipe.
const NEVER: [(&str, &str); 1] = [("store", "wire")];

/// What floors 0 to 2 never name, `base` aside: they decide, and are told the time and handed the bytes.
const IMPURE: [&str; 9] = [
    "std::fs",
    "std::net",
    "std::thread",
    "std::process",
    "std::env",
    "std::os",
    "std::time::SystemTime",
    "std::time::Instant",
    "rustix",
];

/// Crates, and the only places that may name them.
const HOMES: &[(&str, &[&str])] = &[
    ("virt", &["src/poll/libvirt/"]),
    ("libc", &["src/base/arenas.rs"]),
    ("clap", &["src/cli/"]),
    ("indicatif", &["src/cli/progress.rs"]),
    (
        "ureq",
        &[
            "src/notify/webhook.rs",
            // The error that the webhook reports keeps its source, and all notifiers share one error.
            "src/notify/mod.rs",
            "src/sink/http/",
            "src/serve/auth/keystone.rs",
        ],
    ),
    (
        "tokio",
        &[
            "src/serve/",
            "src/base/http/",
            "src/base/broker/",
            "src/source/amqp/",
            "src/sink/amqp/",
            "src/source/http",
        ],
    ),
    ("hyper", &["src/serve/", "src/base/http/", "src/source/http"]),
    ("hyper_util", &["src/serve/", "src/base/http/", "src/source/http"]),
    ("tokio_rustls", &["src/serve/", "src/base/http/", "src/base/broker/", "src/source/http"]),
    ("amqprs", &["src/base/broker/", "src/source/amqp/", "src/sink/amqp/"]),
    ("async_trait", &["src/base/broker/events.rs"]),
    ("http_body_util", &["src/serve/", "src/base/http/", "src/source/http"]),
    ("rusqlite", &["src/store/"]),
    ("pco", &["src/store/measures/"]),
    ("crc32fast", &["src/store/measures/"]),
    ("plotters", &["src/cli/"]),
    (
        "rustls",
        &[
            "src/base/tls/",
            "src/base/http/",
            "src/source/http",
            "src/source/stream.rs",
            "src/sink/delivery.rs",
        ],
    ),
];

/// Ways to end or to speak that go round the books and the exit status.
const FORBIDDEN: [&str; 7] =
    ["process::exit(", "process::abort(", "println!(", "eprintln!(", "print!(", "eprint!(", "dbg!("];

/// The programs: each is wired in a file of `cli`, and none uses another.
const TOOLS: [&str; 6] = ["poll", "listen", "publish", "aggregate", "events", "alarm"];

#[test]
fn every_arrow_in_the_sources_points_down() {
    let files = rust_files("src");
    let found: Vec<String> = files.iter().flat_map(|(path, text)| violations(path, text)).collect();
    assert!(found.is_empty(), "\n{}", found.join("\n"));
    // The checker saw what there is to see.
    let arrows: usize = files
        .iter()
        .map(|(_, text)| paths(&code(text)).iter().filter(|p| p.starts_with("crate::")).count())
        .sum();
    assert!(arrows > 200, "only {arrows} paths into the crate were found");
}

/// Everything that file `path` with `text` may not do.
fn violations(path: &str, text: &str) -> Vec<String> {
    let code = code(text);
    let (used, code) = (paths(&code), without_tests(&code));
    let used_outside_tests = paths(code);
    let mut found = Vec::new();
    let mut fault = |what: String| found.push(format!("{path}: {what}"));
    let inner = path.trim_start_matches("src/").trim_end_matches(".rs");
    let module = inner.split('/').next().unwrap_or_default();
    if module == "bin" || module == "lib" {
        let strange =
            |path: &&String| path.starts_with("telemetry::") && !path.starts_with("telemetry::cli::");
        used.iter().filter(strange).for_each(|path| fault(format!("a program only calls cli, not {path}")));
        return found;
    }
    let Some(own) = floor(module) else {
        fault(format!("module {module} has no floor"));
        return found;
    };
    for used in &used {
        let mut parts = used.split("::");
        if parts.next() != Some("crate") {
            continue;
        }
        let target = parts.next().unwrap_or_default();
        if target == module {
            let tool = inner.strip_prefix("cli/").filter(|name| TOOLS.contains(name));
            let other = parts.next().unwrap_or_default();
            if tool.is_some_and(|tool| tool != other && TOOLS.contains(&other)) {
                fault(format!("one tool uses another: {used}"));
            }
            continue;
        }
        match floor(target) {
            None => fault(format!("{used} is on no floor")),
            Some(floor) if floor >= own => fault(format!("floor {own} uses floor {floor}: {used}")),
            Some(_) if NEVER.contains(&(module, target)) => {
                fault(format!("{module} never uses {target}: {used}"))
            }
            Some(_) => {}
        }
    }
    // `super` may climb within the folder, not out of it: an arrow must be written to be seen.
    let depth = inner.split('/').filter(|part| *part != "mod").count();
    for used in &used_outside_tests {
        if used.split("::").take_while(|part| *part == "super").count() >= depth {
            fault(format!("{used} climbs out of {module}: write crate::"));
        }
        if own <= 2 && module != "base" && !is_for_tests(path) {
            for impure in IMPURE.iter().filter(|impure| begins(used, impure)) {
                fault(format!("floor {own} names {impure}: {used}"));
            }
        }
        for (name, homes) in HOMES {
            if begins(used, name) && !homes.iter().any(|home| path.starts_with(home)) {
                fault(format!("{name} is named outside of {}", homes.join(", ")));
            }
        }
    }
    for word in FORBIDDEN.iter().filter(|word| has_word(code, word)) {
        fault(format!("{word} is not for a library"));
    }
    found
}

fn floor(module: &str) -> Option<u8> {
    FLOORS.iter().chain([&CLI]).find(|(name, _)| *name == module).map(|(_, floor)| *floor)
}

/// Files that are only compiled for tests.
fn is_for_tests(path: &str) -> bool {
    path.ends_with("/testing.rs") || path == "src/query/laws.rs"
}

/// Whether `path` is `prefix` or below it.
fn begins(path: &str, prefix: &str) -> bool {
    path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}

/// Whether `word` stands in `code` other than as the end of a longer word.
fn has_word(code: &str, word: &str) -> bool {
    code.match_indices(word).any(|(at, _)| !code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_'))
}

/// The part before the tests, which stand last in a file.
fn without_tests(code: &str) -> &str {
    let end = code.match_indices("#[cfg(test)]").find(|(at, _)| {
        let behind = code[at + "#[cfg(test)]".len()..].trim_start();
        behind.split('{').next().is_some_and(|head| head.contains("mod ") && !head.contains(';'))
    });
    end.map_or(code, |(at, _)| &code[..at])
}

/// The source without comments and without what stands in quotes.
fn code(text: &str) -> String {
    let mut code = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let length = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            rest.find("*/").map_or(rest.len(), |end| end + 2)
        } else if let Some(hashes) =
            raw_string(rest).filter(|_| !code.ends_with(|c: char| c.is_alphanumeric()))
        {
            let end = format!("\"{}", "#".repeat(hashes));
            let start = rest.find('"').unwrap_or_default() + 1;
            rest[start..].find(&end).map_or(rest.len(), |at| start + at + end.len())
        } else if first == '"' {
            quoted(rest, '"')
        } else if first == '\'' && is_character(rest) {
            quoted(rest, '\'')
        } else {
            code.push(first);
            rest = &rest[first.len_utf8()..];
            continue;
        };
        rest = &rest[length..];
        code.push(' ');
    }
    code
}

/// How many `#` a raw string that starts here has.
fn raw_string(rest: &str) -> Option<usize> {
    let rest = rest.strip_prefix('b').unwrap_or(rest).strip_prefix('r')?;
    let hashes = rest.len() - rest.trim_start_matches('#').len();
    rest[hashes..].starts_with('"').then_some(hashes)
}

/// Whether a quote starts a character and not a lifetime.
fn is_character(rest: &str) -> bool {
    let mut characters = rest.chars().skip(1);
    let first = characters.next();
    first == Some('\\') || characters.next() == Some('\'')
}

/// The length of what stands in quotes, the quotes included.
fn quoted(rest: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, character) in rest.char_indices().skip(1) {
        match character {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            found if found == quote => return at + 1,
            _ => {}
        }
    }
    rest.len()
}

/// All paths of two parts or more, `use` trees taken apart: `use a::{b, c::d};` gives `a::b` and `a::c::d`.
fn paths(code: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = code;
    while let Some(start) = rest.find(|c: char| c.is_alphabetic() || c == '_') {
        rest = &rest[start..];
        let (path, tail) = path(rest);
        if let Some(tree) =
            tail.strip_prefix("::").map(str::trim_start).and_then(|tail| tail.strip_prefix('{'))
        {
            let length = tree_length(tree);
            branches(&path, &tree[..length], &mut found);
            rest = &tree[length..];
            continue;
        }
        if path.contains("::") {
            found.push(path);
        }
        rest = tail;
    }
    found
}

/// The path that the text starts with, and what follows it.
fn path(text: &str) -> (String, &str) {
    let word = |text: &str| text.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(text.len());
    let mut end = word(text);
    while let Some(next) = text[end..].strip_prefix("::").map(word).filter(|length| *length > 0) {
        end += 2 + next;
    }
    (text[..end].to_owned(), &text[end..])
}

/// Up to the brace that closes the tree.
fn tree_length(tree: &str) -> usize {
    let mut depth = 1;
    for (at, character) in tree.char_indices() {
        depth += match character {
            '{' => 1,
            '}' => -1,
            _ => 0,
        };
        if depth == 0 {
            return at;
        }
    }
    tree.len()
}

fn branches(prefix: &str, tree: &str, found: &mut Vec<String>) {
    let (mut start, mut depth) = (0, 0);
    for (at, character) in tree.char_indices().chain([(tree.len(), ',')]) {
        match character {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                let branch = tree[start..at].trim();
                match branch.split_once("::{") {
                    Some((head, inner)) => {
                        branches(&format!("{prefix}::{head}"), inner.trim_end_matches('}'), found)
                    }
                    None if !branch.is_empty() => {
                        let name = branch.split_whitespace().next().unwrap_or_default();
                        found.push(format!("{prefix}::{name}").trim_end_matches("::self").to_owned());
                    }
                    None => {}
                }
                start = at + 1;
            }
            _ => {}
        }
    }
}

#[test]
fn a_wrong_arrow_is_found() {
    for (path, text, fault) in [
        ("src/model/x.rs", "use crate::base::Books;", "floor 0 uses floor 0"),
        ("src/base/x.rs", "fn f() -> crate::model::Sample {}", "floor 0 uses floor 0"),
        ("src/wire/x.rs", "use crate::series::Method;", "floor 1 uses floor 1"),
        ("src/rule/x.rs", "use crate::{model::Timestamp, notify::Queue};", "floor 2 uses floor 3"),
        ("src/poll/x.rs", "use crate::{model::{Sample, Timestamp}, cli};", "floor 3 uses floor 6"),
        ("src/store/x.rs", "use crate::wire::json::Records;", "store never uses wire"),
        ("src/work/x.rs", "#[cfg(test)]\nmod tests {\n use crate::cli::shared;\n}", "floor 4 uses floor 6"),
        ("src/cli/poll.rs", "use crate::cli::alarm::Args;", "one tool uses another"),
        ("src/work/x.rs", "use crate::nowhere::X;", "is on no floor"),
        ("src/nowhere/x.rs", "", "has no floor"),
        ("src/rule/x.rs", "use super::super::notify::Queue;", "climbs out"),
        ("src/rule/x.rs", "use std::{fmt, fs};", "names std::fs"),
        ("src/series/x.rs", "use std::time::{Duration, Instant};", "names std::time::Instant"),
        (
            "src/query/x.rs",
            "fn f() { let now = std::time::SystemTime::now(); }",
            "names std::time::SystemTime",
        ),
        ("src/wire/x.rs", "use rustix::fs::open;", "names rustix"),
        ("src/poll/host/x.rs", "use virt::connect::Connect;", "virt is named"),
        ("src/work/x.rs", "#[derive(clap::Parser)] struct X;", "clap is named"),
        ("src/cli/table.rs", "use indicatif::ProgressBar;", "indicatif is named"),
        ("src/sink/tcp.rs", "fn f() { ureq::get(X) }", "ureq is named"),
        ("src/source/tcp.rs", "use tokio::net::TcpStream;", "tokio is named"),
        ("src/work/x.rs", "fn f() { std::process::exit(1) }", "process::exit"),
        ("src/work/x.rs", "fn f() { eprintln!(\"x\") }", "eprintln!("),
        ("src/bin/telemetry-x.rs", "fn main() { telemetry::base::exit::finish() }", "only calls cli"),
    ] {
        let found = violations(path, text);
        assert!(found.len() == 1 && found[0].contains(fault), "{path} {text}: {found:?}");
    }
}

#[test]
fn what_may_be_is_not_found() {
    for (path, text) in [
        ("src/notify/x.rs", "use crate::base::Books;\nuse crate::rule::{Action, Target};"),
        (
            "src/sink/tee.rs",
            "use super::Sink;\nmod x { }\n#[cfg(test)]\nmod tests { use super::super::FileSink; }",
        ),
        (
            "src/rule/x.rs",
            "// use crate::cli;\n/// [`crate::notify`]\nconst X: &str = \"std::fs crate::cli\";",
        ),
        ("src/rule/x.rs", "const X: char = '\"'; fn f<'a>(x: &'a str) {} const Y: &str = r#\"\"std::fs\"#;"),
        ("src/rule/x.rs", "fn f() {}\n#[cfg(test)]\nmod tests {\n use std::fs;\n}"),
        ("src/base/x.rs", "use std::{fs, thread};\nuse rustix::io::read;"),
        ("src/poll/libvirt/x.rs", "use virt::domain::Domain;"),
        ("src/cli/poll.rs", "use crate::cli::shared;\nuse crate::poll::host::Host;\nuse super::format;"),
        ("src/cli/x.rs", "fn f() { out.sprint!(x) }"),
        ("src/model/x.rs", "use std::time::Duration;"),
    ] {
        assert_eq!(violations(path, text), [""; 0], "{path} {text}");
    }
}

#[test]
fn trees_are_taken_apart() {
    let found = paths("use crate::{base::{self, Books as B}, model::X}; fn f() { a::b::<c::D>() }");
    assert_eq!(found, ["crate::base", "crate::base::Books", "crate::model::X", "a::b", "c::D"]);
}
