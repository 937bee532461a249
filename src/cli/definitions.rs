//! The definitions that telemetry-listen is told: files, folders, or what is built in.

use std::fs;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum, ValueHint};

use crate::base::small_file::{self, CONFIGURATION_BYTES_MAX};
use crate::base::{Books, Failure};
use crate::define::document::Fault;
use crate::define::stock;
use crate::define::{EventDefinitions, EventOptions, MeterDefinitions};
use crate::work::collect::{Definitions, Emit};

/// Where Ceilometer keeps its meter definitions.
const METERS_FOLDER: &str = "/etc/ceilometer/meters.d";

/// Where Ceilometer keeps its event definitions.
const EVENTS_FILE: &str = "/etc/ceilometer/event_definitions.yaml";

/// What messages call the definitions that are built in.
const STOCK: &str = "built in";

/// Options about what is made of notifications.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Notifications")]
pub struct DefinitionArgs {
    /// What to print of a notification: samples, events, notifications
    ///
    /// Samples are made of those with priority info or sample, events of those with info or error, as in Ceilometer.
    /// "notifications" passes them as they came. Records of other kinds always pass.
    #[arg(long, value_name = "KIND", value_delimiter = ',', default_value = "samples,events")]
    pub emit: Vec<EmitKind>,

    /// Make samples by these definitions; a folder stands for its *.yaml
    ///
    /// Ceilometer's meters.yaml; may be given several times. Without it those in /etc/ceilometer/meters.d and the built-in ones. Of several files
    /// that define a meter the first counts, within a file the last.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::AnyPath)]
    pub meter_definitions: Vec<PathBuf>,

    /// Make events by these definitions
    ///
    /// Ceilometer's event_definitions.yaml. Without it /etc/ceilometer/event_definitions.yaml, and if there is none the
    /// built-in ones. The last definition that takes a notification makes the event.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub event_definitions: Option<PathBuf>,

    /// Make no event of a notification that no event definition takes
    #[arg(long)]
    pub drop_unmatched: bool,

    /// Keep the notification itself in events of these priorities, as error
    #[arg(long, value_name = "PRIORITY", value_delimiter = ',', ignore_case = true)]
    pub store_raw: Vec<Priority>,

    /// Read the definitions, say all that is wrong with them, and stop
    #[arg(long)]
    pub check_config: bool,
}

/// One kind of `--emit`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum EmitKind {
    /// Samples, by the meter definitions
    Samples,
    /// Events, by the event definitions
    Events,
    /// The notifications themselves
    Notifications,
}

/// How urgent a notification says to be: the words of oslo.messaging.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Priority {
    /// What was done
    Audit,
    /// Of use to developers
    Debug,
    /// As usual
    Info,
    /// Out of the usual
    Warn,
    /// Failed
    Error,
    /// Failed badly
    Critical,
    /// Samples, as Ceilometer's notifier sends them
    Sample,
}

impl Priority {
    fn name(self) -> &'static str {
        match self {
            Priority::Audit => "audit",
            Priority::Debug => "debug",
            Priority::Info => "info",
            Priority::Warn => "warn",
            Priority::Error => "error",
            Priority::Critical => "critical",
            Priority::Sample => "sample",
        }
    }
}

impl DefinitionArgs {
    /// What is asked for.
    pub fn emit(&self) -> Emit {
        Emit {
            samples: self.emit.contains(&EmitKind::Samples),
            events: self.emit.contains(&EmitKind::Events),
            notifications: self.emit.contains(&EmitKind::Notifications),
        }
    }

    /// The definitions. A fault costs its definition, as in Ceilometer, and is said.
    ///
    /// # Errors
    /// A file that cannot be read. With faults: all of them, if that is what was asked for, or if they leave nothing.
    pub fn read(&self, books: &Books) -> Result<Definitions, Failure> {
        let meters = self.meter_files()?;
        let meters: Vec<(&str, &str)> =
            meters.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
        let (meters, meter_faults) = MeterDefinitions::read(&meters);
        let (name, text) = self.event_file()?;
        let store_raw = self.store_raw.iter().map(|priority| priority.name().to_owned()).collect();
        let options = EventOptions { store_raw, drop_unmatched: self.drop_unmatched };
        let (events, event_faults) = EventDefinitions::read(&name, &text, options);
        let broken = meters.is_empty() && !meter_faults.is_empty()
            || event_faults.iter().any(|fault| fault.line.is_none());
        let faults: Vec<String> = meter_faults.iter().chain(&event_faults).map(Fault::to_string).collect();
        if !faults.is_empty() && (self.check_config || broken) {
            return Err(Failure::Configuration(faults));
        }
        for fault in &faults {
            books.count("definitions_refused", 1);
            books.warn("definition", fault);
        }
        Ok(Definitions { meters, events })
    }

    /// Whether no file is named and none is where Ceilometer keeps them: then nothing can be wrong that a run should end
    /// with at its start.
    pub fn are_built_in(&self) -> bool {
        self.meter_definitions.is_empty()
            && self.event_definitions.is_none()
            && !Path::new(METERS_FOLDER).is_dir()
            && !Path::new(EVENTS_FILE).is_file()
    }

    /// Names and texts, in the order in which they count.
    fn meter_files(&self) -> Result<Vec<(String, String)>, Failure> {
        let mut files = Vec::new();
        for path in &self.meter_definitions {
            if path.is_dir() { folder(path, &mut files)? } else { files.push(file(path)?) }
        }
        if self.meter_definitions.is_empty() {
            let usual = Path::new(METERS_FOLDER);
            if usual.is_dir() {
                folder(usual, &mut files)?;
            }
            files.push((STOCK.to_owned(), stock::METERS.to_owned()));
        }
        Ok(files)
    }

    fn event_file(&self) -> Result<(String, String), Failure> {
        match &self.event_definitions {
            Some(path) => file(path),
            None if Path::new(EVENTS_FILE).is_file() => file(Path::new(EVENTS_FILE)),
            None => Ok((STOCK.to_owned(), stock::EVENT_DEFINITIONS.to_owned())),
        }
    }
}

fn file(path: &Path) -> Result<(String, String), Failure> {
    let shown = path.display().to_string();
    let refuse = |error| Failure::Configuration(vec![format!("{shown}: {error}")]);
    let text = small_file::read_text(path, CONFIGURATION_BYTES_MAX).map_err(refuse)?;
    Ok((shown, text))
}

/// The `*.yaml` of a folder, in the order of their names.
fn folder(path: &Path, files: &mut Vec<(String, String)>) -> Result<(), Failure> {
    let shown = path.display().to_string();
    let failed = |source| Failure::io("cannot read", &shown, source);
    let mut paths = Vec::new();
    for entry in fs::read_dir(path).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if path.extension().is_some_and(|extension| extension == "yaml") {
            paths.push(path);
        }
    }
    paths.sort();
    for path in &paths {
        files.push(file(path)?);
    }
    Ok(())
}
