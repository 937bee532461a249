//! A real RabbitMQ between telemetry-publish and telemetry-listen, restarted, refused and killed at bad moments.

use std::collections::HashMap;

use rustix::process::Signal;
use serde_json::Value;

use crate::rabbit::Rabbit;
use crate::run::{Running, run, tool, until};

/// Notification `number`, which the sink passes on as it is.
fn notification(number: usize) -> String {
    format!(
        "{{\"event_type\":\"t\",\"publisher_id\":\"p\",\"priority\":\"INFO\",\"payload\":{{}},\"message_id\":\"{number}\"}}"
    )
}

/// How often each number came.
fn numbers(text: &[u8]) -> HashMap<usize, usize> {
    let mut found = HashMap::new();
    for line in std::str::from_utf8(text).unwrap().lines() {
        let record: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{line:?}: {error}"));
        *found.entry(record["message_id"].as_str().unwrap().parse().unwrap()).or_default() += 1;
    }
    found
}

fn listen(url: &str) -> Running {
    let running = Running::start(tool("listen", &[url, "--stats", "-", "--emit", "notifications"]));
    running.until_said("consuming ");
    running
}

/// One broker for everything that does not need a fresh one: it takes seconds to start.
#[test]
fn what_is_published_to_a_broker_is_heard() {
    let Some(rabbit) = Rabbit::start("RabbitMQ both ways") else { return };
    samples_events_and_notifications_arrive(&rabbit);
    what_was_not_acknowledged_comes_again(&rabbit);
    a_deleted_queue_is_made_again(&rabbit);
    refusals_have_their_exit_status(&rabbit);
    what_no_queue_takes_is_counted(&rabbit);
    a_missing_exchange_is_not_asked_for_all_the_time(&rabbit);
}

fn samples_events_and_notifications_arrive(rabbit: &Rabbit) {
    let heard = listen(&rabbit.url("?queue=all&topic=metering,event,notifications&exchange=ceilometer"));
    let sample =
        "{\"name\":\"cpu\",\"type\":\"gauge\",\"unit\":\"%\",\"volume\":1.5,\"resource_id\":\"r\"}\n";
    let event = "{\"message_id\":\"e\",\"event_type\":\"x.y\",\"traits\":[[\"a\",1,\"é\"]]}\n";
    let row = "{\"granularity\":60,\"aggregates\":{\"mean\":1},\"timestamp\":\"2026-11-22T10:00:00Z\"}\n";
    let input = [sample, sample, event, row, &notification(7), "\n"].concat();
    let ended = run(tool("publish", &[&rabbit.url(""), "--stats", "-"]), input.as_bytes());
    assert_eq!(ended.code(), Some(0), "{}", ended.stderr);
    assert_eq!((&ended.books()["written"], &ended.books()["skipped"]["aggregate"]), (&4.into(), &1.into()));
    let lines = String::from_utf8(heard.until_lines(3)).unwrap();
    assert_eq!(heard.stop().code(), Some(0));
    let lines: Vec<&str> = lines.lines().collect();
    let message = |line: &str| {
        let envelope: Value = serde_json::from_str(line).unwrap();
        assert_eq!(envelope["oslo.version"], "2.0");
        serde_json::from_str::<Value>(envelope["oslo.message"].as_str().unwrap()).unwrap()
    };
    let (metering, events) = (message(lines[0]), message(lines[1]));
    assert_eq!((&metering["event_type"], &metering["priority"]), (&"metering".into(), &"SAMPLE".into()));
    let samples = metering["payload"].as_array().unwrap();
    assert_eq!((samples.len(), &samples[1]["counter_volume"]), (2, &1.5.into()));
    assert_eq!(samples[0]["message_signature"].as_str().unwrap().len(), 64);
    assert_eq!(
        (&events["event_type"], &events["payload"][0]["traits"][0][2]),
        (&"event".into(), &"é".into())
    );
    assert_eq!(lines[2], notification(7));
}

fn what_was_not_acknowledged_comes_again(rabbit: &Rabbit) {
    let url = rabbit.url("?queue=again&topic=notifications.info&exchange=ceilometer&prefetch=100");
    let heard = Running::start({
        let mut command = tool("listen", &[&url, "--emit", "notifications"]);
        command.env("LC_ALL", "C");
        command
    });
    heard.until_said("consuming ");
    let input: String = (0..5000).map(|number| notification(number) + "\n").collect();
    let ended = run(tool("publish", &[&rabbit.url("")]), input.as_bytes());
    assert_eq!(ended.code(), Some(0), "{}", ended.stderr);
    heard.until_lines(1);
    heard.signal(Signal::KILL);
    let first = numbers(&heard.wait().stdout);
    let second = listen(&url);
    until("the rest", || {
        let mut all = numbers(&whole_lines(&second.stdout()));
        all.extend(&first);
        (all.len() == 5000).then_some(())
    });
    let ended = second.stop();
    let twice = numbers(&ended.stdout).keys().filter(|number| first.contains_key(number)).count();
    // A block at most is written and not yet acknowledged, and each of it is marked by the broker.
    assert!(twice <= 100, "{twice} came twice");
    let redelivered = ended.books()["redelivered"].as_u64().unwrap_or(0);
    assert!(redelivered as usize >= twice, "{redelivered} of {twice}");
}

fn whole_lines(text: &[u8]) -> Vec<u8> {
    let end = text.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    text[..end].to_vec()
}

fn a_deleted_queue_is_made_again(rabbit: &Rabbit) {
    // Nobody but the consumer holds this queue: one that expires in a second is gone soon after it ends.
    let url = rabbit.url("?queue=short&topic=notifications.info&exchange=ceilometer&expires=1");
    listen(&url).stop();
    let taken_as_it_is = rabbit.url("?queue=short&declare=no");
    let waiting = Running::start(tool("listen", &[&taken_as_it_is, "--emit", "notifications"]));
    waiting.until_said("consuming short");
    waiting.stop();
    until("the queue's end", || {
        let running = Running::start(tool("listen", &[&taken_as_it_is, "--emit", "notifications"]));
        let said = until("an answer", || Some(running.stderr()).filter(|said| said.contains("short")));
        let gone = said.contains("NOT_FOUND");
        if !gone {
            running.stop();
            std::thread::sleep(std::time::Duration::from_millis(1500));
            return None;
        }
        // It waits for the queue, and takes it up when it is there.
        let maker = listen(&url);
        running.until_said("consuming short again");
        maker.stop();
        assert_eq!(running.stop().code(), Some(0));
        Some(())
    });
}

fn refusals_have_their_exit_status(rabbit: &Rabbit) {
    let port = rabbit.port();
    for (url, status, why) in [
        (format!("amqp://guest:wrong@127.0.0.1:{port}/"), 77, "ACCESS_REFUSED"),
        (format!("amqp://127.0.0.1:{port}/nowhere"), 78, "vhost nowhere not found"),
    ] {
        let listened = run(tool("listen", &[&url, "--emit", "notifications"]), b"");
        assert_eq!(listened.code(), Some(status), "{}", listened.stderr);
        assert!(listened.stderr.contains(why) && !listened.stderr.contains("wrong@"), "{}", listened.stderr);
        let published = run(tool("publish", &[&url]), format!("{}\n", notification(1)).as_bytes());
        assert_eq!(published.code(), Some(status), "{}", published.stderr);
    }
}

fn what_no_queue_takes_is_counted(rabbit: &Rabbit) {
    let url = rabbit.url("?exchange=amq.topic&declare=no&topic=nobody");
    let ended = run(tool("publish", &[&url, "--stats", "-"]), format!("{}\n", notification(1)).as_bytes());
    assert_eq!(ended.code(), Some(69), "{}", ended.stderr);
    assert_eq!(ended.books()["dropped"][format!("{url} unroutable")], 1, "{}", ended.stderr);
    assert_eq!(ended.books()["written"], 0);
    assert!(
        ended.stderr.contains("no queue takes messages with topic nobody.info: NO_ROUTE"),
        "{}",
        ended.stderr
    );
}

fn a_missing_exchange_is_not_asked_for_all_the_time(rabbit: &Rabbit) {
    let url = rabbit.url("?exchange=nowhere&declare=no&linger=2");
    let ended = run(tool("publish", &[&url, "--stats", "-"]), format!("{}\n", notification(1)).as_bytes());
    assert_eq!(ended.code(), Some(69), "{}", ended.stderr);
    assert_eq!(ended.books()["dropped"][format!("{url} not delivered")], 1, "{}", ended.stderr);
    assert!(ended.stderr.contains("could not be delivered: "), "{}", ended.stderr);
    assert!(ended.stderr.contains("NOT_FOUND"), "{}", ended.stderr);
    // Pauses of at least 50, 100, 200, 400 and 800 ms: six attempts in two seconds.
    let lost = ended.stderr.matches("connection lost").count();
    assert!((1..=6).contains(&lost), "{lost}: {}", ended.stderr);
}

#[test]
fn a_restart_of_the_broker_in_mid_stream_loses_nothing() {
    const MESSAGES: usize = 20_000;
    let Some(mut rabbit) = Rabbit::start("a restart of RabbitMQ") else { return };
    let heard =
        listen(&rabbit.url("?queue=kept&topic=notifications.info&exchange=ceilometer&durable&prefetch=500"));
    let mut publish =
        Running::start(tool("publish", &[&rabbit.url("?durable&policy=default"), "--stats", "-"]));
    let send = |publish: &mut Running, numbers: std::ops::Range<usize>| {
        for first in numbers.step_by(1000) {
            let text: String = (first..first + 1000).map(|number| notification(number) + "\n").collect();
            publish.write(text.as_bytes());
        }
    };
    send(&mut publish, 0..MESSAGES / 2);
    heard.until_lines(1000);
    rabbit.stop();
    publish.until_said("trying again");
    heard.until_said("trying again");
    rabbit.start_again();
    send(&mut publish, MESSAGES / 2..MESSAGES);
    let published = publish.wait();
    assert_eq!(published.code(), Some(0), "{}", published.stderr);
    assert_eq!(
        (&published.books()["written"], &published.books()["dropped"]),
        (&MESSAGES.into(), &serde_json::json!({}))
    );
    until("all of them", || (numbers(&whole_lines(&heard.stdout())).len() == MESSAGES).then_some(()));
    let ended = heard.stop();
    let found = numbers(&ended.stdout);
    let extra = found.values().sum::<usize>() - MESSAGES;
    let books = ended.books();
    // What comes twice was sent twice, or delivered twice: the second is in the books.
    let duplicate = books["duplicate"].as_u64().unwrap() as usize;
    assert!(duplicate <= extra && extra <= duplicate + 1024, "{extra} more than sent: {books}");
    assert_eq!(ended.stderr.matches("connection lost").count(), 1, "{}", ended.stderr);
}

#[test]
fn a_broker_is_spoken_to_over_tls_when_it_is_trusted() {
    let Some(certificates) = crate::certificates::make("amqps:") else { return };
    let Some(rabbit) = Rabbit::start_with_tls("amqps:", &certificates) else { return };
    let file = |name: &str| certificates.file(name);
    let heard = listen(
        &rabbit.tls_url(&format!("?ca={}&queue=q&topic=metering&exchange=ceilometer", file("ca.pem"))),
    );
    let sample = "{\"name\":\"cpu\",\"type\":\"gauge\",\"unit\":\"%\",\"volume\":1,\"resource_id\":\"r\"}\n";
    let us =
        format!("?linger=2&ca={}&cert={}&key={}", file("ca.pem"), file("client.pem"), file("client.key"));
    let publish = |options: &str| run(tool("publish", &[&rabbit.tls_url(options)]), sample.as_bytes());
    let ended = publish(&us);
    assert_eq!(ended.code(), Some(0), "{}", ended.stderr);
    let ended = publish(&format!("?linger=2&ca={}", file("stranger.pem")));
    assert_eq!(ended.code(), Some(69), "{}", ended.stderr);
    assert!(ended.stderr.contains("UnknownIssuer"), "{}", ended.stderr);
    heard.until_lines(1);
    let ended = heard.stop();
    assert_eq!((ended.code(), ended.text().lines().count()), (Some(0), 1), "{}", ended.stderr);
}

#[test]
fn a_port_that_speaks_no_amqp_is_not_called_a_slow_broker() {
    // The system accepts the connection, nobody ever answers.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("amqp://{}/?linger=0.2", listener.local_addr().unwrap());
    let ended = run(tool("publish", &[&url]), format!("{}\n", notification(1)).as_bytes());
    assert_eq!(ended.code(), Some(69), "{}", ended.stderr);
    assert!(
        ended.stderr.contains("1 records could not be delivered: no broker has let us in yet"),
        "{}",
        ended.stderr
    );
}
