//! The store gives the values that a real Gnocchi 4.7.1 gave for the same posts, and computes from them what it computed.
//!
//! Recorded by tests/conformance/real_gnocchi.py, which also says where we differ and are right ("known"): Gnocchi forgets
//! points and so loses differences, computes spans of which it has forgotten a half, and divides times as doubles. Between
//! the posts the store is maintained now and then, which must change nothing.

use std::collections::BTreeMap;
use std::io::Read;
use std::num::NonZeroU64;
use std::path::PathBuf;

use serde_json::Value;
use telemetry::model::{Granularity, Timestamp};
use telemetry::operations::{Answer, parse_text};
use telemetry::series::{ArchivePolicy, Definition, Point, Step};
use telemetry::store::Store;
use telemetry::store::index::{Metric, NewMetric};
use telemetry::store::measures::Effort;
use telemetry::work::aggregates::{self, Among};
use telemetry::work::measures::{self, add, one_call, show};
use telemetry::work::stored::Range;

/// Start of a span, its granularity, the value; times in nanoseconds.
type Row = (i64, i64, f64);

/// A journal that is due to be cut after a few posts.
const JOURNAL_BYTES_MAX: u64 = 300;

fn lines(packed: &[u8]) -> Vec<Value> {
    let mut text = String::new();
    flate2::read::GzDecoder::new(packed).read_to_string(&mut text).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| value.as_str().unwrap().parse().unwrap())
}

fn rows(list: &Value) -> Vec<Row> {
    let row = |row: &Value| (row[0].as_i64().unwrap(), row[1].as_i64().unwrap(), number(&row[2]));
    list.as_array().unwrap().iter().map(row).collect()
}

fn granularity(ns: &Value) -> Option<Granularity> {
    ns.as_i64().and_then(Granularity::from_ns)
}

fn range(question: &Value) -> Range {
    let time = |name: &str| question[name].as_i64().map(Timestamp::from_ns);
    Range { start: time("start"), stop: time("stop") }
}

/// A store of its own, gone at the end.
struct Case {
    folder: PathBuf,
    store: Store,
    /// Decides when the store is maintained: splitmix64.
    state: u64,
}

impl Case {
    fn new(name: &str) -> Case {
        let folder = std::env::temp_dir().join(format!("telemetry-golden-{}-{name}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        let store = Store::open_or_create(&folder, false).unwrap().with_journal_bytes_max(JOURNAL_BYTES_MAX);
        let state = name.bytes().fold(1, |state: u64, byte| state.wrapping_mul(31) + u64::from(byte));
        Case { folder, store, state }
    }

    fn random(&mut self, below: u64) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.state ^ (self.state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        ((mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb) >> 31) % below
    }

    /// A metric with its points, post by post.
    fn metric(&mut self, policy: &Value, posts: &Value) -> Metric {
        let methods = policy["aggregation_methods"].as_array().unwrap().iter();
        let definition = policy["definition"].as_array().unwrap().iter().map(|one| Definition {
            granularity: granularity(&one["granularity"]).unwrap(),
            points: one["points"].as_u64().and_then(NonZeroU64::new),
        });
        let policy = ArchivePolicy::new(
            policy.to_string(),
            policy["back_window"].as_u64().unwrap() as u32,
            methods.map(|method| method.as_str().unwrap().parse().unwrap()).collect(),
            definition.collect(),
        );
        let policy = rename(policy.unwrap());
        let index = self.store.index();
        if index.archive_policy(policy.name()).is_err() {
            index.create_archive_policy(&policy).unwrap();
        }
        let new = NewMetric { archive_policy: Some(policy.name().to_owned()), ..NewMetric::default() };
        let metric = index.create_metric(&new, Timestamp::from_ns(0)).unwrap();
        for call in posts.as_array().unwrap() {
            let point = |point: &Value| Point {
                timestamp: Timestamp::from_ns(point[0].as_i64().unwrap()),
                value: number(&point[1]),
            };
            let mut points: Vec<Point> = call.as_array().unwrap().iter().map(point).collect();
            one_call(&mut points).unwrap();
            add(&self.store, &metric, &points).unwrap();
            match self.random(4) {
                0 => drop(self.store.maintain(Effort::Due).unwrap()),
                1 => drop(self.store.maintain(Effort::Everything).unwrap()),
                _ => {}
            }
        }
        metric
    }

    fn measures(&self, metric: &Metric, method: &str, question: &Value) -> Vec<Row> {
        let query = measures::Query {
            method: method.to_owned(),
            range: range(question),
            granularity: granularity(&question["granularity"]),
            resample: granularity(&question["resample"]).map(Step::Span),
        };
        let (levels, damage) = show(&self.store, metric, &query).unwrap();
        assert!(damage.is_empty());
        let rows = levels.iter().flat_map(|level| {
            let Step::Span(step) = level.step else { panic!("{:?}", level.step) };
            level
                .series
                .timestamps
                .iter()
                .zip(&level.series.values)
                .map(move |(at, v)| (at.ns(), step.ns(), *v))
        });
        rows.collect()
    }
}

/// The policy under a name that is not too long: what it is, in short.
fn rename(policy: ArchivePolicy) -> ArchivePolicy {
    let name: String = policy.name().chars().filter(|c| c.is_ascii_alphanumeric()).collect();
    let name = &name[..name.len().min(250)];
    let (methods, definition) = (policy.methods().to_vec(), policy.definition().to_vec());
    ArchivePolicy::new(name, policy.back_window(), methods, definition).unwrap()
}

impl Drop for Case {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// The same value, but for rounding in another order.
fn close(ours: f64, theirs: f64) -> bool {
    ours == theirs
        || ours.is_nan() && theirs.is_nan()
        || (ours - theirs).abs() <= 1e-9 * ours.abs().max(theirs.abs())
}

/// Where two lists of rows differ first.
fn difference(ours: &[Row], theirs: &[Row]) -> Option<String> {
    let same = |a: &Row, b: &Row| (a.0, a.1) == (b.0, b.1) && close(a.2, b.2);
    let at = ours.iter().zip(theirs).position(|(a, b)| !same(a, b));
    let at = at.or((ours.len() != theirs.len()).then_some(ours.len().min(theirs.len())))?;
    let counts = format!("{} rows, {} expected", ours.len(), theirs.len());
    Some(format!("{counts}; row {at}: {:?}, expected {:?}", ours.get(at), theirs.get(at)))
}

#[test]
fn measures_are_what_gnocchi_gave() {
    let (mut faults, mut compared) = (Vec::new(), 0);
    for (at, case) in lines(include_bytes!("../fixtures/gnocchi_values.jsonl.gz")).iter().enumerate() {
        let mut store = Case::new(&format!("values-{at}"));
        let metric = store.metric(&case["policy"], &case["posts"]);
        let mut check = |what: String, ours: Vec<Row>, theirs: &Value| {
            compared += 1;
            let difference = difference(&ours, &rows(theirs));
            faults.extend(difference.map(|why| format!("metric {at}, {}: {what}: {why}", case["about"])));
        };
        for maintained in [false, true] {
            if maintained {
                store.store.maintain(Effort::Everything).unwrap();
            }
            for (method, theirs) in case["measures"].as_object().unwrap() {
                let theirs = case["known"].get(method).unwrap_or(theirs);
                check(
                    format!("{method}, {maintained}"),
                    store.measures(&metric, method, &Value::Null),
                    theirs,
                );
            }
            for question in case["queries"].as_array().unwrap() {
                let method = question["method"].as_str().unwrap();
                let ours = store.measures(&metric, method, question);
                check(format!("{question}, {maintained}"), ours, &question["rows"]);
            }
        }
    }
    assert!(compared > 3000, "only {compared} series were compared");
    assert!(faults.is_empty(), "{} of {compared} differ:\n{}", faults.len(), faults.join("\n"));
}

/// Series of an answer by metric and method, both empty for what is aggregated; those without a row left out.
type Found = BTreeMap<(String, String), Vec<Row>>;

fn ours(store: &Store, question: &Value, names: &BTreeMap<String, Metric>) -> Result<Found, String> {
    // Only the names of metrics have capitals and stand alone.
    let by_id = |word: &str| names.get(word).map_or_else(|| word.to_owned(), |metric| metric.id.to_string());
    let text = question["operations"].as_str().unwrap();
    let words: Vec<String> =
        text.replace('(', "( ").replace(')', " )").split_whitespace().map(by_id).collect();
    let optional = |name: &str| question[name].as_str();
    let query = aggregates::Query {
        operations: parse_text(&words.join(" ")).map_err(|error| error.to_string())?,
        among: Among::Metrics,
        range: range(question),
        granularity: granularity(&question["granularity"]),
        fill: optional("fill").map(|fill| fill.parse().unwrap()),
        needed_overlap: optional("needed_overlap").map(|percent| percent.parse().unwrap()),
    };
    let mut answers = aggregates::answer(store, &query).map_err(|refusal| refusal.to_string())?;
    assert_eq!((answers.groups.len(), answers.damage.len()), (1, 0));
    let group = answers.groups.remove(0);
    let mut found = Found::new();
    let mut put = |key: (String, String), levels: Vec<telemetry::series::Series>| {
        let rows = levels.iter().flat_map(|level| {
            let rows = level.timestamps.iter().zip(&level.values);
            rows.map(|(at, value)| (at.ns(), level.granularity.ns(), *value))
        });
        let rows: Vec<Row> = rows.collect();
        if !rows.is_empty() {
            found.insert(key, rows);
        }
    };
    match group.answer {
        Answer::Aggregated(levels) => put(Default::default(), levels),
        Answer::Each(each) => {
            for (subject, levels) in group.subjects.iter().zip(each) {
                let name = names.iter().find(|(_, metric)| metric.id == subject.metric.id).unwrap().0;
                put((name.clone(), subject.method.to_string()), levels);
            }
        }
    }
    Ok(found)
}

fn theirs(question: &Value) -> Found {
    if question["aggregated"].is_array() {
        return [(Default::default(), rows(&question["aggregated"]))]
            .into_iter()
            .filter(|(_, r)| !r.is_empty())
            .collect();
    }
    let mut found = Found::new();
    for (name, methods) in question["measures"].as_object().unwrap() {
        for (method, list) in methods.as_object().unwrap() {
            found.insert((name.clone(), method.clone()), rows(list));
        }
    }
    found.retain(|_, rows| !rows.is_empty());
    found
}

/// A known difference: of several mixed series Gnocchi answers the first and forgets the others; we refuse.
const SEVERAL: [&str; 2] = [
    "(+ (metric (A mean) (B mean)) (metric (A max) (B max)))",
    "(+ (metric (A mean) (B mean)) (metric A max))",
];

#[test]
fn operations_are_what_gnocchi_computed() {
    let (mut faults, mut compared) = (Vec::new(), 0);
    for (at, world) in lines(include_bytes!("../fixtures/gnocchi_operations.jsonl.gz")).iter().enumerate() {
        let mut store = Case::new(&format!("operations-{at}"));
        let metrics = world["metrics"].as_object().unwrap().iter();
        let names: BTreeMap<String, Metric> =
            metrics.map(|(name, of)| (name.clone(), store.metric(&of["policy"], &of["posts"]))).collect();
        for question in world["requests"].as_array().unwrap() {
            let what = format!("world {at}: {} {}", question["operations"], question["why"]);
            let status = question["status"].as_u64().unwrap();
            if status == 500 {
                // It cannot write its own counts as JSON.
                continue;
            }
            compared += 1;
            match (ours(&store.store, question, &names), status) {
                (Ok(ours), 200) => {
                    let theirs = theirs(question);
                    let same = ours.len() == theirs.len()
                        && ours.iter().zip(&theirs).all(|((our_key, our), (their_key, their))| {
                            our_key == their_key && difference(our, their).is_none()
                        });
                    if !same {
                        faults.push(format!("{what}\n  {ours:?}\n  {theirs:?}\n  {question}"));
                    }
                }
                (Ok(_), _) => faults.push(format!("{what} is answered")),
                (Err(why), 200) if why.starts_with("the operations give 2 series") => {
                    assert!(SEVERAL.contains(&question["operations"].as_str().unwrap()), "{what}");
                }
                (Err(why), 200) => faults.push(format!("{what} is refused: {why}")),
                (Err(_), _) => {}
            }
        }
    }
    assert!(compared > 350, "only {compared} requests were compared");
    assert!(faults.is_empty(), "{} of {compared} differ:\n{}", faults.len(), faults.join("\n"));
}
