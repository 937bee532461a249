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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::testing::Directory;
    use crate::model::{NS_PER_SECOND, Timestamp};
    use crate::operations::parse_text;
    use crate::series::{ArchivePolicy, Definition, Point};
    use crate::store::index::{MetricSource, NewResource, ResourceId, ResourcePatch};
    use crate::work::measures::add;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_ns(seconds * NS_PER_SECOND)
    }

    fn seconds(seconds: i64) -> Granularity {
        Granularity::from_seconds(seconds).unwrap()
    }

    /// A store with the policies `minute` and `five`, which has five minutes too.
    fn store(directory: &Directory) -> Store {
        let store = Store::open_or_create(&directory.0, false).unwrap();
        for (name, steps) in [("minute", &[60][..]), ("five", &[60, 300])] {
            let definition =
                steps.iter().map(|step| Definition { granularity: seconds(*step), points: None });
            let methods = vec!["mean".parse().unwrap(), "max".parse().unwrap()];
            let policy = ArchivePolicy::new(name, 9, methods, definition.collect()).unwrap();
            store.index().create_archive_policy(&policy).unwrap();
        }
        store
    }

    /// A resource of a project with a metric `m`, which has a point at each start of three minutes.
    fn resource(store: &Store, name: &str, project: &str, policy: &str, values: [f64; 3]) {
        let source = MetricSource::New { archive_policy: Some(policy.to_owned()), unit: None };
        let new = NewResource {
            project_id: Some(project.to_owned()),
            metrics: vec![("m".to_owned(), source)],
            ..NewResource::new(ResourceId::of(name, None).unwrap(), "generic")
        };
        let id = store.index().create_resource(&new, at(0)).unwrap().id;
        let metric = store.index().metric_named(id, "m").unwrap();
        let points: Vec<Point> =
            (0..).zip(values).map(|(minute, value)| Point { timestamp: at(minute * 60), value }).collect();
        add(store, &metric, &points).unwrap();
    }

    fn query(operations: &str, group_by: &[&str], use_history: bool) -> Query {
        Query {
            operations: parse_text(operations).unwrap(),
            among: Among::Resources(Search {
                resource_type: "generic".to_owned(),
                filter: Filter::Everything,
                creator: None,
                group_by: group_by.iter().map(|name| (*name).to_owned()).collect(),
                use_history,
            }),
            range: Range::default(),
            granularity: None,
            fill: None,
            needed_overlap: None,
        }
    }

    /// `project values`, group by group, at a minute's granularity.
    fn minutes(store: &Store, query: &Query) -> Vec<String> {
        let groups = answer(store, query).unwrap().groups;
        let shown = groups.iter().map(|group| {
            let Answer::Aggregated(levels) = &group.answer else { panic!("{:?}", group.answer) };
            let level = levels.iter().find(|level| level.granularity == seconds(60)).unwrap();
            let project = group.key.first().map_or("all", |(_, value)| value.as_str().unwrap());
            format!("{project} {:?}", level.values)
        });
        shown.collect()
    }

    #[test]
    fn resources_are_grouped_by_what_they_are_now() {
        let directory = Directory::new("aggregates-groups");
        let store = store(&directory);
        resource(&store, "one", "a", "minute", [1.0, 2.0, 3.0]);
        resource(&store, "two", "b", "five", [10.0, 20.0, 30.0]);
        resource(&store, "three", "a", "five", [100.0, 200.0, 300.0]);
        let sum = "(aggregate sum (metric m mean))";
        assert_eq!(minutes(&store, &query(sum, &[], false)), ["all [111.0, 222.0, 333.0]"]);
        let grouped = query(sum, &["project_id"], false);
        assert_eq!(minutes(&store, &grouped), ["a [101.0, 202.0, 303.0]", "b [10.0, 20.0, 30.0]"]);
        // Each group has the granularities that its own metrics have in common.
        let levels = answer(&store, &grouped).unwrap().groups.into_iter().map(|group| match group.answer {
            Answer::Aggregated(levels) => levels.len(),
            Answer::Each(_) => 0,
        });
        assert_eq!(levels.collect::<Vec<_>>(), [1, 2]);
    }

    #[test]
    fn a_resource_counts_in_each_group_for_the_time_it_was_in_it() {
        let directory = Directory::new("aggregates-history");
        let store = store(&directory);
        resource(&store, "one", "a", "minute", [8.0, 8.0, 8.0]);
        resource(&store, "two", "a", "minute", [1.0, 1.0, 1.0]);
        // Resource one moves to project b at 1:15.
        let patch = ResourcePatch { project_id: Some(Some("b".to_owned())), ..ResourcePatch::default() };
        let id = ResourceId::of("one", None).unwrap().uuid();
        store.index().update_resource("generic", id, &patch, at(75)).unwrap();
        let sum = "(aggregate sum (metric m mean))";
        let history = query(sum, &["project_id"], true);
        assert_eq!(minutes(&store, &history), ["a [9.0, 3.0, 1.0]", "b [6.0, 8.0]"]);
        assert_eq!(
            minutes(&store, &query(sum, &["project_id"], false)),
            ["a [1.0, 1.0, 1.0]", "b [8.0, 8.0, 8.0]"]
        );
        // Of a range that begins within a span only the share behind its start counts.
        let range = Range { start: Some(at(45)), stop: Some(at(120)) };
        let part = Query { range, ..history };
        assert_eq!(minutes(&store, &part), ["a [2.25, 3.0]", "b [6.0]"]);
        let refused = answer(&store, &query("(metric m mean)", &["project_id"], true));
        assert!(matches!(refused, Err(Refusal::NotAggregated)));
    }

    #[test]
    fn what_is_not_there_is_told() {
        let directory = Directory::new("aggregates-refused");
        let store = store(&directory);
        resource(&store, "one", "a", "minute", [1.0, 2.0, 3.0]);
        let refused = |query: &Query| answer(&store, query).unwrap_err().to_string();
        assert_eq!(
            refused(&query("(metric n* mean)", &[], false)),
            "no metric of the resources that were found is named n*"
        );
        assert_eq!(
            refused(&query("(metric m last)", &[], false)),
            "of metric \"m\" of \"one\" no \"last\" is kept: its archive policy \"minute\" keeps mean, max"
        );
        let five = Query { granularity: Some(seconds(300)), ..query("(metric m mean)", &[], false) };
        assert_eq!(
            refused(&five),
            "metric \"m\" of \"one\" has no granularity of 300 s: its archive policy \"minute\" has 60 s"
        );
        let by_id = |text| Query { among: Among::Metrics, ..query(text, &[], false) };
        assert_eq!(
            refused(&by_id("(metric m mean)")),
            "\"m\" is no id of a metric; names go with a search for resources"
        );
        let unknown = "00000000-0000-0000-0000-000000000001";
        assert_eq!(
            refused(&by_id(&format!("(metric {unknown} mean)"))),
            format!("there is no metric {unknown}")
        );
    }
}
