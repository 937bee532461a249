//! The answer: a tree applied to series.

use thiserror::Error;

use super::evaluate::Leaves;
use super::{Node, Reference};
use crate::model::{Granularity, Timestamp};
use crate::series::{Alignment, Grid, Misaligned, NoRatesByCalendar, Series};

/// One stored series, at each granularity of the answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Input {
    /// The reference that asked for it; several series may have come by one, a pattern.
    pub reference: Reference,
    /// One for each granularity, the coarsest first; the same granularities for all inputs, each once.
    pub series: Vec<Series>,
}

/// What an expression gives.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// One series made of several, at each granularity in the order of the inputs' (Gnocchi's "aggregated").
    Aggregated(Vec<Series>),
    /// A series for each input, in their order, at each granularity.
    Each(Vec<Vec<Series>>),
}

/// Series that an expression cannot be applied to.
#[derive(Clone, Debug, Error, PartialEq)]
pub enum CannotApply {
    /// They cannot be brought together.
    #[error(transparent)]
    Misaligned(#[from] Misaligned),
    /// Two operands have not the same times; the text is Gnocchi's.
    #[error("Can't compute timeseries with different granularity {left} <> {right}")]
    DifferentTimes {
        /// One operand, as an expression.
        left: String,
        /// The other.
        right: String,
    },
    /// Two operands are lists of series, of different length.
    #[error("{left} is {left_count} series and {right} is {right_count}: aggregate one of them first")]
    DifferentCounts {
        /// One operand, as an expression.
        left: String,
        /// How many series it is.
        left_count: usize,
        /// The other operand.
        right: String,
        /// How many series it is.
        right_count: usize,
    },
    /// A window is longer than the series; the text is Gnocchi's.
    #[error("Rolling window '{window}' is greater than serie length '{length}'")]
    LongWindow {
        /// How many values it has.
        window: usize,
        /// How many values there are.
        length: usize,
    },
    /// A window over so many values would take minutes.
    #[error(
        "a rolling window of {window} over {values} values is too much to compute: take less time or resample first"
    )]
    TooMuchRolling {
        /// How many values it has.
        window: usize,
        /// How many values there are in all series.
        values: usize,
    },
    /// A reference has no series.
    #[error("there is no series for {0}")]
    NothingFound(String),
    /// An expression that mixes series gives several.
    #[error(
        "the operations give {0} series where one is expected: put (aggregate METHOD …) around each operand"
    )]
    Several(usize),
    /// The inputs are not all at the same granularities.
    #[error("No granularity match")]
    DifferentGranularities,
    /// Rates of unequal spans.
    #[error(transparent)]
    NoRatesByCalendar(#[from] NoRatesByCalendar),
}

/// Applies `tree` to `inputs`, granularity by granularity, as Gnocchi 4.7.1 does.
///
/// - `inputs`: for all of the tree's references, none twice; their order is that of the answer
///
/// Deliberate differences: truth is a number, so that truths can be counted (numpy's `True + True` is `True`); and an
/// answer that would be the first of several mixed series is an error.
///
/// # Errors
/// [`CannotApply`]
pub fn apply(tree: &Node, inputs: Vec<Input>, alignment: &Alignment) -> Result<Answer, CannotApply> {
    let granularities: Vec<Granularity> =
        inputs.first().map(|input| granularities_of(input).collect()).unwrap_or_default();
    if !inputs.iter().all(|input| granularities_of(input).eq(granularities.iter().copied())) {
        return Err(CannotApply::DifferentGranularities);
    }
    let count = inputs.len();
    let leaves = Leaves::of(tree, &inputs)?;
    let mut levels: Vec<_> = inputs.into_iter().map(|input| input.series.into_iter()).collect();
    let (mut aggregated, mut each) = (Vec::new(), vec![Vec::new(); count]);
    for granularity in granularities {
        let grid = Grid::align(levels.iter_mut().filter_map(Iterator::next).collect(), alignment)?;
        let table = leaves.evaluate(tree, granularity, grid)?;
        let (granularity, times) = (table.granularity, table.timestamps);
        let series = |values| finished(granularity, &times, values, alignment);
        if table.aggregated {
            let [values] = <[Vec<f64>; 1]>::try_from(table.columns)
                .map_err(|columns| CannotApply::Several(columns.len()))?;
            aggregated.push(series(values));
        } else {
            let columns = table.inputs.iter().zip(table.columns);
            columns.for_each(|(&input, values)| each[input].push(series(values)));
        }
    }
    Ok(if is_aggregated(tree) { Answer::Aggregated(aggregated) } else { Answer::Each(each) })
}

fn granularities_of(input: &Input) -> impl Iterator<Item = Granularity> {
    input.series.iter().map(|series| series.granularity)
}

/// Whether series are mixed: what comes out belongs to no input any more.
fn is_aggregated(tree: &Node) -> bool {
    match tree {
        Node::Number(_) | Node::Metric(_) => false,
        Node::Aggregate { .. } => true,
        Node::Resample { of, .. } | Node::Rolling { of, .. } | Node::Unary(_, of) => is_aggregated(of),
        Node::Binary(_, left, right) => mixes(&[left, right]),
        Node::Clip(of, low, high) => {
            let operands: Vec<&Node> = [of, low].into_iter().chain(high).map(|node| &**node).collect();
            mixes(&operands)
        }
    }
}

fn mixes(operands: &[&Node]) -> bool {
    operands.iter().filter(|node| node.is_series()).count() > 1
        || operands.iter().any(|node| is_aggregated(node))
}

/// The series, without results that are no value where the filling says so.
fn finished(
    granularity: Granularity,
    times: &[Timestamp],
    values: Vec<f64>,
    alignment: &Alignment,
) -> Series {
    let drops = alignment.fill.is_some_and(|fill| fill.drops());
    if !drops || values.iter().all(|value| value.is_finite()) {
        return Series { granularity, timestamps: times.to_vec(), values };
    }
    let kept = times.iter().zip(values).filter(|(_, value)| value.is_finite());
    let (timestamps, values) = kept.map(|(time, value)| (*time, value)).unzip();
    Series { granularity, timestamps, values }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::NS_PER_SECOND;
    use crate::operations::parse_text;
    use crate::series::Fill;

    fn series(step: i64, list: &[(i64, f64)]) -> Series {
        Series {
            granularity: Granularity::from_seconds(step).unwrap(),
            timestamps: list.iter().map(|(s, _)| Timestamp::from_ns(s * NS_PER_SECOND)).collect(),
            values: list.iter().map(|(_, value)| *value).collect(),
        }
    }

    fn input(metric: &str, aggregation: &str, series: Vec<Series>) -> Input {
        let reference = Reference { metric: metric.to_owned(), aggregation: aggregation.to_owned() };
        Input { reference, series }
    }

    /// Two metrics at one granularity, of which the second lacks the time 60.
    fn two() -> Vec<Input> {
        vec![
            input("a", "mean", vec![series(60, &[(0, 1.0), (60, 2.0), (120, 4.0), (180, 8.0)])]),
            input("b", "mean", vec![series(60, &[(0, 10.0), (120, 30.0), (180, 20.0)])]),
        ]
    }

    fn dropping() -> Alignment {
        Alignment { fill: Some(Fill::DropNa), needed_overlap: 100.0, has_start: false, has_stop: false }
    }

    /// Times and values of an answer that is aggregated.
    fn aggregated(text: &str) -> Vec<(i64, f64)> {
        match apply(&parse_text(text).unwrap(), two(), &dropping()).unwrap() {
            Answer::Aggregated(series) => {
                let seconds = series[0].timestamps.iter().map(|at| at.ns() / NS_PER_SECOND);
                seconds.zip(series[0].values.iter().copied()).collect()
            }
            Answer::Each(_) => Vec::new(),
        }
    }

    fn refused(text: &str) -> String {
        apply(&parse_text(text).unwrap(), two(), &dropping()).unwrap_err().to_string()
    }

    const BOTH: &str = "(metric (a mean) (b mean))";

    #[test]
    fn series_are_aggregated_at_each_time() {
        assert_eq!(
            aggregated(&format!("(aggregate sum {BOTH})")),
            [(0, 11.0), (60, 2.0), (120, 34.0), (180, 28.0)]
        );
        assert_eq!(
            aggregated(&format!("(aggregate rate:max {BOTH})")),
            [(60, -8.0), (120, 28.0), (180, -10.0)]
        );
        assert_eq!(
            aggregated(&format!("(rolling mean 2 (aggregate count {BOTH}))")),
            [(60, 1.5), (120, 1.5), (180, 2.0)]
        );
        assert_eq!(
            aggregated(&format!("(resample sum 120 (aggregate sum {BOTH}))")),
            [(0, 13.0), (120, 62.0)]
        );
    }

    #[test]
    fn operators_mix_series_with_series_and_numbers() {
        // Without b there is no difference at 60.
        assert_eq!(aggregated("(- (metric b mean) (metric a mean))"), [(0, 9.0), (120, 26.0), (180, 12.0)]);
        assert_eq!(
            aggregated("(* (> (metric b mean) 15) (clip (metric a mean) 2 5))"),
            [(0, 0.0), (60, 0.0), (120, 4.0), (180, 5.0)]
        );
        assert_eq!(
            aggregated("(rateofchange (+ (metric a mean) (metric a mean)))"),
            [(60, 2.0), (120, 4.0), (180, 8.0)]
        );
    }

    #[test]
    fn without_mixing_each_input_has_its_own_series() {
        let answer = apply(&parse_text(&format!("(* 2 {BOTH})")).unwrap(), two(), &dropping()).unwrap();
        let Answer::Each(each) = answer else { panic!("{answer:?}") };
        assert_eq!(each[0], [series(60, &[(0, 2.0), (60, 4.0), (120, 8.0), (180, 16.0)])]);
        assert_eq!(each[1], [series(60, &[(0, 20.0), (120, 60.0), (180, 40.0)])]);
    }

    #[test]
    fn each_granularity_is_computed_by_itself() {
        let tree = parse_text("(aggregate max (metric c* mean))").unwrap();
        let of = |value| vec![series(300, &[(0, value)]), series(60, &[(0, value), (60, value + 1.0)])];
        let answer =
            apply(&tree, vec![input("c*", "mean", of(1.0)), input("c*", "mean", of(5.0))], &dropping());
        assert_eq!(answer, Ok(Answer::Aggregated(of(5.0))));
        let uneven = vec![input("c*", "mean", of(1.0)), input("c*", "mean", vec![series(60, &[])])];
        assert_eq!(apply(&tree, uneven, &dropping()), Err(CannotApply::DifferentGranularities));
    }

    #[test]
    fn what_cannot_be_computed_is_refused() {
        assert_eq!(
            refused("(+ (rateofchange (metric a mean)) (metric b mean))"),
            "Can't compute timeseries with different granularity (rateofchange (metric a mean)) <> (metric b mean)"
        );
        assert_eq!(
            refused("(rolling mean 5 (metric a mean))"),
            "Rolling window '5' is greater than serie length '4'"
        );
        assert_eq!(refused("(+ (metric a mean) (metric c mean))"), "there is no series for (metric c mean)");
        assert_eq!(
            refused(&format!("(+ {BOTH} (metric a mean))")),
            "the operations give 2 series where one is expected: put (aggregate METHOD …) around each operand"
        );
        let strict = Alignment { fill: None, ..dropping() };
        let answer = apply(&parse_text(BOTH).unwrap(), two(), &strict);
        assert_eq!(
            answer,
            Err(CannotApply::Misaligned(Misaligned::LittleOverlap { needed: 100.0, found: 75.0 }))
        );
    }

    #[test]
    fn what_is_no_number_stays_only_where_nothing_is_dropped() {
        let tree = parse_text("(/ 1 (- (metric a mean) 1))").unwrap();
        let of = |fill| {
            let inputs = two().into_iter().take(1).collect();
            apply(&tree, inputs, &Alignment { fill: Some(fill), ..dropping() }).unwrap()
        };
        let kept = |rows: &[(i64, f64)]| Answer::Each(vec![vec![series(60, rows)]]);
        let finite = [(60, 1.0), (120, 1.0 / 3.0), (180, 1.0 / 7.0)];
        assert_eq!(of(Fill::DropNa), kept(&finite));
        assert_eq!(of(Fill::Null), kept(&[&[(0, f64::INFINITY)][..], &finite].concat()));
    }
}
