//! Load: `/proc/loadavg`.

use procfs::LoadAverage;
use procfs::prelude::*;
use serde_json::Number;

use super::report::{Column, Report, Roots, Unreadable, gauge};

pub(super) const COLUMNS: &[Column<LoadAverage>] = &[
    gauge("hardware.cpu.load.1min", "process", "load, the mean of the last minute", |row| load(row.one)),
    gauge("hardware.cpu.load.5min", "process", "load, the mean of the last 5 minutes", |row| load(row.five)),
    gauge("hardware.cpu.load.15min", "process", "load, the mean of the last 15 minutes", |row| {
        load(row.fifteen)
    }),
];

/// Reports the three loads.
pub(super) fn poll(roots: &Roots, report: &mut Report<'_>) {
    let wanted = report.wanted(COLUMNS);
    if wanted.is_empty() {
        return;
    }
    if let Some(row) = report.read(&roots.proc.join("loadavg"), parse) {
        report.host(&wanted, &row);
    }
}

fn parse(text: &str) -> Result<LoadAverage, Unreadable> {
    Ok(LoadAverage::from_read(text.as_bytes())?)
}

/// The two decimals that the kernel wrote; an f32 made longer would show its own error (0.16 as 0.1599999964).
fn load(load: f32) -> Option<Number> {
    Number::from_f64((f64::from(load) * 100.0).round() / 100.0)
}

#[cfg(test)]
mod tests {
    use super::super::report::capture::{recorded, volumes};
    use super::*;

    #[test]
    fn loads_keep_their_two_decimals() {
        let volumes = volumes(COLUMNS, &parse("0.16 12.07 1024.99 2/95 10243\n").unwrap());
        assert_eq!(volumes["hardware.cpu.load.1min"], "0.16");
        assert_eq!(volumes["hardware.cpu.load.5min"], "12.07");
        assert_eq!(volumes["hardware.cpu.load.15min"], "1024.99");
    }

    #[test]
    fn a_recorded_file_is_read() {
        assert_eq!(volumes(COLUMNS, &parse(&recorded("loadavg")).unwrap())["hardware.cpu.load.5min"], "0.65");
    }

    #[test]
    fn odd_contents_are_an_error_or_no_sample() {
        for text in ["", "0.1", "x y z 1/2 3"] {
            assert!(parse(text).is_err(), "{text:?}");
        }
        assert!(volumes(COLUMNS, &parse("nan inf -inf 1/2 3").unwrap()).is_empty());
    }
}
