//! The value of a tree at one granularity: tables of series with the same times, and numbers.

use std::collections::HashMap;
use std::rc::Rc;

use super::apply::{CannotApply, Input};
use super::arithmetic::{changes, changes_per_second, clip_max, clip_min};
use super::{Node, Reference, Unary};
use crate::model::{Granularity, Timestamp};
use crate::series::{CELLS_MAX, Grid, Misaligned, Step, across, resample, rolling};

/// Values that rolling windows may pass over in one step of the computation: a second or two.
const ROLLING_VALUES_MAX: usize = 1 << 31;

/// Which inputs each leaf of a tree stands for.
pub(super) struct Leaves {
    /// In the order in which the tree is visited.
    inputs: Vec<Vec<usize>>,
    /// How many leaves each input is in.
    uses: Vec<usize>,
}

impl Leaves {
    /// Finds the inputs of each leaf; every leaf must have some.
    pub(super) fn of(tree: &Node, inputs: &[Input]) -> Result<Leaves, CannotApply> {
        let mut by_reference: HashMap<&Reference, Vec<usize>> = HashMap::new();
        for (index, input) in inputs.iter().enumerate() {
            by_reference.entry(&input.reference).or_default().push(index);
        }
        let mut leaves = Leaves { inputs: Vec::new(), uses: vec![0; inputs.len()] };
        let mut lost = None;
        tree.visit(&mut |node| {
            if let Node::Metric(references) = node {
                let found = references.iter().filter_map(|reference| by_reference.get(reference)).flatten();
                let mut found: Vec<usize> = found.copied().collect();
                found.sort_unstable();
                found.dedup();
                found.iter().for_each(|&input| leaves.uses[input] += 1);
                if found.is_empty() {
                    lost.get_or_insert_with(|| node.to_string());
                }
                leaves.inputs.push(found);
            }
        });
        lost.map_or(Ok(leaves), |lost| Err(CannotApply::NothingFound(lost)))
    }

    /// The value of `tree` at one granularity.
    pub(super) fn evaluate(
        &self,
        tree: &Node,
        granularity: Granularity,
        grid: Grid,
    ) -> Result<Table, CannotApply> {
        let cells = self.uses.iter().sum::<usize>().saturating_mul(grid.timestamps.len());
        if cells > CELLS_MAX {
            let times = grid.timestamps.len();
            return Err(Misaligned::TooMuch { series: self.uses.iter().sum(), times }.into());
        }
        let mut evaluation = Evaluation {
            granularity,
            timestamps: grid.timestamps.into(),
            columns: grid.columns,
            uses: self.uses.clone(),
            leaves: self.inputs.iter(),
        };
        match evaluation.value(tree)? {
            Value::Table(table) => Ok(table),
            // The parser lets no tree pass that has no series in it; one made by hand may be a number.
            Value::Number(_) => Err(CannotApply::NothingFound(tree.to_string())),
        }
    }
}

/// One granularity of an evaluation.
struct Evaluation<'a> {
    granularity: Granularity,
    timestamps: Rc<[Timestamp]>,
    /// Of all inputs; taken by the last leaf that needs it.
    columns: Vec<Vec<f64>>,
    uses: Vec<usize>,
    leaves: std::slice::Iter<'a, Vec<usize>>,
}

/// The value of an expression.
enum Value {
    Number(f64),
    Table(Table),
}

/// Series with the same times.
pub(super) struct Table {
    pub(super) granularity: Granularity,
    pub(super) timestamps: Rc<[Timestamp]>,
    pub(super) columns: Vec<Vec<f64>>,
    /// Where each column comes from, unless they are aggregated.
    pub(super) inputs: Vec<usize>,
    pub(super) aggregated: bool,
}

impl Evaluation<'_> {
    /// Visits the leaves in the order of [`Node::visit`].
    fn value(&mut self, node: &Node) -> Result<Value, CannotApply> {
        Ok(match node {
            Node::Number(number) => Value::Number(*number),
            Node::Metric(_) => Value::Table(self.leaf()),
            Node::Aggregate { how, of } => {
                let mut table = self.table(of)?;
                table.columns = vec![across(&table.columns, *how)];
                table.skip_first(usize::from(how.rate));
                Value::Table(Table { aggregated: true, ..table })
            }
            Node::Resample { how, step, of } => {
                let table = self.table(of)?;
                let (timestamps, columns) =
                    resample(&table.timestamps, table.columns, Step::Span(*step), *how)?;
                Value::Table(Table { granularity: *step, timestamps: timestamps.into(), columns, ..table })
            }
            Node::Rolling { how, window, of } => {
                let (mut table, window) = (self.table(of)?, window.get());
                let length = table.timestamps.len();
                if window > length {
                    return Err(CannotApply::LongWindow { window, length });
                }
                let values = length.saturating_mul(table.columns.len());
                if values.saturating_mul(window) > ROLLING_VALUES_MAX {
                    return Err(CannotApply::TooMuchRolling { window, values });
                }
                table.columns.iter_mut().for_each(|values| *values = rolling(values, window, *how));
                table.skip_first(window - 1 + usize::from(how.rate));
                Value::Table(table)
            }
            Node::Unary(operator, of) => match self.value(of)? {
                Value::Number(number) => Value::Number(operator.of_number(number).unwrap_or(f64::NAN)),
                Value::Table(table) => Value::Table(table.unary(*operator)),
            },
            Node::Binary(operator, left, right) => {
                let values = (self.value(left)?, self.value(right)?);
                combined(values, |a, b| operator.of_numbers(a, b), (left, right))?
            }
            Node::Clip(of, low, high) => {
                let values = (self.value(of)?, self.value(low)?);
                let clipped = combined(values, clip_min, (of, low))?;
                match high {
                    Some(high) => combined((clipped, self.value(high)?), clip_max, (of, high))?,
                    None => clipped,
                }
            }
        })
    }

    fn table(&mut self, node: &Node) -> Result<Table, CannotApply> {
        match self.value(node)? {
            Value::Table(table) => Ok(table),
            Value::Number(_) => Err(CannotApply::NothingFound(node.to_string())),
        }
    }

    fn leaf(&mut self) -> Table {
        let inputs = self.leaves.next().cloned().unwrap_or_default();
        let mut columns = Vec::with_capacity(inputs.len());
        for &input in &inputs {
            self.uses[input] -= 1;
            // The last one to ask takes what is there: the common tree has one leaf and copies nothing.
            let last = self.uses[input] == 0;
            let column = &mut self.columns[input];
            columns.push(if last { std::mem::take(column) } else { column.clone() });
        }
        let (granularity, timestamps) = (self.granularity, self.timestamps.clone());
        Table { granularity, timestamps, columns, inputs, aggregated: false }
    }
}

impl Table {
    /// The columns have become shorter by their first `count` values; so become the times.
    fn skip_first(&mut self, count: usize) {
        if count > 0 {
            self.timestamps = self.timestamps.get(count..).unwrap_or_default().into();
        }
    }

    fn unary(mut self, operator: Unary) -> Table {
        for values in &mut self.columns {
            match operator {
                Unary::RateOfChange => *values = changes(values),
                Unary::RateOfChangePerSecond => *values = changes_per_second(&self.timestamps, values),
                _ => values
                    .iter_mut()
                    .for_each(|value| *value = operator.of_number(*value).unwrap_or(f64::NAN)),
            }
        }
        if operator == Unary::RateOfChange {
            self.skip_first(1);
        }
        self
    }
}

/// Two values combined, number by number; one series goes with each of several.
///
/// - `from`: the expressions they come from
fn combined(
    values: (Value, Value),
    of: impl Fn(f64, f64) -> f64,
    from: (&Node, &Node),
) -> Result<Value, CannotApply> {
    Ok(match values {
        (Value::Number(left), Value::Number(right)) => Value::Number(of(left, right)),
        (Value::Table(mut table), Value::Number(right)) => {
            table.columns.iter_mut().flatten().for_each(|value| *value = of(*value, right));
            Value::Table(table)
        }
        (Value::Number(left), Value::Table(mut table)) => {
            table.columns.iter_mut().flatten().for_each(|value| *value = of(left, *value));
            Value::Table(table)
        }
        (Value::Table(mut left), Value::Table(mut right)) => {
            let shown = || (shortened(from.0), shortened(from.1));
            if left.granularity != right.granularity || left.timestamps != right.timestamps {
                let (left, right) = shown();
                return Err(CannotApply::DifferentTimes { left, right });
            }
            let counts = (left.columns.len(), right.columns.len());
            match counts {
                (one, other) if one == other => {}
                (1, _) => left.columns = vec![left.columns.swap_remove(0); counts.1],
                (_, 1) => right.columns = vec![right.columns.swap_remove(0); counts.0],
                (left_count, right_count) => {
                    let (left, right) = shown();
                    return Err(CannotApply::DifferentCounts { left, left_count, right, right_count });
                }
            }
            for (left, right) in left.columns.iter_mut().zip(&right.columns) {
                left.iter_mut().zip(right).for_each(|(left, right)| *left = of(*left, *right));
            }
            Value::Table(Table { aggregated: true, ..left })
        }
    })
}

/// As much of an operand as a message quotes.
const QUOTED_CHARS_MAX: usize = 200;

fn shortened(node: &Node) -> String {
    let text = node.to_string();
    match text.char_indices().nth(QUOTED_CHARS_MAX) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}
