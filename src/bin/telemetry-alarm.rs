//! See telemetry-alarm(1).
use std::process::ExitCode;

fn main() -> ExitCode {
    telemetry::cli::alarm::main()
}
