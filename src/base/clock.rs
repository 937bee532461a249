//! The clocks of this machine. Engines get the time as an argument; only doors and wiring ask here.

use std::time::{SystemTime, UNIX_EPOCH};

/// Nanoseconds since 1970-01-01T00:00:00Z by the system's clock; 0 when it stands before that.
pub fn now_ns() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_nanos()).unwrap_or(i64::MAX)
}

/// Seconds of a clock that never jumps and does not stand still in suspend (CLOCK_BOOTTIME).
pub fn monotonic_seconds() -> f64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
    time.tv_sec as f64 + time.tv_nsec as f64 * 1e-9
}
