//! Rows of a rollup: aggregates as JSON lines.

use super::group::{Group, GroupRates, Open};
use super::key::{By, Tag};
use crate::model::Granularity;
use crate::series::{Accumulator, Form, Method, Needs, Point, Statistic};
use crate::wire::json::write_text;

/// Writes the rows of one plan.
pub(super) struct RowWriter {
    methods: Vec<(Method, Vec<u8>)>,
    /// What the methods on differences need.
    needs: Needs,
    row: Vec<u8>,
}

impl RowWriter {
    pub fn new(methods: &[Method]) -> RowWriter {
        let labelled = methods.iter().map(|method| {
            let mut label = Vec::new();
            write_text(method.to_string().as_bytes(), &mut label);
            label.push(b':');
            (*method, label)
        });
        let needs = Needs::of(methods.iter().filter(|method| method.form != Form::Plain));
        RowWriter { methods: labelled.collect(), needs, row: Vec::new() }
    }

    /// The row of a span that closes; none when no method is defined for it.
    pub fn row(
        &mut self,
        group: &mut Group,
        by: &By,
        open: &mut Open,
        granularity: Granularity,
        rates: Option<&GroupRates>,
    ) -> Option<&[u8]> {
        if group.row_start.is_empty() {
            group.row_start = row_start(group, by);
        }
        let row = &mut self.row;
        row.clear();
        row.extend_from_slice(&group.row_start);
        open.span.start.write(row);
        row.extend_from_slice(b"\",\"granularity\":");
        row.extend_from_slice(granularity.to_string().as_bytes());
        row.extend_from_slice(b",\"aggregates\":{");
        let empty_len = row.len();
        let of_points = |points: &[Point]| {
            let mut accumulator = Accumulator::new(self.needs);
            points.iter().for_each(|point| accumulator.add(*point, self.needs));
            accumulator
        };
        let mut differences = rates.map(|rates| of_points(&rates.differences));
        let mut per_second = rates.map(|rates| of_points(&rates.per_second));
        for (method, label) in &self.methods {
            let of = match method.form {
                Form::Plain => Some(&mut open.accumulator),
                Form::Rate => differences.as_mut(),
                Form::PerSecond => per_second.as_mut(),
            };
            let Some(value) = of.and_then(|accumulator| accumulator.get(method.statistic)) else { continue };
            if row.len() > empty_len {
                row.push(b',');
            }
            row.extend_from_slice(label);
            if method.statistic == Statistic::Count {
                row.extend_from_slice(itoa::Buffer::new().format(value as u64).as_bytes());
            } else {
                row.extend_from_slice(zmij::Buffer::new().format_finite(value).as_bytes());
            }
        }
        if row.len() == empty_len {
            return None;
        }
        row.push(b'}');
        if open.late {
            row.extend_from_slice(b",\"correction\":true");
        }
        row.push(b'}');
        Some(row)
    }
}

/// `{"name":"cpu","resource_id":"r","unit":"ns","timestamp":"`
fn row_start(group: &Group, by: &By) -> Box<[u8]> {
    let mut start = b"{\"name\":".to_vec();
    let mut parts = group.key_parts();
    let value = |out: &mut Vec<u8>, part: Option<super::key::Part<'_>>| match part {
        Some(part) if part.tag == Tag::Text => write_text(part.bytes, out),
        Some(part) if part.tag == Tag::Json => out.extend_from_slice(part.bytes),
        _ => out.extend_from_slice(b"null"),
    };
    value(&mut start, parts.next());
    let unit = parts.next();
    for (key, part) in by.keys().iter().zip(parts) {
        start.push(b',');
        write_text(key.as_bytes(), &mut start);
        start.push(b':');
        value(&mut start, Some(part));
    }
    start.extend_from_slice(b",\"unit\":");
    value(&mut start, unit);
    start.extend_from_slice(b",\"timestamp\":\"");
    start.into_boxed_slice()
}
