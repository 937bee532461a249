//! The engine against a model that keeps everything: whatever is appended, maintained and read in whatever order, both say
//! the same.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::testing::{Store, arrival, policy};
use super::{Arrival, Effort, MeasuresError, Policies, Wanted};
use crate::model::NS_PER_SECOND;
use crate::series::{ArchivePolicy, Form, Method, Spans, Statistic};
use crate::store::MetricNumber;

/// Every point of a metric that was ever taken.
#[derive(Clone, Debug, Default)]
struct Model {
    points: BTreeMap<i64, f64>,
    late: u64,
}

impl Model {
    /// Gnocchi's rule, one point at a time: nothing older than the window of the newest so far.
    fn arrive(&mut self, ns: i64, value: f64, policy: &ArchivePolicy) {
        let blocks = i64::from(policy.back_window()) + i64::from(policy.has_rates());
        let coarsest = policy.definition().iter().map(|of| of.granularity.ns()).max().unwrap();
        if let Some((newest, _)) = self.points.last_key_value()
            && ns < newest.div_euclid(coarsest) * coarsest - blocks * coarsest
        {
            self.late += 1;
            return;
        }
        self.points.insert(ns, value);
    }

    /// Rows of a granularity: the start of the span in nanoseconds, and the method's value.
    fn rows(&self, granularity_ns: i64, points: Option<u64>, method: Method) -> Vec<(i64, f64)> {
        let mut all: Vec<(i64, f64)> = self.points.iter().map(|(ns, value)| (*ns, *value)).collect();
        if method.form == Form::Rate {
            all = all.windows(2).map(|pair| (pair[1].0, pair[1].1 - pair[0].1)).collect();
        }
        let mut groups: BTreeMap<i64, Vec<f64>> = BTreeMap::new();
        for (ns, value) in all {
            groups.entry(ns.div_euclid(granularity_ns)).or_default().push(value);
        }
        let rows = groups.into_iter();
        let rows: Vec<(i64, f64)> =
            rows.filter_map(|(slot, values)| Some((slot, statistic(&values, method.statistic)?))).collect();
        // By the newest span that has this very method.
        let newest = rows.last().map_or(0, |(slot, _)| *slot);
        let seen = rows.iter().filter(|(slot, _)| points.is_none_or(|points| *slot > newest - points as i64));
        seen.map(|(slot, value)| (slot * granularity_ns, *value)).collect()
    }
}

/// By the textbook; `values` in the order of time.
fn statistic(values: &[f64], statistic: Statistic) -> Option<f64> {
    let (count, sum) = (values.len() as f64, values.iter().fold(0.0, |sum, value| sum + value));
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    Some(match statistic {
        Statistic::Mean => sum / count,
        Statistic::Sum => sum,
        Statistic::Count => count,
        Statistic::Min => sorted[0],
        Statistic::Max => sorted[sorted.len() - 1],
        Statistic::First => values[0],
        Statistic::Last => values[values.len() - 1],
        Statistic::Median => (sorted[(sorted.len() - 1) / 2] + sorted[sorted.len() / 2]) / 2.0,
        Statistic::Std if values.len() < 2 => return None,
        Statistic::Std => {
            let mean = sum / count;
            (values.iter().fold(0.0, |sum, value| sum + (value - mean) * (value - mean)) / (count - 1.0))
                .sqrt()
        }
        Statistic::Percentile(_) => return None,
    })
}

fn rows(spans: &Spans, method: Method) -> Vec<(i64, f64)> {
    let column = spans.columns.iter().find(|column| column.method == method).unwrap();
    let rows =
        (0..spans.starts.len()).filter(|row| column.present.as_ref().is_none_or(|present| present[*row]));
    rows.map(|row| (spans.starts[row].ns(), column.values[row])).collect()
}

const METRICS: u32 = 4;

fn policies() -> Policies {
    let mut policies = Policies::default();
    for (number, policy) in [
        policy(0, &[(1, 40), (60, 0)], &["mean", "min", "max", "sum", "std", "count"]),
        policy(2, &[(10, 30), (60, 20), (90, 10)], &["mean", "last", "std", "rate:mean", "rate:count"]),
        policy(1, &[(7, 0)], &["first", "median", "count", "sum", "rate:last"]),
        policy(3, &[(30, 3), (300, 2)], &["last"]),
    ]
    .into_iter()
    .enumerate()
    {
        policies.define(number as u32 + 1, policy);
        policies.set(MetricNumber(number as u32), number as u32 + 1);
    }
    policies
}

#[derive(Clone, Debug)]
enum Step {
    Append(Vec<Arrival>),
    Maintain,
    Compact,
}

fn step() -> impl Strategy<Value = Step> {
    // Times that mostly go on, with steps back and repeats; values with and without digits behind the point.
    let point = (0..METRICS, 0i64..2000, prop_oneof![(-50i32..50).prop_map(f64::from), -1e3f64..1e3])
        .prop_map(|(metric, half_seconds, value)| arrival(metric, half_seconds as f64 / 2.0, value));
    prop_oneof![
        6 => proptest::collection::vec(point, 1..40).prop_map(Step::Append),
        3 => Just(Step::Maintain),
        1 => Just(Step::Compact),
    ]
}

fn check(store: &Store, models: &[Model]) -> Result<(), TestCaseError> {
    for (number, model) in models.iter().enumerate() {
        let policy = store.policies.of(MetricNumber(number as u32)).unwrap();
        let found = store.read(number as u32);
        prop_assert_eq!(found.len(), policy.definition().len());
        for (spans, definition) in found.iter().zip(policy.definition()) {
            prop_assert_eq!(spans.granularity, definition.granularity);
            for method in policy.methods() {
                let points = definition.points.map(|points| points.get());
                let expected = model.rows(definition.granularity.ns(), points, *method);
                prop_assert_eq!(rows(spans, *method), expected, "{} of {}", method, number);
            }
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    #[test]
    fn the_store_says_what_a_model_says_that_keeps_everything(steps in proptest::collection::vec(step(), 1..40), drift in 0i64..60) {
        let store = Store::new(policies(), 200);
        let mut models = vec![Model::default(); METRICS as usize];
        for (number, step) in steps.into_iter().enumerate() {
            match step {
                Step::Append(mut arrivals) => {
                    // Time goes on, so that windows move and spans close.
                    for arrival in &mut arrivals {
                        let ns = arrival.point.timestamp.ns() / 8 / 500_000_000 * 500_000_000;
                        let ns = ns + number as i64 * drift * NS_PER_SECOND;
                        arrival.point.timestamp = crate::model::Timestamp::from_ns(ns);
                        let policy = store.policies.of(arrival.metric).unwrap();
                        models[arrival.metric.0 as usize].arrive(ns, arrival.point.value, policy);
                    }
                    store.append(&arrivals);
                }
                Step::Maintain => store.maintain(Effort::Due),
                Step::Compact => store.maintain(Effort::Everything),
            }
            check(&store, &models)?;
        }
        // All that is kept, taken into another store, says the same there.
        let other = Store::new(policies(), 200);
        let wanted: Vec<Wanted<'_>> = (0..METRICS)
            .map(|number| Wanted { metric: MetricNumber(number), policy: store.policies.of(MetricNumber(number)).unwrap() })
            .collect();
        let mut wholes = Vec::new();
        let mut snapshot = store.measures.snapshot(&store.connection).unwrap();
        snapshot.whole(&wanted, |_, whole| { wholes.push(Ok::<_, MeasuresError>(whole)); Ok::<_, MeasuresError>(()) }).unwrap();
        other.measures.restore(&other.connection, &other.policies, wholes.into_iter()).unwrap();
        check(&other, &models)?;
        // And goes on from there as the first would have.
        let more = [arrival(0, 500.0, 1.0), arrival(1, 700.5, 2.0), arrival(2, 900.0, 3.0), arrival(1, 100.0, 4.0)];
        for arrival in &more {
            let policy = other.policies.of(arrival.metric).unwrap();
            models[arrival.metric.0 as usize].arrive(arrival.point.timestamp.ns(), arrival.point.value, policy);
        }
        other.append(&more);
        check(&other, &models)?;
    }
}
