#!/usr/bin/env bash
# The real CloudKitty collects from our server what it collects from a real Gnocchi 4.7.1.
set -euo pipefail
. "$(dirname "$0")/../../scripts/setup.sh"
why=$(set_up_python target/cloudkitty cloudkitty==25.0.0 'setuptools<81') || { say "SKIPPED: $why"; exit 77; }
exec target/cloudkitty/bin/python tests/conformance/gnocchi_cloudkitty.py "$@"
