#!/usr/bin/env bash
# Gnocchi 4.7.1's own test suite passes against `telemetry-aggregate serve`, all of it that passes against Gnocchi itself.
exec "$(dirname "$0")/../../scripts/conformance" gnocchi
