//! The poll loop: rounds at a steady pace, all sources asked in each.

use std::fmt::Display;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::base::{Books, Failure, LineSink, Stop, clock};
use crate::define::Selection;
use crate::model::{Sample, Timestamp};
use crate::poll::{Pollster, Round, Taker};

/// How often to ask.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// From the start of one round to the start of the next.
    pub interval: Duration,
    /// How many rounds; none for as long as nobody stops it.
    pub rounds: Option<u64>,
}

/// Asks all `pollsters` at the given pace.
///
/// A round that takes longer than the interval costs the rounds that it covers, which are counted, and does not
/// shift the pace.
///
/// # Errors
/// What the output cannot recover from.
pub fn run(
    pollsters: &mut [Box<dyn Pollster>],
    selection: &Selection,
    pace: Pace,
    out: &mut dyn LineSink,
    books: &Arc<Books>,
    stop: &Stop,
) -> Result<(), Failure> {
    let started = Instant::now();
    let (mut turn, mut done) = (0u32, 0u64);
    while !stop.requested() && pace.rounds.is_none_or(|rounds| done < rounds) {
        for pollster in pollsters.iter_mut() {
            let round = Round {
                // Microseconds, as Ceilometer writes: finer than any round is repeatable.
                timestamp: Timestamp::from_ns(clock::now_ns() / 1000 * 1000),
                monotonic_seconds: clock::monotonic_seconds(),
                selection,
            };
            ask(pollster.as_mut(), &round, out, books)?;
        }
        out.flush()?;
        done += 1;
        let passed = started.elapsed().as_nanos() / pace.interval.as_nanos().max(1);
        let next = u32::try_from(passed).unwrap_or(u32::MAX).saturating_add(1);
        books.count("missed_rounds", u64::from(next - turn - 1));
        turn = next;
        if pace.rounds.is_none_or(|rounds| done < rounds) {
            wait(started + pace.interval.saturating_mul(turn), stop);
        }
    }
    Ok(())
}

/// One round of one source.
fn ask(
    pollster: &mut dyn Pollster,
    round: &Round<'_>,
    out: &mut dyn LineSink,
    books: &Arc<Books>,
) -> Result<(), Failure> {
    let name = pollster.name().to_owned();
    let mut written = Written { out, books, source: &name, samples: 0, failures: 0, result: Ok(()) };
    pollster.poll(round, &mut written);
    let Written { samples, failures, result, .. } = written;
    books.read(samples, 0);
    books.count("failed", failures);
    if samples == 0 && failures > 0 {
        books.trouble_quietly(&Failure::Unavailable(format!("{name}: no samples")));
    }
    result
}

/// Until `time`, or a stop.
fn wait(time: Instant, stop: &Stop) {
    while !stop.requested() {
        let left = time.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return;
        }
        let timeout = Timespec { tv_sec: left.as_secs() as i64, tv_nsec: i64::from(left.subsec_nanos()) };
        // An interrupted wait goes round the loop.
        let _ = poll(&mut [PollFd::from_borrowed_fd(stop.as_fd(), PollFlags::IN)], Some(&timeout));
    }
}

/// Samples as lines of JSON.
struct Written<'a> {
    out: &'a mut dyn LineSink,
    books: &'a Books,
    source: &'a str,
    samples: u64,
    failures: u64,
    result: Result<(), Failure>,
}

impl Taker for Written<'_> {
    fn sample(&mut self, sample: Sample) {
        self.samples += 1;
        if self.result.is_ok() {
            self.result = serde_json::to_vec(&sample)
                .map_err(|error| Failure::Bug(error.to_string()))
                .and_then(|line| self.out.line(&line));
        }
    }

    fn failed(&mut self, what: &str, why: &dyn Display) {
        self.failures += 1;
        if what == self.source {
            self.books.warn("not measured", &format_args!("{what}: {why}"));
        } else {
            self.books.warn("not measured", &format_args!("{}: {what}: {why}", self.source));
        }
    }
}
