//! Floor 3 · Ways in, one file each. Every source hands out blocks of whole lines; what a line means is decided above.

use crate::base::{Books, Chunk, Failure, Stop};

/// A way in.
///
/// Pulled by one thread: [`Source::next`] waits for input, and calls `pause` before it does so.
pub trait Source: Send {
    /// What messages and books call it: the URL or path as the user wrote it.
    fn name(&self) -> &str;

    /// The next lines; none at the end of the input or when a stop was requested.
    ///
    /// `pause` is called before a wait that may block, so that the output can be flushed.
    ///
    /// # Errors
    /// When the source is broken for good, or what `pause` returns.
    fn next(
        &mut self,
        stop: &Stop,
        pause: &mut dyn FnMut() -> Result<(), Failure>,
    ) -> Result<Option<Chunk<'_>>, Failure>;

    /// Enters in the books what only the source knows, as datagrams that the kernel dropped. Called once, at the end.
    fn close(&mut self, books: &Books);
}

impl Source for crate::base::LineReader<std::fs::File> {
    fn name(&self) -> &str {
        crate::base::LineReader::name(self)
    }

    fn next(
        &mut self,
        stop: &Stop,
        pause: &mut dyn FnMut() -> Result<(), Failure>,
    ) -> Result<Option<Chunk<'_>>, Failure> {
        crate::base::LineReader::next(self, stop, pause)
    }

    fn close(&mut self, _books: &Books) {}
}

/// Opens what the user names.
///
/// # Errors
/// When it cannot be opened.
pub fn open(text: &str, line_max: usize, _books: &std::sync::Arc<Books>) -> Result<Box<dyn Source>, Failure> {
    if text == "-" {
        return Ok(Box::new(crate::base::LineReader::stdin(line_max)?));
    }
    let file = std::fs::File::open(text).map_err(|source| Failure::io("cannot read", text, source))?;
    Ok(Box::new(crate::base::LineReader::of_file(file, text, line_max)))
}
