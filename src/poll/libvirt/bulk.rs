//! The counters of all domains in one call (`virConnectGetAllDomainStats`).
//!
//! Unsafe, because crate `virt` 0.5.0 hands out the records as bare pointers, without a reader and without `Drop`.
//! The safe twin it is tested against is [`super::fallback`].

use std::ffi::CStr;
use std::{ptr, slice};

use virt::connect::Connect;
use virt::domain::Domain;
use virt::error::Error;
use virt::sys;

use super::meters::Groups;
use super::stats::{DomainStats, StatValue};

/// A domain and what libvirt counted of it.
pub struct Record {
    pub domain: Domain,
    pub name: String,
    pub uuid: String,
    pub stats: DomainStats,
}

impl Record {
    /// Reads the name and the UUID that libvirt keeps with `domain`, without asking its daemon.
    ///
    /// # Errors
    /// libvirt's, which this cannot provoke.
    pub fn new(domain: Domain, stats: DomainStats) -> Result<Record, Error> {
        Ok(Record { name: domain.name()?, uuid: domain.uuid_string()?, domain, stats })
    }
}

/// The groups of every domain, active or not, in libvirt's order.
///
/// `nowait`: leave out what a domain that is busy with another job (a migration, a backup) cannot tell at once, so
/// that one stuck domain does not blank the host. Drivers that do not know the flag refuse the call.
///
/// # Errors
/// When libvirt refuses, or the connection is lost.
pub fn all_domains(connect: &Connect, groups: Groups, nowait: bool) -> Result<Vec<Record>, Error> {
    let flags = if nowait { sys::VIR_CONNECT_GET_ALL_DOMAINS_STATS_NOWAIT } else { 0 };
    let list = RecordList::ask(connect, mask(groups), flags)?;
    list.records().map(|record| Record::new(domain(record)?, stats(record))).collect()
}

fn mask(groups: Groups) -> u32 {
    let bit = |asked: bool, bit: u32| if asked { bit } else { 0 };
    sys::VIR_DOMAIN_STATS_STATE
        | bit(groups.cpu, sys::VIR_DOMAIN_STATS_CPU_TOTAL | sys::VIR_DOMAIN_STATS_VCPU)
        | bit(groups.memory, sys::VIR_DOMAIN_STATS_BALLOON)
        | bit(groups.interfaces, sys::VIR_DOMAIN_STATS_INTERFACE)
        | bit(groups.disks, sys::VIR_DOMAIN_STATS_BLOCK)
        | bit(groups.perf, sys::VIR_DOMAIN_STATS_PERF)
}

/// What libvirt allocated for an answer; freed with everything in it when this is dropped.
struct RecordList {
    /// `count` pointers to records, none of them null, and a null behind them.
    list: *mut sys::virDomainStatsRecordPtr,
    count: usize,
}

impl RecordList {
    fn ask(connect: &Connect, stats: u32, flags: u32) -> Result<RecordList, Error> {
        let mut list = ptr::null_mut();
        // SAFETY: the borrow keeps the connection open during the call; `list` is a place for one pointer, which
        // libvirt sets to an array that becomes ours when the result is not negative, and leaves alone otherwise.
        let count = unsafe { sys::virConnectGetAllDomainStats(connect.as_ptr(), stats, &mut list, flags) };
        match usize::try_from(count) {
            Ok(count) => Ok(RecordList { list, count }),
            Err(_) => Err(Error::last_error()),
        }
    }

    /// The records, borrowed from the list so that none outlives it.
    fn records(&self) -> impl Iterator<Item = &sys::virDomainStatsRecord> {
        let pointers = if self.list.is_null() {
            &[]
        } else {
            // SAFETY: libvirt returned `count` as the number of pointers in the array at `list`, which is not null
            // and lives until `drop`; nobody writes to it while `self` is borrowed.
            unsafe { slice::from_raw_parts(self.list, self.count) }
        };
        // SAFETY: each pointer of the array is null or points to a record that libvirt filled in and that lives as
        // long as the list; `as_ref` turns the null into `None`.
        pointers.iter().filter_map(|&record| unsafe { record.as_ref() })
    }
}

impl Drop for RecordList {
    fn drop(&mut self) {
        // SAFETY: `list` came from virConnectGetAllDomainStats, was not freed before (only `drop` does, once), and
        // nothing borrowed from it is left. The function takes null, and frees records, parameters and references.
        unsafe { sys::virDomainStatsRecordListFree(self.list) }
    }
}

fn domain(record: &sys::virDomainStatsRecord) -> Result<Domain, Error> {
    // SAFETY: `dom` is a valid domain for as long as the record lives; this only counts one reference more.
    if unsafe { sys::virDomainRef(record.dom) } < 0 {
        return Err(Error::last_error());
    }
    // SAFETY: the reference just counted is handed to the new `Domain`, whose `Drop` gives it back.
    Ok(unsafe { Domain::from_ptr(record.dom) })
}

fn stats(record: &sys::virDomainStatsRecord) -> DomainStats {
    let params = match usize::try_from(record.nparams) {
        Ok(count) if !record.params.is_null() => {
            // SAFETY: libvirt filled in `nparams` parameters at `params`, which is not null and lives as long as the
            // record; nobody writes to them while the record is borrowed.
            unsafe { slice::from_raw_parts(record.params, count) }
        }
        _ => &[],
    };
    let mut stats = DomainStats::default();
    for param in params {
        // A field's name is at most 79 bytes and a null; one without a null would be libvirt's mistake.
        let name = param.field.map(|c| c as u8);
        if let Some(name) = CStr::from_bytes_until_nul(&name).ok().and_then(|name| name.to_str().ok()) {
            stats.take(name, value(param));
        }
    }
    stats
}

fn value(param: &sys::virTypedParameter) -> StatValue<'_> {
    let value = &param.value;
    // SAFETY: `type_` says which member of the union libvirt wrote, and only that one is read; a text is a
    // null-terminated string that belongs to the parameter, or null.
    unsafe {
        match param.type_ as u32 {
            sys::VIR_TYPED_PARAM_INT => StatValue::Signed(value.i.into()),
            sys::VIR_TYPED_PARAM_UINT => StatValue::Unsigned(value.ui.into()),
            sys::VIR_TYPED_PARAM_LLONG => StatValue::Signed(value.l),
            sys::VIR_TYPED_PARAM_ULLONG => StatValue::Unsigned(value.ul),
            sys::VIR_TYPED_PARAM_STRING if !value.s.is_null() => {
                CStr::from_ptr(value.s).to_str().map_or(StatValue::Other, StatValue::Text)
            }
            _ => StatValue::Other,
        }
    }
}
