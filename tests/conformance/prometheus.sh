#!/usr/bin/env bash
# A real prometheus and our tools.
set -euo pipefail
. "$(dirname "$0")/../../scripts/setup.sh"
set_up_packages prometheus
exec python3 tests/conformance/real_prometheus.py
