//! tls:, ours to ours and with openssl at the other end.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::ops::Range;
use std::process::Command;

use rustix::process::Signal;
use serde_json::Value;

use crate::certificates;
use crate::run::{Directory, Ended, Running, run, tool};

/// Records by number, a line each.
fn lines(numbers: Range<usize>) -> String {
    numbers.map(|number| format!("{{\"name\":\"m\",\"volume\":{number}}}\n")).collect()
}

/// `tls://127.0.0.1:0` with the server's files and `more`.
fn listen(directory: &Directory, more: &str) -> (Running, String) {
    let (cert, key) = (directory.file("server.pem"), directory.file("server.key"));
    listen_at(&format!("tls://127.0.0.1:0?cert={cert}&key={key}{more}"))
}

fn listen_at(url: &str) -> (Running, String) {
    let running = Running::start(tool("listen", &[url, "--stats", "-"]));
    let address = running.address();
    (running, address)
}

/// Options that name a certificate and its key.
fn who(directory: &Directory, name: &str) -> String {
    let file = |kind: &str| directory.file(&format!("{name}.{kind}"));
    format!("cert={}&key={}", file("pem"), file("key"))
}

fn publish(address: &str, options: &str, input: &str) -> Ended {
    let url = format!("tls://{address}?linger=2&{options}");
    run(tool("publish", &[&url, "--stats", "-"]), input.as_bytes())
}

fn s_client(address: &str, more: &[&str]) -> Running {
    let mut command = Command::new("openssl");
    command.args(["s_client", "-connect", address]).args(more);
    Running::start(command)
}

#[test]
fn what_is_published_with_a_certificate_is_heard() {
    let Some(directory) = certificates::make("tls:") else { return };
    let (running, address) = listen(&directory, &format!("&client_ca={}", directory.file("ca.pem")));
    let us = format!("ca={}&{}", directory.file("ca.pem"), who(&directory, "client"));
    for (options, numbers) in [
        // Frames, lines of many TLS records, and a name instead of an address.
        (us.clone(), 0..10),
        (format!("{us}&format=json"), 10..60_000),
        (format!("{us}&format=json&server_name=localhost"), 60_000..60_001),
        (format!("{}&verify=no&format=json", who(&directory, "client")), 60_001..60_002),
    ] {
        let ended = publish(&address, &options, &lines(numbers.clone()));
        assert_eq!(ended.code(), Some(0), "{}", ended.stderr);
        assert_eq!(ended.books()["written"], numbers.len());
        let warns = ended.stderr.contains("verify=no: whoever answers gets the records");
        assert_eq!(warns, options.contains("verify=no"), "{}", ended.stderr);
    }
    running.until_lines(60_002);
    let ended = running.stop();
    // Each sender's are in order; senders take turns.
    let mut volumes: Vec<usize> = ended
        .text()
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["volume"].as_u64().unwrap() as usize)
        .collect();
    volumes.sort_unstable();
    assert_eq!(volumes, (0..60_002).collect::<Vec<_>>());
    let books = ended.books();
    assert_eq!(
        (&books["tls_failed"], &books["tls_broken"]),
        (&Value::Null, &Value::Null),
        "{}",
        ended.stderr
    );
}

#[test]
fn who_is_not_trusted_is_told_on_both_sides_and_no_record_is_lost_unsaid() {
    let Some(directory) = certificates::make("tls:") else { return };
    let ca = directory.file("ca.pem");
    for (options, ours, theirs) in [
        (format!("ca={ca}"), "it wants a certificate of us", "it shows no certificate"),
        (
            format!("ca={ca}&{}", who(&directory, "stranger")),
            "it does not take our certificate",
            "no TLS: its certificate ",
        ),
        (
            format!("ca={}", directory.file("stranger.pem")),
            "comes from an authority that is not among those trusted",
            "it does not trust our certificate",
        ),
        (
            format!("ca={ca}&server_name=elsewhere"),
            "its certificate is for 127.0.0.1, localhost, not for elsewhere",
            "no TLS: ",
        ),
    ] {
        let (running, address) = listen(&directory, &format!("&client_ca={ca}"));
        let ended = publish(&address, &options, &lines(0..3));
        assert_eq!(ended.code(), Some(69), "{}", ended.stderr);
        assert!(ended.stderr.contains(ours), "{options}: {}", ended.stderr);
        let books = ended.books();
        assert_eq!(books["written"], 0);
        assert!(books["dropped"].as_object().unwrap().values().eq([3]), "{books}");
        running.until_said(theirs);
        let ended = running.stop();
        assert_eq!(ended.books()["read"], 0);
        assert!(ended.books()["tls_failed"].as_u64().unwrap() >= 1);
    }
}

#[test]
fn a_sender_without_tls_is_told_and_one_that_is_slow_stops_nobody() {
    let Some(directory) = certificates::make("tls:") else { return };
    let (running, address) = listen(&directory, "&format=json");
    // Says nothing until it is cut off; the others go on meanwhile.
    let mut silent = TcpStream::connect(&address).unwrap();
    let mut half = TcpStream::connect(&address).unwrap();
    half.write_all(&[0x16, 3, 1]).unwrap();
    // A probe is no failure.
    drop(TcpStream::connect(&address).unwrap());
    let mut plain = TcpStream::connect(&address).unwrap();
    plain.write_all(lines(0..1).as_bytes()).unwrap();
    running.until_said("no TLS: it does not speak TLS");
    let ca = directory.file("ca.pem");
    assert_eq!(publish(&address, &format!("ca={ca}&format=json"), &lines(1..3)).code(), Some(0));
    running.until_lines(2);
    assert!(!running.stderr().contains("no handshake"), "{}", running.stderr());
    running.until_said("no TLS: no handshake within 10 s");
    let failed = |books: &Value| books["tls_failed"] == 3;
    running.books_when("the two that were slow", failed);
    for slow in [&mut silent, &mut half] {
        assert!(matches!(slow.read(&mut [0; 64]), Ok(0) | Err(_)));
    }
    assert_eq!(running.stop().text(), lines(1..3));
}

#[test]
fn what_openssl_sends_is_heard_and_what_was_cut_off_is_no_record() {
    let Some(directory) = certificates::make("tls:") else { return };
    let (running, address) = listen(&directory, "");
    let unfinished = |number: usize| lines(number..number + 1).trim_end().to_owned();
    for (number, version) in ["-tls1_3", "-tls1_2"].into_iter().enumerate() {
        let first = number * 4;
        let mut sender = s_client(&address, &[version]);
        sender.write(lines(first..first + 2).as_bytes());
        running.until_lines(first + 2);
        // It takes its leave in order: an unfinished line is one, as everywhere.
        sender.write(unfinished(first + 2).as_bytes());
        assert_eq!(sender.wait().code(), Some(0));
        running.until_lines(first + 3);
        // Killed, it does not.
        let sent = format!("{}{}", lines(first + 3..first + 4), "{\"name\":");
        let mut sender = s_client(&address, &[version]);
        sender.write(sent.as_bytes());
        running.until_lines(first + 4);
        sender.signal(Signal::KILL);
        running.books_when("the line that was cut off", |books| books["rejected"]["cut short"] == number + 1);
    }
    let ended = running.stop();
    assert!(ended.stderr.contains("the connection was cut off within a line, of which 8 bytes had come"));
    assert_eq!(ended.text(), lines(0..8));
    assert_eq!(ended.books()["tls_broken"], 2);
}

#[test]
fn what_is_published_to_openssl_arrives_whichever_version_it_speaks() {
    let Some(directory) = certificates::make("tls:") else { return };
    let ca = directory.file("ca.pem");
    // No tickets: nothing is said behind the handshake.
    for version in [&["-tls1_3"][..], &["-tls1_3", "-num_tickets", "0"], &["-tls1_2"]] {
        // A port that was free a moment ago.
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut command = Command::new("openssl");
        let (cert, key) = (directory.file("server.pem"), directory.file("server.key"));
        let accept = port.to_string();
        command
            .args(["s_server", "-quiet", "-naccept", "1", "-accept", &accept, "-cert", &cert, "-key", &key]);
        let mut receiver = Running::start({
            command.args(version);
            command
        });
        let input = receiver.stdin.take();
        let ended = publish(&format!("localhost:{port}"), &format!("ca={ca}&format=json"), &lines(0..5000));
        assert_eq!(ended.code(), Some(0), "{}", ended.stderr);
        assert_eq!(receiver.until_lines(5000), lines(0..5000).as_bytes());
        drop(input);
    }
}

#[test]
fn a_listener_that_restarts_gets_what_was_sent_while_it_was_away() {
    let Some(directory) = certificates::make("tls:") else { return };
    let (first, address) = listen(&directory, "");
    let us = format!("ca={}&format=json", directory.file("ca.pem"));
    let mut sender = Running::start(tool("publish", &[&format!("tls://{address}?{us}"), "--stats", "-"]));
    sender.write(lines(0..100).as_bytes());
    first.until_lines(100);
    let first = first.stop();
    sender.write(lines(100..200).as_bytes());
    sender.until_said("trying again");
    let url = format!("tls://{address}?{}", who(&directory, "server"));
    let (second, _) = listen_at(&url);
    second.until_lines(100);
    let ended = sender.wait();
    assert_eq!((ended.code(), &ended.books()["written"]), (Some(0), &200.into()), "{}", ended.stderr);
    assert_eq!([first.text(), second.stop().text()].concat(), lines(0..200));
}

#[test]
fn files_and_options_that_are_no_good_are_named() {
    let Some(directory) = certificates::make("tls:") else { return };
    let refused = |name: &str, options: &str| {
        let ended = run(tool(name, &[&format!("tls://127.0.0.1:0?{options}")]), b"");
        (ended.code(), ended.stderr)
    };
    let file = |name: &str| directory.file(name);
    for (tool, options, code, why) in [
        ("listen", String::new(), 2, "tls needs cert=FILE and key=FILE"),
        ("listen", format!("cert={}&key=/none", file("server.pem")), 78, "cannot read /none"),
        ("publish", "ca=/none".to_owned(), 78, "cannot read /none"),
        ("publish", format!("ca={}", file("server.key")), 78, "server.key: has no certificate in it"),
        ("publish", "cert=x".to_owned(), 2, "cert and key belong together"),
        ("publish", "verify=maybe".to_owned(), 2, "known: yes, no"),
        (
            "publish",
            format!("ca={}&server_name=a%20b", file("ca.pem")),
            2,
            "no name that a certificate can have",
        ),
        ("publish", format!("cert={}&key={}", file("server.pem"), file("client.key")), 78, "is not that of"),
    ] {
        let (status, said) = refused(tool, &options);
        assert!(status == Some(code) && said.contains(why), "{tool} {options}: {status:?} {said}");
    }
}

#[test]
fn a_receiver_that_speaks_no_tls_is_told() {
    let Some(directory) = certificates::make("tls:") else { return };
    let (running, address) = listen_at("http://127.0.0.1:0");
    let ended = publish(&address, &format!("ca={}", directory.file("ca.pem")), &lines(0..1));
    assert_eq!(ended.code(), Some(69), "{}", ended.stderr);
    assert!(ended.stderr.contains("cannot connect: it does not speak TLS; trying again"), "{}", ended.stderr);
    assert_eq!(running.stop().books()["written"], 0);
}
