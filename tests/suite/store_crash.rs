//! Writers, readers and a maintenance of one store, all killed at once, again and again: what was acknowledged is there, nothing
//! else is, and every byte is sound.
//!
//! In memory (TMPDIR=/dev/shm) a round takes a second. `STORE_CRASH_LOOPS` says how often [3].

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use telemetry::model::{Granularity, NS_PER_SECOND};
use telemetry::series::{ArchivePolicy, Definition, Method};
use telemetry::store::Store;
use telemetry::store::index::ResourceId;
use telemetry::store::measures::{Effort, Selection, Wanted};

use crate::run::{Directory, tool, until};

const WRITERS: usize = 3;
/// The whole of it is looked at behind each kill.
const ROUNDS_OF_A_STORE: u64 = 10;
const START_S: i64 = 1_795_341_600;

/// A writer under way: `ingest --echo`, fed with points whose value is their number.
struct Writer {
    child: Child,
    stdin: Option<ChildStdin>,
}

fn line(writer: usize, point: u64) -> String {
    let at = START_S + point as i64;
    format!("{{\"name\":\"m\",\"volume\":{point},\"resource_id\":\"w{writer}\",\"timestamp\":{at}}}\n")
}

fn start(mut command: Command) -> Child {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap()
}

/// The number of each point that is stored of a writer, by its second.
fn stored(store: &Store, writer: usize) -> BTreeMap<i64, f64> {
    let id = ResourceId::of(&format!("w{writer}"), None).unwrap();
    let Ok(metric) = store.index().metric_named(id.uuid(), "m") else { return BTreeMap::new() };
    let method: Method = "last".parse().unwrap();
    let selection = Selection { methods: vec![method], ..Selection::default() };
    let mut found = BTreeMap::new();
    let wanted = [Wanted { metric: metric.number, policy: &metric.archive_policy }];
    let mut snapshot = store.snapshot().unwrap();
    let read = snapshot.read(&wanted, &selection, |_, spans| {
        let spans = &spans[0];
        found = spans
            .starts
            .iter()
            .map(|start| start.ns())
            .zip(spans.columns[0].values.iter().copied())
            .collect();
    });
    read.unwrap();
    assert!(snapshot.damage().is_empty());
    found
}

/// Opens it as the tests want it: journals so short that they are cut all the time.
fn open(folder: &Path) -> Store {
    Store::open(folder).unwrap().with_journal_bytes_max(20_000)
}

#[test]
fn what_was_acknowledged_survives_kills_of_writers_readers_and_a_maintenance() {
    let loops: u64 = std::env::var("STORE_CRASH_LOOPS").map_or(3, |text| text.parse().unwrap());
    let mut random = 0x2545_f491_4f6c_dd1du64;
    let mut left = loops;
    while left > 0 {
        // What is checked behind each kill is the whole store: a new one before that takes long.
        let some = left.min(ROUNDS_OF_A_STORE);
        kill_again_and_again(some, &mut random);
        left -= some;
    }
}

fn kill_again_and_again(rounds: u64, random: &mut u64) {
    let directory = Directory::new();
    let folder = directory.path().join("store");
    let store = Store::open_or_create(&folder, false).unwrap();
    let definition =
        |seconds| Definition { granularity: Granularity::from_seconds(seconds).unwrap(), points: None };
    let methods = ["last", "count"].map(|name| name.parse::<Method>().unwrap()).to_vec();
    let policy = ArchivePolicy::new("second", 0, methods, vec![definition(1), definition(60)]).unwrap();
    store.index().create_archive_policy(&policy).unwrap();
    drop(store);
    let path = folder.to_str().unwrap().to_owned();
    // What each writer was told is safe, and the next point it sends.
    let (mut acknowledged, mut next) = ([0u64; WRITERS], [0u64; WRITERS]);
    for round in 0..rounds {
        let mut writers: Vec<Writer> = (0..WRITERS)
            .map(|_| {
                let arguments = ["ingest", "--store", &path, "--echo", "--archive-policy", "second"];
                let mut child = start(tool("aggregate", &arguments));
                let stdin = child.stdin.take();
                Writer { child, stdin }
            })
            .collect();
        let stop = AtomicBool::new(false);
        let heard: [AtomicBool; WRITERS] = Default::default();
        let echoed: Vec<u64> = std::thread::scope(|scope| {
            let readers: Vec<_> = writers
                .iter_mut()
                .enumerate()
                .map(|(number, writer)| {
                    let stdout = writer.child.stdout.take().unwrap();
                    let heard = &heard[number];
                    scope.spawn(move || {
                        let (mut last, mut lines) =
                            (None, std::io::BufRead::lines(std::io::BufReader::new(stdout)));
                        // A line that a kill has cut is no acknowledgement.
                        while let Some(Ok(text)) = lines.next() {
                            let volume =
                                text.split("\"volume\":").nth(1).and_then(|rest| rest.split(',').next());
                            let whole = text.ends_with('}').then_some(volume).flatten();
                            if let Some(point) = whole.and_then(|number| number.parse::<u64>().ok()) {
                                assert!(last.is_none_or(|last| point == last + 1), "writer {number}");
                                last = Some(point);
                                heard.store(true, Ordering::Relaxed);
                            }
                        }
                        last.map_or(0, |last| last + 1)
                    })
                })
                .collect();
            let feeders: Vec<_> = writers
                .iter_mut()
                .zip(next.iter_mut())
                .enumerate()
                .map(|(number, (writer, next))| {
                    let mut stdin = writer.stdin.take().unwrap();
                    let stop = &stop;
                    scope.spawn(move || {
                        while !stop.load(Ordering::Relaxed) {
                            let batch: String =
                                (*next..*next + 50).map(|point| line(number, point)).collect();
                            // A pipe whose reader was killed.
                            if stdin.write_all(batch.as_bytes()).is_err() {
                                break;
                            }
                            *next += 50;
                            // Not faster than journals are cut.
                            std::thread::sleep(Duration::from_millis(1));
                        }
                        // What the last write got through is not known: it may all be there.
                        *next += 50;
                    })
                })
                .collect();
            until("an acknowledgement of each writer", || {
                heard.iter().all(|heard| heard.load(Ordering::Relaxed)).then_some(())
            });
            // A maintenance and a reader in processes of their own, to be killed too.
            let mut others: Vec<Child> = Vec::new();
            *random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(round);
            let moments = 1 + (*random >> 62) as usize;
            for moment in 0..moments {
                others.push(start(tool("aggregate", &["compact", "--store", &path])));
                let store = open(&folder);
                store.maintain(Effort::Due).unwrap();
                let before = stored(&store, moment % WRITERS);
                let after = stored(&store, moment % WRITERS);
                assert!(
                    before.iter().all(|(at, value)| after.get(at) == Some(value)),
                    "a point went missing"
                );
            }
            // One writer dies first and the others go on behind what it has left.
            let all: Vec<&Child> = writers.iter().map(|writer| &writer.child).chain(&others).collect();
            let _ = kill_process(Pid::from_child(all[(*random >> 32) as usize % WRITERS]), Signal::KILL);
            std::thread::sleep(Duration::from_micros((*random >> 40) % 20_000));
            for child in all {
                let _ = kill_process(Pid::from_child(child), Signal::KILL);
            }
            stop.store(true, Ordering::Relaxed);
            feeders.into_iter().for_each(|feeder| feeder.join().unwrap());
            for mut child in others {
                let _ = child.wait();
            }
            readers.into_iter().map(|reader| reader.join().unwrap()).collect()
        });
        for writer in &mut writers {
            writer.child.wait().unwrap();
        }
        let store = open(&folder);
        let checked = store.check().unwrap();
        assert!(checked.faults.is_empty() && checked.index_faults.is_empty(), "round {round}: {checked:?}");
        for number in 0..WRITERS {
            acknowledged[number] = acknowledged[number].max(echoed[number]);
            let found = stored(&store, number);
            for (at, value) in &found {
                let point = at / NS_PER_SECOND - START_S;
                assert_eq!(*value, point as f64, "round {round}, writer {number}: another value");
                assert!((point as u64) < next[number], "round {round}, writer {number}: never sent");
            }
            // The writer of the next round goes on behind what is there: what was not acknowledged may be there or not.
            let first_missing =
                (0..).find(|point| !found.contains_key(&((START_S + point) * NS_PER_SECOND))).unwrap();
            assert!(
                first_missing as u64 >= acknowledged[number],
                "round {round}, writer {number}: {} lost",
                acknowledged[number]
            );
            assert_eq!(found.len() as i64, first_missing, "round {round}, writer {number}: a gap");
            next[number] = first_missing as u64;
        }
    }
    assert!(acknowledged.iter().all(|points| *points > 0), "{acknowledged:?}");
}
