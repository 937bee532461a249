//! What an address asks for: `amqp[s]://…?exchange=…&topic=…&policy=…`, or Ceilometer's `notifier://…?topic=…&policy=…`.

use std::time::Duration;

use crate::base::broker::{self, Place};
use crate::base::{Books, Failure, Url};
use crate::sink::stream::{LINGER_SECONDS_MAX, QUEUE_BYTES_RANGE, StreamOptions};

/// Ceilometer's `control_exchange`, `metering_topic` and `event_topic`, and oslo.messaging's topic for notifications.
const EXCHANGE: &str = "ceilometer";
const METERING: &str = "metering";
const EVENT: &str = "event";
const NOTIFICATIONS: &str = "notifications";
const LONGEST_PRIORITY: &str = "critical";
/// Records a message: at 500 bytes each, some 50 kB, and a hundredth of the work of messages of one.
const BATCH: usize = 100;
const BATCH_RANGE: std::ops::RangeInclusive<u64> = 1..=10_000;
/// Ceilometer's default for `max_queue_length`, messages.
const QUEUE_LENGTH: usize = 1024;
const QUEUE_LENGTH_RANGE: std::ops::RangeInclusive<u64> = 1..=1_000_000;
const RETRIES_RANGE: std::ops::RangeInclusive<u64> = 1..=1_000_000;
/// Longer, and the broker's return goes unnoticed.
const RETRY_SECONDS_MAX: f64 = 3600.0;

/// What happens when messages cannot be delivered and the queue is full (Ceilometer's word and its three values).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Policy {
    /// `default`: the caller waits.
    Wait,
    /// `drop`: the newest messages are dropped while the broker is away.
    Drop,
    /// `queue`: the oldest are.
    Queue,
}

/// How messages are made and delivered.
#[derive(Clone, Debug)]
pub struct SinkOptions {
    /// The broker.
    pub place: Place,
    /// Where messages go.
    pub exchange: String,
    /// The topic of samples, without the priority that follows it.
    pub sample_topic: String,
    /// That of events.
    pub event_topic: String,
    /// That of notifications.
    pub notification_topic: String,
    /// Whether messages are put in oslo.messaging's envelope.
    pub enveloped: bool,
    /// Whether each meter's samples are sent once more, with a type of their own.
    pub per_meter_topic: bool,
    /// Records a message, at most.
    pub batch: usize,
    /// What happens when the queue is full.
    pub policy: Policy,
    /// Messages queued or under way, at most.
    pub queue_length_max: usize,
    /// Bytes of them, at most.
    pub queue_bytes_max: usize,
    /// Attempts to connect in a row, after which everything is dropped; none for ever.
    pub retries_max: Option<u64>,
    /// The longest pause between two of them.
    pub retry_interval: Option<Duration>,
    /// How long the end waits for what is queued.
    pub linger: Duration,
    /// Whether the exchange and a queue for each topic are made when they are not there.
    pub declares: bool,
    /// Whether these survive a restart of the broker.
    pub durable: bool,
}

impl SinkOptions {
    /// What `url` asks for.
    ///
    /// # Errors
    /// As [`Place::of_url`].
    pub fn of_url(url: &Url, books: &Books) -> Result<SinkOptions, Failure> {
        let own = [
            "exchange",
            "topic",
            "event_topic",
            "driver",
            "policy",
            "max_queue_length",
            "max_retry",
            "retry_interval",
            "per_meter_topic",
            "batch",
            "queue",
            "linger",
            "durable",
            "declare",
        ];
        url.only_options(&[&own[..], &broker::OPTIONS].concat())?;
        let name = |key: &str, default: &str| Place::name(url, url.value(key)?.unwrap_or(default));
        // In Ceilometer `topic` is that of whatever the publisher publishes.
        let topic = url.value("topic")?.map(|topic| short(url, topic)).transpose()?;
        let or_topic = |default: &str| topic.clone().unwrap_or_else(|| default.to_owned());
        let defaults = StreamOptions::default();
        let number =
            |key: &str, range| Ok::<_, Failure>(url.number(key, range)?.map(|number| number as usize));
        // `rabbit` is the transport of Ceilometer's publisher; the other two are drivers of oslo.messaging's notifier.
        let driver = url.choice("driver", &["rabbit", "messagingv2", "messaging"])?;
        Ok(SinkOptions {
            place: Place::of_url(url, "telemetry-publish")?,
            exchange: name("exchange", EXCHANGE)?,
            sample_topic: or_topic(METERING),
            event_topic: match url.value("event_topic")? {
                Some(topic) => short(url, topic)?,
                None => or_topic(EVENT),
            },
            notification_topic: or_topic(NOTIFICATIONS),
            enveloped: driver != "messaging",
            per_meter_topic: url.flag("per_meter_topic")?,
            batch: number("batch", BATCH_RANGE)?.unwrap_or(BATCH),
            policy: policy(url, books)?,
            queue_length_max: number("max_queue_length", QUEUE_LENGTH_RANGE)?.unwrap_or(QUEUE_LENGTH),
            queue_bytes_max: url
                .bytes("queue", QUEUE_BYTES_RANGE)?
                .map_or(defaults.queue_bytes_max, |bytes| bytes as usize),
            retries_max: url.number("max_retry", RETRIES_RANGE)?,
            retry_interval: url.seconds("retry_interval", RETRY_SECONDS_MAX)?,
            linger: url.seconds("linger", LINGER_SECONDS_MAX)?.unwrap_or(defaults.linger),
            declares: url.choice("declare", &["yes", "no"])? == "yes",
            durable: url.flag("durable")?,
        })
    }
}

/// A topic behind which a priority has room.
fn short(url: &Url, topic: &str) -> Result<String, Failure> {
    Place::name(url, &format!("{topic}.{LONGEST_PRIORITY}"))?;
    Ok(topic.to_owned())
}

/// A pipeline.yaml that works with Ceilometer works here: an unknown policy is said, and `default`.
fn policy(url: &Url, books: &Books) -> Result<Policy, Failure> {
    Ok(match url.choice("policy", &["default", "drop", "queue"]) {
        Ok("drop") => Policy::Drop,
        Ok("queue") => Policy::Queue,
        Ok(_) => Policy::Wait,
        Err(failure) if url.scheme() == "notifier" => {
            books.warn("policy", &format_args!("{failure}; taken as default"));
            Policy::Wait
        }
        Err(failure) => return Err(failure),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Address;
    use crate::base::testing::books;

    fn options(text: &str) -> Result<SinkOptions, Failure> {
        match Address::parse(text)? {
            Address::Url(url) => SinkOptions::of_url(&url, &books()),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn ceilometers_addresses_are_understood() {
        let plain = options("notifier://").unwrap();
        assert_eq!(plain.place.hosts(), [("127.0.0.1".to_owned(), 5672)]);
        assert_eq!(
            (&plain.exchange[..], &plain.sample_topic[..], &plain.event_topic[..]),
            ("ceilometer", "metering", "event")
        );
        assert_eq!((plain.policy, plain.queue_length_max, plain.enveloped), (Policy::Wait, 1024, true));
        let full = "notifier://u:p@h:1/?topic=alarm.all&driver=rabbit&policy=queue&max_queue_length=5&max_retry=3&per_meter_topic=1";
        let full = options(full).unwrap();
        assert_eq!((&full.sample_topic[..], &full.event_topic[..]), ("alarm.all", "alarm.all"));
        assert_eq!((full.policy, full.queue_length_max, full.retries_max), (Policy::Queue, 5, Some(3)));
        assert!(full.per_meter_topic);
        assert_eq!(options("notifier://?policy=nonsense").unwrap().policy, Policy::Wait);
    }

    #[test]
    fn what_makes_no_sense_is_said() {
        for (text, why) in [
            ("amqp://h?policy=nonsense", "known: default, drop, queue"),
            ("amqp://h?driver=kafka", "known: rabbit, messagingv2, messaging"),
            ("amqp://h?batch=0", "not a number from 1 to 10000"),
            ("amqp://h?topics=x", "did you mean \"topic\"?"),
        ] {
            let said = options(text).unwrap_err();
            assert!(said.status() == 2 && said.to_string().contains(why), "{text}: {said}");
        }
    }
}
