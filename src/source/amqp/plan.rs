//! What an address asks for: queues, and where their messages come from.
//!
//! `amqp[s]://…?queue=NAME&topic=…&exchange=…&prefetch=N&expires=SECONDS&durable&declare=no`

use std::time::Duration;

use crate::base::broker::{self, Place};
use crate::base::{Failure, Url};

/// The exchanges on which OpenStack's services publish: those of Ceilometer 27.0.0's `notification_control_exchanges`,
/// and oslo.messaging's own default, on which Cinder publishes.
const EXCHANGES: [&str; 15] = [
    "nova",
    "glance",
    "neutron",
    "cinder",
    "heat",
    "keystone",
    "trove",
    "zaqar",
    "swift",
    "ceilometer",
    "magnum",
    "dns",
    "ironic",
    "aodh",
    "openstack",
];
/// oslo.messaging's default topic for notifications.
const TOPIC: &str = "notifications";
/// The priorities of which Ceilometer makes samples (info, sample) and events (info, error).
const PRIORITIES: [&str; 3] = ["info", "error", "sample"];
/// Messages under way a queue: enough to keep a broker busy while a block of them is written. Of the 3 kB that
/// notifications have, a few megabytes.
const PREFETCH: u16 = 1000;
/// AMQP's own limit; 0 would be none at all.
const PREFETCH_RANGE: std::ops::RangeInclusive<u64> = 1..=u16::MAX as u64;
/// How long a queue of our own is kept for us while nobody consumes it. Without that, the queue of a program that was
/// tried once fills the broker.
const EXPIRES: Duration = Duration::from_secs(30 * 60);
/// RabbitMQ counts milliseconds in 32 bits.
const EXPIRES_SECONDS_MAX: u64 = 4_000_000;
/// Exchanges, queues and topics of one address: each is a question to the broker at every connection.
const NAMES_MAX: usize = 256;

/// What is consumed, and how it is made when it is not there yet.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The broker.
    pub place: Place,
    /// The queues, at least one.
    pub queues: Vec<Queue>,
    /// Exchanges to which queues are bound; none with `declare=no`.
    pub exchanges: Vec<String>,
    /// Whether exchanges and queues may be made and bound.
    pub declares: bool,
    /// Whether what is made survives a restart of the broker (oslo.messaging's `amqp_durable_queues`).
    pub durable: bool,
    /// Messages under way a queue, at most.
    pub prefetch: u16,
}

/// One queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Queue {
    /// Its name.
    pub name: String,
    /// The topics (routing keys) with which it is bound to every exchange.
    pub topics: Vec<String>,
    /// How long it is kept while nobody consumes it; none for ever.
    pub expires: Option<Duration>,
}

impl Plan {
    /// The plan that `url` describes.
    ///
    /// Without `queue` the queues are those that oslo.messaging makes for its listeners, one a topic and named like it:
    /// what ceilometer-agent-notification consumes. With it, one queue gets copies of the messages of all topics.
    ///
    /// # Errors
    /// As [`Place::of_url`].
    pub fn of_url(url: &Url) -> Result<Plan, Failure> {
        let own = ["queue", "exchange", "topic", "prefetch", "expires", "durable", "declare"];
        url.only_options(&[&own[..], &broker::OPTIONS].concat())?;
        let declares = url.choice("declare", &["yes", "no"])? == "yes";
        let names = |list: Vec<&str>| {
            if list.len() > NAMES_MAX {
                return Err(url.usage(&format_args!("names more than {NAMES_MAX} things in one list")));
            }
            list.iter().map(|name| Place::name(url, name)).collect::<Result<Vec<_>, _>>()
        };
        let topics = topics(names(url.list("topic")?.unwrap_or_else(|| vec![TOPIC]))?);
        let exchanges = names(url.list("exchange")?.unwrap_or_else(|| EXCHANGES.to_vec()))?;
        let seconds = url.number("expires", 0..=EXPIRES_SECONDS_MAX)?.map(Duration::from_secs);
        let expires = seconds.unwrap_or(EXPIRES);
        let named = url.list("queue")?.map(names).transpose()?;
        let queues = match named {
            Some(named) => {
                let expires = (!expires.is_zero()).then_some(expires);
                let queue = |name| Queue { name, topics: topics.clone(), expires };
                named.into_iter().map(queue).collect()
            }
            None if seconds.is_some() => {
                return Err(url.usage(&"expires is for a queue of your own: name it with queue="));
            }
            None => {
                let queue = |topic: String| Queue { name: topic.clone(), topics: vec![topic], expires: None };
                topics.into_iter().map(queue).collect::<Vec<_>>()
            }
        };
        if queues.is_empty() {
            return Err(url.usage(&"names no queue to consume"));
        }
        if !declares && (url.value("exchange")?.is_some() || seconds.is_some() || url.flag("durable")?) {
            return Err(
                url.usage(&"declare=no takes queues as they are: leave out exchange, expires and durable")
            );
        }
        if let Some(pattern) = queues.iter().find(|queue| queue.name.contains(['*', '#'])) {
            let name = &pattern.name;
            return Err(
                url.usage(&format_args!("{name} is a pattern of topics: name a queue for it with queue="))
            );
        }
        let prefetch = url.number("prefetch", PREFETCH_RANGE)?;
        Ok(Plan {
            place: Place::of_url(url, "telemetry-listen")?,
            queues,
            exchanges: if declares { exchanges } else { Vec::new() },
            declares,
            durable: url.flag("durable")?,
            prefetch: prefetch.map_or(PREFETCH, |count| count as u16),
        })
    }
}

/// A topic without a dot stands for itself with each of the priorities that Ceilometer listens to.
fn topics(list: Vec<String>) -> Vec<String> {
    let of_all = |topic: &str| PRIORITIES.map(|priority| format!("{topic}.{priority}"));
    let expanded = list.into_iter().map(|topic| match topic.contains(['.', '*', '#']) {
        true => vec![topic],
        false => of_all(&topic).to_vec(),
    });
    expanded.flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Address;

    fn plan(text: &str) -> Result<Plan, Failure> {
        match Address::parse(text)? {
            Address::Url(url) => Plan::of_url(&url),
            other => panic!("{other:?}"),
        }
    }

    fn parsed(text: &str) -> Plan {
        plan(text).unwrap()
    }

    fn queue(name: &str, topics: &[&str], expires: Option<u64>) -> Queue {
        let topics = topics.iter().map(|topic| (*topic).to_owned()).collect();
        Queue { name: name.to_owned(), topics, expires: expires.map(Duration::from_secs) }
    }

    #[test]
    fn without_options_it_consumes_what_ceilometers_agent_does() {
        let plan = plan("amqp://bus/").unwrap();
        let queues = ["notifications.info", "notifications.error", "notifications.sample"];
        assert_eq!(plan.queues, queues.map(|name| queue(name, &[name], None)));
        assert!(
            ["nova", "openstack", "ceilometer"].iter().all(|name| plan.exchanges.contains(&(*name).into()))
        );
        assert_eq!((plan.declares, plan.durable, plan.prefetch), (true, false, 1000));
    }

    #[test]
    fn a_named_queue_gets_copies_of_all_topics() {
        let plan = plan("amqp://bus/?queue=ours&topic=a,b.info&topic=c.%23&exchange=nova&prefetch=5&durable")
            .unwrap();
        let topics = ["a.info", "a.error", "a.sample", "b.info", "c.#"];
        assert_eq!(plan.queues, [queue("ours", &topics, Some(1800))]);
        assert_eq!((&plan.exchanges[..], plan.prefetch, plan.durable), (&["nova".to_owned()][..], 5, true));
        let never = parsed("amqp://bus/?queue=ours&topic=a.b&expires=0");
        assert_eq!(never.queues, [queue("ours", &["a.b"], None)]);
    }

    #[test]
    fn what_makes_no_sense_is_said() {
        for (text, why) in [
            ("amqp://bus/?queues=x", "did you mean \"queue\"?"),
            ("amqp://bus/?topic=a.%23", "name a queue for it with queue="),
            ("amqp://bus/?expires=5", "expires is for a queue of your own"),
            ("amqp://bus/?queue=", "names no queue"),
            ("amqp://bus/?prefetch=0", "not a number from 1 to 65535"),
            ("amqp://bus/?queue=x&declare=no&durable", "declare=no takes queues as they are"),
            ("amqp://bus/?exchange", "option exchange needs a value"),
        ] {
            let said = plan(text).unwrap_err();
            assert!(said.status() == 2 && said.to_string().contains(why), "{text}: {said}");
        }
        let long = "x".repeat(256);
        assert!(
            plan(&format!("amqp://bus/?queue={long}")).unwrap_err().to_string().contains("255 bytes at most")
        );
    }
}
