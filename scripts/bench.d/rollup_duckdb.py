"""The rollup of scripts/bench in DuckDB, on one thread: rollup_duckdb.py FILE >ROWS"""
import sys

import duckdb

connection = duckdb.connect()
connection.execute("set threads = 1; set timezone = 'UTC'; set preserve_insertion_order = false")
connection.execute(
    f"""
    copy (
        select name, resource_id, epoch(timestamp)::bigint // 60 * 60 as span,
               avg(volume) as mean, max(volume) as max, count(*) as count
        from read_json('{sys.argv[1]}', format = 'newline_delimited', columns = {{
            name: 'VARCHAR', resource_id: 'VARCHAR', timestamp: 'TIMESTAMPTZ', volume: 'DOUBLE'}})
        group by all
    ) to '/dev/stdout' (format json)
    """
)
