//! The pollster of a build without libvirt: it can be named, and says why it cannot be opened.

use std::convert::Infallible;

use crate::base::Failure;
use crate::poll::{Meter, Pollster, Round, Taker};

/// Never there: [`Libvirt::open`] always fails.
pub struct Libvirt(Infallible);

impl Libvirt {
    /// Fails.
    ///
    /// # Errors
    /// Always: [`Failure::Unavailable`], with what to rebuild.
    pub fn open(_uri: Option<&str>) -> Result<Libvirt, Failure> {
        Err(Failure::Unavailable("built without libvirt; rebuild with --features libvirt".to_owned()))
    }
}

impl Pollster for Libvirt {
    fn name(&self) -> &str {
        match self.0 {}
    }

    fn meters(&self) -> &'static [Meter] {
        match self.0 {}
    }

    fn poll(&mut self, _round: &Round<'_>, _taker: &mut dyn Taker) {
        match self.0 {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_build_without_libvirt_says_what_to_rebuild() {
        let failure = Libvirt::open(None).err().unwrap();
        assert_eq!(failure.to_string(), "built without libvirt; rebuild with --features libvirt");
        assert_eq!(failure.status(), 69);
    }
}
