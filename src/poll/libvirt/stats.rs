//! What libvirt measured of one domain, decoded from the field names of its bulk statistics.
//!
//! Pure. Units are libvirt's: nanoseconds, KiB, bytes. A field that libvirt left out is `None`, never zero: a domain
//! that is busy migrating is polled without waiting, and then has gaps.

/// The highest number of a device or a virtual CPU that is believed; QEMU's own limits are 4,096 virtual CPUs and a
/// few hundred devices, and memory is reserved up to the number.
const INDEX_MAX: usize = 16_383;

/// A number or a text of libvirt's (`virTypedParameter`).
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum StatValue<'a> {
    /// An integer without sign.
    Unsigned(u64),
    /// An integer; libvirt writes -1 for "not known".
    Signed(i64),
    /// Anything that no meter is made of: a float, a boolean.
    Other,
    /// A text.
    Text(&'a str),
}

impl StatValue<'_> {
    fn count(self) -> Option<u64> {
        match self {
            StatValue::Unsigned(count) => Some(count),
            StatValue::Signed(count) => u64::try_from(count).ok(),
            StatValue::Other | StatValue::Text(_) => None,
        }
    }
}

/// `virDomainState`: 1 running, 3 paused, 5 shut off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PowerState(pub i64);

impl PowerState {
    /// Whether the domain is off; all that is left of it then are its definition and its disks.
    pub fn is_shut_off(self) -> bool {
        self.0 == 5
    }

    /// Ceilometer's word for `state` in a sample's metadata when it asks libvirt and not Nova.
    pub fn state(self) -> &'static str {
        match self.0 {
            0 => "pending",
            1 | 2 => "running",
            3 => "paused",
            4 | 5 => "shutdown",
            6 => "crashed",
            7 => "suspended",
            _ => "unknown",
        }
    }

    /// Ceilometer's guess at Nova's `status` from libvirt's state.
    pub fn status(self) -> &'static str {
        match self.0 {
            0 => "building",
            1 | 2 => "active",
            3 => "paused",
            4 | 5 => "stopped",
            6 => "error",
            7 => "suspended",
            _ => "unknown",
        }
    }
}

/// Everything that a meter needs of one domain.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DomainStats {
    pub state: Option<PowerState>,
    /// CPU time of the whole domain, the emulator's threads included.
    pub cpu_time_ns: Option<u64>,
    pub vcpus_current: Option<u64>,
    /// By number; unplugged ones leave holes.
    pub vcpus: Vec<VcpuStats>,
    pub memory: MemoryStats,
    pub disks: Vec<DiskStats>,
    pub interfaces: Vec<InterfaceStats>,
    pub perf: PerfStats,
}

/// One virtual CPU.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct VcpuStats {
    pub time_ns: Option<u64>,
    pub wait_ns: Option<u64>,
}

/// The balloon's and the guest's memory, in KiB.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MemoryStats {
    pub maximum_kib: Option<u64>,
    pub available_kib: Option<u64>,
    pub usable_kib: Option<u64>,
    pub unused_kib: Option<u64>,
    pub resident_kib: Option<u64>,
    pub swap_in_kib: Option<u64>,
    pub swap_out_kib: Option<u64>,
}

/// One block device.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DiskStats {
    /// Its target, `vda`; empty in a hole of the list.
    pub device: String,
    /// Whether there is a medium behind it.
    pub has_path: bool,
    pub read_requests: Option<u64>,
    pub read_bytes: Option<u64>,
    pub read_time_ns: Option<u64>,
    pub write_requests: Option<u64>,
    pub write_bytes: Option<u64>,
    pub write_time_ns: Option<u64>,
    pub allocation_bytes: Option<u64>,
    pub capacity_bytes: Option<u64>,
    pub physical_bytes: Option<u64>,
}

/// One network interface, seen from the guest: what it received is incoming.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct InterfaceStats {
    /// The host's side of it, `tap0`; empty in a hole of the list.
    pub device: String,
    pub incoming: Traffic,
    pub outgoing: Traffic,
}

/// One direction of an interface.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Traffic {
    pub bytes: Option<u64>,
    pub packets: Option<u64>,
    pub errors: Option<u64>,
    pub drops: Option<u64>,
}

/// Counters of the host's CPU, where they were switched on for the domain.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PerfStats {
    pub cpu_cycles: Option<u64>,
    pub instructions: Option<u64>,
    pub cache_references: Option<u64>,
    pub cache_misses: Option<u64>,
}

impl DomainStats {
    /// Takes one field of the bulk statistics, `block.0.rd.bytes`; those that no meter needs are passed over.
    pub fn take(&mut self, field: &str, value: StatValue<'_>) {
        let Some((group, rest)) = field.split_once('.') else { return };
        match (group, rest) {
            ("state", "state") => {
                self.state = match value {
                    StatValue::Signed(state) => Some(PowerState(state)),
                    other => other.count().and_then(|state| i64::try_from(state).ok()).map(PowerState),
                }
            }
            ("cpu", "time") => self.cpu_time_ns = value.count(),
            ("vcpu", "current") => self.vcpus_current = value.count(),
            ("vcpu", _) => {
                if let Some((vcpu, what)) = member(&mut self.vcpus, rest) {
                    match what {
                        "time" => vcpu.time_ns = value.count(),
                        "wait" => vcpu.wait_ns = value.count(),
                        _ => {}
                    }
                }
            }
            ("balloon", _) => self.memory.take(rest, value),
            ("block", _) => {
                if let Some((disk, what)) = member(&mut self.disks, rest) {
                    disk.take(what, value);
                }
            }
            ("net", _) => {
                if let Some((interface, what)) = member(&mut self.interfaces, rest) {
                    interface.take(what, value);
                }
            }
            ("perf", _) => self.perf.take(rest, value),
            _ => {}
        }
    }

    /// Nanoseconds that the virtual CPUs ran or waited, summed over them; the whole domain's CPU time when libvirt
    /// does not tell both of every one.
    ///
    /// Ceilometer 27.0.0's libvirt inspector. One difference: without any vcpu field it reports 0, a reset of the
    /// counter to whoever computes a rate; here the domain's CPU time stands in, or nothing.
    pub fn cpu_ns(&self) -> Option<u64> {
        let known = self.vcpus.iter().filter_map(|vcpu| Some((vcpu.time_ns?, vcpu.wait_ns?)));
        let (count, sum_ns) = known.fold((0, 0_u64), |(n, sum), (time, wait)| {
            (n + 1, sum.saturating_add(time).saturating_add(wait))
        });
        if self.vcpus_current == Some(count) && count > 0 { Some(sum_ns) } else { self.cpu_time_ns }
    }

    /// The devices that libvirt counts, as a key that changes when one is plugged, unplugged, or gets a medium.
    pub fn device_key(&self) -> String {
        let mut key = String::new();
        for disk in &self.disks {
            key.push_str(&disk.device);
            key.push(if disk.has_path { '+' } else { '-' });
        }
        for interface in &self.interfaces {
            key.push('/');
            key.push_str(&interface.device);
        }
        key
    }

    /// Whether libvirt told nothing but the state, as drivers do that have no bulk statistics.
    pub fn is_bare(&self) -> bool {
        *self == DomainStats { state: self.state, ..DomainStats::default() }
    }

    /// Whether a running guest's counters of requests are missing, as QEMU's are while another job holds the domain.
    pub fn lacks_requests(&self) -> bool {
        !self.disks.is_empty() && self.disks.iter().all(|disk| disk.read_requests.is_none())
    }

    /// The same of what QEMU's process takes of the host's memory.
    pub fn lacks_memory(&self) -> bool {
        self.memory.maximum_kib.is_some() && self.memory.resident_kib.is_none()
    }
}

impl MemoryStats {
    /// KiB that the guest's programs use: what it has less what could be had without swapping, or, from guests whose
    /// driver does not tell that, less what is free.
    pub fn usage_kib(&self) -> Option<u64> {
        Some(self.available_kib?.saturating_sub(self.usable_kib.or(self.unused_kib)?))
    }

    fn take(&mut self, what: &str, value: StatValue<'_>) {
        match what {
            "maximum" => self.maximum_kib = value.count(),
            "available" => self.available_kib = value.count(),
            "usable" => self.usable_kib = value.count(),
            "unused" => self.unused_kib = value.count(),
            "rss" => self.resident_kib = value.count(),
            "swap_in" => self.swap_in_kib = value.count(),
            "swap_out" => self.swap_out_kib = value.count(),
            _ => {}
        }
    }
}

impl DiskStats {
    fn take(&mut self, what: &str, value: StatValue<'_>) {
        match (what, value) {
            ("name", StatValue::Text(device)) => device.clone_into(&mut self.device),
            ("path", StatValue::Text(path)) => self.has_path = !path.is_empty(),
            ("rd.reqs", _) => self.read_requests = value.count(),
            ("rd.bytes", _) => self.read_bytes = value.count(),
            ("rd.times", _) => self.read_time_ns = value.count(),
            ("wr.reqs", _) => self.write_requests = value.count(),
            ("wr.bytes", _) => self.write_bytes = value.count(),
            ("wr.times", _) => self.write_time_ns = value.count(),
            ("allocation", _) => self.allocation_bytes = value.count(),
            ("capacity", _) => self.capacity_bytes = value.count(),
            ("physical", _) => self.physical_bytes = value.count(),
            _ => {}
        }
    }
}

impl InterfaceStats {
    fn take(&mut self, what: &str, value: StatValue<'_>) {
        match (what, value) {
            ("name", StatValue::Text(device)) => device.clone_into(&mut self.device),
            _ => match what.split_once('.') {
                Some(("rx", counter)) => self.incoming.take(counter, value),
                Some(("tx", counter)) => self.outgoing.take(counter, value),
                _ => {}
            },
        }
    }
}

impl Traffic {
    fn take(&mut self, counter: &str, value: StatValue<'_>) {
        match counter {
            "bytes" => self.bytes = value.count(),
            "pkts" => self.packets = value.count(),
            "errs" => self.errors = value.count(),
            "drop" => self.drops = value.count(),
            _ => {}
        }
    }
}

impl PerfStats {
    fn take(&mut self, what: &str, value: StatValue<'_>) {
        match what {
            "cpu_cycles" => self.cpu_cycles = value.count(),
            "instructions" => self.instructions = value.count(),
            "cache_references" => self.cache_references = value.count(),
            "cache_misses" => self.cache_misses = value.count(),
            _ => {}
        }
    }
}

/// The member of `list` that `0.rd.bytes` is about, and the rest of the name; `None` for `count` and its like.
fn member<'a, T: Default>(list: &'a mut Vec<T>, numbered: &'a str) -> Option<(&'a mut T, &'a str)> {
    let (number, what) = numbered.split_once('.')?;
    let index = number.parse::<usize>().ok().filter(|&index| index <= INDEX_MAX)?;
    if index >= list.len() {
        list.resize_with(index + 1, T::default);
    }
    Some((&mut list[index], what))
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Reads what `virsh domstats --raw` prints of one domain.
    pub fn from_virsh(text: &str) -> DomainStats {
        let mut stats = DomainStats::default();
        for (field, value) in text.lines().filter_map(|line| line.trim().split_once('=')) {
            let value = value.parse().map_or(StatValue::Text(value), StatValue::Unsigned);
            stats.take(field, value);
        }
        stats
    }

    #[test]
    fn the_capture_of_a_qemu_guest_is_read_field_by_field() {
        let stats = from_virsh(include_str!("../../../tests/captures/virsh_domstats_qemu.txt"));
        let count = Some;
        assert_eq!(
            stats,
            DomainStats {
                state: Some(PowerState(1)),
                cpu_time_ns: count(7_824_088_000),
                vcpus_current: count(1),
                vcpus: vec![VcpuStats { time_ns: count(6_940_000_000), wait_ns: count(0) }],
                memory: MemoryStats {
                    maximum_kib: count(98_304),
                    available_kib: count(62_012),
                    usable_kib: count(40_236),
                    unused_kib: count(33_708),
                    resident_kib: count(212_840),
                    swap_in_kib: count(0),
                    swap_out_kib: count(0),
                },
                disks: vec![DiskStats {
                    device: "vda".into(),
                    has_path: true,
                    read_requests: count(52),
                    read_bytes: count(6_558_208),
                    read_time_ns: count(74_516_142),
                    write_requests: count(20),
                    write_bytes: count(10_485_760),
                    write_time_ns: count(29_182_423),
                    allocation_bytes: count(1_048_576),
                    capacity_bytes: count(16_777_216),
                    physical_bytes: count(1_048_576),
                }],
                interfaces: vec![InterfaceStats {
                    device: "tap00000001-0".into(),
                    incoming: Traffic {
                        bytes: count(7950),
                        packets: count(29),
                        errors: count(0),
                        drops: count(0)
                    },
                    outgoing: Traffic {
                        bytes: count(7090),
                        packets: count(19),
                        errors: count(0),
                        drops: count(0)
                    },
                }],
                perf: PerfStats::default(),
            }
        );
        assert_eq!(stats.device_key(), "vda+/tap00000001-0");
        assert!(!stats.is_bare() && !stats.lacks_requests());
    }

    #[test]
    fn cpu_is_run_and_wait_of_every_vcpu_over_holes_or_else_the_domain_s_time() {
        let mut stats = from_virsh("cpu.time=777\nvcpu.current=2\nvcpu.maximum=4");
        for (field, ns) in [("vcpu.0.time", 1000), ("vcpu.0.wait", 10), ("vcpu.3.time", 2000)] {
            stats.take(field, StatValue::Unsigned(ns));
        }
        assert_eq!(stats.cpu_ns(), Some(777));
        stats.take("vcpu.3.wait", StatValue::Unsigned(20));
        assert_eq!(stats.cpu_ns(), Some(3030));
        assert_eq!(from_virsh("cpu.time=5").cpu_ns(), Some(5));
        assert_eq!(DomainStats::default().cpu_ns(), None);
    }

    #[test]
    fn minus_one_is_unknown_and_wild_numbers_reserve_nothing() {
        let mut stats = DomainStats::default();
        stats.take("net.0.rx.bytes", StatValue::Signed(-1));
        stats.take("block.99999999999.rd.bytes", StatValue::Unsigned(1));
        stats.take("block.16384.rd.bytes", StatValue::Unsigned(1));
        stats.take("vcpu.-1.time", StatValue::Unsigned(1));
        assert_eq!(stats.interfaces, [InterfaceStats::default()]);
        assert_eq!((stats.disks.len(), stats.vcpus.len()), (0, 0));
    }

    #[test]
    fn a_state_alone_is_bare_and_names_without_counters_lack_requests() {
        assert!(from_virsh("state.state=1\nstate.reason=0").is_bare());
        let busy = from_virsh("state.state=1\nblock.count=1\nblock.0.name=vda\nblock.0.path=/x");
        assert!(!busy.is_bare() && busy.lacks_requests());
    }
}
