#!/usr/bin/env python3
"""Compares a rollup of telemetry-aggregate with DuckDB's of the same samples.

oracle-duckdb.py FILE ROLLUP [SECONDS]

FILE holds samples, ROLLUP what `telemetry-aggregate -g SECONDS -a mean,max,count FILE` printed. The rows must be
the same ones; count and max are equal bit by bit, the mean to 1e-12 of its size (the order of additions differs).
"""
import json
import sys
from datetime import datetime

import duckdb

MEAN_TOLERANCE = 1e-12


def expected(path, seconds):
    connection = duckdb.connect()
    connection.execute("set timezone = 'UTC'")
    rows = connection.execute(
        """
        select name, resource_id, (epoch_us(timestamp) // 1000000) // $seconds * $seconds as span,
               avg(volume), max(volume), count(*)
        from read_json($path, format = 'newline_delimited', columns = {
            name: 'VARCHAR', resource_id: 'VARCHAR', timestamp: 'TIMESTAMPTZ', volume: 'DOUBLE'})
        group by all
        """,
        {"path": path, "seconds": seconds},
    ).fetchall()
    return {row[:3]: row[3:] for row in rows}


def main():
    path, rollup = sys.argv[1:3]
    seconds = int(sys.argv[3]) if len(sys.argv) > 3 else 60
    wanted = expected(path, seconds)
    total, worst = len(wanted), 0.0
    with open(rollup, encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            row = json.loads(line)
            start = int(datetime.fromisoformat(row["timestamp"].replace("Z", "+00:00")).timestamp())
            key = (row["name"], row["resource_id"], start)
            found = row["aggregates"]
            if key not in wanted:
                sys.exit(f"{rollup}:{number}: a row that DuckDB has not, or the second of it: {key}")
            mean, largest, count = wanted.pop(key)
            if found["count"] != count or found["max"] != largest:
                sys.exit(f"{rollup}:{number}: {found}, DuckDB: count {count}, max {largest}")
            error = abs(found["mean"] - mean) / max(abs(mean), sys.float_info.min)
            worst = max(worst, error)
            if not error <= MEAN_TOLERANCE:
                sys.exit(f"{rollup}:{number}: mean {found['mean']!r}, DuckDB: {mean!r}, off by {error:.2g}")
    if wanted:
        sys.exit(f"{rollup}: {len(wanted)} of DuckDB's {total} rows are missing, as {next(iter(wanted))}")
    if total == 0:
        sys.exit(f"{path}: no rows at all")
    print(f"{total} rows equal DuckDB's {duckdb.__version__}; the mean is off by {worst:.2g} at most")


if __name__ == "__main__":
    main()
