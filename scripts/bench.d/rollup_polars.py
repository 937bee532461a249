"""The rollup of scripts/bench in Polars, on one thread: rollup_polars.py FILE >ROWS"""
import os
import sys

os.environ["POLARS_MAX_THREADS"] = "1"
import polars as pl

schema = {"name": pl.String, "resource_id": pl.String, "timestamp": pl.String, "volume": pl.Float64}
time = pl.col("timestamp").str.to_datetime("%Y-%m-%dT%H:%M:%S%.f%:z")
rows = (
    pl.scan_ndjson(sys.argv[1], schema=schema)
    .with_columns(time.dt.truncate("1m").alias("span"))
    .group_by("name", "resource_id", "span")
    .agg(pl.col("volume").mean().alias("mean"), pl.col("volume").max().alias("max"), pl.len().alias("count"))
    .collect()
)
rows.write_ndjson(sys.stdout.buffer)
