#!/usr/bin/env bash
# The real Ceilometer 27.0.0 publishes to `telemetry-aggregate serve`, and the real Aodh 23.0.0 evaluates alarms from it.
set -euo pipefail
. "$(dirname "$0")/../../scripts/setup.sh"
set_up_peers
exec "$peers_python" tests/conformance/gnocchi_publisher.py "$@"
