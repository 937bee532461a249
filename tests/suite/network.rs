//! Datagrams, connections and followed files: what was sent arrives, and what did not is in the books.

use std::fs;
use std::io::Write;
use std::net::{TcpStream, UdpSocket};
use std::os::unix::net::UnixStream;
use std::thread;
use std::time::Duration;

use rustix::process::Signal;
use serde_json::Value;

use crate::run::{Directory, Ended, Running, run, tool, until};

/// Record `number`.
fn record(number: usize) -> String {
    format!("{{\"name\":\"m\",\"volume\":{number}}}")
}

/// The numbers in lines of [`record`]s, in order; panics at a line that is none.
fn numbers(text: &[u8]) -> Vec<usize> {
    let text = std::str::from_utf8(text).unwrap();
    text.lines()
        .map(|line| {
            let record: Value =
                serde_json::from_str(line).unwrap_or_else(|error| panic!("{line:?}: {error}"));
            record["volume"].as_u64().unwrap() as usize
        })
        .collect()
}

fn listen(url: &str) -> (Running, String) {
    let running = Running::start(tool("listen", &[url, "--stats", "-"]));
    let address = running.address();
    (running, address)
}

fn dropped(books: &Value) -> u64 {
    books["dropped"].as_object().unwrap().values().map(|count| count.as_u64().unwrap()).sum()
}

fn count(books: &Value, key: &str) -> usize {
    books[key].as_u64().unwrap() as usize
}

#[test]
fn a_hundred_thousand_datagrams_arrive() {
    const DATAGRAMS: usize = 100_000;
    /// Datagrams under way at a time: less than any socket's buffer holds.
    const WINDOW: usize = 100;
    let (running, address) = listen("udp://127.0.0.1:0");
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    for first in (0..DATAGRAMS).step_by(WINDOW) {
        for number in first..first + WINDOW {
            socket.send_to(record(number).as_bytes(), &address).unwrap();
        }
        running.until_lines(first + WINDOW);
    }
    let ended = running.stop();
    assert_eq!(numbers(&ended.stdout), (0..DATAGRAMS).collect::<Vec<_>>());
    let books = ended.books();
    assert_eq!((count(&books, "read"), count(&books, "written"), dropped(&books)), (DATAGRAMS, DATAGRAMS, 0));
}

#[test]
fn datagrams_that_the_kernel_dropped_are_in_the_books() {
    const DATAGRAMS: usize = 60_000;
    let (running, address) = listen("udp://127.0.0.1:0?buffer=65536");
    running.signal(Signal::STOP);
    let stat = format!("/proc/{}/stat", running.pid().as_raw_nonzero());
    until("the stop", || {
        fs::read_to_string(&stat).unwrap().rsplit(')').next()?.trim().starts_with('T').then_some(())
    });
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    for number in 0..DATAGRAMS {
        socket.send_to(record(number).as_bytes(), &address).unwrap();
    }
    running.signal(Signal::CONT);
    let all = |books: &Value| count(books, "read") + dropped(books) as usize == DATAGRAMS;
    running.books_when("everything that was sent", all);
    // After the flood all is as before.
    let before = numbers(&running.stdout()).len();
    socket.send_to(record(DATAGRAMS).as_bytes(), &address).unwrap();
    running.until_lines(before + 1);
    let ended = running.stop();
    let books = ended.books();
    assert!(dropped(&books) > 0, "nothing was dropped: {books}");
    assert_eq!(count(&books, "read") + dropped(&books) as usize, DATAGRAMS + 1);
    assert_eq!(numbers(&ended.stdout).len(), count(&books, "written"));
    assert!(ended.stderr.contains("lost "), "{}", ended.stderr);
}

/// Several clients send whole and broken-up lines at the same time; all arrive whole, those of each in its order.
fn several_clients<S: Write + Send + 'static>(running: Running, connect: impl Fn() -> S) -> Ended {
    const CLIENTS: usize = 8;
    const RECORDS: usize = 2000;
    let clients: Vec<_> = (0..CLIENTS)
        .map(|client| {
            let mut stream = connect();
            thread::spawn(move || {
                let text: String =
                    (0..RECORDS).map(|number| record(client * RECORDS + number) + "\n").collect();
                // Cut where no line ends.
                text.as_bytes().chunks(997).for_each(|chunk| stream.write_all(chunk).unwrap());
            })
        })
        .collect();
    clients.into_iter().for_each(|client| client.join().unwrap());
    running.until_lines(CLIENTS * RECORDS);
    let ended = running.stop();
    let numbers = numbers(&ended.stdout);
    for client in 0..CLIENTS {
        let range = client * RECORDS..(client + 1) * RECORDS;
        let of_client: Vec<usize> = numbers.iter().copied().filter(|number| range.contains(number)).collect();
        assert_eq!(of_client, range.collect::<Vec<_>>());
    }
    let books = ended.books();
    assert_eq!((count(&books, "read"), count(&books, "written")), (CLIENTS * RECORDS, CLIENTS * RECORDS));
    ended
}

#[test]
fn several_tcp_clients_at_once_are_all_heard() {
    let (running, address) = listen("tcp://127.0.0.1:0");
    assert_eq!(several_clients(running, || TcpStream::connect(&address).unwrap()).code(), Some(0));
}

#[test]
fn several_unix_clients_at_once_are_all_heard() {
    let directory = Directory::new();
    let path = directory.file("socket");
    let running = Running::start(tool("listen", &[&format!("unix:{path}"), "--stats", "-"]));
    until("the socket", || UnixStream::connect(&path).ok());
    let ended = several_clients(running, || UnixStream::connect(&path).unwrap());
    assert_eq!(ended.code(), Some(0));
    assert!(!fs::exists(&path).unwrap(), "the socket is left behind");
}

#[test]
fn a_listener_that_restarts_gets_what_was_sent_while_it_was_away() {
    let (first, address) = listen("tcp://127.0.0.1:0");
    let url = format!("tcp://{address}");
    let mut publish = Running::start(tool("publish", &[&url, "--stats", "-"]));
    let send = |publish: &mut Running, numbers: std::ops::Range<usize>| {
        numbers.for_each(|number| publish.write(format!("{}\n", record(number)).as_bytes()));
    };
    send(&mut publish, 0..100);
    first.until_lines(100);
    let first = first.stop();
    assert_eq!(numbers(&first.stdout), (0..100).collect::<Vec<_>>());
    // The listener has ended, so the end of the connection is known before anything more is sent.
    send(&mut publish, 100..200);
    publish.until_said("trying again");
    let second = Running::start(tool("listen", &[&url]));
    second.address();
    second.until_lines(100);
    send(&mut publish, 200..300);
    second.until_lines(200);
    let publish = publish.wait();
    assert_eq!((publish.code(), dropped(&publish.books())), (Some(0), 0), "{}", publish.stderr);
    assert_eq!(count(&publish.books(), "written"), 300);
    assert_eq!(numbers(&second.stop().stdout), (100..300).collect::<Vec<_>>());
}

#[test]
fn a_file_that_was_renamed_is_reopened_after_hup() {
    let directory = Directory::new();
    let (path, old) = (directory.file("day.jsonl"), directory.file("day.jsonl.old"));
    let mut publish = Running::start(tool("publish", &["--tee", &path]));
    publish.write(format!("{}\n", record(1)).as_bytes());
    publish.until_lines(1);
    until("the first record", || (fs::read(&path).ok()?.len() > 10).then_some(()));
    fs::rename(&path, &old).unwrap();
    // Without a HUP the renamed file is written on.
    publish.write(format!("{}\n", record(2)).as_bytes());
    publish.until_lines(2);
    until("the second record", || (numbers(&fs::read(&old).unwrap()) == [1, 2]).then_some(()));
    // The signal is taken by a thread of its own, at its own time: records are sent until one arrives.
    publish.signal(Signal::HUP);
    let mut sent = 2;
    until("the new file", || {
        sent += 1;
        publish.write(format!("{}\n", record(sent)).as_bytes());
        publish.until_lines(sent);
        fs::exists(&path).unwrap().then_some(())
    });
    let ended = publish.wait();
    assert_eq!((ended.code(), &ended.stderr[..]), (Some(0), ""));
    let both = [numbers(&fs::read(&old).unwrap()), numbers(&fs::read(&path).unwrap())].concat();
    assert_eq!(both, (1..=sent).collect::<Vec<_>>());
    assert_eq!(numbers(&ended.stdout), both);
}

#[test]
fn a_followed_file_is_read_through_rotation_and_truncation() {
    let directory = Directory::new();
    let path = directory.file("log.jsonl");
    let append = |numbers: std::ops::Range<usize>| {
        let mut file = fs::OpenOptions::new().append(true).create(true).open(&path).unwrap();
        numbers.for_each(|number| file.write_all(format!("{}\n", record(number)).as_bytes()).unwrap());
    };
    let running = Running::start(tool("listen", &[&format!("file:{path}?follow")]));
    // It need not be there yet.
    append(0..10);
    running.until_lines(10);
    append(10..20);
    running.until_lines(20);
    fs::rename(&path, directory.file("log.jsonl.1")).unwrap();
    append(20..30);
    running.until_lines(30);
    // Truncated to nothing, and shorter than it was when it is looked at again.
    fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(0).unwrap();
    append(30..35);
    running.until_lines(35);
    // Half a line is none until the rest has come.
    let (head, tail) = (record(35), "\n");
    let mut file = fs::OpenOptions::new().append(true).open(&path).unwrap();
    file.write_all(head.as_bytes()).unwrap();
    file.write_all(tail.as_bytes()).unwrap();
    running.until_lines(36);
    let ended = running.stop();
    assert_eq!(numbers(&ended.stdout), (0..36).collect::<Vec<_>>());
    assert_eq!(ended.code(), Some(0), "{}", ended.stderr);
}

#[test]
fn what_is_published_over_udp_is_heard_and_teed() {
    let (running, address) = listen("udp://127.0.0.1:0");
    let input: String = (0..50).map(|number| record(number) + "\n").collect();
    let ended = run(tool("publish", &["--tee", &format!("udp://{address}")]), input.as_bytes());
    assert_eq!((ended.code(), ended.text()), (Some(0), &input[..]));
    assert_eq!(running.until_lines(50), input.as_bytes());
    assert_eq!(running.stop().code(), Some(0));
}

#[test]
fn a_port_that_is_taken_is_said() {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(1))).unwrap();
    let url = format!("udp://{}", socket.local_addr().unwrap());
    let ended = run(tool("listen", &[&url]), b"");
    assert_eq!(ended.code(), Some(74));
    assert!(
        ended.stderr.contains(&format!("cannot listen at {url}: Address already in use")),
        "{}",
        ended.stderr
    );
}
