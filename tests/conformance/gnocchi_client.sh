#!/usr/bin/env bash
# The real gnocchiclient 7.2.0, all its commands, is answered as by a real Gnocchi 4.7.1.
set -euo pipefail
. "$(dirname "$0")/../../scripts/setup.sh"
set_up_peers
exec "$peers_python" tests/conformance/gnocchi_client.py "$@"
