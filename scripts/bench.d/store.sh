#!/usr/bin/env bash
# scripts/bench.d/store.sh [OPTION...]: the metric store beside VictoriaMetrics and Prometheus, on loopback.
#
# Options are those of store.py: --metrics 10000, --ticks 100, --rounds 5, --only filling|asking, --out FILE.
# Both peers come from Debian; their services are not started.
set -euo pipefail
. "$(dirname "$0")/../setup.sh"
set_up_build
install_packages time
set_up_packages victoria-metrics prometheus
cargo build --release --locked --bin telemetry-aggregate
mkdir -p target/bench
exec python3 scripts/bench.d/store.py --bin target/release --out docs/bench-store.md "$@"
