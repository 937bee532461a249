//! Samples that a polling agent sends as notifications: they are samples already, and stay what they are.

use std::borrow::Cow;

use super::{Malformed, Taker};
use crate::define::{MadeSample, Sent};
use crate::model::{Node, Notification, SampleType};

/// Each sample of `payload.samples`, from the form with `counter_` before its keys.
///
/// Its signature is not asked for, as in the original. Unlike there its `monotonic_time` is kept.
pub(super) fn samples<'a>(notification: &'a Notification<'a>, take: Taker<'_, 'a>) {
    let Some(Node::List(samples)) = notification.payload.get("samples") else {
        return take(Err(Malformed::Samples));
    };
    for (index, sample) in samples.iter().enumerate() {
        take(made(sample).map_err(|key| Malformed::Sample { index, key }));
    }
}

/// The sample, or the key that it lacks.
fn made<'a>(sample: &'a Node<'a>) -> Result<MadeSample<'a>, &'static str> {
    let value = |key: &'static str| sample.get(key).cloned().ok_or(key);
    let text = |key: &'static str| sample.get(key).and_then(Node::as_text).map(Cow::Borrowed).ok_or(key);
    let other = |key: &str| sample.get(key).cloned().unwrap_or_default();
    let sample_type = match &*text("counter_type")? {
        "gauge" => SampleType::Gauge,
        "delta" => SampleType::Delta,
        "cumulative" => SampleType::Cumulative,
        _ => return Err("counter_type"),
    };
    let metadata = match value("resource_metadata")? {
        Node::Null => Node::Map(Vec::new()),
        map @ Node::Map(_) => map,
        _ => return Err("resource_metadata"),
    };
    Ok(MadeSample {
        name: text("counter_name")?,
        sample_type,
        unit: text("counter_unit")?,
        volume: value("counter_volume")?,
        user_id: value("user_id")?,
        project_id: value("project_id")?,
        resource_id: value("resource_id")?,
        timestamp: text("timestamp")?,
        metadata,
        sent: Some(Sent {
            id: text("message_id")?,
            source: match value("source")? {
                Node::Null => Node::from("openstack"),
                source => source,
            },
            user_name: other("user_name"),
            project_name: other("project_name"),
            monotonic_time: other("monotonic_time"),
        }),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::define::endpoint;

    fn samples(payload: &str) -> Vec<Result<String, Malformed>> {
        let notification = Notification {
            event_type: "telemetry.polling".into(),
            publisher_id: "ceilometer.polling".into(),
            priority: Some("sample".into()),
            payload: serde_json::from_str(payload).unwrap(),
            context: Node::Null,
            message_id: None,
            timestamp: None,
        };
        let mut all = Vec::new();
        endpoint::samples(&notification, &mut |made| all.push(made.map(|made| format!("{made:?}"))));
        all
    }

    #[test]
    fn a_polled_sample_keeps_all_it_has() {
        let payload = r#"{"samples":[{"source":"lab","counter_name":"cpu","counter_type":"cumulative",
            "counter_unit":"ns","counter_volume":5,"user_id":"u","user_name":"un","project_id":"p",
            "project_name":"pn","resource_id":"r","timestamp":"2026-03-01T10:20:30","resource_metadata":{"a":1},
            "message_id":"m","monotonic_time":1.5,"message_signature":"not asked for"}]}"#;
        let node: Node<'_> = serde_json::from_str(payload).unwrap();
        let Some(Node::List(items)) = node.get("samples") else { panic!("{node:?}") };
        let sample = made(&items[0]).unwrap();
        assert_eq!((&*sample.name, &*sample.unit, sample.volume), ("cpu", "ns", Node::Integer(5)));
        assert_eq!(sample.sample_type, SampleType::Cumulative);
        // Not rewritten, as in the original.
        assert_eq!(sample.timestamp, "2026-03-01T10:20:30");
        assert_eq!([sample.user_id, sample.project_id, sample.resource_id], ["u", "p", "r"].map(Node::from));
        assert_eq!(sample.metadata.get("a"), Some(&Node::Integer(1)));
        let sent = sample.sent.unwrap();
        assert_eq!((&*sent.id, sent.source), ("m", Node::from("lab")));
        assert_eq!([sent.user_name, sent.project_name], ["un", "pn"].map(Node::from));
        assert_eq!(sent.monotonic_time, Node::Float(1.5));
    }

    #[test]
    fn what_one_sample_lacks_costs_only_that_sample() {
        let good = r#"{"source":null,"counter_name":"a","counter_type":"gauge","counter_unit":"","counter_volume":1,
            "user_id":null,"project_id":null,"resource_id":"r","timestamp":"t","resource_metadata":null,
            "message_id":"m"}"#;
        let odd = good.replace("gauge", "odd");
        let all = samples(&format!(r#"{{"samples":[{{}},7,{odd},{good}]}}"#));
        let keys: Vec<_> = all.iter().map(|one| one.as_ref().err().map(Malformed::to_string)).collect();
        let bad = |index| Some(format!("telemetry.polling: sample {index}: bad or no counter_type"));
        assert_eq!(keys, [bad(0), bad(1), bad(2), None]);
        assert_eq!(samples("{}"), [Err(Malformed::Samples)]);
        assert_eq!(samples(r#"{"samples":[]}"#), []);
    }
}
