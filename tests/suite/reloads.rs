//! HUP while nothing comes in, and pipelines whose reader goes away.

use std::fs;
use std::io::Read;

use rustix::process::Signal;

use crate::run::{Directory, Running, run, tool, until};

const SAMPLE: &str = "{\"name\":\"m\",\"volume\":1,\"timestamp\":\"2026-03-01T10:00:00\"}\n";

fn plan(directory: &Directory, publishers: &[&str]) -> String {
    let publishers: Vec<String> = publishers.iter().map(|url| format!("\"{url}\"")).collect();
    let text = format!(
        "sources: [{{name: s, meters: [\"*\"], sinks: [k]}}]\nsinks: [{{name: k, publishers: [{}]}}]\n",
        publishers.join(", ")
    );
    directory.write("pipeline.yaml", text.as_bytes())
}

fn until_lines_in(path: &str, lines: usize) {
    until(path, || (fs::read_to_string(path).ok()?.lines().count() == lines).then_some(()));
}

#[test]
fn a_reload_that_cannot_open_a_publisher_changes_nothing() {
    let directory = Directory::new();
    let [one, two] = ["one", "two"].map(|name| directory.file(name));
    let healthy = [format!("file:{one}"), format!("file:{two}")];
    let path = plan(&directory, &[&healthy[0], &healthy[1]]);
    let mut publish = Running::start(tool("publish", &["--pipeline", &path]));
    publish.write(SAMPLE.as_bytes());
    until_lines_in(&two, 1);
    for bad in ["udp://nosuchhost.invalid:1", "file:/nonexistent/directory/x"] {
        plan(&directory, &[&format!("file:{}", directory.file("new")), bad]);
        let said = publish.stderr().matches("stay as they were").count();
        publish.signal(Signal::HUP);
        until("the fault", || (publish.stderr().matches("stay as they were").count() > said).then_some(()));
        publish.write(SAMPLE.as_bytes());
    }
    until_lines_in(&one, 3);
    until_lines_in(&two, 3);
    // What was opened for a plan that came to nothing is closed, and can be opened by the next.
    plan(&directory, &[&healthy[0], &format!("file:{}", directory.file("new"))]);
    publish.signal(Signal::HUP);
    until("the new plan", || {
        publish.write(SAMPLE.as_bytes());
        (fs::metadata(directory.file("new")).ok()?.len() > 0).then_some(())
    });
    assert_eq!(publish.wait().code(), Some(0));
}

#[test]
fn a_renamed_file_is_opened_anew_by_a_hup_while_nothing_comes_in() {
    let directory = Directory::new();
    let path = directory.file("day");
    let pipeline = plan(&directory, &[&format!("file:{path}")]);
    let socket = format!("unix:{}", directory.file("socket"));
    let (socket, other) = (socket.as_str(), "udp://127.0.0.1:0");
    for arguments in [
        vec![path.as_str()],
        vec![&path, "--input", "udp://127.0.0.1:0"],
        vec![&path, "--input", socket],
        vec![&path, "--input", "http://127.0.0.1:0"],
        vec![&path, "--input", socket, "--input", other],
        vec!["--pipeline", &pipeline],
        vec!["--pipeline", &pipeline, "--input", socket, "--input", other],
    ] {
        let _ = fs::remove_file(&path);
        let publish = Running::start(tool("publish", &arguments));
        until("the file", || fs::exists(&path).unwrap().then_some(()));
        fs::remove_file(&path).unwrap();
        // Signals sent before the program listens to them would end it: the file is opened behind that.
        publish.signal(Signal::HUP);
        until("the file again", || fs::exists(&path).unwrap().then_some(()));
        let ended = publish.stop();
        assert_eq!((ended.code(), ended.stderr.contains("internal")), (Some(0), false), "{arguments:?}");
    }
}

#[test]
fn a_reader_of_tee_that_goes_away_stops_no_pipeline() {
    let directory = Directory::new();
    let path = directory.file("all");
    let pipeline = plan(&directory, &[&format!("file:{path}")]);
    let mut command = tool("publish", &["--pipeline", &pipeline, "--tee", "--stats", "-"]);
    command.stdout(std::process::Stdio::piped());
    let mut publish = Running::start_with_stdout(command);
    publish.write(SAMPLE.as_bytes());
    let mut stdout = publish.take_stdout();
    stdout.read_exact(&mut [0; 10]).unwrap();
    drop(stdout);
    for _ in 0..5_000 {
        publish.write(SAMPLE.as_bytes());
    }
    let ended = publish.wait();
    assert_eq!(ended.code(), Some(0), "{}", ended.stderr);
    assert_eq!(fs::read_to_string(&path).unwrap().lines().count(), 5_001);
    assert_eq!(ended.books()["published"][format!("file:{path}")], 5_001);
}

#[test]
fn a_record_that_some_sinks_cannot_transform_is_published_by_the_others_and_not_rejected() {
    let directory = Directory::new();
    let text = "sources: [{name: s, meters: [\"*\"], sinks: [k, t]}]\nsinks:\n\
                - {name: k, publishers: [\"-\"]}\n\
                - {name: t, transformers: [{name: delta}], publishers: [\"test\"]}\n";
    let path = directory.write("pipeline.yaml", text.as_bytes());
    let arguments = ["--pipeline", &path, "--tee", "--stats", "-"];
    let ended = run(tool("publish", &arguments), b"{\"name\":\"cpu\",\"volume\":1}\n");
    // Once, though it is both printed and published to standard output.
    assert_eq!(ended.text(), "{\"name\":\"cpu\",\"volume\":1}\n");
    assert_eq!(ended.code(), Some(0));
    assert!(ended.stderr.contains("-:1: sample without timestamp; not transformed"), "{}", ended.stderr);
    let books = ended.books();
    assert_eq!((&books["published"]["-"], &books["not_transformed"]), (&1.into(), &1.into()), "{books}");
}
