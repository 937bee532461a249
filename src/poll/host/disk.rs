//! Input and output of block devices: `/proc/diskstats`.
//!
//! Whole devices only, those that `/sys/block` lists; their partitions would count everything twice. So do device
//! mapper and RAID, which are devices of their own here: sum over physical ones only. The kernel makes some devices in
//! advance; those are left out until they are used. It counts times in 32 bits of milliseconds, they start again
//! after 49 days of work.

use std::collections::HashSet;
use std::fs;
use std::io;
use std::path::Path;

use procfs::DiskStat;
use serde_json::{Map, Value};

use super::report::{Column, Report, Roots, Unreadable, cumulative, whole};

pub(super) const COLUMNS: &[Column<DiskStat>] = &[
    cumulative("hardware.disk.read.bytes", "B", "bytes read", |row| whole(bytes(row.sectors_read))),
    cumulative("hardware.disk.read.requests", "request", "reads done", |row| whole(row.reads)),
    cumulative("hardware.disk.read.latency", "ns", "time that all reads took together", |row| {
        whole(nanoseconds(row.time_reading))
    }),
    cumulative("hardware.disk.write.bytes", "B", "bytes written", |row| whole(bytes(row.sectors_written))),
    cumulative("hardware.disk.write.requests", "request", "writes done", |row| whole(row.writes)),
    cumulative("hardware.disk.write.latency", "ns", "time that all writes took together", |row| {
        whole(nanoseconds(row.time_writing))
    }),
    cumulative("hardware.disk.busy.time", "ns", "time with at least one request under way", |row| {
        whole(nanoseconds(row.time_in_progress))
    }),
];

/// A sector of `/proc/diskstats`, whatever the device's own (kernel, Documentation/admin-guide/iostats.rst).
const SECTOR_BYTES: u64 = 512;

/// Names of devices that the kernel makes in advance, followed by a number.
const MADE_IN_ADVANCE: [&str; 4] = ["loop", "ram", "zram", "nbd"];

/// Reports each block device.
pub(super) fn poll(roots: &Roots, report: &mut Report<'_>) {
    let wanted = report.wanted(COLUMNS);
    if wanted.is_empty() {
        return;
    }
    let block = roots.sys.join("block");
    let whole_devices = match whole_devices(&block) {
        Ok(names) => names,
        Err(why) => return report.failed(&block.to_string_lossy(), &why),
    };
    let path = roots.proc.join("diskstats");
    for line in report.read(&path, |text| Ok(lines(text, &whole_devices))).unwrap_or_default() {
        match line {
            Ok(disk) => {
                let metadata = Map::from_iter([("device".to_owned(), Value::from(disk.name.as_str()))]);
                report.device(&wanted, &disk.name, metadata, &disk);
            }
            Err(why) => report.failed(&path.to_string_lossy(), &why),
        }
    }
}

/// The names in `/sys/block`, where a `/` of a name is written `!`.
fn whole_devices(block: &Path) -> io::Result<HashSet<String>> {
    fs::read_dir(block)?.map(|entry| Ok(entry?.file_name().to_string_lossy().replace('!', "/"))).collect()
}

/// The devices to report, each or why its line cannot be read.
fn lines(text: &str, whole_devices: &HashSet<String>) -> Vec<Result<DiskStat, Unreadable>> {
    text.lines()
        .filter(|line| line.split_whitespace().nth(2).is_none_or(|name| whole_devices.contains(name)))
        .map(|line| Ok(DiskStat::from_line(line)?))
        .filter(|disk| !disk.as_ref().is_ok_and(is_unused))
        .collect()
}

/// Whether a device was made in advance and never used.
fn is_unused(disk: &DiskStat) -> bool {
    let kind = disk.name.trim_end_matches(|character: char| character.is_ascii_digit());
    MADE_IN_ADVANCE.contains(&kind) && disk.reads == 0 && disk.writes == 0
}

fn bytes(sectors: u64) -> u64 {
    sectors.saturating_mul(SECTOR_BYTES)
}

fn nanoseconds(milliseconds: u64) -> u64 {
    milliseconds.saturating_mul(1_000_000)
}

#[cfg(test)]
mod tests {
    use super::super::report::capture::{recorded, volumes};
    use super::*;

    fn names(text: &str, whole_devices: &[&str]) -> Vec<String> {
        let whole_devices = whole_devices.iter().map(|&name| name.to_owned()).collect();
        lines(text, &whole_devices)
            .into_iter()
            .map(|disk| disk.map_or("?".to_owned(), |disk| disk.name))
            .collect()
    }

    #[test]
    fn sectors_become_bytes_and_milliseconds_nanoseconds() {
        let disk = DiskStat::from_line(
            "254 0 vda 87663 23790 8648674 65554 7518 42061 9766536 48120 0 14936 114433",
        );
        let volumes = volumes(COLUMNS, &disk.unwrap());
        // 8648674 × 512 and 9766536 × 512.
        assert_eq!(volumes["hardware.disk.read.bytes"], "4428121088");
        assert_eq!(volumes["hardware.disk.write.bytes"], "5000466432");
        assert_eq!(volumes["hardware.disk.read.requests"], "87663");
        assert_eq!(volumes["hardware.disk.write.requests"], "7518");
        assert_eq!(volumes["hardware.disk.read.latency"], "65554000000");
        assert_eq!(volumes["hardware.disk.write.latency"], "48120000000");
        assert_eq!(volumes["hardware.disk.busy.time"], "14936000000");
    }

    #[test]
    fn devices_made_in_advance_wait_for_their_first_use() {
        assert_eq!(names(&recorded("diskstats"), &["vda", "loop0", "loop1", "zram0"]), ["vda"]);
        let used = "7 0 loop0 1 0 8 0 0 0 0 0 0 0 0\n7 1 loop1 0 0 0 0 0 0 0 0 0 0 0\n8 0 sda 0 0 0 0 0 0 0 0 0 0 0\n";
        assert_eq!(names(used, &["loop0", "loop1", "sda"]), ["loop0", "sda"]);
    }

    #[test]
    fn partitions_are_left_out_and_an_odd_line_costs_only_itself() {
        let text = "8 0 sda 1 0 8 0 0 0 0 0 0 0 0\n8 1 sda1 1 0 8 0 0 0 0 0 0 0 0\n8 16 sdb x\nodd\n\
                    104 0 cciss/c0d0 1 0 8 0 0 0 0 0 0 0 0\n";
        assert_eq!(names(text, &["sda", "sdb", "cciss/c0d0"]), ["sda", "?", "?", "cciss/c0d0"]);
    }
}
