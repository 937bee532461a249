//! Alarms over a stream: samples are rolled up as each rule asks, aggregates are taken as they are, and the rules
//! are evaluated in event time.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use serde_json::Value;

use super::records::{Line, Trouble, Worker};
use super::rollup::{By, KeyError, Late, Plan, Rollup};
use crate::base::{Books, Failure, LineSink};
use crate::model::{AlarmState, Granularity, NS_PER_SECOND, RecordKind, Span, Timestamp};
use crate::notify::{DRAIN_LIMIT, Queue};
use crate::query::Filter;
use crate::rule::{Alarm, Evaluator, Notice, Refused, Row};
use crate::series::Method;
use crate::wire::json::{Records, Reject};

/// Meters whose feeds are remembered; a stream has hundreds, more are looked up anew each time.
const NAMES_MAX: usize = 100_000;

/// All alarms of a run.
pub struct Evaluation {
    feeds: Vec<Feed>,
    /// Which feeds take a meter.
    of_meter: HashMap<Vec<u8>, Vec<usize>>,
    judge: Judge,
    lateness_ns: i64,
    newest: Option<Timestamp>,
    /// The newest end of a span that held a sample, or was one of an aggregate.
    last_stop: Option<Timestamp>,
    /// The shortest period of all alarms: nothing can change between two of its ends.
    step: Option<Granularity>,
    /// The next end of such a period.
    next_step_ns: i64,
}

/// A rollup for the alarms that ask for the same samples, grouped the same way.
struct Feed {
    alarms: Vec<usize>,
    filter: Option<Filter>,
    granularity: Granularity,
    rollup: Rollup,
}

/// Evaluates, records and tells.
struct Judge {
    evaluator: Evaluator,
    /// One for each alarm: the name of its method in an aggregate.
    methods: Vec<String>,
    filters: Vec<Option<Filter>>,
    notices: Vec<Notice>,
    /// Alarm and group of everything that is in state alarm.
    active: BTreeSet<(usize, String)>,
    queue: Option<Queue>,
    books: Arc<Books>,
}

impl Evaluation {
    /// Evaluates `alarms`, whose methods and queries were checked when they were read.
    ///
    /// - `lateness_ns`: how long a period stays open behind the newest timestamp
    /// - `queue`: where actions go; none when nobody is to be told
    /// - `extra`: as for [`Rollup::new`]
    ///
    /// # Errors
    /// When an alarm cannot be grouped as it asks.
    pub fn new(
        alarms: Vec<Alarm>,
        lateness_ns: i64,
        queue: Option<Queue>,
        books: &Arc<Books>,
        extra: &mut Vec<String>,
    ) -> Result<Evaluation, KeyError> {
        let mut feeds: Vec<(Feed, String)> = Vec::new();
        for (index, alarm) in alarms.iter().enumerate().filter(|(_, alarm)| alarm.enabled) {
            let rule = &alarm.rule;
            let identity =
                format!("{:?} {:?} {:?} {:?}", rule.meter, rule.query, rule.granularity, rule.group_by);
            let Ok(method) = rule.aggregation_method.parse::<Method>() else { continue };
            match feeds.iter_mut().find(|(_, other)| *other == identity) {
                Some((feed, _)) => {
                    feed.alarms.push(index);
                    feed.rollup.also(method);
                }
                None => {
                    let plan = Plan {
                        granularities: vec![rule.granularity],
                        methods: vec![method],
                        by: By::new(&rule.group_keys().collect::<Vec<_>>())?,
                        lateness_ns,
                        late: Late::Drop,
                    };
                    let filter = filter_of(alarm);
                    let rollup = Rollup::new(plan, books, extra);
                    feeds.push((
                        Feed { alarms: vec![index], filter, granularity: rule.granularity, rollup },
                        identity,
                    ));
                }
            }
        }
        let enabled = alarms.iter().filter(|alarm| alarm.enabled);
        Ok(Evaluation {
            feeds: feeds.into_iter().map(|(feed, _)| feed).collect(),
            of_meter: HashMap::new(),
            step: enabled.map(|alarm| alarm.rule.granularity).min(),
            judge: Judge {
                methods: alarms.iter().map(|alarm| method_name(&alarm.rule.aggregation_method)).collect(),
                filters: alarms.iter().map(filter_of).collect(),
                evaluator: Evaluator::new(alarms),
                notices: Vec::new(),
                active: BTreeSet::new(),
                queue,
                books: Arc::clone(books),
            },
            lateness_ns,
            newest: None,
            last_stop: None,
            next_step_ns: i64::MIN,
        })
    }

    /// Closes all periods, evaluates them, and waits for the actions that are under way.
    ///
    /// # Errors
    /// When the output cannot be written.
    pub fn finish(&mut self, out: &mut dyn LineSink) -> Result<(), Failure> {
        for feed in &mut self.feeds {
            feed.rollup.finish(&mut Rows {
                alarms: &feed.alarms,
                granularity: feed.granularity,
                judge: &mut self.judge,
            })?;
        }
        if let Some(stop) = self.last_stop {
            self.judge.advance(stop, out)?;
        }
        if let Some(queue) = self.judge.queue.take() {
            out.flush()?;
            queue.close(DRAIN_LIMIT);
        }
        Ok(())
    }

    /// How many alarms, counted by group, are in state alarm.
    pub fn active(&self) -> usize {
        self.judge.active.len()
    }

    fn sample(
        &mut self,
        records: &mut Records,
        line: Line<'_>,
        out: &mut dyn LineSink,
    ) -> Result<(), Trouble> {
        let sample = records.sample(line.bytes)?;
        let time = sample.timestamp;
        let feeds = match self.of_meter.get(&sample.name[..]) {
            Some(feeds) => feeds.clone(),
            None => {
                let name = String::from_utf8_lossy(&sample.name);
                let takes =
                    |feed: &Feed| self.judge.evaluator.alarms()[feed.alarms[0]].rule.meter.matches(&name);
                let feeds: Vec<usize> =
                    (0..self.feeds.len()).filter(|index| takes(&self.feeds[*index])).collect();
                if self.of_meter.len() < NAMES_MAX {
                    self.of_meter.insert(sample.name.to_vec(), feeds.clone());
                }
                feeds
            }
        };
        let mut tree = None;
        for index in feeds {
            let feed = &mut self.feeds[index];
            if let Some(filter) = &feed.filter {
                let tree = match &tree {
                    Some(tree) => tree,
                    None => tree.insert(line.tree()?),
                };
                if !filter.matches(tree) {
                    continue;
                }
            }
            let mut rows =
                Rows { alarms: &feed.alarms, granularity: feed.granularity, judge: &mut self.judge };
            feed.rollup.record(records, line, &mut rows)?;
            let stop = feed.granularity.span(time).map(|span| span.stop);
            self.last_stop = self.last_stop.max(stop);
        }
        self.reach(time, time.ns().saturating_sub(self.lateness_ns), out)?;
        Ok(())
    }

    fn aggregate(&mut self, line: Line<'_>, out: &mut dyn LineSink) -> Result<(), Trouble> {
        let kind = RecordKind::Aggregate;
        let row = line.tree()?;
        let seconds = row.get("granularity").map(Value::to_string).unwrap_or_default();
        let granularity = seconds.parse::<Granularity>();
        let granularity = granularity.map_err(|_| Reject::WrongType {
            kind,
            key: "granularity",
            expected: "a length of time",
        })?;
        let text =
            row.get("timestamp").and_then(Value::as_str).ok_or(Reject::Missing { kind, key: "timestamp" })?;
        let start =
            Timestamp::parse(text.as_bytes()).map_err(|why| Reject::Timestamp(why, text.to_owned()))?;
        let name = row.get("name").and_then(Value::as_str).ok_or(Reject::Missing { kind, key: "name" })?;
        let span = Span { start, stop: Timestamp::from_ns(start.ns().saturating_add(granularity.ns())) };
        // Rows come by end of span: all that end before this one are there, others of this end may follow.
        let complete_ns = span.stop.ns() - 1;
        self.reach(Timestamp::from_ns(complete_ns), complete_ns, out)?;
        for index in 0..self.judge.evaluator.alarms().len() {
            let alarm = &self.judge.evaluator.alarms()[index];
            let taken =
                alarm.enabled && alarm.rule.granularity == granularity && alarm.rule.meter.matches(name);
            if taken && self.judge.filters[index].as_ref().is_none_or(|filter| filter.matches(&row)) {
                self.judge.take(index, &row, span);
                self.last_stop = self.last_stop.max(Some(span.stop));
            }
        }
        Ok(())
    }

    /// Time has come to `time`, and everything before `complete_ns` is there.
    fn reach(&mut self, time: Timestamp, complete_ns: i64, out: &mut dyn LineSink) -> Result<(), Failure> {
        if self.newest.is_some_and(|newest| time <= newest) {
            return Ok(());
        }
        self.newest = Some(time);
        if complete_ns < self.next_step_ns {
            return Ok(());
        }
        for feed in &mut self.feeds {
            let mut rows =
                Rows { alarms: &feed.alarms, granularity: feed.granularity, judge: &mut self.judge };
            feed.rollup.reach(time, &mut rows)?;
        }
        let complete = Timestamp::from_ns(complete_ns);
        if let Some(span) = self.step.and_then(|step| step.span(complete)) {
            self.next_step_ns = span.stop.ns();
        }
        self.judge.advance(complete, out)
    }
}

impl Worker for Evaluation {
    fn record(
        &mut self,
        records: &mut Records,
        line: Line<'_>,
        out: &mut dyn LineSink,
    ) -> Result<(), Trouble> {
        match records.check(line.bytes)? {
            RecordKind::Sample => self.sample(records, line, out),
            RecordKind::Aggregate => self.aggregate(line, out),
            other => Err(Trouble::Skip(other)),
        }
    }
}

/// Takes the rows of a feed's rollup.
struct Rows<'a> {
    alarms: &'a [usize],
    granularity: Granularity,
    judge: &'a mut Judge,
}

impl LineSink for Rows<'_> {
    fn line(&mut self, record: &[u8]) -> Result<(), Failure> {
        let row: Value = serde_json::from_slice(record).map_err(|error| Failure::Bug(error.to_string()))?;
        let start = row.get("timestamp").and_then(Value::as_str).unwrap_or_default();
        let start = Timestamp::parse(start.as_bytes()).map_err(|error| Failure::Bug(error.to_string()))?;
        let stop = Timestamp::from_ns(start.ns().saturating_add(self.granularity.ns()));
        for alarm in self.alarms {
            self.judge.take(*alarm, &row, Span { start, stop });
        }
        Ok(())
    }

    fn lines(&mut self, bytes: &[u8], _records: u64) -> Result<(), Failure> {
        bytes
            .split(|byte| *byte == b'\n')
            .filter(|line| !line.is_empty())
            .try_for_each(|line| self.line(line))
    }

    fn flush(&mut self) -> Result<(), Failure> {
        Ok(())
    }
}

impl Judge {
    /// Takes one row for one alarm, if it has the alarm's method.
    fn take(&mut self, alarm: usize, row: &Value, span: Span) {
        let value =
            row.get("aggregates").and_then(|all| all.get(&self.methods[alarm])).and_then(Value::as_f64);
        let Some(value) = value else { return };
        let keys = self.evaluator.alarms()[alarm].rule.group_keys();
        let group: Vec<Value> = keys.map(|key| find(row, key).cloned().unwrap_or(Value::Null)).collect();
        match self.evaluator.push(Row { alarm, group: &group, span, value }) {
            Ok(()) => {}
            Err(Refused::Late) => self.books.late(1),
            Err(other) => {
                let name = &self.evaluator.alarms()[alarm].name;
                self.books.warn("row refused", &format_args!("alarm \"{name}\": {other}"));
                self.books.dropped("alarm rows refused", 1);
            }
        }
    }

    fn advance(&mut self, time: Timestamp, out: &mut dyn LineSink) -> Result<(), Failure> {
        self.notices.clear();
        self.evaluator.advance_all(time, &mut self.notices);
        for notice in &self.notices {
            let transition = &notice.transition;
            let key = (notice.alarm, Value::Object(transition.group.clone()).to_string());
            if transition.current == AlarmState::Alarm {
                self.active.insert(key);
            } else {
                self.active.remove(&key);
            }
            if notice.is_repetition() {
                self.books.count("repeated_notifications", 1);
            } else {
                let record =
                    serde_json::to_vec(transition).map_err(|error| Failure::Bug(error.to_string()))?;
                out.line(&record)?;
            }
            if let Some(queue) = &self.queue {
                queue.tell(&self.evaluator.alarms()[notice.alarm], transition);
            }
        }
        Ok(())
    }
}

/// The value of a group key: rows have dotted keys as one key, records of others may nest them.
fn find<'a>(row: &'a Value, key: &str) -> Option<&'a Value> {
    row.get(key).or_else(|| key.split('.').try_fold(row, |value, part| value.get(part)))
}

fn filter_of(alarm: &Alarm) -> Option<Filter> {
    alarm.rule.query.as_deref().and_then(|text| Filter::parse(text).ok())
}

/// As the rollup spells it.
fn method_name(text: &str) -> String {
    text.parse::<Method>().map_or_else(|_| text.to_owned(), |method| method.to_string())
}

/// How long a period stays open unless the user says otherwise: clocks of hosts and the network between them differ
/// by seconds, and an alarm should not wait for longer.
pub const LATENESS_NS: i64 = 10 * NS_PER_SECOND;
