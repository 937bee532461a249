#!/usr/bin/env bash
# The real Ceilometer 27.0.0 sends to telemetry-listen, and reads what telemetry-publish sends.
set -euo pipefail
. "$(dirname "$0")/../../scripts/setup.sh"
set_up_peers
exec "$peers_python" tests/conformance/real_ceilometer.py
