"""Every command of the real gnocchiclient 7.2.0, each answer as a real Gnocchi 4.7.1's. See recording.py."""

import contextlib
import io
import json
import logging
import os
import re
import shlex
import sys
import tempfile
import warnings

warnings.filterwarnings("ignore")

# pylint: disable=wrong-import-position
import futurist
from gnocchiclient import benchmark
from gnocchiclient.shell import GnocchiCommandManager, GnocchiShell

import recording
from peers import equal

# Its benchmarks start processes, for which it pickles a session of keystoneauth1, which cannot be pickled since that has
# a lock: with any server they end with an error. Threads do the same requests.
benchmark.BenchmarkPool.__bases__ = (futurist.ThreadPoolExecutor,)

VM = "5a1d9f6e-1111-5111-8111-000000000001"
VM2 = "5a1d9f6e-1111-5111-8111-000000000002"
MINUTE = ["2015-03-06T14:33:00", "2015-03-06T14:34:00", "2015-03-06T14:38:00", "2015-03-06T14:40:00"]


class Gnocchi:
    """The program `gnocchi` in this process: starting Python for each call takes two seconds."""

    def __init__(self, address, book, user="admin"):
        self.options = ["--os-auth-type", "gnocchi-basic", "--user", user, "--endpoint", address]
        self.book = book
        self.used = set()

    def run(self, command):
        """(exit status, standard output, and standard error when it failed)."""
        words = shlex.split(command)
        self.used |= {name for name in GnocchiCommandManager.SHELL_COMMANDS if words[:len(name.split())] == name.split()}
        sys.argv = ["gnocchi", *self.options, *words]  # where it looks for the kind of authentication
        out, error = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(error):
            try:
                status = GnocchiShell().run([*self.options, *words])
            except SystemExit as end:
                status = end.code
        logging.getLogger().handlers.clear()
        return status, out.getvalue() + (error.getvalue() if status else "")

    def __call__(self, command, prepare=lambda answer: answer, quiet=False):
        """What a command answers as JSON; taken down as `prepare` leaves it."""
        status, out = self.run(command if quiet else f"{command} -f json")
        try:
            answer = json.loads(out)
        except ValueError:
            answer = out.strip()
        self.book.take(f"gnocchi {command}", [status, prepare(answer) if status == 0 else answer])
        return answer

    def refused(self, command):
        """A command whose refusal is in the words of a library of the original's: only its status counts."""
        status, out = self.run(command)
        self.book.take(f"gnocchi {command}", [status, re.findall(r"\(HTTP \d+\)", out)])

    def no(self, command):
        """A command that answers nothing, or is refused."""
        return self(command, quiet=True)


def counts_of(answer):
    """What of a benchmark is the same in each run: its columns and its counts."""
    counts = ("executed", "failures", "measures per request", "client workers")
    return {name: value if name.endswith(counts) else recording.shape(value) for name, value in answer.items()}


def scenario(address, book):
    """All commands, in an order in which each finds what it needs."""
    run = Gnocchi(address, book)
    columns = lambda *names: lambda answer: book.sorted([{name: one[name] for name in names} for one in answer])
    with tempfile.TemporaryDirectory() as scratch:
        run("server version", recording.shape)
        run("capabilities list", lambda answer: {name: sorted(value) for name, value in answer.items()})
        run("status", lambda answer: {name: recording.shape(value) for name, value in answer.items()})
        policies(run)
        types_and_resources(run, book, columns)
        metrics(run, book, columns)
        measures(run, scratch)
        aggregates(run)
        benchmarks(run)
        removal(run)
    equal("every command of gnocchiclient was used", sorted(set(GnocchiCommandManager.SHELL_COMMANDS) - run.used), [])


def policies(run):
    """archive-policy and archive-policy-rule."""
    run("archive-policy list", lambda answer: sorted(answer, key=lambda one: one["name"]))
    run("archive-policy show low")
    run("archive-policy create fine -d granularity:60,points:60 -d granularity:3600,timespan:7d -b 2 -m mean -m max -m count")
    run("archive-policy create text -d granularity:1m,timespan:1h -m rate:mean -m 95pct -m last")
    run("archive-policy show fine")
    run("archive-policy update fine -d granularity:60,points:120 -d granularity:3600,timespan:14d")
    run("archive-policy create fine -d granularity:60,points:60")
    run("archive-policy create odd -d granularity:60,points:60 -m nonsense")
    run("archive-policy update nowhere -d granularity:60,points:60")
    run("archive-policy-rule create disks -a fine -m 'disk.*'")
    run("archive-policy-rule create nothing -a nowhere -m 'x.*'")
    run("archive-policy-rule show disks")
    run("archive-policy-rule update disks -n drives")
    run("archive-policy-rule list", lambda answer: sorted(answer, key=lambda one: one["name"]))
    run.no("archive-policy-rule delete disks")
    run.no("archive-policy delete low")


def types_and_resources(run, book, columns):
    """resource-type and resource, without their ends."""
    run("resource-type create vm -a host:string:true:max_length=64 -a vcpus:number:false:min=1 -a up:bool:false -a flavor:uuid:false")
    run("resource-type create vm")
    run("resource-type show vm")
    run("resource-type update vm -a zone:string:true:fill=north -r up")
    run("resource-type list", lambda answer: sorted(answer, key=lambda one: one["name"]))
    run(f"resource create {VM} -t vm -a host:compute-1 -a vcpus:2 -a zone:south -n cpu:fine -n disk.read")
    run(f"resource create {VM2} -t vm -a host:compute-2 -a zone:north -n cpu:fine")
    run(f"resource create {VM} -t vm -a host:compute-1 -a zone:south")
    run(f"resource create {VM}x/ -t vm -a host:compute-1 -a zone:south")
    run("resource create vm/by/name -t vm -a host:h -a zone:z")
    run("resource create 'a name of its own' -a project_id:p-1 -a user_id:u-1 -a started_at:2015-03-06T14:00:00")
    run("resource create wrong -t vm -a vcpus:2")
    run("resource create wrong -t vm -a host:h -a zone:z -a vcpus:0")
    run("resource create wrong -t nothing")
    run(f"resource show {VM}")
    run(f"resource show {VM} -t vm")
    run("resource show 'a name of its own'")
    run("resource show nobody")
    run(f"resource update {VM} -t vm -a host:compute-9 -d disk.read -n memory:fine")
    run(f"resource update {VM} -t vm -a host:{'x' * 65}")
    run(f"resource update {VM} -t vm -d nothing")
    run(f"resource history {VM} -t vm --sort revision_start:asc", lambda rows: [{name: one.get(name) for name in (
        "id", "type", "host", "zone", "vcpus", "revision_start", "revision_end", "metrics")} for one in rows])
    run("resource list --sort id:asc")
    run("resource list -t vm --details --sort host:desc")
    run("resource list --limit 1 --sort original_resource_id:desc")
    run(f"resource list --marker {VM} --sort id:asc", columns("id"))
    run("resource search -t vm \"host = 'compute-2'\"")
    run("resource search -t vm \"host like 'compute-%' and not (zone = 'south')\"", columns("id", "host"))
    run("resource search -t vm 'vcpus > 1 or zone in [north]'", columns("id", "host"))
    run("resource search 'colour = red'")
    run.refused("resource search -t vm 'host ='")


def metrics(run, book, columns):
    """metric."""
    run.plain = run("metric create -a text")["id"]
    run("metric create temperature -u C")
    run(f"metric create load -r {VM} -a text -u jobs")
    run(f"metric create load -r {VM} -a text")
    run("metric create nothing -a nowhere")
    run("metric create nothing -r 5a1d9f6e-1111-5111-8111-00000000000f -a low")
    run(f"metric show {run.plain}")
    run(f"metric show cpu -r {VM}")
    run(f"metric show nothing -r {VM}")
    run("metric show 5a1d9f6e-1111-5111-8111-00000000000f")
    run("metric list", columns("archive_policy/name", "name", "unit", "resource_id"))
    run("metric list --limit 2 --sort name:asc", lambda answer: [one["name"] for one in answer])


def measures(run, scratch):
    """measures, but for their aggregation."""
    add = " ".join(f"-m {when}@{value}" for when, value in zip(MINUTE, (2, 6, 5.5, 0)))
    run.no(f"measures add cpu -r {VM} {add}")
    run.no(f"measures add {run.plain} {add}")
    run.no(f"measures add {run.plain} -m nonsense@3")
    run.no(f"measures add nothing -r {VM} {add}")
    shown = f"cpu -r {VM} --utc --refresh"
    run(f"measures show {shown}")
    run(f"measures show {shown} --aggregation max --granularity 60")
    run(f"measures show {shown} --aggregation count --start 2015-03-06T14:34:00 --stop 2015-03-06T14:40:00")
    run(f"measures show {shown} --granularity 60 --resample 180")
    run(f"measures show {shown} --granularity 7")
    run(f"measures show {shown} --aggregation sum")
    for method in ("rate:mean", "95pct", "last"):
        run(f"measures show {run.plain} --utc --refresh --aggregation {method}")
    path = os.path.join(scratch, "batch.json")
    batches = {
        "batch-metrics": {run.plain: [{"timestamp": "2015-03-06T14:41:00", "value": 9}]},
        "batch-resources-metrics": {VM2: {"cpu": [{"timestamp": when, "value": 12} for when in MINUTE]}},
        "batch-resources-metrics --create-metrics": {VM2: {"disk.write": [{"timestamp": "1425652440", "value": "3.5"}]}},
    }
    for command, body in batches.items():
        with open(path, "w", encoding="utf-8") as file:
            json.dump(body, file)
        words = command.split()
        status, out = run.run(" ".join(["measures", *words, path]))
        run.book.take(f"gnocchi measures {command} FILE", [status, out])
    run(f"measures show {run.plain} --utc --refresh --aggregation last --start 2015-03-06T14:40:00")
    run(f"measures show disk.write -r {VM2} --utc --refresh")


def aggregates(run):
    """measures aggregation, and aggregates."""
    common = "--granularity 60 --aggregation mean --refresh --utc"
    run(f"measures aggregation -m cpu --query \"host like 'compute-%'\" --resource-type vm --reaggregation sum {common}")
    run(f"measures aggregation -m cpu --query 'zone = south or zone = north' --resource-type vm --groupby host {common}")
    run(f"measures aggregation -m cpu --query 'host = nobody' --resource-type vm {common}")
    run(f"measures aggregation -m {run.plain} --aggregation last --refresh --utc --start 2015-03-06T14:40:00")
    run(f"measures aggregation -m cpu --query \"host like 'compute-%'\" --resource-type vm --fill 0 --resample 300 {common}")
    run(f"aggregates '(metric {run.plain} last)'")
    run(f"aggregates '(* 2 (metric {run.plain} last))' --start 2015-03-06T14:38:00 --stop 2015-03-06T14:41:00")
    run.refused(f"aggregates '(aggregate sum (metric {run.plain} (last 95pct)))'")
    run("aggregates '(aggregate mean (metric cpu mean))' \"host like 'compute-%'\" --resource-type vm --granularity 60")
    run("aggregates '(metric cpu max)' 'zone = south or zone = north' --resource-type vm --groupby host --granularity 3600")
    run("aggregates '(metric cpu nonsense)' \"host like 'compute-%'\" --resource-type vm")
    run.refused("aggregates '(aggregate mean'")
    run("aggregates '(metric 5a1d9f6e-1111-5111-8111-00000000000f mean)'")


def benchmarks(run):
    """benchmark, each with very few calls."""
    run("benchmark metric create -n 4 -w 2 -a low", counts_of)
    run(f"benchmark metric show {run.plain} -n 4 -w 2", counts_of)
    run(f"benchmark measures add {run.plain} -n 40 -b 10 -w 2 --wait -s 2015-03-07T00:00:00 -e 2015-03-07T01:00:00",
        lambda answer: {name: value for name, value in counts_of(answer).items() if "wait" not in name})
    run(f"benchmark measures show {run.plain} -n 4 -w 2 --aggregation last --start 2015-03-06T14:00:00 "
        "--stop 2015-03-06T15:00:00", counts_of)


def removal(run):
    """The ends of what was made."""
    run.no("archive-policy delete fine")
    run.no("resource-type delete vm")
    run.no(f"metric delete {run.plain}")
    run.no(f"metric delete {run.plain}")
    run.no(f"metric delete load -r {VM}")
    run.no(f"resource delete {VM}")
    run.no(f"resource delete {VM}")
    run("resource batch delete -t vm \"host like 'compute-%'\"")
    run("resource batch delete -t vm 'host = nobody'")
    # The type itself stays: in Gnocchi the history of a resource that is no more still uses it.
    run("resource-type create switch -a port:number:false")
    run.no("resource-type delete switch")
    run.no("resource-type delete switch")
    run.no("archive-policy delete nowhere")
    run.no("archive-policy-rule delete drives")
    run.no("archive-policy-rule delete drives")


recording.main(scenario, "gnocchi_client.jsonl.gz")
