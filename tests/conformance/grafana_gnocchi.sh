#!/usr/bin/env bash
# What Grafana's Gnocchi plugin asks, from a browser, is answered as by a real Gnocchi 4.7.1.
set -euo pipefail
. "$(dirname "$0")/../../scripts/setup.sh"
exec python3 tests/conformance/grafana_gnocchi.py "$@"
