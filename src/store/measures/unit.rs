//! The unit that times are written in: the largest that divides all of them.

use super::error::Damaged;

const UNITS_NS: [i64; 4] = [1_000_000_000, 1_000_000, 1_000, 1];

/// A unit, by the number that stands for it on disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Unit(u8);

impl Unit {
    /// The largest that divides all of `times_ns`.
    pub(super) fn of(times_ns: impl Iterator<Item = i64> + Clone) -> Unit {
        let divides = |unit: &i64| times_ns.clone().all(|time| time % unit == 0);
        Unit(UNITS_NS.iter().position(divides).unwrap_or(UNITS_NS.len() - 1) as u8)
    }

    /// The one with this number.
    pub(super) fn numbered(number: u8) -> Result<Unit, Damaged> {
        if usize::from(number) < UNITS_NS.len() {
            Ok(Unit(number))
        } else {
            Err(Damaged("an unknown unit of time"))
        }
    }

    /// Its number.
    pub(super) fn number(self) -> u8 {
        self.0
    }

    /// How long it is.
    pub(super) fn ns(self) -> i64 {
        UNITS_NS[usize::from(self.0)]
    }

    /// A time, which the unit divides, in it.
    #[inline]
    pub(super) fn scale(self, ns: i64) -> i64 {
        // By constants: a division by a variable costs ten times as much.
        match self.0 {
            0 => ns / 1_000_000_000,
            1 => ns / 1_000_000,
            2 => ns / 1_000,
            _ => ns,
        }
    }
}
