//! The thread behind an HTTP sink: takes batches from the queue and has them posted until each record's fate is known.
//!
//! A request that got no answer, or one that says "not now", is made again, each time after a longer pause with some
//! chance in it; a receiver that names a pause gets it. Whatever else is answered is final: a 2xx means delivered, all
//! other statuses that the records are lost, which is said with the status and what the receiver says of it.
//!
//! A receiver that took a request and could not say so gets it twice: samples and events have identities for that.

use memchr::memchr_iter;

use super::super::courier::{Abandoned, Courier};
use super::client::{Answer, Client, Receiver, Request};
use super::dialect::{Dialect, Parcel};
use super::target::Target;
use crate::base::{Backoff, Failure};

/// Bytes of records that are handed to a dialect at once: a few thousand, and less than a receiver's usual limit for
/// a body (Gnocchi, Prometheus and nginx behind them: 1 to 32 MiB).
const BATCH_BYTES_MAX: usize = 1024 * 1024;

/// What the thread is started with.
pub struct Delivery {
    client: Client,
    dialect: Box<dyn Dialect>,
    retries_max: Option<u64>,
}

impl Delivery {
    /// Delivers to `target` in `dialect`.
    ///
    /// # Errors
    /// When a file that the target names cannot be used.
    pub fn new(target: &Target, dialect: Box<dyn Dialect>) -> Result<Delivery, Failure> {
        Ok(Delivery { client: Client::new(target)?, dialect, retries_max: target.retries_max })
    }

    /// Delivers until the end, or until nobody waits any more.
    pub fn run(mut self, courier: Courier) {
        // Abandoned: whoever gave up has counted what was left.
        let _ = self.deliver(&courier);
        courier.finished();
    }

    fn deliver(&mut self, courier: &Courier) -> Result<(), Abandoned> {
        while let Some(batch) = courier.next_batch(BATCH_BYTES_MAX)? {
            let mut lines = Vec::with_capacity(batch.records as usize);
            let mut start = 0;
            for end in memchr_iter(b'\n', &batch.bytes) {
                lines.push(&batch.bytes[start..=end]);
                start = end + 1;
            }
            let passing = self.dialect.passing();
            let mut round = Round::new(&self.client, courier, self.retries_max, passing, batch.records);
            self.dialect.deliver(&lines, &mut round)?;
            debug_assert_eq!(round.open, 0, "records that nobody accounted for");
            let open = round.open;
            // Room is made only now: until then whoever waits for an empty queue has reason to.
            let _ = courier.settled(open, batch.bytes.len());
        }
        Ok(())
    }
}

/// The delivery of one batch.
pub struct Round<'a> {
    receiver: &'a dyn Receiver,
    courier: &'a Courier,
    retries_max: Option<u64>,
    is_passing: fn(u16) -> bool,
    /// Records whose fate is not known yet.
    open: u64,
}

impl<'a> Round<'a> {
    /// The delivery of `records` to `receiver`, with `retries_max` attempts more after a status that `is_passing`.
    pub fn new(
        receiver: &'a dyn Receiver,
        courier: &'a Courier,
        retries_max: Option<u64>,
        is_passing: fn(u16) -> bool,
        records: u64,
    ) -> Round<'a> {
        Round { receiver, courier, retries_max, is_passing, open: records }
    }

    /// Makes `request` until there is an answer that time will not change; none after as many attempts as are allowed.
    ///
    /// # Errors
    /// [`Abandoned`] when nobody waits for it any more.
    pub fn exchange(&mut self, request: &Request) -> Result<Option<Answer>, Abandoned> {
        let mut backoff = Backoff::default();
        let mut retries = 0;
        loop {
            let asked_pause = match self.receiver.exchange(request) {
                Ok(answer) if !(self.is_passing)(answer.status) => {
                    self.courier.up();
                    return Ok(Some(answer));
                }
                Ok(answer) => {
                    self.courier.down("cannot deliver", &answer);
                    answer.retry_after
                }
                Err(error) => {
                    self.courier.down("cannot deliver", &error);
                    None
                }
            };
            if self.retries_max.is_some_and(|most| retries >= most) {
                return Ok(None);
            }
            retries += 1;
            match asked_pause {
                Some(asked) => self.courier.wait(asked)?,
                None => self.courier.pause(&mut backoff)?,
            };
        }
    }

    /// Makes the request of `parcel` and accounts for its records; the answer when it was taken.
    ///
    /// # Errors
    /// As [`Round::exchange`].
    pub fn post(&mut self, parcel: &Parcel) -> Result<Option<Answer>, Abandoned> {
        match self.exchange(&parcel.request)? {
            Some(answer) if answer.is_success() => {
                self.delivered(parcel.records, parcel.bytes)?;
                Ok(Some(answer))
            }
            Some(answer) => self.refused(&answer, parcel.records).map(|()| None),
            None => self.given_up(parcel.records).map(|()| None),
        }
    }

    /// `records` were taken; their lines are `bytes` long together.
    ///
    /// # Errors
    /// [`Abandoned`] when they were given up, and counted as lost, before.
    pub fn delivered(&mut self, records: u64, bytes: u64) -> Result<(), Abandoned> {
        self.settle(records)?;
        self.courier.books.wrote(records, bytes);
        Ok(())
    }

    /// The receiver does not want `records`.
    ///
    /// # Errors
    /// As [`Round::delivered`].
    pub fn refused(&mut self, answer: &Answer, records: u64) -> Result<(), Abandoned> {
        let what = format_args!("{}: {answer}; records lost: {records}", self.courier.name).to_string();
        self.courier.books.warn("refused", &what);
        self.lost(&format!("refused with {}", answer.status), records)
    }

    /// No attempt was left for `records`.
    ///
    /// # Errors
    /// As [`Round::delivered`].
    pub fn given_up(&mut self, records: u64) -> Result<(), Abandoned> {
        self.lost("not delivered", records)
    }

    /// `records` are lost, for a reason that was said; costs the exit status.
    ///
    /// # Errors
    /// As [`Round::delivered`].
    pub fn lost(&mut self, reason: &str, records: u64) -> Result<(), Abandoned> {
        self.settle(records)?;
        self.courier.books.undelivered(&format!("{} {reason}", self.courier.name), records);
        Ok(())
    }

    /// Something did not go as it should, and no record is lost by it.
    pub fn say(&self, topic: &'static str, what: &dyn std::fmt::Display) {
        self.courier.books.warn(topic, &format_args!("{}: {what}", self.courier.name));
    }

    /// Makes `request`, and says when it was refused with another status than `expected`.
    ///
    /// # Errors
    /// As [`Round::exchange`].
    pub fn tell(&mut self, request: &Request, expected: u16) -> Result<(), Abandoned> {
        let answer = self.exchange(request)?;
        if let Some(answer) = answer.filter(|answer| !answer.is_success() && answer.status != expected) {
            self.say("refused", &format_args!("{} {}: {answer}", request.method, request.path));
        }
        Ok(())
    }

    /// One record cannot be said in the receiver's dialect; `reason` is short, `why` is said. It counts as rejected for
    /// the exit status.
    ///
    /// # Errors
    /// As [`Round::delivered`].
    pub fn unusable(&mut self, reason: &'static str, why: &dyn std::fmt::Display) -> Result<(), Abandoned> {
        self.courier.books.warn(reason, &format_args!("{}: {why}", self.courier.name));
        self.settle(1)?;
        self.courier.books.unsendable(&format!("{} {reason}", self.courier.name), 1);
        Ok(())
    }

    /// `records` of `kind` are none of the receiver's business.
    ///
    /// # Errors
    /// As [`Round::delivered`].
    pub fn skipped(&mut self, kind: &'static str, records: u64) -> Result<(), Abandoned> {
        self.settle(records)?;
        self.courier.books.skip(kind, records);
        Ok(())
    }

    fn settle(&mut self, records: u64) -> Result<(), Abandoned> {
        debug_assert!(records <= self.open, "{records} of {} records", self.open);
        self.open = self.open.saturating_sub(records);
        if self.courier.settled(records, 0) { Ok(()) } else { Err(Abandoned) }
    }
}
