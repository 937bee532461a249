//! What holds for every expression, pattern, definition and notification: nothing that is read can end the run.

use proptest::prelude::*;

use super::path::Path;
use super::pattern::{Pattern, Replacement};
use super::{EventDefinitions, EventOptions, IsoTime, MeterDefinitions, Subject};
use crate::model::{Node, Notification};

/// Words of which most expressions are made.
fn expression() -> impl Strategy<Value = String> {
    let word = prop::sample::select(vec![
        "a",
        "b",
        "payload",
        "$",
        "@",
        "*",
        ".",
        "..",
        "[",
        "]",
        "(",
        ")",
        "[*]",
        "[0]",
        "[-1]",
        "[1:]",
        "[?",
        "=",
        ">",
        "!=",
        "|",
        "&",
        ",",
        " + ",
        " * ",
        " - ",
        "where ",
        "1",
        "2.5",
        "'x'",
        "`len`",
        "`sorted`",
        "`parent`",
        "`this`",
        "`split(., 0, -1)`",
        "`sub(/a*/, b)`",
        "[/a,\\b]",
        "true",
        "é",
    ]);
    prop::collection::vec(word, 1..14).prop_map(|words| words.concat())
}

fn node() -> impl Strategy<Value = Node<'static>> {
    let leaf = prop_oneof![
        Just(Node::Null),
        any::<bool>().prop_map(Node::Bool),
        any::<i64>().prop_map(Node::Integer),
        any::<f64>().prop_map(Node::Float),
        "[a-z0-9.é-]{0,8}".prop_map(|text| Node::Text(text.into())),
    ];
    let key = prop::sample::select(vec!["a", "b", "payload", "host", "metering.x"]);
    leaf.prop_recursive(4, 40, 5, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Node::List),
            prop::collection::vec((key.clone().prop_map(Into::into), inner), 0..5).prop_map(Node::Map),
        ]
    })
}

proptest! {
    #[test]
    fn every_path_ends_on_every_value(text in prop_oneof![expression(), any::<String>()], node in node()) {
        if let Ok(path) = Path::parse(&text) {
            let subject = Subject::of(&node);
            let mut values = Vec::new();
            path.all(&subject, &mut values);
            let first = values.iter().find(|value| !value.is_null()).map(|value| format!("{value:?}"));
            prop_assert_eq!(path.first(&subject).map(|value| format!("{value:?}")), first);
            let mut placed = Vec::new();
            path.all_placed(&subject, &mut placed);
            prop_assert_eq!(placed.len(), values.len());
        }
    }

    #[test]
    fn every_pattern_ends_on_every_text(pattern in "[a-c.*+?()|\\[\\]^$\\\\{},0-9-]{0,12}", text in any::<String>()) {
        if let Ok(pattern) = Pattern::new(&pattern) {
            let _ = pattern.begins(&text);
            for template in ["\\g<0>x", "\\1"] {
                if let Ok(replacement) = Replacement::new(&pattern, template) {
                    let _ = pattern.replaced(&text, &replacement);
                }
            }
        }
    }

    #[test]
    fn every_notification_is_taken_by_every_definition(
        paths in prop::collection::vec(expression(), 4),
        lookup in any::<bool>(),
        payload in node(),
        timestamp in prop::option::of("[-0-9T:. Z+]{0,26}"),
    ) {
        let [name, volume, user, data] = &paths[..] else { unreachable!() };
        let meters = serde_json::json!({"metric": [{
            "name": name, "type": "gauge", "event_type": "e", "unit": "u", "volume": volume, "resource_id": "r",
            "user_id": user, "metadata": {"m": data}, "user_metadata": "payload",
            "lookup": if lookup { vec!["name", "volume"] } else { vec![] },
        }]});
        let traits = ["text", "int", "float", "datetime"].map(|kind| {
            (kind.to_owned(), serde_json::json!({"fields": paths, "type": kind}))
        });
        let events = serde_json::json!([
            {"event_type": "e", "traits": serde_json::Map::from_iter(traits)},
        ]);
        let (mut meters, _) = MeterDefinitions::read(&[("m", &meters.to_string())]);
        let (mut events, _) = EventDefinitions::read("e", &events.to_string(), EventOptions::default());
        let notification = Notification {
            event_type: "e".into(), publisher_id: "p".into(), priority: None, payload, context: Node::Null,
            message_id: None, timestamp: timestamp.map(Into::into),
        };
        let subject = Subject::new(&notification);
        meters.samples(&notification, &subject, &mut |made| drop(made));
        let _ = events.event(&notification, &subject);
    }

    #[test]
    fn every_text_is_a_timestamp_or_none(text in "[-0-9T:.,Z+ ]{0,32}", any in any::<String>()) {
        for text in [text, any] {
            if let Some(time) = IsoTime::parse(&text) {
                prop_assert_eq!(IsoTime::parse(&time.text()), Some(time));
            }
        }
    }
}
