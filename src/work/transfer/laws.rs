//! What is exported and imported is the same store.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{Extent, Imported, export, import};
use crate::base::testing::{Directory, books};
use crate::base::{Books, Failure, LineSink, Stop};
use crate::model::{NS_PER_SECOND, Timestamp};
use crate::series::{Point, Spans};
use crate::source::{self, Source};
use crate::store::Store;
use crate::store::index::{
    AttributeValue, MetricSource, NewMetric, NewResource, Resource, ResourceId, ResourcePatch, ResourceQuery,
    ResourceType,
};
use crate::store::measures::{Arrival, Effort, Selection, Wanted};

#[derive(Default)]
struct Lines(Vec<u8>);

impl LineSink for Lines {
    fn line(&mut self, record: &[u8]) -> Result<(), Failure> {
        self.0.extend_from_slice(record);
        self.0.push(b'\n');
        Ok(())
    }

    fn lines(&mut self, bytes: &[u8], _: u64) -> Result<(), Failure> {
        self.0.extend_from_slice(bytes);
        Ok(())
    }

    fn flush(&mut self) -> Result<(), Failure> {
        Ok(())
    }
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_ns(seconds * NS_PER_SECOND)
}

/// A store with a type, a resource with two earlier states, metrics of it and of none, one of them deleted, and points,
/// some of them rolled up.
fn filled(name: &str) -> (Directory, Store) {
    let folder = Directory::new(&format!("transfer-{name}"));
    let store = Store::open_or_create(&folder.0.join("store"), true).unwrap();
    let index = store.index();
    let attributes = json!({"host": {"type": "string", "required": false}, "since": {"type": "datetime", "required": false}});
    let instance = ResourceType::from_json("instance", attributes.as_object().unwrap()).unwrap();
    index.create_resource_type(&instance).unwrap();
    let mut new = NewResource::new(ResourceId::of("vm 1", Some("me:p")).unwrap(), "instance");
    new.creator = Some("me:p".to_owned());
    new.attributes =
        instance.read(json!({"host": "a", "since": "2026-11-22T10:00:00.5Z"}).as_object().unwrap()).unwrap();
    new.metrics = vec![(
        "cpu".to_owned(),
        MetricSource::New { archive_policy: Some("medium".to_owned()), unit: Some("%".to_owned()) },
    )];
    let resource = index.create_resource(&new, at(10)).unwrap();
    let host = |value: Option<&str>| ResourcePatch {
        attributes: [("host".to_owned(), value.map(|host| AttributeValue::Text(host.to_owned())))].into(),
        ..ResourcePatch::default()
    };
    index.update_resource("instance", resource.id, &host(Some("b")), at(20)).unwrap();
    index.update_resource("instance", resource.id, &host(None), at(30)).unwrap();
    let ended = ResourcePatch {
        ended_at: Some(Some(at(90))),
        user_id: Some(Some("u".to_owned())),
        ..ResourcePatch::default()
    };
    index.update_resource("instance", resource.id, &ended, at(40)).unwrap();
    let plain =
        NewResource::new(ResourceId::of("5a301761-aaaa-46e2-8900-8b4f6fe6675a", None).unwrap(), "generic");
    index.create_resource(&plain, at(50)).unwrap();
    let gone = index.create_metric(&NewMetric::default(), at(1)).unwrap();
    let loose = index
        .create_metric(
            &NewMetric {
                name: Some("loose".to_owned()),
                archive_policy: Some("ceilometer-low-rate".to_owned()),
                ..NewMetric::default()
            },
            at(1),
        )
        .unwrap();
    let cpu = index.metric_named(resource.id, "cpu").unwrap();
    let mut writer = store.writer().unwrap();
    for (round, effort) in [(0, Effort::Everything), (1, Effort::Due)] {
        let mut arrivals: Vec<Arrival> = Vec::new();
        for second in 0..5000 {
            let value = match second {
                7 => f64::NAN,
                8 => f64::INFINITY,
                _ => f64::from(second) / 3.0,
            };
            let timestamp = at(1_795_341_600 + i64::from(round * 100_000 + second * 7));
            for metric in [cpu.number, loose.number, gone.number] {
                arrivals.push(Arrival { metric, point: Point { timestamp, value } });
            }
        }
        writer.append(&mut arrivals).unwrap();
        store.maintain(effort).unwrap();
    }
    index.delete_metric(gone.id).unwrap();
    (folder, store)
}

fn exported(store: &Store, extent: Extent) -> String {
    let mut out = Lines::default();
    export(store, extent, &mut out, &books(), &Stop::new().unwrap()).unwrap();
    String::from_utf8(out.0).unwrap()
}

fn imported(folder: &Directory, text: &str, books: &Arc<Books>) -> Result<(Store, Imported), Failure> {
    let path = folder.0.join("export.jsonl");
    std::fs::write(&path, text).unwrap();
    let mut source: Box<dyn Source> =
        source::open(path.to_str().unwrap(), &source::Options::default(), books)?;
    let store = Store::open_or_create(&folder.0.join("imported"), false)?;
    let done = import(&store, source.as_mut(), books, &Stop::new().unwrap(), at(0))?;
    Ok((store, done))
}

/// Everything but numbers of the inside.
fn states(store: &Store) -> Vec<Value> {
    let query = ResourceQuery { history: true, metrics: true, ..ResourceQuery::default() };
    let found = store.index().resources(&query).unwrap();
    found.iter().map(|one: &Resource| one.to_json(one.attributes.keys())).collect()
}

fn spans(store: &Store) -> Vec<(String, Vec<Spans>)> {
    let mut metrics = store.index().metrics(&Default::default()).unwrap();
    metrics.sort_by_key(|metric| metric.number);
    let mut snapshot = store.snapshot().unwrap();
    let mut found = Vec::new();
    for metric in metrics {
        let wanted = [Wanted { metric: metric.number, policy: &metric.archive_policy }];
        let selection =
            Selection { methods: metric.archive_policy.methods().to_vec(), ..Selection::default() };
        snapshot.read(&wanted, &selection, |_, spans| found.push((metric.id.to_string(), spans))).unwrap();
    }
    found
}

#[test]
fn a_store_that_was_exported_and_imported_is_the_same() {
    let (folder, store) = filled("same");
    let text = exported(&store, Extent::Everything);
    let books = books();
    let (copy, done) = imported(&folder, &text, &books).unwrap();
    assert_eq!(done, Imported { resources: 2, revisions: 3, metrics: 2, measures: 2 });
    assert_eq!((books.rejected_total(), states(&copy)), (0, states(&store)));
    assert_eq!(format!("{:?}", spans(&copy)), format!("{:?}", spans(&store)));
    assert_eq!(copy.index().archive_policy_rules().unwrap(), store.index().archive_policy_rules().unwrap());
    assert_eq!(exported(&copy, Extent::Everything), text);
    assert!(copy.check().unwrap().index_faults.is_empty());
    assert!(text.contains("\"NaN\"") && text.contains("\"spans\"") && text.contains("\"points\""));
    // It goes on where the other stands: the same points come late.
    for one in [&store, &copy] {
        let metric = one.index().metrics(&Default::default()).unwrap().remove(0);
        let late = Arrival { metric: metric.number, point: Point { timestamp: at(0), value: 1.0 } };
        one.writer().unwrap().append(&mut vec![late]).unwrap();
    }
    assert_eq!(exported(&copy, Extent::Everything), exported(&store, Extent::Everything));
}

#[test]
fn without_measures_there_is_what_there_is() {
    let (folder, store) = filled("bare");
    let text = exported(&store, Extent::WithoutMeasures);
    let (copy, done) = imported(&folder, &text, &books()).unwrap();
    assert_eq!((done.metrics, done.measures), (2, 0));
    assert_eq!(states(&copy), states(&store));
    let again = imported(&folder, &text, &books());
    assert!(again.is_err_and(|failure| failure.to_string().contains("not empty")));
}

#[test]
fn an_export_that_lost_lines_is_told() {
    let (folder, store) = filled("cut");
    let text = exported(&store, Extent::Everything);
    let cut = &text[..text.trim_end().rfind('\n').unwrap() + 1];
    let books = books();
    imported(&folder, cut, &books).unwrap();
    assert_eq!(books.trouble_status(), Some(74));
    // In the middle.
    let gap: Vec<&str> = text.lines().filter(|line| !line.starts_with("{\"points\"")).collect();
    let folder = Directory::new("transfer-gap");
    let books = crate::base::testing::books();
    imported(&folder, &(gap.join("\n") + "\n"), &books).unwrap();
    assert_eq!(books.trouble_status(), Some(74));
}

#[test]
fn a_line_that_cannot_be_used_is_told_and_the_others_are_taken() {
    let (folder, store) = filled("wrong");
    let text = exported(&store, Extent::Everything);
    let wrong: Vec<String> = text
        .lines()
        .map(|line| {
            let line = line.replace("\"host\":\"b\"", "\"host\":7");
            if line.starts_with("{\"spans\"") { line.replace("\"count\":", "\"median\":") } else { line }
        })
        .collect();
    let books = books();
    let (copy, done) = imported(&folder, &(wrong.join("\n") + "\n"), &books).unwrap();
    assert_eq!((done.resources, done.revisions, done.metrics), (2, 2, 2));
    let rolled =
        text.lines().filter(|line| line.starts_with("{\"spans\"") && line.contains("\"count\":")).count()
            as u64;
    assert_eq!(books.rejected_total(), 1 + rolled);
    assert!(copy.check().unwrap().index_faults.is_empty());
}

#[test]
fn what_is_no_export_is_refused() {
    let folder = Directory::new("transfer-none");
    let refused = |text: &str| imported(&folder, text, &books()).map(|_| ()).unwrap_err().to_string();
    let rule = "{\"archive_policy_rule\":{\"name\":\"a\",\"metric_pattern\":\"*\",\"archive_policy_name\":\"low\"}}\n";
    assert!(refused(rule).contains("no export"));
    assert!(refused("{}\n").contains("no export") && refused("").contains("no export"));
    assert!(refused("{\"telemetry_store\":{\"format\":2}}\n").contains("format 2"));
}
