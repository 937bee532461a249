"""Gnocchi's own gabbi files over HTTP against any server that speaks its API; a fresh server for each file.

Run by scripts/conformance, which has the suite and the command of the server.

What the suite's own fixture (gnocchi/tests/functional/fixtures.py) offers, and a server has to:
  - a new, empty store for each file: no archive policies, no rules, no resource type but "generic"
  - basic authentication: the user's name is the creator, no password is looked at, "admin" has the role admin
  - pages of at most 7; http://foobar.com as the only foreign origin; /healthcheck outside of /v1
  - Forwarded and X-Forwarded-* are believed
  - it is mounted below /gnocchi (http-proxy-to-wsgi.yaml says so; all else works below any prefix)
  - measures are readable within a second, without ?refresh=true

Ends with 0 when all is as expected, 1 when not, 2 when a server did not start.
"""

import argparse
import glob
import json
import multiprocessing
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.error
import urllib.request

import yaml
from gabbi import handlers, httpclient, suitemaker, utils

OUTCOMES = ("passed", "failed", "skipped", "xfailed", "xpassed")
REQUEST_SECONDS = 60
STOP_SECONDS = 20


class AssertNAN(yaml.YAMLObject):
    """The suite's tag !AssertNAN: equal to any NaN, and to null where the server writes no bare NaN."""

    nan_as_null = False

    def __eq__(self, other):
        return other != other if isinstance(other, float) else other is None and AssertNAN.nan_as_null

    __hash__ = None

    def __repr__(self):
        return "<NaN>"


for _loader in (yaml.Loader, yaml.FullLoader, yaml.UnsafeLoader, yaml.SafeLoader):
    yaml.add_constructor("!AssertNAN", lambda loader, node: AssertNAN(), Loader=_loader)


# gabbi 4 sends "Accept: */*" where a test names none; the suite was written for gabbi 3, which sends no Accept at all.
# It matters: an error is plain text to no Accept, and HTML to "*/*"; the suite looks for the plain text.
_http_init = httpclient.Http.__init__


def _init_without_accept(self, **options):
    _http_init(self, **options)
    del self.client.headers["accept"]


httpclient.Http.__init__ = _init_without_accept


class Result(unittest.TestResult):
    """Takes down each test with its request and, when it did not pass, why."""

    def __init__(self):
        super().__init__()
        self.rows = []

    def _add(self, test, outcome, why=""):
        data = getattr(test, "test_data", None) or {}
        request = f"{data.get('method', '')} {data.get('url', '')}"
        self.rows.append({"test": data.get("name", str(test)), "request": request, "outcome": outcome, "why": why})

    @staticmethod
    def _why(error):
        text = "".join(str(one) for one in error[1].args) or str(error[1])
        return re.sub(r"\s+", " ", f"{error[0].__name__}: {text}")[:600]

    # pylint: disable=invalid-name,missing-function-docstring
    def addSuccess(self, test):
        self._add(test, "passed")

    def addSkip(self, test, reason):
        self._add(test, "skipped", reason)

    def addFailure(self, test, err):
        self._add(test, "failed", self._why(err))

    addError = addFailure

    def addExpectedFailure(self, test, err):
        self._add(test, "xfailed", self._why(err))

    def addUnexpectedSuccess(self, test):
        self._add(test, "xpassed", "the suite marks it as failing, and it passed")


class Server:
    """A server of its own below a new directory, up as soon as it is made."""

    def __init__(self, command, port, options):
        self.directory = tempfile.mkdtemp(prefix="telemetry-gabbi-")
        self.address = f"http://127.0.0.1:{port}{options.prefix}"
        self.log = os.path.join(self.directory, "log")
        places = {"{port}": str(port), "{datadir}": self.directory, "{prefix}": options.prefix}
        words = [re.sub(r"\{\w+\}", lambda found: places.get(found[0], found[0]), word) for word in shlex.split(command)]
        begun = time.monotonic()
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
        while not self.answers():
            if self.process.poll() is not None or time.monotonic() - begun > options.ready_seconds:
                status = self.process.poll()
                with open(self.log, encoding="utf-8", errors="replace") as log:
                    said = log.read()[-400:]
                self.stop()
                raise RuntimeError(f"the server does not answer; it ended with {status} and said: {said}")
            time.sleep(0.05)
        self.start_seconds = time.monotonic() - begun

    def answers(self):
        """Whether it answers, with what does not matter below 500."""
        try:
            with urllib.request.urlopen(self.address + "/", timeout=5):
                return True
        except urllib.error.HTTPError as error:
            return error.code < 500
        except OSError:
            return False

    def stop(self):
        """Ends it with TERM, and takes its directory away; whether its log tells of a panic is returned."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                os.killpg(self.process.pid, signal.SIGKILL)  # a session of its own, see above
                self.process.wait()
        with open(self.log, encoding="utf-8", errors="replace") as log:
            panic = re.search(r"thread .* panicked at .*(\n.*)?", log.read())
        shutil.rmtree(self.directory, ignore_errors=True)
        return panic and panic[0]


def run_file(path, address):
    """The rows of a file's tests."""
    host, port, prefix, _ = utils.host_info_from_target(address)
    tests = utils.load_yaml(yaml_file=path, safe=False)
    tests.pop("fixtures", None)  # the server's command is the fixture
    tests.setdefault("defaults", {}).setdefault("timeout", REQUEST_SECONDS)
    suite = suitemaker.test_suite_from_dict(
        unittest.TestLoader(), os.path.splitext(os.path.basename(path))[0], tests, os.path.dirname(path), host, port, None,
        None, prefix=prefix, handlers=[one() for one in handlers.RESPONSE_HANDLERS])
    result = Result()
    suite.run(result)
    return result.rows


def job(arguments):
    """A file's outcome, with a server of its own."""
    path, options = arguments
    AssertNAN.nan_as_null = options.nan_as_null
    found = {"file": os.path.basename(path), "rows": [], "error": "", "start_seconds": 0.0}
    worker = multiprocessing.current_process()._identity  # pylint: disable=protected-access
    server = None
    begun = time.monotonic()
    try:
        server = Server(options.server_cmd, options.port + (worker[0] - 1) % options.jobs, options)
        found["start_seconds"] = server.start_seconds
        begun = time.monotonic()
        found["rows"] = run_file(path, server.address)
    except Exception as error:  # pylint: disable=broad-exception-caught
        found["error"] = f"{type(error).__name__}: {error}"
    finally:
        found["seconds"] = time.monotonic() - begun
        if server and (panic := server.stop()):
            found["error"] = panic
    return found


def row(name, counts, rest=""):
    """A line of the table."""
    print(f"{name:<38}" + "".join(f"{counts[one]:>8}" for one in OUTCOMES) + rest, flush=True)


def main():
    """Runs what the arguments say."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--server-cmd", required=True, help="a command with {port}, {datadir} and {prefix}")
    parser.add_argument("--gabbits", required=True, help="the directory of the suite's files")
    parser.add_argument("--files", nargs="*", default=[], help="those to run, with or without .yaml; all when none is named")
    parser.add_argument("--prefix", default="/gnocchi", help="where the server is mounted (%(default)s)")
    parser.add_argument("--port", type=int, default=8042, help="the first of --jobs ports (%(default)s)")
    parser.add_argument("--jobs", type=int, default=1, help="how many files at a time (%(default)s)")
    parser.add_argument("--ready-seconds", type=float, default=90, help="how long a server may take to start (%(default)s)")
    parser.add_argument("--nan-as-null", action="store_true", help="the server writes null where the original writes NaN")
    parser.add_argument("--expect", action="append", default=[], metavar="OUTCOME=COUNT", help="how many tests, exactly")
    parser.add_argument("--json", metavar="FILE", help="writes each test's outcome there")
    options = parser.parse_args()

    wanted = {name.removesuffix(".yaml") for name in options.files}
    stem = lambda path: os.path.basename(path).removesuffix(".yaml")
    paths = [path for path in sorted(glob.glob(os.path.join(options.gabbits, "*.yaml"))) if not wanted or stem(path) in wanted]
    if unknown := wanted - {stem(path) for path in paths}:
        parser.error(f"the suite has no {', '.join(sorted(unknown))}")

    print(f"{'file':<38}" + "".join(f"{one:>8}" for one in OUTCOMES) + "   start s  tests s", flush=True)
    results = []
    with multiprocessing.Pool(options.jobs) as pool:
        for found in pool.imap_unordered(job, [(path, options) for path in paths], chunksize=1):
            found["counts"] = {one: sum(test["outcome"] == one for test in found["rows"]) for one in OUTCOMES}
            row(found["file"], found["counts"], f"{found['start_seconds']:>10.1f}{found['seconds']:>9.1f}")
            results.append(found)
            if found["error"]:
                print(f"    {found['error']}")
            for test in found["rows"]:
                if test["outcome"] not in ("passed", "xfailed"):
                    print(f"    {test['outcome']}: {test['test']} [{test['request']}]\n        {test['why']}", flush=True)
    total = {one: sum(found["counts"][one] for found in results) for one in OUTCOMES}
    row(f"{len(results)} files", total)
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump({"total": total, "files": sorted(results, key=lambda found: found["file"])}, file, indent=1)

    ok = not (total["failed"] or total["xpassed"])
    for name, count in (one.split("=") for one in options.expect):
        if total[name] != int(count):
            print(f"{count} tests are to be {name}, and {total[name]} are")
            ok = False
    return 2 if any(found["error"] for found in results) else 0 if ok else 1


if __name__ == "__main__":
    sys.exit(main())
