//! Operations over series of a store, as Gnocchi's `/v1/aggregates` computes them.
//!
//! `subject` finds the series that an expression means, by the ids of metrics or by a search for resources, and puts them in
//! groups; here they are read, all at once, and the expression is applied to each group. `history` groups resources by what
//! they once were. Never here: command lines, HTTP, how an answer is written.

mod history;
mod refusal;
mod subject;

use serde_json::Value;

use super::measures::cut;
use super::stored::{Range, Stored, Want, read};
use crate::model::Granularity;
use crate::operations::{Answer, Input, Node, apply};
use crate::query::Filter;
use crate::series::{Alignment, Fill, Series, Step};
use crate::store::Store;
use crate::store::measures::MeasuresError;
use subject::{Part, Planned};

pub use refusal::Refusal;
pub use subject::Subject;

/// Which percentage of the times must be common to all series, where nothing is filled and nothing else is said.
pub const NEEDED_OVERLAP: f64 = 100.0;

/// What is asked.
#[derive(Clone, Debug)]
pub struct Query {
    /// The expression.
    pub operations: Node,
    /// What its references mean.
    pub among: Among,
    /// Of which time.
    pub range: Range,
    /// At which granularity; none: at all that the series have in common.
    pub granularity: Option<Granularity>,
    /// What stands where a series has no value. Without it and without `needed_overlap` what is no number is left out
    /// ([`Fill::DropNa`]), as in Gnocchi.
    pub fill: Option<Fill>,
    /// Which percentage of the times must be common to all series.
    pub needed_overlap: Option<f64>,
}

/// What the references of an expression mean.
#[derive(Clone, Debug)]
pub enum Among {
    /// Metrics, by their ids.
    Metrics,
    /// Metrics of resources, by globs over their names.
    Resources(Search),
}

/// Which resources.
#[derive(Clone, Debug)]
pub struct Search {
    /// Of which type; `generic`: of any.
    pub resource_type: String,
    /// Which of them.
    pub filter: Filter,
    /// Whose ids of the outside the filter means.
    pub creator: Option<String>,
    /// Attributes: an answer for each combination of their values; none: one answer for all.
    pub group_by: Vec<String>,
    /// Whether a resource belongs to each group for the time that it had the values; else to that of its values now.
    pub use_history: bool,
}

/// What there is to say.
#[derive(Debug)]
pub struct Answers {
    /// One for each group that has metrics; exactly one where nothing is grouped.
    pub groups: Vec<Group>,
    /// Bytes of journals that were stepped over because they are not what was written.
    pub damage: Vec<MeasuresError>,
}

/// The answer about one group.
#[derive(Debug)]
pub struct Group {
    /// The attributes it is grouped by and their values.
    pub key: Vec<(String, Value)>,
    /// What it was computed of; the series of [`Answer::Each`] belong to these, in their order.
    pub subjects: Vec<Subject>,
    /// The series.
    pub answer: Answer,
}

/// Answers a query.
///
/// # Errors
/// [`Refusal`]
pub fn answer(store: &Store, query: &Query) -> Result<Answers, Refusal> {
    let planned = subject::plan(store.index(), query)?;
    let parts = || planned.iter().flat_map(|group| &group.parts);
    let wants: Vec<Want<'_>> = parts()
        .flat_map(|part| &part.subjects)
        .map(|subject| Want { metric: &subject.metric, method: subject.method })
        .collect();
    let mut granularities: Vec<Granularity> =
        parts().flat_map(|part| part.granularities.iter().copied()).collect();
    granularities.sort_unstable();
    granularities.dedup();
    let Stored { series, damage } = read(store, &wants, &granularities, query.range)?;
    let mut series = series.into_iter();
    let groups = planned.into_iter().map(|group| answer_group(query, group, &mut series));
    Ok(Answers { groups: groups.collect::<Result<_, Refusal>>()?, damage })
}

/// - `series`: of this group's subjects and those of all that follow
fn answer_group(
    query: &Query,
    group: Planned,
    series: &mut impl Iterator<Item = Vec<Series>>,
) -> Result<Group, Refusal> {
    let Planned { key, parts } = group;
    let weighs = matches!(&query.among, Among::Resources(search) if search.weighs());
    let (mut subjects, mut answers) = (Vec::new(), Vec::new());
    for part in parts {
        let answer = answer_part(query, &part, series)?;
        answers.push((part.range, answer));
        subjects.extend(part.subjects);
    }
    let answer = if weighs {
        Answer::Aggregated(history::added_up(answers)?)
    } else {
        answers.pop().map_or_else(|| Answer::Aggregated(Vec::new()), |(_, answer)| answer)
    };
    Ok(Group { key, subjects, answer })
}

fn answer_part(
    query: &Query,
    part: &Part,
    series: &mut impl Iterator<Item = Vec<Series>>,
) -> Result<Answer, Refusal> {
    let inputs = part.subjects.iter().zip(series).map(|(subject, mut levels)| {
        // What was read is for all parts: at all their granularities, for all their times.
        levels.retain(|level| part.granularities.contains(&level.granularity));
        if part.range != query.range {
            let cut = |level: Series| {
                let step = Step::Span(level.granularity);
                cut(level, step, part.range)
            };
            levels = levels.into_iter().map(cut).collect();
        }
        Input { reference: subject.reference.clone(), series: levels }
    });
    let fill = match (query.fill, query.needed_overlap) {
        (None, None) => Some(Fill::DropNa),
        (fill, _) => fill,
    };
    let alignment = Alignment {
        fill,
        needed_overlap: query.needed_overlap.unwrap_or(NEEDED_OVERLAP),
        has_start: part.range.start.is_some(),
        has_stop: part.range.stop.is_some(),
    };
    Ok(apply(&query.operations, inputs.collect(), &alignment)?)
}

impl Search {
    /// Whether values are weighed by how long a resource was in a group.
    fn weighs(&self) -> bool {
        self.use_history && !self.group_by.is_empty()
    }
}
