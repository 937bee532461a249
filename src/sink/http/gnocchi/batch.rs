//! A batch of measures, and the resources that Gnocchi does not know yet or knows otherwise.

use std::hash::BuildHasher;

use foldhash::HashMap;
use foldhash::fast::FixedState;
use ureq::http::Method;

use super::super::super::courier::Abandoned;
use super::super::client::Answer;
use super::super::delivery::Round;
use super::resources::{Measured, Resources};
use super::{request, resource_path};
use crate::model::Node;
use crate::wire::json::read_node;

/// Resources whose attributes are remembered, 16 bytes and an id each; then all are forgotten, and patched once more.
const REMEMBERED_MAX: usize = 1_000_000;
/// How often a batch is sent again because of resources that turned out to be unknown.
const CREATIONS_MAX: usize = 3;

const BATCH: &str = "/v1/batch/resources/metrics/measures?create_metrics=True";

/// What was last said of each resource's attributes, as a hash.
#[derive(Debug, Default)]
pub struct Known {
    remembered: HashMap<String, u64>,
}

impl Known {
    /// Sends the measures of the resources `ids`, which are among `all`, and accounts for them.
    ///
    /// # Errors
    /// [`Abandoned`] when nobody waits for them any more.
    pub fn send(
        &mut self,
        ids: &[&str],
        all: &Resources<'_>,
        round: &mut Round<'_>,
    ) -> Result<(), Abandoned> {
        let mut ids = ids.to_vec();
        for _ in 0..=CREATIONS_MAX {
            if ids.is_empty() {
                return Ok(());
            }
            let Some(answer) = round.exchange(&request(Method::POST, BATCH, all.body(&ids)))? else {
                return round.given_up(all.records(&ids));
            };
            if answer.is_success() {
                round.delivered(all.records(&ids), all.bytes(&ids))?;
                return self.patch(&ids, all, round);
            }
            let unknown = unknown(&answer, &ids);
            if unknown.is_empty() {
                if ids.len() > 1 && matches!(answer.status, 400 | 413) {
                    let (one, other) = ids.split_at(ids.len() / 2);
                    self.send(one, all, round)?;
                    return self.send(other, all, round);
                }
                return round.refused(&answer, all.records(&ids));
            }
            for id in unknown {
                let made = match all.get(id) {
                    Some(of) => self.create(id, of, round)?,
                    None => false,
                };
                if !made {
                    ids.retain(|other| *other != id);
                    round.lost("resource not created", all.records(&[id]))?;
                }
            }
        }
        round.lost("resource not known", all.records(&ids))
    }

    /// Creates a resource; false, and said, when Gnocchi refuses.
    fn create(&mut self, id: &str, of: &Measured<'_>, round: &mut Round<'_>) -> Result<bool, Abandoned> {
        let of_type = &of.resource.resource_type;
        let posted = request(Method::POST, &format!("/v1/resource/{of_type}"), of.creation(id));
        let Some(answer) = round.exchange(&posted)? else { return Ok(false) };
        if !answer.is_success() && answer.status != 409 {
            round.say("resource", &format_args!("cannot create {of_type} {id}: {answer}"));
            return Ok(false);
        }
        // Somebody else's may differ: it is patched behind the batch.
        if answer.is_success() {
            self.remember(id, of);
        }
        Ok(true)
    }

    /// Says what changed of the resources that were known.
    fn patch(&mut self, ids: &[&str], all: &Resources<'_>, round: &mut Round<'_>) -> Result<(), Abandoned> {
        for &id in ids {
            let Some(of) = all.get(id) else { continue };
            if self.remembered.get(id) == Some(&hash(of)) {
                continue;
            }
            let of_type = &of.resource.resource_type;
            let path = resource_path(of_type, id);
            match round.exchange(&request(Method::PATCH, &path, of.change()))? {
                Some(answer) if answer.is_success() => self.remember(id, of),
                Some(answer) => {
                    round.say("resource", &format_args!("cannot change {of_type} {id}: {answer}"))
                }
                None => round.say("resource", &format_args!("cannot change {of_type} {id}: no answer")),
            }
        }
        Ok(())
    }

    fn remember(&mut self, id: &str, of: &Measured<'_>) {
        if self.remembered.len() >= REMEMBERED_MAX {
            self.remembered.clear();
        }
        self.remembered.insert(id.to_owned(), hash(of));
    }
}

/// Those of `ids` that the answer says are unknown.
fn unknown<'i>(answer: &Answer, ids: &[&'i str]) -> Vec<&'i str> {
    let Ok(body) = read_node(&answer.body) else { return Vec::new() };
    // Gnocchi's errors have it inside of what WebOb calls the description.
    let inner = body.get("description").unwrap_or(&body);
    if inner.get("cause").and_then(Node::as_text) != Some("Unknown resources") {
        return Vec::new();
    }
    let Some(Node::List(detail)) = inner.get("detail") else { return Vec::new() };
    let mut named: Vec<&str> =
        detail.iter().filter_map(|one| one.get("original_resource_id").and_then(Node::as_text)).collect();
    named.sort_unstable();
    ids.iter().copied().filter(|id| named.binary_search(id).is_ok()).collect()
}

fn hash(of: &Measured<'_>) -> u64 {
    FixedState::default().hash_one(of.change())
}
