//! `aggregator`: one sample for several of the same meter and resource: the mean of gauges, the sum of deltas, the last
//! of counters.

use std::collections::HashMap;

use super::conversion::Conversion;
use super::{Dropped, Taken, Transformer};
use crate::model::{Node, Timestamp, python};
use crate::pipeline::number::Number;
use crate::pipeline::sample::Sample;

/// `aggregator` (`AggregatorTransformer`, 8.1.5).
pub struct Aggregator {
    rules: Rules,
    groups: Vec<Group>,
    of_key: HashMap<Vec<u8>, usize>,
    /// Samples taken since the last flush, of all groups.
    taken: u64,
    /// The time of the first of them.
    start: Option<Timestamp>,
}

/// What the file says of an aggregator.
#[derive(Clone, Debug)]
pub struct Rules {
    /// What each sample is first.
    pub conversion: Conversion,
    /// After so many samples, of all groups, the batch's end hands on.
    pub size: Option<u64>,
    /// After so many nanoseconds the batch's end hands on.
    pub retention_ns: Option<i64>,
    /// Whose user an aggregate has; none: users stay apart.
    pub user_id: Option<Which>,
    /// Whose project an aggregate has; none: projects stay apart.
    pub project_id: Option<Which>,
    /// Whose metadata an aggregate has.
    pub metadata: Which,
    /// Whose timestamp an aggregate has.
    pub timestamp: Which,
}

/// Which sample's value an aggregate has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// Of the first.
    First,
    /// Of the last.
    Last,
    /// Of none.
    Drop,
}

struct Group {
    sample: Sample<'static>,
    count: i128,
}

impl Aggregator {
    /// An empty one.
    pub fn new(rules: Rules) -> Aggregator {
        Aggregator { rules, groups: Vec::new(), of_key: HashMap::new(), taken: 0, start: None }
    }

    /// The group's name: each part with its length, so that none runs into the next.
    fn key(&self, sample: &Sample<'_>) -> Vec<u8> {
        let mut key = Vec::new();
        let mut part = |bytes: &[u8]| {
            key.extend((bytes.len() as u64).to_le_bytes());
            key.extend(bytes);
        };
        part(sample.name.as_bytes());
        part(sample.resource_id.as_bytes());
        let mut text = Vec::new();
        for (kept, value) in
            [(self.rules.user_id, &sample.user_id), (self.rules.project_id, &sample.project_id)]
        {
            if kept.is_none() {
                text.clear();
                python::write_repr(value, &mut text);
                part(&text);
            }
        }
        key
    }
}

impl Transformer for Aggregator {
    fn take<'a>(&mut self, mut sample: Sample<'a>) -> Result<Taken<'a>, Dropped> {
        let volume = self.rules.conversion.scaled(&sample)?;
        self.start.get_or_insert(sample.time);
        self.taken += 1;
        let key = self.key(&sample);
        let Some(&place) = self.of_key.get(&key) else {
            let volume = self.rules.conversion.limited(volume);
            self.rules.conversion.apply(&mut sample, volume);
            if self.rules.metadata == Which::Drop {
                sample.metadata = Node::Map(Vec::new());
            }
            self.of_key.insert(key, self.groups.len());
            self.groups.push(Group { sample: sample.into_owned(), count: 1 });
            return Ok(Taken::Held);
        };
        let group = &mut self.groups[place];
        group.count += 1;
        group.sample.volume =
            if sample.sample_type == "cumulative" { volume } else { group.sample.volume.plus(volume) };
        if self.rules.timestamp == Which::Last {
            group.sample.timestamp = sample.timestamp.into_owned().into();
            group.sample.time = sample.time;
        }
        if self.rules.user_id == Some(Which::Last) {
            group.sample.user_id = sample.user_id.into_owned();
        }
        if self.rules.project_id == Some(Which::Last) {
            group.sample.project_id = sample.project_id.into_owned();
        }
        if self.rules.metadata == Which::Last {
            group.sample.metadata = sample.metadata.into_owned();
        }
        Ok(Taken::Held)
    }

    fn flush(&mut self, now: Timestamp, out: &mut Vec<Result<Sample<'static>, Dropped>>) {
        let Some(start) = self.start else { return };
        let is_full = self.rules.size.is_some_and(|size| self.taken >= size);
        let expired = |retention_ns| now.ns().saturating_sub(start.ns()) > retention_ns;
        if is_full || self.rules.retention_ns.is_some_and(expired) {
            self.finish(now, out);
        }
    }

    fn finish(&mut self, _now: Timestamp, out: &mut Vec<Result<Sample<'static>, Dropped>>) {
        for Group { mut sample, count } in self.groups.drain(..) {
            // Divided by how many there were, whatever the aggregate is called; Ceilometer looks the number up under
            // the new name, and fails where a target renames.
            if sample.sample_type == "gauge"
                && let Ok(mean) = sample.volume.divided_by(Number::Int(count))
            {
                sample.volume = mean;
            }
            out.push(Ok(sample));
        }
        self.of_key.clear();
        (self.taken, self.start) = (0, None);
    }

    fn held(&self) -> usize {
        self.groups.len()
    }
}
