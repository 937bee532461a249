//! A reader that remembers says what one says that reads everything anew.

use std::fs;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::sync::Arc;

use super::memory::Memory;
use super::testing::{Store, arrival, open, policy};
use super::{Activity, Arrival, Effort, Measures, Policies, Selection, Wanted};
use crate::series::Spans;
use crate::store::MetricNumber;

const METRICS: u32 = 3;

fn store() -> Store {
    let mut policies = Policies::default();
    policies.define(1, policy(1, &[(1, 0), (60, 0)], &["count", "last"]));
    (0..METRICS).for_each(|number| policies.set(MetricNumber(number), 1));
    Store::new(policies, 30)
}

fn batch(from: u32) -> Vec<Arrival> {
    (0..20).map(|at| arrival(at % 2, f64::from(from + at / 2), f64::from(at))).collect()
}

type Said = (Vec<(Vec<Spans>, Activity)>, Vec<String>);

fn said(store: &Store, measures: &Measures) -> Said {
    let mut snapshot = measures.snapshot(&store.connection).unwrap();
    let wanted: Vec<Wanted<'_>> = (0..METRICS)
        .map(|number| Wanted {
            metric: MetricNumber(number),
            policy: store.policies.of(MetricNumber(number)).unwrap(),
        })
        .collect();
    let selection = Selection { methods: wanted[0].policy.methods().to_vec(), ..Selection::default() };
    let mut all = vec![(Vec::new(), Activity::default()); METRICS as usize];
    snapshot.read(&wanted, &selection, |place, spans| all[place].0 = spans).unwrap();
    let damage = snapshot.damage().iter().map(ToString::to_string).collect();
    snapshot.activity(&wanted, |place, activity| all[place].1 = activity).unwrap();
    (all, damage)
}

/// Both answers are the same, which is returned.
fn agreed(store: &Store, server: &Measures) -> Said {
    let (_, anew) = open(&store.folder, 30);
    let anew = said(store, &anew);
    assert_eq!(said(store, server), anew);
    // And again, with nothing new.
    assert_eq!(said(store, server), anew);
    anew
}

fn taken(said: &Said) -> u64 {
    said.0.iter().map(|(_, activity)| activity.taken).sum()
}

fn newest(store: &Store) -> PathBuf {
    let all = fs::read_dir(store.folder.join("journal")).unwrap().map(|entry| entry.unwrap().path());
    all.filter(|path| path.extension().is_some()).max().unwrap()
}

fn flip(path: &PathBuf, at: usize) {
    let file = fs::OpenOptions::new().write(true).open(path).unwrap();
    let byte = fs::read(path).unwrap()[at] ^ 1;
    file.write_all_at(&[byte], at as u64).unwrap();
}

#[test]
fn what_others_append_cut_and_maintain_is_seen_at_once() {
    let store = store();
    let server = store.measures.clone().remembering();
    assert_eq!(taken(&agreed(&store, &server)), 0);
    for round in 1..8u32 {
        // Of another process, as far as this one can tell.
        let (connection, other) = open(&store.folder, 30);
        other.writer(&connection).unwrap().append(&mut batch(round * 100)).unwrap();
        assert_eq!(taken(&agreed(&store, &server)), u64::from(round) * 20);
        if round % 3 == 0 {
            store.maintain(if round == 3 { Effort::Due } else { Effort::Everything });
            assert_eq!(taken(&agreed(&store, &server)), u64::from(round) * 20);
        }
    }
    // A maintenance leaves nothing to remember.
    store.maintain(Effort::Everything);
    agreed(&store, &server);
    assert_eq!(server.memory.bytes(), 0);
}

#[test]
fn a_snapshot_goes_on_to_see_what_was_there_when_it_was_made() {
    let store = store();
    let server = store.measures.clone().remembering();
    store.append(&batch(100));
    let policy = store.policies.of(MetricNumber(0)).unwrap();
    let wanted = [Wanted { metric: MetricNumber(0), policy }];
    let mut snapshot = server.snapshot(&store.connection).unwrap();
    let mut taken = Vec::new();
    for _ in 0..3 {
        snapshot.activity(&wanted, |_, activity| taken.push(activity.taken)).unwrap();
        store.append(&batch(200));
        // Another thread reads on, and then forgets the journal.
        said(&store, &server.clone());
        store.maintain(Effort::Everything);
    }
    assert_eq!(taken, [10, 10, 10]);
}

#[test]
fn a_torn_end_is_not_taken_and_what_comes_in_its_place_is() {
    let store = store();
    let server = store.measures.clone().remembering();
    store.append(&batch(100));
    agreed(&store, &server);
    let path = newest(&store);
    let sound = fs::read(&path).unwrap();
    store.append(&batch(200));
    let whole = fs::read(&path).unwrap();
    for length in sound.len()..whole.len() {
        fs::write(&path, &whole[..length]).unwrap();
        assert_eq!(taken(&agreed(&store, &server)), 20, "cut at {length}");
    }
    // The same length, another content: a writer cuts off what was torn.
    fs::write(&path, &whole[..whole.len() - 1]).unwrap();
    agreed(&store, &server);
    store.append(&batch(300));
    assert_eq!(taken(&agreed(&store, &server)), 40);
}

#[test]
fn damage_is_said_each_time_and_a_repaired_journal_is_read_anew() {
    let store = store();
    let server = store.measures.clone().remembering();
    store.append(&batch(100));
    store.append(&batch(200));
    flip(&newest(&store), 60);
    for _ in 0..2 {
        assert_eq!(agreed(&store, &server).1.len(), 1);
    }
    // A new journal is begun behind it, and the end of the first is damaged too.
    store.append(&batch(300));
    let path = newest(&store);
    assert_eq!(taken(&agreed(&store, &server)), 40);
    store.measures.repair(&store.connection, &store.policies).unwrap();
    let repaired = agreed(&store, &server);
    assert_eq!((taken(&repaired), repaired.1.len()), (40, 0));
    // Cut shorter than what is known of it.
    fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(20).unwrap();
    assert_eq!(taken(&agreed(&store, &server)), 20);
    fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(5).unwrap();
    assert_eq!(taken(&agreed(&store, &server)), 20);
    store.append(&batch(400));
    assert_eq!(taken(&agreed(&store, &server)), 40);
}

#[test]
fn a_damaged_end_of_a_journal_that_nobody_appends_to_is_said_by_who_remembers_too() {
    let store = store();
    let server = store.measures.clone().remembering();
    store.append(&batch(100));
    store.append(&batch(200));
    let path = newest(&store);
    flip(&path, 60);
    store.append(&batch(300));
    flip(&path, 60);
    let length = fs::read(&path).unwrap().len();
    flip(&path, length - 3);
    let found = agreed(&store, &server);
    assert_eq!((taken(&found), found.1.len()), (40, 1));
}

#[test]
fn what_there_is_no_room_to_remember_is_read_each_time() {
    for bytes_max in [0, 1, 500, 2000, 5000] {
        let store = store();
        let mut server = store.measures.clone().remembering();
        server.memory = Arc::new(Memory::of_bytes(bytes_max));
        for round in 1..6u32 {
            store.append(&batch(round * 100));
            assert_eq!(taken(&agreed(&store, &server)), u64::from(round) * 20);
            assert!(server.memory.bytes() < bytes_max + 2000);
        }
    }
}

#[test]
fn threads_that_share_measures_see_whole_frames_and_all_that_was_there() {
    let store = store();
    let server = store.measures.clone().remembering();
    let appended = std::sync::atomic::AtomicU64::new(0);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let (connection, other) = open(&store.folder, 3000);
            for round in 1..200u32 {
                other.writer(&connection).unwrap().append(&mut batch(round * 100)).unwrap();
                appended.fetch_add(20, std::sync::atomic::Ordering::SeqCst);
            }
        });
        for _ in 0..2 {
            scope.spawn(|| {
                let (connection, _) = open(&store.folder, 30);
                let wanted = [0, 1].map(|number| Wanted {
                    metric: MetricNumber(number),
                    policy: store.policies.of(MetricNumber(0)).unwrap(),
                });
                loop {
                    let before = appended.load(std::sync::atomic::Ordering::SeqCst);
                    let mut sums = [0; 2];
                    let mut snapshot = server.snapshot(&connection).unwrap();
                    snapshot.activity(&wanted, |place, activity| sums[place] = activity.taken).unwrap();
                    assert!(snapshot.damage().is_empty());
                    assert!(sums[0] == sums[1] && sums[0] * 2 >= before, "{sums:?} {before}");
                    if before == 199 * 20 {
                        break;
                    }
                }
            });
        }
    });
}
