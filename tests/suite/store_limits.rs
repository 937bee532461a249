//! A store on a disk that is full, that cannot be written to, and that belongs to another.

use std::fs;
use std::io;
use std::path::Path;
use std::process::Command;

use telemetry::base::Failure;
use telemetry::model::Timestamp;
use telemetry::store::index::NewMetric;
use telemetry::store::measures::{Effort, MeasuresError};
use telemetry::store::{Store, StoreError};

use crate::run::{Directory, path, run, skipped, tool};
use crate::store_world::World;

/// A file system of a few megabytes, which goes with it.
struct SmallDisk {
    directory: Directory,
}

impl SmallDisk {
    /// None where only root may mount, and we are not.
    fn new(kib: u32) -> Option<SmallDisk> {
        let directory = Directory::new();
        let options = format!("size={kib}k");
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &options, "tmpfs"])
            .arg(directory.path())
            .output()
            .is_ok_and(|ended| ended.status.success());
        if !mounted {
            skipped("a full disk: a file system cannot be mounted here");
            return None;
        }
        Some(SmallDisk { directory })
    }

    fn path(&self) -> &Path {
        self.directory.path()
    }

    /// Takes all space but about `kib`.
    fn leave(&self, kib: u64) {
        let ballast = self.path().join("ballast");
        let _ = fs::remove_file(&ballast);
        let free = rustix::fs::statvfs(self.path()).unwrap();
        let bytes = (free.f_bavail * free.f_frsize).saturating_sub(kib * 1024);
        fs::write(&ballast, vec![1; bytes as usize]).unwrap();
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.path()).status();
    }
}

fn is_full(error: &StoreError) -> bool {
    match error {
        StoreError::Measures(MeasuresError::Io { source, .. }) => source.kind() == io::ErrorKind::StorageFull,
        StoreError::Measures(MeasuresError::Manifest(source)) => {
            source.sqlite_error_code() == Some(rusqlite::ErrorCode::DiskFull)
        }
        _ => false,
    }
}

/// Appends until the disk is full; how many points are there then.
fn fill(world: &World, store: &Store, from: u64, points: u64) -> u64 {
    let mut writer = store.writer().unwrap();
    let mut next = from;
    loop {
        let mut batch = (next..next + points).map(|at| world.point(0, at)).collect::<Vec<_>>();
        match writer.append(&mut batch).map_err(StoreError::from) {
            Ok(_) => next += points,
            Err(error) => {
                assert!(is_full(&error), "{error:?}");
                assert_eq!(batch.len() as u64, points);
                // It does not go better at once, and takes nothing with it.
                assert!(writer.append(&mut batch).is_err());
                return next;
            }
        }
    }
}

fn parts(folder: &Path) -> usize {
    let all = fs::read_dir(folder.join("segments")).unwrap().map(|entry| entry.unwrap().path());
    all.filter(|path| path.extension().is_some_and(|end| end == "part")).count()
}

#[test]
fn a_full_disk_refuses_appends_and_maintenance_and_loses_nothing() {
    let Some(disk) = SmallDisk::new(2048) else { return };
    let world = World::new(&disk.path().join("store"), 1, 50_000);
    let store = world.open();
    let mut next = 0;
    let (mut refused, mut done) = (0, 0);
    // Ever less is free: what is refused is refused at another step each time.
    for kib in [21u64, 18, 15, 12, 9, 6, 3, 0, 60, 100, 0, 200] {
        disk.leave(kib);
        next = fill(&world, &store, next, 1 + kib * 40);
        let all = |when: &str| {
            let found = world.points(&store).unwrap();
            assert!(found[0].iter().copied().eq(0..next), "{kib} KiB, {when}: {} of {next}", found[0].len());
            world.assert_sound(&store, when);
        };
        all("full");
        for free in (0..=64).step_by(4) {
            disk.leave(free);
            for effort in [Effort::Due, Effort::Everything] {
                match store.maintain(effort) {
                    Ok(_) => done += 1,
                    Err(error) => {
                        assert!(is_full(&error), "{error:?}");
                        refused += 1;
                        assert!(parts(&world.folder) == 0, "half a segment takes space");
                    }
                }
            }
        }
        all("maintained");
        let _ = fs::remove_file(disk.path().join("ballast"));
        store.maintain(Effort::Everything).unwrap();
        all("with space again");
        let mut writer = store.writer().unwrap();
        writer.append(&mut vec![world.point(0, next)]).unwrap();
        next += 1;
    }
    assert!(refused > 5 && done > 5, "{refused} maintenances were refused, {done} were not");
    assert_eq!(world.points(&world.open()).unwrap()[0].len() as u64, next);
}

#[test]
fn a_store_that_cannot_be_written_to_is_refused_and_left_as_it_is() {
    let Some(disk) = SmallDisk::new(2048) else { return };
    let world = World::new(&disk.path().join("store"), 1, 50_000);
    let store = world.open();
    let mut writer = store.writer().unwrap();
    writer.append(&mut vec![world.point(0, 0)]).unwrap();
    let remount = |how: &str| {
        let status = Command::new("mount").args(["-o", &format!("remount,{how}")]).arg(disk.path()).status();
        status.is_ok_and(|status| status.success())
    };
    // Files that are open for writing keep a file system from that.
    drop((writer, store));
    if !remount("ro") {
        return skipped("a store on a file system that is read only: it cannot be made so");
    }
    match Store::open(&world.folder) {
        Err(error) => {
            assert!(matches!(Failure::from(error), Failure::NotAllowed(_) | Failure::CannotCreate { .. }))
        }
        Ok(store) => {
            assert!(store.writer().is_err() && store.maintain(Effort::Everything).is_err());
            assert_eq!(world.points(&store).unwrap(), [[0]]);
        }
    }
    let folder = world.folder.to_str().unwrap();
    let ended = run(tool("aggregate", &["status", "--store", folder]), b"");
    assert!(matches!(ended.code(), Some(0 | 77)), "{ended:?}");
    assert!(remount("rw"));
    assert_eq!(world.points(&world.open()).unwrap(), [[0]]);
}

#[test]
fn the_store_of_another_is_read_and_not_written_to() {
    let directory = Directory::new();
    let world = World::new(&directory.path().join("store"), 1, 50_000);
    let nobody = |arguments: &[&str]| {
        let mut command = Command::new("setpriv");
        command
            .args(["--reuid=65534", "--regid=65534", "--clear-groups"])
            .arg(path("aggregate"))
            .args(arguments);
        command
    };
    let may = nobody(&["--version"]).output().is_ok_and(|ended| ended.status.success());
    if !may {
        return skipped("the store of another: this is not root, or the programs are not for all to run");
    }
    let folder = world.folder.to_str().unwrap();
    let sample = br#"{"name":"m","volume":1,"resource_id":"r","timestamp":"2026-11-22T10:00:00"}"#;
    let code = |command: &str| {
        let ended = run(nobody(&[command, "--store", folder]), sample);
        assert_eq!(ended.code() == Some(0), ended.stderr.is_empty(), "{command}: {ended:?}");
        ended.code()
    };
    for (command, expected) in [("status", 0), ("check", 0), ("ingest", 77), ("compact", 77)] {
        assert_eq!(code(command), Some(expected), "{command}");
    }
    {
        // While its owner has it open, what the owner has just changed is seen, or nothing is.
        let store = world.open();
        let new = NewMetric { archive_policy: Some("second".to_owned()), ..NewMetric::default() };
        store.index().create_metric(&new, Timestamp::from_ns(0)).unwrap();
        let ended = run(nobody(&["status", "--store", folder]), sample);
        let seen = ended.code() == Some(0) && ended.text().contains("\"metrics\":2");
        assert!(seen || ended.code() == Some(77), "{ended:?}");
        assert_eq!(code("ingest"), Some(77));
    }
    // The index may be written, the journal may not.
    for name in ["", "index.sqlite", "index.sqlite-wal", "index.sqlite-shm"] {
        let of = if name.is_empty() { world.folder.clone() } else { world.folder.join(name) };
        let _ = std::os::unix::fs::chown(of, Some(65534), Some(65534));
    }
    let ended = run(nobody(&["ingest", "--store", folder, "--echo", "--archive-policy", "second"]), sample);
    assert_eq!((ended.code(), ended.text()), (Some(77), ""), "{ended:?}");
    assert!(world.points(&world.open()).unwrap()[0].is_empty());
}
