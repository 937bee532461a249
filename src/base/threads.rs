//! Threads that are waited for, but not for ever.

use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// How often it is looked.
const LOOK_EVERY: Duration = Duration::from_millis(1);

/// Waits until all have ended, or `at_most` has passed: a thread that hangs must not keep a program from its end.
pub fn await_end<T>(threads: &[JoinHandle<T>], at_most: Duration) {
    let begun = Instant::now();
    while !threads.iter().all(JoinHandle::is_finished) && begun.elapsed() < at_most {
        thread::sleep(LOOK_EVERY);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use super::*;

    #[test]
    fn what_ends_is_waited_for_and_what_hangs_is_not() {
        let (held, waits) = channel::<()>();
        let threads = [thread::spawn(|| ()), thread::spawn(move || _ = waits.recv())];
        await_end(&threads[..1], Duration::from_secs(60));
        assert!(threads[0].is_finished());
        await_end(&threads, Duration::ZERO);
        assert!(!threads[1].is_finished());
        drop(held);
        await_end(&threads, Duration::from_secs(60));
        assert!(threads[1].is_finished());
    }
}
