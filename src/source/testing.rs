//! Help for the tests of the sources.

use std::time::{Duration, Instant};

use super::Source;
use crate::base::{Chunk, Stop};

/// All lines there are until the source would wait.
pub fn lines_until_wait(source: &mut dyn Source) -> Vec<String> {
    let stop = Stop::new().unwrap();
    let mut lines = Vec::new();
    loop {
        let chunk = source.next(&stop, &mut || {
            stop.request();
            Ok(())
        });
        match chunk.unwrap() {
            Some(chunk) => lines.extend(texts(&chunk)),
            None => return lines,
        }
    }
}

/// The lines until there are `count`; a test that waits longer than ten seconds has failed.
pub fn wait_for_lines(source: &mut dyn Source, count: usize) -> Vec<String> {
    let deadline = Instant::now() + Duration::from_secs(10);
    let mut lines = Vec::new();
    while lines.len() < count {
        assert!(Instant::now() < deadline, "{} of {count} lines came: {:?}", lines.len(), lines.last());
        lines.extend(lines_until_wait(source));
    }
    lines
}

/// The lines of a chunk, or how long the one was that is too long.
pub fn texts(chunk: &Chunk<'_>) -> Vec<String> {
    match chunk {
        Chunk::Lines(block) => {
            block.lines().map(|(_, line)| String::from_utf8_lossy(line).into_owned()).collect()
        }
        Chunk::TooLong { bytes, .. } => vec![format!("too long: {bytes}")],
    }
}
