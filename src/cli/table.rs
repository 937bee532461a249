//! Aligned columns for people, a batch of rows at a time, so that a live stream is seen as it comes.

use comfy_table::{CellAlignment, ColumnConstraint, ContentArrangement, Width, presets};

use super::rows::{each_line, parse};
use crate::base::{Failure, LineSink, Output};
use crate::wire::columns::{Cell, Columns};

/// Rows held back at most: enough for stable widths, few enough to be seen.
const ROWS_MAX: usize = 200;

/// Records as a table.
pub struct Table {
    output: Output,
    columns: Option<Columns>,
    colors: bool,
    rows: Vec<Vec<(String, bool)>>,
    /// Widths so far: columns only grow, so that batches stand under each other.
    widths: Vec<u16>,
}

impl Table {
    /// A table on `output`; without `columns` those of the first record are taken.
    pub fn new(output: Output, columns: Option<Columns>, colors: bool) -> Table {
        Table { output, columns, colors, rows: Vec::new(), widths: Vec::new() }
    }

    /// Prints the rows held back, under a header when this is the first batch or the columns had to grow.
    fn print(&mut self) -> Result<(), Failure> {
        let Some(columns) = self.columns.as_ref().filter(|_| !self.rows.is_empty()) else { return Ok(()) };
        let mut table = comfy_table::Table::new();
        table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
        // The method is what a reader looks for; where it stands in the record is not.
        table.set_header(columns.names().iter().map(|name| name.strip_prefix("aggregates.").unwrap_or(name)));
        for row in &self.rows {
            table.add_row(row.iter().map(|(text, number)| {
                let alignment = if *number { CellAlignment::Right } else { CellAlignment::Left };
                comfy_table::Cell::new(text).set_alignment(alignment)
            }));
        }
        let widths = table.column_max_content_widths();
        self.widths.resize(widths.len(), 0);
        let mut grown = false;
        for (index, (kept, width)) in self.widths.iter_mut().zip(widths).enumerate() {
            grown |= width > *kept;
            *kept = width.max(*kept);
            if let Some(column) = table.column_mut(index) {
                // The padding of a column counts as its width.
                column.set_constraint(ColumnConstraint::LowerBoundary(Width::Fixed(*kept + 2)));
            }
        }
        for (index, line) in table.lines().enumerate() {
            let line = line.strip_prefix(' ').unwrap_or(&line);
            let row = index.checked_sub(1).and_then(|row| self.rows.get(row));
            if row.is_none() && !grown {
                continue;
            }
            let shown = if self.colors { colored(line, row.map(Vec::as_slice)) } else { line.to_owned() };
            self.output.lines(format!("{}\n", shown.trim_end()).as_bytes(), u64::from(row.is_some()))?;
        }
        self.rows.clear();
        Ok(())
    }
}

impl LineSink for Table {
    fn line(&mut self, record: &[u8]) -> Result<(), Failure> {
        let record = parse(record)?;
        let columns = self.columns.get_or_insert_with(|| Columns::of(&record));
        self.rows.push(
            columns
                .cells(&record)
                .map(|cell: Cell<'_>| (one_line(&cell.short()), cell.is_number()))
                .collect(),
        );
        if self.rows.len() >= ROWS_MAX { self.print() } else { Ok(()) }
    }

    fn lines(&mut self, bytes: &[u8], _records: u64) -> Result<(), Failure> {
        each_line(bytes, |line| self.line(line))
    }

    fn flush(&mut self) -> Result<(), Failure> {
        self.print()?;
        self.output.flush()
    }
}

/// Control characters would let a record draw on the terminal.
fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

/// The header bold; a row that says alarm red, ok green, insufficient data yellow.
fn colored(line: &str, row: Option<&[(String, bool)]>) -> String {
    let Some(row) = row else { return format!("\x1b[1m{line}\x1b[0m") };
    let state = row.iter().rev().find_map(|(text, _)| match &text[..] {
        "alarm" => Some(31),
        "ok" => Some(32),
        "insufficient data" => Some(33),
        _ => None,
    });
    state.map_or_else(|| line.to_owned(), |color| format!("\x1b[{color}m{line}\x1b[0m"))
}
