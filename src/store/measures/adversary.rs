//! What an enemy of the store would try: files of other releases, files that change under a writer, journals that go missing,
//! times at the ends of time.

use std::fs;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;

use super::testing::{Store, arrival, open, policy};
use super::{Activity, Arrival, Effort, MeasuresError, Policies, Selection, Wanted};
use crate::model::Timestamp;
use crate::series::{Point, Spans};
use crate::store::MetricNumber;

fn policies(metrics: u32) -> Policies {
    let mut policies = Policies::default();
    policies.define(1, policy(0, &[(1, 0), (60, 0)], &["count", "last"]));
    (0..metrics).for_each(|number| policies.set(MetricNumber(number), 1));
    policies
}

/// A store whose journals are cut whenever a maintenance comes by.
fn store() -> Store {
    Store::new(policies(3), 30)
}

/// Ten points of each of two metrics.
fn batch(from: u32) -> Vec<Arrival> {
    (0..20).map(|at| arrival(at % 2, f64::from(from + at / 2), f64::from(at))).collect()
}

/// How many points of both metrics were taken, and how much damage a reader is told of.
fn taken(store: &Store) -> Result<(u64, usize), MeasuresError> {
    let (connection, measures) = open(&store.folder, 30);
    let mut snapshot = measures.snapshot(&connection)?;
    let mut sum = 0;
    let policy = store.policies.of(MetricNumber(0)).unwrap();
    let wanted = [0, 1].map(|number| Wanted { metric: MetricNumber(number), policy });
    snapshot.activity(&wanted, |_, Activity { taken, .. }| sum += taken)?;
    Ok((sum, snapshot.damage().len()))
}

fn journals(store: &Store) -> Vec<PathBuf> {
    let all = fs::read_dir(store.folder.join("journal")).unwrap().map(|entry| entry.unwrap().path());
    let mut all: Vec<PathBuf> = all.filter(|path| path.extension().is_some()).collect();
    all.sort();
    all
}

fn change(path: &PathBuf, at: usize, with: &[u8]) {
    let file = fs::OpenOptions::new().write(true).open(path).unwrap();
    file.write_all_at(with, at as u64).unwrap();
}

fn flip(path: &PathBuf, at: usize) {
    let bytes = fs::read(path).unwrap();
    change(path, at, &[bytes[at] ^ 0x10]);
}

fn faults(store: &Store) -> Vec<String> {
    let checked = store.measures.check(&store.connection, &store.policies).unwrap();
    checked.faults.iter().map(ToString::to_string).collect()
}

fn maintained(store: &Store, effort: Effort) -> Result<(), MeasuresError> {
    let policies = || Ok::<_, MeasuresError>(store.policies.clone());
    store.measures.maintain(&store.connection, effort, policies).map(|_| ())
}

#[test]
fn a_journal_of_a_later_release_is_neither_read_nor_cut_nor_appended_to() {
    let store = store();
    store.append(&batch(100));
    let path = journals(&store).pop().unwrap();
    let mut bytes = fs::read(&path).unwrap();
    bytes[6] = 3;
    let checksum = crc32fast::hash(&bytes[..16]);
    bytes[16..20].copy_from_slice(&checksum.to_le_bytes());
    // Frames that mean nothing to this release.
    bytes.truncate(20);
    bytes.extend([7; 500]);
    fs::write(&path, &bytes).unwrap();
    let newer =
        |found: Result<(), MeasuresError>| matches!(found, Err(MeasuresError::Newer { found: 3, .. }));
    assert!(newer(taken(&store).map(|_| ())));
    assert!(newer(store.measures.writer(&store.connection).map(|_| ())));
    assert!(newer(maintained(&store, Effort::Due)) && newer(maintained(&store, Effort::Everything)));
    assert!(newer(store.measures.repair(&store.connection, &store.policies).map(|_| ())));
    assert!(faults(&store)[0].contains("format 3"));
    assert_eq!(fs::read(&path).unwrap(), bytes);
    assert_eq!(journals(&store), [path]);
}

#[test]
fn a_segment_of_a_later_release_is_not_repaired() {
    let store = store();
    store.append(&batch(100));
    store.maintain(Effort::Everything);
    let path = fs::read_dir(store.folder.join("segments")).unwrap().map(|entry| entry.unwrap().path());
    let path = path.into_iter().find(|path| path.extension().is_some()).unwrap();
    let mut bytes = fs::read(&path).unwrap();
    bytes[6] = 3;
    let checksum = crc32fast::hash(&bytes[..8]);
    bytes[8..12].copy_from_slice(&checksum.to_le_bytes());
    fs::write(&path, &bytes).unwrap();
    let found = store.measures.repair(&store.connection, &store.policies);
    assert!(matches!(found, Err(MeasuresError::Newer { found: 3, .. })), "{found:?}");
    assert_eq!(fs::read(&path).unwrap(), bytes);
}

#[test]
fn a_damaged_header_is_told_of_and_the_frames_behind_it_are_read() {
    let store = store();
    store.append(&batch(100));
    let mut writer = store.measures.writer(&store.connection).unwrap();
    flip(&journals(&store)[0], 9);
    assert_eq!(taken(&store).unwrap(), (20, 1));
    // Who opens it anew leaves it alone.
    store.append(&batch(200));
    assert_eq!((taken(&store).unwrap(), journals(&store).len()), ((40, 1), 2));
    writer.append(&mut batch(300)).unwrap();
    assert_eq!(faults(&store).len(), 1);
    assert!(matches!(maintained(&store, Effort::Everything), Err(MeasuresError::Damaged { offset: 0, .. })));
    assert_eq!(store.measures.repair(&store.connection, &store.policies).unwrap()[0].kept, 1);
    assert_eq!((taken(&store).unwrap(), faults(&store).len()), ((60, 0), 0));
    maintained(&store, Effort::Everything).unwrap();
    assert_eq!(taken(&store).unwrap(), (60, 0));
}

#[test]
fn a_writer_that_has_a_journal_open_follows_a_repair() {
    let store = store();
    let mut writer = store.measures.writer(&store.connection).unwrap();
    writer.append(&mut batch(100)).unwrap();
    writer.append(&mut batch(200)).unwrap();
    flip(&journals(&store)[0], 40);
    assert_eq!(store.measures.repair(&store.connection, &store.policies).unwrap().len(), 1);
    assert_eq!(taken(&store).unwrap(), (20, 0));
    writer.append(&mut batch(300)).unwrap();
    assert_eq!(taken(&store).unwrap(), (40, 0));
}

#[test]
fn a_damaged_end_of_a_journal_that_nobody_appends_to_is_damage_and_not_cut_off() {
    let store = store();
    store.append(&batch(100));
    store.append(&batch(200));
    // Damage in the first frame: a writer begins a new journal, which a maintenance cannot yet cut.
    flip(&journals(&store)[0], 40);
    store.append(&batch(300));
    store.append(&batch(400));
    flip(&journals(&store)[0], 40);
    let path = journals(&store)[0].clone();
    let length = fs::read(&path).unwrap().len();
    flip(&path, length - 3);
    assert_eq!(taken(&store).unwrap(), (60, 1));
    let fault = faults(&store);
    assert!(fault.len() == 1 && fault[0].contains("0000000001.journal is damaged"), "{fault:?}");
    assert!(matches!(maintained(&store, Effort::Everything), Err(MeasuresError::Damaged { .. })));
    assert!(path.exists());
    let repaired = store.measures.repair(&store.connection, &store.policies).unwrap();
    assert_eq!((repaired.len(), repaired[0].kept), (1, 1));
    assert!(repaired[0].lost_bytes > 100, "{repaired:?}");
    assert_eq!((taken(&store).unwrap(), faults(&store).len()), ((60, 0), 0));
    // Cut to nothing it is damage too.
    fs::write(journals(&store)[0].clone(), b"TM").unwrap();
    assert_eq!((taken(&store).unwrap(), faults(&store).len()), ((40, 1), 1));
    assert_eq!(store.measures.repair(&store.connection, &store.policies).unwrap().len(), 1);
    assert_eq!((taken(&store).unwrap(), faults(&store).len()), ((40, 0), 0));
}

/// Three journals of one frame each, all sound.
fn three_journals(store: &Store) {
    store.append(&batch(100));
    for number in 0..2 {
        // A journal whose header is damaged has another begun behind it.
        flip(&journals(store)[number], 9);
        store.append(&batch(200 + 100 * number as u32));
        flip(&journals(store)[number], 9);
    }
    assert_eq!((taken(store).unwrap(), journals(store).len(), faults(store).len()), ((60, 0), 3, 0));
}

#[test]
fn a_missing_journal_is_named_and_waited_for() {
    for gone in [0, 1] {
        let store = store();
        three_journals(&store);
        let path = journals(&store)[gone].clone();
        let bytes = fs::read(&path).unwrap();
        fs::remove_file(&path).unwrap();
        assert_eq!(taken(&store).unwrap(), (40, 1));
        let fault = faults(&store);
        let name = path.file_name().unwrap().to_str().unwrap();
        assert!(fault.len() == 1 && fault[0].contains(name), "{fault:?}");
        // Those before it are cut, those behind it wait.
        assert!(matches!(maintained(&store, Effort::Everything), Err(MeasuresError::Damaged { .. })));
        store.append(&batch(400));
        assert_eq!(taken(&store).unwrap(), (60, 1));
        fs::write(&path, &bytes).unwrap();
        assert_eq!((taken(&store).unwrap(), faults(&store).len()), ((80, 0), 0));
        maintained(&store, Effort::Everything).unwrap();
        assert_eq!(taken(&store).unwrap(), (80, 0));
    }
}

#[test]
fn a_missing_journal_is_given_up_by_a_repair() {
    let store = store();
    three_journals(&store);
    fs::remove_file(&journals(&store)[1]).unwrap();
    let repaired = store.measures.repair(&store.connection, &store.policies).unwrap();
    assert!(repaired.len() == 1 && repaired[0].aside.is_none(), "{repaired:?}");
    assert_eq!((taken(&store).unwrap(), faults(&store).len()), ((40, 0), 0));
    maintained(&store, Effort::Everything).unwrap();
    assert_eq!(taken(&store).unwrap(), (40, 0));
}

#[test]
fn a_journal_cut_shorter_than_its_header_under_a_writer_takes_appends_again() {
    let store = store();
    let mut writer = store.measures.writer(&store.connection).unwrap();
    writer.append(&mut batch(100)).unwrap();
    for length in [0, 5, 19, 20, 25] {
        fs::OpenOptions::new().write(true).open(&journals(&store)[0]).unwrap().set_len(length).unwrap();
        assert_eq!(taken(&store).unwrap(), (0, 0));
        writer.append(&mut batch(100)).unwrap();
        assert_eq!(taken(&store).unwrap(), (20, 0));
    }
}

#[test]
fn a_metric_that_is_wanted_twice_is_read_twice() {
    let store = store();
    store.append(&batch(100));
    store.append(&batch(1000));
    store.maintain(Effort::Everything);
    let policy = store.policies.of(MetricNumber(1)).unwrap();
    let selection = Selection { methods: policy.methods().to_vec(), ..Selection::default() };
    let mut snapshot = store.measures.snapshot(&store.connection).unwrap();
    let wanted = [1, 0, 1].map(|number| Wanted { metric: MetricNumber(number), policy });
    let mut found: Vec<Vec<Spans>> = vec![Vec::new(); 3];
    snapshot.read(&wanted, &selection, |place, spans| found[place] = spans).unwrap();
    assert_eq!(found[0], found[2]);
    assert_eq!(found[0][0].starts.len(), 20);
}

#[test]
fn points_at_both_ends_of_time_are_kept_and_harm_no_other() {
    let mut policies = policies(2);
    let century = 100 * 365 * 86_400;
    policies.define(2, policy(1, &[(1, 0), (7 * 86_400, 3), (century, 0)], &["count", "last", "rate:last"]));
    policies.set(MetricNumber(1), 2);
    let store = Store::new(policies, 30);
    let at = |metric: u32, ns: i64| Arrival {
        metric: MetricNumber(metric),
        point: Point { timestamp: Timestamp::from_ns(ns), value: 1.0 },
    };
    let (first, last) = (Timestamp::MIN.ns(), Timestamp::MAX.ns() - 1);
    for ns in [first, first + 1, 0, last - 1, last] {
        store.append(&[at(0, ns), at(1, ns)]);
        for effort in [Effort::Due, Effort::Everything, Effort::Anew] {
            maintained(&store, effort).unwrap();
            assert!(faults(&store).is_empty());
            for metric in [0, 1] {
                let spans = store.read(metric);
                assert!(spans.iter().all(|spans| !spans.starts.is_empty() && spans.starts.is_sorted()));
            }
        }
    }
    assert_eq!(store.read(0)[0].starts.len(), 3);
    assert_eq!(store.read(1)[0].starts.len(), 3);
}

#[test]
fn a_window_that_was_lost_makes_no_span_stand_twice() {
    for lost in ["missing", "first block"] {
        let store = store();
        store.append(&batch(100));
        store.append(&batch(1000));
        store.maintain(Effort::Everything);
        let mut paths: Vec<PathBuf> =
            fs::read_dir(store.folder.join("segments")).unwrap().map(|entry| entry.unwrap().path()).collect();
        paths.retain(|path| path.extension().is_some());
        paths.sort();
        // The windows are written before the spans.
        let windows = &paths[0];
        if lost == "missing" {
            fs::remove_file(windows).unwrap()
        } else {
            flip(windows, 20)
        }
        assert_eq!(store.measures.repair(&store.connection, &store.policies).unwrap().len(), 1);
        assert!(faults(&store).is_empty());
        // Late: these spans stand in segments.
        store.append(&batch(105));
        store.append(&batch(1000));
        for effort in [Effort::Due, Effort::Everything] {
            for spans in store.read(0) {
                assert!(spans.starts.is_sorted_by(|a, b| a < b), "{lost}: {:?}", spans.starts);
            }
            maintained(&store, effort).unwrap();
        }
        assert_eq!(store.read(0)[0].starts.len(), 20, "{lost}");
    }
}

#[test]
fn points_that_come_from_the_newest_to_the_oldest_are_no_trap() {
    let mut policies = Policies::default();
    policies.define(1, policy(0, &[(86_400, 0)], &["count"]));
    policies.set(MetricNumber(0), 1);
    let store = Store::new(policies, 1 << 40);
    let mut writer = store.measures.writer(&store.connection).unwrap();
    // Every frame is before the one that came before it.
    for frame in (0..20u32).rev() {
        let points = (0..20_000).map(|at| arrival(0, f64::from(frame * 4000) + f64::from(at) / 8.0, 1.0));
        writer.append(&mut points.collect()).unwrap();
    }
    let begun = std::time::Instant::now();
    let spans = store.read(0);
    assert_eq!(spans[0].columns[0].values, [400_000.0]);
    assert!(begun.elapsed() < std::time::Duration::from_secs(10), "{:?}", begun.elapsed());
}

/// What is said of each metric; none where its segments cannot be read.
fn answers(store: &Store, metrics: u32) -> Vec<Option<(Vec<Spans>, u64)>> {
    let answer = |number| {
        let (connection, measures) = open(&store.folder, 30);
        let policy = store.policies.of(MetricNumber(number)).unwrap();
        let selection = Selection { methods: policy.methods().to_vec(), ..Selection::default() };
        let wanted = [Wanted { metric: MetricNumber(number), policy }];
        let (mut found, mut taken) = (Vec::new(), 0);
        let mut snapshot = measures.snapshot(&connection).ok()?;
        snapshot.read(&wanted, &selection, |_, spans| found = spans).ok()?;
        snapshot.activity(&wanted, |_, activity| taken = activity.taken).ok()?;
        Some((found, taken))
    };
    (0..metrics).map(answer).collect()
}

#[test]
fn a_repair_of_a_segment_loses_one_block_of_it_and_nothing_else() {
    const METRICS: u32 = 16;
    // Of windows, arrivals and spans.
    for kind in 0..3 {
        for part in [1, 3] {
            let store = Store::new(policies(METRICS), 30);
            let all = |from: u32| {
                let value = |metric: u32, at: u32| f64::from(metric * at).sqrt();
                let of = |metric: u32, at: u32| arrival(metric, f64::from(from + at * 3), value(metric, at));
                (0..METRICS).flat_map(|metric| (0..700).map(move |at| of(metric, at))).collect::<Vec<_>>()
            };
            store.append(&all(1000));
            store.maintain(Effort::Everything);
            store.append(&all(2500));
            store.maintain(Effort::Due);
            let id: i64 = store
                .connection
                .query_row("SELECT min(id) FROM segment WHERE kind = ?", [kind], |row| row.get(0))
                .unwrap();
            let path = store.folder.join(format!("segments/{id:010}.segment"));
            let before = answers(&store, METRICS);
            let length = fs::metadata(&path).unwrap().len() as usize;
            flip(&path, length * part / 4);
            let readable = answers(&store, METRICS);
            let repaired = store.measures.repair(&store.connection, &store.policies).unwrap();
            assert_eq!(repaired.len(), 1, "{repaired:?}");
            assert!(faults(&store).is_empty());
            let after = answers(&store, METRICS);
            for number in 0..METRICS as usize {
                let spans = &after[number].as_ref().unwrap().0;
                assert!(spans.iter().all(|spans| spans.starts.is_sorted_by(|a, b| a < b)), "{kind} {number}");
                if readable[number].is_some() {
                    assert_eq!(after[number], before[number], "{kind} {part} {number}");
                }
            }
            let lost = (0..METRICS as usize).filter(|number| after[*number] != before[*number]).count();
            assert!((1..METRICS as usize).contains(&lost) || kind == 0, "{kind} {part}: {lost} metrics");
            // Goes on.
            maintained(&store, Effort::Everything).unwrap();
            assert!(faults(&store).is_empty());
            assert_eq!(answers(&store, METRICS), after, "{kind} {part}");
        }
    }
}
