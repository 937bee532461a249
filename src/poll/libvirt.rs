//! libvirt's domains.
