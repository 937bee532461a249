//! Alarms over a stream: samples are rolled up as each rule asks, aggregates are taken as they are, and the rules
//! are evaluated in event time.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::thread;

use serde_json::Value;

use super::records::{Line, Trouble, Worker};
use super::rollup::{By, Late, Plan, Rollup};
use crate::base::{Books, Failure, LineSink, Stop};
use crate::model::{AlarmState, Granularity, NS_PER_SECOND, RecordKind, Span, Timestamp};
use crate::notify::{DRAIN_LIMIT, Queue};
use crate::query::Filter;
use crate::rule::{Alarm, Evaluator, Notice, Refused, Row};
use crate::series::Method;
use crate::wire::json::{Records, Reject, TooManyKeys};

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
    /// The top-level keys that the records are scanned for.
    extra: Vec<String>,
    reload: Option<Reload>,
}

/// Where new rules come from.
struct Reload {
    stop: Arc<Stop>,
    seen: u64,
    read: Box<dyn FnMut() -> Result<Vec<Alarm>, Failure>>,
}

/// A rollup for the alarms that ask for the same samples, grouped the same way.
struct Feed {
    /// What the alarms ask for, methods included.
    identity: String,
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
    /// - `notify`: whether the actions of the alarms are to be run
    /// - `extra`: as for [`Rollup::new`]
    ///
    /// # Errors
    /// When an alarm cannot be grouped as it asks, or the notifiers cannot be started.
    pub fn new(
        alarms: Vec<Alarm>,
        lateness_ns: i64,
        notify: bool,
        books: &Arc<Books>,
        extra: &mut Vec<String>,
    ) -> Result<Evaluation, Failure> {
        let queue = if notify { Some(open_queue(&alarms, books)?) } else { None };
        Ok(Evaluation {
            feeds: feeds(&alarms, lateness_ns, books, extra, Vec::new())?,
            of_meter: HashMap::new(),
            step: shortest(&alarms),
            judge: Judge::new(alarms, queue, books),
            lateness_ns,
            newest: None,
            last_stop: None,
            next_step_ns: i64::MIN,
            extra: extra.clone(),
            reload: None,
        })
    }

    /// Takes up what `read` gives whenever `stop` says that a reload was asked for. Alarms that stay the same keep
    /// their states and their open periods; when `read` fails, so do all.
    pub fn reload_with(&mut self, stop: &Arc<Stop>, read: Box<dyn FnMut() -> Result<Vec<Alarm>, Failure>>) {
        self.reload = Some(Reload { stop: Arc::clone(stop), seen: stop.reloads(), read });
    }

    fn replace(&mut self, alarms: Vec<Alarm>, records: &mut Records) -> Result<(), Failure> {
        let books = Arc::clone(&self.judge.books);
        // Keys are only added, so that rollups that stay find theirs where they were.
        let mut extra = self.extra.clone();
        let too_many = |error: TooManyKeys| Failure::Configuration(vec![format!("group_by: {error}")]);
        let queue = if self.judge.queue.is_some() { Some(open_queue(&alarms, &books)?) } else { None };
        let kept = std::mem::take(&mut self.feeds);
        self.feeds = feeds(&alarms, self.lateness_ns, &books, &mut extra, kept)?;
        *records = Records::new(&extra).map_err(too_many)?;
        self.extra = extra;
        self.of_meter.clear();
        self.step = shortest(&alarms);
        self.next_step_ns = i64::MIN;
        let old = std::mem::replace(&mut self.judge, Judge::new(alarms, queue, &books));
        let places = self.judge.evaluator.carry_over(old.evaluator);
        let moved = old.active.into_iter().filter_map(|(alarm, group)| Some((places[alarm]?, group)));
        self.judge.active = moved.collect();
        if let Some(queue) = old.queue {
            // What the old actions are still busy with must not hold up the evaluation.
            let closing = thread::Builder::new().name("notify-end".into());
            closing
                .spawn(move || queue.close(DRAIN_LIMIT))
                .map_err(|source| Failure::io("cannot start", "a thread", source))?;
        }
        Ok(())
    }

    /// The input has ended: closes all periods, evaluates them, and waits for the actions that are under way.
    ///
    /// `stopped`: somebody ended the run before the input did. Then periods that time has not come to the end of are
    /// left alone: half a period would be judged, and somebody told of what it seemed to show.
    ///
    /// # Errors
    /// When the output cannot be written.
    pub fn finish(&mut self, stopped: bool, out: &mut dyn LineSink) -> Result<(), Failure> {
        for feed in &mut self.feeds {
            let mut rows =
                Rows { alarms: &feed.alarms, granularity: feed.granularity, judge: &mut self.judge };
            match self.newest.filter(|_| stopped) {
                Some(newest) => feed.rollup.close_until(newest.ns(), &mut rows)?,
                None => feed.rollup.finish(&mut rows)?,
            }
        }
        let end = if stopped { self.newest.min(self.last_stop) } else { self.last_stop };
        if let Some(end) = end {
            self.judge.advance(end, out)?;
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
        let (mut tree, mut late) = (None, false);
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
            late |= feed.rollup.is_late(time);
            feed.rollup.record(records, line, &mut rows)?;
            let stop = feed.granularity.span(time).map(|span| span.stop);
            self.last_stop = self.last_stop.max(stop);
        }
        if late {
            self.judge.books.late(1);
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

/// One feed for each set of alarms that ask for the same samples, grouped the same way; those of `kept` that still
/// compute the same go on.
fn feeds(
    alarms: &[Alarm],
    lateness_ns: i64,
    books: &Arc<Books>,
    extra: &mut Vec<String>,
    mut kept: Vec<Feed>,
) -> Result<Vec<Feed>, Failure> {
    let mut plans: Vec<(String, Vec<usize>, Plan)> = Vec::new();
    for (index, alarm) in alarms.iter().enumerate().filter(|(_, alarm)| alarm.enabled) {
        let rule = &alarm.rule;
        let Ok(method) = rule.aggregation_method.parse::<Method>() else { continue };
        let by = By::new(&rule.group_keys().collect::<Vec<_>>()).map_err(|error| {
            Failure::Configuration(vec![format!("alarm \"{}\": group_by: {error}", alarm.name)])
        })?;
        let asked = format!("{:?} {:?} {:?} {by:?}", rule.meter, rule.query, rule.granularity);
        match plans.iter_mut().find(|(other, ..)| *other == asked) {
            Some((_, sharing, plan)) => {
                sharing.push(index);
                if !plan.methods.contains(&method) {
                    plan.methods.push(method);
                }
            }
            None => {
                let granularities = vec![rule.granularity];
                let plan = Plan {
                    granularities,
                    methods: vec![method],
                    by,
                    lateness_ns,
                    late: Late::Drop,
                    keeps_books: false,
                };
                plans.push((asked, vec![index], plan));
            }
        }
    }
    let mut feeds = Vec::new();
    for (asked, sharing, plan) in plans {
        let identity = format!("{asked} {:?}", plan.methods);
        let (filter, granularity) = (filter_of(&alarms[sharing[0]]), alarms[sharing[0]].rule.granularity);
        let rollup = match kept.iter().position(|feed| feed.identity == identity) {
            Some(at) => kept.swap_remove(at).rollup,
            None => Rollup::new(plan, books, extra),
        };
        feeds.push(Feed { identity, alarms: sharing, filter, granularity, rollup });
    }
    Ok(feeds)
}

/// The shortest period of all alarms that are evaluated.
fn shortest(alarms: &[Alarm]) -> Option<Granularity> {
    alarms.iter().filter(|alarm| alarm.enabled).map(|alarm| alarm.rule.granularity).min()
}

fn open_queue(alarms: &[Alarm], books: &Arc<Books>) -> Result<Queue, Failure> {
    Queue::open(alarms, books).map_err(|source| Failure::io("cannot start", "the notifier", source))
}

impl Worker for Evaluation {
    fn refresh(&mut self, records: &mut Records) -> Result<(), Failure> {
        let Some(reload) = self.reload.as_mut().filter(|reload| reload.stop.reloads() != reload.seen) else {
            return Ok(());
        };
        reload.seen = reload.stop.reloads();
        match (reload.read)() {
            Ok(alarms) => self.replace(alarms, records),
            Err(failure) => {
                self.judge.books.complain(&failure);
                self.judge.books.complain(&"the rules stay as they were");
                Ok(())
            }
        }
    }

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
    fn new(alarms: Vec<Alarm>, queue: Option<Queue>, books: &Arc<Books>) -> Judge {
        Judge {
            methods: alarms.iter().map(|alarm| method_name(&alarm.rule.aggregation_method)).collect(),
            filters: alarms.iter().map(filter_of).collect(),
            evaluator: Evaluator::new(alarms),
            notices: Vec::new(),
            active: BTreeSet::new(),
            queue,
            books: Arc::clone(books),
        }
    }

    /// Takes one row for one alarm, if it has the alarm's method.
    fn take(&mut self, alarm: usize, row: &Value, span: Span) {
        let value =
            row.get("aggregates").and_then(|all| all.get(&self.methods[alarm])).and_then(Value::as_f64);
        let Some(value) = value else { return };
        let keys = self.evaluator.alarms()[alarm].rule.group_keys();
        let group: Vec<Value> = keys.map(|key| find(row, key).cloned().unwrap_or(Value::Null)).collect();
        let replaced = self.evaluator.replaced(alarm);
        match self.evaluator.push(Row { alarm, group: &group, span, value }) {
            Ok(()) if self.evaluator.replaced(alarm) > replaced => {
                let name = &self.evaluator.alarms()[alarm].name;
                let message = format!(
                    "alarm \"{name}\": two values of one period, {}: the later counts; do its samples have two units?",
                    span.start
                );
                self.books.warn("two values of one period", &message);
                self.books.count("replaced_values", 1);
            }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Block;
    use crate::rule::{Checks, read};
    use crate::work::records::work_through;

    /// Keeps alarm and state of each transition.
    #[derive(Default)]
    struct Kept(Vec<(String, String, String)>);

    impl LineSink for Kept {
        fn line(&mut self, record: &[u8]) -> Result<(), Failure> {
            let record: Value = serde_json::from_slice(record).unwrap();
            let text = |key: &str| record[key].as_str().unwrap().to_owned();
            self.0.push((text("alarm_name"), text("current"), text("timestamp")));
            Ok(())
        }

        fn lines(&mut self, _bytes: &[u8], _records: u64) -> Result<(), Failure> {
            Err(Failure::Bug("transitions come one by one".into()))
        }

        fn flush(&mut self) -> Result<(), Failure> {
            Ok(())
        }
    }

    fn rules(text: &str) -> Vec<Alarm> {
        let checks = Checks { aggregation_method: &|_| Ok(()), query: &|_| Ok(()) };
        read("rules", text, &checks).unwrap()
    }

    fn rule(name: &str, threshold: u32) -> String {
        format!(
            "- name: {name}\n  threshold_rule: {{meter_name: m, comparison_operator: gt, threshold: {threshold}, granularity: 60}}\n"
        )
    }

    fn samples(minutes: std::ops::Range<u32>, value: u32) -> String {
        let line = |minute: u32| {
            format!(
                "{{\"name\":\"m\",\"volume\":{value},\"resource_id\":\"r\",\"timestamp\":\"2026-11-22T10:{minute:02}:30Z\"}}\n"
            )
        };
        minutes.map(line).collect()
    }

    fn feed(evaluation: &mut Evaluation, records: &mut Records, text: &str, out: &mut Kept) {
        evaluation.refresh(records).unwrap();
        let block = Block { source: "test", bytes: text.as_bytes(), first_line: 1 };
        let books = Arc::clone(&evaluation.judge.books);
        work_through(block, records, evaluation, out, &books).unwrap();
    }

    #[test]
    fn a_reload_keeps_the_states_of_alarms_that_stay_and_starts_the_others() {
        let (books, stop) = (Arc::new(Books::new("test", None, true)), Arc::new(Stop::new().unwrap()));
        let mut keys = Vec::new();
        let old = rules(&(rule("stays", 1) + &rule("goes", 2)));
        let mut evaluation = Evaluation::new(old, 0, false, &books, &mut keys).unwrap();
        let new = rules(&(rule("comes", 3) + &rule("stays", 1)));
        evaluation.reload_with(&stop, Box::new(move || Ok(new.clone())));
        let mut records = Records::new(&keys).unwrap();
        let mut out = Kept::default();
        feed(&mut evaluation, &mut records, &samples(0..2, 9), &mut out);
        assert_eq!(evaluation.active(), 2);
        stop.request_reload();
        feed(&mut evaluation, &mut records, &samples(2..5, 9), &mut out);
        evaluation.finish(false, &mut out).unwrap();
        let said: Vec<(&str, &str, &str)> =
            out.0.iter().map(|(name, state, time)| (&name[..], &state[..], &time[11..16])).collect();
        assert_eq!(
            said,
            [("stays", "alarm", "10:01"), ("goes", "alarm", "10:01"), ("comes", "alarm", "10:02")]
        );
        assert_eq!(evaluation.active(), 2);
    }

    #[test]
    fn a_stop_leaves_the_period_alone_that_time_is_in() {
        for (stopped, transitions) in [(false, 1), (true, 0)] {
            let books = Arc::new(Books::new("test", None, true));
            let mut keys = Vec::new();
            let mut evaluation = Evaluation::new(rules(&rule("a", 1)), 0, false, &books, &mut keys).unwrap();
            let mut out = Kept::default();
            feed(&mut evaluation, &mut Records::new(&keys).unwrap(), &samples(0..1, 9), &mut out);
            evaluation.finish(stopped, &mut out).unwrap();
            assert_eq!(out.0.len(), transitions);
        }
    }

    #[test]
    fn rules_that_cannot_be_read_leave_the_old_ones_in_force() {
        let (books, stop) = (Arc::new(Books::new("test", None, true)), Arc::new(Stop::new().unwrap()));
        let mut keys = Vec::new();
        let mut evaluation = Evaluation::new(rules(&rule("stays", 1)), 0, false, &books, &mut keys).unwrap();
        let read = || Err(Failure::Configuration(vec!["rules:1: wrong".into()]));
        evaluation.reload_with(&stop, Box::new(read));
        stop.request_reload();
        let mut records = Records::new(&keys).unwrap();
        let mut out = Kept::default();
        feed(&mut evaluation, &mut records, &samples(0..2, 9), &mut out);
        assert_eq!(out.0.len(), 1);
    }
}
