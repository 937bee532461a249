//! The forms of standard output.

use std::sync::Arc;

use super::rows::{each_line, parse};
use super::shared::{OutputArgs, OutputFormat};
use super::table::Table;
use crate::base::{Books, Failure, LineSink, Output};
use crate::wire::columns::{Cell, Columns};

/// Standard output in the form that the user asked for, with the columns of the first record unless the user names some.
///
/// # Errors
/// When standard output is closed.
pub fn open(args: &OutputArgs, books: &Arc<Books>) -> Result<Box<dyn LineSink>, Failure> {
    open_with(args, &[], books)
}

/// As [`open`], for records whose columns are known before the first one comes: `usual`.
///
/// # Errors
/// When standard output is closed.
pub fn open_with(
    args: &OutputArgs,
    usual: &[String],
    books: &Arc<Books>,
) -> Result<Box<dyn LineSink>, Failure> {
    if args.columns.iter().any(|name| name.is_empty()) {
        return Err(Failure::Usage("--columns: a column has no name".to_owned()));
    }
    if !args.columns.is_empty() && args.format() == OutputFormat::Jsonl {
        return Err(Failure::Usage("--columns goes with -o csv or -o table".to_owned()));
    }
    let output = Output::stdout(books)?;
    let names = if args.columns.is_empty() { usual } else { &args.columns };
    let columns = (!names.is_empty()).then(|| Columns::named(names));
    Ok(match args.format() {
        OutputFormat::Jsonl => Box::new(output),
        OutputFormat::Csv => Box::new(Csv { output, columns, header_written: false }),
        OutputFormat::Table => Box::new(Table::new(output, columns, args.colors())),
    })
}

/// Comma-separated values: the columns of the first record for all, a header first.
struct Csv {
    output: Output,
    columns: Option<Columns>,
    header_written: bool,
}

impl LineSink for Csv {
    fn line(&mut self, record: &[u8]) -> Result<(), Failure> {
        let record = parse(record)?;
        let columns = self.columns.get_or_insert_with(|| Columns::of(&record));
        if !std::mem::replace(&mut self.header_written, true) {
            let header = csv_line(columns.names().iter().cloned())?;
            self.output.lines(&header, 0)?;
        }
        let line = csv_line(columns.cells(&record).map(Cell::exact))?;
        self.output.lines(&line, 1)
    }

    fn lines(&mut self, bytes: &[u8], _records: u64) -> Result<(), Failure> {
        each_line(bytes, |line| self.line(line))
    }

    fn flush(&mut self) -> Result<(), Failure> {
        self.output.flush()
    }
}

fn csv_line(cells: impl Iterator<Item = String>) -> Result<Vec<u8>, Failure> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let written = writer.write_record(cells.map(String::into_bytes));
    written.map_err(|error| Failure::Bug(error.to_string()))?;
    writer.into_inner().map_err(|error| Failure::Bug(error.to_string()))
}
