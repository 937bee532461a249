//! See telemetry-publish(1).
use std::process::ExitCode;

fn main() -> ExitCode {
    telemetry::cli::publish::main()
}
