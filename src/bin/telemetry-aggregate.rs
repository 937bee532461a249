//! See telemetry-aggregate(1).
use std::process::ExitCode;

fn main() -> ExitCode {
    telemetry::cli::aggregate::main()
}
