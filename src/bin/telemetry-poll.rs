//! See telemetry-poll(1).
use std::process::ExitCode;

fn main() -> ExitCode {
    telemetry::cli::poll::main()
}
