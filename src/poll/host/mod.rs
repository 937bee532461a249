//! Floor 3 · This Linux machine: what its kernel counts in `/proc`, and how full its file systems are.
//!
//! One file a subject; each holds its table of meters, reads only when one of them is wanted, and parses apart from
//! reading. Where Ceilometer's SNMP pollsters (its `hardware/pollsters/data/snmp.yaml`) had a meter of
//! equal meaning, its name, type and unit are kept, KB (of 1024 bytes) included; all others live beside it under
//! `hardware.`. Resources are named as there: the host, `HOST.DEVICE` for its parts, `resource_url` in the metadata.
//!
//! Nothing of other hosts belongs here, and nothing that needs a privilege.

mod cpu;
mod disk;
mod filesystem;
mod load;
mod memory;
mod network;
mod report;
mod uptime;

use std::path::PathBuf;
use std::sync::LazyLock;

use report::{Column, Report, Roots};

use super::{Meter, Pollster, Round, Taker};

/// The pollster `host`.
#[derive(Debug)]
pub struct Host {
    roots: Roots,
    /// What the processors had done at the last round; shares of time are measured between two rounds.
    last: Option<cpu::Spent>,
}

impl Host {
    /// This machine, through `/proc` and `/sys`.
    pub fn new() -> Host {
        Host::at("/proc".into(), "/sys".into())
    }

    /// A machine whose counters are files below `proc` and `sys`; how full a file system is, is asked of this one.
    fn at(proc: PathBuf, sys: PathBuf) -> Host {
        Host { roots: Roots { proc, sys }, last: None }
    }
}

impl Default for Host {
    fn default() -> Host {
        Host::new()
    }
}

impl Pollster for Host {
    fn name(&self) -> &str {
        "host"
    }

    fn meters(&self) -> &'static [Meter] {
        &METERS
    }

    fn poll(&mut self, round: &Round<'_>, taker: &mut dyn Taker) {
        let name = host_name();
        let mut report = Report { host: &name, round, taker };
        cpu::poll(&self.roots, &mut self.last, &mut report);
        load::poll(&self.roots, &mut report);
        memory::poll(&self.roots, &mut report);
        disk::poll(&self.roots, &mut report);
        filesystem::poll(&self.roots, &mut report);
        network::poll(&self.roots, &mut report);
        uptime::poll(&self.roots, &mut report);
    }
}

/// All meters, in the order of `telemetry-poll list`.
pub static METERS: LazyLock<Vec<Meter>> = LazyLock::new(|| {
    fn of<T>(columns: &[Column<T>]) -> Vec<Meter> {
        columns.iter().map(|column| column.meter).collect()
    }
    [
        of(cpu::COLUMNS),
        of(load::COLUMNS),
        of(memory::COLUMNS),
        of(disk::COLUMNS),
        of(filesystem::COLUMNS),
        of(network::INTERFACE_COLUMNS),
        of(network::IP_COLUMNS),
        of(uptime::COLUMNS),
    ]
    .concat()
});

/// The name this host has for itself, asked anew each round because it may change.
fn host_name() -> String {
    match rustix::system::uname().nodename().to_string_lossy() {
        name if name.is_empty() => "localhost".to_owned(),
        name => name.into_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::fmt::Display;
    use std::path::Path;

    use super::*;
    use crate::define::Selection;
    use crate::model::{Sample, Timestamp};

    #[derive(Default)]
    struct Taken {
        samples: Vec<Sample>,
        failures: Vec<String>,
    }

    impl Taker for Taken {
        fn sample(&mut self, sample: Sample) {
            self.samples.push(sample);
        }
        fn failed(&mut self, what: &str, why: &dyn Display) {
            self.failures.push(format!("{what}: {why}"));
        }
    }

    impl Taken {
        fn has(&self, name: &str) -> bool {
            self.samples.iter().any(|sample| sample.name == name)
        }
    }

    fn poll(host: &mut Host, globs: &[&str]) -> Taken {
        let mut taken = Taken::default();
        let selection = Selection::parse(globs).unwrap();
        let timestamp = Timestamp::parse(b"2026-01-02T03:04:05Z").unwrap();
        host.poll(&Round { timestamp, monotonic_seconds: 7.5, selection: &selection }, &mut taken);
        taken
    }

    fn captures() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/captures/proc")
    }

    #[test]
    fn every_sample_of_this_machine_is_as_its_meter_says_and_there_once() {
        let taken = poll(&mut Host::new(), &[]);
        let (name, mut seen) = (host_name(), HashSet::new());
        for sample in &taken.samples {
            let meter = METERS.iter().find(|meter| meter.name == sample.name).unwrap();
            assert_eq!((sample.sample_type, sample.unit.as_str()), (meter.sample_type, meter.unit));
            assert!(seen.insert((&sample.name, &sample.resource_id)), "{} twice", sample.name);
            assert!(sample.resource_id == name || sample.resource_id.starts_with(&format!("{name}.")));
            assert_eq!((sample.source.as_str(), sample.monotonic_time), ("host", Some(7.5)));
            assert_eq!(sample.resource_metadata["resource_url"], name.as_str());
        }
        assert!(taken.has("hardware.cpu.load.1min") && taken.has("hardware.memory.total"));
    }

    #[test]
    fn names_of_meters_are_unique_and_in_the_name_space() {
        let names: HashSet<&str> = METERS.iter().map(|meter| meter.name).collect();
        assert_eq!(names.len(), METERS.len());
        assert!(names.iter().all(|name| name.starts_with("hardware.")));
    }

    #[test]
    fn a_missing_file_costs_only_its_own_samples() {
        let nowhere = PathBuf::from("/nonexistent");
        let taken = poll(&mut Host::at(captures(), nowhere.clone()), &["!hardware.disk.size.*"]);
        assert_eq!(taken.failures, ["/nonexistent/block: No such file or directory (os error 2)"]);
        assert!(!taken.has("hardware.disk.read.bytes"));
        for name in ["hardware.cpu.number", "hardware.network.incoming.bytes", "hardware.uptime"] {
            assert!(taken.has(name), "{name}");
        }
        let taken = poll(&mut Host::at(nowhere.clone(), nowhere), &[]);
        assert!(taken.samples.is_empty());
        assert_eq!(taken.failures.len(), 8, "one a file: {:?}", taken.failures);
    }

    #[test]
    fn files_of_meters_that_nobody_wants_are_not_read() {
        let nowhere = PathBuf::from("/nonexistent");
        let taken = poll(&mut Host::at(nowhere.clone(), nowhere), &["hardware.uptime", "cpu"]);
        assert_eq!(taken.failures, ["/nonexistent/uptime: No such file or directory (os error 2)"]);
    }

    #[test]
    fn shares_of_time_need_two_rounds() {
        let mut host = Host::new();
        assert!(!poll(&mut host, &["hardware.cpu.util"]).has("hardware.cpu.util"));
        // Two rounds within one tick have nothing between them either; a tick is 10 ms.
        std::thread::sleep(std::time::Duration::from_millis(50));
        let taken = poll(&mut host, &["hardware.cpu.util"]);
        let share = taken.samples.first().and_then(|sample| sample.volume.as_f64()).unwrap();
        assert!((0.0..=100.0).contains(&share), "{share}");
    }
}
