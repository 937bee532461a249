//! See telemetry-events(1).
use std::process::ExitCode;

fn main() -> ExitCode {
    telemetry::cli::events::main()
}
