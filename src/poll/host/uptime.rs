//! Time since boot: `/proc/uptime`.

use procfs::Uptime;
use procfs::prelude::*;
use serde_json::Number;

use super::report::{Column, Report, Roots, Unreadable, gauge};

pub(super) const COLUMNS: &[Column<Uptime>] =
    &[gauge("hardware.uptime", "s", "time since boot", |row| Number::from_f64(row.uptime))];

/// Reports the time since boot.
pub(super) fn poll(roots: &Roots, report: &mut Report<'_>) {
    let wanted = report.wanted(COLUMNS);
    if wanted.is_empty() {
        return;
    }
    if let Some(row) = report.read(&roots.proc.join("uptime"), parse) {
        report.host(&wanted, &row);
    }
}

fn parse(text: &str) -> Result<Uptime, Unreadable> {
    Ok(Uptime::from_read(text.as_bytes())?)
}

#[cfg(test)]
mod tests {
    use super::super::report::capture::{recorded, volumes};
    use super::*;

    #[test]
    fn the_first_number_is_the_time_since_boot() {
        assert_eq!(volumes(COLUMNS, &parse("1351.36 2235.64\n").unwrap())["hardware.uptime"], "1351.36");
        assert_eq!(volumes(COLUMNS, &parse(&recorded("uptime")).unwrap())["hardware.uptime"], "1992.68");
        assert!(parse("").is_err() && parse("12").is_err() && parse("a b").is_err());
    }
}
