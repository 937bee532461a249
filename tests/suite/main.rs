//! What the six programs promise, tried on the programs themselves.
#![allow(clippy::unwrap_used, clippy::print_stderr)]

/// RabbitMQ between our programs, restarted and killed.
mod amqp;
/// Transcripts under `tests/cases`: a command, its input, and all that it says.
mod cases;
/// Certificates of the tests.
mod certificates;
/// Man pages, completions, and the examples in what people read.
mod documents;
/// A Gnocchi of the tests.
mod fake_gnocchi;
/// The arrows between the folders of `src` that must never exist.
mod floors;
/// The wires of other systems, as their senders sent them and as nobody should.
mod foreign_wires;
/// What the original recorded, through our tools.
mod golden;
/// What the original sent to a broker.
mod golden_amqp;
/// Ceilometer's udp, tcp and file wires, both ways.
mod golden_ceilometer_wires;
/// What the original recorded of notifications, through our definition engine.
mod golden_define;
/// The samples of fixed endpoints, as recorded.
mod golden_endpoints;
/// What Ceilometer's gnocchi publisher asked, and what we ask.
mod golden_gnocchi;
/// Aggregates, resampled series and operations, as Gnocchi computed them.
mod golden_gnocchi_numbers;
/// What a store answers, and what a real Gnocchi answered.
mod golden_gnocchi_values;
/// What Ceilometer's publishers posted, and what we post.
mod golden_http_sinks;
/// Pipelines and transformers, as the original recorded them.
mod golden_pipeline;
/// What rehearsals show, and what was recorded.
mod golden_preview;
/// Lines made to break a reader, against what Python's json makes of them.
mod hostile;
/// telemetry-listen as an HTTP server.
mod http;
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
/// A broker of a test's own.
mod rabbit;
/// Runs programs, and waits for what they do.
mod reloads;
mod run;
/// telemetry-aggregate as a service.
mod serve;
/// Many who write, read and maintain one store at once.
mod store_concurrency;
/// A store whose processes are killed.
mod store_crash;
/// Records into a store, twice, at once, and in the wrong order.
mod store_ingest;
/// Full disks, and stores that may not be written to.
mod store_limits;
/// A store for the tests that try to break it.
mod store_world;
/// What every source file keeps to.
mod tidy;
/// tls:, with ourselves and with openssl at the other end.
mod tls;
