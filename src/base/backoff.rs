//! Pauses between attempts: doubled each time, and shortened at random so that a fleet does not come back at once.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::time::Duration;

/// The first pause between two attempts.
const FIRST: Duration = Duration::from_millis(100);
/// The longest such pause: a broker that comes back is not waited for longer.
const MAX: Duration = Duration::from_secs(30);

/// How long to wait before the next attempt.
#[derive(Debug)]
pub struct Backoff {
    next: Duration,
    max: Duration,
}

impl Default for Backoff {
    fn default() -> Backoff {
        Backoff { next: FIRST, max: MAX }
    }
}

impl Backoff {
    /// One whose longest pause is `max`.
    pub fn up_to(max: Duration) -> Backoff {
        Backoff { next: FIRST.min(max), max }
    }

    /// The pause before the next attempt; the one after it is twice as long, up to the longest.
    pub fn pause(&mut self) -> Duration {
        let pause = self.next.mul_f64(jitter());
        self.next = (self.next * 2).min(self.max);
        pause
    }

    /// An attempt succeeded: the next pause is a short one.
    pub fn reset(&mut self) {
        self.next = FIRST.min(self.max);
    }
}

/// 0.5 to 1, at random.
fn jitter() -> f64 {
    let random = RandomState::new().build_hasher().finish();
    0.5 + 0.5 * (random >> 11) as f64 / (1u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_half_a_minute() {
        let mut backoff = Backoff::default();
        for expected in [0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 12.8, 25.6, 30.0, 30.0] {
            let pause = backoff.pause().as_secs_f64();
            assert!(
                (expected * 0.5..=expected).contains(&pause),
                "{pause} is not half of {expected} or more"
            );
        }
        backoff.reset();
        assert!(backoff.pause() <= FIRST);
        let mut short = Backoff::up_to(Duration::from_millis(150));
        for expected in [0.1, 0.15, 0.15] {
            assert!((expected * 0.5..=expected).contains(&short.pause().as_secs_f64()));
        }
    }
}
