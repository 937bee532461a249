//! Ends of pipes, full disks and signals: how a filter comes to its end, and what it leaves behind.

use std::fs;
use std::io::{Read, Write};
use std::process::{ChildStdin, Command, Stdio};
use std::thread::{self, JoinHandle};

use rustix::process::{Pid, Signal, kill_process};

use crate::run::{Directory, Running, TOOLS, path, run, shell, skipped, tool, until};

/// A sample that fell into the minute `minute` after 10 o'clock.
fn sample(minute: usize) -> String {
    format!(
        "{{\"name\":\"m\",\"type\":\"gauge\",\"unit\":\"B\",\"volume\":{minute},\"resource_id\":\"r\",\
         \"timestamp\":\"2026-11-22T{:02}:{:02}:00Z\"}}\n",
        10 + minute / 60,
        minute % 60
    )
}

const EVENT: &str =
    "{\"event_type\":\"e\",\"generated\":\"2026-11-22T10:00:00\",\"message_id\":\"1\",\"traits\":[]}\n";

/// Goes to alarm in every minute with an odd number, and back in the others.
const RULES: &str = "- name: odd\n  threshold_rule: {meter_name: m, threshold: 0, comparison_operator: gt, \
                     granularity: 60}\n";

/// A shell command of each tool that would write for very long.
fn endless(name: &str) -> &'static str {
    match name {
        "poll" => "telemetry-poll host -i 0.01",
        "listen" => "yes \"$EVENT\" | telemetry-listen",
        "publish" => "yes \"$EVENT\" | telemetry-publish",
        "events" => "yes \"$EVENT\" | telemetry-events",
        "aggregate" => {
            "yes | awk '{printf \"{\\\"name\\\":\\\"m\\\",\\\"volume\\\":1,\\\"timestamp\\\":%d}\\n\", NR * 60}' | telemetry-aggregate"
        }
        "alarm" => {
            "yes | awk '{printf \"{\\\"name\\\":\\\"m\\\",\\\"volume\\\":%d,\\\"timestamp\\\":%d}\\n\", NR % 2, NR * 60}' | telemetry-alarm -r rules.yaml"
        }
        other => panic!("{other}"),
    }
}

fn in_directory(directory: &Directory, script: &str) -> Command {
    directory.write("rules.yaml", RULES.as_bytes());
    let mut command = shell(script);
    command.current_dir(directory.path()).env("EVENT", EVENT.trim_end());
    command
}

#[test]
fn a_reader_that_has_seen_enough_ends_all_six_with_0_and_without_a_word() {
    for name in TOOLS {
        let directory = Directory::new();
        // The status of the program itself, past the pipe.
        let script = format!("({}; echo $? >status) | head -n 1", endless(name));
        let ended = run(in_directory(&directory, &script), b"");
        assert_eq!(ended.text().lines().count(), 1, "{name}");
        assert!(ended.text().starts_with('{') && ended.text().ends_with("}\n"), "{name}: {:?}", ended.text());
        let status = fs::read_to_string(directory.file("status")).unwrap();
        let said: Vec<&str> = ended.stderr.lines().filter(|line| line.contains("telemetry")).collect();
        assert_eq!((status.trim(), &said[..]), ("0", &[][..]), "{name}");
    }
}

#[test]
fn a_full_disk_behind_standard_output_is_75_and_says_so() {
    for name in TOOLS {
        let directory = Directory::new();
        let script = format!("({}; echo $? >status) >/dev/full", endless(name));
        let ended = run(in_directory(&directory, &script), b"");
        let status = fs::read_to_string(directory.file("status")).unwrap();
        assert_eq!(status.trim(), "75", "{name}: {}", ended.stderr);
        let reason = format!("telemetry-{name}: cannot write to standard output: No space left on device");
        assert!(ended.stderr.contains(&reason), "{name}: {}", ended.stderr);
        assert!(!ended.stderr.contains("panicked"), "{name}: {}", ended.stderr);
    }
}

#[test]
fn closed_standard_streams_are_no_reason_to_panic() {
    for name in TOOLS {
        let directory = Directory::new();
        let arguments = match name {
            "poll" => "--once",
            "alarm" => "-r rules.yaml",
            _ => "",
        };
        for closed in ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"] {
            let script = format!("telemetry-{name} {arguments} {closed}");
            let ended = run(in_directory(&directory, &script), b"no record\n");
            assert!(matches!(ended.code(), Some(0 | 65 | 74)), "{script}: {ended:?}");
            assert!(!ended.stderr.contains("panicked"), "{script}: {}", ended.stderr);
        }
    }
}

#[test]
fn a_slow_producers_record_is_seen_at_once_though_the_pipe_stays_open() {
    for (name, arguments) in
        [("listen", &[][..]), ("publish", &[]), ("events", &[]), ("publish", &["--tee", "file"])]
    {
        let directory = Directory::new();
        let mut command = tool(name, arguments);
        command.current_dir(directory.path());
        let mut running = Running::start(command);
        for count in 1..=3 {
            running.write(EVENT.as_bytes());
            assert_eq!(running.until_lines(count), EVENT.repeat(count).as_bytes(), "{name}");
        }
        // Half a record is none, until its end comes.
        let (head, tail) = EVENT.split_at(20);
        running.write(head.as_bytes());
        running.write(tail.as_bytes());
        assert_eq!(running.until_lines(4), EVENT.repeat(4).as_bytes(), "{name}");
        let ended = running.wait();
        assert_eq!((ended.code(), &ended.stderr[..]), (Some(0), ""), "{name}");
    }
}

#[test]
fn a_span_is_seen_when_it_closes_though_the_pipe_stays_open() {
    let mut running = Running::start(tool("aggregate", &["--lateness", "0", "-a", "count"]));
    for minute in 0..3 {
        running.write(sample(minute).as_bytes());
        // The first sample of a minute closes the minute before.
        running.until_lines(minute);
    }
    let ended = running.wait();
    assert_eq!(ended.text().lines().count(), 3);
}

#[test]
fn term_leaves_whole_lines_and_ends_with_0() {
    // Many times: the signal interrupts a wait, and what must not happen happens in a moment after that.
    for name in [["listen", "publish", "events", "aggregate"]; 10].concat() {
        let arguments: &[&str] = if name == "aggregate" { &["--lateness", "0"] } else { &[] };
        let mut running = Running::start(tool(name, arguments));
        let input = if name == "aggregate" { sample(0) + &sample(1) + &sample(2) } else { EVENT.repeat(2) };
        running.write(input.as_bytes());
        running.until_lines(2);
        // The pipe stays open, and holds half a record.
        running.write(b"{\"name\":");
        running.signal(Signal::TERM);
        let stdin = running.stdin.take();
        let ended = running.wait();
        drop(stdin);
        assert_eq!(ended.code(), Some(0), "{name}: {}", ended.stderr);
        // What was open is closed by the end, whatever ended it.
        assert_eq!(ended.text().lines().count(), if name == "aggregate" { 3 } else { 2 }, "{name}");
        assert!(ended.text().ends_with("}\n"), "{name}");
        assert_eq!(ended.stderr, "", "{name}");
    }
}

/// Writes events until nobody reads them any more.
fn plenty(mut stdin: ChildStdin) -> JoinHandle<()> {
    thread::spawn(move || {
        let block = EVENT.repeat(1000);
        while stdin.write_all(block.as_bytes()).is_ok() {}
    })
}

#[test]
fn term_in_the_middle_of_plenty_leaves_whole_lines() {
    for name in ["listen", "publish", "events", "poll"] {
        let arguments: &[&str] = if name == "poll" { &["host", "-i", "0.01"] } else { &[] };
        let mut running = Running::start(tool(name, arguments));
        let stdin = running.stdin.take().unwrap();
        let plenty = plenty(stdin);
        running.until_lines(50);
        running.signal(Signal::TERM);
        let ended = running.wait();
        plenty.join().unwrap();
        assert_eq!((ended.code(), &ended.stderr[..]), (Some(0), ""), "{name}");
        assert!(ended.stdout.ends_with(b"}\n"), "{name}");
        assert!(ended.text().lines().all(|line| line.starts_with('{') && line.ends_with('}')), "{name}");
    }
}

#[test]
fn a_second_term_ends_at_once_a_program_whose_reader_sleeps() {
    // Nobody reads this pipe: the program is stuck in write(2).
    let (mut reader, writer) = std::io::pipe().unwrap();
    let mut child = Command::new(path("listen"))
        .stdin(Stdio::piped())
        .stdout(writer)
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let plenty = plenty(child.stdin.take().unwrap());
    let pid = Pid::from_raw(child.id() as i32).unwrap();
    // Stuck is: asleep, in a system call, with a full pipe before it.
    until("a full pipe", || {
        let wchan = fs::read_to_string(format!("/proc/{}/stat", child.id())).unwrap();
        let asleep = wchan.rsplit(')').next().unwrap().trim().starts_with('S');
        (asleep && rustix::io::ioctl_fionread(&reader).unwrap() >= 65536).then_some(())
    });
    kill_process(pid, Signal::TERM).unwrap();
    // The first is only taken note of; signals of one kind do not queue, so it is sent until one came second.
    let status = until("the end", || {
        let _ = kill_process(pid, Signal::TERM);
        child.try_wait().unwrap()
    });
    assert_eq!(status.code(), Some(128 + 15));
    plenty.join().unwrap();
    let mut left = Vec::new();
    reader.read_to_end(&mut left).unwrap();
    assert!(!left.is_empty());
}

#[test]
fn usr1_prints_the_books_while_the_program_runs() {
    let mut running = Running::start(tool("events", &[]));
    running.write(format!("{EVENT}no record\n{}", sample(0)).as_bytes());
    running.until_lines(1);
    let books = running.books_when("three records read", |books| books["read"] == 3);
    assert_eq!(books["program"], "telemetry-events");
    assert_eq!((&books["written"], &books["rejected"]["not JSON"]), (&1.into(), &1.into()));
    assert_eq!(books["skipped"]["sample"], 1);
    running.write(EVENT.as_bytes());
    running.until_lines(2);
    assert_eq!(running.wait().code(), Some(65));
}

#[test]
fn usr1_writes_the_books_to_the_file_of_stats() {
    let directory = Directory::new();
    let file = directory.file("books.json");
    let mut running = Running::start(tool("listen", &["--stats", &file]));
    running.write(EVENT.as_bytes());
    running.until_lines(1);
    let read = || serde_json::from_str::<serde_json::Value>(&fs::read_to_string(&file).ok()?).ok();
    until("books with one record", || {
        running.signal(Signal::USR1);
        read().filter(|books| books["read"] == 1 && books["written"] == 1)
    });
    running.write(EVENT.as_bytes());
    let ended = running.wait();
    assert_eq!((ended.code(), &ended.stderr[..]), (Some(0), ""));
    assert_eq!(read().unwrap()["read"], 2);
}

#[test]
fn books_that_cannot_be_written_are_said_before_anything_is_read() {
    let ended = run(tool("listen", &["--stats", "/no/such/directory/books"]), EVENT.as_bytes());
    assert_eq!((ended.code(), ended.text()), (Some(73), ""));
    assert!(ended.stderr.contains("cannot create /no/such/directory/books"), "{}", ended.stderr);
}

#[test]
fn a_file_on_a_full_disk_ends_in_a_whole_line_and_the_status_is_75() {
    let directory = Directory::new();
    let disk = directory.path().join("disk");
    fs::create_dir(&disk).unwrap();
    let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", "size=64k", "tmpfs"]).arg(&disk).output();
    if !mounted.is_ok_and(|output| output.status.success()) {
        return skipped("a full disk (mounting a tmpfs is not allowed here)");
    }
    let file = disk.join("day.jsonl");
    let ended =
        run(tool("publish", &["--stats", "-", file.to_str().unwrap()]), EVENT.repeat(5000).as_bytes());
    let written = fs::read(&file).unwrap();
    let unmounted = Command::new("umount").arg(&disk).status().unwrap();
    assert!(unmounted.success());
    assert_eq!(ended.code(), Some(75), "{}", ended.stderr);
    assert!(!written.is_empty() && written.len().is_multiple_of(EVENT.len()), "{} bytes", written.len());
    assert!(written.chunks(EVENT.len()).all(|line| line == EVENT.as_bytes()));
    let books = ended.books();
    assert_eq!(books["written"], written.len() / EVENT.len());
    let lost: u64 = books["dropped"].as_object().unwrap().values().map(|count| count.as_u64().unwrap()).sum();
    assert_eq!(books["read"], books["written"].as_u64().unwrap() + lost);
}
