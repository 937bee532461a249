//! The value of an expression. Each part is worked through at most once.

use std::cmp::Ordering;

use super::NoValue;
use super::parse::{Comparison, Function, Operator, Part};
use super::value::{Value, key_of_sample};
use crate::pipeline::number::Number;
use crate::pipeline::sample::Sample;

/// Digits behind the point beyond which rounding a float changes nothing.
const ROUND_DIGITS_MAX: i128 = 22;

/// What names stand for.
pub struct Scope<'v> {
    /// The keys of this sample.
    pub sample: Option<&'v Sample<'v>>,
    /// The samples of the meters.
    pub meters: &'v [&'v Sample<'v>],
}

/// The number that the expression under `root` is.
///
/// # Errors
/// [`NoValue`]
pub fn number(root: &Part, scope: &Scope<'_>) -> Result<Number, NoValue> {
    value(root, scope)?.number("use as a number")
}

fn value<'v>(part: &'v Part, scope: &Scope<'v>) -> Result<Value<'v>, NoValue> {
    Ok(match part {
        Part::None => Value::None,
        Part::Truth(truth) => Value::Truth(*truth),
        Part::Number(number) => Value::Number(*number),
        Part::Text(text) => Value::Text(text),
        Part::Name(name) => scope.sample.map_or(Value::Missing, |sample| key_of_sample(sample, name)),
        Part::Meter(number) => {
            scope.meters.get(*number).map_or(Value::Missing, |sample| Value::Sample(sample))
        }
        Part::Key(of, key) => value(of, scope)?.key(key)?,
        Part::Index(of, index) => indexed(&value(of, scope)?, &value(index, scope)?)?,
        Part::Call(function, arguments) => call(*function, &values(arguments, scope)?)?,
        Part::List(items) => Value::List(values(items, scope)?),
        Part::Negated(of) => Value::Number(value(of, scope)?.number("negate")?.negated()),
        Part::Unchanged(of) => Value::Number(value(of, scope)?.number("use as a number")?),
        Part::Not(of) => Value::Truth(!value(of, scope)?.truth()),
        Part::And(left, right) => match value(left, scope)? {
            left if left.truth() => value(right, scope)?,
            left => left,
        },
        Part::Or(left, right) => match value(left, scope)? {
            left if left.truth() => left,
            _ => value(right, scope)?,
        },
        Part::Binary(operator, left, right) => {
            Value::Number(binary(*operator, &value(left, scope)?, &value(right, scope)?)?)
        }
        Part::Compared(first, others) => compared(first, others, scope)?,
        Part::If { condition, then, otherwise } => {
            value(if value(condition, scope)?.truth() { then } else { otherwise }, scope)?
        }
    })
}

fn values<'v>(parts: &'v [Part], scope: &Scope<'v>) -> Result<Vec<Value<'v>>, NoValue> {
    parts.iter().map(|part| value(part, scope)).collect()
}

fn binary(operator: Operator, left: &Value<'_>, right: &Value<'_>) -> Result<Number, NoValue> {
    let doing = match operator {
        Operator::Plus => "add",
        Operator::Minus => "subtract",
        Operator::Times => "multiply",
        Operator::Divided | Operator::FloorDivided | Operator::Modulo => "divide",
        Operator::Power => "raise to a power",
    };
    let (left, right) = (left.number(doing)?, right.number(doing)?);
    Ok(match operator {
        Operator::Plus => left.plus(right),
        Operator::Minus => left.minus(right),
        Operator::Times => left.times(right),
        Operator::Divided => left.divided_by(right)?,
        Operator::FloorDivided => left.floor_divided_by(right)?,
        Operator::Modulo => left.modulo(right)?,
        Operator::Power => left.power(right)?,
    })
}

fn compared<'v>(
    first: &'v Part,
    others: &'v [(Comparison, Part)],
    scope: &Scope<'v>,
) -> Result<Value<'v>, NoValue> {
    let mut left = value(first, scope)?;
    for (comparison, part) in others {
        let right = value(part, scope)?;
        let holds = match comparison {
            Comparison::Equal => left.equals(&right),
            Comparison::NotEqual => !left.equals(&right),
            _ => {
                let order = left.compare(&right)?;
                match comparison {
                    Comparison::Less => order == Some(Ordering::Less),
                    Comparison::LessOrEqual => matches!(order, Some(Ordering::Less | Ordering::Equal)),
                    Comparison::Greater => order == Some(Ordering::Greater),
                    _ => matches!(order, Some(Ordering::Greater | Ordering::Equal)),
                }
            }
        };
        // What stands behind a comparison that does not hold is not looked at.
        if !holds {
            return Ok(Value::Truth(false));
        }
        left = right;
    }
    Ok(Value::Truth(true))
}

fn indexed<'v>(of: &Value<'v>, index: &Value<'v>) -> Result<Value<'v>, NoValue> {
    match (of, index) {
        (Value::List(items), index) => {
            let Number::Int(index) = index.number("index with")? else {
                return Err(NoValue::Type("index with", "a fraction"));
            };
            let place = if index < 0 { index.saturating_add(items.len() as i128) } else { index };
            let item = usize::try_from(place).ok().and_then(|place| items.get(place));
            item.cloned().ok_or(NoValue::Index)
        }
        (of, Value::Text(key)) => of.key(key),
        (of, _) => Err(NoValue::Type("index", of.kind())),
    }
}

fn call<'v>(function: Function, arguments: &[Value<'v>]) -> Result<Value<'v>, NoValue> {
    let first = arguments.first().cloned().unwrap_or(Value::None);
    Ok(match function {
        Function::Min => extreme(arguments, Ordering::Less)?,
        Function::Max => extreme(arguments, Ordering::Greater)?,
        Function::Abs => Value::Number(first.number("take the magnitude of")?.magnitude()),
        Function::Round => Value::Number(rounded(first.number("round")?, arguments.get(1))?),
        Function::Int => Value::Number(whole(&first)?),
        Function::Float => Value::Number(match &first {
            Value::Text(text) => Number::of_text(text).ok_or(NoValue::Type("read as a number", "a text"))?,
            other => Number::Float(other.number("make a float of")?.to_f64()),
        }),
        Function::Len => {
            let length = match &first {
                Value::Text(text) => text.chars().count(),
                Value::List(items) => items.len(),
                other => return Err(NoValue::Type("take the length of", other.kind())),
            };
            Value::Number(Number::Int(length as i128))
        }
        Function::Sum => {
            let Value::List(items) = &first else { return Err(NoValue::Type("sum", first.kind())) };
            let start = arguments.get(1).map_or(Ok(Number::Int(0)), |start| start.number("add"))?;
            let add = |sum: Number, item: &Value<'_>| Ok::<_, NoValue>(sum.plus(item.number("add")?));
            Value::Number(items.iter().try_fold(start, add)?)
        }
        Function::Pow => {
            let exponent = arguments.get(1).cloned().unwrap_or(Value::None);
            Value::Number(binary(Operator::Power, &first, &exponent)?)
        }
    })
}

/// The first of the arguments, or of the items of the only one, than which none is further `towards`.
fn extreme<'v>(arguments: &[Value<'v>], towards: Ordering) -> Result<Value<'v>, NoValue> {
    let items = match arguments {
        [Value::List(items)] => items,
        [other] => return Err(NoValue::Type("look through", other.kind())),
        several => several,
    };
    let Some((first, others)) = items.split_first() else { return Err(NoValue::Type("compare", "nothing")) };
    let mut best = first;
    for item in others {
        if item.compare(best)? == Some(towards) {
            best = item;
        }
    }
    Ok(best.clone())
}

/// `round(number)` to an integer, `round(number, digits)` to a float; halves go to the even neighbour.
fn rounded(number: Number, digits: Option<&Value<'_>>) -> Result<Number, NoValue> {
    let digits = match digits {
        None | Some(Value::None) => None,
        Some(digits) => match digits.number("round to")? {
            Number::Int(digits @ 0..) => Some(digits),
            _ => return Err(NoValue::Type("round to", "less than no digits")),
        },
    };
    match (number, digits) {
        (Number::Int(_), _) => Ok(number),
        (Number::Float(float), None) => truncated(float.round_ties_even()),
        (Number::Float(float), Some(digits)) if digits <= ROUND_DIGITS_MAX && float.is_finite() => {
            // Only decimal digits round what is meant: 2.675 is a little less than it looks.
            let text = format!("{float:.*}", digits as usize);
            Ok(text.parse().map_or(number, Number::Float))
        }
        (Number::Float(_), Some(_)) => Ok(number),
    }
}

/// `int(value)`
fn whole(value: &Value<'_>) -> Result<Number, NoValue> {
    match value {
        Value::Text(text) => {
            let unsigned = text.trim().trim_start_matches(['+', '-']);
            let digits = unsigned.bytes().all(|byte| byte.is_ascii_digit() || byte == b'_');
            // float() checks where the underscores stand.
            let fits = digits && Number::of_text(text).is_some();
            let exact = text.trim().replace('_', "").parse().ok().filter(|_| fits).map(Number::Int);
            exact.ok_or(NoValue::Type("read as a number", "a text"))
        }
        other => match other.number("make an integer of")? {
            Number::Float(float) => truncated(float),
            integer => Ok(integer),
        },
    }
}

fn truncated(float: f64) -> Result<Number, NoValue> {
    let cut = float.trunc();
    // The cast saturates: what is not the same afterwards was over the range, or no number.
    if cut as i128 as f64 == cut && cut.abs() < i128::MAX as f64 {
        Ok(Number::Int(cut as i128))
    } else {
        Err(NoValue::Type("make an integer of", "a number that is too large"))
    }
}
