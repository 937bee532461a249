#!/usr/bin/env python3
"""Gnocchi's API over our store under load: what a second of processor time does, and how long callers wait.

Starts `telemetry-aggregate serve` on a new store, fills it over HTTP, and measures, each --rounds times (medians are given):

  batch      POST /v1/batch/metrics/measures, 10,000 points of 1,000 metrics a request, two callers: points per CPU second
             of the server, durable when answered
  single     POST of one point to one metric, eight callers (wrk)
  short      GET of 1,440 points, one caller (wrk): latencies
  long       GET of 525,600 points
  sum        /v1/aggregates, the sum of 1,000 metrics
  search     /v1/search/resource of one in 10,000
  slow       short again while 1,000 connections are idle and 200 send a byte a second

The server's memory is its largest resident size behind each step. Gnocchi's figures are those of 4.7.1 on the same kind of
machine under load (its own CPU seconds, API and processing): 6,900 points a CPU second; 0.18 CPU s for 1,440 points.
"""
import argparse
import http.client
import json
import os
import re
import socket
import statistics
import subprocess
import tempfile
import threading
import time

HZ = os.sysconf("SC_CLK_TCK")
START = 1_700_000_000 // 3600 * 3600
HEADERS = {"Authorization": "Basic YWRtaW46", "Content-Type": "application/json"}


class Server:
    def __init__(self, binary, folder):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        argv = [binary, "serve", "--store", folder, "--listen", f"127.0.0.1:{self.port}", "--max-limit", "10000"]
        self.process = subprocess.Popen(argv, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 10
        while True:
            try:
                return self.ask("GET", "/") and None
            except OSError:
                if time.monotonic() > deadline:
                    raise

    def connection(self):
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)

    def ask(self, method, path, body=None, connection=None):
        connection = connection or self.connection()
        data = body if isinstance(body, (bytes, type(None))) else json.dumps(body).encode()
        connection.request(method, path, data, HEADERS)
        response = connection.getresponse()
        text = response.read()
        if response.status >= 300:
            raise SystemExit(f"{method} {path}: {response.status} {text[:300]}")
        return text

    def cpu(self):
        with open(f"/proc/{self.process.pid}/stat", encoding="ascii") as stat:
            fields = stat.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / HZ

    def memory_mb(self):
        with open(f"/proc/{self.process.pid}/status", encoding="ascii") as status:
            return int(re.search(r"VmHWM:\s+(\d+)", status.read())[1]) / 1024

    def wrk(self, path, seconds=3, callers=1, script=None):
        """Latencies in ms, by percentile, and requests a second."""
        argv = ["wrk", "-t1", f"-c{callers}", f"-d{seconds}s", "--latency"]
        for name, value in HEADERS.items():
            argv += ["-H", f"{name}: {value}"]
        argv += ["-s", script] if script else []
        text = subprocess.run(argv + [f"http://127.0.0.1:{self.port}{path}"], capture_output=True, text=True,
                              check=True).stdout
        unit = {"us": 1e-3, "ms": 1.0, "s": 1e3}
        found = {float(p): float(v) * unit[u] for p, v, u in re.findall(r"^\s+(50|99)%\s+([\d.]+)(us|ms|s)", text, re.M)}
        if "Non-2xx" in text:
            raise SystemExit(f"{path}: {text}")
        return found, float(re.search(r"Requests/sec:\s+([\d.]+)", text)[1])


def batches(metrics, number, points=10):
    """A request's body: `points` new points of each metric."""
    begin = START + number * points * 60
    return json.dumps({metric: [{"timestamp": begin + 60 * at, "value": (at * 37 + number) % 1000 / 8} for at in range(points)]
                       for metric in metrics}).encode()


def spread(work, callers):
    threads = [threading.Thread(target=work, args=(caller,)) for caller in range(callers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def median_ms(work, times=5):
    took = []
    for _ in range(times):
        begun = time.perf_counter()
        work()
        took.append((time.perf_counter() - begun) * 1000)
    return statistics.median(took)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", default="target/release/telemetry-aggregate")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--out", default="docs/bench-serve.md")
    options = parser.parse_args()
    rows = []

    def row(what, figure):
        rows.append((what, figure, f"{server.memory_mb():.0f} MB"))
        print(*rows[-1], sep="\t", flush=True)

    with tempfile.TemporaryDirectory(dir="target/bench") as folder:
        server = Server(options.bin, folder)
        policy = {"name": "bench", "definition": [{"granularity": 60, "points": 600000}]}
        server.ask("POST", "/v1/archive_policy", policy)
        connection = server.connection()
        made = lambda: json.loads(server.ask("POST", "/v1/metric", {"archive_policy_name": "bench"}, connection))["id"]
        metrics, year = [made() for _ in range(1000)], made()

        rates, walls = [], []
        for turn in range(options.rounds):
            bodies = [batches(metrics, turn * 10 + at) for at in range(10)]
            cpu, begun = server.cpu(), time.perf_counter()

            def post(caller):
                own = server.connection()
                for body in bodies[caller::2]:
                    server.ask("POST", "/v1/batch/metrics/measures", body, own)
            spread(post, 2)
            rates.append(100_000 / (server.cpu() - cpu))
            walls.append(100_000 / (time.perf_counter() - begun))
        rate = statistics.median(rates)
        row("batch measures", f"{rate:,.0f} points a CPU s ({rate / 6900:.0f} times Gnocchi), {statistics.median(walls):,.0f} a second")

        for number in range(53):
            begin = START + number * 10_000 * 60
            body = [{"timestamp": begin + 60 * at, "value": at % 97 / 4} for at in range(10_000)]
            server.ask("POST", f"/v1/metric/{year}/measures", body, connection)
        with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
            script.write('wrk.method = "POST"\nwrk.body = \'[{"timestamp": "2024-05-01T00:00:00", "value": 1.5}]\'\n')
            script.flush()
            found, rate = server.wrk(f"/v1/metric/{metrics[1]}/measures", callers=8, script=script.name)
            row("single measures", f"{rate:,.0f} requests a second, p50 {found[50]:.2f} ms, p99 {found[99]:.2f} ms")

        # As a cron job would every night, beside the service: a year does not come in a minute.
        subprocess.run([options.bin, "compact", "--store", folder], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        stop = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(START + 1440 * 60))
        day = f"/v1/metric/{year}/measures?granularity=60&aggregation=mean&stop={stop}"
        count = len(json.loads(server.ask("GET", day)))
        cpu = server.cpu()
        results = [server.wrk(day) for _ in range(options.rounds)]
        found = {p: statistics.median(result[0][p] for result in results) for p in (50, 99)}
        requests = sum(result[1] * 3 for result in results)
        row(f"GET of {count:,} points", f"p50 {found[50]:.2f} ms, p99 {found[99]:.2f} ms, {(server.cpu() - cpu) / requests * 1000:.2f} CPU ms")
        whole = f"/v1/metric/{year}/measures?granularity=60&aggregation=mean&stop=" + str(START + 525_600 * 60)
        count = len(json.loads(server.ask("GET", whole)))
        row(f"GET of {count:,} points", f"{median_ms(lambda: server.ask('GET', whole, connection=connection)):.0f} ms")

        operations = {"operations": ["aggregate", "sum", ["metric"] + [[metric, "mean"] for metric in metrics]]}
        ask = lambda: server.ask("POST", "/v1/aggregates?granularity=60", operations, connection)
        count = len(json.loads(ask())["measures"]["aggregated"])
        row(f"sum of 1,000 metrics, {count} spans", f"{median_ms(ask, 9):.0f} ms")

        for number in range(10_000):
            server.ask("POST", "/v1/resource/generic", {"id": f"instance-{number}", "user_id": f"user-{number % 100}"}, connection)
        for name, condition in [("one by its id", {"=": {"original_resource_id": "instance-5000"}}),
                                ("one in a hundred", {"=": {"user_id": "user-7"}}),
                                ("by like", {"like": {"original_resource_id": "instance-99%"}})]:
            ask = lambda: server.ask("POST", "/v1/search/resource/generic?limit=100", condition, connection)
            count = len(json.loads(ask()))
            row(f"search of 10,000 resources, {name} ({count})", f"{median_ms(ask, 21):.1f} ms")

        idle = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(1000)]
        slow = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(200)]
        ended = threading.Event()

        def drip():
            head = b"POST /v1/batch/metrics/measures HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n"
            for at in range(10_000):
                for one in slow:
                    try:
                        one.send(head[at:at + 1] or b" ")
                    except OSError:
                        pass
                if ended.wait(1):
                    return
        dripping = threading.Thread(target=drip)
        dripping.start()
        found, rate = server.wrk(day, callers=2)
        ended.set()
        dripping.join()
        row("GET of 1,440 points beside 1,000 idle and 200 slow connections", f"p50 {found[50]:.2f} ms, p99 {found[99]:.2f} ms")
        for one in idle + slow:
            one.close()
        server.process.terminate()
        server.process.wait(60)

    load = os.getloadavg()
    with open(options.out, "w", encoding="utf-8") as page:
        page.write("# Gnocchi's API over our store under load\n\nWritten by `scripts/bench.d/serve.sh`; what each line means stands in serve.py. "
                   f"Medians of {options.rounds} rounds, {os.cpu_count()} processors, load {load[0]:.1f} at the end.\n\n"
                   "| what | figure | largest resident size so far |\n|---|---|---|\n")
        page.writelines(f"| {what} | {figure} | {memory} |\n" for what, figure, memory in rows)


main()
