//! The pollster: one connection, one bulk call a poll, and the descriptions it remembers.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;
use virt::connect::Connect;
use virt::error::{self, ErrorNumber};

use crate::base::Failure;
use crate::poll::{Meter, Pollster, Round, Taker};

use super::bulk::{self, Record};
use super::deadline::Waiting;
use super::domain::Description;
use super::meters::{self, Groups, LastBytes, METERS, Wanted};
use super::resource::Observed;
use super::stats::{DomainStats, PowerState};
use super::{DEFAULT_URI, fallback};

/// Seconds after which a description is read again although nothing tells that it changed: Nova can rewrite its
/// metadata, and an administrator a filter, without plugging a device.
const DESCRIPTION_SECONDS_MAX: f64 = 600.0;

/// How long the bulk call may take before a hanging guest is suspected: 5 ms a guest were measured on a loaded
/// machine, and a host of a thousand guests must not be taken for a hanging one.
const ANSWER_MAX: Duration = Duration::from_secs(20);

/// Samples of libvirt's domains.
pub struct Libvirt {
    name: String,
    uri: String,
    /// `None` after it was lost, until the next poll.
    connection: Option<Connection>,
    /// By UUID; never more than the domains that the last poll saw.
    remembered: HashMap<String, Remembered>,
    last_bytes: LastBytes,
    waiting: Waiting,
}

struct Connection {
    connect: Connect,
    /// The host's name, by libvirt, so that it is right over a remote connection, too.
    host: String,
    /// Whether the driver takes the flag that keeps a busy domain from blocking the poll.
    nowait: bool,
    /// Whether a busy domain is the likely reason for a gap; other drivers than QEMU's have their own gaps.
    is_qemu: bool,
}

/// The description of a domain, and by what it is seen to be out of date.
struct Remembered {
    description: Arc<Description>,
    /// Changes whenever the domain is started.
    domain_id: Option<u32>,
    device_key: String,
    read_at_seconds: f64,
    seen: bool,
}

/// Why a domain could not be measured.
#[derive(Debug, Error)]
enum Trouble {
    #[error("{}", .0.message())]
    Libvirt(#[from] error::Error),
    #[error("its description is no XML: {0}")]
    Description(#[from] roxmltree::Error),
    #[error("busy with another job: libvirt left out counters that it would have had to wait for")]
    Busy,
    #[error("no answer within {} seconds", ANSWER_MAX.as_secs())]
    Silent,
}

impl Libvirt {
    /// Will connect, read-only, to `uri`, or to [`DEFAULT_URI`], when it is polled, and again whenever it is not there.
    ///
    /// From here on libvirt's errors are no longer printed by libvirt itself, in the whole process.
    ///
    /// # Errors
    /// None: a build without libvirt has some.
    pub fn open(uri: Option<&str>) -> Result<Libvirt, Failure> {
        error::clear_error_callback();
        let uri = uri.unwrap_or(DEFAULT_URI).to_owned();
        Ok(Libvirt {
            name: format!("libvirt:{uri}"),
            uri,
            connection: None,
            remembered: HashMap::new(),
            last_bytes: LastBytes::default(),
            waiting: Waiting::default(),
        })
    }

    /// All domains, over a new connection when the old one is found dead before or while it is asked.
    fn records(&mut self, groups: Groups) -> Result<Vec<Record>, Trouble> {
        if let Some(mut connection) = self.connection.take_if(|connection| connection.is_alive()) {
            let result = connection.records(groups, &mut self.waiting);
            if result.is_ok() || connection.is_alive() {
                self.connection = Some(connection);
                return result;
            }
        }
        // The ids of domains start again with a restarted libvirtd, and no longer tell a restart of a domain.
        self.remembered.clear();
        let connection = Connection::open(&self.uri)?;
        self.connection.insert(connection).records(groups, &mut self.waiting)
    }

    fn measure(
        &mut self,
        record: &Record,
        wanted: &Wanted,
        round: &Round<'_>,
        taker: &mut dyn Taker,
    ) -> Result<(), Trouble> {
        let groups = wanted.groups();
        let by_call = needs_calls(&record.stats, groups);
        let description = self.description(record, by_call, round.monotonic_seconds)?;
        let called;
        let stats = if by_call {
            let mut failed = |part: &str, error: error::Error| {
                taker.failed(&format!("{} {part}", description.name), &error.message());
            };
            called = fallback::ask(&record.domain, &description, groups, &mut failed)?;
            &called
        } else {
            &record.stats
        };
        let Some(connection) = &self.connection else { return Ok(()) };
        let observed = Observed { host: &connection.host, domain: &description, stats };
        meters::measure(&observed, wanted, &mut self.last_bytes, round, taker);
        let left_out = groups.disks && stats.lacks_requests() || groups.memory && stats.lacks_memory();
        if connection.is_qemu && stats.state == Some(PowerState(1)) && left_out {
            return Err(Trouble::Busy);
        }
        Ok(())
    }

    /// The description of a domain, read again when it was restarted, when its devices are not those of the last
    /// reading, when it is old, or `afresh`.
    fn description(
        &mut self,
        record: &Record,
        afresh: bool,
        now_seconds: f64,
    ) -> Result<Arc<Description>, Trouble> {
        let uuid = record.uuid.clone();
        let (domain_id, device_key) = (record.domain.id(), record.stats.device_key());
        if let Some(remembered) = self.remembered.get_mut(&uuid) {
            remembered.seen = true;
            let current = remembered.domain_id == domain_id
                && remembered.device_key == device_key
                && now_seconds - remembered.read_at_seconds < DESCRIPTION_SECONDS_MAX;
            if current && !afresh {
                return Ok(Arc::clone(&remembered.description));
            }
        }
        let description = Arc::new(Description::parse(&record.domain.xml_desc(0)?)?);
        let remembered = Remembered {
            description: Arc::clone(&description),
            domain_id,
            device_key,
            read_at_seconds: now_seconds,
            seen: true,
        };
        self.remembered.insert(uuid, remembered);
        Ok(description)
    }
}

impl Pollster for Libvirt {
    fn name(&self) -> &str {
        &self.name
    }

    fn meters(&self) -> &'static [Meter] {
        &METERS
    }

    fn poll(&mut self, round: &Round<'_>, taker: &mut dyn Taker) {
        let wanted = Wanted::of(round.selection);
        if wanted.is_empty() {
            return;
        }
        let mut records = match self.records(wanted.groups()) {
            Ok(records) => records,
            Err(trouble) => return taker.failed(&self.name, &trouble),
        };
        // libvirt's own order is that of a hash table, another one in every daemon.
        records.sort_by(|a, b| a.name.cmp(&b.name));
        self.last_bytes.next_poll();
        for record in &records {
            match self.measure(record, &wanted, round, taker) {
                Ok(()) => {}
                Err(Trouble::Libvirt(error)) if is_gone(&error) => {}
                Err(trouble) => taker.failed(&record.name, &trouble),
            }
        }
        self.remembered.retain(|_, remembered| std::mem::take(&mut remembered.seen));
    }
}

impl Connection {
    fn open(uri: &str) -> Result<Connection, error::Error> {
        let connect = Connect::open_read_only(Some(uri))?;
        let host = connect
            .hostname()
            .unwrap_or_else(|_| rustix::system::uname().nodename().to_string_lossy().into_owned());
        let is_qemu = connect.driver_type().is_ok_and(|driver| driver == "QEMU");
        Ok(Connection { connect, host, nowait: true, is_qemu })
    }

    fn is_alive(&self) -> bool {
        self.connect.is_alive().unwrap_or(false)
    }

    /// All domains: in bulk, or, from a driver that cannot, bare, to be asked one by one.
    fn records(&mut self, groups: Groups, waiting: &mut Waiting) -> Result<Vec<Record>, Trouble> {
        let mut result = self.bulk(groups, waiting)?;
        if self.nowait && result.as_ref().is_err_and(is_refusal) {
            self.nowait = false;
            result = self.bulk(groups, waiting)?;
        }
        match result {
            Err(_) if self.is_alive() => {
                let domains = self.connect.list_all_domains(0)?.into_iter();
                Ok(domains
                    .map(|domain| Record::new(domain, DomainStats::default()))
                    .collect::<Result<_, _>>()?)
            }
            result => Ok(result?),
        }
    }

    /// libvirt's answer; [`Trouble::Silent`] when none comes although every hanging guest had its turn.
    fn bulk(
        &self,
        groups: Groups,
        waiting: &mut Waiting,
    ) -> Result<Result<Vec<Record>, error::Error>, Trouble> {
        while waiting.has_room() {
            let (connect, nowait) = (self.connect.clone(), self.nowait);
            let answer = waiting.ask(ANSWER_MAX, move || bulk::all_domains(&connect, groups, nowait));
            if let Some(result) = answer {
                return Ok(result);
            }
        }
        Err(Trouble::Silent)
    }
}

/// Whether the bulk call told less than its driver may know: nothing, or the state alone of a domain that is on.
fn needs_calls(stats: &DomainStats, groups: Groups) -> bool {
    match stats.state {
        None => true,
        Some(state) => !state.is_shut_off() && stats.is_bare() && groups != Groups::default(),
    }
}

fn is_refusal(error: &error::Error) -> bool {
    error
        .code()
        .is_known_and(|code| matches!(code, ErrorNumber::InvalidArg | ErrorNumber::ArgumentUnsupported))
}

/// Whether the domain has ended since the bulk call: no failure of ours.
fn is_gone(error: &error::Error) -> bool {
    error.code().is_known_and(|code| code == ErrorNumber::NoDomain)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::define::Selection;
    use crate::poll::libvirt::block_info::block_info;
    use crate::poll::libvirt::meters::tests::{Kept, round};
    use crate::poll::libvirt::stats::InterfaceStats;
    use crate::poll::libvirt::stats::tests::from_virsh;
    use std::collections::BTreeSet;
    use std::io::Write;
    use std::path::PathBuf;
    use std::process::{Command, Stdio};

    fn poll(libvirt: &mut Libvirt, meters: &[&str]) -> Kept {
        let selection = Selection::parse(meters).unwrap();
        let mut kept = Kept::default();
        libvirt.poll(&round(&selection), &mut kept);
        kept
    }

    const EVERYTHING: Groups = Groups { cpu: true, memory: true, interfaces: true, disks: true, perf: true };

    #[test]
    fn the_test_hypervisor_s_domain_is_measured_as_the_table_says() {
        let mut libvirt = Libvirt::open(Some("test:///default")).unwrap();
        assert_eq!(libvirt.name(), "libvirt:test:///default");
        let kept = poll(&mut libvirt, &[]);
        assert_eq!(kept.failures, [""; 0]);
        for sample in &kept.samples {
            let meter = METERS.iter().find(|meter| meter.name == sample.name).unwrap();
            assert_eq!((sample.sample_type, sample.unit.as_str()), (meter.sample_type, meter.unit));
            assert_eq!(sample.resource_metadata["display_name"], "test");
        }
        let names: BTreeSet<&str> = kept.samples.iter().map(|sample| sample.name.as_str()).collect();
        for name in ["cpu", "vcpus", "memory", "memory.resident", "power.state"] {
            assert!(names.contains(name), "{name} of {names:?}");
        }
        let uuid = "6695eb01-f6a4-8304-79aa-97f2502e193f";
        assert_eq!(kept.volumes("memory"), [(uuid, &serde_json::Number::from_f64(8192.0).unwrap())]);
        assert_eq!(kept.volumes("vcpus"), [(uuid, &2.into())]);
        assert_eq!(poll(&mut libvirt, &["power.state"]).volumes("power.state"), [(uuid, &1.into())]);
    }

    #[test]
    fn nobody_there_costs_the_round_and_is_asked_again_in_the_next() {
        let path = std::env::temp_dir().join(format!("telemetry-late-{}.xml", uuid::Uuid::new_v4()));
        let mut libvirt = Libvirt::open(Some(&format!("test://{}", path.display()))).unwrap();
        let kept = poll(&mut libvirt, &["vcpus"]);
        assert!(kept.samples.is_empty());
        assert_eq!(kept.failures.len(), 1, "{:?}", kept.failures);
        std::fs::write(&path, "<node/>").unwrap();
        let later = poll(&mut libvirt, &["vcpus"]).failures;
        std::fs::remove_file(&path).unwrap();
        assert!(later.is_empty(), "{later:?}");
    }

    /// A hypervisor of 1,000 instances, described in `tests/captures`; the file goes with the value.
    struct Thousand(PathBuf);

    impl Thousand {
        fn unpack() -> Thousand {
            let packed = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/captures/libvirt_test1000.xml.gz");
            let path = std::env::temp_dir().join(format!("telemetry-thousand-{}.xml", uuid::Uuid::new_v4()));
            let gzip = Command::new("gzip").args(["-dc", packed]).stderr(Stdio::inherit()).output().unwrap();
            assert!(gzip.status.success());
            std::fs::write(&path, gzip.stdout).unwrap();
            Thousand(path)
        }

        fn uri(&self) -> String {
            format!("test://{}", self.0.display())
        }
    }

    impl Drop for Thousand {
        fn drop(&mut self) {
            let _ = std::fs::remove_file(&self.0);
        }
    }

    #[test]
    fn a_thousand_domains_are_polled_in_the_order_of_their_names() {
        let thousand = Thousand::unpack();
        let mut libvirt = Libvirt::open(Some(&thousand.uri())).unwrap();
        let kept = poll(&mut libvirt, &["cpu", "disk.root.size", "power.state", "network.incoming.bytes"]);
        assert_eq!(kept.failures, [""; 0]);
        for meter in ["cpu", "disk.root.size", "power.state", "network.incoming.bytes"] {
            assert_eq!(kept.volumes(meter).len(), 1000, "{meter}");
        }
        let first = &kept.samples[0];
        assert_eq!(first.resource_id, "6af613b6-569c-5c22-9c37-2ed93f31d3af");
        assert_eq!(first.project_id.as_deref(), Some("1966a9b6233d52ad9c157a2ddd82cffe"));
        assert_eq!(kept.volumes("disk.root.size")[0].1, &20.into());
        assert_eq!(libvirt.remembered.len(), 1000);
    }

    #[test]
    fn a_domain_that_is_off_keeps_its_definition_and_one_that_is_undefined_is_forgotten() {
        let thousand = Thousand::unpack();
        let mut libvirt = Libvirt::open(Some(&thousand.uri())).unwrap();
        // The test driver keeps its domains with the connection: one that may write takes the pollster's place.
        let connect = Connect::open(Some(&thousand.uri())).unwrap();
        let domain = connect.list_all_domains(0).unwrap().remove(0);
        let uuid = domain.uuid_string().unwrap();
        poll(&mut libvirt, &["power.state"]);
        libvirt.connection.as_mut().unwrap().connect = connect;

        domain.destroy().unwrap();
        let kept = poll(&mut libvirt, &[]);
        let of_it = kept.samples.iter().filter(|sample| sample.resource_id.contains(&uuid));
        let volumes: Vec<_> = of_it.map(|sample| format!("{} {}", sample.name, sample.volume)).collect();
        assert_eq!(volumes, ["disk.root.size 20", "disk.ephemeral.size 0", "power.state 5"]);
        assert!(libvirt.remembered.contains_key(&uuid));

        domain.undefine().unwrap();
        assert_eq!(poll(&mut libvirt, &["power.state"]).samples.len(), 999);
        assert_eq!((libvirt.remembered.len(), libvirt.remembered.contains_key(&uuid)), (999, false));
    }

    #[test]
    fn a_description_is_read_again_after_a_plugging_a_restart_or_a_while() {
        let thousand = Thousand::unpack();
        let mut libvirt = Libvirt::open(Some(&thousand.uri())).unwrap();
        let connect = Connect::open(Some(&thousand.uri())).unwrap();
        let domain = || connect.list_all_domains(0).unwrap().remove(0);
        let record = |stats| Record::new(domain(), from_virsh(stats)).unwrap();
        let one_disk = "state.state=1\nblock.0.name=vda\nblock.0.path=/a";
        let first = libvirt.description(&record(one_disk), false, 0.0).unwrap();
        let mut is_kept = |stats, afresh, now_seconds| {
            let kept = Arc::as_ptr(&libvirt.description(&record(one_disk), false, 0.0).unwrap());
            kept == Arc::as_ptr(&libvirt.description(&record(stats), afresh, now_seconds).unwrap())
        };
        assert!(is_kept(one_disk, false, 599.0));
        assert!(!is_kept(one_disk, false, 600.0));
        assert!(!is_kept(one_disk, true, 0.0));
        assert!(!is_kept("state.state=1\nblock.0.name=vda\nblock.0.path=/a\nblock.1.name=vdb", false, 0.0));
        assert!(!is_kept("state.state=1\nblock.0.name=vda", false, 0.0), "the medium was taken out");
        domain().destroy().unwrap();
        domain().create().unwrap();
        let restarted = libvirt.description(&record(one_disk), false, 0.0).unwrap();
        assert!(!Arc::ptr_eq(&first, &restarted));
    }

    #[test]
    fn a_lost_connection_costs_nothing_when_the_next_one_stands() {
        let mut libvirt = Libvirt::open(Some("test:///default")).unwrap();
        libvirt.connection = None;
        let kept = poll(&mut libvirt, &["vcpus"]);
        assert_eq!((kept.samples.len(), kept.failures.len()), (1, 0));
        libvirt.connection = None;
        libvirt.uri = "test:///no/such/file.xml".into();
        let kept = poll(&mut libvirt, &["vcpus"]);
        assert_eq!((kept.samples.len(), kept.failures.len()), (0, 1));
        assert!(kept.failures[0].starts_with("libvirt:test:///default: "), "{:?}", kept.failures);
    }

    #[test]
    fn the_bulk_call_and_its_safe_twin_name_the_same_domains_in_the_same_state() {
        let mut connection = Connection::open("test:///default").unwrap();
        let records = connection.records(EVERYTHING, &mut Waiting::default()).unwrap();
        let domains = connection.connect.list_all_domains(0).unwrap();
        assert_eq!((records.len(), domains.len()), (1, 1));
        for (record, domain) in records.iter().zip(&domains) {
            assert_eq!(Ok(&record.uuid), domain.uuid_string().as_ref());
            assert_eq!(Ok(&record.name), domain.name().as_ref());
            assert_eq!(record.domain.id(), domain.id());
            let state = PowerState(domain.info().unwrap().state.to_raw().into());
            assert_eq!(record.stats, DomainStats { state: Some(state), ..DomainStats::default() });
            assert!(needs_calls(&record.stats, EVERYTHING) && !needs_calls(&record.stats, Groups::default()));
        }
    }

    #[test]
    fn a_disk_s_sizes_are_the_safe_twin_s_and_a_missing_disk_is_an_error() {
        error::clear_error_callback();
        let thousand = Thousand::unpack();
        let connection = Connection::open(&thousand.uri()).unwrap();
        let domain = connection.connect.list_all_domains(0).unwrap().remove(0);
        let (ours, twin) = (block_info(&domain, "vda").unwrap(), domain.block_info("vda", 0).unwrap());
        assert_eq!(
            (ours.capacity, ours.allocation, ours.physical),
            (twin.capacity, twin.allocation, twin.physical)
        );
        assert!(block_info(&domain, "none").is_err());
        assert!(block_info(&domain, "v\0da").is_err());
    }

    /// Set TELEMETRY_LIBVIRT_URI to a hypervisor with running guests, `qemu:///system`.
    #[test]
    fn on_a_real_hypervisor_bulk_and_calls_agree() {
        let Some(uri) = std::env::var("TELEMETRY_LIBVIRT_URI").ok() else {
            let _ =
                writeln!(std::io::stderr(), "SKIPPED: TELEMETRY_LIBVIRT_URI names no hypervisor with guests");
            return;
        };
        error::clear_error_callback();
        let mut connection = Connection::open(&uri).unwrap();
        let before = connection.records(EVERYTHING, &mut Waiting::default()).unwrap();
        assert!(!before.is_empty());
        let mut called = Vec::new();
        for record in &before {
            let description = Description::parse(&record.domain.xml_desc(0).unwrap()).unwrap();
            let mut failed = |part: &str, error: error::Error| panic!("{part}: {error}");
            called.push(fallback::ask(&record.domain, &description, EVERYTHING, &mut failed).unwrap());
        }
        let after = connection.records(EVERYTHING, &mut Waiting::default()).unwrap();
        for ((before, called), after) in before.iter().zip(&called).zip(&after) {
            assert_eq!(before.uuid, after.uuid);
            let (before, after) = (&before.stats, &after.stats);
            assert_eq!(before.state, called.state);
            assert_eq!(before.vcpus_current, called.vcpus_current);
            assert_eq!(before.memory.maximum_kib, called.memory.maximum_kib);
            assert_eq!(before.memory.available_kib, called.memory.available_kib);
            let between = |what, (low, value, high): (Option<u64>, Option<u64>, Option<u64>)| {
                assert!(low.is_some() && low <= value && value <= high, "{what}: {low:?} {value:?} {high:?}");
            };
            // The call counts in clock ticks of user and of system time, the bulk call by the cgroup.
            let ticks_ns = 20_000_000;
            let called_ns = called.cpu_time_ns.map(|ns| ns + ticks_ns);
            let after_ns = after.cpu_time_ns.map(|ns| ns + 2 * ticks_ns);
            between("cpu.time", (before.cpu_time_ns, called_ns, after_ns));
            assert_eq!(before.disks.len(), called.disks.len());
            for ((before, called), after) in before.disks.iter().zip(&called.disks).zip(&after.disks) {
                assert_eq!(before.device, called.device);
                assert_eq!(before.capacity_bytes, called.capacity_bytes);
                assert_eq!(before.allocation_bytes, called.allocation_bytes);
                // QEMU counts blocks, the call a file's length; they differ for the sparse files of a lab.
                assert!(before.physical_bytes.is_some() && before.physical_bytes <= called.physical_bytes);
                between("read.bytes", (before.read_bytes, called.read_bytes, after.read_bytes));
                between("read.requests", (before.read_requests, called.read_requests, after.read_requests));
                between("write.bytes", (before.write_bytes, called.write_bytes, after.write_bytes));
                between(
                    "write.requests",
                    (before.write_requests, called.write_requests, after.write_requests),
                );
            }
            assert_eq!(before.interfaces.len(), called.interfaces.len());
            for ((before, called), after) in
                before.interfaces.iter().zip(&called.interfaces).zip(&after.interfaces)
            {
                assert_eq!(before.device, called.device);
                for direction in
                    [|i: &InterfaceStats| i.incoming.clone(), |i: &InterfaceStats| i.outgoing.clone()]
                {
                    let (before, called, after) = (direction(before), direction(called), direction(after));
                    between("bytes", (before.bytes, called.bytes, after.bytes));
                    between("packets", (before.packets, called.packets, after.packets));
                    assert_eq!((before.errors, before.drops), (called.errors, called.drops));
                }
            }
        }
    }
}
