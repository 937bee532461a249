//! Statsd beside the API: what came over UDP is stored every ten seconds as metrics of one resource.
//!
//! As Gnocchi 4.7.1's `gnocchi-statsd`, with the same names (`wire::statsd::Tally`) and without its losses: one thread receives,
//! another stores, so that no datagram waits for a disk.

use std::fmt::Display;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, SyncSender, TrySendError, sync_channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crate::base::address::HostPort;
use crate::base::{Books, Chunk, Failure, Stop, clock};
use crate::model::Timestamp;
use crate::series::Point;
use crate::source::{SOCKET_BUFFER_BYTES, Source, UdpSource};
use crate::store::index::{
    ArrivingMetric, ArrivingResource, Attributes, GENERIC, Index, IndexError, ResourceId, ResourceNumber,
};
use crate::store::measures::Arrival;
use crate::store::{MetricNumber, Store, StoreError};
use crate::wire::statsd::{Tallied, Tally};
use crate::work::measures::one_call;

/// How long values are gathered (`[statsd] flush_delay`).
pub const INTERVAL: Duration = Duration::from_secs(10);
/// How long after a failure the store is tried again.
const AGAIN: Duration = Duration::from_secs(2);
/// Bytes of lines that wait for the store: three intervals of as many values as one may hold.
const WAITING_BYTES_MAX: usize = 64 * 1024 * 1024;

/// What is received, and whose it is.
#[derive(Clone, Debug)]
pub struct Statsd {
    /// Where it listens.
    pub place: HostPort,
    /// What books call it: the address as it was written.
    pub name: String,
    /// The generic resource whose metrics it fills; made where it is not there.
    pub resource: ResourceId,
    /// Who makes the resource and the metrics; none: nobody, so that only administrators see them.
    pub creator: Option<String>,
}

/// Its threads, which end when `stop` is requested.
pub struct Running {
    bound: Option<SocketAddr>,
    threads: Vec<JoinHandle<()>>,
}

impl Running {
    /// Where it listens, for those who asked for port 0.
    pub fn bound(&self) -> Option<SocketAddr> {
        self.bound
    }
}

impl Drop for Running {
    /// Waits for what was received to be stored.
    fn drop(&mut self) {
        self.threads.drain(..).for_each(|thread| _ = thread.join());
    }
}

impl Statsd {
    /// Listens, and starts the threads.
    ///
    /// - `due`: told when the store wants to be put in order
    ///
    /// # Errors
    /// When it cannot listen, or there can be no thread.
    pub fn start(
        self,
        store: Store,
        due: Option<Sender<()>>,
        stop: &Arc<Stop>,
        books: &Arc<Books>,
    ) -> Result<Running, Failure> {
        let tally = Box::new(Tally::new(INTERVAL));
        let source = UdpSource::bind(&self.place, &self.name, SOCKET_BUFFER_BYTES, tally, books)?;
        let bound = source.bound();
        let (intervals, received) = sync_channel(1);
        let (stop, of_receiver, of_storer) = (Arc::clone(stop), Arc::clone(books), Arc::clone(books));
        let cannot = |error| Failure::io("cannot start", "a thread", error);
        let storing = thread::Builder::new()
            .name("statsd store".into())
            .spawn(move || self.keep(&store, &received, due.as_ref(), &of_storer))
            .map_err(cannot)?;
        let receiving = thread::Builder::new()
            .name("statsd".into())
            .spawn(move || receive(source, &stop, &intervals, &of_receiver))
            .map_err(cannot)?;
        Ok(Running { bound, threads: vec![receiving, storing] })
    }

    /// Stores what comes; what the store does not take is kept, and tried again.
    fn keep(&self, store: &Store, received: &Receiver<String>, due: Option<&Sender<()>>, books: &Books) {
        let mut kept = String::new();
        loop {
            // Nothing is kept: there is nothing to try again.
            let next = if kept.is_empty() {
                received.recv().map_err(RecvTimeoutError::from)
            } else {
                received.recv_timeout(AGAIN)
            };
            match next {
                Ok(interval) if kept.len() + interval.len() <= WAITING_BYTES_MAX => kept.push_str(&interval),
                Ok(interval) => self.give_up(&interval, &"too much is kept already", books),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            match self.store(store, &kept, Timestamp::from_ns(clock::now_ns()), books) {
                Ok(journal_bytes) => {
                    kept.clear();
                    if journal_bytes.is_some_and(|bytes| store.is_due(bytes)) {
                        // The service ends: the next one keeps the store in order.
                        let _ = due.map(|due| due.send(()));
                    }
                }
                Err(error) => books
                    .warn("statsd", &format_args!("{}: not stored yet, and tried again: {error}", self.name)),
            }
        }
        // The last try was a moment ago, with all that there is.
        if !kept.is_empty() {
            self.give_up(&kept, &"the store did not take them to the end", books);
        }
    }

    fn give_up(&self, lines: &str, why: &dyn Display, books: &Books) {
        let metrics = lines.lines().count() as u64;
        books.dropped(&self.name, metrics);
        books.warn("statsd lost", &format_args!("{}: {metrics} metrics are not stored: {why}", self.name));
    }

    /// Stores lines of [`Tally`]; how long the journal is then, if there was anything.
    fn store(
        &self,
        store: &Store,
        lines: &str,
        now: Timestamp,
        books: &Books,
    ) -> Result<Option<u64>, StoreError> {
        let mut arrivals = store.index().transaction(|index| {
            let resource = ArrivingResource {
                id: &self.resource,
                resource_type: GENERIC,
                creator: self.creator.as_deref(),
                user_id: None,
                project_id: None,
                started_at: None,
                attributes: &Attributes::new(),
                newest: Some(now),
            };
            let resource = index.arrive(&resource, now)?.resource;
            let mut arrivals = Vec::new();
            for Tallied { name, points } in lines.lines().filter_map(Tallied::read) {
                let name = name.replace('/', "_");
                let new = ArrivingMetric {
                    name: &name,
                    unit: None,
                    archive_policy: None,
                    creator: self.creator.as_deref(),
                };
                let mut points: Vec<Point> =
                    points.into_iter().map(|(timestamp, value)| Point { timestamp, value }).collect();
                let metric = match one_call(&mut points) {
                    Ok(()) => metric(index, resource, &new, now)?,
                    Err(error) => Err(error.to_string()),
                };
                match metric {
                    Ok(metric) => arrivals.extend(points.into_iter().map(|point| Arrival { metric, point })),
                    Err(why) => books.warn("statsd metric", &format_args!("{}: {name}: {why}", self.name)),
                }
            }
            Ok::<_, StoreError>(arrivals)
        })?;
        if arrivals.is_empty() {
            return Ok(None);
        }
        let appended = store.writer()?.append(&mut arrivals)?;
        appended.found.into_iter().for_each(|found| found.tell(books));
        Ok(Some(appended.journal_bytes))
    }
}

/// The metric of a resource, made where it is not there; or why it cannot be one, which is no fault of the others.
fn metric(
    index: &Index,
    resource: ResourceNumber,
    new: &ArrivingMetric<'_>,
    now: Timestamp,
) -> Result<Result<MetricNumber, String>, IndexError> {
    match index.arrive_metric(resource, new, now) {
        Ok((key, _)) => Ok(Ok(key.metric)),
        Err(error @ (IndexError::Invalid { .. } | IndexError::NoRuleFits { .. })) => {
            Ok(Err(error.to_string()))
        }
        Err(error) => Err(error),
    }
}

/// Receives until the end; what the store has no time for waits here, up to a limit.
fn receive(mut source: UdpSource, stop: &Stop, intervals: &SyncSender<String>, books: &Books) {
    let mut waiting = String::new();
    loop {
        match source.next(stop, &mut || Ok(())) {
            Ok(Some(Chunk::Lines(block))) => {
                let lines = String::from_utf8_lossy(block.bytes);
                books.read(lines.lines().count() as u64, block.bytes.len() as u64);
                waiting.push_str(&lines);
            }
            Ok(Some(_)) => {}
            Ok(None) => break,
            Err(failure) => {
                books.complain(&failure);
                break;
            }
        }
        match intervals.try_send(std::mem::take(&mut waiting)) {
            Ok(()) => {}
            Err(TrySendError::Full(lines)) if lines.len() <= WAITING_BYTES_MAX => waiting = lines,
            Err(TrySendError::Full(lines)) => {
                books.dropped(source.name(), lines.lines().count() as u64);
                books.warn(
                    "statsd",
                    &format_args!("{}: the store is too slow: an interval is dropped", source.name()),
                );
            }
            Err(TrySendError::Disconnected(_)) => return,
        }
    }
    source.close(books);
    // Nobody sends any more: now there is time to wait.
    let _ = intervals.send(waiting);
}

#[cfg(test)]
mod tests {
    use std::net::UdpSocket;
    use std::time::Instant;

    use super::*;
    use crate::base::testing::{Directory, books};
    use crate::base::{Address, Url};
    use crate::work::measures::{Query, show};
    use crate::work::stored::Range;

    fn statsd() -> Statsd {
        let Ok(Address::Url(url)) = Address::parse("udp://127.0.0.1:0") else { panic!("no address") };
        Statsd {
            place: Url::host_port(&url).unwrap(),
            name: "udp://127.0.0.1:0".to_owned(),
            resource: ResourceId::of("statsd", Some("me")).unwrap(),
            creator: Some("me".to_owned()),
        }
    }

    fn sum(store: &Store, name: &str) -> Option<f64> {
        let query =
            Query { method: "sum".to_owned(), range: Range::default(), granularity: None, resample: None };
        let metric = store.index().metric_named(statsd().resource.uuid(), name).ok()?;
        let (levels, _) = show(store, &metric, &query).unwrap();
        levels.first().map(|level| level.series.values.iter().sum())
    }

    #[test]
    fn what_the_store_does_not_take_is_tried_again() {
        let folder = Directory::new("serve-statsd-again");
        let store = Store::open_or_create(&folder.0, true).unwrap();
        let (journal, away) = (folder.0.join("journal"), folder.0.join("away"));
        let ((sender, received), books) = (sync_channel::<String>(0), books());
        thread::scope(|scope| {
            let of_thread = store.another().unwrap();
            let (statsd, of_storer) = (statsd(), Arc::clone(&books));
            let storing = scope.spawn(move || statsd.keep(&of_thread, &received, None, &of_storer));
            std::fs::rename(&journal, &away).unwrap();
            sender.send("1000000000000000000 3\thits|c\n".to_owned()).unwrap();
            // A channel without a place for anything: the second is taken when the first was tried.
            sender.send("1000000010000000000 4\thits|c\n".to_owned()).unwrap();
            std::fs::rename(&away, &journal).unwrap();
            let deadline = Instant::now() + Duration::from_secs(60);
            while sum(&store, "hits|c") != Some(7.0) && Instant::now() < deadline {
                thread::yield_now();
            }
            assert_eq!(sum(&store, "hits|c"), Some(7.0));
            std::fs::rename(&journal, &away).unwrap();
            sender.send("1000000020000000000 5\thits|c\n".to_owned()).unwrap();
            drop(sender);
            storing.join().unwrap();
        });
        // The end came first: it is lost, and the books say so.
        assert_eq!(books.dropped_total(), 1);
    }

    #[test]
    fn what_came_is_stored_before_the_end_under_gnocchis_names() {
        let folder = Directory::new("serve-statsd");
        let store = Store::open_or_create(&folder.0, true).unwrap();
        let statsd = statsd();
        let resource = statsd.resource.clone();
        let stop = Arc::new(Stop::new().unwrap());
        let running = statsd.start(store.another().unwrap(), None, &stop, &books()).unwrap();
        let sender = UdpSocket::bind("127.0.0.1:0").unwrap();
        sender.connect(running.bound().unwrap()).unwrap();
        let long = "x".repeat(300);
        sender.send(format!("hits:1:2|c\n{long}:1|c\nhits:4|c|#path:/a\nt:5|ms:7|ms").as_bytes()).unwrap();
        stop.request();
        drop(running);
        let names = store.index().resource(GENERIC, resource.uuid()).unwrap().metrics;
        let names: Vec<&str> = names.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["hits@path=_a|c", "hits|c", "t|ms"]);
        assert_eq!((sum(&store, "hits|c"), sum(&store, "t|ms")), (Some(3.0), Some(12.0)));
    }
}
