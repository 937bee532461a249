//! See telemetry-listen(1).
use std::process::ExitCode;

fn main() -> ExitCode {
    telemetry::cli::listen::main()
}
