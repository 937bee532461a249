//! The drawing itself, by plotters.

use std::fmt::Display;

use plotters::prelude::*;

use super::axis::{Axis, seconds_between};
use super::thin::thinned;
use super::{CURVES_MAX, Chart, Curve};
use crate::base::Failure;
use crate::model::Timestamp;

const WIDTH: u32 = 1200;
/// Without the legend.
const HEIGHT: u32 = 520;
const LEGEND_LINE: u32 = 22;
const FONT: &str = "sans-serif";
const FONT_PIXELS: u32 = 15;
/// What a character takes of that, about: there is no font here to measure.
const CHARACTER_PIXELS: u32 = 8;
/// Curves of fewer points show each of them.
const DOTS_MAX: usize = 80;
/// Characters of a name; more is cut.
const LABEL_CHARACTERS_MAX: usize = 100;

/// Colours that people who see few colours can tell apart, dark enough on white (after Paul Tol's "bright", "muted").
const COLORS: [RGBColor; CURVES_MAX] = [
    RGBColor(0x44, 0x77, 0xaa),
    RGBColor(0xee, 0x66, 0x77),
    RGBColor(0x22, 0x88, 0x33),
    RGBColor(0xaa, 0x33, 0x77),
    RGBColor(0xcc, 0x88, 0x11),
    RGBColor(0x33, 0xaa, 0xcc),
    RGBColor(0x33, 0x22, 0x88),
    RGBColor(0x88, 0x22, 0x22),
    RGBColor(0x77, 0x77, 0x77),
    RGBColor(0x99, 0x99, 0x33),
    RGBColor(0x11, 0x55, 0x55),
    RGBColor(0x00, 0x00, 0x00),
];

/// The chart as an SVG document; the same chart is the same text.
///
/// # Errors
/// [`Failure::Bug`]: nothing that a text is written to can fail.
pub fn svg(chart: &Chart) -> Result<String, Failure> {
    let curves = &chart.curves[..chart.curves.len().min(CURVES_MAX)];
    let labels: Vec<String> = curves.iter().map(|curve| printable(&curve.label)).collect();
    let legend = Legend::of(&labels);
    let mut text = String::new();
    {
        let root = SVGBackend::with_string(&mut text, (WIDTH, HEIGHT + legend.height())).into_drawing_area();
        root.fill(&WHITE).map_err(bug)?;
        let (above, below) = root.split_vertically(HEIGHT);
        match Extent::of(curves) {
            Some(extent) => draw_curves(&above, chart, curves, &extent)?,
            None => nothing(&above, &chart.title)?,
        }
        legend.draw(&below, &labels)?;
        root.present().map_err(bug)?;
    }
    Ok(text)
}

type Area<'a> = DrawingArea<SVGBackend<'a>, plotters::coord::Shift>;

/// From where to where the points of all curves reach.
struct Extent {
    first: Timestamp,
    last: Timestamp,
    low: f64,
    high: f64,
}

impl Extent {
    fn of(curves: &[Curve]) -> Option<Extent> {
        let points = curves.iter().flat_map(|curve| &curve.points).filter(|(_, value)| value.is_finite());
        points.fold(None, |extent, &(at, value)| {
            let extent = extent.unwrap_or(Extent { first: at, last: at, low: value, high: value });
            Some(Extent {
                first: extent.first.min(at),
                last: extent.last.max(at),
                low: extent.low.min(value),
                high: extent.high.max(value),
            })
        })
    }
}

fn draw_curves(area: &Area<'_>, chart: &Chart, curves: &[Curve], extent: &Extent) -> Result<(), Failure> {
    // One moment alone has a second about it.
    let half = if extent.first == extent.last { 500_000_000 } else { 0 };
    let first = Timestamp::from_ns(extent.first.ns().saturating_sub(half));
    let last = Timestamp::from_ns(extent.last.ns().saturating_add(half));
    let times = Axis::of_time(first, last, 11);
    let values = Axis::of_values(extent.low, extent.high, 8);
    let left = 30 + CHARACTER_PIXELS * values.label_characters_max() as u32;
    let (time_marks, value_marks) = (times.marks_count(), values.marks_count());
    let mut drawn = ChartBuilder::on(area);
    drawn.margin(12).margin_right(50).x_label_area_size(50).y_label_area_size(left);
    if !chart.title.is_empty() {
        drawn.caption(printable(&chart.title), (FONT, FONT_PIXELS + 4));
    }
    let mut drawn = drawn.build_cartesian_2d(times, values).map_err(bug)?;
    let style = (FONT, FONT_PIXELS).into_font();
    drawn
        .configure_mesh()
        .x_labels(time_marks.max(1))
        .y_labels(value_marks.max(1))
        .label_style(style)
        .bold_line_style(RGBColor(0xdd, 0xdd, 0xdd))
        .light_line_style(TRANSPARENT)
        .x_desc(described(extent))
        .y_desc(printable(chart.unit.as_deref().unwrap_or_default()))
        .draw()
        .map_err(bug)?;
    for (curve, color) in curves.iter().zip(COLORS) {
        let dots = curve.points.len() <= DOTS_MAX;
        for run in runs(curve) {
            let places: Vec<(f64, f64)> =
                run.iter().map(|&(at, value)| (seconds_between(first, at), value)).collect();
            let places = thinned(&places, pixels_of(&places, seconds_between(first, last)));
            // A point that stands alone has no line.
            if dots || places.len() == 1 {
                let circles = places.iter().map(|at| Circle::new(*at, 3, color.filled()));
                drawn.draw_series(circles).map_err(bug)?;
            }
            drawn.draw_series(LineSeries::new(places, color.stroke_width(2))).map_err(bug)?;
        }
    }
    Ok(())
}

/// How many columns of pixels a run takes of those that are there for `whole` seconds.
fn pixels_of(run: &[(f64, f64)], whole: f64) -> usize {
    let length = run.last().map_or(0.0, |last| last.0 - run[0].0);
    (f64::from(WIDTH) * length / whole).ceil() as usize
}

/// The points of a curve between its gaps.
fn runs(curve: &Curve) -> Vec<&[(Timestamp, f64)]> {
    let reach = curve.granularity.map_or(i64::MAX, |granularity| granularity.ns());
    let joined = |a: &(Timestamp, f64), b: &(Timestamp, f64)| {
        a.1.is_finite() && b.1.is_finite() && b.0.ns().saturating_sub(a.0.ns()) <= reach
    };
    curve.points.chunk_by(joined).filter(|run| run[0].1.is_finite()).collect()
}

/// What is said of the axis of time: the day where its marks do not say it.
fn described(extent: &Extent) -> String {
    let day = |at: Timestamp| at.to_string()[..10].to_owned();
    let (first, last) = (day(extent.first), day(extent.last));
    if first == last { format!("{first} UTC") } else { format!("UTC, {first} to {last}") }
}

fn nothing(area: &Area<'_>, title: &str) -> Result<(), Failure> {
    let style = (FONT, FONT_PIXELS + 4).into_text_style(area);
    let text =
        if title.is_empty() { "no points".to_owned() } else { format!("{}: no points", printable(title)) };
    area.draw_text(&text, &style, (40, HEIGHT as i32 / 2)).map_err(bug)
}

/// Where the names of the curves stand, below the chart: in as many columns as the longest allows.
struct Legend {
    column: u32,
    columns: u32,
    lines: u32,
}

impl Legend {
    fn of(labels: &[String]) -> Legend {
        let longest = labels.iter().map(|label| label.chars().count()).max().unwrap_or(0) as u32;
        let column = (50 + longest * CHARACTER_PIXELS).min(WIDTH - 50);
        let columns = ((WIDTH - 50) / column).max(1);
        Legend { column, columns, lines: (labels.len() as u32).div_ceil(columns) }
    }

    fn height(&self) -> u32 {
        self.lines * LEGEND_LINE + 12
    }

    fn draw(&self, area: &Area<'_>, labels: &[String]) -> Result<(), Failure> {
        let style = (FONT, FONT_PIXELS).into_text_style(area);
        for (index, (label, color)) in labels.iter().zip(COLORS).enumerate() {
            let (line, column) = (index as u32 / self.columns, index as u32 % self.columns);
            let (x, y) = ((40 + column * self.column) as i32, (line * LEGEND_LINE) as i32);
            let stroke = vec![(x, y + 9), (x + 24, y + 9)];
            area.draw(&PathElement::new(stroke, color.stroke_width(3))).map_err(bug)?;
            area.draw_text(label, &style, (x + 32, y + 1)).map_err(bug)?;
        }
        Ok(())
    }
}

/// What XML can hold, and no more of it than has room.
fn printable(text: &str) -> String {
    let allowed = |c: &char| !c.is_control() && !matches!(c, '\u{fffe}' | '\u{ffff}');
    let mut shown: String = text.chars().filter(allowed).take(LABEL_CHARACTERS_MAX).collect();
    if text.chars().filter(allowed).count() > LABEL_CHARACTERS_MAX {
        shown.push('…');
    }
    shown
}

fn bug(error: impl Display) -> Failure {
    Failure::Bug(format!("the chart cannot be drawn: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Granularity;

    fn minutes(label: &str, values: &[f64]) -> Curve {
        let at = |minute: usize| Timestamp::from_ns((1_795_341_600 + 60 * minute as i64) * 1_000_000_000);
        Curve {
            label: label.to_owned(),
            granularity: Granularity::from_seconds(60),
            points: values.iter().enumerate().map(|(minute, value)| (at(minute), *value)).collect(),
        }
    }

    fn drawn(curves: Vec<Curve>) -> String {
        svg(&Chart { title: "cpu & more".into(), unit: Some("%".into()), curves }).unwrap()
    }

    #[test]
    fn a_chart_has_its_title_its_names_and_a_line_for_each_run_of_points() {
        let text = drawn(vec![minutes("a <b>", &[1.0, 2.0, f64::NAN, 4.0, 5.0]), minutes("c", &[2.0; 5])]);
        assert!(roxmltree::Document::parse(&text).is_ok(), "{text}");
        for word in ["cpu &amp; more", "a &lt;b&gt;", "10:01", "2026-11-22 UTC", "%"] {
            assert!(text.contains(word), "{word} in {text}");
        }
        let lines = |color: &str| {
            text.matches(&format!(
                "<polyline fill=\"none\" opacity=\"1\" stroke=\"{color}\" stroke-width=\"2\""
            ))
            .count()
        };
        assert_eq!((lines("#4477AA"), lines("#EE6677")), (2, 1));
        assert_eq!(text.matches("<circle").count(), 9);
    }

    #[test]
    fn nothing_one_point_and_strange_values_are_drawn_too() {
        for values in [&[][..], &[1.0], &[f64::NAN, f64::INFINITY], &[f64::MAX, -f64::MAX], &[0.0, 0.0]] {
            let text = drawn(vec![minutes("x\u{1b}[2J\u{0}", values)]);
            assert!(roxmltree::Document::parse(&text).is_ok(), "{text}");
        }
        assert!(drawn(Vec::new()).contains("no points"));
    }

    #[test]
    fn curves_that_could_not_be_told_apart_are_not_drawn() {
        let curves = (0..CURVES_MAX + 3).map(|of| minutes(&format!("curve {of}"), &[1.0, 2.0])).collect();
        let text = drawn(curves);
        assert!(text.contains("curve 11") && !text.contains("curve 12"));
    }
}
