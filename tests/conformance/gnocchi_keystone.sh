#!/usr/bin/env bash
# `serve --auth keystone` with tokens of each kind, as a real Keystone answers for them; "live" starts a real one.
set -euo pipefail
. "$(dirname "$0")/../../scripts/setup.sh"
if [ "${1:-}" = live ] || [ "${1:-}" = record ]; then
  set_up_packages keystone
  set_up_peers
fi
exec python3 tests/conformance/gnocchi_keystone.py "$@"
