//! Senders that would take all there is: memory, connections, time.

use std::io::Read;
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::thread;

use serde_json::Value;

use super::client::Client;
use super::{gzip, lines, list, listen, record};
use crate::run::{Running, tool, until};

/// The most memory that a process ever had, in kibibytes (proc_pid_status(5)).
fn peak_kib(running: &Running) -> usize {
    let status = format!("/proc/{}/status", running.pid().as_raw_nonzero());
    let text = std::fs::read_to_string(status).unwrap();
    let line = text.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[test]
fn bodies_that_grow_a_thousandfold_are_refused_and_cost_little() {
    let (running, address) = listen("?body_max=1M");
    let bomb = gzip(&vec![b' '; 200 << 20]);
    assert!(bomb.len() < 1 << 20, "{}", bomb.len());
    let before = peak_kib(&running);
    for _ in 0..20 {
        let mut client = Client::connect(&address);
        client.request("POST", "/", "Content-Type: application/json\nContent-Encoding: gzip\n", &bomb);
        assert_eq!(client.response().status, 413);
    }
    let grown = peak_kib(&running) - before;
    assert!(grown < 16 * 1024, "{grown} KiB more");
    assert_eq!(Client::connect(&address).post("/", record(0)).status, 204);
    assert_eq!(running.stop().text(), lines(0..1));
}

#[test]
fn a_thousand_connections_that_say_nothing_do_not_stop_others() {
    let (running, address) = listen("?connections=500");
    let idle: Vec<Client> = (0..1000).map(|_| Client::connect(&address)).collect();
    for number in 0..3 {
        assert_eq!(Client::connect(&address).post("/", record(number)).status, 204);
    }
    let ended = running.stop();
    assert_eq!(ended.text(), lines(0..3));
    assert_eq!(ended.books().get("connections_refused"), None);
    drop(idle);
}

#[test]
fn one_more_than_may_be_is_refused_when_all_are_busy() {
    let (running, address) = listen("?connections=1");
    let mut busy = Client::connect(&address);
    busy.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\nContent-Length: 23\r\nExpect: 100-continue\r\n\r\n");
    assert_eq!(busy.response().status, 100);
    assert_eq!(Client::connect(&address).response().status, 503);
    busy.send(record(7).as_bytes());
    busy.send(" ");
    assert_eq!(busy.response().status, 204);
    let ended = running.stop();
    assert_eq!((ended.text(), &ended.books()["connections_refused"]), (&lines(7..8)[..], &Value::from(1)));
}

#[test]
fn many_large_bodies_at_once_all_come_to_their_end() {
    const CLIENTS: usize = 16;
    let (running, address) = listen("?queue=1M&body_max=1M");
    let body = lines(0..30_000);
    assert!(body.len() > 700_000);
    let clients: Vec<_> = (0..CLIENTS)
        .map(|_| {
            let (address, body) = (address.clone(), body.clone());
            thread::spawn(move || {
                let mut client = Client::connect(&address);
                client.request("POST", "/", "Content-Type: application/x-ndjson\n", &body);
                client.response().status
            })
        })
        .collect();
    let statuses: Vec<u16> = clients.into_iter().map(|client| client.join().unwrap()).collect();
    assert_eq!(statuses, [204; CLIENTS]);
    assert_eq!(running.stop().stdout.len(), CLIENTS * body.len());
}

#[test]
fn a_head_that_never_ends_is_cut_off() {
    let (running, address) = listen("");
    let mut slow = Client::connect(&address);
    slow.send("POST / HTTP/1.1\r\nHost: h\r\n");
    slow.until_ended();
    // Ten seconds: a connection that is idle for so long is not.
    assert_eq!(Client::connect(&address).post("/", record(0)).status, 204);
    assert_eq!(running.stop().text(), lines(0..1));
}

#[test]
fn a_sender_that_hangs_up_takes_nothing_along() {
    let (running, address) = listen("");
    for _ in 0..50 {
        let mut client = Client::connect(&address);
        client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n[{\"name\"");
    }
    let mut client = Client::connect(&address);
    assert_eq!(client.post("/", list(0..2)).status, 204);
    let ended = running.stop();
    // Half a body is none, and nobody's record.
    assert_eq!((ended.code(), ended.text()), (Some(0), &lines(0..2)[..]));
}

#[test]
fn an_output_that_stands_still_makes_senders_wait_and_then_come_again() {
    let mut command = tool("listen", &["http://127.0.0.1:0?queue=64K&body_max=64K&linger=0"]);
    command.stdout(Stdio::piped());
    let mut running = Running::start_with_stdout(command);
    let address = running.address();
    let body = lines(0..2000);
    let statuses = Arc::new(Mutex::new(Vec::new()));
    let clients: Vec<_> = (0..20)
        .map(|_| {
            let mut client = Client::connect(&address);
            client.request("POST", "/", "Content-Type: application/x-ndjson\n", &body);
            let statuses = Arc::clone(&statuses);
            thread::spawn(move || {
                let response = client.response();
                statuses.lock().unwrap().push((response.status, response.header("retry-after").to_owned()));
            })
        })
        .collect();
    // The pipe's buffer, the output's and the queue are full: who finds no room hears it after ten seconds.
    until("somebody who is sent away", || {
        statuses.lock().unwrap().contains(&(503, "5".to_owned())).then_some(())
    });
    let mut stdout = running.take_stdout();
    let reader = thread::spawn(move || {
        let mut bytes = Vec::new();
        stdout.read_to_end(&mut bytes).unwrap();
        bytes
    });
    clients.into_iter().for_each(|client| client.join().unwrap());
    let ended = running.stop();
    let printed = reader.join().unwrap();
    let statuses = statuses.lock().unwrap();
    let taken = statuses.iter().filter(|(status, _)| *status == 204).count();
    assert!(taken > 0 && taken < statuses.len(), "{statuses:?}");
    assert_eq!(printed.len(), taken * body.len(), "{statuses:?}");
    assert_eq!(ended.code(), Some(0));
}
