//! Series as the rows of an answer: `[time, granularity in seconds, value]`.

use std::collections::VecDeque;
use std::ops::Range;

use super::Desk;
use crate::base::Books;
use crate::model::{Granularity, Timestamp};
use crate::series::{Series, Step};
use crate::serve::http::{Answer, Content, Problem};
use crate::store::measures::MeasuresError;
use crate::wire::json::write_f64;
use crate::work::measures::Level;

/// Rows of one part of an answer that is written while it is sent: some hundred thousand bytes.
const ROWS_OF_PART: usize = 2_048;
/// What a point takes until it is a row: a time and a value.
const BYTES_OF_POINT: usize = 16;
/// What a row takes, mostly.
const BYTES_OF_ROW: usize = 56;

/// A body of JSON text with lists of rows in it, which is written while it is sent.
#[derive(Default)]
pub(super) struct Body {
    pieces: VecDeque<Piece>,
    points: usize,
}

enum Piece {
    Text(Vec<u8>),
    /// Of the first level the rows from this one; whether a row of the list was written.
    Rows(VecDeque<Level>, usize, bool),
}

impl Body {
    /// Appends text.
    pub(super) fn text(&mut self, text: &str) {
        match self.pieces.back_mut() {
            Some(Piece::Text(before)) => before.extend_from_slice(text.as_bytes()),
            _ => self.pieces.push_back(Piece::Text(text.as_bytes().to_vec())),
        }
    }

    /// Appends a list of the rows of all levels.
    pub(super) fn rows(&mut self, levels: impl IntoIterator<Item = Level>) {
        let mut levels: VecDeque<Level> = levels.into_iter().collect();
        levels.retain(|level| !level.series.is_empty());
        self.points += levels.iter().map(|level| level.series.len()).sum::<usize>();
        self.text("[");
        self.pieces.push_back(Piece::Rows(levels, 0, false));
        self.text("]");
    }

    /// Appends a list of the rows of series.
    pub(super) fn series(&mut self, series: impl IntoIterator<Item = Series>) {
        let level = |series: Series| Level { step: Step::Span(series.granularity), series };
        self.rows(series.into_iter().map(level));
    }

    /// Refuses more points than an answer may have.
    ///
    /// # Errors
    /// 400
    pub(super) fn check(&self, desk: &Desk) -> Result<(), Problem> {
        let points_max = desk.options.points_max;
        if self.points <= points_max {
            return Ok(());
        }
        let why =
            "measures are more than one answer has: narrow it with start, stop or a coarser granularity";
        Err(Problem::bad(format!("{} {why} (at most {points_max})", self.points)))
    }

    /// The answer.
    ///
    /// # Errors
    /// 400 when it has more points than an answer may have.
    pub(super) fn answer(self, desk: &Desk) -> Result<Answer, Problem> {
        self.check(desk)?;
        if self.points > ROWS_OF_PART {
            let held = self.points * BYTES_OF_POINT;
            return Ok(Answer::json_content(Content::Parts { parts: Box::new(self), held }));
        }
        let parts: Vec<Vec<u8>> = self.collect();
        Ok(Answer::json_content(Content::Whole(parts.concat())))
    }
}

impl Iterator for Body {
    type Item = Vec<u8>;

    fn next(&mut self) -> Option<Vec<u8>> {
        self.pieces.front()?;
        let mut out = Vec::with_capacity(BYTES_OF_ROW * ROWS_OF_PART.min(self.points) + 2);
        let mut room = ROWS_OF_PART;
        while let Some(piece) = self.pieces.front_mut() {
            match piece {
                Piece::Text(text) => out.append(text),
                Piece::Rows(levels, row, begun) => {
                    while let Some(level) = levels.front() {
                        if room == 0 {
                            return Some(out);
                        }
                        let rows = *row..level.series.len().min(*row + room);
                        room -= rows.len();
                        *row = rows.end;
                        write(&level.series, granularity_text(level).as_bytes(), rows, *begun, &mut out);
                        *begun = true;
                        if *row == level.series.len() {
                            levels.pop_front();
                            *row = 0;
                        }
                    }
                }
            }
            self.pieces.pop_front();
        }
        Some(out)
    }
}

/// Appends a value: null for what is no number. Infinity, which JSON has no word for, is a number that is read as that.
fn write_value(value: f64, out: &mut Vec<u8>) {
    match value {
        f64::INFINITY => out.extend_from_slice(b"1e999"),
        f64::NEG_INFINITY => out.extend_from_slice(b"-1e999"),
        value => write_f64(value, out),
    }
}

/// Appends rows with commas between them, and one before the first too where others stand before them.
fn write(series: &Series, granularity: &[u8], rows: Range<usize>, follows: bool, out: &mut Vec<u8>) {
    let mut day = Day::default();
    for row in rows.clone() {
        if follows || row != rows.start {
            out.push(b',');
        }
        out.extend_from_slice(b"[\"");
        day.write(series.timestamps[row], out);
        out.extend_from_slice(b"+00:00\",");
        out.extend_from_slice(granularity);
        out.push(b',');
        write_value(series.values[row], out);
        out.push(b']');
    }
}

/// What stands in the second column: seconds, or the letter of a span of the calendar.
fn granularity_text(level: &Level) -> String {
    match level.step {
        Step::Span(length) => seconds(length),
        Step::Calendar(_) => format!("\"{}\"", level.step),
    }
}

/// Seconds with a fraction, as Python writes a double.
pub(super) fn seconds(length: Granularity) -> String {
    let mut text = Vec::new();
    write_f64(length.seconds(), &mut text);
    String::from_utf8(text).unwrap_or_default()
}

/// Remembers the day that was written last, as rows have the same many times.
#[derive(Default)]
struct Day {
    number: Option<i64>,
    text: Vec<u8>,
}

impl Day {
    /// Appends a time to the second, as Gnocchi does with measures: `2015-03-06T14:33:57`.
    fn write(&mut self, at: Timestamp, out: &mut Vec<u8>) {
        let seconds = at.ns().div_euclid(crate::model::NS_PER_SECOND);
        let (day, of_day) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
        if self.number != Some(day) {
            self.text.clear();
            at.write(&mut self.text);
            self.text.truncate("2015-03-06T".len());
            self.number = Some(day);
        }
        out.extend_from_slice(&self.text);
        let two = |value: i64| [b'0' + (value / 10) as u8, b'0' + (value % 10) as u8];
        out.extend_from_slice(&two(of_day / 3600));
        out.push(b':');
        out.extend_from_slice(&two(of_day / 60 % 60));
        out.push(b':');
        out.extend_from_slice(&two(of_day % 60));
    }
}

/// Tells the log of bytes that were stepped over.
pub(super) fn tell(books: &Books, damage: Vec<MeasuresError>) {
    damage.into_iter().for_each(|damage| books.trouble(&damage.into()));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::NS_PER_SECOND;

    fn level(step: &str, rows: usize) -> Level {
        let step: Step = step.parse().unwrap();
        let at = |row: usize| Timestamp::from_ns(row as i64 * 60 * NS_PER_SECOND);
        let granularity = Granularity::from_seconds(60).unwrap();
        let values = (0..rows).map(|row| row as f64 / 2.0).collect();
        Level { step, series: Series { granularity, timestamps: (0..rows).map(at).collect(), values } }
    }

    fn text(levels: Vec<Level>) -> (usize, String) {
        let mut body = Body::default();
        body.rows(levels);
        let parts: Vec<Vec<u8>> = body.collect();
        (parts.len(), String::from_utf8(parts.concat()).unwrap())
    }

    #[test]
    fn rows_are_a_list_of_lists() {
        assert_eq!(text(vec![]), (1, "[]".to_owned()));
        assert_eq!(text(vec![level("60", 0), level("60", 0)]).1, "[]");
        let expected = r#"[["1970-01-01T00:00:00+00:00","M",0.0],["1970-01-01T00:00:00+00:00",60.0,0.0],["1970-01-01T00:01:00+00:00",60.0,0.5]]"#;
        assert_eq!(text(vec![level("60", 0), level("M", 1), level("60", 2)]).1, expected);
        let mut none = level("0.5", 1);
        none.series.values[0] = f64::NAN;
        assert_eq!(text(vec![none]).1, r#"[["1970-01-01T00:00:00+00:00",0.5,null]]"#);
    }

    #[test]
    fn many_rows_come_in_parts_that_are_one_list() {
        for rows in [ROWS_OF_PART - 1, ROWS_OF_PART, ROWS_OF_PART + 1, 5 * ROWS_OF_PART] {
            let (parts, whole) = text(vec![level("60", rows), level("60", 3), level("60", rows)]);
            let read: Vec<(String, f64, f64)> = serde_json::from_str(&whole).unwrap();
            assert_eq!(read.len(), 2 * rows + 3);
            assert!(parts >= 2);
        }
    }
}
