//! Series drawn instead of printed: as curves in the terminal, or as an image.

use std::path::{Path, PathBuf};

use clap::{Args, ValueHint};

use crate::base::{Failure, LineSink, Output};
use crate::cli::chart::{self, Chart};
use crate::cli::plot::{Canvas, Curve};
use crate::cli::shared::Context;
use crate::model::{Granularity, Timestamp};
use crate::series::{Series, Step};
use crate::store::index::Metric;

/// Whether and how series are drawn.
#[derive(Args, Debug)]
pub struct DrawArgs {
    /// Draw the series in the terminal instead of printing rows
    #[arg(long, conflicts_with_all = ["output", "svg"])]
    plot: bool,

    /// Draw the series into FILE, an SVG image, instead of printing rows; - is standard output
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, conflicts_with = "output")]
    svg: Option<PathBuf>,
}

/// A series and what it is called.
pub struct Named {
    /// What it is of.
    pub label: String,
    /// The spans that it is of.
    pub step: Step,
    /// Its points.
    pub series: Series,
}

impl DrawArgs {
    /// Whether anything is drawn.
    pub fn wanted(&self) -> bool {
        self.plot || self.svg.is_some()
    }

    /// Draws.
    ///
    /// # Errors
    /// When the output cannot be written.
    pub fn draw(
        &self,
        title: &str,
        unit: Option<String>,
        series: Vec<Named>,
        context: &Context,
    ) -> Result<(), Failure> {
        match &self.svg {
            Some(path) => image(path, title, unit, series, context),
            None => {
                let curves = series.into_iter().map(|one| {
                    let unit = unit.as_ref().map_or_else(String::new, |unit| format!(", in {unit}"));
                    (format!("{}, spans of {}{unit}", one.label, length(one.step)), curve(&one.series))
                });
                Canvas::stdout(&context.books)?
                    .draw(curves.collect(), "choose with --granularity or a narrower search")
            }
        }
    }
}

/// What a series of a metric is called in a caption.
pub fn label(method: &str, metric: &Metric) -> String {
    match (&metric.name, &metric.original_resource_id) {
        (Some(name), Some(resource)) => format!("{method} of {name} of {resource}"),
        (Some(name), None) => format!("{method} of {name}"),
        (None, _) => format!("{method} of {}", metric.id),
    }
}

/// The length of spans as a caption has it.
fn length(step: Step) -> String {
    match step {
        Step::Span(granularity) => format!("{granularity} s"),
        Step::Calendar(_) => step.to_string(),
    }
}

fn curve(series: &Series) -> Curve {
    let mut curve = Curve::default();
    for (at, value) in series.timestamps.iter().zip(&series.values) {
        curve.push(*value, || at.to_string());
    }
    curve
}

/// How far apart neighbours are that belong together: a span, or where most spans have no points, as of what is measured less
/// often than spans are short, twice what is usual.
fn reach(step: Step, times: &[Timestamp]) -> Option<Granularity> {
    let Step::Span(granularity) = step else { return None };
    let mut apart: Vec<i64> =
        times.windows(2).map(|pair| pair[1].ns().saturating_sub(pair[0].ns())).collect();
    apart.sort_unstable();
    let usual = apart.get(apart.len() / 2).copied().unwrap_or_default();
    if usual <= granularity.ns() {
        return Some(granularity);
    }
    Granularity::from_ns(usual.saturating_mul(2))
}

fn image(
    path: &Path,
    title: &str,
    unit: Option<String>,
    series: Vec<Named>,
    context: &Context,
) -> Result<(), Failure> {
    let steps: Vec<Step> = series.iter().map(|one| one.step).collect();
    let one_step = steps.windows(2).all(|pair| pair[0] == pair[1]);
    let curves = series.into_iter().map(|one| {
        let label = if one_step { one.label } else { format!("{}, {}", one.label, length(one.step)) };
        let granularity = reach(one.step, &one.series.timestamps);
        let points = one.series.timestamps.into_iter().zip(one.series.values).collect();
        chart::Curve { label, granularity, points }
    });
    let spans = steps.first().filter(|_| one_step).map(|step| format!(", spans of {}", length(*step)));
    let title = format!("{title}{}", spans.unwrap_or_default());
    let more = steps.len().saturating_sub(chart::CURVES_MAX);
    let text = chart::svg(&Chart { title, unit, curves: curves.collect() })?;
    if more > 0 {
        context.books.note(&format!("{more} more series are not drawn"));
    }
    if path == Path::new("-") {
        let mut out = Output::stdout(&context.books)?;
        out.lines(text.as_bytes(), 1)?;
        return out.flush();
    }
    std::fs::write(path, text).map_err(|source| Failure::CannotCreate { path: path.to_owned(), source })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_belong_together_that_are_as_far_apart_as_is_usual() {
        let minute: Step = "60".parse().unwrap();
        let of = |seconds: &[i64]| {
            let times: Vec<Timestamp> =
                seconds.iter().map(|s| Timestamp::from_ns(s * 1_000_000_000)).collect();
            reach(minute, &times).unwrap().seconds()
        };
        assert_eq!(of(&[0, 60, 120, 300]), 60.0);
        assert_eq!(of(&[0, 300, 600, 1500, 1800]), 600.0);
        assert_eq!(of(&[0]), 60.0);
        assert_eq!(reach("M".parse().unwrap(), &[]), None);
    }
}
