//! Evaluation in event time: closed periods of every group go in, transitions come out.
//!
//! Nothing here asks what time it is. A caller pushes the values of closed periods and then says how far event time
//! has come; the same rows give the same transitions, live or from a recording, however they are cut.

use std::mem;

use foldhash::fast::RandomState;
use hashbrown::HashMap;
use serde_json::{Map, Value};
use thiserror::Error;

use super::{Alarm, Datapoint, step};
use crate::model::{AlarmState, Span, Timestamp, Transition};

/// Groups of one alarm that are remembered at a time: at 200 bytes and a window each, about 30 MB.
pub const GROUPS_MAX: usize = 100_000;

/// All alarms, and the state of each of their groups.
#[derive(Clone, Debug)]
pub struct Evaluator {
    alarms: Vec<Alarm>,
    states: Vec<AlarmGroups>,
    groups_max: usize,
}

/// What is known of one alarm's groups.
///
/// A group in "insufficient data" with no value left in its window is not here: it would behave as one never seen.
#[derive(Clone, Debug, Default)]
struct AlarmGroups {
    /// The end of the period evaluated last.
    evaluated_until: Option<Timestamp>,
    groups: HashMap<Box<[Value]>, Group, RandomState>,
    refused: u64,
    replaced: u64,
}

#[derive(Clone, Debug)]
struct Group {
    state: AlarmState,
    /// Ascending; those of the window evaluated last that a later one may need, then those not evaluated yet.
    points: Vec<Datapoint>,
}

/// The value of one closed period of one group, for one alarm.
#[derive(Clone, Copy, Debug)]
pub struct Row<'a> {
    /// Which alarm, by its place in the list given to [`Evaluator::new`].
    pub alarm: usize,
    /// The values of the rule's [`group_keys`](super::ThresholdRule::group_keys), in that order.
    pub group: &'a [Value],
    /// The period; one of the rule's granularity.
    pub span: Span,
    /// The aggregate of the period.
    pub value: f64,
}

/// Why a row has no effect.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum Refused {
    /// Its period has been evaluated.
    #[error("the period has been evaluated already")]
    Late,
    /// Its span is not a period of the rule (Aodh drops points of another granularity too).
    #[error("the span is not one of the rule's granularity")]
    WrongSpan,
    /// NaN or infinite.
    #[error("the value is not finite")]
    NotFinite,
    /// There is one group more than [`GROUPS_MAX`].
    #[error("the alarm has too many groups; ask for fewer in group_by")]
    TooManyGroups,
}

/// Somebody is to be told of `transition`.
#[derive(Clone, Debug, PartialEq)]
pub struct Notice {
    /// Which alarm, by its place in the list given to [`Evaluator::new`].
    pub alarm: usize,
    /// What happened.
    pub transition: Transition,
}

impl Notice {
    /// Whether the state stayed: `repeat_actions` asks for notifications, but there is no transition to record.
    pub fn is_repetition(&self) -> bool {
        self.transition.previous == self.transition.current
    }
}

impl Evaluator {
    /// Alarms whose groups are all unseen, in state "insufficient data".
    pub fn new(alarms: Vec<Alarm>) -> Evaluator {
        let states = alarms.iter().map(|_| AlarmGroups::default()).collect();
        Evaluator { alarms, states, groups_max: GROUPS_MAX }
    }

    /// Goes on from the states of `old`: of each alarm that is there with the same identity and the same rule.
    ///
    /// Gives, for each alarm of `old`, its place among the alarms here, or none where it starts anew or is gone.
    pub fn carry_over(&mut self, old: Evaluator) -> Vec<Option<usize>> {
        let mut places = Vec::with_capacity(old.alarms.len());
        for (before, state) in old.alarms.iter().zip(old.states) {
            let same =
                |now: &Alarm| now.alarm_id == before.alarm_id && now.rule == before.rule && now.enabled;
            let place = self.alarms.iter().position(same);
            if let Some(place) = place {
                self.states[place] = state;
            }
            places.push(place);
        }
        places
    }

    /// The alarms, in the order given.
    pub fn alarms(&self) -> &[Alarm] {
        &self.alarms
    }

    /// Groups remembered now, of all alarms together.
    pub fn groups(&self) -> usize {
        self.states.iter().map(|state| state.groups.len()).sum()
    }

    /// Rows of one alarm that were refused so far.
    pub fn refused(&self, alarm: usize) -> u64 {
        self.states.get(alarm).map_or(0, |state| state.refused)
    }

    /// Values of one alarm that took the place of another of the same period.
    pub fn replaced(&self, alarm: usize) -> u64 {
        self.states.get(alarm).map_or(0, |state| state.replaced)
    }

    /// Takes the value of a closed period; [`advance`](Evaluator::advance) evaluates it. Of two values of one period
    /// the later counts. Rows of a disabled alarm pass without effect.
    ///
    /// Values wait in memory until event time has reached the end of their period.
    ///
    /// # Errors
    /// [`Refused`] when the row cannot count.
    ///
    /// # Panics
    /// When there is no alarm of that number.
    pub fn push(&mut self, row: Row<'_>) -> Result<(), Refused> {
        let (alarm, state) = (&self.alarms[row.alarm], &mut self.states[row.alarm]);
        if !alarm.enabled {
            return Ok(());
        }
        debug_assert_eq!(row.group.len(), alarm.rule.group_keys().count());
        let taken = state.take(row, alarm, self.groups_max);
        state.refused += u64::from(taken.is_err());
        taken
    }

    /// Event time of one alarm has reached `time`: every period that ended until then is evaluated, with or without
    /// values in it. Appends to `notices`, in the order of time, then group. A time already passed changes nothing.
    ///
    /// O(values + groups × periods with a value in their window); never a step a period of silence.
    ///
    /// # Panics
    /// When there is no alarm of that number.
    pub fn advance(&mut self, alarm: usize, time: Timestamp, notices: &mut Vec<Notice>) {
        let from = notices.len();
        self.states[alarm].advance(&self.alarms[alarm], alarm, time, notices);
        sort(&mut notices[from..]);
    }

    /// [`advance`](Evaluator::advance) for all alarms; `notices` come in the order of time, then alarm, then group.
    pub fn advance_all(&mut self, time: Timestamp, notices: &mut Vec<Notice>) {
        let from = notices.len();
        for (index, (alarm, state)) in self.alarms.iter().zip(&mut self.states).enumerate() {
            state.advance(alarm, index, time, notices);
        }
        sort(&mut notices[from..]);
    }
}

/// Groups stand in hash order; their JSON text orders them the same way in every run.
fn sort(notices: &mut [Notice]) {
    notices.sort_by_cached_key(|notice| {
        let group = Value::Object(notice.transition.group.clone()).to_string();
        (notice.transition.timestamp, notice.alarm, group)
    });
}

impl AlarmGroups {
    fn take(&mut self, row: Row<'_>, alarm: &Alarm, groups_max: usize) -> Result<(), Refused> {
        if alarm.rule.granularity.span(row.span.start) != Some(row.span) {
            return Err(Refused::WrongSpan);
        }
        if !row.value.is_finite() {
            return Err(Refused::NotFinite);
        }
        if self.evaluated_until.is_some_and(|until| row.span.stop <= until) {
            return Err(Refused::Late);
        }
        let point = Datapoint { start: row.span.start, value: row.value };
        let is_full = self.groups.len() >= groups_max;
        match self.groups.get_mut(row.group) {
            Some(group) => self.replaced += u64::from(group.take(point)),
            None if is_full => return Err(Refused::TooManyGroups),
            None => {
                let group = Group { state: AlarmState::InsufficientData, points: vec![point] };
                self.groups.insert(row.group.into(), group);
            }
        }
        Ok(())
    }

    fn advance(&mut self, alarm: &Alarm, index: usize, time: Timestamp, notices: &mut Vec<Notice>) {
        let Some(open) = alarm.rule.granularity.span(time) else { return };
        // The period that `time` is in is still open; the one before it ended at its start.
        let until = open.start;
        if !alarm.enabled || self.evaluated_until.is_some_and(|evaluated| until <= evaluated) {
            return;
        }
        let since = self.evaluated_until.replace(until);
        self.groups.retain(|key, group| {
            group.advance(alarm, since, until, |transition| {
                let group = alarm.rule.group_keys().map(str::to_owned).zip(key.iter().cloned());
                let transition = Transition { group: group.collect(), ..transition };
                notices.push(Notice { alarm: index, transition });
            })
        });
    }
}

impl Group {
    /// Whether there was a value of that period already.
    fn take(&mut self, point: Datapoint) -> bool {
        match self.points.binary_search_by_key(&point.start, |known| known.start) {
            Ok(at) => self.points[at] = point,
            Err(at) => {
                self.points.insert(at, point);
                return false;
            }
        }
        true
    }

    /// Evaluates the periods that ended after `since` and not after `until`; whether the group is to be remembered.
    ///
    /// The window of a period that ends at `end` reaches from `end - granularity × (evaluation_periods + 1)`, not
    /// included, to `end`: one value may be missing (Aodh 23.0.0, `look_back = 1`).
    fn advance(
        &mut self,
        alarm: &Alarm,
        since: Option<Timestamp>,
        until: Timestamp,
        mut tell: impl FnMut(Transition),
    ) -> bool {
        let period_ns = alarm.rule.granularity.ns();
        let periods = alarm.rule.evaluation_periods;
        let window_ns = period_ns * (periods as i64 + 1);
        let end_of = |point: &Datapoint| point.start.ns() + period_ns;
        // points[first..] are in the window or after it, points[next..] after it.
        let (mut first, mut next) = (0, 0);
        let mut end = since.map_or(i64::MIN, |since| since.ns().saturating_add(period_ns));
        let remembered = loop {
            let window_start = end.saturating_sub(window_ns);
            while self.points.get(first).is_some_and(|point| end_of(point) <= window_start) {
                first += 1;
            }
            if self.state == AlarmState::InsufficientData {
                // Nothing can happen before the next value.
                match self.points.get(first) {
                    None => break false,
                    Some(point) => end = end.max(end_of(point)),
                }
            }
            if end > until.ns() {
                break true;
            }
            next = next.max(first);
            while self.points.get(next).is_some_and(|point| end_of(point) <= end) {
                next += 1;
            }
            let window = &self.points[first.max(next.saturating_sub(periods))..next];
            if let Some(step) = step(alarm, self.state, window) {
                let previous = mem::replace(&mut self.state, step.state);
                tell(Transition {
                    alarm_name: alarm.name.clone(),
                    alarm_id: alarm.alarm_id.clone(),
                    severity: alarm.severity,
                    previous,
                    current: step.state,
                    reason: step.reason,
                    reason_data: step.reason_data,
                    timestamp: Timestamp::from_ns(end),
                    group: Map::new(),
                });
            }
            end = end.saturating_add(period_ns);
        };
        self.points.drain(..first);
        remembered
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Granularity, NS_PER_SECOND};
    use crate::rule::testing::{alarm_above_90, at};
    use proptest::prelude::*;
    use serde_json::json;

    fn push(
        evaluator: &mut Evaluator,
        alarm: usize,
        group: &str,
        minute: i64,
        value: f64,
    ) -> Result<(), Refused> {
        let span = Granularity::from_seconds(60).unwrap().span(at(minute * 60)).unwrap();
        evaluator.push(Row { alarm, group: &[json!(group)], span, value })
    }

    /// `minute group previous current` of each notice; minutes of event time.
    fn told(notices: &[Notice]) -> Vec<String> {
        let line = |notice: &Notice| {
            let t = &notice.transition;
            let minute = t.timestamp.ns() / (60 * NS_PER_SECOND);
            let group = t.group["resource_id"].as_str().unwrap();
            format!("{minute} {}{group} {} > {}", notice.alarm, t.previous, t.current)
        };
        notices.iter().map(line).collect()
    }

    /// One alarm over `periods`, group "a" with `values` from minute 0, event time up to `until_minute`.
    fn run(periods: usize, repeats: bool, values: &[Option<f64>], until_minute: i64) -> Vec<String> {
        let alarm = Alarm { repeat_actions: repeats, ..alarm_above_90(periods) };
        let (mut evaluator, mut notices) = (Evaluator::new(vec![alarm]), Vec::new());
        for (minute, value) in (0..).zip(values) {
            if let Some(value) = value {
                push(&mut evaluator, 0, "a", minute, *value).unwrap();
            }
        }
        evaluator.advance(0, at(until_minute * 60), &mut notices);
        told(&notices)
    }

    const HIGH: Option<f64> = Some(95.0);
    const LOW: Option<f64> = Some(5.0);

    #[test]
    fn an_alarm_fires_when_the_last_periods_agree_and_clears_when_they_agree_again() {
        // Minute m is evaluated at m + 1. Mixed values leave the state as it is.
        let values = [LOW, LOW, HIGH, HIGH, LOW, HIGH, LOW, LOW];
        assert_eq!(
            run(2, false, &values, 8),
            ["2 0a insufficient data > ok", "4 0a ok > alarm", "8 0a alarm > ok"]
        );
    }

    #[test]
    fn mixed_values_take_a_new_group_to_where_the_last_one_points() {
        assert_eq!(run(2, false, &[LOW, HIGH], 2), ["2 0a insufficient data > alarm"]);
        assert_eq!(run(2, false, &[HIGH, LOW], 2), ["2 0a insufficient data > ok"]);
    }

    #[test]
    fn one_missing_period_is_bridged_and_two_are_not() {
        // At minute 4 the window (1, 4] holds minutes 1 and 3: one value less than periods, and still enough.
        assert_eq!(run(2, false, &[HIGH, HIGH, None, HIGH], 4), ["2 0a insufficient data > alarm"]);
        // At minute 4 the window holds minute 1 alone.
        assert_eq!(
            run(2, false, &[HIGH, HIGH, None, None, HIGH, HIGH], 6),
            [
                "2 0a insufficient data > alarm",
                "4 0a alarm > insufficient data",
                "6 0a insufficient data > alarm"
            ]
        );
    }

    #[test]
    fn a_group_that_falls_silent_becomes_insufficient_once_and_is_forgotten() {
        let (mut evaluator, mut notices) = (Evaluator::new(vec![alarm_above_90(1)]), Vec::new());
        push(&mut evaluator, 0, "a", 0, 95.0).unwrap();
        evaluator.advance(0, at(60), &mut notices);
        evaluator.advance(0, at(120), &mut notices);
        assert_eq!(told(&notices), ["1 0a insufficient data > alarm"], "the window bridges one period");
        // Sixty years of silence, at once.
        evaluator.advance(0, at(60 * 365 * 86_400), &mut notices);
        assert_eq!(told(&notices[1..]), ["3 0a alarm > insufficient data"]);
        assert_eq!(notices[1].transition.reason, "No datapoint for granularity 60");
        assert_eq!(evaluator.groups(), 0);
    }

    #[test]
    fn a_far_value_does_not_cost_the_periods_before_it() {
        let (mut evaluator, mut notices) = (Evaluator::new(vec![alarm_above_90(1)]), Vec::new());
        let far = 60 * 365 * 1440;
        push(&mut evaluator, 0, "a", 0, 95.0).unwrap();
        push(&mut evaluator, 0, "a", far, 95.0).unwrap();
        evaluator.advance(0, at((far + 1) * 60), &mut notices);
        assert_eq!(
            told(&notices),
            [
                "1 0a insufficient data > alarm".to_owned(),
                "3 0a alarm > insufficient data".to_owned(),
                format!("{} 0a insufficient data > alarm", far + 1),
            ]
        );
    }

    #[test]
    fn repetitions_are_told_while_there_are_values_and_are_no_transitions() {
        assert_eq!(
            run(1, true, &[HIGH, HIGH, LOW], 9),
            [
                "1 0a insufficient data > alarm",
                "2 0a alarm > alarm",
                "3 0a alarm > ok",
                "4 0a ok > ok",
                "5 0a ok > insufficient data",
            ]
        );
        let alarm = Alarm { repeat_actions: true, ..alarm_above_90(1) };
        let (mut evaluator, mut notices) = (Evaluator::new(vec![alarm]), Vec::new());
        push(&mut evaluator, 0, "a", 0, 95.0).unwrap();
        push(&mut evaluator, 0, "a", 1, 96.0).unwrap();
        evaluator.advance(0, at(120), &mut notices);
        assert_eq!(notices.iter().map(Notice::is_repetition).collect::<Vec<_>>(), [false, true]);
        assert_eq!(
            notices[1].transition.reason,
            "Remaining as alarm due to 1 samples outside threshold, most recent: 96.0"
        );
    }

    #[test]
    fn a_period_is_evaluated_when_event_time_has_reached_its_end_and_not_before() {
        let (mut evaluator, mut notices) = (Evaluator::new(vec![alarm_above_90(1)]), Vec::new());
        push(&mut evaluator, 0, "a", 0, 95.0).unwrap();
        evaluator.advance(0, Timestamp::from_ns(at(60).ns() - 1), &mut notices);
        assert!(notices.is_empty());
        evaluator.advance(0, at(60), &mut notices);
        assert_eq!(told(&notices), ["1 0a insufficient data > alarm"]);
    }

    #[test]
    fn notices_come_in_the_order_of_time_alarm_and_group() {
        let (mut evaluator, mut notices) =
            (Evaluator::new(vec![alarm_above_90(1), alarm_above_90(1)]), Vec::new());
        for (alarm, group, minute) in [(1, "a", 1), (1, "b", 0), (1, "a", 0), (0, "c", 1), (0, "c", 0)] {
            push(&mut evaluator, alarm, group, minute, if minute == 0 { 95.0 } else { 5.0 }).unwrap();
        }
        evaluator.advance_all(at(120), &mut notices);
        assert_eq!(
            told(&notices),
            [
                "1 0c insufficient data > alarm",
                "1 1a insufficient data > alarm",
                "1 1b insufficient data > alarm",
                "2 0c alarm > ok",
                "2 1a alarm > ok",
            ]
        );
    }

    #[test]
    fn rows_that_cannot_count_are_refused_and_counted() {
        let mut evaluator = Evaluator::new(vec![alarm_above_90(1)]);
        evaluator.groups_max = 2;
        push(&mut evaluator, 0, "a", 1, 1.0).unwrap();
        push(&mut evaluator, 0, "b", 1, 1.0).unwrap();
        assert_eq!(push(&mut evaluator, 0, "c", 1, 1.0), Err(Refused::TooManyGroups));
        assert_eq!(push(&mut evaluator, 0, "a", 2, f64::NAN), Err(Refused::NotFinite));
        evaluator.advance(0, at(120), &mut Vec::new());
        assert_eq!(push(&mut evaluator, 0, "a", 1, 1.0), Err(Refused::Late));
        let span = Span { start: at(120), stop: at(150) };
        let row = Row { alarm: 0, group: &[json!("a")], span, value: 1.0 };
        assert_eq!(evaluator.push(row), Err(Refused::WrongSpan));
        assert_eq!(evaluator.refused(0), 4);
        // Both groups are silent, hence forgotten: there is room again.
        evaluator.advance(0, at(600), &mut Vec::new());
        assert_eq!(push(&mut evaluator, 0, "c", 20, 1.0), Ok(()));
    }

    #[test]
    fn a_disabled_alarm_says_nothing() {
        let alarm = Alarm { enabled: false, ..alarm_above_90(1) };
        let (mut evaluator, mut notices) = (Evaluator::new(vec![alarm]), Vec::new());
        push(&mut evaluator, 0, "a", 0, 95.0).unwrap();
        evaluator.advance_all(at(600), &mut notices);
        assert!(notices.is_empty());
    }

    #[test]
    fn the_values_that_decided_stand_in_the_transition() {
        let (mut evaluator, mut notices) = (Evaluator::new(vec![alarm_above_90(2)]), Vec::new());
        for (minute, value) in [(0, 1.0), (1, 2.0), (2, 91.0), (3, 97.5)] {
            push(&mut evaluator, 0, "a", minute, value).unwrap();
        }
        evaluator.advance(0, at(240), &mut notices);
        assert_eq!(
            notices[1].transition.reason_data["datapoints"],
            json!([["1970-01-01T00:02:00Z", 91.0], ["1970-01-01T00:03:00Z", 97.5]])
        );
    }

    /// Aodh's definition, period by period, without any of the shortcuts: the end of each period and the new state.
    fn plain(alarm: &Alarm, points: &[(i64, f64)], until_minute: i64) -> Vec<(i64, AlarmState)> {
        let (mut state, mut changes) = (AlarmState::InsufficientData, Vec::new());
        let periods = alarm.rule.evaluation_periods;
        for end in 1..=until_minute {
            let in_window = |minute: i64| minute + 1 > end - (periods as i64 + 1) && minute < end;
            let all: Vec<Datapoint> = points
                .iter()
                .filter(|(minute, _)| in_window(*minute))
                .map(|&(minute, value)| Datapoint { start: at(minute * 60), value })
                .collect();
            if let Some(step) = step(alarm, state, &all[all.len().saturating_sub(periods)..]) {
                state = step.state;
                changes.push((end, state));
            }
        }
        changes
    }

    proptest! {
        #[test]
        fn any_cut_of_the_rows_gives_the_same_notices(
            rows in proptest::collection::vec((0i64..40, 0usize..3, prop::bool::ANY), 0..60),
            extra in proptest::collection::vec(prop::bool::ANY, 60),
            backwards in 0i64..600,
            periods in 1usize..5,
            repeats in prop::bool::ANY,
        ) {
            let mut rows: Vec<_> = rows;
            rows.sort_by_key(|row| (row.0, row.1));
            rows.dedup_by_key(|row| (row.0, row.1));
            let alarm = Alarm { repeat_actions: repeats, ..alarm_above_90(periods) };
            let value = |high: bool| if high { 95.0 } else { 5.0 };

            let (mut whole, mut at_once) = (Evaluator::new(vec![alarm.clone()]), Vec::new());
            let (mut cut, mut bit_by_bit) = (Evaluator::new(vec![alarm.clone()]), Vec::new());
            for ((minute, group, high), advance) in rows.iter().zip(extra) {
                let name = ["a", "b", "c"][*group];
                push(&mut whole, 0, name, *minute, value(*high)).unwrap();
                push(&mut cut, 0, name, *minute, value(*high)).unwrap();
                if advance {
                    // The period of this row is still open, those before it are closed.
                    cut.advance(0, at(minute * 60 + 59), &mut bit_by_bit);
                    cut.advance(0, at(minute * 60 - backwards), &mut bit_by_bit);
                }
            }
            whole.advance_all(at(50 * 60), &mut at_once);
            cut.advance(0, at(50 * 60), &mut bit_by_bit);
            prop_assert_eq!(&at_once, &bit_by_bit);

            for (group, name) in ["a", "b", "c"].iter().enumerate() {
                let of_group = rows.iter().filter(|row| row.1 == group);
                let points: Vec<_> = of_group.map(|&(minute, _, high)| (minute, value(high))).collect();
                let ours: Vec<_> = at_once
                    .iter()
                    .map(|notice| &notice.transition)
                    .filter(|transition| transition.group["resource_id"] == **name)
                    .map(|transition| (transition.timestamp.ns() / (60 * NS_PER_SECOND), transition.current))
                    .collect();
                prop_assert_eq!(ours, plain(&alarm, &points, 50));
            }
        }
    }
}
