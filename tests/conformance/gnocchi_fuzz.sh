#!/usr/bin/env bash
# Random requests after its own description neither end `telemetry-aggregate serve` nor make it break its word.
set -euo pipefail
. "$(dirname "$0")/../../scripts/setup.sh"
why=$(set_up_python target/fuzz-venv schemathesis==4.32.5) || { say "SKIPPED: $why"; exit 77; }
exec target/fuzz-venv/bin/python tests/conformance/gnocchi_fuzz.py target/fuzz-venv/bin/schemathesis "$@"
