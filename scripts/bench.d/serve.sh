#!/usr/bin/env bash
# scripts/bench.d/serve.sh [OPTION...]: Gnocchi's API over our store under load, on loopback.
#
# Options are those of serve.py: --rounds 5, --out FILE. wrk comes from Debian.
set -euo pipefail
. "$(dirname "$0")/../setup.sh"
set_up_build
install_packages wrk
cargo build --release --locked --bin telemetry-aggregate
mkdir -p target/bench
exec python3 scripts/bench.d/serve.py --bin target/release/telemetry-aggregate "$@"
