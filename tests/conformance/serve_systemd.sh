#!/usr/bin/env bash
# The units of contrib/systemd, as systemd-analyze reads them, and what they rest on: sockets handed over, readiness told.
set -euo pipefail
. "$(dirname "$0")/../../scripts/setup.sh"
exec python3 tests/conformance/serve_systemd.py
