"""What the tests against real programs share: our tools as processes, and checks that go on behind a failure."""

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
TOOLS = os.environ.get("TELEMETRY_TOOLS", os.path.join(ROOT, "target", "debug"))
# A loaded machine of two cores is slow, and a test that hangs must still end.
DEADLINE_SECONDS = 60

failures = []


def check(name, ok, why=""):
    """Takes down whether something holds."""
    print(f"{'ok      ' if ok else 'NOT OK  '}{name}" + (f": {why}" if why and not ok else ""), flush=True)
    if not ok:
        failures.append(name)


def equal(name, found, expected):
    """Takes down whether two values are the same, and where they differ."""
    check(name, found == expected, f"\n    found    {found!r}\n    expected {expected!r}")


def finish():
    """Ends the process: 1 when anything did not hold."""
    print(f"{len(failures)} of the checks failed" if failures else "all checks hold", flush=True)
    sys.exit(1 if failures else 0)


def skip(why):
    """Ends the process: it could not be checked. scripts/test takes 77 for that, as automake does."""
    print(f"SKIPPED: {why}", flush=True)
    sys.exit(77)


def wait_for(what, holds, seconds=DEADLINE_SECONDS):
    """Polls until `holds` gives something true, and returns it; takes down a failure when it does not in time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = holds()
        if found:
            return found
        time.sleep(0.02)
    check(what, False, f"not so after {seconds} s")
    return None


def need(program):
    """The path of a program, or the end of this test."""
    path = shutil.which(program) or shutil.which(program, path="/usr/sbin:/usr/local/sbin")
    return path or skip(f"there is no {program} (apt-get install it)")


class Listen:
    """A telemetry-listen that writes what it takes to a file."""

    def __init__(self, *arguments, env=None):
        self.directory = tempfile.mkdtemp(prefix="telemetry-peers-")
        self.path = os.path.join(self.directory, "out.jsonl")
        self.said = os.path.join(self.directory, "said")
        with open(self.path, "wb") as out, open(self.said, "wb") as err:
            self.process = subprocess.Popen(
                [os.path.join(TOOLS, "telemetry-listen"), "--stats", os.path.join(self.directory, "books"), *arguments],
                stdin=subprocess.DEVNULL, stdout=out, stderr=err, env={**os.environ, **(env or {})})
        if any("://" in argument and not argument.startswith("amqp") for argument in arguments):
            wait_for("telemetry-listen listens", lambda: self.ports() or self.process.poll() is not None)

    def ports(self):
        """The ports it listens on, in the order of its sources."""
        with open(self.said, encoding="utf-8") as said:
            return [int(port) for port in re.findall(r"listening on \S*:(\d+)$", said.read(), re.M)]

    def port(self):
        """The first of them."""
        return self.ports()[0]

    def records(self):
        """The records it has written so far."""
        with open(self.path, encoding="utf-8") as lines:
            return [json.loads(line) for line in lines if line.endswith("\n")]

    def wait_for_records(self, count):
        """The records, when there are `count` of them."""
        wait_for(f"{count} records arrive", lambda: len(self.records()) >= count)
        return self.records()

    def end(self):
        """Ends it with TERM; its books, and what it said are returned."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            self.status = self.process.wait(DEADLINE_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.status = None
            check("telemetry-listen ends when it is told to", False)
        with open(self.said, encoding="utf-8") as said:
            self.messages = said.read()
        books = os.path.join(self.directory, "books")
        found = {}
        with contextlib.suppress(OSError, ValueError), open(books, encoding="utf-8") as text:
            found = json.load(text)
        self.last_records = self.records()
        shutil.rmtree(self.directory)
        return found


def publish(arguments, records, status=0):
    """Runs telemetry-publish over `records`; what it said."""
    text = "".join(json.dumps(record) + "\n" for record in records)
    ended = subprocess.run([os.path.join(TOOLS, "telemetry-publish"), *arguments], input=text, text=True,
                           capture_output=True, timeout=DEADLINE_SECONDS, check=False)
    check(f"telemetry-publish {' '.join(arguments)} ends with {status}", ended.returncode == status,
          f"{ended.returncode}: {ended.stderr}")
    return ended


@contextlib.contextmanager
def running(command, **options):
    """A process of somebody else, ended at the end."""
    process = subprocess.Popen(command, **options)
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
