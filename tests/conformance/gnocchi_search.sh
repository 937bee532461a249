#!/usr/bin/env bash
# Searches that meet null find what a real Gnocchi 4.7.1 finds.
set -euo pipefail
. "$(dirname "$0")/../../scripts/setup.sh"
exec python3 tests/conformance/gnocchi_search.py "$@"
