//! The transformers of a file: names and parameters in, plans out.

use super::accumulator::Accumulator;
use super::aggregator::{Aggregator, Rules, Which};
use super::arithmetic::{Arithmetic, Target};
use super::conversion::{Conversion, Renaming, Scale};
use super::delta::Delta;
use super::mapping::Mapping;
use super::rate::Rate;
use super::scaling::Scaling;
use super::{HELD_MAX, Transformer};
use crate::base::nearest::did_you_mean;
use crate::define::document::{Placed, Table, Yaml, line};
use crate::model::NS_PER_SECOND;
use crate::pipeline::expression::Expression;
use crate::pipeline::number::Number;
use crate::pipeline::values::{Faults, get};

/// The transformers that there are, by the names of Ceilometer's entry points.
pub const NAMES: [&str; 6] =
    ["accumulator", "aggregator", "arithmetic", "delta", "rate_of_change", "unit_conversion"];

/// A transformer that has not begun.
#[derive(Clone, Debug)]
pub enum Plan {
    /// Holds samples back until there are so many.
    Accumulator(usize),
    /// One sample for several.
    Aggregator(Box<Rules>),
    /// A meter of several others.
    Arithmetic(Box<Target>),
    /// The change since the sample before.
    Delta {
        /// Of the new meter.
        name: Renaming,
        /// Whether changes below zero are dropped.
        growth_only: bool,
    },
    /// The change a second.
    RateOfChange(Box<Conversion>),
    /// Another unit.
    UnitConversion {
        /// Other units go on unchanged.
        source_unit: Option<String>,
        /// What becomes of the others.
        conversion: Box<Conversion>,
    },
}

impl Plan {
    /// The transformer, which has seen nothing.
    pub fn start(&self) -> Box<dyn Transformer> {
        match self.clone() {
            Plan::Accumulator(size) => Box::new(Accumulator { size, samples: Vec::new() }),
            Plan::Aggregator(rules) => Box::new(Aggregator::new(*rules)),
            Plan::Arithmetic(target) => Box::new(Arithmetic::new(*target)),
            Plan::Delta { name, growth_only } => Box::new(Delta::new(name, growth_only)),
            Plan::RateOfChange(conversion) => Box::new(Rate::new(*conversion)),
            Plan::UnitConversion { source_unit, conversion } => {
                Box::new(Scaling { source_unit, conversion: *conversion })
            }
        }
    }

    /// Its name, as the file has it.
    pub fn name(&self) -> &'static str {
        match self {
            Plan::Accumulator(_) => "accumulator",
            Plan::Aggregator(_) => "aggregator",
            Plan::Arithmetic(_) => "arithmetic",
            Plan::Delta { .. } => "delta",
            Plan::RateOfChange(_) => "rate_of_change",
            Plan::UnitConversion { .. } => "unit_conversion",
        }
    }
}

/// Reads one item of a sink's `transformers`; what is wrong with it is in `faults`.
pub fn plan(item: &Placed, faults: &mut Faults) -> Option<Plan> {
    let Yaml::Table(table) = &item.value else {
        let kind = item.value.kind();
        faults.fault(line(item), format!("a transformer must be a table of keys and values, not {kind}"));
        return None;
    };
    faults.only(table, &["name", "parameters"]);
    let parameters = faults.table(table, "parameters").unwrap_or_default();
    let Some(name) = faults.text(table, "name") else {
        faults.fault(line(item), "a transformer without name");
        return None;
    };
    let before = faults.faults.len();
    let mut reader = Reader { parameters, at: line(item), faults };
    let plan = match name.as_str() {
        "accumulator" => reader.accumulator(),
        "aggregator" => reader.aggregator(),
        "arithmetic" => reader.arithmetic(),
        "delta" => reader.delta(),
        "rate_of_change" => reader.rate_of_change(),
        "unit_conversion" => reader.unit_conversion(),
        unknown => {
            let (hint, known) = (did_you_mean(unknown, &NAMES), NAMES.join(", "));
            let at = get(table, "name").and_then(|(at, _)| at);
            faults.fault(at, format!("there is no transformer \"{unknown}\"{hint}; known: {known}"));
            return None;
        }
    };
    Some(plan).filter(|_| faults.faults.len() == before)
}

struct Reader<'t, 'f> {
    parameters: &'t Table,
    /// The line of the transformer.
    at: Option<u64>,
    faults: &'f mut Faults,
}

impl<'t> Reader<'t, '_> {
    fn accumulator(&mut self) -> Plan {
        self.faults.only(self.parameters, &["size"]);
        let size = self.whole("size").unwrap_or(1);
        Plan::Accumulator(usize::try_from(size.max(0)).unwrap_or(usize::MAX).min(HELD_MAX))
    }

    fn aggregator(&mut self) -> Plan {
        let known = [
            "size",
            "retention_time",
            "user_id",
            "project_id",
            "resource_metadata",
            "timestamp",
            "source",
            "target",
        ];
        self.faults.only(self.parameters, &known);
        let retention = self.number("retention_time").filter(|seconds| !seconds.is_zero());
        let size = match get(self.parameters, "size") {
            None => Some(1),
            Some((_, Placed { value: Yaml::Null, .. })) => None,
            Some(_) => self.whole("size").filter(|size| *size != 0),
        };
        // Without either, every batch is handed on.
        let size = if retention.is_none() { size.or(Some(1)) } else { size };
        let rules = Rules {
            conversion: self.conversion(),
            size: size.map(|size| u64::try_from(size).unwrap_or(0)),
            retention_ns: retention.map(|seconds| (seconds.to_f64() * NS_PER_SECOND as f64) as i64),
            user_id: self.which("user_id", false),
            project_id: self.which("project_id", false),
            metadata: self.which("resource_metadata", true).unwrap_or(Which::Last),
            timestamp: match self.faults.text(self.parameters, "timestamp").as_deref() {
                Some("last") => Which::Last,
                _ => Which::First,
            },
        };
        Plan::Aggregator(Box::new(rules))
    }

    /// An unknown word means the last, as in Ceilometer, and is said.
    fn which(&mut self, key: &str, may_drop: bool) -> Option<Which> {
        let word = self.faults.text(self.parameters, key).filter(|word| !word.is_empty())?;
        match word.as_str() {
            "first" => Some(Which::First),
            "last" => Some(Which::Last),
            "drop" if may_drop => Some(Which::Drop),
            unknown => {
                let at = get(self.parameters, key).and_then(|(at, _)| at);
                let words = if may_drop { "first, last or drop" } else { "first or last" };
                self.faults.warn(at, format!("{key}: \"{unknown}\" is taken for last (known: {words})"));
                Some(Which::Last)
            }
        }
    }

    fn arithmetic(&mut self) -> Plan {
        self.faults.only(self.parameters, &["target", "source"]);
        let target = self.faults.table(self.parameters, "target").unwrap_or_default();
        let text = self.faults.text(target, "expr").unwrap_or_default();
        let at = get(target, "expr").map_or(self.at, |(at, _)| at);
        let expression = match Expression::parse_meters(&text) {
            Ok(expression) => expression,
            Err(_) if text.is_empty() => Expression::nothing(),
            Err(error) => {
                self.faults.fault(at, format!("expr: {error}"));
                Expression::nothing()
            }
        };
        if expression.meters().is_empty() {
            self.faults.warn(at, "expr names no meter as $(meter): nothing will come of it");
        }
        Plan::Arithmetic(Box::new(Target {
            expression,
            name: self.faults.text(target, "name"),
            unit: self.faults.text(target, "unit"),
            sample_type: self.sample_type(target),
        }))
    }

    fn delta(&mut self) -> Plan {
        self.faults.only(self.parameters, &["target", "source", "growth_only"]);
        let growth_only = match get(self.parameters, "growth_only") {
            None | Some((_, Placed { value: Yaml::Null, .. })) => false,
            Some((at, Placed { value, .. })) => value.truth().unwrap_or_else(|| {
                let kind = value.kind();
                self.faults.fault(at, format!("growth_only must be true or false, not {kind}"));
                false
            }),
        };
        let (source, target) = self.source_and_target();
        Plan::Delta { name: self.renaming(source, target, "name"), growth_only }
    }

    fn rate_of_change(&mut self) -> Plan {
        self.faults.only(self.parameters, &["target", "source"]);
        Plan::RateOfChange(Box::new(self.conversion()))
    }

    fn unit_conversion(&mut self) -> Plan {
        self.faults.only(self.parameters, &["target", "source"]);
        let (source, _) = self.source_and_target();
        let source_unit = self.faults.text(source, "unit");
        Plan::UnitConversion { source_unit, conversion: Box::new(self.conversion()) }
    }

    fn source_and_target(&mut self) -> (&'t Table, &'t Table) {
        let source = self.faults.table(self.parameters, "source").unwrap_or_default();
        (source, self.faults.table(self.parameters, "target").unwrap_or_default())
    }

    fn conversion(&mut self) -> Conversion {
        let (source, target) = self.source_and_target();
        self.faults.only(source, &["map_from", "unit", "name"]);
        self.faults.only(target, &["map_to", "name", "unit", "type", "scale", "max"]);
        Conversion {
            name: self.renaming(source, target, "name"),
            unit: self.renaming(source, target, "unit"),
            sample_type: self.sample_type(target),
            scale: self.scale(target),
            max: self.number_of(target, "max").filter(|max| !max.is_zero()),
        }
    }

    fn renaming(&mut self, source: &Table, target: &Table, key: &str) -> Renaming {
        let from = self.faults.table(source, "map_from").and_then(|table| self.faults.text(table, key));
        let to = self.faults.table(target, "map_to").and_then(|table| self.faults.text(table, key));
        let mapping = match (from, to) {
            (Some(from), Some(to)) if !from.is_empty() && !to.is_empty() => {
                match Mapping::parse(&from, &to) {
                    Ok(mapping) => Some(mapping),
                    Err(why) => {
                        let at = get(source, "map_from").map_or(self.at, |(at, _)| at);
                        self.faults.fault(at, format!("{key}: {why}"));
                        None
                    }
                }
            }
            _ => None,
        };
        Renaming { mapping, target: self.faults.text(target, key) }
    }

    fn sample_type(&mut self, target: &Table) -> Option<String> {
        let word = self.faults.text(target, "type")?;
        if !["gauge", "delta", "cumulative"].contains(&word.as_str()) {
            let at = get(target, "type").and_then(|(at, _)| at);
            self.faults.warn(at, format!("type \"{word}\" is none of gauge, delta and cumulative"));
        }
        Some(word)
    }

    fn scale(&mut self, target: &Table) -> Scale {
        let Some((at, node)) = get(target, "scale") else { return Scale::None };
        match &node.value {
            Yaml::Text(text) if text.is_empty() => Scale::None,
            Yaml::Text(text) => match Expression::parse(text) {
                Ok(expression) => Scale::Computed(Box::new(expression)),
                Err(error) => {
                    self.faults.fault(at, format!("scale: {error}"));
                    Scale::None
                }
            },
            _ => match self.number_of(target, "scale") {
                Some(factor) if !factor.is_zero() => Scale::By(factor),
                _ => Scale::None,
            },
        }
    }

    fn number(&mut self, key: &str) -> Option<Number> {
        let (at, node) = get(self.parameters, key)?;
        match &node.value {
            Yaml::Text(text) if Number::of_text(text).is_some() => Number::of_text(text),
            Yaml::Text(_) => {
                self.faults.fault(at, format!("{key} must be a number, not a text"));
                None
            }
            _ => self.number_of(self.parameters, key),
        }
    }

    fn number_of(&mut self, table: &Table, key: &str) -> Option<Number> {
        let (at, node) = get(table, key)?;
        match &node.value {
            Yaml::Integer(number) => Some(Number::Int((*number).into())),
            Yaml::Float(number) if number.is_finite() => Some(Number::Float(*number)),
            Yaml::Null => None,
            other => {
                self.faults.fault(at, format!("{key} must be a number, not {}", other.kind()));
                None
            }
        }
    }

    /// As Python's `int()` has it: 1.5 is 1.
    fn whole(&mut self, key: &str) -> Option<i64> {
        self.number(key).map(|number| match number {
            Number::Int(number) => i64::try_from(number).unwrap_or(i64::MAX),
            Number::Float(number) => number as i64,
        })
    }
}
