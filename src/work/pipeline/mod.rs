//! Records through Ceilometer's pipelines: each goes to the sinks of every source that takes its name, and through
//! their transformers to their publishers.
//!
//! `outlet` is where publishers' records go, `flow` what a file makes of one kind of record, `rehearsal` tells what
//! would happen, `direct` the same without pipelines.

mod direct;
mod flow;
mod outlet;
mod rehearsal;

use std::sync::Arc;

use crate::base::{Books, Failure, LineSink, Stop};
use crate::model::RecordKind;
use crate::pipeline::{BadSample, Number, Pipelines, Publisher};
use crate::wire::json::{Records, Reject, ValueKind, unescape};
use crate::work::records::{Line, Trouble, Worker};

pub use direct::Showing;
use flow::{Flow, Taken};
pub use outlet::{Opener, Outlets, Shown, Way, Witness};
pub use rehearsal::Rehearsal;

/// The keys that a run's [`Records`] must look for.
pub const KEYS: [&str; 6] =
    ["name", "volume", "counter_name", "counter_volume", "event_type", "message_signature"];
const NAME: usize = 0;
const VOLUME: usize = 1;
const COUNTER_NAME: usize = 2;
const COUNTER_VOLUME: usize = 3;
const EVENT_TYPE: usize = 4;

/// The pipelines of a run, of samples, of events, or of both.
#[derive(Default)]
pub struct Plans {
    /// Of pipeline.yaml.
    pub samples: Option<Pipelines>,
    /// Of event_pipeline.yaml.
    pub events: Option<Pipelines>,
}

impl Plans {
    fn publishers(&self) -> impl Iterator<Item = &Publisher> {
        self.samples.iter().chain(&self.events).flat_map(Pipelines::publishers)
    }
}

/// Reads the plans of a run anew.
pub type Read = Box<dyn FnMut() -> Result<Plans, Failure>>;

/// A worker that publishes what its pipelines make of records.
pub struct Publishing {
    samples: Option<Flow>,
    events: Option<Flow>,
    outlets: Outlets,
    /// Whether records are printed as they came, too.
    tee: bool,
    books: Arc<Books>,
    reload: Option<Reload>,
    name: Vec<u8>,
}

/// Where new plans come from.
struct Reload {
    stop: Arc<Stop>,
    seen: u64,
    read: Read,
}

impl Publishing {
    /// Publishes as `plans` say, to what `outlets` open. With `tee` the output of the run gets every record taken.
    ///
    /// # Errors
    /// When a publisher cannot be opened.
    pub fn new(
        plans: Plans,
        mut outlets: Outlets,
        tee: bool,
        books: &Arc<Books>,
    ) -> Result<Publishing, Failure> {
        outlets.open(plans.publishers())?;
        Ok(Publishing {
            samples: plans.samples.map(|plan| Flow::new(plan, None, &outlets)),
            events: plans.events.map(|plan| Flow::new(plan, None, &outlets)),
            outlets,
            tee,
            books: Arc::clone(books),
            reload: None,
            name: Vec::new(),
        })
    }

    /// Takes up what `read` gives whenever `stop` says that a reload was asked for, while the run began, too. Publishers that stay are reopened,
    /// transformers of sinks that stay the same keep what they know; when `read` fails, or a publisher cannot be opened,
    /// all stays as it is.
    pub fn reload_with(&mut self, stop: &Arc<Stop>, read: Read) {
        self.reload = Some(Reload { stop: Arc::clone(stop), seen: 0, read });
    }

    /// Hands on what transformers still hold, and closes all publishers.
    ///
    /// # Errors
    /// The first failure of a publisher; all are closed.
    pub fn finish(&mut self, out: &mut dyn LineSink) -> Result<(), Failure> {
        self.outlets.ends();
        let flows = [&mut self.samples, &mut self.events];
        for flow in flows.into_iter().flatten() {
            flow.finish(&mut self.outlets);
        }
        self.count();
        let told = self.outlets.tell(out);
        let told = told.and_then(|()| self.print(|| out.flush()));
        self.outlets.close().and(told)
    }

    /// Prints what --tee prints. When nobody reads it any more, or it cannot be written, publishing goes on without.
    fn print(&mut self, act: impl FnOnce() -> Result<(), Failure>) -> Result<(), Failure> {
        match act() {
            Err(failure) if self.tee => {
                self.tee = false;
                if !matches!(failure, Failure::OutputClosed) {
                    self.books.trouble(&failure);
                }
                Ok(())
            }
            other => other,
        }
    }

    fn count(&mut self) {
        for flow in [&mut self.samples, &mut self.events].into_iter().flatten() {
            flow.count(&self.books);
        }
        self.outlets.count();
    }

    fn reread(&mut self) {
        let Some(reload) = &mut self.reload else { return };
        self.outlets.reopen();
        let opened = (reload.read)().and_then(|plans| {
            self.outlets.open(plans.publishers())?;
            Ok(plans)
        });
        let plans = match opened {
            Ok(plans) => plans,
            Err(failure) => {
                self.books.complain(&failure);
                self.books.complain(&"the pipelines stay as they were");
                return;
            }
        };
        self.samples = plans.samples.map(|plan| Flow::new(plan, self.samples.take(), &self.outlets));
        self.events = plans.events.map(|plan| Flow::new(plan, self.events.take(), &self.outlets));
        self.outlets.close_unused();
    }
}

impl Worker for Publishing {
    fn record(
        &mut self,
        records: &mut Records,
        line: Line<'_>,
        out: &mut dyn LineSink,
    ) -> Result<(), Trouble> {
        let kind = records.kind().ok_or(Reject::NotRecord)?;
        let plain = [NAME, VOLUME].iter().all(|key| records.extra(*key).kind != ValueKind::Absent);
        let (name, volume) = if plain { (NAME, VOLUME) } else { (COUNTER_NAME, COUNTER_VOLUME) };
        let (flow, name) = match kind {
            RecordKind::Sample => (&mut self.samples, name),
            RecordKind::Event => (&mut self.events, EVENT_TYPE),
            other => {
                records.check(line.bytes)?;
                return Err(Trouble::Skip(other));
            }
        };
        let slot = records.extra(volume);
        // A text that Python's float() reads passes as a volume, unchanged (`_validate_volume`, 27.0.0).
        let is_number_in_quotes = kind == RecordKind::Sample
            && matches!(slot.kind, ValueKind::Text | ValueKind::EscapedText)
            && std::str::from_utf8(slot.bytes(line.bytes)).is_ok_and(|text| Number::of_text(text).is_some());
        if !is_number_in_quotes {
            records.check(line.bytes)?;
        }
        let Some(flow) = flow else { return Err(Trouble::Skip(kind)) };
        let slot = records.extra(name);
        self.name.clear();
        let wrong = Reject::WrongType { kind, key: KEYS[name], expected: "a text of whole characters" };
        match slot.kind {
            ValueKind::Text => self.name.extend(slot.bytes(line.bytes)),
            ValueKind::EscapedText if unescape(slot.bytes(line.bytes), &mut self.name) => {}
            _ => return Err(wrong.into()),
        }
        self.outlets.see(line, kind, &self.name);
        let taken = flow.take(&self.name, line.bytes, &mut self.outlets).map_err(|bad| rejection(kind, bad));
        if let Ok(Taken { refused: Some(bad), .. }) = &taken {
            let (source, number) = (line.source, line.number);
            self.books.warn("not transformed", &format_args!("{source}:{number}: {bad}; not transformed"));
        }
        self.outlets.check()?;
        self.outlets.tell(out)?;
        // Published first, then printed, and printed once.
        let taken = taken?;
        if self.tee && !taken.printed {
            self.print(|| out.line(line.bytes))?;
        }
        Ok(())
    }

    fn refresh(&mut self, _records: &mut Records) -> Result<(), Failure> {
        self.count();
        let asked = self.reload.as_mut().is_some_and(|reload| {
            let reloads = reload.stop.reloads();
            std::mem::replace(&mut reload.seen, reloads) != reloads
        });
        if asked {
            self.reread();
        }
        Ok(())
    }

    fn pause(&mut self, out: &mut dyn LineSink) -> Result<(), Failure> {
        self.outlets.ends();
        for flow in [&mut self.samples, &mut self.events].into_iter().flatten() {
            flow.flush(&mut self.outlets);
        }
        self.count();
        self.outlets.flush();
        self.outlets.check()?;
        self.outlets.tell(out)?;
        self.print(|| out.flush())
    }

    fn settle(&mut self, out: &mut dyn LineSink) -> Result<(), Failure> {
        self.outlets.settle();
        self.outlets.check()?;
        self.print(|| out.settle())
    }
}

fn rejection(kind: RecordKind, bad: BadSample) -> Reject {
    match bad {
        BadSample::Missing(key) => Reject::Missing { kind, key },
        BadSample::WrongType(key, expected) => Reject::WrongType { kind, key, expected },
        BadSample::Timestamp(why, shown) => Reject::Timestamp(why, shown),
        BadSample::Unreadable => Reject::Unreadable,
    }
}
