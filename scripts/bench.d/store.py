#!/usr/bin/env python3
"""Measures the metric store beside VictoriaMetrics and Prometheus, and writes the figures as a page. See store.sh.

The same points for all, tick by tick in the order of arrival. CPU seconds are user and system time of the store alone: of our
command, which reads and checks JSON samples, and of their servers, which are handed ready requests by a client that is not
counted. Interleaved: every round fills each store once, in turn, from nothing.
"""
import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import time

import store_peers
import store_points
from harness import load, median, run
from store_peers import flush_victoria, prometheus, query, settle, size, snapshot_prometheus, victoria

# How our own command is called; {store} is an empty directory that does not exist yet. What is asked for a year is kept for ever.
OURS_PREPARE = [
    "{bin}/telemetry-aggregate archive-policy create minute --store {store} -m mean -d granularity:1m",
    "{bin}/telemetry-aggregate archive-policy-rule create all --store {store} -m '*' -a {policy}",
    "{bin}/telemetry-aggregate archive-policy-rule delete default --store {store}",
]
OURS_INGEST = "{bin}/telemetry-aggregate ingest --store {store} {samples}"
OURS_COMPACT = "{bin}/telemetry-aggregate compact --store {store}"
OURS_SHOW = "{bin}/telemetry-aggregate measures show {metric} -r {resource} --store {store} --granularity 1m -o jsonl"
OURS_SUM = "{bin}/telemetry-aggregate aggregates '(aggregate sum (metric {name} mean))' --search '{{}}' --store {store} --granularity 1m -o jsonl"

HEAD = """\
Written by `scripts/bench.d/store.sh`. The same points for all, one of each metric a tick; medians of interleaved rounds, each from
an empty store. CPU seconds are of the store alone: our command reads, checks and stores samples of JSON, 550 bytes each, and has
synced them when it ends, by the archive policy medium: six methods of each minute and hour; `compact` packs what can
change no more. The servers are handed ready requests by a client that is not counted. VictoriaMetrics is flushed and
merged, Prometheus asked for a snapshot, which writes its head as a block: that is in the CPU seconds, and the bytes are of that
block, without its log. Both keep milliseconds, we all of the time. promtool makes blocks of one text, and has no log."""

DAY = 1_440
YEAR = 525_600
# Metrics that are summed.
MANY = 1_000


def fresh(options, name):
    """A directory that is not there."""
    path = os.path.join(options.work, name)
    shutil.rmtree(path, ignore_errors=True)
    return path


def prepared(options, policy):
    """A new store whose metrics have this archive policy."""
    store = fresh(options, "ours")
    for command in OURS_PREPARE:
        run(command.format(bin=options.bin, store=store, policy=policy))
    return store


def ours_filled(options, samples, compacted):
    """(wall, CPU s, MiB, bytes) of one run into a new store, with what packing it costs where that is asked for."""
    store = prepared(options, "medium")
    wall, cpu, peak = run(OURS_INGEST.format(bin=options.bin, store=store, samples=samples))
    if compacted:
        more = run(OURS_COMPACT.format(bin=options.bin, store=store))
        wall, cpu, peak = wall + more[0], cpu + more[1], max(peak, more[2])
    return wall, cpu, peak, size(store)


def server_filled(server, bodies, path, flush, **headers):
    """(wall, CPU s, MiB, bytes) of a server that is handed `bodies`; `flush` gives the directory that then has all."""
    idle, begun = server.cpu(), time.monotonic()
    for body in bodies:
        server.must("POST", path, body, **headers)
    wall = time.monotonic() - begun
    stored = flush(server) or server.directory
    cpu, peak, there = server.cpu() - idle, server.peak(), size(stored)
    server.end()
    return wall, cpu, peak, there


def victoria_filled(options, rows):
    """By Prometheus's text, one tick a request."""
    bodies = (store_points.prometheus_text(options.metrics, row) for row in rows)
    return server_filled(victoria(fresh(options, "victoria")), bodies, "/api/v1/import/prometheus", flush_victoria)


def victoria_in_bulk(options, rows):
    """By its own JSON lines, each metric's points at once."""
    lines = list(store_points.victoria_lines(options.metrics, rows))
    bodies = (b"".join(lines[at:at + 500]) for at in range(0, len(lines), 500))
    return server_filled(victoria(fresh(options, "victoria")), bodies, "/api/v1/import", flush_victoria)


def prometheus_filled(options, rows):
    """By remote write, one tick a request; then a snapshot, which writes its head as a block."""
    bodies = (store_points.remote_write(options.metrics, row) for row in rows)
    headers = {"Content-Encoding": "snappy", "Content-Type": "application/x-protobuf", "X-Prometheus-Remote-Write-Version": "0.1.0"}
    return server_filled(prometheus(fresh(options, "prometheus")), bodies, "/api/v1/write", snapshot_prometheus, **headers)


def promtool_filled(options, text):
    """promtool makes blocks of a text."""
    blocks = fresh(options, "blocks")
    wall, cpu, peak = run(f"promtool tsdb create-blocks-from openmetrics --quiet {text} {blocks}")
    return wall, cpu, peak, size(blocks)


def filling(page, options, jitter):
    """The table of one kind of times."""
    points = options.metrics * options.ticks
    what = "with up to two seconds of jitter" if jitter else "on the minute"
    page += ["", f"## Filling, times {what}", "",
             f"{options.metrics:,} metrics, {options.ticks} points of each, one a minute {what}. Before: {load()}.", ""]
    print(page[-4], file=sys.stderr)
    every = list(store_points.points(options.metrics, options.ticks, jitter))
    samples = os.path.join(options.work, "samples.jsonl")
    text = os.path.join(options.work, "points.txt")
    ways = {}
    if options.bin:
        store_points.samples(samples, options.metrics, every)
        ways["telemetry-aggregate ingest"] = lambda: ours_filled(options, samples, False)
        ways["the same, and compact"] = lambda: ours_filled(options, samples, True)
    if shutil.which("victoria-metrics"):
        ways["VictoriaMetrics, text by the tick"] = lambda: victoria_filled(options, every)
        ways["VictoriaMetrics, JSON lines by the metric"] = lambda: victoria_in_bulk(options, every)
    if shutil.which("prometheus"):
        store_points.openmetrics(text, options.metrics, every)
        ways["Prometheus, remote write by the tick"] = lambda: prometheus_filled(options, every)
        ways["promtool, blocks from text"] = lambda: promtool_filled(options, text)
    results = {name: [] for name in ways}
    for number in range(options.rounds):
        for name, way in ways.items():
            results[name].append(way())
        print(f"  round {number + 1} of {options.rounds}", file=sys.stderr)
    page += ["| | CPU s (least) | wall s | peak MiB | bytes a point | points a CPU s |", "|---|---:|---:|---:|---:|---:|"]
    for name, rows in results.items():
        cpu = median(rows, 1)
        page.append(f"| {name} | {cpu:.2f} ({min(row[1] for row in rows):.2f}) | {median(rows, 0):.2f} | {median(rows, 2):.0f} | "
                    f"{median(rows, 3) / points:.2f} | {points / cpu:,.0f} |")
    for file in (samples, text):
        if os.path.exists(file):
            os.remove(file)


def of_server(server, path, repeat, rounds, points):
    """(CPU ms, wall ms) of a query, medians of rounds of so many."""
    rows = []
    for _ in range(rounds):
        before, begun = server.cpu(), time.monotonic()
        for _ in range(repeat):
            answer = server.must("GET", path)
        rows.append(((server.cpu() - before) / repeat * 1e3, (time.monotonic() - begun) / repeat * 1e3))
    found = answer.count(b"[1") if b'"result"' in answer else answer.count(b",") // 2
    if not 0.9 * points <= found <= 1.1 * points + 3:
        sys.exit(f"store: {found} points instead of {points}: {answer[:300]!r}")
    return statistics.median(row[0] for row in rows), statistics.median(row[1] for row in rows)


def of_command(command, rounds, points):
    """(CPU ms, wall ms) of a command."""
    answer = subprocess.run(command, shell=True, check=True, capture_output=True).stdout
    if answer.count(b"\n") != points:
        sys.exit(f"store: {answer.count(10)} lines instead of {points}: {command}")
    rows = [run(command) for _ in range(rounds)]
    return median(rows, 1) * 1e3, median(rows, 0) * 1e3


def asking(page, options):
    """The table of queries."""
    begin = store_points.BEGIN_US // 1_000_000
    end = begin + DAY * 60
    many = list(store_points.points(MANY, DAY, False))
    # Metric 4 is a gauge of two decimals; the year ends where the day begins.
    year = [row[4] for row in store_points.points(5, YEAR, False, begin_us=store_points.BEGIN_US - YEAR * store_points.TICK_US)]
    page += ["", "## Asking", "", f"{MANY:,} metrics of a day, {DAY:,} points each, and one of a year, {YEAR:,} points. Of the servers "
             "the CPU time alone, of our command start-up too; medians.", f"Before: {load()}.", ""]
    print("## Asking", file=sys.stderr)
    table = {}
    lines = os.path.join(options.work, "query.txt")
    head = 'thing{{resource_id="{}"}} '
    with open(lines, "w", encoding="utf-8") as file:
        for row in many:
            file.write("".join(f"{head.format(at)}{store_points.number_text(value)} {when / 1e6:.3f}\n"
                               for at, (when, value) in enumerate(row)))
        file.write("".join(f"year {store_points.number_text(value)} {when / 1e6:.3f}\n" for when, value in year))
        file.write("# EOF\n")
    asked = {"one metric, 1,440 points": DAY, f"one metric, {YEAR:,} points": YEAR, "sum of 1,000 metrics, 1,440 points": DAY}
    selector = query("/api/v1/query", query='thing{resource_id="7"}[1d]', time=end - 1)
    of_year = query("/api/v1/query", query="year[365d]", time=begin - 1)
    total = query("/api/v1/query_range", query="sum(thing)", start=begin, end=end - 60, step=60)
    repeats = (50, 2, 5)
    if shutil.which("victoria-metrics"):
        server = victoria(fresh(options, "victoria"))
        chunk = []
        with open(lines, "rb") as file:
            for line in file:
                if line.startswith(b"#"):
                    continue
                name, value, when = line.rsplit(b" ", 2)
                chunk.append(name + b" " + value + b" %d\n" % round(float(when) * 1000))
                if len(chunk) == 20_000:
                    server.must("POST", "/api/v1/import/prometheus", b"".join(chunk))
                    chunk = []
        server.must("POST", "/api/v1/import/prometheus", b"".join(chunk))
        flush_victoria(server)
        export = [query("/api/v1/export", **{"match[]": match}) for match in ('thing{resource_id="7"}', "year")]
        table["VictoriaMetrics"] = [of_server(server, path, repeat, options.rounds, points)
                                    for path, repeat, points in zip([*export, total], repeats, asked.values())]
        server.end()
    if shutil.which("prometheus"):
        blocks = fresh(options, "prometheus")
        # It reads the whole text once for each block: of two hours, as Prometheus's own are, it would for hours.
        run(f"promtool tsdb create-blocks-from openmetrics --quiet --max-block-duration=2400h {lines} {blocks}")
        server = prometheus(blocks)
        settle(server)
        table["Prometheus"] = [of_server(server, path, repeat, options.rounds, points)
                               for path, repeat, points in zip([selector, of_year, total], repeats, asked.values())]
        server.end()
    os.remove(lines)
    if options.bin:
        store = prepared(options, "minute")
        samples = os.path.join(options.work, "query.jsonl")
        with open(samples, "w", encoding="utf-8") as file:
            write = lambda name, at, when, value: file.write(
                f'{{"name":"{name}","type":"gauge","unit":"%","volume":{store_points.number_text(value)},"resource_id":"{at}",'
                f'"timestamp":"{store_points.timestamp(when)}"}}\n')
            for row in many:
                for at, (when, value) in enumerate(row):
                    write("thing", at, when, value)
            for when, value in year:
                write("year", "year", when, value)
        run(OURS_INGEST.format(bin=options.bin, store=store, samples=samples))
        run(OURS_COMPACT.format(bin=options.bin, store=store))
        os.remove(samples)
        commands = [OURS_SHOW.format(bin=options.bin, store=store, metric="thing", resource="7"),
                    OURS_SHOW.format(bin=options.bin, store=store, metric="year", resource="year"),
                    OURS_SUM.format(bin=options.bin, store=store, name="thing")]
        table = {"telemetry-aggregate": [of_command(command, options.rounds, points)
                                         for command, points in zip(commands, asked.values())], **table}
    page += ["| | " + " | ".join(f"{what}: CPU ms | wall ms" for what in asked) + " |", "|---|" + "---:|" * (2 * len(asked))]
    for name, cells in table.items():
        page.append(f"| {name} | " + " | ".join(f"{cpu:.2f} | {wall:.2f}" for cpu, wall in cells) + " |")


def versions(options):
    """What was measured, and where."""
    found = []
    for program in ("victoria-metrics", "prometheus"):
        if shutil.which(program):
            said = subprocess.run(["dpkg-query", "-W", program], capture_output=True, text=True, check=False)
            found.append("- " + said.stdout.strip().replace("\t", " "))
    if options.bin:
        said = subprocess.run(["git", "rev-parse", "--short=12", "HEAD"], capture_output=True, text=True, check=False)
        found.insert(0, f"- telemetry-aggregate, commit {said.stdout.strip()}")
    return found + [f"- {os.cpu_count()} processors, Linux {os.uname().release}"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--metrics", type=int, default=10_000)
    parser.add_argument("--ticks", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--bin", help="where our tools are; without it the peers alone")
    parser.add_argument("--work", default="target/bench/store")
    parser.add_argument("--out", required=True, help="where the page goes")
    parser.add_argument("--only", choices=["filling", "asking"], help="one half")
    options = parser.parse_args()
    os.makedirs(options.work, exist_ok=True)
    page = ["# The metric store beside others", "", HEAD, "", *versions(options)]
    for jitter in (True, False) if options.only != "asking" else ():
        filling(page, options, jitter)
    if options.only != "filling":
        asking(page, options)
    with open(options.out, "w", encoding="utf-8") as file:
        file.write("\n".join(page) + "\n")


if __name__ == "__main__":
    main()
