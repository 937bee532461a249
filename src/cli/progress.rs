//! A progress bar on a terminal's standard error, for files that take longer than a second.

use std::io::IsTerminal;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use crate::base::{Books, Chunk, Failure, Stop};
use crate::source::Source;

/// Work that is done sooner needs no bar.
const PATIENCE: Duration = Duration::from_secs(1);

/// How far a run through some files has come.
pub struct Progress {
    /// None where nobody would see it, or where the length of the work is not known.
    total_bytes: Option<u64>,
    done_bytes: u64,
    started: Instant,
    bar: Option<ProgressBar>,
}

impl Progress {
    /// Watches a run through `names`. Silent in pipes, journals and cron, and where tables are being printed.
    pub fn new(names: &[String], quiet: bool) -> Progress {
        let seen = std::io::stderr().is_terminal() && !std::io::stdout().is_terminal() && !quiet;
        let lengths = names.iter().map(|name| {
            let metadata = std::fs::metadata(name).ok()?;
            metadata.is_file().then_some(metadata.len())
        });
        let total_bytes = if seen { lengths.sum::<Option<u64>>() } else { None };
        Progress { total_bytes, done_bytes: 0, started: Instant::now(), bar: None }
    }

    /// `source`, its blocks counted.
    pub fn watch<'a>(&'a mut self, source: &'a mut dyn Source) -> Watched<'a> {
        Watched { progress: self, source }
    }

    fn add(&mut self, bytes: u64) {
        let Some(total) = self.total_bytes else { return };
        self.done_bytes += bytes;
        if self.bar.is_none() && self.started.elapsed() > PATIENCE {
            let style = "{bar:40} {percent}% {bytes}/{total_bytes} {binary_bytes_per_sec} {eta}";
            let bar = ProgressBar::new(total);
            if let Ok(style) = ProgressStyle::with_template(style) {
                bar.set_style(style);
            }
            self.bar = Some(bar);
        }
        if let Some(bar) = &self.bar {
            bar.set_position(self.done_bytes);
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

/// A source whose blocks move a progress bar.
pub struct Watched<'a> {
    progress: &'a mut Progress,
    source: &'a mut dyn Source,
}

impl Source for Watched<'_> {
    fn name(&self) -> &str {
        self.source.name()
    }

    fn next(
        &mut self,
        stop: &Stop,
        pause: &mut dyn FnMut() -> Result<(), Failure>,
    ) -> Result<Option<Chunk<'_>>, Failure> {
        let chunk = self.source.next(stop, pause)?;
        if let Some(Chunk::Lines(block)) = &chunk {
            self.progress.add(block.bytes.len() as u64);
        }
        Ok(chunk)
    }

    fn close(&mut self, books: &Books) {
        self.source.close(books);
    }
}
