//! Samples that no meter definition can describe: requests to an API, the sensors of bare metal, and samples that come
//! as notifications.
//!
//! What Ceilometer 27.0.0 does in its endpoints `http.request`, `http.response`, `hardware.ipmi.*` and `_sample`. Which
//! priorities are asked is the caller's: info, and sample for `telemetry.polling`.

use std::borrow::Cow;

use thiserror::Error;

use super::{IsoTime, MadeSample};
use crate::model::{Node, Notification};

mod http;
mod ipmi;
mod polling;

/// Is handed each sample, and each reason why there is none.
pub type Taker<'t, 'a> = &'t mut dyn FnMut(Result<MadeSample<'a>, Malformed>);

/// Hands the samples of `notification` to `take`; none for the event types that no endpoint knows.
///
/// What is malformed in one sensor or one sample costs that one; the original loses the whole notification.
pub fn samples<'a>(notification: &'a Notification<'a>, take: Taker<'_, 'a>) {
    let event_type = &*notification.event_type;
    // The original asks with a regular expression that is anchored at the start alone.
    if event_type.starts_with("http.request") {
        http::sample(notification, "http.request", "request", take);
    } else if event_type.starts_with("http.response") {
        http::sample(notification, "http.response", "response", take);
    } else if event_type.starts_with("hardware.ipmi") {
        ipmi::samples(notification, take);
    } else if event_type.starts_with("telemetry.polling") {
        polling::samples(notification, take);
    }
}

/// What keeps an endpoint from making a sample.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum Malformed {
    /// An `http.*` notification without the headers of its request.
    #[error("http notification: payload.request is no map")]
    Request,
    /// No time, or one that cannot be read.
    #[error("timestamp cannot be read: {0}")]
    Timestamp(String),
    /// A `hardware.ipmi.*` notification of no node.
    #[error("ipmi notification: payload.node_uuid is no text")]
    Node,
    /// Sensors that are not a map of maps.
    #[error("ipmi notification: {0} is no map of sensors")]
    Sensors(&'static str),
    /// A sensor without its identity or its reading.
    #[error("ipmi sensor {sensor}: no {key}")]
    Sensor {
        /// Its name.
        sensor: String,
        /// What it lacks.
        key: &'static str,
    },
    /// A reading that is no number and unit; `Disabled`, `No Reading`.
    #[error("ipmi sensor {sensor}: no number and unit: {reading}")]
    Reading {
        /// Its name.
        sensor: String,
        /// What it reads.
        reading: String,
    },
    /// A `telemetry.polling` notification without samples.
    #[error("telemetry.polling: payload.samples is no list")]
    Samples,
    /// One of its samples lacks a key, or has a value there that a sample cannot have.
    #[error("telemetry.polling: sample {index}: bad or no {key}")]
    Sample {
        /// Which, from 0.
        index: usize,
        /// What it lacks.
        key: &'static str,
    },
}

impl Malformed {
    /// What the books count it under.
    pub fn reason(&self) -> &'static str {
        match self {
            Malformed::Request => "http notification without request",
            Malformed::Timestamp(_) => "notification without timestamp",
            Malformed::Node | Malformed::Sensors(_) | Malformed::Sensor { .. } => {
                "malformed ipmi notification"
            }
            Malformed::Reading { .. } => "ipmi sensor without reading",
            Malformed::Samples | Malformed::Sample { .. } => "malformed polled sample",
        }
    }
}

/// `map` with `value` as the value of `key`: in its place if it has one, else behind the others, as in Python's dict.
fn set<'a>(map: &mut Vec<(Cow<'a, str>, Node<'a>)>, key: &'static str, value: Node<'a>) {
    match map.iter_mut().find(|(name, _)| name == key) {
        Some((_, old)) => *old = value,
        None => map.push((Cow::Borrowed(key), value)),
    }
}

/// A time as Python's `isoformat` prints it: the offset is kept, none means UTC.
fn isoformat(text: Option<&str>) -> Result<String, Malformed> {
    let text = text.unwrap_or_default();
    let time = IsoTime::parse(text).map(|time| time.text());
    time.ok_or_else(|| Malformed::Timestamp(text.chars().take(TEXT_MAX).collect()))
}

/// How much of a text a complaint repeats: a line of a terminal.
const TEXT_MAX: usize = 80;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn times_are_printed_as_python_does() {
        for (text, printed) in [
            ("2026-03-01 10:20:30.123456", "2026-03-01T10:20:30.123456+00:00"),
            ("2026-03-01T10:20:30.5", "2026-03-01T10:20:30.500000+00:00"),
            ("2026-03-01T10:20:30", "2026-03-01T10:20:30+00:00"),
            ("2026-03-01T10:20:30Z", "2026-03-01T10:20:30+00:00"),
            ("2026-03-01T10:20:30+02:00", "2026-03-01T10:20:30+02:00"),
            ("2026-03-01T10:20:30.5+0230", "2026-03-01T10:20:30.500000+02:30"),
        ] {
            assert_eq!(isoformat(Some(text)).as_deref(), Ok(printed), "{text}");
        }
        // The original raises for it.
        let bad = "20260301102030";
        assert_eq!(isoformat(Some(bad)), Err(Malformed::Timestamp(bad.to_owned())));
        assert_eq!(isoformat(None), Err(Malformed::Timestamp(String::new())));
    }

    /// JSON texts, with the names that endpoints ask for among their keys.
    fn json() -> impl Strategy<Value = String> {
        let leaf = prop_oneof![
            Just("null".to_owned()),
            any::<i32>().prop_map(|number| number.to_string()),
            r#""[ -!#-\[\]-~é]{0,12}""#.prop_map(|text| text),
            Just(r#""2026-03-01T10:20:30.5""#.to_owned()),
            Just(r#""4.87 (+/- 0) Volts""#.to_owned()),
        ];
        let key = prop_oneof![
            Just("payload"),
            Just("node_uuid"),
            Just("timestamp"),
            Just("Fan"),
            Just("Sensor ID"),
            Just("Sensor Reading"),
            Just("samples"),
            Just("request"),
            Just("x"),
        ];
        leaf.prop_recursive(5, 60, 6, move |inner| {
            let map = prop::collection::vec((key.clone(), inner.clone()), 0..6).prop_map(|entries| {
                let entries: Vec<String> =
                    entries.iter().map(|(key, value)| format!("\"{key}\":{value}")).collect();
                format!("{{{}}}", entries.join(","))
            });
            let list = prop::collection::vec(inner, 0..4).prop_map(|items| format!("[{}]", items.join(",")));
            prop_oneof![4 => map, 1 => list]
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn whatever_comes_is_a_sample_or_is_told(
            payload in json(),
            event_type in prop_oneof![
                Just("http.request"), Just("hardware.ipmi.metrics.update"), Just("telemetry.polling"), Just("cpu"),
            ],
        ) {
            let notification = Notification {
                event_type: event_type.into(),
                publisher_id: "p".into(),
                priority: None,
                payload: serde_json::from_str(&payload).unwrap(),
                context: Node::Null,
                message_id: None,
                timestamp: Some("2026-03-01 10:20:30".into()),
            };
            samples(&notification, &mut |made| match made {
                Ok(made) => assert!(matches!(made.metadata, Node::Map(_))),
                Err(malformed) => assert!(!malformed.to_string().is_empty() && !malformed.reason().is_empty()),
            });
        }
    }
}
