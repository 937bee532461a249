//! Series as curves in a terminal.

use std::collections::BTreeMap;
use std::sync::Arc;

use rasciigraph::{Config, plot};
use serde_json::Value;

use super::rows::{each_line, parse};
use crate::base::{Books, Failure, LineSink, Output};

/// Curves drawn at most; more do not fit a screen, and the rest is said.
const CURVES_MAX: usize = 8;
/// Rows of a curve: five fit on one screen.
const HEIGHT: u32 = 8;
/// Points kept of one series: far more than a terminal has columns.
const POINTS_MAX: usize = 100_000;

/// What curves are drawn on.
pub struct Canvas {
    output: Output,
    width: u32,
}

/// The values of one series; the times of the first and the last.
#[derive(Default)]
pub struct Curve {
    points: Vec<f64>,
    first: String,
    last: String,
}

impl Curve {
    /// Adds a value; what is no finite number cannot be drawn, and behind so many values as are kept nothing is.
    pub fn push(&mut self, value: f64, time: impl FnOnce() -> String) {
        if !value.is_finite() || self.points.len() >= POINTS_MAX {
            return;
        }
        self.last = time();
        if self.points.is_empty() {
            self.first.clone_from(&self.last);
        }
        self.points.push(value);
    }
}

impl Canvas {
    /// Standard output, as wide as the terminal.
    ///
    /// # Errors
    /// When standard output is closed.
    pub fn stdout(books: &Arc<Books>) -> Result<Canvas, Failure> {
        let width = rustix::termios::tcgetwinsize(rustix::stdio::stdout()).map_or(80, |size| size.ws_col);
        Ok(Canvas { output: Output::stdout(books)?, width: u32::from(width.max(40)) })
    }

    /// Draws curves, each under its caption.
    ///
    /// - `choose`: how to get at those that do not fit
    ///
    /// # Errors
    /// When the output cannot be written.
    pub fn draw(&mut self, curves: Vec<(String, Curve)>, choose: &str) -> Result<(), Failure> {
        let more = curves.len().saturating_sub(CURVES_MAX);
        for (label, curve) in curves.into_iter().take(CURVES_MAX) {
            let drawn = self.drawn(&label, curve);
            self.output.lines(drawn.as_bytes(), 1)?;
        }
        if more > 0 {
            let said = format!("{more} more series are not drawn; {choose}\n");
            self.output.lines(said.as_bytes(), 0)?;
        }
        self.output.flush()
    }

    fn drawn(&self, label: &str, curve: Curve) -> String {
        let Curve { points, first, last } = curve;
        if points.is_empty() {
            return format!("{label}\nno points\n\n");
        }
        // As many points as columns: the library would invent values between them, and lose extremes.
        let columns = (self.width.saturating_sub(16) as usize).max(10);
        let merged = points.len().div_ceil(columns).max(1);
        let drawn: Vec<f64> =
            points.chunks(merged).map(|chunk| chunk.iter().copied().fold(f64::MIN, f64::max)).collect();
        let (low, high) = drawn.iter().fold((f64::MAX, f64::MIN), |(l, h), &v| (l.min(v), h.max(v)));
        let merging =
            if merged > 1 { format!(", {merged} a column, the largest drawn") } else { String::new() };
        let caption = format!("{label}\n{} points{merging}, {first} to {last}", points.len());
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
        format!("{caption}\n{lines}\n")
    }
}

/// Gathers rows and draws one method of them at the end.
pub struct Plot {
    canvas: Canvas,
    method: String,
    curves: BTreeMap<String, Curve>,
}

impl Plot {
    /// Draws `method` on `output`, `width` columns wide.
    pub fn new(output: Output, method: String, width: u32) -> Plot {
        Plot { canvas: Canvas { output, width }, method, curves: BTreeMap::new() }
    }

    /// Draws what was gathered.
    ///
    /// # Errors
    /// When the output cannot be written.
    pub fn finish(&mut self) -> Result<(), Failure> {
        let curves = std::mem::take(&mut self.curves).into_iter();
        let curves = curves.map(|(label, curve)| (format!("{} of {label}", self.method), curve)).collect();
        self.canvas.draw(curves, "choose with --by or telemetry-poll -m")
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
        self.curves.entry(label).or_default().push(value, || time.to_owned());
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
