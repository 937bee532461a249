//! Records to messages.

use std::collections::BTreeMap;

use uuid::Uuid;

use super::options::SinkOptions;
use super::queue::Outgoing;
use crate::base::{Books, Secret, clock};
use crate::model::{KIND_KEYS, Node, RecordKind, Timestamp};
use crate::wire::json::read_node;
use crate::wire::meter::MeterWriter;
use crate::wire::oslo::{Identity, Message, timestamp, write_python_json};

/// Bytes of records a message: one is finished when it has more. A broker takes 128 MiB, a reader may take less.
const PAYLOAD_BYTES_MAX: usize = 256 * 1024;
/// oslo.messaging's priorities: each is a queue, so nothing else may name one.
const PRIORITIES: [&str; 7] = ["audit", "debug", "info", "warn", "error", "critical", "sample"];

/// Gathers samples and events into messages; a notification is one already.
pub struct Batches {
    name: String,
    publisher_id: String,
    maker: MeterWriter,
    samples: Batch,
    events: Batch,
    /// The samples in `samples` once more, by meter, when that is asked for.
    by_meter: BTreeMap<String, Batch>,
    options: SinkOptions,
}

/// Records on their way into a message.
#[derive(Default)]
struct Batch {
    /// A JSON list without its last bracket.
    payload: Vec<u8>,
    records: u64,
}

impl Batch {
    fn add(&mut self, record: &Node<'_>) {
        self.payload.extend(if self.records == 0 { &b"["[..] } else { b", " });
        write_python_json(record, &mut self.payload);
        self.records += 1;
    }
}

impl Batches {
    /// Nothing yet. `host` is who publishes.
    pub fn new(name: &str, host: &str, secret: &Secret, options: &SinkOptions) -> Batches {
        Batches {
            name: name.to_owned(),
            publisher_id: format!("telemetry.publisher.{host}"),
            maker: MeterWriter::new(secret, None),
            samples: Batch::default(),
            events: Batch::default(),
            by_meter: BTreeMap::new(),
            options: options.clone(),
        }
    }

    /// Takes a record; appends messages that are full to `out`.
    ///
    /// What is neither sample, event nor notification has no form on this wire: it is skipped, and counted.
    pub fn add(&mut self, line: &[u8], books: &Books, out: &mut Vec<Outgoing>) {
        let record = match read_node(line) {
            Ok(record) => record,
            Err(error) => return self.lose(books, "not readable", &error),
        };
        match RecordKind::of(&KIND_KEYS, |key| record.get(key).is_some()) {
            Some(RecordKind::Sample) => self.add_sample(record, out),
            Some(RecordKind::Event) => {
                if let Ok(event) = self.maker.signed(record) {
                    self.events.add(&Node::Map(event));
                }
                if self.is_full(&self.events) {
                    self.finish_events(out);
                }
            }
            Some(RecordKind::Notification) => match topic(&record, &self.options.notification_topic) {
                Some(topic) => {
                    // In the order in which they came.
                    self.finish(out);
                    out.push(Outgoing { topic, body: line.to_vec(), records: 1 });
                }
                None => self.lose(books, "without a priority", &"the notification has no known priority"),
            },
            Some(kind) => books.skip(kind.name(), 1),
            None => self.lose(books, "no record", &"neither sample, event nor notification"),
        }
    }

    fn add_sample(&mut self, record: Node<'_>, out: &mut Vec<Outgoing>) {
        let Ok(sample) = self.maker.signed(record).map(Node::Map) else { return };
        self.samples.add(&sample);
        if self.options.per_meter_topic {
            let meter = sample.get("counter_name").and_then(Node::as_text).unwrap_or_default();
            match self.by_meter.get_mut(meter) {
                Some(batch) => batch.add(&sample),
                None => self.by_meter.entry(meter.to_owned()).or_default().add(&sample),
            }
        }
        if self.is_full(&self.samples) {
            self.finish_samples(out);
        }
    }

    fn is_full(&self, batch: &Batch) -> bool {
        batch.records >= self.options.batch as u64 || batch.payload.len() >= PAYLOAD_BYTES_MAX
    }

    /// Appends messages with all that was gathered.
    pub fn finish(&mut self, out: &mut Vec<Outgoing>) {
        self.finish_samples(out);
        self.finish_events(out);
    }

    fn finish_samples(&mut self, out: &mut Vec<Outgoing>) {
        let topic = format!("{}.sample", self.options.sample_topic);
        let batch = std::mem::take(&mut self.samples);
        self.message(batch, "metering", topic.clone(), out);
        // Ceilometer sends them behind the others, by the name of the meter.
        for (meter, batch) in std::mem::take(&mut self.by_meter) {
            self.message(batch, &format!("metering.{meter}"), topic.clone(), out);
        }
    }

    fn finish_events(&mut self, out: &mut Vec<Outgoing>) {
        let batch = std::mem::take(&mut self.events);
        self.message(batch, "event", format!("{}.sample", self.options.event_topic), out);
    }

    fn message(&self, mut batch: Batch, event_type: &str, topic: String, out: &mut Vec<Outgoing>) {
        if batch.records == 0 {
            return;
        }
        batch.payload.push(b']');
        let identity = Identity {
            message_id: Uuid::new_v4().to_string(),
            unique_id: Uuid::new_v4().simple().to_string(),
            timestamp: timestamp(Timestamp::from_ns(clock::now_ns())),
        };
        let message = Message {
            event_type,
            publisher_id: &self.publisher_id,
            // Everything in it is ASCII.
            payload: &String::from_utf8_lossy(&batch.payload),
            identity: &identity,
            enveloped: self.options.enveloped,
        };
        out.push(Outgoing { topic, body: message.to_bytes(), records: batch.records });
    }

    fn lose(&self, books: &Books, reason: &'static str, why: &dyn std::fmt::Display) {
        books.unsendable(&format!("{} {reason}", self.name), 1);
        books.warn(reason, &format_args!("{}: {reason}: {why}", self.name));
    }
}

/// `TOPIC.PRIORITY` of a notification, in an envelope or bare.
fn topic(record: &Node<'_>, topic: &str) -> Option<String> {
    let priority = match record.get("oslo.message").and_then(Node::as_text) {
        Some(inner) => read_node(inner.as_bytes()).ok()?.get("priority")?.as_text()?.to_lowercase(),
        None => record.get("priority")?.as_text()?.to_lowercase(),
    };
    PRIORITIES.contains(&priority.as_str()).then(|| format!("{topic}.{priority}"))
}
