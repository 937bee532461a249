#!/usr/bin/env python3
"""Measures the tools and their peers, and writes the figures as a page. Called by scripts/bench.

Interleaved: every round runs each command once, in turn, so that a busy minute costs all of them. CPU seconds are
user and system time of the whole command from wait4(2); peak memory is what GNU time says of its own child, so that
the harness's memory is no floor under it. Ratios are medians of the ratios of each round.
"""
import argparse
import json
import os
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import datetime, timezone

from collection import collection
from harness import interleaved, load, median, run, section, size, table

TOOLS = ["poll", "listen", "publish", "aggregate", "events", "alarm"]
RULES = """\
- name: a
  type: threshold
  threshold_rule: {meter_name: cpu_util, threshold: 90, comparison_operator: gt}
"""


def rollup(page, options, path):
    aggregate = "{bin}/telemetry-aggregate -g 1m -a {methods} {path}"
    commands = {
        "telemetry-aggregate": aggregate.format(bin=options.bin, methods="mean,max,count", path=path),
        "the same with 95pct": aggregate.format(bin=options.bin, methods="mean,max,count,95pct", path=path),
        "DuckDB": f"{options.python} scripts/bench.d/rollup_duckdb.py {path}",
        "Polars": f"{options.python} scripts/bench.d/rollup_polars.py {path}",
        "wc -l": f"wc -l {path}",
    }
    text = f"{size(path):.0f} MB of samples to 60 s mean, max and count by name and resource_id. One thread each."
    section(page, "Rollup", text, commands.values())
    one = os.path.join(options.work, "one.jsonl")
    with open(path) as whole, open(one, "w") as file:
        file.write(whole.readline())
    timed = {**commands, "start-up": commands["DuckDB"].replace(path, one)}
    results = interleaved(timed, options.rounds)
    start = results.pop("start-up")
    table(page, results, size(path), "DuckDB")
    ours, theirs = results["telemetry-aggregate"], results["DuckDB"]
    net = statistics.median((whole[1] - alone[1]) / row[1] for row, whole, alone in zip(ours, theirs, start))
    page += ["", f"Less DuckDB's start-up ({median(start, 1):.2f} CPU s for one sample) it is {net:.2f}× instead."]


def slow_peers(page, options, path):
    reshape = "put '$t = substr($timestamp, 0, 15)' then stats1 -a mean,max,count -f volume -g name,resource_id,t"
    project = "'[.name, .resource_id, .timestamp[0:16], .volume] | @tsv'"
    commands = {
        "telemetry-aggregate": f"{options.bin}/telemetry-aggregate -g 1m -a mean,max,count {path}",
        "DuckDB": f"{options.python} scripts/bench.d/rollup_duckdb.py {path}",
        "Miller": f"mlr --ijsonl --ojsonl {reshape} {path}",
        "jq, projection only": f"jq -r {project} {path}",
    }
    commands = {name: line for name, line in commands.items() if shutil.which(line.split()[0])}
    text = (
        f"The same for peers that would take minutes: {size(path):.0f} MB. DuckDB's start-up is a good part of its time "
        "here, so its ratio flatters us. jq only picks the four columns: its own grouping is quadratic."
    )
    section(page, "Rollup, slow peers", text, commands.values())
    results = interleaved(commands, options.rounds)
    table(page, results, size(path), "telemetry-aggregate", "CPU time")


def passing_on(page, options, path):
    out = os.path.join(options.work, "published.jsonl")
    commands = {
        "telemetry-listen": f"{options.bin}/telemetry-listen {path}",
        "telemetry-publish": f"{options.bin}/telemetry-publish --input {path} file:{out}",
        "cat": f"cat {path}",
    }
    section(page, "Passing on", f"{size(path):.0f} MB of samples from a file, checked line by line.", commands.values())
    results = {name: [] for name in commands}
    for _ in range(options.rounds):
        for name, command in commands.items():
            # A file that is there is appended to.
            if os.path.exists(out):
                os.remove(out)
            results[name].append(run(command))
    table(page, results, size(path))
    if os.path.exists(out):
        if os.path.getsize(out) != os.path.getsize(path):
            page += ["", "**The published file has not the size of what was read.**"]
        os.remove(out)


def spawn(argv):
    """(wall ms, CPU ms) of a program with an empty standard input."""
    with open(os.devnull, "r+b") as nothing:
        files = [(os.POSIX_SPAWN_DUP2, nothing.fileno(), fd) for fd in (0, 1, 2)]
        begun = time.monotonic()
        pid = os.posix_spawn(argv[0], argv, os.environ, file_actions=files)
        _, status, usage = os.wait4(pid, 0)
        wall = time.monotonic() - begun
    if status != 0:
        sys.exit(f"measure: status {status}: {' '.join(argv)}")
    return wall * 1000, (usage.ru_utime + usage.ru_stime) * 1000


def start_up(page, options):
    rules = os.path.join(options.work, "rules.yaml")
    with open(rules, "w") as file:
        file.write(RULES)
    empty = {tool: [] for tool in TOOLS}
    empty["poll"] = ["--once", "-m", "hardware.cpu.number"]
    empty["alarm"] = ["-r", rules]
    runs = 10 * options.rounds
    shown = ["telemetry-TOOL --version", "telemetry-TOOL </dev/null    # poll: " + " ".join(empty["poll"])]
    text = f"Start to end, medians of {runs} runs in turn; the goal is 10 ms. Size as built, and stripped."
    section(page, "Start-up", text, shown)
    results = {(tool, what): [] for tool in TOOLS for what in ("version", "empty")}
    for _ in range(runs):
        for tool in TOOLS:
            program = f"{options.bin}/telemetry-{tool}"
            results[tool, "version"].append(spawn([program, "--version"]))
            results[tool, "empty"].append(spawn([program, *empty[tool]]))
    page.append("| | `--version` wall ms | CPU ms | no input wall ms | CPU ms | MB | stripped |")
    page.append("|---|---:|---:|---:|---:|---:|---:|")
    for tool in TOOLS:
        program = f"{options.bin}/telemetry-{tool}"
        stripped = os.path.join(options.work, "stripped")
        subprocess.run(["strip", "-o", stripped, program], check=True)
        version, nothing = results[tool, "version"], results[tool, "empty"]
        cells = [f"{median(rows, column):.1f}" for rows in (version, nothing) for column in (0, 1)]
        page.append(f"| telemetry-{tool} | {' | '.join(cells)} | {size(program):.1f} | {size(stripped):.1f} |")
        os.remove(stripped)


def datagrams(options, path, per_second, count, *arguments):
    """One round over loopback: (lost, per second as reached, CPU µs of the listener for each datagram)."""
    books = os.path.join(options.work, "books.json")
    listen = [f"{options.bin}/telemetry-listen", "--stats", books, "udp://127.0.0.1:0", *arguments]
    with open(os.devnull, "w") as nowhere:
        listener = subprocess.Popen(listen, stdout=nowhere, stderr=subprocess.PIPE, text=True)
    address = re.search(r"listening on (127\.0\.0\.1:\d+)", listener.stderr.readline())
    if not address:
        listener.kill()
        sys.exit("measure: telemetry-listen did not say where it listens")
    load_command = ["target/bench/udp_load", address.group(1), path, str(per_second), str(count)]
    reached = json.loads(subprocess.run(load_command, check=True, capture_output=True).stdout)["per_second"]
    time.sleep(0.5)
    listener.send_signal(signal.SIGTERM)
    listener.stderr.read()
    _, status, usage = os.wait4(listener.pid, 0)
    listener.returncode = os.waitstatus_to_exitcode(status)
    with open(books) as file:
        read = json.load(file)["read"]
    return count - read, reached, (usage.ru_utime + usage.ru_stime) * 1e6 / max(1, read)


def udp(page, options, path):
    rates = [20_000, 50_000, 100_000]
    shown = [
        "telemetry-listen --stats books.json udp://127.0.0.1:0 >/dev/null",
        "target/bench/udp_load ADDRESS FILE PER_SECOND COUNT",
    ]
    text = (
        "Samples over loopback, one to a datagram, three seconds at each rate; the sender shares the processors. Loss is "
        "what was sent less what the listener's books say was read."
    )
    section(page, "UDP", text, shown)
    page.append("| asked for | reached (median) | lost of all rounds | worst round | CPU µs per datagram |")
    page.append("|---:|---:|---:|---:|---:|")
    rounds = {rate: [] for rate in rates}
    for _ in range(options.rounds):
        for rate in rates:
            rounds[rate].append(datagrams(options, path, rate, 3 * rate))
    for rate, rows in rounds.items():
        lost = sum(row[0] for row in rows) / (3 * rate * len(rows))
        worst = max(row[0] for row in rows) / (3 * rate)
        page.append(
            f"| {rate:,}/s | {median(rows, 1):,.0f}/s | {lost:.3%} | {worst:.3%} | {median(rows, 2):.2f} |"
        )


def callgrind(page, options, path):
    """Instructions for one line more: of 20,000 lines less those of 10,000."""
    counts = {}
    for lines in (10_000, 20_000):
        part = os.path.join(options.work, "part.jsonl")
        with open(path) as whole, open(part, "w") as file:
            for _ in range(lines):
                file.write(whole.readline())
        profile = os.path.join(options.work, "callgrind.out")
        command = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={profile}"]
        command += [f"{options.bin}/telemetry-aggregate", "-g", "1m", "-a", "mean,max,count", part]
        done = subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        counts[lines] = int(re.search(r"Collected : (\d+)", done.stderr).group(1))
    section(page, "Instructions", "callgrind, 20,000 lines less 10,000.", [" ".join(command)])
    page.append(f"{(counts[20_000] - counts[10_000]) / 10_000:.0f} instructions for each line of the rollup.")


def machine(page, options, started):
    def said(*command):
        return subprocess.run(command, capture_output=True, text=True).stdout.strip()

    cpu = re.search(r"model name\s*: (.*)", open("/proc/cpuinfo").read())
    memory = int(re.search(r"MemTotal:\s*(\d+)", open("/proc/meminfo").read()).group(1)) / 1024 / 1024
    system = re.search(r'PRETTY_NAME="(.*)"', open("/etc/os-release").read())
    versions = said(options.python, "-c", "import duckdb, polars; print('DuckDB', duckdb.__version__ + ', Polars', polars.__version__)")
    commit = said("git", "rev-parse", "--short=12", "HEAD")
    if said("git", "status", "--porcelain", "--untracked-files=no", "--", "src", "Cargo.toml", "Cargo.lock"):
        commit += " and changes that are not committed"
    page[:0] = [
        "# Figures",
        "",
        f"Written by `scripts/bench --lines {options.lines} --rounds {options.rounds}{' --callgrind' * options.callgrind}`; its head says how to run it. "
        "Medians of interleaved rounds: every round runs each command once, in turn. CPU seconds are user and system time "
        "of the whole command, start-up included; wall times mean little on a machine that others share. MB is 10⁶ bytes. "
        "Figures of two pages compare only when machine and load do; the ratios within one table do.",
        "",
        f"- {started:%Y-%m-%d}, commit {commit}, {said('rustc', '--version')}",
        f"- {cpu.group(1) if cpu else 'unknown processor'}, {os.cpu_count()} processors, {memory:.0f} GiB, "
        f"{system.group(1)}, Linux {os.uname().release}",
        f"- {versions}; files in the page cache",
        f"- {options.load_before} before the run, {load()} after it",
    ]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lines", type=int, required=True)
    parser.add_argument("--rounds", type=int, required=True)
    parser.add_argument("--big", required=True, help="samples, --lines of them")
    parser.add_argument("--small", required=True, help="samples for the slow peers")
    parser.add_argument("--bin", required=True, help="where the tools are")
    parser.add_argument("--python", required=True, help="one that has duckdb and polars")
    parser.add_argument("--peers", help="a Python that has Ceilometer; measured without when there is none")
    parser.add_argument("--notifications", help="notifications of a real cloud, JSON lines in gzip")
    parser.add_argument("--callgrind", action="store_true")
    parser.add_argument("--out", required=True)
    options = parser.parse_args()
    options.load_before = load()
    started = datetime.now(timezone.utc)
    page = []
    with tempfile.TemporaryDirectory(dir=os.path.dirname(options.big)) as options.work:
        # Once unmeasured: both files are in the page cache from here on.
        run(f"cat {options.big} {options.small}")
        rollup(page, options, options.big)
        slow_peers(page, options, options.small)
        passing_on(page, options, options.big)
        start_up(page, options)
        udp(page, options, options.small)
        collection(page, options, datagrams)
        if options.callgrind:
            callgrind(page, options, options.small)
    machine(page, options, started)
    # The temporary directory's name says nothing.
    text = "\n".join(page).replace(options.work, "target/bench") + "\n"
    with open(options.out, "w") as file:
        file.write(text)
    print(text)


main()
