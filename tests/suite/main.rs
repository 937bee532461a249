//! What the six programs promise, tried on the programs themselves.
#![allow(clippy::unwrap_used, clippy::print_stderr)]

/// Transcripts under `tests/cases`: a command, its input, and all that it says.
mod cases;
/// Man pages, completions, and the examples in what people read.
mod documents;
/// A Gnocchi of the tests.
mod fake_gnocchi;
/// The arrows between the folders of `src` that must never exist.
mod floors;
/// What the original recorded, through our tools.
mod golden;
/// What Ceilometer's gnocchi publisher asked, and what we ask.
mod golden_gnocchi;
/// What Ceilometer's publishers posted, and what we post.
mod golden_http_sinks;
/// Lines made to break a reader, against what Python's json makes of them.
mod hostile;
/// A server that answers as it is told.
mod http_server;
/// Receivers that fail, and what becomes of the records.
mod http_sinks;
/// What holds for every input of a rollup, however it is cut, shuffled or repeated.
mod laws;
/// This host and libvirt's test driver, measured for real.
mod live;
/// Datagrams, connections and followed files, with the books as the witness.
mod network;
/// Ends of pipes, full disks, signals.
mod pipes;
/// Runs programs, and waits for what they do.
mod run;
/// What every source file keeps to.
mod tidy;
