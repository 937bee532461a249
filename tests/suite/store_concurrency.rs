//! Many who write, read and maintain one store at once: it says what one would have made of it, and nobody sees a point go.
//!
//! Each has opened the store for itself, as processes do: locks are those of files, and nothing is shared but the folder.
//! `STORE_SECONDS` says how long they are at it [2].

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use telemetry::store::measures::Effort;

use crate::run::{Directory, Random};
use crate::store_world::World;

const WRITERS: usize = 3;

#[test]
fn appends_of_several_in_turn_make_the_store_that_one_would_make() {
    let directory = Directory::new();
    let (one, several) = (directory.path().join("one"), directory.path().join("several"));
    let (one, several) = (World::new(&one, 4, 1 << 40), World::new(&several, 4, 1500));
    let mut random = Random::new(11);
    let single = one.open();
    let mut writer = single.writer().unwrap();
    let stores: Vec<_> = (0..WRITERS + 1).map(|_| several.open()).collect();
    let mut writers: Vec<_> = stores.iter().map(|store| store.writer().unwrap()).collect();
    for round in 0..150u64 {
        // Times that go on, with steps back behind the window, repeats, and other values for the same time.
        let points = 1 + random.below(12);
        let mut batch: Vec<_> = (0..points)
            .map(|_| {
                let mut arrival =
                    several.point(random.below(4), (round * 7 + random.below(120) as u64).saturating_sub(60));
                arrival.point.value = random.below(1000) as f64;
                arrival
            })
            .collect();
        batch.sort_by_key(|arrival| arrival.point.timestamp);
        writer.append(&mut batch.clone()).unwrap();
        let who = random.below(WRITERS);
        writers[who].append(&mut batch).unwrap();
        match random.below(12) {
            0 => drop(stores[who].maintain(Effort::Everything).unwrap()),
            1 | 2 => drop(stores[WRITERS].maintain(Effort::Due).unwrap()),
            // Comes anew, as a process does.
            3 => writers[who] = stores[who].writer().unwrap(),
            _ => {}
        }
        if round % 10 == 9 {
            let found = several.everything(&stores[random.below(WRITERS)]).unwrap();
            assert_eq!(found, one.everything(&single).unwrap(), "round {round}");
        }
    }
    single.maintain(Effort::Anew).unwrap();
    assert_eq!(several.everything(&stores[0]).unwrap(), one.everything(&single).unwrap());
    several.assert_sound(&stores[1], "at the end");
}

#[test]
fn nobody_sees_a_point_go_nor_misses_one_that_was_acknowledged() {
    let seconds = std::env::var("STORE_SECONDS").map_or(2, |text| text.parse().unwrap());
    let directory = Directory::new();
    let world = World::new(&directory.path().join("store"), WRITERS, 20_000);
    let end = Instant::now() + Duration::from_secs(seconds);
    let acknowledged: [AtomicU64; WRITERS] = Default::default();
    let written = AtomicBool::new(false);
    let going = || Instant::now() < end;
    let (reads, checks, maintained) = (AtomicU64::new(0), AtomicU64::new(0), AtomicU64::new(0));
    thread::scope(|scope| {
        let (world, acknowledged) = (&world, &acknowledged);
        let writers: Vec<_> = (0..WRITERS)
            .map(|number| {
                scope.spawn(move || {
                    let mut random = Random::new(number as u64 + 1);
                    let store = world.open();
                    let mut writer = store.writer().unwrap();
                    let mut next = 0;
                    while going() {
                        // A frame of many pages is seen half written.
                        let points = if random.below(20) == 0 { 3000 } else { 1 + random.below(200) as u64 };
                        let mut batch = (next..next + points).map(|at| world.point(number, at)).collect();
                        let appended = writer.append(&mut batch).unwrap();
                        assert!(appended.found.is_empty(), "{appended:?}");
                        next += points;
                        acknowledged[number].store(next, Ordering::SeqCst);
                        if random.below(50) == 0 {
                            writer = store.writer().unwrap();
                        }
                    }
                })
            })
            .collect();
        let written = &written;
        let (reads, checks, maintained) = (&reads, &checks, &maintained);
        for reader in 0..2 {
            scope.spawn(move || {
                let mut store = world.open();
                let mut before = [0; WRITERS];
                while !written.load(Ordering::SeqCst) {
                    // One keeps what it has opened, the other comes anew.
                    if reader == 1 {
                        store = world.open();
                    }
                    let least: Vec<u64> =
                        acknowledged.iter().map(|points| points.load(Ordering::SeqCst)).collect();
                    for (number, points) in world.points(&store).unwrap().into_iter().enumerate() {
                        let count = points.len() as u64;
                        assert!(points.iter().zip(0..).all(|(point, at)| *point == at), "a gap in {number}");
                        assert!(count >= least[number], "{count} points of {} in {number}", least[number]);
                        assert!(count >= before[number], "a point of {number} went");
                        before[number] = count;
                    }
                    reads.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        scope.spawn(move || {
            let store = world.open();
            while !written.load(Ordering::SeqCst) {
                world.assert_sound(&store, "while all are at it");
                checks.fetch_add(1, Ordering::Relaxed);
            }
        });
        for keeper in 0..2u64 {
            scope.spawn(move || {
                let mut random = Random::new(keeper + 9);
                let store = world.open();
                while !written.load(Ordering::SeqCst) {
                    let efforts = [
                        Effort::Due,
                        Effort::Due,
                        Effort::Due,
                        Effort::Due,
                        Effort::Everything,
                        Effort::Anew,
                    ];
                    let done = store.maintain(efforts[random.below(efforts.len())]).unwrap();
                    maintained.fetch_add(u64::from(done.is_some()), Ordering::Relaxed);
                    thread::sleep(Duration::from_millis(random.below(10) as u64));
                }
            });
        }
        writers.into_iter().for_each(|writer| writer.join().unwrap());
        written.store(true, Ordering::SeqCst);
    });
    let store = world.open();
    let found: Vec<u64> = world.points(&store).unwrap().iter().map(|points| points.len() as u64).collect();
    let sent: Vec<u64> = acknowledged.iter().map(|points| points.load(Ordering::SeqCst)).collect();
    assert_eq!(found, sent);
    world.assert_sound(&store, "at the end");
    let done = [&reads, &checks, &maintained].map(|count| count.load(Ordering::Relaxed));
    assert!(done.iter().all(|count| *count > 0), "{done:?}");
    eprintln!("points {found:?}, reads, checks and maintenances {done:?}");
}
