//! The sizes of one disk (`virDomainGetBlockInfo`).
//!
//! Unsafe, because crate `virt` 0.5.0 drops the error of its `Domain::block_info` and then reads memory that was
//! never written. Where that call succeeds it is the safe twin, and a test compares the two.

use std::ffi::CString;

use virt::domain::{BlockInfo, Domain};
use virt::error::Error;
use virt::sys;

/// What the guest sees, what was written, and what the host holds, in bytes.
///
/// # Errors
/// When there is no such disk, or its image cannot be looked at.
pub fn block_info(domain: &Domain, device: &str) -> Result<BlockInfo, Error> {
    let device = CString::new(device)?;
    let mut info = sys::virDomainBlockInfo { capacity: 0, allocation: 0, physical: 0 };
    // SAFETY: the borrow keeps the domain alive during the call, `device` is a null-terminated string, and `info` is
    // a whole, initialised struct that libvirt may write to.
    let result = unsafe { sys::virDomainGetBlockInfo(domain.as_ptr(), device.as_ptr(), &mut info, 0) };
    if result < 0 {
        return Err(Error::last_error());
    }
    Ok(BlockInfo { capacity: info.capacity, allocation: info.allocation, physical: info.physical })
}
