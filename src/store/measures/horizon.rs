//! How far back points are taken: the one rule of what is late.

use crate::model::Timestamp;
use crate::series::ArchivePolicy;

const BEGINNING: Timestamp = Timestamp::from_ns(i64::MIN);

/// How far back points of a metric are taken: to its floor, which the newest point moves forward by the back window of the archive
/// policy and nothing moves back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Horizon {
    newest: Option<Timestamp>,
    floor: Timestamp,
    /// The time from which on a point moves the floor.
    next_block: Timestamp,
}

/// What a point is among those that came before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrived {
    /// Older than the floor: dropped.
    Late,
    /// Newer than all.
    Newest,
    /// Not newer than all.
    Behind,
}

impl Default for Horizon {
    /// Of a metric without points, which takes any.
    fn default() -> Horizon {
        Horizon { newest: None, floor: BEGINNING, next_block: BEGINNING }
    }
}

impl Horizon {
    /// Of a metric whose newest point and floor are known.
    pub(super) fn at(newest: Timestamp, floor: Timestamp) -> Horizon {
        Horizon { newest: Some(newest), floor, ..Horizon::default() }
    }

    /// Takes the next point that comes.
    #[inline]
    pub fn arrive(&mut self, time: Timestamp, policy: &ArchivePolicy) -> Arrived {
        if time < self.floor {
            return Arrived::Late;
        }
        if self.newest.is_some_and(|newest| time <= newest) {
            return Arrived::Behind;
        }
        self.newest = Some(time);
        if time >= self.next_block {
            self.advance(policy);
        }
        Arrived::Newest
    }

    /// Moves the floor to where the policy has it, which may have a smaller window than it had.
    pub(super) fn advance(&mut self, policy: &ArchivePolicy) {
        let Some(newest) = self.newest else { return };
        self.floor = self.floor.max(policy.window_start(newest));
        let block = policy.coarsest().ns();
        let start = newest.ns().saturating_sub(newest.ns().rem_euclid(block));
        self.next_block = Timestamp::from_ns(start.saturating_add(block));
    }

    /// There was a point at `time`; the floor stays where it is.
    pub(super) fn reach(&mut self, time: Timestamp) {
        self.newest = self.newest.max(Some(time));
    }

    /// The time of the newest point.
    pub fn newest(&self) -> Option<Timestamp> {
        self.newest
    }

    /// Older points are late: spans that end here or before change no more.
    pub(super) fn floor(&self) -> Timestamp {
        self.floor
    }
}
