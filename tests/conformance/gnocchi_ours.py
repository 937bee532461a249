"""Our store by its command line, asked what a Gnocchi is asked: see gnocchi_cases.py for what is given and answered.

All that is known of the commands' words stands in COMMANDS.
"""

import calendar
import json
import os
import shutil
import subprocess
import tempfile
import time

from gnocchi_cases import SECOND, number
from peers import DEADLINE_SECONDS, TOOLS

PROGRAM = os.path.join(TOOLS, "telemetry-aggregate")
COMMANDS = {
    "policy": ["archive-policy", "create", "{name}"],
    "metric": ["metric", "create", "{name}", "--archive-policy-name", "{policy}"],
    "add": ["measures", "add", "{name}"],
    "show": ["measures", "show", "{name}", "--aggregation", "{method}", "-o", "jsonl"],
    "aggregates": ["aggregates", "{operations}", "-o", "jsonl"],
}


def able():
    """Whether the tool knows measures at all."""
    if not os.path.exists(PROGRAM):
        return False
    said = subprocess.run([PROGRAM, "measures", "--help"], capture_output=True, check=False).stdout
    return b"telemetry-aggregate measures" in said


class Ours:
    """A store of its own, gone at the end of the `with`."""

    def __enter__(self):
        self.directory = tempfile.mkdtemp(prefix="telemetry-store-")
        self.policies = {}
        # The ids of metrics, by their names.
        self.metrics = {}
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.directory)

    def run(self, command, *options, given="", **words):
        """(status, what it writes, what it says)."""
        words = [part.format(**words) for part in COMMANDS[command]]
        ended = subprocess.run([PROGRAM, *words, *options, "--store", os.path.join(self.directory, "store")], input=given, text=True,
                               capture_output=True, timeout=DEADLINE_SECONDS, check=False)
        return ended.returncode, ended.stdout, ended.stderr

    def must(self, *arguments, **named):
        """What it writes, where it must not fail."""
        status, out, said = self.run(*arguments, **named)
        if status != 0:
            raise RuntimeError(f"{arguments} ends with {status}: {said}")
        return out

    def metric(self, archive, posts, name=None):
        """Makes a metric and brings its measures, call by call; its name."""
        key = json.dumps(archive)
        if key not in self.policies:
            self.policies[key] = f"policy-{len(self.policies)}"
            options = ["--back-window", str(archive["back_window"])]
            for method in archive["aggregation_methods"]:
                options += ["--aggregation-method", method]
            for one in archive["definition"]:
                points = f",points:{one['points']}" if one["points"] else ""
                options += ["--definition", f"granularity:{one['granularity'] // SECOND}s{points}"]
            self.must("policy", *options, name=self.policies[key])
        name = name or f"metric-{len(self.metrics)}"
        self.metrics[name] = json.loads(self.must("metric", name=name, policy=self.policies[key]))["id"]
        for call in posts:
            self.must("add", name=name, given=json.dumps([{"timestamp": iso(when), "value": value} for when, value in call]))
        return name

    def measures(self, name, method, start=None, stop=None, granularity=None, resample=None):
        """Rows of [start, granularity, value], coarse first."""
        return rows(self.must("show", *options(start=start, stop=stop, granularity=granularity, resample=resample),
                              name=name, method=method))

    def aggregates(self, operations, **given):
        """(whether it is answered, {(metric, method) or (None, None): rows}, what it says)."""
        # Operations name metrics by their ids; no other word of them is a metric's name.
        words = operations.replace("(", "( ").replace(")", " )").split()
        status, out, said = self.run("aggregates", *options(**given), operations=" ".join(self.metrics.get(word, word) for word in words))
        names = {metric: name for name, metric in self.metrics.items()}
        found = {}
        for line in out.splitlines():
            one = json.loads(line)
            found.setdefault((names.get(one.get("metric")), one.get("aggregation")), []).append(line)
        return status == 0, {key: rows("\n".join(lines)) for key, lines in found.items()}, said


def options(**given):
    """Ranges and the like as options."""
    found = []
    for name, value in given.items():
        if value is not None:
            text = iso(value) if name in ("start", "stop") else f"{value / SECOND:.9g}s" if name in ("granularity", "resample") else value
            found.append(f"--{name.replace('_', '-')}={text}")
    return found


def rows(lines):
    """JSON lines of measures as [ns, granularity ns, value]."""
    found = []
    for line in lines.splitlines():
        one = json.loads(line)
        # What is no finite number is a text: "NaN", "Infinity".
        found.append([ns(one["timestamp"]), round(float(one["granularity"]) * SECOND), number(float(one["value"]))])
    return found


def iso(when):
    """A time with all its nanoseconds."""
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(when // SECOND)) + f".{when % SECOND:09}Z"


def ns(text):
    """A time of whole seconds."""
    return calendar.timegm(time.strptime(text[:19], "%Y-%m-%dT%H:%M:%S")) * SECOND
