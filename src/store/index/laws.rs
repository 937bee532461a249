//! What holds for all resources and filters: SQL answers as `query` does, and pages make up the list.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use serde_json::{Value, json};
use uuid::Uuid;

use super::testing::{add_type, at, store};
use super::*;
use crate::model::{NS_PER_SECOND, Timestamp};
use crate::query::{Comparison, Filter, Literal, Number, Path};

/// The texts of all columns; none is a timestamp, which `query` would compare as one.
fn text() -> impl Strategy<Value = String> {
    proptest::sample::select(vec![
        "", "a", "b", "A", "a%", "a_b", "a*", "[a]", "ab?", "é", "😀", "a\\", "\"q'",
    ])
    .prop_map(str::to_owned)
}

fn uuid() -> impl Strategy<Value = Uuid> {
    (0..6u128).prop_map(|n| Uuid::from_u128(n << 120 | n))
}

fn number() -> impl Strategy<Value = f64> {
    prop_oneof![
        (-3..4i32).prop_map(f64::from),
        (-9i64..9).prop_map(|n| n as f64 / 10.0),
        Just(1e300),
        Just(-0.0),
        proptest::num::f64::NORMAL
    ]
}

fn seconds() -> impl Strategy<Value = i64> {
    0..5i64
}

#[derive(Clone, Debug)]
struct Row {
    owners: [Option<String>; 3],
    started_at: i64,
    length: Option<i64>,
    attributes: Attributes,
}

fn row() -> impl Strategy<Value = Row> {
    let creator = option::of((text(), option::of(text())).prop_map(|(user, project)| match project {
        Some(project) => format!("{user}:{project}"),
        None => user,
    }));
    let owners = (creator, option::of(text()), option::of(text()));
    let values = (
        option::of(text().prop_map(AttributeValue::Text)),
        option::of(uuid().prop_map(AttributeValue::Uuid)),
        option::of(number().prop_map(AttributeValue::Number)),
        option::of(any::<bool>().prop_map(AttributeValue::Bool)),
        option::of(seconds().prop_map(|seconds| AttributeValue::Time(at(seconds)))),
    );
    (owners, seconds(), option::of(seconds()), values).prop_map(|(owners, started_at, length, values)| {
        let (text, uuid, number, bool, time) = values;
        let named = [("text", text), ("it's", uuid), ("a number", number), ("bool", bool), ("a.time", time)];
        Row {
            owners: [owners.0, owners.1, owners.2],
            started_at,
            length,
            attributes: named
                .into_iter()
                .filter_map(|(name, value)| Some((name.to_owned(), value?)))
                .collect(),
        }
    })
}

fn thing(index: &Index) -> ResourceType {
    let optional = |kind: &str| json!({"type": kind, "required": false});
    let attributes = json!({
        "text": optional("string"),
        "it's": optional("uuid"),
        "a number": optional("number"),
        "bool": optional("bool"),
        "a.time": optional("datetime"),
    });
    add_type(index, "thing", attributes)
}

fn new_resource(number: usize, row: &Row) -> NewResource {
    let id = Uuid::from_u128((number as u128) << 120 | number as u128);
    let [creator, user_id, project_id] = row.owners.clone();
    NewResource {
        creator,
        user_id,
        project_id,
        started_at: Some(at(row.started_at)),
        ended_at: row.length.map(|length| at(row.started_at + length)),
        attributes: row.attributes.clone(),
        ..NewResource::new(id.into(), "thing")
    }
}

/// A field, and literals of its type.
fn field() -> impl Strategy<Value = (String, BoxedStrategy<Literal>)> {
    let texts = || text().prop_map(Literal::text).boxed();
    let times = || seconds().prop_map(|seconds| Literal::text(at(seconds).to_string())).boxed();
    let uuids = || uuid().prop_map(|uuid| Literal::text(uuid.to_string())).boxed();
    let numbers = prop_oneof![
        number().prop_map(|number| Literal::Number(Number::Float(number))),
        (-3..4i128).prop_map(|number| Literal::Number(Number::Integer(number)))
    ];
    let lengths = seconds().prop_map(|length| Literal::Number(Number::Integer(length.into())));
    let revisions = (-1..4i128).prop_map(|number| Literal::Number(Number::Integer(number)));
    let fields: Vec<(&str, BoxedStrategy<Literal>)> = vec![
        ("id", uuids()),
        ("it's", uuids()),
        ("original_resource_id", uuids()),
        ("type", texts()),
        ("creator", texts()),
        ("created_by_user_id", texts()),
        ("created_by_project_id", texts()),
        ("user_id", texts()),
        ("project_id", texts()),
        ("text", texts()),
        ("started_at", times()),
        ("ended_at", times()),
        ("revision_start", times()),
        ("revision_end", times()),
        ("a.time", times()),
        ("lifespan", lengths.boxed()),
        ("revision", revisions.boxed()),
        ("a number", numbers.boxed()),
        ("bool", any::<bool>().prop_map(Literal::Bool).boxed()),
    ];
    proptest::sample::select(fields).prop_map(|(name, literals)| (name.to_owned(), literals))
}

fn filter() -> impl Strategy<Value = Filter> {
    let comparison = proptest::sample::select(vec![
        Comparison::Equal,
        Comparison::NotEqual,
        Comparison::Less,
        Comparison::LessOrEqual,
        Comparison::Greater,
        Comparison::GreaterOrEqual,
    ]);
    let compare = (field(), comparison).prop_flat_map(|((name, literals), comparison)| {
        let literals = prop_oneof![9 => literals, 1 => Just(Literal::Null)];
        let path = Path::new(&name).unwrap();
        literals.prop_map(move |value| Filter::Compare { path: path.clone(), comparison, value })
    });
    let one_of = field().prop_flat_map(|(name, literals)| {
        let path = Path::new(&name).unwrap();
        let literals = prop_oneof![4 => literals, 1 => Just(Literal::Null)];
        vec(literals, 1..4).prop_map(move |values| Filter::In { path: path.clone(), values })
    });
    let like = (0..4usize, "[a_%*?\\[éA]{0,4}").prop_map(|(field, pattern)| {
        let field = ["text", "creator", "user_id", "it's"][field];
        Filter::from_json(&json!({"like": {field: pattern}})).unwrap()
    });
    let leaf = prop_oneof![6 => compare, 2 => one_of, 2 => like, 1 => Just(Filter::Everything)];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Filter::And),
            vec(inner.clone(), 0..4).prop_map(Filter::Or),
            inner.prop_map(|filter| Filter::Not(Box::new(filter))),
        ]
    })
}

fn record(resource: &Resource, resource_type: &ResourceType) -> Value {
    let mut record = resource.to_json(resource_type.attributes().keys());
    let lifespan = |end: Timestamp| (end.ns() - resource.started_at.ns()) / NS_PER_SECOND;
    record["lifespan"] = resource.ended_at.map(lifespan).into();
    record["revision"] = resource.revision.0.into();
    record
}

fn ids(resources: &[Resource]) -> Vec<(Uuid, Revision)> {
    resources.iter().map(|resource| (resource.id, resource.revision)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn sql_answers_as_the_evaluator_does(
        rows in vec(row(), 1..8),
        changes in vec((0..8usize, row()), 0..4),
        filters in vec(filter(), 40),
    ) {
        let (_folder, index) = store("law");
        let thing = thing(&index);
        for (number, row) in rows.iter().enumerate() {
            index.create_resource(&new_resource(number, row), at(number as i64 / 2)).unwrap();
        }
        for (number, row) in &changes {
            let attributes = row.attributes.iter().map(|(name, value)| (name.clone(), Some(value.clone())));
            let patch = ResourcePatch {
                user_id: Some(row.owners[1].clone()),
                attributes: attributes.collect(),
                ..ResourcePatch::default()
            };
            let id = Uuid::from_u128((*number as u128) << 120 | *number as u128);
            let _ = index.update_resource("thing", id, &patch, at(9));
        }
        for history in [false, true] {
            let query = ResourceQuery { resource_type: "thing".to_owned(), history, ..ResourceQuery::default() };
            let all = index.resources(&query).unwrap();
            for filter in &filters {
                let found = index.resources(&ResourceQuery { filter: filter.clone(), ..query.clone() }).unwrap();
                let expected: Vec<Resource> =
                    all.iter().filter(|one| filter.matches(&record(one, &thing))).cloned().collect();
                prop_assert_eq!(ids(&found), ids(&expected), "{}", filter);
            }
        }
    }

    #[test]
    fn pages_make_up_the_list(
        rows in vec(row(), 0..12),
        changed in vec(0..12usize, 0..6),
        keys in vec((0..7usize, 0..5usize), 0..4),
        limit in 1..5u32,
        history: bool,
    ) {
        let (_folder, index) = store("pages");
        thing(&index);
        for (number, row) in rows.iter().enumerate() {
            index.create_resource(&new_resource(number, row), at(number as i64 / 2)).unwrap();
        }
        for (round, number) in changed.iter().enumerate() {
            let patch = ResourcePatch { user_id: Some(Some(format!("u{round}"))), ..ResourcePatch::default() };
            let id = Uuid::from_u128((*number as u128) << 120 | *number as u128);
            let _ = index.update_resource("thing", id, &patch, at(9));
        }
        const NAMES: [&str; 7] = ["started_at", "ended_at", "user_id", "text", "bool", "id", "revision_start"];
        const DIRECTIONS: [&str; 5] = ["", ":desc", ":asc-nullsfirst", ":desc-nullslast", ":asc"];
        let sort: Vec<SortKey> = keys
            .iter()
            .map(|(name, direction)| format!("{}{}", NAMES[*name], DIRECTIONS[*direction]).parse().unwrap())
            .collect();
        let mut query = ResourceQuery {
            resource_type: "thing".to_owned(),
            history,
            page: Page { sort, ..Page::default() },
            ..ResourceQuery::default()
        };
        let all = index.resources(&query).unwrap();
        query.page.limit = Some(limit);
        let mut seen = Vec::new();
        loop {
            let page = index.resources(&query).unwrap();
            let Some(last) = page.last() else { break };
            query.page.marker = Some(Marker { id: last.id, revision: history.then_some(last.revision) });
            seen.extend(page);
            prop_assert!(seen.len() <= all.len());
        }
        prop_assert_eq!(ids(&seen), ids(&all));
    }
}
