#!/usr/bin/env bash
# A real collectd and our tools.
set -euo pipefail
. "$(dirname "$0")/../../scripts/setup.sh"
set_up_packages collectd-core
exec python3 tests/conformance/real_collectd.py
