//! Series of a rollup as curves in a terminal.

use std::collections::BTreeMap;

use rasciigraph::{Config, plot};
use serde_json::Value;

use super::rows::{each_line, parse};
use crate::base::{Failure, LineSink, Output};

/// Curves drawn at most; more do not fit a screen, and the rest is said.
const CURVES_MAX: usize = 8;
/// Rows of a curve: five fit on one screen.
const HEIGHT: u32 = 8;
/// Points kept of one series: far more than a terminal has columns.
const POINTS_MAX: usize = 100_000;

/// Gathers rows and draws one method of them at the end.
pub struct Plot {
    output: Output,
    method: String,
    width: u32,
    curves: BTreeMap<String, Curve>,
}

#[derive(Default)]
struct Curve {
    points: Vec<f64>,
    first: String,
    last: String,
}

impl Plot {
    /// Draws `method` on `output`, `width` columns wide.
    pub fn new(output: Output, method: String, width: u32) -> Plot {
        Plot { output, method, width, curves: BTreeMap::new() }
    }

    fn draw(&mut self) -> Result<(), Failure> {
        let more = self.curves.len().saturating_sub(CURVES_MAX);
        for (label, curve) in std::mem::take(&mut self.curves).into_iter().take(CURVES_MAX) {
            let Curve { points, first, last } = curve;
            // As many points as columns: the library would invent values between them, and lose extremes.
            let columns = (self.width.saturating_sub(16) as usize).max(10);
            let merged = points.len().div_ceil(columns).max(1);
            let drawn: Vec<f64> =
                points.chunks(merged).map(|chunk| chunk.iter().copied().fold(f64::MIN, f64::max)).collect();
            let (low, high) = drawn.iter().fold((f64::MAX, f64::MIN), |(l, h), &v| (l.min(v), h.max(v)));
            let merging =
                if merged > 1 { format!(", {merged} a column, the largest drawn") } else { String::new() };
            let caption =
                format!("{} of {label}\n{} points{merging}, {first} to {last}", self.method, points.len());
            // The library cannot scale a flat line.
            let drawn = if low < high && drawn.len() > 1 {
                // Few points are drawn as steps, each as wide as the others.
                let steps = (columns / drawn.len()).clamp(1, 8);
                let drawn = drawn.iter().flat_map(|value| std::iter::repeat_n(*value, steps)).collect();
                plot(drawn, Config::default().with_height(HEIGHT))
            } else {
                format!("{low} throughout")
            };
            let lines: String = drawn.lines().map(|line| format!("{}\n", line.trim_end())).collect();
            self.output.lines(format!("{caption}\n{lines}\n").as_bytes(), 1)?;
        }
        if more > 0 {
            let said = format!("{more} more series are not drawn; choose with --by or telemetry-poll -m\n");
            self.output.lines(said.as_bytes(), 0)?;
        }
        Ok(())
    }

    /// Draws what was gathered.
    ///
    /// # Errors
    /// When the output cannot be written.
    pub fn finish(&mut self) -> Result<(), Failure> {
        self.draw()?;
        self.output.flush()
    }
}

impl LineSink for Plot {
    fn line(&mut self, record: &[u8]) -> Result<(), Failure> {
        let Value::Object(record) = parse(record)? else { return Ok(()) };
        let value = record.get("aggregates").and_then(|all| all.get(&self.method)).and_then(Value::as_f64);
        let time = record.get("timestamp").and_then(Value::as_str).unwrap_or_default();
        let Some(value) = value else { return Ok(()) };
        // "cpu vm-1, spans of 60 s, in ns": what the curve is of, in the order of the record.
        let keys = record.iter().filter(|(key, _)| {
            !matches!(&key[..], "timestamp" | "aggregates" | "unit" | "granularity" | "correction")
        });
        let mut label = keys.filter_map(|(_, value)| text(value)).collect::<Vec<_>>().join(" ");
        if let Some(seconds) = record.get("granularity").and_then(text) {
            label.push_str(&format!(", spans of {seconds} s"));
        }
        if let Some(unit) = record.get("unit").and_then(text) {
            label.push_str(&format!(", in {unit}"));
        }
        let curve = self.curves.entry(label).or_default();
        if curve.points.is_empty() {
            curve.first = time.to_owned();
        }
        if curve.points.len() < POINTS_MAX {
            time.clone_into(&mut curve.last);
            curve.points.push(value);
        }
        Ok(())
    }

    fn lines(&mut self, bytes: &[u8], _records: u64) -> Result<(), Failure> {
        each_line(bytes, |line| self.line(line))
    }

    /// Nothing can be drawn before the end.
    fn flush(&mut self) -> Result<(), Failure> {
        Ok(())
    }
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.chars().filter(|c| !c.is_control()).collect()),
        other => Some(other.to_string()),
    }
}
