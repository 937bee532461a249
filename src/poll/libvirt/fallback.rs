//! The counters of one domain, call by call: for drivers whose bulk statistics are nothing but the state
//! (`test:///default`, and hypervisors that libvirt asks over the network).
//!
//! Slower (about 0.15 ms a domain), and it waits for a domain that is busy. Equal to the bulk call where both answer,
//! with three exceptions: there are no waits of virtual CPUs (so `cpu` is the whole domain's time, in clock ticks) and no
//! latencies, and what a disk takes on the host is its file's length, not its blocks.

use virt::domain::Domain;
use virt::error::{Error, ErrorNumber};
use virt::sys;

use super::block_info::block_info;
use super::domain::Description;
use super::meters::Groups;
use super::stats::{DiskStats, DomainStats, InterfaceStats, PowerState, Traffic};

/// Asks for the groups of one domain, device by device of its description.
///
/// Takes a failure of a part to `failed` and goes on; what a driver does not support is no failure.
///
/// # Errors
/// When not even the state can be had.
pub fn ask(
    domain: &Domain,
    description: &Description,
    groups: Groups,
    failed: &mut dyn FnMut(&str, Error),
) -> Result<DomainStats, Error> {
    let info = domain.info()?;
    let state = PowerState(info.state.to_raw().into());
    let mut stats = DomainStats { state: Some(state), ..DomainStats::default() };
    if state.is_shut_off() {
        return Ok(stats);
    }
    if groups.cpu {
        stats.cpu_time_ns = Some(info.cpu_time);
        stats.vcpus_current = Some(info.nr_virt_cpu.into());
    }
    let mut known = |what: &str, error: Error| {
        if !error.code().is_known_and(|code| code == ErrorNumber::NoSupport) {
            failed(what, error);
        }
    };
    if groups.memory {
        stats.memory.maximum_kib = Some(info.max_mem);
        match domain.memory_stats(0) {
            Ok(balloon) => balloon.iter().for_each(|stat| take_memory(&mut stats, stat.tag, stat.val)),
            Err(error) => known("memory", error),
        }
    }
    if groups.disks {
        stats.disks.extend(description.disks.iter().map(|device| disk(domain, device, &mut known)));
    }
    if groups.interfaces {
        for interface in &description.interfaces {
            match domain.interface_stats(&interface.device) {
                Ok(counters) => stats.interfaces.push(InterfaceStats {
                    device: interface.device.clone(),
                    incoming: Traffic {
                        bytes: count(counters.rx_bytes),
                        packets: count(counters.rx_packets),
                        errors: count(counters.rx_errs),
                        drops: count(counters.rx_drop),
                    },
                    outgoing: Traffic {
                        bytes: count(counters.tx_bytes),
                        packets: count(counters.tx_packets),
                        errors: count(counters.tx_errs),
                        drops: count(counters.tx_drop),
                    },
                }),
                Err(error) => known(&interface.device, error),
            }
        }
    }
    Ok(stats)
}

fn take_memory(stats: &mut DomainStats, tag: u32, kib: u64) {
    let memory = &mut stats.memory;
    match tag {
        sys::VIR_DOMAIN_MEMORY_STAT_SWAP_IN => memory.swap_in_kib = Some(kib),
        sys::VIR_DOMAIN_MEMORY_STAT_SWAP_OUT => memory.swap_out_kib = Some(kib),
        sys::VIR_DOMAIN_MEMORY_STAT_UNUSED => memory.unused_kib = Some(kib),
        sys::VIR_DOMAIN_MEMORY_STAT_AVAILABLE => memory.available_kib = Some(kib),
        sys::VIR_DOMAIN_MEMORY_STAT_USABLE => memory.usable_kib = Some(kib),
        sys::VIR_DOMAIN_MEMORY_STAT_RSS => memory.resident_kib = Some(kib),
        _ => {}
    }
}

fn disk(domain: &Domain, device: &str, failed: &mut dyn FnMut(&str, Error)) -> DiskStats {
    let mut disk = DiskStats { device: device.to_owned(), has_path: true, ..DiskStats::default() };
    match domain.block_stats(device) {
        Ok(counters) => {
            disk.read_requests = count(counters.rd_req);
            disk.read_bytes = count(counters.rd_bytes);
            disk.write_requests = count(counters.wr_req);
            disk.write_bytes = count(counters.wr_bytes);
        }
        Err(error) => failed(device, error),
    }
    match block_info(domain, device) {
        Ok(info) => {
            disk.allocation_bytes = Some(info.allocation);
            disk.capacity_bytes = Some(info.capacity);
            disk.physical_bytes = Some(info.physical);
        }
        Err(error) => failed(device, error),
    }
    disk
}

/// libvirt's -1 is "not known".
fn count(counter: i64) -> Option<u64> {
    u64::try_from(counter).ok()
}
