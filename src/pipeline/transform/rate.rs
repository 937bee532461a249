//! `rate_of_change`: how much a meter changes a second.

use super::conversion::Conversion;
use super::recent::Recent;
use super::{Dropped, Taken, Transformer};
use crate::pipeline::number::Number;
use crate::pipeline::sample::Sample;

/// `rate_of_change` (`RateOfChangeTransformer`, 8.1.5).
pub struct Rate {
    conversion: Conversion,
    seen: Recent<Option<Seen>>,
}

/// The sample before.
struct Seen {
    volume: Number,
    microseconds: i64,
    monotonic_seconds: Option<f64>,
}

impl Rate {
    /// Rates, named and scaled by `conversion`; its scale is of the rate, or, where it names `volume`, of volume times
    /// rate. A plain number multiplies volume and rate, as in Ceilometer: write `"1000.0"`, in quotes, for a factor.
    pub fn new(conversion: Conversion) -> Rate {
        Rate { conversion, seen: Recent::default() }
    }
}

impl Transformer for Rate {
    fn take<'a>(&mut self, mut sample: Sample<'a>) -> Result<Taken<'a>, Dropped> {
        let now = Seen {
            volume: sample.volume,
            // Python's clock has microseconds, and rates are to be the same to the last digit.
            microseconds: sample.time.ns().div_euclid(1000),
            monotonic_seconds: sample.monotonic_time.as_f64(),
        };
        let seen = self.seen.entry(&sample.name, &sample.resource_id, || None);
        let Some(before) = seen else {
            *seen = Some(now);
            return Err(Dropped::First);
        };
        let seconds = match (before.monotonic_seconds, now.monotonic_seconds) {
            (Some(before), Some(now)) => now - before,
            _ => (now.microseconds - before.microseconds) as f64 / 1e6,
        };
        if seconds < 0.0 {
            return Err(Dropped::OutOfOrder);
        }
        // A counter that went down was reset: what it shows now is the least that it grew.
        let was_reset = sample.sample_type == "cumulative"
            && before.volume.compare(now.volume) == Some(std::cmp::Ordering::Greater);
        let growth = if was_reset { now.volume } else { now.volume.minus(before.volume) };
        *seen = Some(now);
        let rate = if seconds == 0.0 { 0.0 } else { growth.to_f64() / seconds };
        let volume = self.conversion.scale_of_rate(&sample)?.times(Number::Float(rate));
        let volume = self.conversion.limited(volume);
        self.conversion.apply(&mut sample, volume);
        Ok(Taken::Passed(sample))
    }
}
