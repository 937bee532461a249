#!/usr/bin/env bash
# A real statsd client sends to telemetry-listen.
set -euo pipefail
. "$(dirname "$0")/../../scripts/setup.sh"
set_up_peers
exec "$peers_python" tests/conformance/real_statsd.py
