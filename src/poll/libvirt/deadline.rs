//! Questions that may never be answered, asked on threads of their own.
//!
//! libvirt has no deadline, and a guest whose QEMU hangs holds the bulk call of whoever comes first. That call is left
//! waiting; it holds the guest's job in libvirtd, so that the next call, which does not wait for jobs, passes the
//! guest over and brings all the others.

use std::sync::mpsc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// Calls left waiting at once: one less than libvirtd takes of one client (`max_client_requests`, 5).
pub const WAITING_MAX: usize = 4;

/// The questions that nobody has answered in time, and may still answer.
#[derive(Default)]
pub struct Waiting(Vec<JoinHandle<()>>);

impl Waiting {
    /// Whether one more question may be asked.
    pub fn has_room(&mut self) -> bool {
        self.0.retain(|thread| !thread.is_finished());
        self.0.len() < WAITING_MAX
    }

    /// The answer; `None` when it does not come within `limit`, and then the question is left waiting.
    ///
    /// `None`, too, when the system has no thread left, or the question panics.
    pub fn ask<T: Send + 'static>(
        &mut self,
        limit: Duration,
        question: impl FnOnce() -> T + Send + 'static,
    ) -> Option<T> {
        let (sender, receiver) = mpsc::sync_channel(1);
        let thread = thread::Builder::new().name("libvirt".into());
        // An answer that comes too late has no receiver, and is dropped.
        let thread = thread.spawn(move || _ = sender.send(question())).ok()?;
        let answer = receiver.recv_timeout(limit).ok();
        if answer.is_none() {
            self.0.push(thread);
        }
        answer
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_in_time_is_taken_and_the_silent_are_left_waiting_up_to_a_limit() {
        let mut waiting = Waiting::default();
        assert_eq!(waiting.ask(Duration::from_secs(60), || 7), Some(7));
        let mut locks = Vec::new();
        for _ in 0..WAITING_MAX {
            assert!(waiting.has_room());
            let (lock, locked) = mpsc::channel::<()>();
            assert_eq!(waiting.ask(Duration::from_millis(1), move || locked.recv().is_ok()), None);
            locks.push(lock);
        }
        assert!(!waiting.has_room());
        drop(locks);
        while !waiting.has_room() {
            thread::yield_now();
        }
        assert_eq!(waiting.ask(Duration::from_secs(60), || 8), Some(8));
    }
}
