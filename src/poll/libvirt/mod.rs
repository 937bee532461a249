//! libvirt's domains: one bulk call for the counters of all of them, their XML for who they are.
//!
//! Here belongs everything that speaks to libvirt; `virt` is used nowhere else, and only with the cargo feature
//! `libvirt`. What is pure (the numbers, the XML, the making of samples) compiles without it.
//!
//! One poll: `pollster` asks `bulk`, under a `deadline` (or, domain by domain, `fallback`), for `stats`, keeps the
//! description of each `domain`, and `meters` makes samples of the two.

#[cfg(feature = "libvirt")]
#[allow(unsafe_code, reason = "crate virt's own call is unsound")]
mod block_info;
#[cfg(feature = "libvirt")]
#[allow(unsafe_code, reason = "crate virt hands out bare pointers")]
mod bulk;
#[cfg(feature = "libvirt")]
mod deadline;
#[cfg_attr(not(feature = "libvirt"), allow(dead_code, reason = "pure, and tested without libvirt"))]
mod domain;
#[cfg(feature = "libvirt")]
mod fallback;
#[cfg_attr(not(feature = "libvirt"), allow(dead_code, reason = "pure, and tested without libvirt"))]
mod meters;
#[cfg(feature = "libvirt")]
mod pollster;
#[cfg_attr(not(feature = "libvirt"), allow(dead_code, reason = "pure, and tested without libvirt"))]
mod resource;
#[cfg_attr(not(feature = "libvirt"), allow(dead_code, reason = "pure, and tested without libvirt"))]
mod stats;
#[cfg(not(feature = "libvirt"))]
mod without;

pub use meters::METERS;
#[cfg(feature = "libvirt")]
pub use pollster::Libvirt;
#[cfg(not(feature = "libvirt"))]
pub use without::Libvirt;

/// Where libvirt is asked unless the user says otherwise: Ceilometer's default, and what a host's service means.
///
/// libvirt's own default would quietly turn to the empty `qemu:///session` for a user who is not root.
pub const DEFAULT_URI: &str = "qemu:///system";
