//! Network: `/proc/net/dev` by interface, and IPv4 of the whole host in `/proc/net/snmp`.
//!
//! What an interface is (its `mac`, its `speed` in bytes per second, as Ceilometer had it) is told by `/sys/class/net`
//! where that is readable; the `mac` is written with colons. Its address, which Ceilometer added as `ip`, is not told:
//! an interface has many.

use std::fs;
use std::path::Path;

use procfs::net::{DeviceStatus, InterfaceDeviceStatus};
use procfs::prelude::*;
use serde_json::{Map, Value};

use super::report::{Column, Report, Roots, Unreadable, cumulative, whole};

pub(super) const INTERFACE_COLUMNS: &[Column<DeviceStatus>] = &[
    cumulative("hardware.network.incoming.bytes", "B", "bytes received", |row| whole(row.recv_bytes)),
    cumulative("hardware.network.incoming.packets", "packet", "packets received", |row| {
        whole(row.recv_packets)
    }),
    cumulative("hardware.network.incoming.errors", "packet", "packets received broken", |row| {
        whole(row.recv_errs)
    }),
    cumulative("hardware.network.incoming.drop", "packet", "packets received and dropped", |row| {
        whole(row.recv_drop)
    }),
    cumulative("hardware.network.outgoing.bytes", "B", "bytes sent", |row| whole(row.sent_bytes)),
    cumulative("hardware.network.outgoing.packets", "packet", "packets sent", |row| whole(row.sent_packets)),
    cumulative("hardware.network.outgoing.errors", "packet", "packets that could not be sent", |row| {
        whole(row.sent_errs)
    }),
    cumulative("hardware.network.outgoing.drop", "packet", "packets dropped before they were sent", |row| {
        whole(row.sent_drop)
    }),
];

pub(super) const IP_COLUMNS: &[Column<Datagrams>] = &[
    cumulative("hardware.network.ip.incoming.datagrams", "datagrams", "IPv4 datagrams received", |row| {
        whole(row.incoming?)
    }),
    cumulative("hardware.network.ip.outgoing.datagrams", "datagrams", "IPv4 datagrams sent", |row| {
        whole(row.outgoing?)
    }),
];

/// IPv4 datagrams of the whole host: SNMP's `ipInReceives` and `ipOutRequests`.
pub(super) struct Datagrams {
    incoming: Option<u64>,
    outgoing: Option<u64>,
}

/// Reports each interface, and IPv4.
pub(super) fn poll(roots: &Roots, report: &mut Report<'_>) {
    let wanted = report.wanted(INTERFACE_COLUMNS);
    if !wanted.is_empty() {
        for interface in report.read(&roots.proc.join("net/dev"), interfaces).unwrap_or_default() {
            let metadata = metadata(&interface.name, &roots.sys.join("class/net").join(&interface.name));
            report.device(&wanted, &interface.name, metadata, &interface);
        }
    }
    let wanted = report.wanted(IP_COLUMNS);
    if !wanted.is_empty()
        && let Some(row) = report.read(&roots.proc.join("net/snmp"), datagrams)
    {
        report.host(&wanted, &row);
    }
}

/// The interfaces, by name.
fn interfaces(text: &str) -> Result<Vec<DeviceStatus>, Unreadable> {
    let mut interfaces: Vec<_> = InterfaceDeviceStatus::from_read(text.as_bytes())?.0.into_values().collect();
    interfaces.sort_by(|left, right| left.name.cmp(&right.name));
    Ok(interfaces)
}

/// What an interface is, as far as the files in `directory` tell; a `speed` is refused while there is no link.
fn metadata(name: &str, directory: &Path) -> Map<String, Value> {
    let mut metadata = Map::from_iter([("name".to_owned(), Value::from(name))]);
    let line = |file| fs::read_to_string(directory.join(file)).ok().map(|text| text.trim_end().to_owned());
    if let Some(mac) = line("address").filter(|mac| !mac.is_empty()) {
        metadata.insert("mac".to_owned(), mac.into());
    }
    if let Some(speed) = line("speed").as_deref().and_then(bytes_per_second) {
        metadata.insert("speed".to_owned(), speed.into());
    }
    metadata
}

/// A speed, which the kernel tells in megabits per second, and as -1 or 2³² - 1 where it knows none.
fn bytes_per_second(megabits: &str) -> Option<u64> {
    let megabits = megabits.parse::<u32>().ok().filter(|&speed| speed != u32::MAX)?;
    Some(u64::from(megabits) * 125_000)
}

/// The two lines `Ip:` of `/proc/net/snmp`, names and values.
///
/// A parser of our own: that of `procfs` 0.18 asks for every protocol's lines, and not every kernel has UDP-Lite.
fn datagrams(text: &str) -> Result<Datagrams, Unreadable> {
    let mut lines = text.lines().filter_map(|line| line.strip_prefix("Ip:"));
    let (Some(names), Some(values)) = (lines.next(), lines.next()) else {
        return Err(Unreadable::Odd("no two lines Ip:".to_owned()));
    };
    let value = |wanted| {
        let mut pairs = names.split_whitespace().zip(values.split_whitespace());
        pairs.find(|&(name, _)| name == wanted).and_then(|(_, value)| value.parse().ok())
    };
    Ok(Datagrams { incoming: value("InReceives"), outgoing: value("OutRequests") })
}

#[cfg(test)]
mod tests {
    use super::super::report::capture::{recorded, volumes};
    use super::*;

    #[test]
    fn interfaces_come_by_name_with_every_counter_in_its_place() {
        let text = "Inter-|   Receive\n face |bytes\n\
                    eth0: 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16\n  br0:0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0\n";
        assert!(interfaces(text).is_err(), "a counter sticks to the colon");
        let interfaces = interfaces(&text.replace("br0:0", "br0: 0")).unwrap();
        assert_eq!(interfaces.iter().map(|one| one.name.as_str()).collect::<Vec<_>>(), ["br0", "eth0"]);
        let volumes = volumes(INTERFACE_COLUMNS, &interfaces[1]);
        let of = |name: &str| volumes[format!("hardware.network.{name}").as_str()].as_str();
        assert_eq!([of("incoming.bytes"), of("incoming.packets")], ["1", "2"]);
        assert_eq!([of("incoming.errors"), of("incoming.drop")], ["3", "4"]);
        assert_eq!([of("outgoing.bytes"), of("outgoing.packets")], ["9", "10"]);
        assert_eq!([of("outgoing.errors"), of("outgoing.drop")], ["11", "12"]);
    }

    #[test]
    fn recorded_files_are_read_whole() {
        let interfaces = interfaces(&recorded("net/dev")).unwrap();
        let names: Vec<&str> = interfaces.iter().map(|one| one.name.as_str()).collect();
        assert_eq!(names, ["eth0", "ifb0", "ifb1", "lo", "tap00000001-0", "tap00000002-0", "tlbr0"]);
        let eth0 = volumes(INTERFACE_COLUMNS, &interfaces[0]);
        assert_eq!(eth0["hardware.network.incoming.bytes"], "272151599");
        assert_eq!(eth0["hardware.network.outgoing.packets"], "6309");
        let ip = volumes(IP_COLUMNS, &datagrams(&recorded("net/snmp")).unwrap());
        assert_eq!(ip["hardware.network.ip.incoming.datagrams"], "11002");
        assert_eq!(ip["hardware.network.ip.outgoing.datagrams"], "7400");
    }

    #[test]
    fn datagrams_are_found_by_name() {
        let row =
            datagrams("Ip: Forwarding InReceives OutRequests\nIp: 2 64 70\nIcmp: InMsgs\nIcmp: 0\n").unwrap();
        assert_eq!((row.incoming, row.outgoing), (Some(64), Some(70)));
        let row = datagrams("Ip: Forwarding InReceives OutRequests\nIp: 2 -64\n").unwrap();
        assert_eq!((row.incoming, row.outgoing), (None, None));
        assert!(datagrams("Ip: InReceives\n").is_err());
    }

    #[test]
    fn a_speed_that_is_not_known_is_not_told() {
        assert_eq!(bytes_per_second("1000"), Some(125_000_000));
        assert_eq!([bytes_per_second("-1"), bytes_per_second("4294967295"), bytes_per_second("")], [None; 3]);
    }
}
