//! Floor 3 · Several sinks as one: each gets everything, and one that fails does not stop the others.

use std::sync::Arc;

use super::Sink;
use crate::base::{Books, Failure, LineSink};

/// All of its sinks. A sink that fails for good is reported and left out; when the last one fails, so does this.
///
/// The books count what each sink wrote, so two sinks write each record twice. The slowest sink sets the pace.
pub struct Tee {
    sinks: Vec<Box<dyn Sink>>,
    name: String,
    books: Arc<Books>,
}

impl Tee {
    /// Hands on to `sinks`, in this order.
    pub fn new(sinks: Vec<Box<dyn Sink>>, books: &Arc<Books>) -> Tee {
        let name = sinks.iter().map(|sink| sink.name()).collect::<Vec<_>>().join(", ");
        Tee { sinks, name, books: Arc::clone(books) }
    }

    /// Does the same to all sinks, and leaves out those that fail.
    fn each(&mut self, mut act: impl FnMut(&mut dyn Sink) -> Result<(), Failure>) -> Result<(), Failure> {
        let mut failures = Vec::new();
        self.sinks.retain_mut(|sink| act(&mut **sink).map_err(|failure| failures.push(failure)).is_ok());
        // The last failure ends the run, which reports it; of those before it, a closed output is no trouble.
        let last = if self.sinks.is_empty() { failures.pop() } else { None };
        for failure in failures.iter().filter(|failure| !matches!(failure, Failure::OutputClosed)) {
            self.books.trouble(failure);
        }
        match last {
            Some(failure) => Err(failure),
            None if self.sinks.is_empty() => Err(Failure::OutputClosed),
            None => Ok(()),
        }
    }
}

impl LineSink for Tee {
    fn line(&mut self, record: &[u8]) -> Result<(), Failure> {
        self.each(|sink| sink.line(record))
    }

    fn lines(&mut self, bytes: &[u8], records: u64) -> Result<(), Failure> {
        self.each(|sink| sink.lines(bytes, records))
    }

    fn flush(&mut self) -> Result<(), Failure> {
        self.each(|sink| sink.flush())
    }

    fn settle(&mut self) -> Result<(), Failure> {
        self.each(|sink| sink.settle())
    }
}

impl Sink for Tee {
    fn name(&self) -> &str {
        &self.name
    }

    fn reopen(&mut self) -> Result<(), Failure> {
        self.each(|sink| sink.reopen())
    }

    fn close(&mut self) -> Result<(), Failure> {
        if self.sinks.is_empty() { Ok(()) } else { self.each(|sink| sink.close()) }
    }
}

#[cfg(test)]
mod tests {
    use super::super::FileSink;
    use super::*;
    use crate::base::testing::{Directory, books};
    use std::path::Path;

    fn sink(path: &Path, books: &Arc<Books>) -> Box<dyn Sink> {
        Box::new(FileSink::open(path, path.to_str().unwrap(), None, false, books).unwrap())
    }

    #[test]
    fn a_sink_that_fails_is_left_out_and_the_others_get_everything() {
        let directory = Directory::new("tee");
        let (one, two) = (directory.0.join("one"), directory.0.join("two"));
        let books = books();
        let full = sink(Path::new("/dev/full"), &books);
        let mut tee = Tee::new(vec![sink(&one, &books), full, sink(&two, &books)], &books);
        tee.line(b"1").unwrap();
        tee.flush().unwrap();
        tee.lines(b"2\n3\n", 2).unwrap();
        tee.close().unwrap();
        assert_eq!(std::fs::read_to_string(one).unwrap(), "1\n2\n3\n");
        assert_eq!(std::fs::read_to_string(two).unwrap(), "1\n2\n3\n");
        assert_eq!(books.trouble_status(), Some(75));
        assert_eq!(books.to_json()["dropped"]["/dev/full"], 1);
    }

    #[test]
    fn when_the_last_sink_fails_the_run_fails() {
        let books = books();
        let mut tee = Tee::new(vec![sink(Path::new("/dev/full"), &books)], &books);
        tee.line(b"1").unwrap();
        assert_eq!(tee.flush().unwrap_err().status(), 75);
        assert_eq!(books.trouble_status(), None);
        assert!(tee.close().is_ok());
    }
}
