#!/usr/bin/env bash
# The store's values are a real Gnocchi's: those recorded, and with "--live", as scripts/test --live has it, new ones.
#
# GNOCCHI_PYTHON   a Python that has gnocchi 4.7.1; made from PyPI when it is not given
set -euo pipefail
. "$(dirname "$0")/../../scripts/setup.sh"
python3 tests/conformance/gnocchi_replay.py || exit
[ "${1:-}" = --live ] || exit 0
set_up_packages postgresql
if [ -z "${GNOCCHI_PYTHON:-}" ]; then
  why=$(set_up_python target/gnocchi gnocchi==4.7.1 psycopg2-binary==2.9.13 sqlalchemy==2.1.9 sqlalchemy-utils==0.43.0 \
    oslo.db==18.1.1 alembic==1.20.1 numpy==2.4.6 tooz==9.1.0) || { say "SKIPPED: $why"; exit 77; }
fi
exec python3 tests/conformance/real_gnocchi.py compare
