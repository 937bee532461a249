//! What the commands of a store share: where it is, how rows are printed, which part of a list is wanted.

use clap::Args;
use serde_json::{Value, json};

use super::store::StoreArgs;
use crate::base::{Failure, Outcome, clock};
use crate::cli::format;
use crate::cli::shared::{Context, OutputArgs, OutputFormat, RunArgs};
use crate::model::{Granularity, Timestamp};
use crate::store::Store;
use crate::store::index::{Marker, Page, SortKey};
use crate::wire::columns::{Cell, Columns};

/// Options of every command.
#[derive(Args, Debug)]
pub struct Options {
    #[command(flatten)]
    pub store: StoreArgs,

    #[command(flatten)]
    pub output: OutputArgs,

    #[command(flatten)]
    pub run: RunArgs,
}

impl Options {
    /// Opens the store; one that is to hold something new is made where it is not there.
    ///
    /// # Errors
    /// When there is none, or the system refuses.
    pub fn open(&self, makes: bool) -> Result<Store, Failure> {
        if makes { self.store.open_or_create(true) } else { self.store.open() }
    }

    /// Prints rows; in tables and CSV these columns of them.
    ///
    /// # Errors
    /// When standard output cannot be written.
    pub fn print(
        &self,
        columns: &[String],
        rows: impl IntoIterator<Item = Value>,
        context: &Context,
    ) -> Result<Outcome, Failure> {
        let mut out = format::open_with(&self.output, columns, &context.books)?;
        for row in rows {
            out.line(row.to_string().as_bytes())?;
        }
        out.flush()?;
        Ok(Outcome::Done)
    }

    /// Prints the one thing that was asked for: as a table, which would be wide, a line for each of its fields.
    ///
    /// # Errors
    /// When standard output cannot be written.
    pub fn print_one(&self, row: Value, context: &Context) -> Result<Outcome, Failure> {
        let columns: Vec<String> =
            row.as_object().into_iter().flatten().map(|(name, _)| name.clone()).collect();
        if self.is_table() && self.output.columns.is_empty() {
            let fields = Columns::named(&columns);
            // Texts: numbers of different fields do not belong under each other.
            let cells = fields.cells(&row).map(Cell::short).zip(&columns);
            let rows = cells.map(|(value, field)| json!({"field": field, "value": value}));
            return self.print(&names(&["field", "value"]), rows, context);
        }
        self.print(&columns, [row], context)
    }

    /// Whether people read it.
    pub fn is_table(&self) -> bool {
        self.output.format() == OutputFormat::Table
    }
}

/// Which part of a list.
#[derive(Args, Debug)]
pub struct PageArgs {
    /// Print at most COUNT rows [default: all]
    #[arg(long, value_name = "COUNT")]
    limit: Option<u32>,

    /// Begin behind the row with this ID, the last of the part before
    ///
    /// In a list with history, ID@REVISION names what a resource was.
    #[arg(long, value_name = "ID")]
    marker: Option<Marker>,

    /// Sort by these columns, as name or started_at:desc-nullslast
    #[arg(long, value_name = "COLUMN", value_delimiter = ',')]
    sort: Vec<SortKey>,
}

impl PageArgs {
    /// What the index calls it.
    pub fn page(&self) -> Page {
        Page { sort: self.sort.clone(), marker: self.marker, limit: self.limit }
    }
}

/// The names of columns.
pub fn names(columns: &[&str]) -> Vec<String> {
    columns.iter().map(|name| (*name).to_owned()).collect()
}

/// The time that it is.
pub fn now() -> Timestamp {
    Timestamp::from_ns(clock::now_ns())
}

/// A length of time as options take it and people read it: `5m`, `1h30m`, `1.5s`.
pub fn length(of: Granularity) -> String {
    const SECOND: i64 = 1_000_000_000;
    let (mut rest, mut text) = (of.ns(), String::new());
    for (unit, ns) in [("d", 86_400 * SECOND), ("h", 3_600 * SECOND), ("m", 60 * SECOND)] {
        if rest >= ns {
            text.push_str(&format!("{}{unit}", rest / ns));
            rest %= ns;
        }
    }
    if let Some(rest) = Granularity::from_ns(rest) {
        text.push_str(&format!("{rest}s"));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_written_as_they_are_read() {
        for text in ["1s", "0.5s", "5m", "1h30m", "1d1h1m1.000000001s", "7d", "365d"] {
            let read: Granularity = text.parse().unwrap();
            assert_eq!(length(read), text);
        }
        assert_eq!(length("90".parse().unwrap()), "1m30s");
    }
}
