#!/usr/bin/env bash
# Who may do what with whose data is as with a real Gnocchi 4.7.1, by name and by a proxy's headers.
set -euo pipefail
. "$(dirname "$0")/../../scripts/setup.sh"
status=0
for authentication in basic headers; do
  python3 tests/conformance/gnocchi_tenants.py "$authentication" || status=$?
done
exit "$status"
