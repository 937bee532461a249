//! How full the file systems are: statvfs(3) on the mounts in `/proc/self/mountinfo`.
//!
//! Asking a server or a daemon that has died hangs for ever, so only file systems on a block device of this host are
//! asked, and ZFS; never network or cluster file systems nor FUSE, and no mount that another one hides, because its
//! path leads into that other one. Images (squashfs, ISO 9660) are full by nature and left out. Each file system is
//! reported once however often it is mounted. An overlay tells of the file system below, so it counts only as the
//! root of a container, where it is all there is to see.

use std::collections::HashSet;

use procfs::process::MountInfo;
use rustix::fs::StatVfs;
use serde_json::{Map, Value};

use super::report::{Column, Report, Roots, gauge, whole};

pub(super) const COLUMNS: &[Column<StatVfs>] = &[
    gauge("hardware.disk.size.total", "KB", "size of the file system", |row| {
        whole(kilobytes(row.f_blocks, row.f_frsize))
    }),
    gauge("hardware.disk.size.used", "KB", "space in use", |row| {
        whole(kilobytes(row.f_blocks.saturating_sub(row.f_bfree), row.f_frsize))
    }),
    gauge("hardware.disk.size.avail", "KB", "space left to users without privilege", |row| {
        whole(kilobytes(row.f_bavail, row.f_frsize))
    }),
    gauge("hardware.disk.inodes.total", "inode", "inodes, where their number is fixed", |row| {
        (row.f_files > 0).then(|| row.f_files.into())
    }),
    gauge("hardware.disk.inodes.used", "inode", "inodes in use, where their number is fixed", |row| {
        (row.f_files > 0).then(|| row.f_files.saturating_sub(row.f_ffree).into())
    }),
];

/// Kinds that can have a source in `/dev` and still are not asked: they may hang, live in memory, or are images.
const NOT_ASKED: [&str; 18] = [
    "9p",
    "autofs",
    "ceph",
    "cifs",
    "gfs2",
    "nfs",
    "nfs4",
    "ocfs2",
    "smb3",
    "virtiofs", // servers, clusters
    "devtmpfs",
    "hugetlbfs",
    "ramfs",
    "tmpfs", // memory
    "cramfs",
    "erofs",
    "iso9660",
    "squashfs", // images
];

/// A mount that is asked.
#[derive(Debug, PartialEq, Eq)]
struct Mount {
    /// What is mounted: `/dev/vda1`, or `tank/home` with ZFS; of an overlay, the mount point.
    device: String,
    point: String,
    kind: String,
}

/// Reports each local file system.
pub(super) fn poll(roots: &Roots, report: &mut Report<'_>) {
    let wanted = report.wanted(COLUMNS);
    if wanted.is_empty() {
        return;
    }
    let mounts = report.read(&roots.proc.join("self/mountinfo"), |text| Ok(local_mounts(text)));
    for Mount { device, point, kind } in mounts.unwrap_or_default() {
        match rustix::fs::statvfs(point.as_str()) {
            Ok(space) => {
                let details = [("device", device.clone()), ("path", point), ("fstype", kind)];
                let metadata = details.map(|(key, value)| (key.to_owned(), Value::from(value)));
                report.device(&wanted, &device, Map::from_iter(metadata), &space);
            }
            Err(why) => report.failed(&point, &why),
        }
    }
}

/// The mounts of local file systems that can be reached, the first of each. Lines that cannot be read are passed over.
fn local_mounts(text: &str) -> Vec<Mount> {
    let all: Vec<MountInfo> = text.lines().filter_map(|line| MountInfo::from_line(line).ok()).collect();
    let mut seen = HashSet::new();
    all.iter()
        .filter_map(|info| Some((info, asked(info)?)))
        .filter(|(info, _)| is_reached(info, &all))
        .map(|(_, mount)| mount)
        .filter(|mount| seen.insert(mount.device.clone()))
        .collect()
}

/// The mount, if its kind is asked.
fn asked(info: &MountInfo) -> Option<Mount> {
    let (kind, point) = (info.fs_type.as_str(), unescaped(&info.mount_point.to_string_lossy()));
    if kind.starts_with("fuse") || NOT_ASKED.contains(&kind) {
        return None;
    }
    let device = match info.mount_source.as_deref() {
        _ if kind == "overlay" => (point == "/").then(|| point.clone())?,
        Some(source) if source.starts_with("/dev/") || kind == "zfs" => unescaped(source),
        _ => return None,
    };
    Some(Mount { device, point, kind: kind.to_owned() })
}

/// Whether the path of a mount leads to it, and not into another mount over it or over a directory above.
fn is_reached(info: &MountInfo, all: &[MountInfo]) -> bool {
    let mounted_on =
        |parent: i32| all.iter().filter(move |mount| mount.pid == parent && mount.mnt_id != parent);
    if mounted_on(info.mnt_id).any(|over| over.mount_point == info.mount_point) {
        return false;
    }
    let mut inner = info;
    // A mount has fewer ancestors than there are mounts: contents that run in a circle end here, too.
    for _ in all {
        let (point, mut beside) = (&inner.mount_point, mounted_on(inner.pid));
        if beside.any(|other| other.mount_point != *point && point.starts_with(&other.mount_point)) {
            return false;
        }
        match all.iter().find(|outer| outer.mnt_id == inner.pid) {
            Some(outer) => inner = outer,
            None => break,
        }
    }
    true
}

/// A name of mountinfo without its escapes: `\040` for a space, and so on (three octal digits).
fn unescaped(name: &str) -> String {
    let (mut bytes, mut rest) = (Vec::with_capacity(name.len()), name.as_bytes());
    while let [first, after @ ..] = rest {
        if let [b'\\', high @ b'0'..=b'3', middle @ b'0'..=b'7', low @ b'0'..=b'7', behind @ ..] = rest {
            bytes.push((high - b'0') << 6 | (middle - b'0') << 3 | (low - b'0'));
            rest = behind;
        } else {
            bytes.push(*first);
            rest = after;
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Blocks as KB of 1024 bytes, rounded down.
fn kilobytes(blocks: u64, block_bytes: u64) -> u64 {
    u64::try_from(u128::from(blocks) * u128::from(block_bytes) / 1024).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::super::report::capture::{recorded, volumes};
    use super::*;

    fn points(text: &str) -> Vec<String> {
        local_mounts(text).into_iter().map(|mount| mount.point).collect()
    }

    #[test]
    fn of_a_recorded_machine_only_the_root_is_asked() {
        let root = Mount { device: "/dev/vda".to_owned(), point: "/".to_owned(), kind: "ext4".to_owned() };
        assert_eq!(local_mounts(&recorded("self/mountinfo")), [root]);
    }

    #[test]
    fn what_may_hang_or_is_always_full_is_not_asked() {
        let text = "\
            20 1 8:1 / / rw - ext4 /dev/sda1 rw\n\
            21 20 0:41 / /home rw shared:3 - nfs4 server:/home rw\n\
            22 20 0:42 / /share rw - cifs //server/share rw\n\
            23 20 8:2 / /ntfs rw - fuseblk /dev/sda2 rw\n\
            24 20 7:0 / /snap/core ro - squashfs /dev/loop0 ro\n\
            25 20 0:43 / /cluster rw - gfs2 /dev/dm-3 rw\n\
            26 20 0:44 / /var/lib/docker/overlay2/1/merged rw - overlay overlay rw\n\
            27 20 0:45 / /tank rw - zfs tank/home rw\n\
            28 20 0:46 / /none rw - tmpfs none rw\n\
            odd\n29 20 8:3 / /odd\n";
        assert_eq!(points(text), ["/", "/tank"]);
        assert_eq!(points("30 1 0:50 / / rw - overlay overlay rw\n"), ["/"]);
    }

    #[test]
    fn a_file_system_mounted_twice_is_asked_once() {
        let text = "20 1 8:1 / / rw - ext4 /dev/sda1 rw\n21 20 8:1 /srv /chroot rw - ext4 /dev/sda1 rw\n";
        assert_eq!(points(text), ["/"]);
    }

    #[test]
    fn a_mount_that_another_one_hides_is_not_asked() {
        // /data lies under NFS, /a/b under what was mounted over /a later, /ab beside it.
        let text = "\
            20 1 8:1 / / rw - ext4 /dev/sda1 rw\n\
            21 20 8:2 / /data rw - ext4 /dev/sda2 rw\n\
            22 21 0:41 / /data rw - nfs4 server:/data rw\n\
            23 20 8:3 / /a/b rw - ext4 /dev/sda3 rw\n\
            24 23 8:4 / /a/b/c rw - ext4 /dev/sda4 rw\n\
            25 20 0:42 / /a rw - nfs4 server:/a rw\n\
            26 20 8:5 / /ab rw - ext4 /dev/sda5 rw\n";
        assert_eq!(points(text), ["/", "/ab"]);
    }

    #[test]
    fn mounts_that_run_in_a_circle_end() {
        let text = "20 21 8:1 / /a rw - ext4 /dev/sda1 rw\n21 20 8:2 / /b rw - ext4 /dev/sda2 rw\n\
                    22 22 8:3 / /c rw - ext4 /dev/sda3 rw\n";
        assert_eq!(points(text), ["/a", "/b", "/c"]);
    }

    #[test]
    fn names_lose_their_escapes() {
        assert_eq!(unescaped(r"/my\040disk\134\0x\477"), r"/my disk\\0x\477");
        assert_eq!(unescaped(r"/\303\274"), "/ü");
        assert_eq!(unescaped("\\04"), "\\04");
    }

    #[test]
    fn sizes_are_kilobytes_and_inodes_only_where_they_are_fixed() {
        let mut space = rustix::fs::statvfs("/").unwrap();
        (space.f_frsize, space.f_blocks, space.f_bfree, space.f_bavail) = (4096, 1000, 400, 350);
        (space.f_files, space.f_ffree) = (64, 60);
        let of = |space: &StatVfs| volumes(COLUMNS, space).into_values().collect::<Vec<_>>();
        // By name: inodes total and used, size available, total and used.
        assert_eq!(of(&space), ["64", "4", "1400", "4000", "2400"]);
        (space.f_files, space.f_ffree) = (0, 0);
        assert_eq!(of(&space), ["1400", "4000", "2400"]);
        assert_eq!(kilobytes(u64::MAX, u64::MAX), u64::MAX);
    }
}
