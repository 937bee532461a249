//! What becomes of a store whose files were cut or changed, at every byte.

use std::fs;
use std::path::{Path, PathBuf};

use super::testing::{Store, arrival, open, policy};
use super::{Activity, Arrival, Checked, Effort, Measures, MeasuresError, Policies, Selection, Wanted};
use crate::series::Spans;
use crate::store::MetricNumber;

const METRICS: u32 = 3;
/// Short journals, so that each append is cut when maintenance comes by.
const JOURNAL_BYTES: u64 = 30;

fn policies() -> Policies {
    let mut policies = Policies::default();
    policies.define(1, policy(0, &[(1, 0), (60, 0)], &["mean", "sum", "count", "std"]));
    policies.define(2, policy(1, &[(10, 0)], &["last", "rate:mean"]));
    (0..METRICS).for_each(|number| policies.set(MetricNumber(number), number % 2 + 1));
    policies
}

/// Eleven points of each metric, times going on from `from` seconds.
fn batch(from: u32) -> Vec<Arrival> {
    let of =
        |metric: u32, at: u32| arrival(metric, f64::from(from + at * 7), f64::from(at * at + metric) / 4.0);
    (0..METRICS).flat_map(|metric| (0..11).map(move |at| of(metric, at))).collect()
}

/// A store with windows, spans, arrivals and a journal of two frames.
fn store() -> Store {
    let store = Store::new(policies(), JOURNAL_BYTES);
    store.append(&batch(1000));
    store.maintain(Effort::Everything);
    store.append(&batch(1100));
    store.maintain(Effort::Due);
    store.append(&batch(1200));
    store.append(&batch(1300));
    store
}

type Answer = Vec<(Vec<Spans>, Activity)>;

/// All that a store says, and what it found damaged on the way.
fn answer(measures: &Measures, connection: &rusqlite::Connection) -> Result<(Answer, usize), MeasuresError> {
    let policies = policies();
    let (mut said, mut damaged) = (Vec::new(), 0);
    for number in 0..METRICS {
        let metric = MetricNumber(number);
        let Some(policy) = policies.of(metric) else { continue };
        let selection = Selection { methods: policy.methods().to_vec(), ..Selection::default() };
        let wanted = [Wanted { metric, policy }];
        let mut snapshot = measures.snapshot(connection)?;
        let (mut spans, mut activity) = (Vec::new(), Activity::default());
        snapshot.read(&wanted, &selection, |_, found| spans = found)?;
        snapshot.activity(&wanted, |_, found| activity = found)?;
        damaged += snapshot.damage().len();
        said.push((spans, activity));
    }
    Ok((said, damaged))
}

/// As [`answer`], of the folder as it is now.
fn answer_of(folder: &Path) -> Result<(Answer, usize), MeasuresError> {
    let (connection, measures) = open(folder, JOURNAL_BYTES);
    answer(&measures, &connection)
}

fn check_of(folder: &Path) -> Checked {
    let (connection, measures) = open(folder, JOURNAL_BYTES);
    measures.check(&connection, &policies()).unwrap()
}

fn taken(answer: &Answer) -> u64 {
    answer.iter().map(|(_, activity)| activity.taken).sum()
}

fn files(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let all = ["journal", "segments"].iter().flat_map(|name| fs::read_dir(folder.join(name)).unwrap());
    let mut all: Vec<PathBuf> = all.map(|entry| entry.unwrap().path()).collect();
    all.retain(|path| path.extension().is_some_and(|found| found == ending));
    all.sort();
    all
}

#[test]
fn a_journal_cut_at_any_byte_keeps_the_appends_before_the_cut_and_takes_others() {
    let store = store();
    let path = files(&store.folder, "journal").pop().unwrap();
    let whole = fs::read(&path).unwrap();
    let (all, _) = answer_of(&store.folder).unwrap();
    let frame = (whole.len() - 20) / 2;
    for length in 0..=whole.len() {
        fs::write(&path, &whole[..length]).unwrap();
        let frames = (length.saturating_sub(20) / frame) as u64;
        let (found, damaged) = answer_of(&store.folder).unwrap();
        assert_eq!((taken(&found), damaged), (taken(&all) - 33 * (2 - frames), 0), "cut at {length}");
        assert!(check_of(&store.folder).faults.is_empty(), "cut at {length}");
        let (connection, measures) = open(&store.folder, JOURNAL_BYTES);
        measures.writer(&connection).unwrap().append(&mut batch(1400)).unwrap();
        let (found, _) = answer_of(&store.folder).unwrap();
        assert_eq!(taken(&found), taken(&all) - 33 * (2 - frames) + 33, "cut at {length}");
        let checked = check_of(&store.folder);
        assert!(checked.faults.is_empty() && checked.notes.is_empty(), "cut at {length}: {checked:?}");
    }
}

#[test]
fn a_changed_byte_is_never_taken_for_what_was_written_and_a_repair_keeps_the_rest() {
    let store = store();
    let (all, _) = answer_of(&store.folder).unwrap();
    let journal = files(&store.folder, "journal").pop().unwrap();
    let last_frame = (fs::read(&journal).unwrap().len() - 20) / 2 + 20;
    let mut changes = 0;
    for path in [files(&store.folder, "segment"), vec![journal.clone()]].concat() {
        let whole = fs::read(&path).unwrap();
        for at in 0..whole.len() {
            for change in if at % 8 == 0 { &[0x10u8, 0xff][..] } else { &[0x10] } {
                let mut changed = whole.clone();
                changed[at] ^= *change;
                fs::write(&path, &changed).unwrap();
                changes += 1;
                let place = format!("byte {at} of {} by {change:x}", path.display());
                let found = answer_of(&store.folder);
                let checked = check_of(&store.folder);
                if path == journal && at >= last_frame {
                    // As if its writer had died in it: nobody can tell, and it is said.
                    let (found, damaged) = found.unwrap();
                    assert_eq!((taken(&found), damaged), (taken(&all) - 33, 0), "{place}");
                    assert_eq!((checked.faults.len(), checked.notes.len()), (0, 1), "{place}");
                    continue;
                }
                if let Ok((found, 0)) = &found {
                    // What is not looked at for an answer may be damaged all the same.
                    assert_eq!(found, &all, "{place}");
                }
                let fault = checked.faults.first().unwrap_or_else(|| panic!("{place} is not noticed"));
                assert!(fault.to_string().contains(path.file_name().unwrap().to_str().unwrap()), "{fault}");
                // One in some: each works on a copy.
                if changes % 41 == 0 {
                    repairs(&store.folder, &all, &place);
                }
            }
        }
        fs::write(&path, &whole).unwrap();
    }
    assert_eq!(answer_of(&store.folder).unwrap(), (all, 0));
    assert!(check_of(&store.folder).faults.is_empty());
}

/// A repair of a copy: sound behind it, no more than one part lost, and the damaged file is kept.
fn repairs(folder: &Path, all: &Answer, place: &str) {
    let copy = Store::new(policies(), JOURNAL_BYTES);
    fs::copy(folder.join("index.sqlite"), copy.folder.join("index.sqlite")).unwrap();
    for ending in ["journal", "segment"] {
        for path in files(&copy.folder, ending) {
            fs::remove_file(path).unwrap();
        }
        for path in files(folder, ending) {
            fs::copy(&path, copy.folder.join(path.strip_prefix(folder).unwrap())).unwrap();
        }
    }
    let (connection, measures) = open(&copy.folder, JOURNAL_BYTES);
    let repaired = measures.repair(&connection, &policies()).unwrap();
    assert_eq!(repaired.len(), 1, "{place}: {repaired:?}");
    assert!(repaired[0].aside.as_ref().is_some_and(|aside| aside.exists()), "{place}: {repaired:?}");
    let (found, damaged) = answer(&measures, &connection).unwrap();
    assert_eq!(damaged, 0, "{place}");
    assert!(taken(&found) <= taken(all), "{place}");
    let checked = measures.check(&connection, &policies()).unwrap();
    assert_eq!((checked.faults.len(), checked.notes.len()), (0, 1), "{place}: {checked:?}");
    // And it goes on.
    measures.writer(&connection).unwrap().append(&mut batch(1500)).unwrap();
    measures.maintain(&connection, Effort::Everything, || Ok::<_, MeasuresError>(policies())).unwrap();
    assert!(taken(&answer(&measures, &connection).unwrap().0) > taken(&found), "{place}");
}

#[test]
fn a_damaged_journal_is_read_around_and_left_alone_until_it_is_repaired() {
    let store = store();
    let (all, _) = answer_of(&store.folder).unwrap();
    let path = files(&store.folder, "journal").pop().unwrap();
    let mut bytes = fs::read(&path).unwrap();
    bytes[60] ^= 1;
    fs::write(&path, &bytes).unwrap();
    let (found, damaged) = answer_of(&store.folder).unwrap();
    assert_eq!((taken(&found), damaged > 0), (taken(&all) - 33, true));
    // A writer goes on in a new journal, and says why.
    let mut writer = store.measures.writer(&store.connection).unwrap();
    let appended = writer.append(&mut batch(1400)).unwrap();
    assert_eq!(appended.found.len(), 1, "{appended:?}");
    assert_eq!(taken(&answer_of(&store.folder).unwrap().0), taken(&all));
    // Maintenance refuses to lose it.
    let policies = || Ok::<_, MeasuresError>(policies());
    let refused = store.measures.maintain(&store.connection, Effort::Everything, policies);
    assert!(matches!(refused, Err(MeasuresError::Damaged { .. })), "{refused:?}");
    assert_eq!(store.measures.repair(&store.connection, &store.policies).unwrap().len(), 1);
    store.maintain(Effort::Everything);
    assert_eq!(taken(&answer_of(&store.folder).unwrap().0), taken(&all));
    // The writer that had it open follows.
    writer.append(&mut batch(1500)).unwrap();
    assert_eq!(taken(&answer_of(&store.folder).unwrap().0), taken(&all) + 33);
}

#[test]
fn a_missing_segment_is_named_and_what_maintenances_left_is_removed() {
    let store = store();
    let litter =
        [store.folder.join("segments/0000009999.segment"), store.folder.join("segments/0000000001.part")];
    litter.iter().for_each(|path| fs::write(path, b"x").unwrap());
    store.maintain(Effort::Everything);
    assert!(litter.iter().all(|path| !path.exists()));
    let gone = files(&store.folder, "segment").remove(0);
    fs::remove_file(&gone).unwrap();
    let found = answer_of(&store.folder);
    assert!(found.is_err(), "{found:?}");
    assert!(
        check_of(&store.folder).faults[0].to_string().contains(gone.file_name().unwrap().to_str().unwrap())
    );
    assert_eq!(store.measures.repair(&store.connection, &store.policies).unwrap()[0].aside, None);
    assert!(check_of(&store.folder).faults.is_empty());
    answer_of(&store.folder).unwrap();
}

#[test]
fn zeros_behind_the_last_frame_are_cut_off_as_a_power_failure_leaves_them() {
    let store = store();
    let (all, _) = answer_of(&store.folder).unwrap();
    let path = files(&store.folder, "journal").pop().unwrap();
    let mut bytes = fs::read(&path).unwrap();
    bytes.extend([0; 5000]);
    fs::write(&path, &bytes).unwrap();
    assert_eq!(taken(&answer_of(&store.folder).unwrap().0), taken(&all));
    store.append(&batch(1400));
    assert_eq!(taken(&answer_of(&store.folder).unwrap().0), taken(&all) + 33);
    assert!(check_of(&store.folder).notes.is_empty());
}
