//! Samples and aggregates into a store, and what events say of resources.
//!
//! Points of metrics that are known go straight to the journal. A record of a metric that is not known yet, or that says something
//! new of its resource, waits for the commit: one transaction of the index for all of them, then one append for all points.
//! Only then is a record safe, and echoed if that is asked for.

mod events;
mod known;
mod late;
mod resources;

use std::ops::Range;
use std::sync::Arc;
use std::thread::JoinHandle;

use self::known::{Key, KnownMetrics};
use self::late::Lateness;
use self::resources::{Resources, Said};
use super::records::{Line, Trouble, Worker};
use crate::base::{Books, Failure, LineSink};
use crate::model::{Node, RecordKind, Timestamp};
use crate::series::Point;
use crate::sink::ResourceDefinitions;
use crate::store::index::{IndexError, Status};
use crate::store::measures::{Arrival, Effort, Writer};
use crate::store::{MetricNumber, Store, StoreError};
use crate::wire::json::{Records, Reject, read_node};

/// Points of one append: some 50 ms of work at most between two syncs, and 1.5 MB.
const BATCH_POINTS: usize = 65_536;
/// Bytes of records that wait for one: echoed or not understood yet; a batch of samples of 500 bytes.
const BATCH_BYTES: usize = 32 * 1024 * 1024;
/// Journals that may be full while a maintenance runs; then its end is waited for.
const JOURNALS_BEHIND_MAX: u64 = 4;

/// The keys that say what a sample's resource is, and the type of an event, as [`Ingest`] asks [`Records`] for them.
pub const KEYS: [&str; 4] = ["resource_metadata", "user_id", "project_id", "event_type"];

/// How records come into the store.
#[derive(Debug)]
pub struct Options {
    /// Which meter belongs to which type of resource, and where attributes stand.
    pub definitions: ResourceDefinitions,
    /// Whether the definitions say the archive policies of new metrics; if not, the rules of the store do.
    pub policies_by_definition: bool,
    /// The archive policy of all new metrics.
    pub archive_policy: Option<String>,
    /// Whether each record is written out once it is safe.
    pub echo: bool,
    /// How far ahead of the clock a record may be, in nanoseconds: one that is far ahead makes late what comes behind it.
    pub ahead_max_ns: i64,
    /// Nanoseconds since 1970.
    pub clock: fn() -> i64,
}

/// Takes records into a store.
pub struct Ingest {
    store: Store,
    writer: Writer,
    resources: Resources,
    known: KnownMetrics,
    lateness: Lateness,
    arrivals: Vec<Arrival>,
    waiting: Vec<Waiting>,
    /// The records that wait, one behind the other.
    held: Vec<u8>,
    echo: Option<Echo>,
    generation: i64,
    /// Later records are refused; looked up for each block.
    latest_ns: i64,
    ahead_max_ns: i64,
    clock: fn() -> i64,
    source: Arc<str>,
    books: Arc<Books>,
    maintenance: Option<JoinHandle<Result<(), StoreError>>>,
}

/// Records that are written out when they are safe.
#[derive(Default)]
struct Echo {
    lines: Vec<u8>,
    records: u64,
}

impl Echo {
    /// Takes out records, each with its line feed; `places` ascend.
    fn leave_out(&mut self, places: impl Iterator<Item = Range<usize>>) {
        let (mut kept, mut from) = (Vec::new(), 0);
        for place in places {
            kept.extend_from_slice(&self.lines[from..place.start]);
            from = place.end;
            self.records -= 1;
        }
        if from > 0 {
            kept.extend_from_slice(&self.lines[from..]);
            self.lines = kept;
        }
    }
}

/// A record that waits for the commit.
struct Waiting {
    /// Where its echo begins, if there is one.
    echo: usize,
    start: usize,
    end: usize,
    source: Arc<str>,
    number: u64,
    key: Key,
    what: What,
}

#[derive(Clone, Copy)]
enum What {
    /// A sample whose metric is not known.
    Sample(Point),
    /// A sample whose point is on its way, and which says something new of its resource.
    Resource(Timestamp),
    Aggregate,
    Event,
}

impl Ingest {
    /// Takes records into `store`.
    ///
    /// # Errors
    /// When the store cannot be written to.
    pub fn new(store: Store, options: Options, books: &Arc<Books>) -> Result<Ingest, Failure> {
        let writer = store.writer()?;
        let generation = store.index().generation()?;
        let Options { definitions, policies_by_definition, archive_policy, echo, ahead_max_ns, clock } =
            options;
        Ok(Ingest {
            store,
            writer,
            resources: Resources::new(definitions, policies_by_definition, archive_policy),
            known: KnownMetrics::default(),
            lateness: Lateness::default(),
            latest_ns: i64::MAX,
            ahead_max_ns,
            clock,
            arrivals: Vec::new(),
            waiting: Vec::new(),
            held: Vec::new(),
            echo: echo.then(Echo::default),
            generation,
            source: "".into(),
            books: Arc::clone(books),
            maintenance: None,
        })
    }

    /// Makes the last records safe and waits for the maintenance that runs.
    ///
    /// # Errors
    /// When they cannot be made safe.
    pub fn finish(&mut self, out: &mut dyn LineSink) -> Result<(), Failure> {
        self.pause(out)?;
        self.await_maintenance();
        Ok(())
    }

    fn sample(&mut self, records: &mut Records, line: Line<'_>) -> Result<(), Trouble> {
        let sample = records.sample(line.bytes)?;
        let kind = RecordKind::Sample;
        let resource = sample.resource_id.ok_or(Reject::Missing { kind, key: "resource_id" })?;
        let point = Point { timestamp: sample.timestamp, value: sample.volume };
        let ns = point.timestamp.ns();
        if ns < 0 || ns > self.latest_ns {
            return Err(out_of_time(ns).into());
        }
        let key = self.known.key(&sample.name, &resource);
        let said = self.known.said([0, 1, 2].map(|extra| records.extra(extra).bytes(line.bytes)));
        let known = self.known.enter(key);
        let Some(metric) = known.metric else {
            known.said = said;
            self.wait(line, key, What::Sample(point));
            return Ok(());
        };
        let news = known.said != said;
        known.said = said;
        self.arrivals.push(Arrival { metric, point });
        if news {
            self.wait(line, key, What::Resource(point.timestamp));
        }
        Ok(())
    }

    /// Whether a definition has a use for an event of this type.
    fn says_something(&self, records: &Records, line: Line<'_>) -> bool {
        let event_type = records.extra(3).bytes(line.bytes);
        std::str::from_utf8(event_type).is_ok_and(|event_type| self.resources.knows_event(event_type))
    }

    fn wait(&mut self, line: Line<'_>, key: Key, what: What) {
        if *self.source != *line.source {
            self.source = line.source.into();
        }
        let start = self.held.len();
        self.held.extend_from_slice(line.bytes);
        let (source, number) = (Arc::clone(&self.source), line.number);
        let echo = self.echo.as_ref().map_or(0, |echo| echo.lines.len());
        self.waiting.push(Waiting { echo, start, end: self.held.len(), source, number, key, what });
    }

    /// Makes all records so far safe, then echoes them.
    fn commit(&mut self, out: &mut dyn LineSink) -> Result<(), Failure> {
        self.follow()?;
        if !self.waiting.is_empty() {
            self.resolve()?;
        }
        if !self.arrivals.is_empty() {
            let points = self.arrivals.len() as u64;
            self.books.late(self.lateness.count(&self.arrivals, &self.store)?);
            let appended = self.writer.append(&mut self.arrivals);
            if appended.is_err() {
                // Told once: the end of the run does not try them again.
                self.arrivals.clear();
                self.books.dropped("store", points);
            }
            let appended = appended?;
            self.books.count("stored", points);
            appended.found.into_iter().for_each(|found| found.tell(&self.books));
            if self.store.is_due(appended.journal_bytes) {
                self.maintain(appended.journal_bytes)?;
            }
        }
        if let Some(echo) = self.echo.as_mut().filter(|echo| echo.records > 0) {
            let echoed = out.lines(&echo.lines, echo.records);
            echo.lines.clear();
            echo.records = 0;
            self.heard(echoed)?;
        }
        Ok(())
    }

    /// Whoever read the echo may go: the records are still stored, and no longer echoed.
    fn heard(&mut self, echoed: Result<(), Failure>) -> Result<(), Failure> {
        match echoed {
            Err(Failure::OutputClosed) => {
                self.echo = None;
                Ok(())
            }
            other => other,
        }
    }

    /// Forgets what it knows where others have changed the index, and drops points of metrics that they deleted.
    fn follow(&mut self) -> Result<(), Failure> {
        let index = self.store.index();
        let generation = index.generation()?;
        if generation == self.generation {
            return Ok(());
        }
        self.generation = generation;
        let mut numbers: Vec<MetricNumber> = self.arrivals.iter().map(|arrival| arrival.metric).collect();
        numbers.sort_unstable();
        numbers.dedup();
        let mut gone = Vec::new();
        for metric in numbers {
            match index.metric_numbered(metric) {
                Ok(found) if found.status != Status::Deleted => {}
                Ok(_) | Err(IndexError::NotFound { .. }) => gone.push(metric),
                Err(error) => return Err(error.into()),
            }
        }
        let before = self.arrivals.len();
        self.arrivals.retain(|arrival| gone.binary_search(&arrival.metric).is_err());
        self.books.dropped("store: deleted metric", (before - self.arrivals.len()) as u64);
        self.known.clear();
        self.lateness.clear();
        self.resources.clear();
        Ok(())
    }

    /// Brings the metrics and resources of waiting records into the index, and their points to the arrivals.
    fn resolve(&mut self) -> Result<(), Failure> {
        let waiting = std::mem::take(&mut self.waiting);
        let held = std::mem::take(&mut self.held);
        let direct = self.arrivals.len();
        let resolved = self.resolve_all(&waiting, &held);
        if resolved.is_err() {
            // Their metrics are not there: nothing of the transaction is.
            self.arrivals.truncate(direct);
            self.books.dropped("store", waiting.len() as u64);
        }
        let rejects = resolved?;
        if let Some(echo) = &mut self.echo {
            echo.leave_out(
                rejects.iter().map(|(record, _)| record.echo..record.echo + record.end - record.start + 1),
            );
        }
        for (record, reject) in rejects {
            self.known.forget(record.key);
            self.books.reject(&record.source, record.number, reject.reason(), &reject);
        }
        Ok(())
    }

    /// In one transaction; the records that the index does not take, and why.
    fn resolve_all<'w>(
        &mut self,
        waiting: &'w [Waiting],
        held: &[u8],
    ) -> Result<Vec<(&'w Waiting, Reject)>, IndexError> {
        let latest_ns = self.latest_ns;
        let Ingest { store, resources, known, arrivals, lateness, books, .. } = self;
        store.index().transaction(|index| {
            let mut rejects = Vec::new();
            for record in waiting {
                let mut metric = |resources: &mut Resources, said: &Said<'_>| {
                    let (key, made) = resources.metric(index, said, books)?;
                    lateness.meet(key, made, index)?;
                    Ok::<_, IndexError>(key.metric)
                };
                let line = &held[record.start..record.end];
                let done =
                    read_node(line).map_err(|error| Reject::Refused(error.to_string())).and_then(|node| {
                        match record.what {
                            What::Sample(point) => of_sample(&node, point.timestamp).map(|said| {
                                let metric = metric(resources, &said)?;
                                known.enter(record.key).metric = Some(metric);
                                arrivals.push(Arrival { metric, point });
                                Ok(())
                            }),
                            What::Resource(timestamp) => of_sample(&node, timestamp).map(|said| {
                                match resources.resource(index, &said, books) {
                                    // The point is stored all the same.
                                    Err(error) if is_of_the_record(&error) => {
                                        books.warn("resource", &format_args!("{}: {error}", said.resource));
                                        Ok(())
                                    }
                                    other => other.map(drop),
                                }
                            }),
                            What::Event => Ok(resources.event(index, &node, books)),
                            What::Aggregate => of_aggregate(&node, latest_ns, |said, value| {
                                let metric = metric(resources, said)?;
                                arrivals.push(Arrival {
                                    metric,
                                    point: Point { timestamp: said.timestamp, value },
                                });
                                Ok(())
                            }),
                        }
                    });
                match done {
                    Ok(Ok(())) => {}
                    Ok(Err(error)) if is_of_the_record(&error) => {
                        rejects.push((record, Reject::Refused(error.to_string())));
                    }
                    Ok(Err(error)) => return Err(error),
                    Err(reject) => rejects.push((record, reject)),
                }
            }
            Ok(rejects)
        })
    }

    /// Begins a maintenance beside the ingest, unless one runs.
    fn maintain(&mut self, journal_bytes: u64) -> Result<(), Failure> {
        let behind = journal_bytes / crate::store::measures::JOURNAL_BYTES_MAX;
        let running = self.maintenance.as_ref().is_some_and(|running| !running.is_finished());
        if running && behind < JOURNALS_BEHIND_MAX {
            return Ok(());
        }
        self.await_maintenance();
        let folder = self.store.folder().to_owned();
        let work = move || Store::open(&folder)?.maintain(Effort::Due).map(drop);
        let thread = std::thread::Builder::new().name("maintenance".to_owned()).spawn(work);
        self.maintenance = Some(thread.map_err(|source| Failure::io("cannot start", "a thread", source))?);
        Ok(())
    }

    fn await_maintenance(&mut self) {
        match self.maintenance.take().map(JoinHandle::join) {
            None | Some(Ok(Ok(()))) => {}
            // What was taken in is safe; the next maintenance tries again.
            Some(Ok(Err(error))) => self.books.trouble(&error.into()),
            Some(Err(_)) => self.books.trouble(&Failure::Bug("a maintenance of the store failed".to_owned())),
        }
    }
}

impl Worker for Ingest {
    fn record(
        &mut self,
        records: &mut Records,
        line: Line<'_>,
        out: &mut dyn LineSink,
    ) -> Result<(), Trouble> {
        match records.check(line.bytes)? {
            RecordKind::Sample => self.sample(records, line)?,
            RecordKind::Aggregate => {
                let key = self.known.key(b"", line.bytes);
                self.wait(line, key, What::Aggregate);
            }
            RecordKind::Event if self.says_something(records, line) => {
                let key = self.known.key(b"", line.bytes);
                self.wait(line, key, What::Event);
            }
            kind => return Err(Trouble::Skip(kind)),
        }
        let mut echoed = 0;
        if let Some(echo) = &mut self.echo {
            echo.lines.extend_from_slice(line.bytes);
            echo.lines.push(b'\n');
            echo.records += 1;
            echoed = echo.lines.len();
        }
        let points = self.arrivals.len() + self.waiting.len();
        if points >= BATCH_POINTS || self.held.len() + echoed >= BATCH_BYTES {
            self.commit(out)?;
        }
        Ok(())
    }

    fn refresh(&mut self, _records: &mut Records) -> Result<(), Failure> {
        self.latest_ns = (self.clock)().saturating_add(self.ahead_max_ns);
        Ok(())
    }

    fn pause(&mut self, out: &mut dyn LineSink) -> Result<(), Failure> {
        self.commit(out)?;
        let flushed = if self.echo.is_some() { out.flush() } else { Ok(()) };
        self.heard(flushed)
    }
}

/// For a record whose time has no place in a store.
fn out_of_time(ns: i64) -> Reject {
    let why = if ns < 0 {
        "a measure before 1970 has no place in a store".to_owned()
    } else {
        let at = Timestamp::from_ns(ns);
        format!(
            "{at} is too far ahead of this host's clock (--ahead): it would make late what comes behind it"
        )
    };
    Reject::Refused(why)
}

/// Whether the index does not take this record; other errors are the store's.
fn is_of_the_record(error: &IndexError) -> bool {
    matches!(error, IndexError::Invalid { .. } | IndexError::NoRuleFits { .. } | IndexError::NotFound { .. })
}

/// What a sample of either form says.
fn of_sample<'n>(node: &'n Node<'n>, timestamp: Timestamp) -> Result<Said<'n>, Reject> {
    let kind = RecordKind::Sample;
    let is_meter = node.get("name").is_none() || node.get("volume").is_none();
    let (name, unit) = if is_meter { ("counter_name", "counter_unit") } else { ("name", "unit") };
    let text = |key: &str| node.get(key).and_then(Node::as_text);
    let name = text(name).ok_or(Reject::Missing { kind, key: "name" })?;
    let resource = text("resource_id").ok_or(Reject::Missing { kind, key: "resource_id" })?;
    Ok(Said { metric: name, resource, unit: text(unit), timestamp, record: node, meter: name })
}

/// Each method of an aggregate becomes a metric of its own, NAME@METHOD, with a point at the start of the span.
fn of_aggregate(
    node: &Node<'_>,
    latest_ns: i64,
    mut take: impl FnMut(&Said<'_>, f64) -> Result<(), IndexError>,
) -> Result<Result<(), IndexError>, Reject> {
    let kind = RecordKind::Aggregate;
    let text = |key: &'static str| node.get(key).and_then(Node::as_text).ok_or(Reject::Missing { kind, key });
    let (name, resource, at) = (text("name")?, text("resource_id")?, text("timestamp")?);
    let timestamp = Timestamp::parse(at.as_bytes()).map_err(|why| Reject::Timestamp(why, at.to_owned()))?;
    if timestamp.ns() < 0 || timestamp.ns() > latest_ns {
        return Err(out_of_time(timestamp.ns()));
    }
    let unit = node.get("unit").and_then(Node::as_text);
    let Some(Node::Map(aggregates)) = node.get("aggregates") else { return Ok(Ok(())) };
    for (method, value) in aggregates {
        let Some(value) = value.as_f64() else { continue };
        let metric = format!("{name}@{method}");
        let said = Said { metric: &metric, resource, unit, timestamp, record: node, meter: name };
        if let Err(error) = take(&said, value) {
            return Ok(Err(error));
        }
    }
    Ok(Ok(()))
}
