"""VictoriaMetrics and Prometheus as servers of our own, on loopback and ended by their number. See store.py."""
import contextlib
import http.client
import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.parse

TICKS = os.sysconf("SC_CLK_TCK")


class Server:
    """One of them, on an empty or a prepared directory."""

    def __init__(self, program, command, directory, ready):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            self.port = taken.getsockname()[1]
        self.directory = directory
        os.makedirs(directory, exist_ok=True)
        command = [shutil.which(program)] + [part.format(port=self.port, directory=directory) for part in command]
        with open(directory + ".log", "wb") as log:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self.connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=600)
        deadline = time.monotonic() + 60
        while True:
            with contextlib.suppress(OSError, http.client.HTTPException):
                if self.ask("GET", ready)[0] == 200:
                    return
            self.connection.close()
            if time.monotonic() > deadline or self.process.poll() is not None:
                sys.exit(f"store: {program} does not answer; see {directory}.log")
            time.sleep(0.1)

    def ask(self, method, path, body=None, **headers):
        """(status, bytes)."""
        self.connection.request(method, path, body, headers)
        answer = self.connection.getresponse()
        return answer.status, answer.read()

    def must(self, method, path, body=None, **headers):
        """Bytes."""
        status, text = self.ask(method, path, body, **headers)
        if status >= 300:
            sys.exit(f"store: {path[:80]} is answered with {status}: {text[:300]!r}")
        return text

    def cpu(self):
        """Seconds of user and system time so far."""
        with open(f"/proc/{self.process.pid}/stat", encoding="utf-8") as stat:
            fields = stat.read().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def peak(self):
        """The most memory it had, MiB."""
        with open(f"/proc/{self.process.pid}/status", encoding="utf-8") as status:
            return next(int(line.split()[1]) for line in status if line.startswith("VmHWM")) / 1024

    def end(self):
        """Ends it, and gives the CPU seconds of its whole life."""
        self.connection.close()
        self.process.terminate()
        _, _, usage = os.wait4(self.process.pid, 0)
        self.process.returncode = 0
        return usage.ru_utime + usage.ru_stime


def victoria(directory):
    """VictoriaMetrics; keeps everything, takes no points of its own."""
    return Server("victoria-metrics", ["-httpListenAddr=127.0.0.1:{port}", "-storageDataPath={directory}", "-retentionPeriod=100y",
                                       "-selfScrapeInterval=0", "-search.maxPointsPerTimeseries=1000000",
                                       "-search.disableCache", "-loggerLevel=WARN"], directory, "/health")


def prometheus(directory):
    """Prometheus; scrapes nothing, takes remote write."""
    config = directory + ".yml"
    with open(config, "w", encoding="utf-8") as text:
        text.write("scrape_configs: []\n")
    return Server("prometheus", ["--web.listen-address=127.0.0.1:{port}", "--storage.tsdb.path={directory}", "--config.file=" + config,
                                 "--web.enable-remote-write-receiver", "--web.enable-admin-api", "--log.level=warn",
                                 "--storage.tsdb.retention.time=100y", "--query.max-samples=100000000"], directory, "/-/ready")


def flush_victoria(server):
    """Everything into parts on disk, merged."""
    server.must("GET", "/internal/force_flush")
    server.must("GET", "/internal/force_merge")
    settle(server)


def settle(server):
    """Until it does nothing any more."""
    before = server.cpu()
    while True:
        time.sleep(1)
        now = server.cpu()
        if now - before < 0.02:
            return
        before = now


def snapshot_prometheus(server):
    """The head as a block; its directory."""
    answer = json.loads(server.must("POST", "/api/v1/admin/tsdb/snapshot"))
    return os.path.join(server.directory, "snapshots", answer["data"]["name"])


def query(path, **parameters):
    """A path with parameters."""
    return path + "?" + urllib.parse.urlencode(parameters)


def size(directory):
    """Bytes of all files, as long as they say they are."""
    return sum(os.path.getsize(os.path.join(at, file)) for at, _, files in os.walk(directory) for file in files)
