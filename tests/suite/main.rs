//! What the six programs promise, tried on the programs themselves.
#![allow(clippy::unwrap_used, clippy::print_stderr)]

/// RabbitMQ between our programs, restarted and killed.
mod amqp;
/// Transcripts under `tests/cases`: a command, its input, and all that it says.
mod cases;
/// Man pages, completions, and the examples in what people read.
mod documents;
/// The arrows between the folders of `src` that must never exist.
mod floors;
/// What the original recorded, through our tools.
mod golden;
/// What the original sent to a broker.
mod golden_amqp;
/// Lines made to break a reader, against what Python's json makes of them.
mod hostile;
/// What holds for every input of a rollup, however it is cut, shuffled or repeated.
mod laws;
/// This host and libvirt's test driver, measured for real.
mod live;
/// Datagrams, connections and followed files, with the books as the witness.
mod network;
/// Ends of pipes, full disks, signals.
mod pipes;
/// A broker of a test's own.
mod rabbit;
/// Runs programs, and waits for what they do.
mod run;
/// What every source file keeps to.
mod tidy;
