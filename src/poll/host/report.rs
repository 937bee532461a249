//! From a row of what the kernel counts to samples.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use procfs::ProcError;
use serde_json::{Map, Number, Value};
use thiserror::Error;
use uuid::Uuid;

use crate::model::{Sample, SampleType};
use crate::poll::{Meter, Round, Taker};

/// Where the kernel's files are.
#[derive(Clone, Debug)]
pub(super) struct Roots {
    pub proc: PathBuf,
    pub sys: PathBuf,
}

/// A meter, and where its volume stands in a row; `None` where this kernel or device does not tell.
pub(super) struct Column<T> {
    pub meter: Meter,
    pub volume: fn(&T) -> Option<Number>,
}

/// A column of a value that goes up and down.
pub(super) const fn gauge<T>(
    name: &'static str,
    unit: &'static str,
    meaning: &'static str,
    volume: fn(&T) -> Option<Number>,
) -> Column<T> {
    Column { meter: Meter { name, sample_type: SampleType::Gauge, unit, meaning }, volume }
}

/// A column of a counter that only grows.
pub(super) const fn cumulative<T>(
    name: &'static str,
    unit: &'static str,
    meaning: &'static str,
    volume: fn(&T) -> Option<Number>,
) -> Column<T> {
    Column { meter: Meter { name, sample_type: SampleType::Cumulative, unit, meaning }, volume }
}

/// An integer volume.
pub(super) fn whole(volume: u64) -> Option<Number> {
    Some(Number::from(volume))
}

/// Why a file gives no samples.
#[derive(Debug, Error)]
pub(super) enum Unreadable {
    /// The system refused.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// It does not look as the kernel writes it.
    #[error("unexpected contents: {0}")]
    Odd(String),
}

impl From<ProcError> for Unreadable {
    fn from(error: ProcError) -> Unreadable {
        match error {
            // Its own words ask the user to report a bug of the crate.
            ProcError::InternalError(internal) => Unreadable::Odd(internal.msg),
            other => Unreadable::Odd(other.to_string()),
        }
    }
}

/// One round's way out.
pub(super) struct Report<'a> {
    pub host: &'a str,
    pub round: &'a Round<'a>,
    pub taker: &'a mut dyn Taker,
}

impl Report<'_> {
    /// The columns that the user asked for; none of them: do not even read.
    pub fn wanted<T>(&self, columns: &'static [Column<T>]) -> Vec<&'static Column<T>> {
        columns.iter().filter(|column| self.round.selection.takes(column.meter.name)).collect()
    }

    /// What `parse` makes of the file at `path`; a failure is reported, and `None`.
    pub fn read<T>(&mut self, path: &Path, parse: impl FnOnce(&str) -> Result<T, Unreadable>) -> Option<T> {
        // Names of devices and mount points may be any bytes; one that is not UTF-8 must not cost the others.
        let text = fs::read(path).map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
        match text.map_err(Unreadable::from).and_then(|text| parse(&text)) {
            Ok(parsed) => Some(parsed),
            Err(why) => {
                self.failed(&path.to_string_lossy(), &why);
                None
            }
        }
    }

    /// Reports that `what` could not be measured.
    pub fn failed(&mut self, what: &str, why: &dyn std::fmt::Display) {
        self.taker.failed(what, why);
    }

    /// One sample a column, of the host itself.
    pub fn host<T>(&mut self, columns: &[&Column<T>], row: &T) {
        self.samples(columns, self.host.to_owned(), Map::new(), row);
    }

    /// One sample a column, of a part of the host.
    pub fn device<T>(&mut self, columns: &[&Column<T>], device: &str, metadata: Map<String, Value>, row: &T) {
        self.samples(columns, format!("{}.{device}", self.host), metadata, row);
    }

    fn samples<T>(
        &mut self,
        columns: &[&Column<T>],
        resource_id: String,
        mut metadata: Map<String, Value>,
        row: &T,
    ) {
        // Ceilometer's gnocchi_resources.yaml takes the required host_name of a resource from here.
        metadata.insert("resource_url".to_owned(), self.host.into());
        let metadata = Arc::new(metadata);
        for column in columns {
            let Some(volume) = (column.volume)(row) else { continue };
            self.taker.sample(Sample {
                name: column.meter.name.to_owned(),
                sample_type: column.meter.sample_type,
                unit: column.meter.unit.to_owned(),
                volume,
                user_id: None,
                user_name: None,
                project_id: None,
                project_name: None,
                resource_id: resource_id.clone(),
                timestamp: self.round.timestamp,
                resource_metadata: Arc::clone(&metadata),
                source: "host".to_owned(),
                id: Uuid::new_v4().to_string(),
                monotonic_time: Some(self.round.monotonic_seconds),
            });
        }
    }
}

#[cfg(test)]
pub(super) mod capture {
    use std::collections::BTreeMap;
    use std::{fs, path::Path};

    use super::Column;

    /// A file recorded below `/proc` of a virtual machine with two processors (Linux 6.18).
    pub fn recorded(name: &str) -> String {
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/captures/proc").join(name))
            .unwrap()
    }

    /// All volumes of a row, as JSON writes them.
    pub fn volumes<T>(columns: &[Column<T>], row: &T) -> BTreeMap<&'static str, String> {
        let volume = |column: &Column<T>| Some((column.meter.name, (column.volume)(row)?.to_string()));
        columns.iter().filter_map(volume).collect()
    }
}
