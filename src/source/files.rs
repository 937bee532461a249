//! Floor 3 · Standard input and plain files, read once from the start to the end.

use std::fs::File;
use std::path::Path;

use super::Source;
use crate::base::{Books, Chunk, Failure, LineReader, Stop};

/// One file, pipe or device, or standard input.
pub struct Files {
    reader: LineReader<File>,
}

impl Files {
    /// Standard input, called `-`.
    ///
    /// # Errors
    /// When the descriptor is closed.
    pub fn stdin(line_max: usize) -> Result<Files, Failure> {
        Ok(Files { reader: LineReader::stdin(line_max)? })
    }

    /// The file at `path`; `name` is for messages.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub fn open(path: &Path, name: &str, line_max: usize) -> Result<Files, Failure> {
        let file = File::open(path).map_err(|source| Failure::io("cannot read", name, source))?;
        Ok(Files { reader: LineReader::of_file(file, name, line_max) })
    }
}

impl Source for Files {
    fn name(&self) -> &str {
        self.reader.name()
    }

    fn is_complete(&self) -> bool {
        !self.reader.may_block()
    }

    fn next(
        &mut self,
        stop: &Stop,
        pause: &mut dyn FnMut() -> Result<(), Failure>,
    ) -> Result<Option<Chunk<'_>>, Failure> {
        self.reader.next(stop, pause)
    }

    fn close(&mut self, _books: &Books) {}
}
